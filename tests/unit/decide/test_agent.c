/*
 * test_agent.c - User-Agents as they are sent, and what is made of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "agent_machines.h"
#include "agent_people.h"
#include "agent_table.h"
#include "base/defs.h"
#include "decide/agent.h"
#include "decide/visitor.h"

static int set_up(void **state) {
    *state = agents_create();
    return 0;
}

static int tear_down(void **state) {
    struct agents *agents = *state;
    agents_destroy(&agents);
    assert_null(agents);
    return 0;
}

static struct agent classify(void **state, const char *text) {
    return agents_classify(*state, slice_of(text));
}

static void assert_slice(struct slice slice, const char *expected, const char *of) {
    if (!slice_equal(slice, slice_of(expected))) {
        fail_msg("\"%.*s\" instead of \"%s\" for %s", SLICE_ARG(slice), expected, of);
    }
}

static void assert_same(struct agent a, struct agent b) {
    assert_int_equal(a.class, b.class);
    assert_int_equal(a.platform, b.platform);
    assert_true(slice_equal(a.browser, b.browser));
    assert_true(slice_equal(a.in_app, b.in_app));
    assert_true(slice_equal(a.rule, b.rule));
}

static const struct visitor_salt salt = {.text_seed = 0xfedcba9876543210u};

/* What the cache says, which is also what the visitor's hash wants. */
static struct agent see(struct agent_cache *cache, struct slice text) {
    const struct agent_sighting *sighting = agent_cache_see(cache, text, &salt);
    assert_int_equal(sighting->visitor_text, visitor_text_hash(&salt, text));
    return sighting->agent;
}

static void assert_known(void **state, const struct agent_string *known) {
    struct agent agent = classify(state, known->text);
    if (agent.class != known->class || agent.platform != known->platform) {
        fail_msg("class %d, platform %s, by \"%.*s\" for %s", (int)agent.class,
                 tap_platform_name(agent.platform), SLICE_ARG(agent.rule), known->text);
    }
    assert_slice(agent.browser, known->browser, known->text);
    assert_slice(agent.in_app, known->in_app, known->text);
    assert_int_equal(agent.rule.size == 0, agent.class == AGENT_PERSON);
}

static void people_are_people_wherever_they_read(void **state) {
    for (size_t i = 0; i < ARRAY_COUNT(agent_people); i++) {
        assert_int_equal(agent_people[i].class, AGENT_PERSON);
        assert_known(state, &agent_people[i]);
    }
}

static void machines_are_machines_whatever_they_quote(void **state) {
    for (size_t i = 0; i < ARRAY_COUNT(agent_machines); i++) {
        assert_int_not_equal(agent_machines[i].class, AGENT_PERSON);
        assert_known(state, &agent_machines[i]);
    }
}

static void the_rule_is_the_token_that_decided(void **state) {
    assert_slice(classify(state, "curl/8.5.0").rule, "curl/", "curl");
    assert_slice(classify(state, "WhatsApp/2.23.20.0 A").rule, "whatsapp/", "WhatsApp");
    assert_slice(classify(state, "Acme-Crawler 1").rule, "crawler", "a crawler");
}

static void no_user_agent_is_a_bot(void **state) {
    struct agent agent = agents_classify(*state, SLICE_EMPTY);
    assert_int_equal(agent.class, AGENT_BOT);
    assert_int_equal(agent.platform, TAP_PLATFORM_OTHER);
    assert_int_equal(agent.browser.size, 0);
    assert_slice(agent.rule, "(empty)", "no User-Agent");
}

static void what_names_nothing_known_is_a_bot(void **state) {
    const char *const unknown[] = {"x", "-", "Mozilla/5.0", "test", "Mozilla/4.0 (compatible;)"};
    for (size_t i = 0; i < ARRAY_COUNT(unknown); i++) {
        struct agent agent = classify(state, unknown[i]);
        assert_int_equal(agent.class, AGENT_BOT);
        assert_slice(agent.rule, "(unknown)", unknown[i]);
    }
}

static void case_does_not_matter(void **state) {
    assert_same(classify(state, "GOOGLEBOT/2.1"), classify(state, "googlebot/2.1"));
    assert_same(classify(state, "WHATSAPP/2"), classify(state, "WhatsApp/2"));
}

