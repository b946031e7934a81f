/*
 * defs.c - the end of a process with a bug.
 *
 * An abort() with the expression is worth more than a process that goes on with numbers that
 * people are paid by; the journal is a file mapping, so nothing that was answered is lost.
 */
#include "base/defs.h"

#include <stdio.h>
#include <stdlib.h>

void ensure_failed(const char *expression, const char *file, int line) {
    fprintf(stderr, "brinco: bug: %s does not hold at %s:%d\n", expression, file, line);
    abort();
}
