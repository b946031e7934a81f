/*
 * fuzz_decide_agent.c - any bytes as User-Agents: one a line, so that the cache sees several.
 *
 * Held true: no crash; the cache says what the table says, on a miss and on a hit; what comes
 * out are words of the vocabulary and static strings; the case of letters does not matter.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/defs.h"
#include "decide/agent.h"
#include "decide/visitor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ensure_same(struct agent a, struct agent b) {
    ENSURE(a.class == b.class && a.platform == b.platform && a.os_version == b.os_version);
    ENSURE(a.browser.data == b.browser.data && a.browser.size == b.browser.size);
    ENSURE(a.in_app.data == b.in_app.data && a.in_app.size == b.in_app.size);
    ENSURE(a.rule.data == b.rule.data && a.rule.size == b.rule.size);
}

static void ensure_sound(struct agent agent, struct slice input) {
    ENSURE(agent.class == AGENT_PERSON || agent.class == AGENT_PREVIEW || agent.class == AGENT_BOT);
    ENSURE((unsigned)agent.platform < TAP_PLATFORM_COUNT);
    ENSURE((agent.rule.size == 0) == (agent.class == AGENT_PERSON));
    ENSURE(agent.os_version >> 16 <= 999);
    ENSURE(agent.os_version == 0 ||
           (agent.platform != TAP_PLATFORM_OTHER && agent.platform != TAP_PLATFORM_LINUX));
    ENSURE(agent.class == AGENT_PERSON || agent.in_app.size == 0);
    const struct slice out[] = {agent.browser, agent.in_app, agent.rule};
    for (size_t i = 0; i < ARRAY_COUNT(out); i++) {
        ENSURE(out[i].size < 64);
        for (size_t j = 0; j < out[i].size; j++) {
            ENSURE(out[i].data[j] >= ' ' && out[i].data[j] <= '~');
        }
        ENSURE(out[i].data == NULL || out[i].data < input.data ||
               out[i].data >= input.data + input.size);
    }
}

static void ensure_seen(struct agent agent, struct agent_cache *cache, struct slice text) {
    static const struct visitor_salt salt = {.text_seed = 1};
    const struct agent_sighting *sighting = agent_cache_see(cache, text, &salt);
    ensure_same(agent, sighting->agent);
    ENSURE(sighting->visitor_text == visitor_text_hash(&salt, text));
}

static struct agent classify_swapped(const struct agents *agents, struct slice text) {
    char *swapped = malloc(text.size + 1);
    ENSURE(swapped != NULL);
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        swapped[i] = is_letter ? (char)(c ^ 0x20) : c;
    }
    struct agent agent = agents_classify(agents, slice_make(swapped, text.size));
    free(swapped);
    return agent;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct agents *agents;
    static struct agent_cache *cache;
    if (agents == NULL) {
        agents = agents_create();
        cache = agent_cache_create(agents, 1);
    }
    struct slice rest = slice_make((const char *)data, size);
    do {
        struct slice text = slice_split(&rest, '\n');
        struct agent agent = agents_classify(agents, text);
        ensure_sound(agent, text);
        ensure_seen(agent, cache, text);
        ensure_seen(agent, cache, text);
        ensure_same(agent, classify_swapped(agents, text));
    } while (rest.size > 0);
    return 0;
}
