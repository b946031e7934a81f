/*
 * base/err.h - one sentence about why something could not be started or used.
 *
 * For start-up failures and for what a user asked for: the sentence names the file, line or
 * key, and what is allowed. Expected outcomes on the hop are enums of their modules instead.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

#include "base/defs.h"

struct err {
    char text[512]; /* no line break, NUL-terminated; empty: nothing set */
};

/* Replaces the sentence; over-long text is cut. Returns false, so that a caller can
 * `return err_set(err, ...)`. err may be NULL: then nothing is kept. */
bool err_set(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Puts "prefix: " before the sentence. Returns false. */
bool err_prefix(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
