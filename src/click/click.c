/*
 * click/click.c - packs a click, reads it back, and names its fields.
 *
 * Payload of layout 2, all numbers little-endian:
 *
 *   0   u64      at_ms            12  16 bytes  id
 *   8   u8       layout (2)       28  u64       visitor
 *   9   u8       kind             36  u64       network
 *   10  u8       outcome          44  twelve times: u8 size | text
 *   11  u8       platform
 *
 * Layout 1, which journals of earlier versions have, had no network, and ten texts from 36 on.
 *
 * Encoding stands on the hop, and writes right into the journal: fixed offsets, and a few words
 * copied a text (slice_put()): 40 ns a click where ten calls of memcpy() took 150. Decoding trusts
 * nothing, since a journal can be damaged in ways that a checksum misses, or be written by another
 * version: every number is held against its range, every size against what is left, and the texts
 * must end exactly where the payload does.
 *
 * A new layout appends to this one or replaces it under a new number; the first nine bytes stay
 * what they are.
 *
 * Threads   Pure functions.
 */
#include "click/click.h"

#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "field_json.h"
#include "payload_bytes.h"

enum {
    AT_OFFSET = 0,
    LAYOUT_OFFSET = 8,
    KIND_OFFSET = 9,
    OUTCOME_OFFSET = 10,
    PLATFORM_OFFSET = 11,
    ID_OFFSET = 12,
    VISITOR_OFFSET = ID_OFFSET + ULID_BYTES,
    NETWORK_OFFSET = VISITOR_OFFSET + 8,
    TEXTS_OFFSET = NETWORK_OFFSET + 8,
    TEXTS_OFFSET_OF_1 = NETWORK_OFFSET,
    TEXT_COUNT_OF_1 = CLICK_SOURCE + 1,
};

static_assert(TEXTS_OFFSET + CLICK_TEXT_COUNT * (1 + CLICK_TEXT_BYTES_MAX) <=
                  CLICK_PAYLOAD_BYTES_MAX,
              "the longest payload fits");

#define CLICK_TEXT_NAME(name, text) [CLICK_##name] = SLICE(text),
static const struct slice text_names[CLICK_TEXT_COUNT] = {CLICK_TEXTS(CLICK_TEXT_NAME)};

/* How much of a text that is too long is kept: up to the last character (RFC 3629) that fits. */
__attribute__((cold)) static size_t size_of_cut(struct slice text) {
    size_t size = CLICK_TEXT_BYTES_MAX;
    for (size_t back = 0; back < 4; back++) {
        if (((uint8_t)text.data[size - back] & 0xC0) != 0x80) {
            return size - back;
        }
    }
    return size; /* not UTF-8: no boundary to keep */
}

static inline char *put_text(char *to, struct slice text) {
    if (text.size >= 8) { /* which slice_put() asks as well; most are shorter */
        text.size = UNLIKELY(text.size > CLICK_TEXT_BYTES_MAX) ? size_of_cut(text) : text.size;
    }
    *to++ = (char)text.size;
    return slice_put(to, text);
}

/* One after the other, not in a loop: so the compiler sees which texts the hop has just put into
 * the array, and what their sizes can be, and leaves the array out: 60 instructions fewer. */
#define CLICK_TEXT_PUT(name, word) to = put_text(to, click->text[CLICK_##name]);

size_t click_encode(const struct click *click, uint8_t *out) {
    uint64_t at = htole64(click->at_ms);
    uint64_t visitor = htole64(click->visitor);
    uint64_t network = htole64(click->network);
    memcpy(out + AT_OFFSET, &at, sizeof(at));
    out[LAYOUT_OFFSET] = CLICK_LAYOUT;
    out[KIND_OFFSET] = (uint8_t)click->kind;
    out[OUTCOME_OFFSET] = (uint8_t)click->outcome;
    out[PLATFORM_OFFSET] = (uint8_t)click->platform;
    memcpy(out + ID_OFFSET, click->id.bytes, ULID_BYTES);
    memcpy(out + VISITOR_OFFSET, &visitor, sizeof(visitor));
    memcpy(out + NETWORK_OFFSET, &network, sizeof(network));

    char *to = (char *)out + TEXTS_OFFSET;
    CLICK_TEXTS(CLICK_TEXT_PUT)
    return (size_t)((uint8_t *)to - out);
}

