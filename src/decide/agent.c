/*
 * agent.c - from the tokens that a User-Agent holds to what it says, and a memory of the last.
 *
 * Classes are decided in this order: an empty string is a bot; a string with a machine's token
 * is that machine; a string that names neither platform nor browser nor app is a bot, since every
 * browser names two of them; everything else is a person.
 *
 * The cache is direct-mapped: a string has one place, given by its hash under a random seed, and
 * whoever comes last has it. The string itself is compared, so a collision costs a
 * classification and is never an answer for the wrong one. Somebody who sends random strings
 * makes every tap cost that classification, a microsecond, and nothing more.
 *
 * Browsers within apps tell every version of the phone, of its system and of the app, so no cache
 * meets all of them. In a simulation of 84,000 such strings among few plain ones, 512 entries met
 * 55 of 100 taps, 2,048 met 64, and every doubling beyond 3 more.
 *
 * Threads   struct agents is immutable. agent_cache_see() writes: one thread a cache.
 * Limits    CACHED_BYTES_MAX, beyond which a string is classified each time; nothing is
 *           allocated after the creation.
 */
#include "decide/agent.h"

#include <stdlib.h>
#include <string.h>

#include "agent_table.h"
#include "agent_version.h"
#include "base/defs.h"
#include "base/hash.h"
#include "decide/visitor.h"

/* With what it says and its size, an entry takes six cache lines. */
enum { CACHED_BYTES_MAX = 310 };

struct agents {
    struct agent_matcher *matcher;
    struct slice *names; /* of the tokens */
    struct slice *texts;
};

struct agent_cache_entry {
    struct agent_sighting sighting;
    uint16_t size; /* 0: empty, for an empty string is never kept */
    char text[CACHED_BYTES_MAX];
};

struct agent_cache {
    /* First: where the allocator aligns large pieces to cache lines, as jemalloc does, each is. */
    struct agent_cache_entry entry[AGENT_CACHE_ENTRIES];
    const struct agents *agents;
    uint64_t seed;
    uint64_t visitor_seed; /* of the salt that every visitor_text is made with */
    uint64_t misses;
    struct agent_sighting unkept; /* of the last string that no entry has room for */
};

_Static_assert((AGENT_CACHE_ENTRIES & (AGENT_CACHE_ENTRIES - 1)) == 0, "a mask picks the entry");
_Static_assert(sizeof(struct agent_cache_entry) == 384, "six cache lines");

static inline uint64_t index_hash(struct slice text, uint64_t seed);
static inline struct agent_cache_entry *entry_of(struct agent_cache *cache, uint64_t hash);
static inline bool holds(const struct agent_cache_entry *entry, struct slice text);
/* Not inlined: a hit has no registers to save. */
__attribute__((noinline)) static const struct agent_sighting *
see_anew(struct agent_cache *cache, struct agent_cache_entry *entry, struct slice user_agent,
         uint64_t visitor_text);
__attribute__((cold, noinline)) static void forget(struct agent_cache *cache,
                                                   const struct visitor_salt *salt);
static struct agent agent_of_verdict(const struct agents *agents,
                                     const struct agent_verdict *verdict);
static struct agent nameless_bot(struct slice rule, enum tap_platform platform);

struct agents *agents_create(void) {
    struct agents *agents = calloc(1, sizeof *agents);
    ENSURE(agents != NULL);
    agents->matcher = agent_matcher_create(agent_tokens, agent_token_count);
    agents->names = calloc(agent_token_count, sizeof *agents->names);
    agents->texts = calloc(agent_token_count, sizeof *agents->texts);
    ENSURE(agents->names && agents->texts);
    for (size_t i = 0; i < agent_token_count; i++) {
        agents->names[i] = slice_of(agent_tokens[i].name);
        agents->texts[i] = slice_of(agent_tokens[i].text);
    }
    return agents;
}

void agents_destroy(struct agents **agents) {
    if (*agents == NULL) {
        return;
    }
    agent_matcher_destroy(&(*agents)->matcher);
    free((*agents)->names);
    free((*agents)->texts);
    free(*agents);
    *agents = NULL;
}

struct agent agents_classify(const struct agents *agents, struct slice user_agent) {
    if (user_agent.size == 0) {
        return nameless_bot(SLICE("(empty)"), TAP_PLATFORM_OTHER);
    }
    struct agent_verdict verdict =
        agent_matcher_run(agents->matcher, slice_first(user_agent, AGENT_BYTES_MAX));
    struct agent agent = agent_of_verdict(agents, &verdict);
    agent.os_version = agent_version(agent.platform, slice_first(user_agent, AGENT_BYTES_MAX));
    return agent;
}

struct agent_cache *agent_cache_create(const struct agents *agents, uint64_t seed) {
    struct agent_cache *cache = calloc(1, sizeof *cache);
    ENSURE(cache != NULL);
    cache->agents = agents;
    cache->seed = seed;
    return cache;
}

void agent_cache_destroy(struct agent_cache **cache) {
    free(*cache);
    *cache = NULL;
}

