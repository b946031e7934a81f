/*
 * token_lanes.c - which of token_lanes.h this processor runs, and for how many tokens.
 *
 * The eight lanes cost the same whether all are used or not; the counts are from where that is
 * less than one token after another. Measured on one core that has all of these instructions,
 * codes of six characters: a batch takes 420 ns with AVX-512 and 640 ns with AVX2; a token of
 * libcrypto's 107 ns with its SHA instructions and 230 ns without. A tie goes to libcrypto,
 * whose code is a fifth as large.
 *
 * Threads   Pure functions.
 */
#include "token_lanes.h"

#include <stdint.h>

#if defined(__x86_64__)
#include <cpuid.h>

const struct token_lanes token_lanes_all[] = {
    {"AVX-512", token_lanes_make_avx512, 5, 2},
    {"AVX2", token_lanes_make_avx2, 7, 3},
    {NULL, NULL, 0, 0},
};

bool token_lanes_runs(const struct token_lanes *lanes) {
    return lanes->make == token_lanes_make_avx512 ? __builtin_cpu_supports("avx512vl") != 0
                                                  : __builtin_cpu_supports("avx2") != 0;
}

/* Asked for by hand: not every compiler's __builtin_cpu_supports() knows it. */
static bool has_sha(void) {
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & bit_SHA) != 0;
}
#else
const struct token_lanes token_lanes_all[] = {{NULL, NULL, 0, 0}};

bool token_lanes_runs(const struct token_lanes *lanes) {
    (void)lanes;
    return false;
}

static bool has_sha(void) {
    return false;
}
#endif

const struct token_lanes *token_lanes_choose(size_t *count_min) {
    for (const struct token_lanes *lanes = token_lanes_all; lanes->name != NULL; lanes++) {
        if (token_lanes_runs(lanes)) {
            *count_min = has_sha() ? lanes->count_min_with_sha : lanes->count_min_without;
            return lanes;
        }
    }
    *count_min = SIZE_MAX;
    return NULL;
}
