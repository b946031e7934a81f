/*
 * The cache: finding, replacing, evicting within the budget, and its negative share.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "link/cache.h"
#include "link/campaign.h"
#include "link/link.h"
#include "link_metrics.h"

#define NEGATIVE_NS UINT64_C(30000000000)
#define NOW         UINT64_C(1000000000000)

static const struct cache_stamp stamp = {.issued_ns = NOW, .epoch = 7};

struct fixture {
    struct cache *cache;
    struct metric_set *metrics;
};

static struct fixture begin(uint64_t bytes_max) {
    struct fixture it = {.metrics = link_metrics_create(NULL)};
    it.cache = cache_create(&(struct cache_options){
        .bytes_max = bytes_max, .negative_ns = NEGATIVE_NS, .metrics = it.metrics});
    return it;
}

static void end(struct fixture *it) {
    assert_int_equal(metric_get(it->metrics, LINK_CACHE_ENTRIES), cache_entries(it->cache));
    assert_int_equal(metric_get(it->metrics, LINK_CACHE_BYTES), cache_bytes(it->cache));
    cache_destroy(&it->cache);
    assert_null(it->cache);
    metric_set_destroy(&it->metrics);
}

static struct slice code_of(char text[16], unsigned number) {
    return slice_make(text, (size_t)snprintf(text, 16, "c%07u", number));
}

/* A link whose owner is the code, so that a mix-up shows. */
static void put_number(struct fixture *it, unsigned number) {
    char text[16];
    struct slice code = code_of(text, number);
    struct slice values[LINK_FIELD_COUNT] = {
        [LINK_FIELD_CAMPAIGN] = SLICE("referral26"), [LINK_FIELD_OWNER] = code};
    struct link *link = link_create(values, SLICE_EMPTY);
    cache_put_link(it->cache, code, link, stamp);
    link_destroy(&link);
}

static bool find_number(struct fixture *it, unsigned number) {
    char text[16];
    struct slice code = code_of(text, number);
    struct cache_hit hit;
    if (!cache_find(it->cache, CACHE_LINK, code, NOW, &hit)) {
        return false;
    }
    assert_non_null(hit.link);
    assert_null(hit.campaign);
    assert_true(slice_equal(link_owner(hit.link), code));
    assert_true(slice_equal(link_campaign(hit.link), SLICE("referral26")));
    return true;
}

static struct campaign *make_campaign(struct slice id, struct slice name) {
    struct slice values[CAMPAIGN_FIELD_COUNT] = {[CAMPAIGN_FIELD_NAME] = name};
    return campaign_create(id, values, SLICE_EMPTY);
}

static void links_and_campaigns_of_one_name_are_kept_apart(void **state) {
    (void)state;
    struct fixture it = begin(1 << 20);
    struct cache_hit hit;
    assert_false(cache_find(it.cache, CACHE_LINK, SLICE("c0000001"), NOW, &hit));
    put_number(&it, 1);
    assert_false(cache_find(it.cache, CACHE_CAMPAIGN, SLICE("c0000001"), NOW, &hit));
    cache_put_campaign(it.cache, SLICE("c0000001"),
                       make_campaign(SLICE("c0000001"), SLICE("Spring")), stamp);
    assert_true(find_number(&it, 1));
    assert_true(cache_find(it.cache, CACHE_CAMPAIGN, SLICE("c0000001"), NOW, &hit));
    assert_null(hit.link);
    assert_true(slice_equal(hit.campaign->text[CAMPAIGN_FIELD_NAME], SLICE("Spring")));
    assert_int_equal(hit.stamp.epoch, 7);
    assert_int_equal(hit.stamp.issued_ns, NOW);
    assert_int_equal(cache_entries(it.cache), 2);
    end(&it);
}

static void keys_of_every_size_hold_their_links(void **state) {
    (void)state;
    struct fixture it = begin(1 << 20);
    char key[64];
    memset(key, 'k', sizeof(key));
    for (size_t size = 1; size <= sizeof(key); size++) {
        struct slice values[LINK_FIELD_COUNT] = {[LINK_FIELD_OWNER] = slice_make(key, size)};
        struct link *link = link_create(values, SLICE_EMPTY);
        cache_put_link(it.cache, slice_make(key, size), link, stamp);
        link_destroy(&link);
        cache_put_campaign(it.cache, slice_make(key, size),
                           make_campaign(slice_make(key, size), SLICE("n")), stamp);
    }
    for (size_t size = 1; size <= sizeof(key); size++) {
        struct cache_hit hit;
        assert_true(cache_find(it.cache, CACHE_LINK, slice_make(key, size), NOW, &hit));
        assert_int_equal(link_owner(hit.link).size, size);
        assert_true(cache_find(it.cache, CACHE_CAMPAIGN, slice_make(key, size), NOW, &hit));
        assert_int_equal(hit.campaign->id.size, size);
    }
    end(&it);
}