static void names_of_messengers_count_as_fetchers_only_at_the_beginning(void **state) {
    assert_int_equal(classify(state, "WhatsApp/2.23.20.0 i").class, AGENT_PREVIEW);
    assert_int_equal(classify(state, "Viber/13.3.0").class, AGENT_PREVIEW);
    struct agent person = classify(
        state, "Mozilla/5.0 (Linux; Android 13; SM-A536B; wv) AppleWebKit/537.36 (KHTML, like "
               "Gecko) Version/4.0 Chrome/120.0.0.0 Mobile Safari/537.36 WhatsApp/2.23.25.83");
    assert_int_equal(person.class, AGENT_PERSON);
    assert_slice(person.in_app, "whatsapp", "WhatsApp's web view");
}

static void a_machine_is_in_no_app(void **state) {
    struct agent agent = classify(state, "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) "
                                         "Instagram 300.0 (compatible; Googlebot/2.1)");
    assert_int_equal(agent.class, AGENT_BOT);
    assert_slice(agent.browser, "googlebot", "a bot");
    assert_int_equal(agent.in_app.size, 0);
}

static void a_cubot_is_a_phone_and_excuses_no_bot(void **state) {
    assert_int_equal(classify(state, "Mozilla/5.0 (Linux; Android 13; CUBOT) Chrome/120").class,
                     AGENT_PERSON);
    assert_int_equal(classify(state, "Mozilla/5.0 (Linux; Android 13; CUBOT) Chrome/120 "
                                     "(compatible; AcmeBot/1.0)")
                         .class,
                     AGENT_BOT);
    assert_int_equal(classify(state, "Mozilla/5.0 (Android; Abbott Talbots) Chrome/120").class,
                     AGENT_PERSON);
    assert_int_equal(classify(state, "Mozilla/5.0 (Android) Chrome/120 AcmeBot").class, AGENT_BOT);
}

static void only_the_first_512_bytes_are_looked_at(void **state) {
    char text[2048];
    memset(text, 'x', sizeof text);
    memcpy(text, "Mozilla/5.0 (Android) ", 22);
    const struct slice token = SLICE("Googlebot");

    memcpy(text + AGENT_BYTES_MAX - token.size, token.data, token.size);
    struct slice whole = slice_make(text, sizeof text);
    assert_int_equal(agents_classify(*state, whole).class, AGENT_BOT);

    memset(text + 22, 'x', sizeof text - 22);
    memcpy(text + AGENT_BYTES_MAX - token.size + 1, token.data, token.size);
    assert_int_equal(agents_classify(*state, whole).class, AGENT_PERSON);
}

static void any_bytes_are_taken(void **state) {
    struct agent_cache *cache = agent_cache_create(*state, 1);
    uint64_t random = 88172645463325252u;
    for (size_t round = 0; round < 20000; round++) {
        char text[600];
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        size_t size = random % sizeof text;
        for (size_t i = 0; i < size; i++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            text[i] = (char)(random >> 24);
        }
        struct slice slice = slice_make(text, size);
        assert_same(agents_classify(*state, slice), see(cache, slice));
    }
    assert_int_equal(agents_classify(*state, slice_make("\0\xff\x80\n", 4)).class, AGENT_BOT);
    agent_cache_destroy(&cache);
}

static void the_cache_says_what_the_table_says(void **state) {
    struct agent_cache *cache = agent_cache_create(*state, 0x1234567890abcdefu);
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_COUNT(agent_people); i++) {
            struct slice text = slice_of(agent_people[i].text);
            assert_same(see(cache, text), agents_classify(*state, text));
        }
        for (size_t i = 0; i < ARRAY_COUNT(agent_machines); i++) {
            struct slice text = slice_of(agent_machines[i].text);
            assert_same(see(cache, text), agents_classify(*state, text));
        }
    }
    agent_cache_destroy(&cache);
    assert_null(cache);
}

/* Far more strings than entries, of all lengths around the longest that is kept: every one meets
 * an entry that holds another. */
static void strings_that_share_an_entry_are_not_mixed_up(void **state) {
    struct agent_cache *cache = agent_cache_create(*state, 7);
    char text[400];
    for (size_t round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 8 * AGENT_CACHE_ENTRIES; i++) {
            int head = snprintf(text, sizeof text, "%s/%u ", i % 2 ? "curl" : "WhatsApp", i);
            size_t size = (size_t)head + i % 320;
            memset(text + head, 'x', size - (size_t)head);
            struct agent agent = see(cache, slice_make(text, size));
            assert_int_equal(agent.class, i % 2 ? AGENT_BOT : AGENT_PREVIEW);
        }
    }
    agent_cache_destroy(&cache);
}

