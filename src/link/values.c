/*
 * values.c - fields as a person gives them.
 *
 * Threads   The main thread: dates are read in the process' zone.
 */
#include "link/values.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"

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