static void putting_again_replaces(void **state) {
    (void)state;
    struct fixture it = begin(1 << 20);
    struct cache_hit hit;
    uint64_t empty = cache_bytes(it.cache);
    put_number(&it, 1);
    uint64_t one = cache_bytes(it.cache);
    put_number(&it, 1);
    assert_int_equal(cache_entries(it.cache), 1);
    assert_int_equal(cache_bytes(it.cache), one);
    assert_true(one > empty);
    cache_put_link(it.cache, SLICE("c0000001"), NULL, stamp);
    assert_true(cache_find(it.cache, CACHE_LINK, SLICE("c0000001"), NOW, &hit));
    assert_null(hit.link);
    assert_int_equal(metric_get(it.metrics, LINK_CACHE_NEGATIVE_ENTRIES), 1);
    put_number(&it, 1);
    assert_true(find_number(&it, 1));
    assert_int_equal(metric_get(it.metrics, LINK_CACHE_NEGATIVE_ENTRIES), 0);
    assert_int_equal(metric_get(it.metrics, LINK_CACHE_EVICTIONS), 0);
    end(&it);
}

static void negative_entries_expire(void **state) {
    (void)state;
    struct fixture it = begin(1 << 20);
    struct cache_hit hit;
    cache_put_link(it.cache, SLICE("gone"), NULL, stamp);
    cache_put_campaign(it.cache, SLICE("gone"), NULL, stamp);
    assert_true(cache_find(it.cache, CACHE_LINK, SLICE("gone"), NOW + NEGATIVE_NS - 1, &hit));
    assert_true(hit.link == NULL && hit.campaign == NULL);
    assert_true(cache_find(it.cache, CACHE_LINK, SLICE("gone"), NOW - 1, &hit));
    assert_false(cache_find(it.cache, CACHE_LINK, SLICE("gone"), NOW + NEGATIVE_NS, &hit));
    assert_false(cache_find(it.cache, CACHE_CAMPAIGN, SLICE("gone"), NOW + NEGATIVE_NS, &hit));
    end(&it);
}

static void invalidation_removes_negatives_and_ages_the_rest(void **state) {
    (void)state;
    struct fixture it = begin(1 << 20);
    struct cache_hit hit;
    put_number(&it, 1);
    cache_put_link(it.cache, SLICE("gone"), NULL, stamp);
    cache_invalidate(it.cache, CACHE_LINK, SLICE("gone"));
    cache_invalidate(it.cache, CACHE_LINK, SLICE("c0000001"));
    cache_invalidate(it.cache, CACHE_LINK, SLICE("never-there"));
    cache_invalidate(it.cache, CACHE_CAMPAIGN, SLICE("c0000001"));
    assert_false(cache_find(it.cache, CACHE_LINK, SLICE("gone"), NOW, &hit));
    assert_true(cache_find(it.cache, CACHE_LINK, SLICE("c0000001"), NOW, &hit));
    assert_non_null(hit.link);
    assert_int_equal(hit.stamp.epoch, 0);
    assert_int_equal(hit.stamp.issued_ns, 0);
    assert_int_equal(metric_get(it.metrics, LINK_CACHE_INVALIDATIONS), 2);
    end(&it);
}

static void eviction_keeps_the_budget_and_what_is_found_often(void **state) {
    (void)state;
    enum { BUDGET = 1 << 20, OFTEN = 50, NUMBERS = 30000 };
    struct fixture it = begin(BUDGET);
    for (unsigned i = 0; i < NUMBERS; i++) {
        put_number(&it, i);
        assert_true(cache_bytes(it.cache) <= BUDGET);
        if (i % 500 == 0) {
            assert_true(find_number(&it, i)); /* the new one is never evicted */
            for (unsigned often = 0; often < OFTEN && often <= i; often++) {
                assert_true(find_number(&it, often));
            }
        }
    }
    unsigned found = 0;
    for (unsigned i = 0; i < NUMBERS; i++) {
        found += find_number(&it, i);
    }
    assert_int_equal(found, cache_entries(it.cache));
    assert_true(found > BUDGET / 110);
    assert_int_equal(metric_get(it.metrics, LINK_CACHE_EVICTIONS), NUMBERS - found);
    end(&it);
}

