/*
 * values.c - fields as a person gives them.
 *
 * Threads   The main thread: dates are read in the process' zone.
 */
#include "link/values.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "link/rules.h"

bool values_read_time(struct slice text, char storage[VALUES_TIME_BYTES], struct slice *value,
                      struct err *err) {
    if (text.size == 0) {
        *value = slice_make("", 0);
        return true;
    }
    uint64_t seconds;
    if (!clock_parse_time(text, &seconds)) {
        return err_set(err,
                       "\"%.*s\" is not a time; allowed: Unix seconds, 2026-01-31, "
                       "2026-01-31T23:59:59Z",
                       SLICE_ARG(slice_first(text, 40)));
    }
    int size = snprintf(storage, VALUES_TIME_BYTES, "%" PRIu64, seconds);
    *value = slice_make(storage, (size_t)size);
    return true;
}

bool values_read_rules(struct slice text, struct buf *out, struct slice *value, struct err *err) {
    static const struct rules_terms any = {.schemes = {"*", 1}};
    *value = slice_make("", 0);
    if (text.size == 0) {
        return true;
    }
    size_t begin = out->size;
    if (!rules_normalize(text, &any, out, err)) {
        return false;
    }
    struct slice rules = slice_from(buf_slice(out), begin);
    if (!slice_equal(rules, SLICE("[]"))) {
        *value = rules;
    }
    return true;
}
