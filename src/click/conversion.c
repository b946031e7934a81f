/*
 * click/conversion.c - packs a conversion, reads it back, names its fields.
 *
 * Payload of version 1, all numbers little-endian:
 *
 *   0   u64      at_ms            28  16 bytes  click_id (zeros when there is none)
 *   8   u8       version (1)      44  u64       happened_ms
 *   9   u8       proof            52  u64       install_begin_ms
 *   10  u8       flags: 1 has     60  u64       referrer_click_ms
 *                a click_id       68  i64       value
 *   11  u8       zero             76  seven times: u8 size | text
 *   12  16 bytes id
 *
 * Conversions are few, so nothing here is made to be fast. Decoding trusts nothing, as
 * click_decode() does, and takes only what encoding can have written: what decodes is what encodes.
 *
 * Threads   Pure functions.
 */
#include "click/conversion.h"

#include <assert.h>
#include <endian.h>

#include "base/buf.h"
#include "base/defs.h"
#include "field_json.h"
#include "payload_bytes.h"

enum {
    AT_OFFSET = 0,
    VERSION_OFFSET = 8,
    PROOF_OFFSET = 9,
    FLAGS_OFFSET = 10,
    ZERO_OFFSET = 11,
    ID_OFFSET = 12,
    CLICK_ID_OFFSET = ID_OFFSET + ULID_BYTES,
    HAPPENED_OFFSET = CLICK_ID_OFFSET + ULID_BYTES,
    INSTALL_BEGIN_OFFSET = HAPPENED_OFFSET + 8,
    REFERRER_CLICK_OFFSET = INSTALL_BEGIN_OFFSET + 8,
    VALUE_OFFSET = REFERRER_CLICK_OFFSET + 8,
    TEXTS_OFFSET = VALUE_OFFSET + 8,
};

enum { FLAG_HAS_CLICK_ID = 1 };

static_assert(TEXTS_OFFSET + CONVERSION_TEXT_COUNT * (1 + CONVERSION_TEXT_BYTES_MAX) <=
                  CONVERSION_PAYLOAD_BYTES_MAX,
              "the longest payload fits");
static_assert(CONVERSION_KEY_BYTES_MAX <= CONVERSION_TEXT_BYTES_MAX &&
                  CONVERSION_EVENT_BYTES_MAX <= CONVERSION_TEXT_BYTES_MAX,
              "no text has a limit of its own beyond that of all");

const char *conversion_proof_name(enum conversion_proof proof) {
#define PROOF_NAME(name, text) [CONVERSION_##name] = (text),
    static const char *const names[CONVERSION_PROOF_COUNT] = {CONVERSION_PROOFS(PROOF_NAME)};
#undef PROOF_NAME
    ENSURE((unsigned)proof < CONVERSION_PROOF_COUNT);
    return names[proof];
}

bool conversion_event_is_name(struct slice text) {
    if (text.size == 0 || text.size > CONVERSION_EVENT_BYTES_MAX || text.data[0] < 'a' ||
        text.data[0] > 'z') {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) {
            return false;
        }
    }
    return true;
}

/* What both forms must fulfil, beside their own shape. */
static bool is_sound(const struct conversion *conversion) {
    for (size_t i = 0; i < CONVERSION_TEXT_COUNT; i++) {
        if (conversion->text[i].size > CONVERSION_TEXT_BYTES_MAX) {
            return false;
        }
    }
    bool has_value = conversion->text[CONVERSION_TEXT_CURRENCY].size > 0;
    return conversion_event_is_name(conversion->text[CONVERSION_TEXT_EVENT]) &&
           conversion->value >= 0 && (has_value || conversion->value == 0);
}

/* ---- the payload ---- */

static void put_u64(uint8_t *out, size_t offset, uint64_t number) {
    number = htole64(number);
    memcpy(out + offset, &number, sizeof(number));
}

size_t conversion_encode(const struct conversion *conversion, uint8_t *out) {
    ENSURE(is_sound(conversion)); /* a text cut short would be another one */
    put_u64(out, AT_OFFSET, conversion->at_ms);
    out[VERSION_OFFSET] = CONVERSION_VERSION;
    out[PROOF_OFFSET] = (uint8_t)conversion->proof;
    out[FLAGS_OFFSET] = conversion->has_click_id ? FLAG_HAS_CLICK_ID : 0;
    out[ZERO_OFFSET] = 0;
    memcpy(out + ID_OFFSET, conversion->id.bytes, ULID_BYTES);
    if (conversion->has_click_id) {
        memcpy(out + CLICK_ID_OFFSET, conversion->click_id.bytes, ULID_BYTES);
    } else {
        memset(out + CLICK_ID_OFFSET, 0, ULID_BYTES);
    }
    put_u64(out, HAPPENED_OFFSET, conversion->happened_ms);
    put_u64(out, INSTALL_BEGIN_OFFSET, conversion->install_begin_ms);
    put_u64(out, REFERRER_CLICK_OFFSET, conversion->referrer_click_ms);
    put_u64(out, VALUE_OFFSET, (uint64_t)conversion->value);

    uint8_t *to = out + TEXTS_OFFSET;
    for (size_t i = 0; i < CONVERSION_TEXT_COUNT; i++) {
        struct slice text = conversion->text[i];
        *to++ = (uint8_t)text.size;
        if (text.size > 0) {
            memcpy(to, text.data, text.size);
        }
        to += text.size;
    }
    return (size_t)(to - out);
}