bool click_decode(struct slice payload, struct click *click) {
    const uint8_t *from = (const uint8_t *)payload.data;
    if (payload.size < TEXTS_OFFSET_OF_1 || from[KIND_OFFSET] >= TAP_KIND_COUNT ||
        from[OUTCOME_OFFSET] >= TAP_OUTCOME_COUNT || from[PLATFORM_OFFSET] >= TAP_PLATFORM_COUNT) {
        return false;
    }
    bool is_first_layout = from[LAYOUT_OFFSET] == 1;
    if (!is_first_layout && (from[LAYOUT_OFFSET] != CLICK_LAYOUT || payload.size < TEXTS_OFFSET)) {
        return false;
    }
    click->at_ms = payload_u64(from, AT_OFFSET);
    click->visitor = payload_u64(from, VISITOR_OFFSET);
    click->network = is_first_layout ? 0 : payload_u64(from, NETWORK_OFFSET);
    click->version = CLICK_VERSION;
    click->kind = (enum tap_kind)from[KIND_OFFSET];
    click->outcome = (enum tap_outcome)from[OUTCOME_OFFSET];
    click->platform = (enum tap_platform)from[PLATFORM_OFFSET];
    memcpy(click->id.bytes, from + ID_OFFSET, ULID_BYTES);
    click->text[CLICK_AGENT] = click->text[CLICK_RULE] = SLICE_EMPTY;
    return is_first_layout ? payload_take_texts(slice_from(payload, TEXTS_OFFSET_OF_1),
                                                TEXT_COUNT_OF_1, click->text)
                           : payload_take_texts(slice_from(payload, TEXTS_OFFSET), CLICK_TEXT_COUNT,
                                                click->text);
}

static void show(const struct click_visitor *visitor, struct slice name, struct slice value) {
    visitor->field(visitor->argument, name, value);
}

static void show_text(const struct click *click, enum click_text text,
                      const struct click_visitor *visitor) {
    show(visitor, text_names[text], click->text[text]);
}

static void show_number(const struct click_visitor *visitor, struct slice name, uint64_t value) {
    char digits[24];
    struct buf out = buf_over(digits, sizeof(digits));
    buf_append_u64(&out, value);
    show(visitor, name, buf_slice(&out));
}

static void show_hexadecimal(const struct click_visitor *visitor, struct slice name,
                             uint64_t value) {
    char digits[17];
    snprintf(digits, sizeof(digits), "%016" PRIx64, value);
    show(visitor, name, slice_make(digits, 16));
}

void click_fields(const struct click *click, const struct click_visitor *visitor) {
    char id[ULID_TEXT_SIZE];
    ulid_format(&click->id, id);
    show(visitor, SLICE("id"), slice_make(id, sizeof(id)));
    show_number(visitor, SLICE("at"), click->at_ms);
    show_text(click, CLICK_CODE, visitor);
    show_text(click, CLICK_CAMPAIGN, visitor);
    show_text(click, CLICK_OWNER, visitor);
    show(visitor, SLICE("kind"), slice_of(tap_kind_name(click->kind)));
    show(visitor, SLICE("outcome"), slice_of(tap_outcome_name(click->outcome)));
    show_text(click, CLICK_COUNTRY, visitor);
    show_text(click, CLICK_REGION, visitor);
    show(visitor, SLICE("platform"), slice_of(tap_platform_name(click->platform)));
    show_text(click, CLICK_BROWSER, visitor);
    show_text(click, CLICK_IN_APP, visitor);
    show_text(click, CLICK_LANGUAGE, visitor);
    show_text(click, CLICK_REFERRER, visitor);
    show_text(click, CLICK_SOURCE, visitor);

    show_hexadecimal(visitor, SLICE("visitor"), click->visitor);
    show_number(visitor, SLICE("version"), click->version);
    show_hexadecimal(visitor, SLICE("network"), click->network);
    show_text(click, CLICK_AGENT, visitor);
    show_text(click, CLICK_RULE, visitor);
}

bool click_to_json(const struct click *click, struct buf *out) {
    struct field_json json = field_json_begin(out);
    click_fields(click, &(struct click_visitor){field_json_show, &json});
    return field_json_end(&json);
}
