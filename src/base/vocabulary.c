/*
 * vocabulary.c - the names behind the numbers.
 */
#include "base/vocabulary.h"

#include "base/defs.h"

#define TEXT(name, text) text,

static const char *const kinds[] = {TAP_KINDS(TEXT)};
static const char *const outcomes[] = {TAP_OUTCOMES(TEXT)};
static const char *const platforms[] = {TAP_PLATFORMS(TEXT)};

const char *tap_kind_name(enum tap_kind kind) {
    ENSURE((unsigned)kind < TAP_KIND_COUNT);
    return kinds[kind];
}

const char *tap_outcome_name(enum tap_outcome outcome) {
    ENSURE((unsigned)outcome < TAP_OUTCOME_COUNT);
    return outcomes[outcome];
}

const char *tap_platform_name(enum tap_platform platform) {
    ENSURE((unsigned)platform < TAP_PLATFORM_COUNT);
    return platforms[platform];
}