static void big_entries_evict_as_many_as_they_need(void **state) {
    (void)state;
    struct fixture it = begin(0); /* raised to CACHE_BYTES_MIN */
    char *url = malloc(2048);
    assert_non_null(url);
    memset(url, 'x', 2048);
    memcpy(url, "https://a/", 10);
    for (unsigned i = 0; i < 300; i++) {
        put_number(&it, i);
    }
    for (unsigned i = 0; i < 300; i++) {
        struct slice values[CAMPAIGN_FIELD_COUNT] = {
            [CAMPAIGN_FIELD_ANDROID] = slice_make(url, 2048),
            [CAMPAIGN_FIELD_IOS] = slice_make(url, 2048),
            [CAMPAIGN_FIELD_WEB] = slice_make(url, 2048),
            [CAMPAIGN_FIELD_FALLBACK] = slice_make(url, 2048)};
        char text[16];
        struct slice id = code_of(text, i);
        struct cache_hit hit;
        cache_put_campaign(it.cache, id, campaign_create(id, values, SLICE_EMPTY), stamp);
        assert_true(cache_bytes(it.cache) <= CACHE_BYTES_MIN);
        assert_true(cache_find(it.cache, CACHE_CAMPAIGN, id, NOW, &hit));
        assert_int_equal(hit.campaign->text[CAMPAIGN_FIELD_FALLBACK].size, 2048);
    }
    free(url);
    end(&it);
}

static void negatives_have_an_eighth_at_most_and_push_no_link_out(void **state) {
    (void)state;
    enum { BUDGET = 1 << 20, LINKS = 5000 };
    struct fixture it = begin(BUDGET);
    for (unsigned i = 0; i < LINKS; i++) {
        put_number(&it, i);
    }
    uint64_t before = cache_bytes(it.cache);
    for (unsigned i = 0; i < 50000; i++) {
        char text[64]; /* the longest key makes the biggest entries */
        memset(text, '-', sizeof(text));
        text[snprintf(text, sizeof(text), "%u", i)] = '-';
        cache_put_link(it.cache, slice_make(text, sizeof(text)), NULL, stamp);
    }
    assert_true(cache_bytes(it.cache) - before <= BUDGET / CACHE_NEGATIVE_SHARE);
    uint64_t negatives = metric_get(it.metrics, LINK_CACHE_NEGATIVE_ENTRIES);
    assert_true(negatives > 0);
    assert_true(negatives <= BUDGET / CACHE_BYTES_PER_SLOT / CACHE_NEGATIVE_SHARE);
    assert_int_equal(metric_get(it.metrics, LINK_CACHE_NEGATIVE_LIMIT), 50000 - negatives);
    for (unsigned i = 0; i < LINKS; i++) {
        assert_true(find_number(&it, i));
    }
    end(&it);
}

/* At three quarters full the longest run of a table with 65,536 slots is about 300. */
static void eviction_leaves_the_table_evenly_filled(void **state) {
    (void)state;
    enum { BUDGET = 4 << 20, NUMBERS = 400000, RUN_MAX = 1500 };
    struct fixture it = begin(BUDGET);
    for (unsigned i = 0; i < NUMBERS; i++) {
        put_number(&it, i);
        if (i % 20000 == 0) {
            assert_true(cache_longest_run(it.cache) < RUN_MAX);
        }
    }
    for (unsigned i = 0; i < NUMBERS; i++) {
        char text[16];
        cache_put_link(it.cache, code_of(text, NUMBERS + i), NULL, stamp);
        if (i % 20000 == 0) {
            assert_true(cache_longest_run(it.cache) < RUN_MAX);
        }
    }
    end(&it);
}

static void with_every_entry_marked_the_new_one_still_finds_room(void **state) {
    (void)state;
    enum { BUDGET = 4 << 20, NUMBERS = 100000 };
    struct fixture it = begin(BUDGET);
    for (unsigned i = 0; i < NUMBERS; i++) {
        put_number(&it, i);
        assert_true(find_number(&it, i)); /* marks it */
        assert_true(cache_bytes(it.cache) <= BUDGET);
    }
    assert_int_equal(metric_get(it.metrics, LINK_CACHE_EVICTIONS),
                     NUMBERS - cache_entries(it.cache));
    end(&it);
}

