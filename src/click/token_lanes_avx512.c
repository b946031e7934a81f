/*
 * token_lanes_avx512.c - eight click tokens at once, for x86 processors with AVX-512VL.
 *
 * Compiled for AVX-512VL, of which it takes not the width but the instructions: rotation in one,
 * any operation of three operands in one, and twice the registers.
 */
#if defined(__x86_64__)
#define LANES_TARGET __attribute__((target("avx512vl")))
#define LANES_MAKE   token_lanes_make_avx512
#include "token_lanes_body.h"
#endif