bool conversion_decode(struct slice payload, struct conversion *conversion) {
    static const uint8_t no_id[ULID_BYTES];
    const uint8_t *from = (const uint8_t *)payload.data;
    if (payload.size < TEXTS_OFFSET || from[VERSION_OFFSET] != CONVERSION_VERSION ||
        from[PROOF_OFFSET] >= CONVERSION_PROOF_COUNT || from[FLAGS_OFFSET] > FLAG_HAS_CLICK_ID ||
        from[ZERO_OFFSET] != 0 || payload_u64(from, VALUE_OFFSET) > INT64_MAX) {
        return false;
    }
    bool has_click_id = from[FLAGS_OFFSET] == FLAG_HAS_CLICK_ID;
    if (!has_click_id && memcmp(from + CLICK_ID_OFFSET, no_id, ULID_BYTES) != 0) {
        return false;
    }
    *conversion = (struct conversion){
        .at_ms = payload_u64(from, AT_OFFSET),
        .proof = (enum conversion_proof)from[PROOF_OFFSET],
        .has_click_id = has_click_id,
        .happened_ms = payload_u64(from, HAPPENED_OFFSET),
        .install_begin_ms = payload_u64(from, INSTALL_BEGIN_OFFSET),
        .referrer_click_ms = payload_u64(from, REFERRER_CLICK_OFFSET),
        .value = (int64_t)payload_u64(from, VALUE_OFFSET),
    };
    memcpy(conversion->id.bytes, from + ID_OFFSET, ULID_BYTES);
    memcpy(conversion->click_id.bytes, from + CLICK_ID_OFFSET, ULID_BYTES);
    return payload_take_texts(slice_from(payload, TEXTS_OFFSET), CONVERSION_TEXT_COUNT,
                              conversion->text) &&
           is_sound(conversion);
}

/* ---- named fields ---- */

static void show(const struct click_visitor *visitor, struct slice name, struct slice value) {
    visitor->field(visitor->argument, name, value);
}

static void show_text(const struct conversion *conversion, enum conversion_text text,
                      const struct click_visitor *visitor) {
#define TEXT_NAME(name, text) [CONVERSION_TEXT_##name] = SLICE(text),
    static const struct slice names[CONVERSION_TEXT_COUNT] = {CONVERSION_TEXTS(TEXT_NAME)};
#undef TEXT_NAME
    show(visitor, names[text], conversion->text[text]);
}

static void show_number(const struct click_visitor *visitor, struct slice name, bool is_known,
                        uint64_t value) {
    char digits[24];
    struct buf out = buf_over(digits, sizeof(digits));
    if (is_known) {
        buf_append_u64(&out, value);
    }
    show(visitor, name, buf_slice(&out));
}

static void show_id(const struct click_visitor *visitor, struct slice name, bool is_known,
                    const struct ulid *id) {
    char text[ULID_TEXT_SIZE];
    if (is_known) {
        ulid_format(id, text);
    }
    show(visitor, name, slice_make(text, is_known ? sizeof(text) : 0));
}

void conversion_fields(const struct conversion *conversion, const struct click_visitor *visitor) {
    bool has_value = conversion->text[CONVERSION_TEXT_CURRENCY].size > 0;
    show_id(visitor, SLICE("id"), true, &conversion->id);
    show_number(visitor, SLICE("at"), true, conversion->at_ms);
    show_text(conversion, CONVERSION_TEXT_EVENT, visitor);
    show(visitor, SLICE("proof"), slice_of(conversion_proof_name(conversion->proof)));
    show_text(conversion, CONVERSION_TEXT_CODE, visitor);
    show_text(conversion, CONVERSION_TEXT_CLICK, visitor);
    show_id(visitor, SLICE("click_id"), conversion->has_click_id, &conversion->click_id);
    show_number(visitor, SLICE("happened_at"), true, conversion->happened_ms);
    show_number(visitor, SLICE("install_begin_at"), conversion->install_begin_ms > 0,
                conversion->install_begin_ms);
    show_number(visitor, SLICE("referrer_click_at"), conversion->referrer_click_ms > 0,
                conversion->referrer_click_ms);
    show_number(visitor, SLICE("value"), has_value, (uint64_t)conversion->value);
    show_text(conversion, CONVERSION_TEXT_CURRENCY, visitor);
    show_text(conversion, CONVERSION_TEXT_USER, visitor);
    show_text(conversion, CONVERSION_TEXT_KEY, visitor);
    show_text(conversion, CONVERSION_TEXT_REPORTER, visitor);
    show_number(visitor, SLICE("version"), true, CONVERSION_VERSION);
}

bool conversion_to_json(const struct conversion *conversion, struct buf *out) {
    struct field_json json = field_json_begin(out);
    conversion_fields(conversion, &(struct click_visitor){field_json_show, &json});
    return field_json_end(&json);
}