/* The cache keeps a copy: the request's buffer is written over by the next one. */
static void the_cache_keeps_no_borrowed_bytes(void **state) {
    struct agent_cache *cache = agent_cache_create(*state, 7);
    char buffer[32] = "curl/8.5.0";
    struct slice text = slice_make(buffer, 10);
    struct agent before = see(cache, text);
    memcpy(buffer, "WhatsApp/2", 10);
    assert_int_equal(see(cache, text).class, AGENT_PREVIEW);
    memcpy(buffer, "curl/8.5.0", 10);
    assert_same(see(cache, text), before);
    assert_slice(before.browser, "curl", "curl");
    agent_cache_destroy(&cache);
}

static void only_what_is_new_or_too_long_is_classified(void **state) {
    struct agent_cache *cache = agent_cache_create(*state, 7);
    char text[AGENT_BYTES_MAX];
    memset(text, 'x', sizeof text);
    memcpy(text, "curl/", 5);
    uint64_t misses = 0;
    for (size_t size = 0; size < sizeof text; size++) {
        struct slice of_size = slice_make(text, size);
        bool is_kept = size > 0 && size <= 310;
        see(cache, of_size);
        assert_int_equal(agent_cache_misses(cache), ++misses);
        see(cache, of_size);
        see(cache, of_size);
        misses += is_kept ? 0 : 2;
        assert_int_equal(agent_cache_misses(cache), misses);
    }
    agent_cache_destroy(&cache);
}

/* Every byte counts for the entry that a string gets: at these sizes, each is in one word of one
 * step. Of 64 strings in 2,048 entries some two share one; the eight that differ in a word that was
 * left out would all share. */
static void strings_that_differ_in_one_byte_have_entries_of_their_own(void **state) {
    for (size_t size = 32; size <= 64; size += 32) {
        struct agent_cache *cache = agent_cache_create(*state, 0x9d5c3aa1772f11e3u);
        char text[64];
        memset(text, 'a', sizeof text);
        for (int round = 0; round < 2; round++) {
            for (size_t i = 0; i < size; i++) {
                text[i] = 'b';
                see(cache, slice_make(text, size));
                text[i] = 'a';
            }
        }
        assert_in_range(agent_cache_misses(cache), size, size + 7);
        agent_cache_destroy(&cache);
    }
}

/* At midnight visitors get another salt: what was remembered under the old one is of no use. */
static void another_day_s_salt_is_never_answered_with_the_last_one_s(void **state) {
    struct agent_cache *cache = agent_cache_create(*state, 7);
    struct slice text = SLICE("curl/8.5.0");
    struct visitor_salt tomorrow = {.text_seed = salt.text_seed + 1};
    for (int round = 0; round < 2; round++) {
        assert_int_equal(agent_cache_see(cache, text, &salt)->visitor_text,
                         visitor_text_hash(&salt, text));
        assert_int_equal(agent_cache_see(cache, text, &tomorrow)->visitor_text,
                         visitor_text_hash(&tomorrow, text));
    }
    assert_int_equal(agent_cache_misses(cache), 4);
    agent_cache_destroy(&cache);
}

/* A line that can never win is a mistake of whoever added it. */
static void every_line_of_the_table_can_decide(void **state) {
    (void)state;
    for (size_t i = 0; i < agent_token_count; i++) {
        const struct agent_token *token = &agent_tokens[i];
        assert_true(token->fact <= AGENT_FACT_NONE);
        if (token->fact == AGENT_FACT_MACHINE) {
            assert_true(token->value == AGENT_PREVIEW || token->value == AGENT_BOT);
        }
        assert_int_equal(token->fact == AGENT_FACT_PLATFORM || token->fact == AGENT_FACT_NONE,
                         token->name[0] == '\0');
        for (size_t j = 0; j < i; j++) {
            const struct agent_token *above = &agent_tokens[j];
            bool hidden = above->fact == token->fact && above->place == AGENT_ANYWHERE &&
                          strstr(token->text, above->text) != NULL;
            if (hidden && strcmp(above->name, token->name) != 0) {
                fail_msg("\"%s\" can never decide: \"%s\" stands above it", token->text,
                         above->text);
            }
        }
    }
}

