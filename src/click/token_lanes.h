/*
 * token_lanes.h - eight click tokens at once, one in each lane of the vector registers.
 *
 * SHA-256 is one long chain: each addition waits for the last, and a processor without
 * instructions for it idles. Eight independent ones side by side fill it. That is written once,
 * in token_lanes_body.h, and compiled for the processors where it pays (token_lanes_avx2.c,
 * token_lanes_avx512.c). token_lanes_choose() says which one to use here, and from how many
 * tokens on it is cheaper than one after another through libcrypto.
 *
 * There is none for processors without AVX2, which are older than 2013 or have SHA instructions:
 * compiled for SSE2, eight lanes took 350 ns a token, libcrypto without SHA instructions 280 ns.
 * And none for other architectures, where nothing was measured: libcrypto knows their SHA
 * instructions.
 *
 * Threads   Pure functions on constants.
 * Secrets   No branch and no address depends on the key or on what is made from it. Branches
 *           depend on the sizes of codes, which are public.
 * Limits    Codes of at most TOKEN_LANES_CODE_BYTES_MAX.
 */
#ifndef TOKEN_LANES_H
#define TOKEN_LANES_H

#include <stdbool.h>
#include <stddef.h>

struct token_job;
struct token_key;

/* With the id before it and the bit behind it, it fills words 0 to 8 of its block. That the words
 * of longer ones are known to be zero saves 40 of 983 instructions a token. */
enum { TOKEN_LANES_CODE_BYTES_MAX = 19 };

struct token_lanes {
    const char *name;
    /* Makes the tokens of TOKEN_BATCH jobs. One may stand there more than once: that fills a
     * batch up. */
    void (*make)(const struct token_key *key, const struct token_job *const *jobs);
    /* From so many on it is cheaper than libcrypto, with its SHA instructions or without. */
    size_t count_min_with_sha;
    size_t count_min_without;
};

/* Every one that was compiled, the best first; the last has no name. */
extern const struct token_lanes token_lanes_all[];

/* Whether this processor can run it. */
bool token_lanes_runs(const struct token_lanes *lanes);

/* What this processor should use, and for how many; NULL for none. */
const struct token_lanes *token_lanes_choose(size_t *count_min);

/* On x86 processors alone. */
void token_lanes_make_avx2(const struct token_key *key, const struct token_job *const *jobs);
void token_lanes_make_avx512(const struct token_key *key, const struct token_job *const *jobs);

#endif