/* Removal shifts entries back; nothing may get lost or found twice on the way. */
static void random_work_agrees_with_a_plain_table(void **state) {
    (void)state;
    enum { KEYS = 700, STEPS = 200000 };
    struct fixture it = begin(0);
    enum { NONE, LINK, NEGATIVE } model[KEYS] = {NONE};
    uint32_t random = 12345;
    for (unsigned step = 0; step < STEPS; step++) {
        random = random * 1664525 + 1013904223;
        unsigned key = (random >> 8) % KEYS;
        char text[16];
        struct slice code = code_of(text, key);
        struct cache_hit hit = {0};
        switch (random >> 30) {
        case 0:
            put_number(&it, key);
            model[key] = LINK;
            break;
        case 1:
            if (step % 8 == 0) {
                cache_put_link(it.cache, code, NULL, stamp);
                model[key] = NEGATIVE;
            }
            break;
        case 2:
            cache_invalidate(it.cache, CACHE_LINK, code);
            model[key] = model[key] == NEGATIVE ? NONE : model[key];
            break;
        default:
            if (cache_find(it.cache, CACHE_LINK, code, NOW, &hit)) {
                assert_int_equal(model[key], hit.link != NULL ? LINK : NEGATIVE);
            }
        }
        assert_true(cache_bytes(it.cache) <= CACHE_BYTES_MIN);
    }
    unsigned found = 0;
    for (unsigned key = 0; key < KEYS; key++) {
        char text[16];
        struct cache_hit hit;
        found += cache_find(it.cache, CACHE_LINK, code_of(text, key), NOW, &hit);
    }
    assert_int_equal(found, cache_entries(it.cache));
    end(&it);
}

static void put_campaign(struct fixture *it, struct slice id, const char *name) {
    cache_put_campaign(it->cache, id, make_campaign(id, slice_of(name)), stamp);
}

/* A campaign's name, or "-" when it is known not to exist, or "?" when there is no entry. */
static const char *name_of(struct fixture *it, struct slice id, struct cache_hit *hit) {
    static char name[32];
    if (!cache_find(it->cache, CACHE_CAMPAIGN, id, NOW, hit)) {
        return "?";
    }
    assert_null(hit->link);
    if (hit->campaign == NULL) {
        return "-";
    }
    assert_true(slice_equal(hit->campaign->id, id));
    (void)snprintf(name, sizeof(name), "%.*s", SLICE_ARG(hit->campaign->text[CAMPAIGN_FIELD_NAME]));
    return name;
}

/* Ids as alike as they can be: what was found last answers for itself alone. */
static void campaigns_in_turn_are_told_apart(void **state) {
    (void)state;
    struct fixture it = begin(1 << 20);
    for (size_t size = 1; size <= 64; size++) {
        for (size_t at = 0; at < size; at++) {
            char one[64];
            char two[64];
            struct cache_hit hit;
            memset(one, 'k', sizeof(one));
            memset(two, 'k', sizeof(two));
            two[at] = 'K';
            put_campaign(&it, slice_make(one, size), "one");
            put_campaign(&it, slice_make(two, size), "two");
            for (unsigned turn = 0; turn < 2; turn++) {
                assert_string_equal(name_of(&it, slice_make(one, size), &hit), "one");
                assert_string_equal(name_of(&it, slice_make(one, size), &hit), "one");
                assert_string_equal(name_of(&it, slice_make(two, size), &hit), "two");
            }
            cache_put_campaign(it.cache, slice_make(two, size), NULL, stamp);
            cache_invalidate(it.cache, CACHE_CAMPAIGN, slice_make(two, size));
        }
    }
    end(&it);
}

static void a_campaign_found_last_is_not_older_than_its_entry(void **state) {
    (void)state;
    struct fixture it = begin(1 << 20);
    struct cache_hit hit;
    const struct slice spring = SLICE("spring");
    put_campaign(&it, spring, "Spring");
    assert_string_equal(name_of(&it, spring, &hit), "Spring");
    put_campaign(&it, spring, "Replaced");
    assert_string_equal(name_of(&it, spring, &hit), "Replaced");
    cache_invalidate(it.cache, CACHE_CAMPAIGN, spring);
    assert_string_equal(name_of(&it, spring, &hit), "Replaced");
    assert_int_equal(hit.stamp.epoch, 0);
    assert_int_equal(hit.stamp.issued_ns, 0);

    cache_put_campaign(it.cache, spring, NULL, stamp);
    assert_string_equal(name_of(&it, spring, &hit), "-");
    assert_int_equal(hit.stamp.epoch, 7);
    assert_false(cache_find(it.cache, CACHE_CAMPAIGN, spring, NOW + NEGATIVE_NS, &hit));
    cache_invalidate(it.cache, CACHE_CAMPAIGN, spring);
    assert_string_equal(name_of(&it, spring, &hit), "?");

    put_campaign(&it, spring, "Again");
    assert_string_equal(name_of(&it, spring, &hit), "Again");
    end(&it);
}

