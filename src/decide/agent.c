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
 * makes every tap cost that classification, less than a microsecond, and nothing more.
 *
 * Threads   struct agents is immutable. agent_cache_classify() writes: one thread a cache.
 * Limits    CACHED_BYTES_MAX, beyond which a string is classified each time; nothing is
 *           allocated after the creation.
 */
#include "decide/agent.h"

#include <stdlib.h>
#include <string.h>

#include "agent_table.h"
#include "base/defs.h"
#include "base/hash.h"

/* With its verdict and size, an entry takes 288 bytes. */
enum { CACHED_BYTES_MAX = 278 };

struct agents {
    struct agent_matcher *matcher;
    struct slice *names; /* of the tokens */
    struct slice *texts;
};

struct agent_cache_entry {
    struct agent_verdict verdict;
    uint16_t size; /* 0: empty, for an empty string is never kept */
    char text[CACHED_BYTES_MAX];
};

struct agent_cache {
    const struct agents *agents;
    uint64_t seed;
    struct agent_cache_entry entry[AGENT_CACHE_ENTRIES];
};

_Static_assert((AGENT_CACHE_ENTRIES & (AGENT_CACHE_ENTRIES - 1)) == 0, "a mask picks the entry");
_Static_assert(sizeof(struct agent_cache_entry) == 288, "an entry is 288 bytes");

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
    return agent_of_verdict(agents, &verdict);
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

struct agent agent_cache_classify(struct agent_cache *cache, struct slice user_agent) {
    if (user_agent.size == 0 || user_agent.size > CACHED_BYTES_MAX) {
        return agents_classify(cache->agents, user_agent);
    }
    uint64_t hash = hash_bytes(user_agent, cache->seed);
    struct agent_cache_entry *entry = &cache->entry[hash & (AGENT_CACHE_ENTRIES - 1)];
    if (entry->size != user_agent.size ||
        memcmp(entry->text, user_agent.data, user_agent.size) != 0) {
        entry->verdict = agent_matcher_run(cache->agents->matcher, user_agent);
        entry->size = (uint16_t)user_agent.size;
        memcpy(entry->text, user_agent.data, user_agent.size);
    }
    return agent_of_verdict(cache->agents, &entry->verdict);
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
