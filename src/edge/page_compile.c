/*
 * page_compile.c - from a template's bytes to steps, with the first mistake named by its line.
 */
#include "page_compile.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/defs.h"
#include "base/err.h"
#include "page_place.h"
#include "page_template.h"

#define STYLE_END "</style"

enum {
    NAMES_BYTES_MAX = 512,
    DIGEST_BASE64_BYTES = 4 * ((SHA256_DIGEST_LENGTH + 2) / 3) + 1,
    TEXT_BYTES_MAX = 2 * PAGE_SOURCE_BYTES_MAX, /* what is written, and the style sheet once */
};

struct section {
    size_t op;
    unsigned line;
    struct page_place place; /* where it began */
};

struct compiler {
    const struct page_source *source;
    struct slice rest;
    unsigned line;
    struct page_place place;
    struct buf text;
    size_t literal_at; /* of text: what no step appends yet */
    size_t style_at;   /* of text: where the style begins; 0: there is none */
    size_t style_size;
    bool has_sheet;
    struct page_op ops[PAGE_OPS_MAX];
    size_t op_count;
    struct section sections[PAGE_DEPTH_MAX];
    size_t depth;
};

static bool compile(struct compiler *compiler, struct err *err);
static bool take_byte(struct compiler *compiler, char c, struct err *err);
static bool skip_comment(struct compiler *compiler, struct err *err);
static bool take_tag(struct compiler *compiler, struct err *err);
static bool take_sheet(struct compiler *compiler, struct err *err);
static bool take_value(struct compiler *compiler, enum page_value value, struct err *err);
static bool begin_section(struct compiler *compiler, enum page_value value, bool is_unless,
                          struct err *err);
static bool end_section(struct compiler *compiler, enum page_value value, struct err *err);
static void write_policy(const struct compiler *compiler, char policy[PAGE_POLICY_BYTES_MAX]);

struct page_template *page_template_compile(const struct page_source *source, struct err *err) {
    struct compiler *compiler = calloc(1, sizeof(*compiler));
    struct page_template *template = NULL;
    ENSURE(compiler != NULL);
    compiler->source = source;
    compiler->rest = source->html;
    compiler->line = 1;
    compiler->place = page_place_begin();
    buf_init(&compiler->text, TEXT_BYTES_MAX);
    if (compile(compiler, err)) {
        template = calloc(1, sizeof(*template));
        ENSURE(template != NULL);
        template->op_count = compiler->op_count;
        template->ops = calloc(compiler->op_count + 1, sizeof(*template->ops));
        template->text = malloc(compiler->text.size + 1);
        ENSURE(template->ops != NULL && template->text != NULL);
        memcpy(template->ops, compiler->ops, compiler->op_count * sizeof(*template->ops));
        if (compiler->text.size > 0) {
            memcpy(template->text, compiler->text.data, compiler->text.size);
        }
        write_policy(compiler, template->policy);
    } else {
        err_prefix(err, "%s:%u", source->name, compiler->line);
    }
    buf_fini(&compiler->text);
    free(compiler);
    return template;
}

/* --- steps ---------------------------------------------------------------------------------- */

static bool add_op(struct compiler *compiler, struct page_op op, struct err *err) {
    if (compiler->op_count == PAGE_OPS_MAX) {
        return err_set(err, "more than %d values, sections and texts between them", PAGE_OPS_MAX);
    }
    compiler->ops[compiler->op_count++] = op;
    return true;
}

/* What was read since the last step becomes one. */
static bool end_literal(struct compiler *compiler, struct err *err) {
    size_t size = compiler->text.size - compiler->literal_at;
    struct page_op op = {
        .kind = PAGE_OP_LITERAL, .at = (uint32_t)compiler->literal_at, .size = (uint32_t)size};
    compiler->literal_at = compiler->text.size;
    return size == 0 || add_op(compiler, op, err);
}

/* --- reading -------------------------------------------------------------------------------- */

static bool check_size(const struct compiler *compiler, struct err *err) {
    const struct page_source *source = compiler->source;
    if (source->html.size > PAGE_SOURCE_BYTES_MAX || source->style.size > PAGE_SOURCE_BYTES_MAX) {
        return err_set(err, "more than the %d bytes that are allowed", PAGE_SOURCE_BYTES_MAX);
    }
    return true;
}

/* One byte, comment or {{...}}. */
static bool compile_next(struct compiler *compiler, struct err *err) {
    struct slice rest = compiler->rest;
    if (compiler->place.state == PAGE_IN_TEXT && slice_starts_with(rest, SLICE("<!--"))) {
        return skip_comment(compiler, err);
    }
    if (slice_starts_with(rest, SLICE("{{"))) {
        return take_tag(compiler, err);
    }
    size_t size = slice_utf8_size(rest);
    if (size == 0 || rest.data[0] == '\0') {
        return err_set(err, "a byte that is not UTF-8 text");
    }
    for (size_t i = 0; i < size; i++) {
        if (!take_byte(compiler, rest.data[i], err)) {
            return false;
        }
    }
    compiler->rest = slice_from(rest, size);
    compiler->line += rest.data[0] == '\n';
    return true;
}