/* The hand takes marks away; a campaign that every tap finds gets it back. */
static void a_campaign_that_is_found_again_and_again_is_not_evicted(void **state) {
    (void)state;
    enum { NUMBERS = 30000 };
    struct fixture it = begin(1 << 20);
    struct cache_hit hit;
    put_campaign(&it, SLICE("spring"), "Spring");
    for (unsigned i = 0; i < NUMBERS; i++) {
        put_number(&it, i);
        assert_string_equal(name_of(&it, SLICE("spring"), &hit), "Spring");
    }
    assert_true(metric_get(it.metrics, LINK_CACHE_EVICTIONS) > NUMBERS / 2);
    end(&it);
}

/* More campaigns than there is room for, and each found twice in a row. */
static void random_work_on_campaigns_agrees_with_a_plain_table(void **state) {
    (void)state;
    enum { KEYS = 300, STEPS = 100000 };
    struct fixture it = begin(0);
    unsigned version[KEYS] = {0}; /* 0: ended, or never put */
    bool is_stale[KEYS] = {false};
    uint32_t random = 54321;
    unsigned found = 0;
    for (unsigned step = 1; step <= STEPS; step++) {
        random = random * 1664525 + 1013904223;
        unsigned key = (random >> 8) % KEYS;
        char text[16];
        char name[16];
        struct slice id = code_of(text, key);
        struct cache_hit hit = {0};
        (void)snprintf(name, sizeof(name), "%u", step);
        switch (random >> 29) {
        case 0:
            put_campaign(&it, id, name);
            version[key] = step;
            is_stale[key] = false;
            break;
        case 1:
            cache_put_campaign(it.cache, id, NULL, stamp);
            version[key] = 0;
            break;
        case 2:
            cache_invalidate(it.cache, CACHE_CAMPAIGN, id);
            is_stale[key] = true;
            break;
        default:
            (void)snprintf(name, sizeof(name), "%u", version[key]);
            for (unsigned twice = 0; twice < 2; twice++) {
                const char *seen = name_of(&it, id, &hit);
                if (strcmp(seen, "?") != 0) {
                    assert_string_equal(seen, version[key] == 0 ? "-" : name);
                    assert_int_equal(hit.stamp.epoch, version[key] != 0 && is_stale[key] ? 0 : 7);
                    found++;
                }
            }
        }
    }
    assert_true(found > STEPS / 10);
    assert_true(metric_get(it.metrics, LINK_CACHE_EVICTIONS) > STEPS / 100);
    end(&it);
}

static void a_usual_link_costs_about_100_bytes_in_all(void **state) {
    (void)state;
    enum { LINKS = 100000 };
    struct fixture it = begin((uint64_t)LINKS * 110);
    for (unsigned i = 0; i < LINKS; i++) {
        put_number(&it, i);
    }
    assert_int_equal(cache_entries(it.cache), LINKS);
    assert_int_equal(metric_get(it.metrics, LINK_CACHE_EVICTIONS), 0);
    end(&it);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_and_campaigns_of_one_name_are_kept_apart),
        cmocka_unit_test(keys_of_every_size_hold_their_links),
        cmocka_unit_test(putting_again_replaces),
        cmocka_unit_test(negative_entries_expire),
        cmocka_unit_test(invalidation_removes_negatives_and_ages_the_rest),
        cmocka_unit_test(eviction_keeps_the_budget_and_what_is_found_often),
        cmocka_unit_test(big_entries_evict_as_many_as_they_need),
        cmocka_unit_test(negatives_have_an_eighth_at_most_and_push_no_link_out),
        cmocka_unit_test(eviction_leaves_the_table_evenly_filled),
        cmocka_unit_test(with_every_entry_marked_the_new_one_still_finds_room),
        cmocka_unit_test(random_work_agrees_with_a_plain_table),
        cmocka_unit_test(campaigns_in_turn_are_told_apart),
        cmocka_unit_test(a_campaign_found_last_is_not_older_than_its_entry),
        cmocka_unit_test(a_campaign_that_is_found_again_and_again_is_not_evicted),
        cmocka_unit_test(random_work_on_campaigns_agrees_with_a_plain_table),
        cmocka_unit_test(a_usual_link_costs_about_100_bytes_in_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
