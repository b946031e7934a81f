/*
 * field.c - the kinds of values that stand in links and campaigns.
 *
 * Everything here reads what anybody may have written to Redis, where a value may have up to
 * 512 MiB: so sizes are checked first, and no loop runs longer than its limit.
 */
#include "field.h"

#include "base/err.h"
#include "link/code.h"
#include "redis/reply.h"

enum { SECONDS_DIGITS_MAX = 12, COUNT_DIGITS_MAX = 13 };

bool field_check_id(struct slice value, struct err *err) {
    if (!code_is_valid(value)) {
        return err_set(err, "allowed are 1 to %d of A-Z a-z 0-9 - _", CODE_BYTES_MAX);
    }
    return true;
}

bool field_check_text(struct slice value, size_t bytes_max, struct err *err) {
    if (value.size > bytes_max) {
        return err_set(err, "longer than %zu bytes", bytes_max);
    }
    const unsigned char *bytes = (const unsigned char *)value.data;
    for (size_t at = 0; at < value.size;) {
        size_t size = slice_utf8_size(slice_from(value, at));
        if (size == 0) {
            return err_set(err, "byte %zu is not UTF-8", at + 1);
        }
        bool is_c0 = bytes[at] < 0x20 || bytes[at] == 0x7F;
        bool is_c1 = size == 2 && bytes[at] == 0xC2 && bytes[at + 1] < 0xA0;
        if (is_c0 || is_c1) {
            return err_set(err, "byte %zu begins a control character (line break, tab, ...)",
                           at + 1);
        }
        at += size;
    }
    return true;
}

bool field_check_status(struct slice value, enum link_status *status, struct err *err) {
    if (slice_equal(value, SLICE("active"))) {
        *status = LINK_ACTIVE;
        return true;
    }
    if (slice_equal(value, SLICE("paused"))) {
        *status = LINK_PAUSED;
        return true;
    }
    return err_set(err, "allowed are active and paused");
}

bool field_check_seconds(struct slice value, uint64_t *seconds, struct err *err) {
    if (value.size > SECONDS_DIGITS_MAX || !slice_to_u64(value, FIELD_SECONDS_MAX, seconds)) {
        return err_set(err, "allowed are Unix seconds in decimal, up to %llu",
                       (unsigned long long)FIELD_SECONDS_MAX);
    }
    return true;
}

bool field_check_count(struct slice value, uint64_t *count, struct err *err) {
    if (value.size > COUNT_DIGITS_MAX || !slice_to_u64(value, FIELD_COUNT_MAX, count)) {
        return err_set(err, "allowed are numbers from 0 to %llu",
                       (unsigned long long)FIELD_COUNT_MAX);
    }
    return true;
}

bool field_read_reply(const struct redis_reply *reply, struct slice *values, size_t count) {
    bool exists = false;
    for (size_t i = 0; i < count; i++) {
        values[i] = redis_reply_text(redis_reply_at(reply, i));
        if (values[i].size == 0) {
            values[i] = SLICE_EMPTY;
        }
        exists = exists || values[i].size > 0;
    }
    return exists;
}
