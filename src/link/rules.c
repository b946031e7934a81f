/*
 * rules.c - the list as a whole: parsed, packed into one block, and written out again.
 *
 *   struct rules │ struct rule, one after the other │ words, parameters and texts as they come
 *
 * The block's size is found by packing into nothing first: so the reading (rules_read.c), which is
 * where things can be wrong, runs twice, and the second time nothing can.
 */
#include "link/rules.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/defs.h"
#include "base/err.h"
#include "rules_private.h"

enum { ALIGNMENT = sizeof(void *), DEFAULT_NAME_BYTES = 16 };

_Static_assert(_Alignof(struct rule) <= ALIGNMENT, "a block is aligned for all of its parts");

static bool read_all(const json_t *root, struct rules_reader *reader, struct rule *rules);

struct rules *rules_create(struct slice json, const struct rules_terms *terms, struct err *err) {
    json_t *root = rules_parse(json, err);
    size_t size = root != NULL ? rules_pack(root, terms, NULL, err) : 0;
    struct rules *rules = NULL;
    if (size > 0) {
        rules = malloc(size);
        ENSURE(rules != NULL);
        ENSURE(rules_pack(root, terms, rules, NULL) == size);
    }
    json_decref(root);
    return rules;
}

void rules_destroy(struct rules **rules) {
    free(*rules);
    *rules = NULL;
}

bool rules_normalize(struct slice json, const struct rules_terms *terms, struct buf *out,
                     struct err *err) {
    json_t *root = rules_parse(json, err);
    bool good = root != NULL && rules_pack(root, terms, NULL, err) > 0;
    size_t size = out->size;
    if (good && !rules_dump(root, out)) {
        out->size = size;
        good = err_set(err, "there is no room for it");
    }
    json_decref(root);
    return good;
}

/* Duplicates and \u0000 are refused by the parser, which also bounds how deep it goes. */
json_t *rules_parse(struct slice json, struct err *err) {
    json_error_t error;
    if (json.size > RULES_BYTES_MAX) {
        err_set(err, "longer than %d bytes", RULES_BYTES_MAX);
        return NULL;
    }
    json_t *root =
        json_loadb(json.size > 0 ? json.data : "", json.size, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        err_set(err, "not JSON: %.160s (line %d, column %d)", error.text, error.line, error.column);
        return NULL;
    }
    if (!json_is_array(root)) {
        err_set(err, "allowed is a JSON array of rules: [{\"country\": \"MX\", \"to\": \"web\"}]");
        json_decref(root);
        return NULL;
    }
    return root;
}

size_t rules_pack(const json_t *root, const struct rules_terms *terms, void *memory,
                  struct err *err) {
    struct rule rules[RULES_MAX];
    struct rules_packer packer = {.memory = memory};
    struct rules_reader reader = {terms, &packer, err};
    size_t count = json_array_size(root);
    if (count > RULES_MAX) {
        err_set(err, "more than %d rules", RULES_MAX);
        return 0;
    }
    memset(rules, 0, sizeof(rules));
    struct rules *packed = rules_take(&packer, sizeof(*packed));
    struct rule *place = rules_take(&packer, count * sizeof(*place));
    if (!read_all(root, &reader, rules)) {
        return 0;
    }
    if (packed != NULL) {
        memcpy(place, rules, count * sizeof(*place));
        *packed = (struct rules){place, count};
    }
    return packer.used;
}

/* Names tell rules apart in what is counted. */
static bool check_name(const struct rule *rules, size_t index, struct err *err) {
    for (size_t i = 0; i < index; i++) {
        if (slice_equal_nocase(rules[i].name, rules[index].name)) {
            return err_set(err, "rule %zu (\"%.*s\"): name: rule %zu has the same", index + 1,
                           SLICE_ARG(rules[index].name), i + 1);
        }
    }
    return true;
}

static bool read_all(const json_t *root, struct rules_reader *reader, struct rule *rules) {
    char names[RULES_MAX][DEFAULT_NAME_BYTES];
    for (size_t i = 0; i < json_array_size(root); i++) {
        const json_t *object = json_array_get(root, i);
        const char *name = json_string_value(json_object_get(object, "name"));
        int size = snprintf(names[i], DEFAULT_NAME_BYTES, "rule-%zu", i + 1);
        rules[i].name = slice_make(names[i], (size_t)size);
        if (!rules_read_one(reader, object, &rules[i])) {
            return name == NULL ? err_prefix(reader->err, "rule %zu", i + 1)
                                : err_prefix(reader->err, "rule %zu (\"%.*s\")", i + 1,
                                             RULE_NAME_BYTES_MAX, name);
        }
        if (!check_name(rules, i, reader->err)) {
            return false;
        }
        if (name == NULL) {
            rules[i].name = rules_take_text(reader->packer, rules[i].name);
        }
    }
    return true;
}

void *rules_take(struct rules_packer *packer, size_t size) {
    packer->used = (packer->used + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    char *taken = packer->memory != NULL ? packer->memory + packer->used : NULL;
    packer->used += size;
    return taken;
}

struct slice rules_take_text(struct rules_packer *packer, struct slice text) {
    struct slice taken = text;
    if (packer->memory != NULL && text.size > 0) {
        taken = slice_make(packer->memory + packer->used, text.size);
        memcpy(packer->memory + packer->used, text.data, text.size);
    }
    packer->used += text.size;
    return taken;
}

static bool dump_rule(const json_t *object, struct buf *out) {
    const char *name;
    char separator = '{';
    for (size_t i = 0; (name = rules_member_name(i)) != NULL; i++) {
        const json_t *value = json_object_get(object, name);
        char *text = value != NULL ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
        if (text == NULL) {
            continue;
        }
        buf_append_char(out, separator);
        buf_append_char(out, '"');
        buf_append(out, slice_of(name));
        buf_append(out, SLICE("\":"));
        buf_append(out, slice_of(text));
        separator = ',';
        free(text);
    }
    return buf_append_char(out, '}');
}

bool rules_dump(const json_t *root, struct buf *out) {
    buf_append_char(out, '[');
    for (size_t i = 0; i < json_array_size(root); i++) {
        if (i > 0) {
            buf_append_char(out, ',');
        }
        dump_rule(json_array_get(root, i), out);
    }
    buf_append_char(out, ']');
    return !out->overflowed;
}