static bool compile(struct compiler *compiler, struct err *err) {
    if (!check_size(compiler, err)) {
        return false;
    }
    while (compiler->rest.size > 0) {
        if (!compile_next(compiler, err)) {
            return false;
        }
    }
    if (compiler->depth > 0) {
        const struct section *open = &compiler->sections[compiler->depth - 1];
        compiler->line = open->line;
        return err_set(err, "{{#%s}} is not ended by {{/%s}}",
                       page_value_name(compiler->ops[open->op].value),
                       page_value_name(compiler->ops[open->op].value));
    }
    return page_place_end(&compiler->place, err) && end_literal(compiler, err);
}

/* A byte that goes to the reader as it is. Browsers read a CR as a line's end, or as none before
 * an LF; so that the style's hash is theirs, there is none. */
static bool take_byte(struct compiler *compiler, char c, struct err *err) {
    bool was_in_style = compiler->place.state == PAGE_IN_STYLE;
    if (c == '\r') {
        return true;
    }
    if (!page_place_take(&compiler->place, c, err)) {
        return false;
    }
    if (was_in_style && compiler->place.state != PAGE_IN_STYLE) {
        compiler->style_size = compiler->text.size - (sizeof(STYLE_END) - 1) - compiler->style_at;
    }
    ENSURE(buf_append_char(&compiler->text, c)); /* as many as were read */
    if (!was_in_style && compiler->place.state == PAGE_IN_STYLE) {
        if (compiler->style_at != 0) {
            return err_set(err, "a second <style>: a page has one");
        }
        compiler->style_at = compiler->text.size;
    }
    return true;
}

static unsigned count_lines(struct slice s) {
    unsigned lines = 0;
    for (size_t i = 0; i < s.size; i++) {
        lines += s.data[i] == '\n';
    }
    return lines;
}

static bool skip_comment(struct compiler *compiler, struct err *err) {
    size_t end = slice_find(compiler->rest, SLICE("-->"));
    if (end == SIZE_MAX) {
        return err_set(err, "<!-- without its -->");
    }
    compiler->line += count_lines(slice_first(compiler->rest, end));
    compiler->rest = slice_from(compiler->rest, end + 3);
    if (compiler->text.size == 0 && slice_starts_with(compiler->rest, SLICE("\n"))) {
        compiler->rest = slice_from(compiler->rest, 1); /* the page begins behind its head */
        compiler->line++;
    }
    return true;
}

/* --- {{...}} -------------------------------------------------------------------------------- */

static bool refuse_name(struct slice name, struct err *err) {
    char bytes[NAMES_BYTES_MAX];
    struct buf names = buf_over(bytes, sizeof(bytes));
    for (enum page_value value = 0; value < PAGE_VALUE_COUNT; value++) {
        buf_append_char(&names, ' ');
        buf_append(&names, slice_of(page_value_name(value)));
    }
    return err_set(err, "{{%.*s}}: there is no such value, but:%.*s",
                   SLICE_ARG(slice_first(name, PAGE_NAME_BYTES_MAX)), SLICE_ARG(buf_slice(&names)));
}

static bool take_tag(struct compiler *compiler, struct err *err) {
    struct slice inside = slice_from(compiler->rest, 2);
    size_t end = slice_find(inside, SLICE("}}"));
    if (end == SIZE_MAX) {
        return err_set(err, "{{ without its }}");
    }
    struct slice name = slice_trim(slice_first(inside, end));
    char sign = name.size > 0 ? name.data[0] : '\0';
    bool is_signed = sign == '#' || sign == '^' || sign == '/';
    compiler->rest = slice_from(inside, end + 2);
    if (slice_equal(name, SLICE("style"))) {
        return take_sheet(compiler, err);
    }
    name = is_signed ? slice_trim(slice_from(name, 1)) : name;
    enum page_value value = page_value_find(name);
    if (value == PAGE_VALUE_COUNT) {
        return refuse_name(name, err);
    }
    if (sign == '/') {
        return end_section(compiler, value, err);
    }
    return is_signed ? begin_section(compiler, value, sign == '^', err)
                     : take_value(compiler, value, err);
}

static bool take_sheet(struct compiler *compiler, struct err *err) {
    struct slice sheet = compiler->source->style;
    if (compiler->place.state != PAGE_IN_STYLE || compiler->has_sheet) {
        return err_set(err, "{{style}} stands within <style>, once");
    }
    compiler->has_sheet = true;
    while (sheet.size > 0) {
        size_t size = slice_utf8_size(sheet);
        for (size_t i = 0; i < size; i++) {
            if (!take_byte(compiler, sheet.data[i], err)) {
                return false;
            }
        }
        if (size == 0 || sheet.data[0] == '\0' || compiler->place.end_size > 1) {
            return err_set(err, "{{style}}: the style sheet holds \"</\" or is not UTF-8 text");
        }
        sheet = slice_from(sheet, size);
    }
    return true;
}