const struct agent_sighting *agent_cache_see(struct agent_cache *cache, struct slice user_agent,
                                             const struct visitor_salt *salt) {
    if (UNLIKELY(cache->visitor_seed != salt->text_seed)) {
        forget(cache, salt);
    }
    struct agent_cache_entry *entry = entry_of(cache, index_hash(user_agent, cache->seed));
    return LIKELY(holds(entry, user_agent))
               ? &entry->sighting
               : see_anew(cache, entry, user_agent, visitor_text_hash(salt, user_agent));
}

uint64_t agent_cache_misses(const struct agent_cache *cache) {
    return cache->misses;
}

static inline uint64_t load_word(const char *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Both halves of the product: every bit of a and b counts, in every bit. */
static inline uint64_t multiply(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Two lanes of 16 bytes a step, mixed as wyhash does; the last step takes the last 32 bytes,
 * whichever of them were taken before. It only picks an entry and need not be XXH3: a hit, with
 * what the visitor's hash wants of the string, takes 137 instructions instead of 170 for the 117
 * bytes of Chrome, 251 instead of 574 for the 270 of Instagram. */
static inline uint64_t index_hash(struct slice text, uint64_t seed) {
    enum { STEP = 32 };
    if (UNLIKELY(text.size < STEP)) {
        return hash_bytes(text, seed);
    }
    const char *at = text.data;
    const char *last = text.data + text.size - STEP;
    /* Not the seed itself: two equal words that change places would be multiplied to the same. */
    uint64_t a = multiply(seed, 0x9e3779b97f4a7c15U ^ text.size);
    uint64_t b = ~a;
    for (; at < last; at += STEP) {
        a = multiply(load_word(at) ^ seed, load_word(at + 8) ^ a);
        b = multiply(load_word(at + 16) ^ seed, load_word(at + 24) ^ b);
    }
    a = multiply(load_word(last) ^ seed, load_word(last + 8) ^ a);
    b = multiply(load_word(last + 16) ^ seed, load_word(last + 24) ^ b);
    return multiply(a ^ seed, b);
}

static inline struct agent_cache_entry *entry_of(struct agent_cache *cache, uint64_t hash) {
    return &cache->entry[hash & (AGENT_CACHE_ENTRIES - 1)];
}

static inline bool holds(const struct agent_cache_entry *entry, struct slice text) {
    return entry->size == text.size && text.size != 0 &&
           memcmp(entry->text, text.data, text.size) == 0;
}

/* Into the entry, or, what no entry has room for, into the one place for all such. */
static const struct agent_sighting *see_anew(struct agent_cache *cache,
                                             struct agent_cache_entry *entry,
                                             struct slice user_agent, uint64_t visitor_text) {
    cache->misses++;
    struct agent_sighting *sighting = &cache->unkept;
    if (user_agent.size > 0 && user_agent.size <= CACHED_BYTES_MAX) {
        sighting = &entry->sighting;
        entry->size = (uint16_t)user_agent.size;
        memcpy(entry->text, user_agent.data, user_agent.size);
    }
    sighting->agent = agents_classify(cache->agents, user_agent);
    sighting->visitor_text = visitor_text;
    return sighting;
}

static void forget(struct agent_cache *cache, const struct visitor_salt *salt) {
    memset(cache->entry, 0, sizeof cache->entry);
    cache->visitor_seed = salt->text_seed;
}

/* The name of the token that decides the fact; empty when there is none. */
static struct slice name_of(const struct agents *agents, const struct agent_verdict *verdict,
                            enum agent_fact fact) {
    uint16_t token = verdict->token[fact];
    return token == AGENT_NOT_FOUND ? SLICE_EMPTY : agents->names[token];
}

static struct agent agent_of_verdict(const struct agents *agents,
                                     const struct agent_verdict *verdict) {
    uint16_t platform_token = verdict->token[AGENT_FACT_PLATFORM];
    enum tap_platform platform = platform_token == AGENT_NOT_FOUND
                                     ? TAP_PLATFORM_OTHER
                                     : (enum tap_platform)agent_tokens[platform_token].value;

    uint16_t machine = verdict->token[AGENT_FACT_MACHINE];
    if (machine != AGENT_NOT_FOUND) {
        return (struct agent){
            .class = (enum agent_class)agent_tokens[machine].value,
            .platform = platform,
            .browser = agents->names[machine],
            .rule = agents->texts[machine],
        };
    }
    if (platform_token == AGENT_NOT_FOUND &&
        verdict->token[AGENT_FACT_BROWSER] == AGENT_NOT_FOUND &&
        verdict->token[AGENT_FACT_IN_APP] == AGENT_NOT_FOUND) {
        return nameless_bot(SLICE("(unknown)"), platform);
    }
    return (struct agent){
        .class = AGENT_PERSON,
        .platform = platform,
        .browser = name_of(agents, verdict, AGENT_FACT_BROWSER),
        .in_app = name_of(agents, verdict, AGENT_FACT_IN_APP),
    };
}

static struct agent nameless_bot(struct slice rule, enum tap_platform platform) {
    return (struct agent){.class = AGENT_BOT, .platform = platform, .rule = rule};
}