/* The automaton against the simplest search there is. */
static void the_automaton_finds_what_a_plain_search_finds(void **state) {
    (void)state;
    static const struct agent_token tokens[] = {
        {"he", "", AGENT_FACT_MACHINE, AGENT_ANYWHERE, 0},
        {"she", "", AGENT_FACT_PLATFORM, AGENT_ANYWHERE, 0},
        {"his", "", AGENT_FACT_IN_APP, AGENT_ANYWHERE, 0},
        {"hers", "", AGENT_FACT_BROWSER, AGENT_ANYWHERE, 0},
    };
    struct agent_matcher *matcher = agent_matcher_create(tokens, ARRAY_COUNT(tokens));
    static const char letters[] = "heris";
    for (unsigned number = 0; number < 78125; number++) { /* all of seven letters */
        char text[8] = {0};
        for (unsigned i = 0, rest = number; i < 7; i++, rest /= 5) {
            text[i] = letters[rest % 5];
        }
        struct agent_verdict verdict = agent_matcher_run(matcher, slice_of(text));
        for (unsigned i = 0; i < ARRAY_COUNT(tokens); i++) {
            bool found = verdict.token[tokens[i].fact] == i;
            assert_int_equal(found, strstr(text, tokens[i].text) != NULL);
        }
    }
    agent_matcher_destroy(&matcher);
}

static void the_place_of_a_token_is_kept(void **state) {
    (void)state;
    static const struct agent_token tokens[] = {
        {"ab", "", AGENT_FACT_MACHINE, AGENT_START, 0},
        {"ab", "", AGENT_FACT_PLATFORM, AGENT_WHOLE, 0},
        {"ab", "", AGENT_FACT_IN_APP, AGENT_WORD, 0},
        {"ab", "", AGENT_FACT_BROWSER, AGENT_WORD_ENDS, 0},
    };
    static const struct {
        const char *text;
        bool found[4];
    } cases[] = {
        {"ab", {true, true, true, true}},     {"AB1", {true, false, true, true}},
        {"abc", {true, false, true, false}},  {"1ab", {false, false, false, true}},
        {"x ab", {false, false, true, true}}, {"xabx", {false, false, false, false}},
        {"a", {false, false, false, false}},  {"xab/", {false, false, false, true}},
    };
    struct agent_matcher *matcher = agent_matcher_create(tokens, ARRAY_COUNT(tokens));
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct agent_verdict verdict = agent_matcher_run(matcher, slice_of(cases[i].text));
        for (unsigned j = 0; j < ARRAY_COUNT(tokens); j++) {
            assert_int_equal(verdict.token[j] == j, cases[i].found[j]);
        }
    }
    agent_matcher_destroy(&matcher);
    assert_null(matcher);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_are_people_wherever_they_read),
        cmocka_unit_test(machines_are_machines_whatever_they_quote),
        cmocka_unit_test(the_rule_is_the_token_that_decided),
        cmocka_unit_test(no_user_agent_is_a_bot),
        cmocka_unit_test(what_names_nothing_known_is_a_bot),
        cmocka_unit_test(case_does_not_matter),
        cmocka_unit_test(names_of_messengers_count_as_fetchers_only_at_the_beginning),
        cmocka_unit_test(a_machine_is_in_no_app),
        cmocka_unit_test(a_cubot_is_a_phone_and_excuses_no_bot),
        cmocka_unit_test(only_the_first_512_bytes_are_looked_at),
        cmocka_unit_test(any_bytes_are_taken),
        cmocka_unit_test(the_cache_says_what_the_table_says),
        cmocka_unit_test(strings_that_share_an_entry_are_not_mixed_up),
        cmocka_unit_test(the_cache_keeps_no_borrowed_bytes),
        cmocka_unit_test(only_what_is_new_or_too_long_is_classified),
        cmocka_unit_test(strings_that_differ_in_one_byte_have_entries_of_their_own),
        cmocka_unit_test(another_day_s_salt_is_never_answered_with_the_last_one_s),
        cmocka_unit_test(every_line_of_the_table_can_decide),
        cmocka_unit_test(the_automaton_finds_what_a_plain_search_finds),
        cmocka_unit_test(the_place_of_a_token_is_kept),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
