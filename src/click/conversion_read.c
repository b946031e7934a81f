/*
 * click/conversion_read.c - a conversion out of the names and values of a stream's entry.
 *
 * Anybody may write to a stream: a value that conversion_fields() cannot have written makes the
 * whole entry none, and so does a name that is there twice. Names that are not known are passed
 * over: they are a later writer's. What must be there is id, at, event, proof and version.
 *
 * Threads   Pure functions.
 */
#include "click/conversion.h"

#include "base/defs.h"

enum field {
    FIELD_ID,
    FIELD_AT,
    FIELD_EVENT,
    FIELD_PROOF,
    FIELD_CODE,
    FIELD_CLICK,
    FIELD_CLICK_ID,
    FIELD_HAPPENED_AT,
    FIELD_INSTALL_BEGIN_AT,
    FIELD_REFERRER_CLICK_AT,
    FIELD_VALUE,
    FIELD_CURRENCY,
    FIELD_USER,
    FIELD_KEY,
    FIELD_REPORTER,
    FIELD_VERSION,
    FIELD_COUNT,
};

_Static_assert((int)FIELD_COUNT == (int)CONVERSION_FIELD_COUNT, "the fields of a conversion");

static const char *const names_of_fields[FIELD_COUNT] = {
    [FIELD_ID] = "id",
    [FIELD_AT] = "at",
    [FIELD_EVENT] = "event",
    [FIELD_PROOF] = "proof",
    [FIELD_CODE] = "code",
    [FIELD_CLICK] = "click",
    [FIELD_CLICK_ID] = "click_id",
    [FIELD_HAPPENED_AT] = "happened_at",
    [FIELD_INSTALL_BEGIN_AT] = "install_begin_at",
    [FIELD_REFERRER_CLICK_AT] = "referrer_click_at",
    [FIELD_VALUE] = "value",
    [FIELD_CURRENCY] = "currency",
    [FIELD_USER] = "user",
    [FIELD_KEY] = "key",
    [FIELD_REPORTER] = "reporter",
    [FIELD_VERSION] = "version",
};

/* Which text stands in which field. */
static const enum field field_of_text[CONVERSION_TEXT_COUNT] = {
    [CONVERSION_TEXT_EVENT] = FIELD_EVENT,       [CONVERSION_TEXT_CODE] = FIELD_CODE,
    [CONVERSION_TEXT_CLICK] = FIELD_CLICK,       [CONVERSION_TEXT_CURRENCY] = FIELD_CURRENCY,
    [CONVERSION_TEXT_USER] = FIELD_USER,         [CONVERSION_TEXT_KEY] = FIELD_KEY,
    [CONVERSION_TEXT_REPORTER] = FIELD_REPORTER,
};

/* Values by field; data is NULL where there is none. */
static bool sort_out(const struct slice *names, const struct slice *values, size_t count,
                     struct slice found[FIELD_COUNT]) {
    for (size_t i = 0; i < count; i++) {
        size_t field = 0;
        while (field < FIELD_COUNT && !slice_equal(names[i], slice_of(names_of_fields[field]))) {
            field++;
        }
        if (field == FIELD_COUNT) {
            continue;
        }
        if (found[field].data != NULL) {
            return false;
        }
        found[field] = values[i].size == 0 ? SLICE("") : values[i];
    }
    return true;
}

/* Empty: 0. */
static bool read_number(struct slice text, uint64_t max, uint64_t *value) {
    *value = 0;
    return text.size == 0 || slice_to_u64(text, max, value);
}

static bool read_proof(struct slice text, enum conversion_proof *proof) {
    for (size_t i = 0; i < CONVERSION_PROOF_COUNT; i++) {
        if (slice_equal(text, slice_of(conversion_proof_name((enum conversion_proof)i)))) {
            *proof = (enum conversion_proof)i;
            return true;
        }
    }
    return false;
}

static bool read_numbers(const struct slice found[FIELD_COUNT], struct conversion *conversion) {
    uint64_t version;
    uint64_t value;
    if (!slice_to_u64(found[FIELD_VERSION], CONVERSION_VERSION, &version) ||
        version != CONVERSION_VERSION ||
        !slice_to_u64(found[FIELD_AT], UINT64_MAX, &conversion->at_ms) ||
        !read_number(found[FIELD_HAPPENED_AT], UINT64_MAX, &conversion->happened_ms) ||
        !read_number(found[FIELD_INSTALL_BEGIN_AT], UINT64_MAX, &conversion->install_begin_ms) ||
        !read_number(found[FIELD_REFERRER_CLICK_AT], UINT64_MAX, &conversion->referrer_click_ms) ||
        !read_number(found[FIELD_VALUE], INT64_MAX, &value)) {
        return false;
    }
    if (found[FIELD_HAPPENED_AT].size == 0) {
        conversion->happened_ms = conversion->at_ms;
    }
    conversion->value = (int64_t)value;
    return (found[FIELD_VALUE].size == 0) == (found[FIELD_CURRENCY].size == 0);
}

bool conversion_from_fields(const struct slice *names, const struct slice *values, size_t count,
                            struct conversion *conversion) {
    struct slice found[FIELD_COUNT] = {{NULL, 0}};
    *conversion = (struct conversion){0};
    if (!sort_out(names, values, count, found) || !read_numbers(found, conversion) ||
        !ulid_parse(found[FIELD_ID], &conversion->id) ||
        !read_proof(found[FIELD_PROOF], &conversion->proof) ||
        !conversion_event_is_name(found[FIELD_EVENT])) {
        return false;
    }
    conversion->has_click_id = found[FIELD_CLICK_ID].size > 0;
    if (conversion->has_click_id && !ulid_parse(found[FIELD_CLICK_ID], &conversion->click_id)) {
        return false;
    }
    for (size_t i = 0; i < CONVERSION_TEXT_COUNT; i++) {
        conversion->text[i] = found[field_of_text[i]];
        if (conversion->text[i].size > CONVERSION_TEXT_BYTES_MAX) {
            return false;
        }
    }
    return true;
}