static bool has_beginning_of_address(const struct page_place *place) {
    struct slice prefix = slice_make(place->prefix, place->prefix_size);
    return place->has_value || slice_starts_with(prefix, SLICE("/")) ||
           slice_starts_with(prefix, SLICE("?")) || slice_starts_with(prefix, SLICE("#")) ||
           slice_starts_with(prefix, SLICE("https://")) ||
           slice_starts_with(prefix, SLICE("http://"));
}

/* In an address: a whole one at its beginning, or a text behind a beginning that says where it
 * leads. */
static bool take_in_address(struct compiler *compiler, enum page_value value,
                            enum page_op_kind *kind, struct err *err) {
    struct page_place *place = &compiler->place;
    const char *name = page_value_name(value);
    if (page_value_kind(value) == PAGE_VALUE_URL) {
        if (place->prefix_size > 0 || place->has_value) {
            return err_set(err, "{{%s}} is a whole address: it stands at the beginning", name);
        }
        place->has_value = true;
        return true;
    }
    if (!has_beginning_of_address(place)) {
        return err_set(err, "{{%s}} is no address: it stands behind https:// or / or ? or #", name);
    }
    *kind = PAGE_OP_PERCENT;
    return true;
}

static bool take_value(struct compiler *compiler, enum page_value value, struct err *err) {
    const struct page_place *place = &compiler->place;
    enum page_op_kind kind = PAGE_OP_ESCAPED;
    const char *name = page_value_name(value);
    if (page_value_kind(value) == PAGE_VALUE_FLAG) {
        return err_set(err, "{{%s}} is no text: write {{#%s}}...{{/%s}}", name, name, name);
    }
    if (!page_place_is_free(place) ||
        (place->state == PAGE_IN_QUOTES && place->attribute == PAGE_ATTRIBUTE_FIXED)) {
        return err_set(err,
                       "{{%s}} cannot stand here: values stand in text and within the quotes of "
                       "attributes, not in <style>, tags or lists of addresses",
                       name);
    }
    if (place->state == PAGE_IN_QUOTES && place->attribute == PAGE_ATTRIBUTE_URL &&
        !take_in_address(compiler, value, &kind, err)) {
        return false;
    }
    return end_literal(compiler, err) &&
           add_op(compiler, (struct page_op){.kind = kind, .value = value}, err);
}

static bool begin_section(struct compiler *compiler, enum page_value value, bool is_unless,
                          struct err *err) {
    struct page_op op = {.kind = is_unless ? PAGE_OP_UNLESS : PAGE_OP_SECTION, .value = value};
    if (!page_place_is_free(&compiler->place)) {
        return err_set(err, "{{#%s}} cannot begin here: sections stand in text or within quotes",
                       page_value_name(value));
    }
    if (compiler->depth == PAGE_DEPTH_MAX) {
        return err_set(err, "more than %d sections within each other", PAGE_DEPTH_MAX);
    }
    if (!end_literal(compiler, err) || !add_op(compiler, op, err)) {
        return false;
    }
    compiler->sections[compiler->depth++] = (struct section){
        .op = compiler->op_count - 1, .line = compiler->line, .place = compiler->place};
    return true;
}

/* Shown or not, what follows stands where the section began: else the places of all values behind
 * it would be guesses. */
static bool end_section(struct compiler *compiler, enum page_value value, struct err *err) {
    const char *name = page_value_name(value);
    struct section *open = compiler->depth > 0 ? &compiler->sections[compiler->depth - 1] : NULL;
    if (open == NULL || compiler->ops[open->op].value != value) {
        return err_set(err, "{{/%s}} ends no section; open is %s", name,
                       open == NULL ? "none" : page_value_name(compiler->ops[open->op].value));
    }
    if (!page_place_equal(&open->place, &compiler->place)) {
        return err_set(err,
                       "{{/%s}}: a section ends where it begins, in text or within the same quotes "
                       "(it began in line %u)",
                       name, open->line);
    }
    if (!end_literal(compiler, err)) {
        return false;
    }
    compiler->ops[open->op].end = (uint32_t)compiler->op_count;
    compiler->depth--;
    return true;
}

/* --- the policy ----------------------------------------------------------------------------- */

static void write_policy(const struct compiler *compiler, char policy[PAGE_POLICY_BYTES_MAX]) {
    static const char rest[] = "img-src 'self' https:; base-uri 'none'; form-action 'none'; "
                               "frame-ancestors 'none'";
    unsigned char digest[SHA256_DIGEST_LENGTH];
    unsigned char text[DIGEST_BASE64_BYTES];
    if (compiler->style_at == 0) {
        snprintf(policy, PAGE_POLICY_BYTES_MAX, "default-src 'none'; %s", rest);
        return;
    }
    const char *style = compiler->text.data + compiler->style_at;
    SHA256((const unsigned char *)style, compiler->style_size, digest);
    EVP_EncodeBlock(text, digest, SHA256_DIGEST_LENGTH);
    snprintf(policy, PAGE_POLICY_BYTES_MAX, "default-src 'none'; style-src 'sha256-%s'; %s",
             (const char *)text, rest);
}
