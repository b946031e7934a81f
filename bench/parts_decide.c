/*
 * parts_decide.c - User-Agents, places and visitors.
 *
 * A hit is what the worker's cache remembers, a miss what it has to work out: each operation of a
 * miss asks for something that was not asked for lately.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/defs.h"
#include "base/err.h"
#include "decide/agent.h"
#include "decide/geo.h"
#include "decide/geo_cache.h"
#include "decide/visitor.h"
#include "parts.h"

enum {
    AGENTS = 16 * 1024, /* different ones, far more than a cache holds */
    AGENT_BYTES = 256,
    HITS = 64,           /* of these the hits are */
    ADDRESSES = 1 << 20, /* different networks */
};

#define SOME_TIME_MS UINT64_C(1800000000000)

/* --- User-Agents ------------------------------------------------------------------------- */

struct agent_part {
    struct agents *agents;
    struct agent_cache *cache;
    struct visitor_salt salt;
    char (*texts)[AGENT_BYTES];
    struct slice agent[AGENTS];
    uint64_t hash[HITS];
    uint64_t next;
};

static void *begin_agents(const struct parts_options *options) {
    static const uint8_t secret[VISITOR_SECRET_BYTES] = "parts";
    struct agent_part *it = parts_allocate(sizeof(*it));
    (void)options;
    it->agents = agents_create();
    it->cache = agent_cache_create(it->agents, 1);
    it->texts = parts_allocate(sizeof(*it->texts) * AGENTS);
    visitor_salt_init(&it->salt, secret, SOME_TIME_MS);
    for (unsigned i = 0; i < AGENTS; i++) {
        int size = snprintf(it->texts[i], AGENT_BYTES,
                            "Mozilla/5.0 (Linux; Android %u; SM-A%u) AppleWebKit/537.36 (KHTML, "
                            "like Gecko) Chrome/%u.0.%u.%u Mobile Safari/537.36%s",
                            9 + i % 7, 100 + i % 900, 90 + i % 60, 4000 + i % 2999, i % 211,
                            i % 3 == 0 ? " Instagram 341.0.0.45.100 Android" : "");
        it->agent[i] = slice_make(it->texts[i], (size_t)size);
    }
    for (unsigned i = 0; i < HITS; i++) {
        it->hash[i] = visitor_text_hash(&it->salt, it->agent[i]);
    }
    return it;
}

static void end_agents(void *state) {
    struct agent_part *it = state;
    agent_cache_destroy(&it->cache);
    agents_destroy(&it->agents);
    free(it->texts);
    free(it);
}

static void classify(struct agent_part *it, uint64_t count, uint64_t different) {
    for (uint64_t i = 0; i < count; i++) {
        struct slice text = it->agent[it->next++ % different];
        const struct agent_sighting *seen = agent_cache_see(it->cache, text, &it->salt);
        parts_use((uint64_t)seen->agent.platform);
    }
}

static void run_classify_hit(void *state, uint64_t count) {
    classify(state, count, HITS);
}

static void run_classify_miss(void *state, uint64_t count) {
    classify(state, count, AGENTS);
}

/* From what is known of the User-Agent already. */
static void run_visitor(void *state, uint64_t count) {
    struct agent_part *it = state;
    struct sockaddr_in address = {.sin_family = AF_INET};
    for (uint64_t i = 0; i < count; i++) {
        uint64_t text = it->hash[it->next++ % HITS];
        address.sin_addr.s_addr = (uint32_t)text;
        parts_use(
            visitor_hash_of(&it->salt, (const struct sockaddr *)&address, text, SLICE("es-MX")));
    }
}

/* --- places ------------------------------------------------------------------------------ */

struct geo_part {
    struct geo *geo;
    struct geo_cache *cache;
    struct sockaddr_in *address;
    uint64_t next;
};

static void *begin_geo(const struct parts_options *options) {
    if (options->geo == NULL) {
        fprintf(stderr, "parts: --geo FILE is needed; tests/tools/make-mmdb makes one\n");
        return NULL;
    }
    struct err err = {""};
    struct geo *geo = geo_open(options->geo, &err);
    if (geo == NULL) {
        fprintf(stderr, "parts: %s\n", err.text);
        return NULL;
    }
    struct geo_part *it = parts_allocate(sizeof(*it));
    it->geo = geo;
    it->cache = geo_cache_create();
    it->address = parts_allocate(sizeof(*it->address) * ADDRESSES);
    for (uint32_t i = 0; i < ADDRESSES; i++) {
        /* 189.0.0.0/8 and the seven behind it, a network of 256 addresses after the other, in an
         * order that neither a cache nor the processor can guess. */
        uint32_t network = i * UINT32_C(668265261) % (ADDRESSES / 2);
        it->address[i].sin_family = AF_INET;
        it->address[i].sin_addr.s_addr = htonl(UINT32_C(189) << 24 | network << 8 | i % 251);
    }
    return it;
}

static void end_geo(void *state) {
    struct geo_part *it = state;
    geo_cache_destroy(&it->cache);
    geo_unref(&it->geo);
    free(it->address);
    free(it);
}

static void locate(struct geo_part *it, uint64_t count, uint64_t different) {
    for (uint64_t i = 0; i < count; i++) {
        const struct sockaddr_in *address = &it->address[it->next++ % different];
        const struct geo_place *place =
            geo_cache_find(it->cache, it->geo, (const struct sockaddr *)address);
        parts_use((uint64_t)place->country[0]);
    }
}

static void run_geo_hit(void *state, uint64_t count) {
    locate(state, count, HITS);
}

static void run_geo_miss(void *state, uint64_t count) {
    locate(state, count, ADDRESSES);
}

const struct part parts_of_decide[] = {
    {"classify-hit", "a User-Agent that was seen before", 0, begin_agents, run_classify_hit, NULL,
     end_agents},
    {"classify-miss", "one that was not", 0, begin_agents, run_classify_miss, NULL, end_agents},
    {"geo-hit", "country and region of a network seen before", 0, begin_geo, run_geo_hit, NULL,
     end_geo},
    {"geo-miss", "of one that was not", 0, begin_geo, run_geo_miss, NULL, end_geo},
    {"visitor", "hash a visitor of address, User-Agent and language", 0, begin_agents, run_visitor,
     NULL, end_agents},
    {0},
};
