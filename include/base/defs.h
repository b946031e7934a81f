/*
 * base/defs.h - the handful of macros that every file may use.
 */
#ifndef BASE_DEFS_H
#define BASE_DEFS_H

#include <stddef.h>

/* The caller must look at the result. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* Format checking for functions that take a printf format. */
#define PRINTF_LIKE(index, first) __attribute__((format(printf, index, first)))

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#define ARRAY_COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The struct of the given type whose member the pointer points at. */
#define CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/* A bug, not a failure: stays on in release builds, prints the expression and aborts. */
#define ENSURE(expression)                                                                         \
    (LIKELY(expression) ? (void)0 : ensure_failed(#expression, __FILE__, __LINE__))

__attribute__((noreturn, cold)) void ensure_failed(const char *expression, const char *file,
                                                   int line);

#endif
