/*
 * token_lanes_avx2.c - eight click tokens at once, for x86 processors with AVX2.
 *
 * Compiled for AVX2: sixteen registers of eight numbers, a rotation in three instructions.
 */
#if defined(__x86_64__)
#define LANES_TARGET __attribute__((target("avx2")))
#define LANES_MAKE   token_lanes_make_avx2
#include "token_lanes_body.h"
#endif
