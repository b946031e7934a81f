/*
 * link/template_compile.c - templates as the hop wants them, and their rendering.
 *
 * Compiled, a template is a byte that tells what is to be known of all of it, and then segments:
 *
 *   bit 7: begins with https:// (left out of what follows) │ bits 0-6: how many click tokens
 *   u16 size of a literal │ u8 what to put behind it; bit 7: that is all │ the literal
 *
 * so that rendering looks at no byte of the text. Where the campaign is known, its id and the fixed
 * parts of the referrer are literals too: then the URL of a Play Store campaign is two segments,
 * 130 instructions where searching the text for braces took 470. A link's own URL is kept without:
 * there are millions of them, and {referrer} is shorter than what it stands for.
 *
 * Why rendering needs no encoding but for {owner}: codes, campaign ids and click tokens consist
 * of unreserved characters (RFC 3986 section 2.3) only, and the fixed text of the Play Store
 * referrer stands here encoded already.
 */
#include <stdint.h>

#include "base/buf.h"
#include "base/defs.h"
#include "scheme.h"
#include "template_private.h"
#include "template_store.h"

enum { HEAD_BYTES = 1, SEGMENT_HEAD_BYTES = 3, BEGINS_WITH_HTTPS = 0x80, LAST = 0x80 };

/* The first three, which are usual, are told apart by a bit. */
enum op {
    OP_NOTHING = 0,
    OP_CODE = 1,
    OP_CLICK = 2,
    OP_CAMPAIGN = 4,
    OP_OWNER = 5,
    OP_REFERRER = 6,
    OP_OWNER_TWICE = 7, /* encoded, and that once more: inside a URL inside a URL */
};

_Static_assert((LOCATION_BYTES_MAX - 1) / TEMPLATE_CLICK_BYTES <= TEMPLATE_CLICKS,
               "a URL has room for fewer tokens than can be counted");

static const struct slice https = {"https://", 8};

static const struct slice names[PLACEHOLDER_COUNT] = {
    [PLACEHOLDER_CODE] = {"code", 4},         [PLACEHOLDER_CAMPAIGN] = {"campaign", 8},
    [PLACEHOLDER_OWNER] = {"owner", 5},       [PLACEHOLDER_CLICK] = {"click", 5},
    [PLACEHOLDER_REFERRER] = {"referrer", 8},
};

enum template_placeholder template_placeholder_at(struct slice braced) {
    for (size_t i = 0; i < PLACEHOLDER_COUNT; i++) {
        struct slice name = names[i];
        if (braced.size >= name.size + 2 && braced.data[name.size + 1] == '}' &&
            memcmp(braced.data + 1, name.data, name.size) == 0) {
            return (enum template_placeholder)i;
        }
    }
    return PLACEHOLDER_COUNT;
}

size_t template_placeholder_bytes(enum template_placeholder which) {
    return names[which].size + 2;
}

static inline struct slice literal_at(const char *segment) {
    uint16_t size;
    memcpy(&size, segment, sizeof(size));
    return slice_make(segment + SEGMENT_HEAD_BYTES, size);
}

static inline unsigned op_at(const char *segment) {
    return (unsigned char)segment[SEGMENT_HEAD_BYTES - 1];
}

/* ---- compiling ---- */

struct compiler {
    char *segment; /* the one that is being written */
    char *at;
    char *last_op;
    unsigned clicks;
    struct slice campaign;
    bool is_inner; /* what comes is a URL inside a URL: percent-encoded once more */
};

static const char hex[] = "0123456789ABCDEF";

/* RFC 3986 section 2.3. */
static bool is_unreserved(unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static char *put_encoded_byte(char *to, unsigned char c) {
    if (is_unreserved(c)) {
        *to++ = (char)c;
    } else {
        to[0] = '%';
        to[1] = hex[c >> 4];
        to[2] = hex[c & 15];
        to += 3;
    }
    return to;
}

static void put_literal(struct compiler *it, struct slice literal) {
    if (!it->is_inner) {
        it->at = slice_put(it->at, literal);
        return;
    }
    for (size_t i = 0; i < literal.size; i++) {
        it->at = put_encoded_byte(it->at, (unsigned char)literal.data[i]);
    }
}

/* Ends the segment with op and begins another one. */
static void put_op(struct compiler *it, enum op op) {
    uint16_t size = (uint16_t)(it->at - it->segment - SEGMENT_HEAD_BYTES);
    memcpy(it->segment, &size, sizeof(size));
    it->last_op = it->segment + sizeof(size);
    *it->last_op = (char)op;
    it->clicks += op == OP_CLICK || op == OP_REFERRER;
    it->segment = it->at;
    it->at += SEGMENT_HEAD_BYTES;
}

static void put_campaign(struct compiler *it) {
    if (it->campaign.size > 0) {
        put_literal(it, it->campaign);
    } else {
        put_op(it, OP_CAMPAIGN);
    }
}

static void put_referrer(struct compiler *it) {
    if (it->campaign.size == 0) {
        put_op(it, OP_REFERRER);
        return;
    }
    put_literal(it, SLICE(REFERRER_HEAD));
    put_literal(it, it->campaign);
    put_literal(it, SLICE(REFERRER_CONTENT));
    put_op(it, OP_CODE);
    put_literal(it, SLICE(REFERRER_CLICK));
    put_op(it, OP_CLICK);
}

static void put_placeholder(struct compiler *it, enum template_placeholder which) {
    switch (which) {
    case PLACEHOLDER_CODE:
        put_op(it, OP_CODE);
        return;
    case PLACEHOLDER_CAMPAIGN:
        put_campaign(it);
        return;
    case PLACEHOLDER_OWNER:
        put_op(it, it->is_inner ? OP_OWNER_TWICE : OP_OWNER);
        return;
    case PLACEHOLDER_CLICK:
        put_op(it, OP_CLICK);
        return;
    case PLACEHOLDER_REFERRER:
        put_referrer(it);
        return;
    case PLACEHOLDER_COUNT:
        break;
    }
    ENSURE(which != PLACEHOLDER_COUNT); /* else the template was not checked */
}

static struct compiler begin(struct slice campaign, char *out) {
    return (struct compiler){.segment = out + HEAD_BYTES,
                             .at = out + HEAD_BYTES + SEGMENT_HEAD_BYTES,
                             .campaign = campaign};
}

static void put_text(struct compiler *it, struct slice rest) {
    while (rest.size > 0) {
        const char *brace = memchr(rest.data, '{', rest.size);
        size_t plain = brace != NULL ? (size_t)(brace - rest.data) : rest.size;
        put_literal(it, slice_first(rest, plain));
        rest = slice_from(rest, plain);
        if (rest.size > 0) {
            enum template_placeholder which = template_placeholder_at(rest);
            put_placeholder(it, which);
            rest = slice_from(rest, template_placeholder_bytes(which));
        }
    }
}

static size_t end(struct compiler *it, bool is_https, char *out) {
    if (it->last_op == NULL || it->at > it->segment + SEGMENT_HEAD_BYTES) {
        put_op(it, OP_NOTHING);
    }
    *it->last_op = (char)(*it->last_op | LAST);
    out[0] = (char)(it->clicks | (is_https ? BEGINS_WITH_HTTPS : 0));
    size_t size = (size_t)(it->segment - out);
    ENSURE(size <= TEMPLATE_COMPILED_BYTES_MAX);
    return size;
}

size_t template_compile(struct slice text, struct slice campaign, char *out) {
    ENSURE(text.size > 0 && text.size <= TEMPLATE_BYTES_MAX && campaign.size <= CODE_BYTES_MAX);
    bool is_https = slice_starts_with(text, https);
    struct compiler it = begin(campaign, out);
    put_text(&it, slice_from(text, is_https ? https.size : 0));
    return end(&it, is_https, out);
}

/* ---- intent: links ---- */

#define INTENT_HEAD   "intent://"
#define INTENT_MIDDLE "#Intent;scheme=https;package=com.android.vending;S.browser_fallback_url="
#define INTENT_END    ";end"

enum {
    REFERRER_PERCENTS = 7, /* of its fixed text; encoded once more, each takes two bytes more */
    OWNER_TWICE_BYTES_MAX = 5 * OWNER_BYTES_MAX,
};

/* What a placeholder renders to at worst, outside and inside of the fallback together. */
static size_t worst_of_both(enum template_placeholder which) {
    switch (which) {
    case PLACEHOLDER_CODE:
    case PLACEHOLDER_CAMPAIGN:
        return 2 * (size_t)CODE_BYTES_MAX;
    case PLACEHOLDER_OWNER:
        return 3 * (size_t)OWNER_BYTES_MAX + OWNER_TWICE_BYTES_MAX;
    case PLACEHOLDER_CLICK:
        return 2 * (size_t)TEMPLATE_CLICK_BYTES;
    case PLACEHOLDER_REFERRER:
        return 2 * (REFERRER_WORST_BYTES + REFERRER_PERCENTS);
    case PLACEHOLDER_COUNT:
        break;
    }
    ENSURE(which < PLACEHOLDER_COUNT);
    return 0;
}

static size_t intent_worst(struct slice text) {
    size_t worst = sizeof(INTENT_HEAD INTENT_MIDDLE INTENT_END);
    for (size_t at = 0; at < text.size; at++) {
        enum template_placeholder which = PLACEHOLDER_COUNT;
        if (text.data[at] == '{') {
            which = template_placeholder_at(slice_from(text, at));
            worst += worst_of_both(which);
            at += template_placeholder_bytes(which) - 1;
        } else {
            worst += is_unreserved((unsigned char)text.data[at]) ? 2 : 4;
        }
    }
    return worst;
}

/* A fragment would end where the intent's own begins, so it is left to the fallback. */
size_t template_compile_intent(struct slice text, struct slice campaign, char *out) {
    ENSURE(text.size > 0 && text.size <= TEMPLATE_BYTES_MAX && campaign.size > 0);
    if (!slice_starts_with(text, SLICE("https://play.google.com/store/apps/details")) ||
        intent_worst(text) > LOCATION_BYTES_MAX) {
        return 0;
    }
    struct compiler it = begin(campaign, out);
    struct slice address = slice_from(text, https.size);
    put_literal(&it, SLICE(INTENT_HEAD));
    put_text(&it, slice_first(address, slice_find(address, SLICE("#"))));
    put_literal(&it, SLICE(INTENT_MIDDLE));
    it.is_inner = true;
    put_text(&it, text);
    it.is_inner = false;
    put_literal(&it, SLICE(INTENT_END));
    return end(&it, false, out);
}

/* ---- what a compiled template leads to ---- */

/* No placeholder stands in scheme or host: the first literal holds both. */
bool template_compiled_is_allowed(struct slice compiled, struct slice schemes) {
    if (((unsigned char)compiled.data[0] & BEGINS_WITH_HTTPS) != 0) {
        return true;
    }
    struct slice literal = literal_at(compiled.data + HEAD_BYTES);
    return template_scheme_is_allowed(literal, schemes);
}

/* As above: the first literal holds all of the host, and what ends it. */
enum template_store template_compiled_store(struct slice compiled) {
    struct slice literal = literal_at(compiled.data + HEAD_BYTES);
    if (((unsigned char)compiled.data[0] & BEGINS_WITH_HTTPS) != 0) {
        return template_store_of(SLICE("https"), literal);
    }
    struct slice scheme = scheme_of(literal);
    return template_store_of(scheme, slice_from(literal, scheme.size + 3));
}

/* ---- rendering ---- */

static inline char *put_id(char *to, struct slice id) {
    ENSURE(id.size <= CODE_BYTES_MAX);
    return slice_put(to, id);
}

static char *put_owner(char *to, struct slice text) {
    ENSURE(text.size <= OWNER_BYTES_MAX);
    for (size_t i = 0; i < text.size; i++) {
        to = put_encoded_byte(to, (unsigned char)text.data[i]);
    }
    return to;
}

static char *put_owner_twice(char *to, struct slice text) {
    char once[3 * OWNER_BYTES_MAX];
    const char *end = put_owner(once, text);
    for (const char *at = once; at < end; at++) {
        to = put_encoded_byte(to, (unsigned char)*at);
    }
    return to;
}

/* Where a URL goes, which has LOCATION_BYTES_MAX of room there. */
struct place {
    struct buf *out;
    size_t *click_at;
};

/* Writes the token, or leaves the hole where it goes. */
static inline char *put_click(char *to, struct slice click, const struct place *place) {
    if (click.size == 0) {
        ENSURE(*place->click_at == SIZE_MAX); /* there is one hole at most */
        *place->click_at = (size_t)(to - place->out->data);
    } else {
        ENSURE(click.size == TEMPLATE_CLICK_BYTES);
        memcpy(to, click.data, TEMPLATE_CLICK_BYTES);
    }
    return to + TEMPLATE_CLICK_BYTES;
}

static char *put_referrer_values(char *to, const struct template_values *values,
                                 const struct place *place) {
    to = slice_put(to, SLICE(REFERRER_HEAD));
    to = put_id(to, values->campaign);
    to = slice_put(to, SLICE(REFERRER_CONTENT));
    to = put_id(to, values->code);
    to = slice_put(to, SLICE(REFERRER_CLICK));
    return put_click(to, values->click, place);
}

static char *put_value(char *to, enum op op, const struct template_values *values,
                       const struct place *place) {
    switch (op) {
    case OP_NOTHING:
        return to;
    case OP_CODE:
        return put_id(to, values->code);
    case OP_CLICK:
        return put_click(to, values->click, place);
    case OP_CAMPAIGN:
        return put_id(to, values->campaign);
    case OP_OWNER:
        return put_owner(to, values->owner);
    case OP_REFERRER:
        return put_referrer_values(to, values, place);
    case OP_OWNER_TWICE:
        return put_owner_twice(to, values->owner);
    }
    ENSURE(op <= OP_OWNER_TWICE);
    return to;
}

/* Goes on from a segment, whatever follows. */
__attribute__((noinline)) static bool render_on(const char *segment, char *to,
                                                const struct template_values *values,
                                                struct buf *out, size_t *click_at) {
    const struct place place = {out, click_at};
    unsigned op;
    do {
        struct slice literal = literal_at(segment);
        op = op_at(segment);
        segment = literal.data + literal.size;
        to = slice_put(to, literal);
        to = put_value(to, (enum op)(op & ~(unsigned)LAST), values, &place);
    } while ((op & LAST) == 0);
    out->size = (size_t)(to - out->data);
    return true;
}

/* Where there may be less room than the longest URL needs. */
__attribute__((cold, noinline)) static bool render_aside(struct slice compiled,
                                                         const struct template_values *values,
                                                         struct buf *out, size_t *click_at) {
    char storage[LOCATION_BYTES_MAX];
    struct buf aside = buf_over(storage, sizeof(storage));
    template_render_open(compiled, values, &aside, click_at);
    if (*click_at != SIZE_MAX) {
        memset(storage + *click_at, 0, TEMPLATE_CLICK_BYTES);
        *click_at += out->size;
    }
    return buf_append(out, buf_slice(&aside));
}

/* Literals, codes and one token are what nearly all URLs consist of. They are put together without
 * a call, so that all of it stays in registers: that is a quarter of the instructions. */
bool template_render_open(struct slice compiled, const struct template_values *values,
                          struct buf *out, size_t *click_at) {
    if (UNLIKELY(out->capacity - out->size < LOCATION_BYTES_MAX)) {
        return render_aside(compiled, values, out, click_at);
    }
    const struct place place = {out, click_at};
    char *to = out->data + out->size;
    *click_at = SIZE_MAX;
    if (((unsigned char)compiled.data[0] & BEGINS_WITH_HTTPS) != 0) {
        to = slice_put(to, SLICE("https://"));
    }
    const char *segment = compiled.data + HEAD_BYTES;
    for (;;) {
        struct slice literal = literal_at(segment);
        unsigned op = op_at(segment);
        if ((op & ~(unsigned)LAST) > OP_CLICK) {
            return render_on(segment, to, values, out, click_at);
        }
        segment = literal.data + literal.size;
        to = slice_put(to, literal);
        if ((op & OP_CODE) != 0) {
            to = put_id(to, values->code);
        } else if ((op & OP_CLICK) != 0) {
            to = put_click(to, values->click, &place);
        }
        if ((op & LAST) != 0) {
            out->size = (size_t)(to - out->data);
            return true;
        }
    }
}
