/*
 * Pages: of bounded size and work, and over all of them nothing that stays is missed, whatever
 * comes and goes meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "store_fixture.h"

enum { LINKS = 3000, OTHERS = 30000, PAGES_MAX = 20000 };

struct seen {
    unsigned times[LINKS];
    size_t on_page;
    unsigned every; /* only codes that are multiples of it belong to the page */
};

static bool each(void *argument, struct slice id, const struct slice *values) {
    struct seen *seen = argument;
    uint64_t number = 0;
    assert_true(slice_to_u64(slice_from(id, 1), UINT64_MAX, &number));
    assert_true(slice_equal(values[LINK_FIELD_OWNER], SLICE("ana")));
    if (number >= LINKS || number % seen->every != 0) {
        return false;
    }
    seen->times[number]++;
    seen->on_page++;
    return true;
}

static void put_links(struct fixture *it, int from, int to) {
    for (int i = from; i < to; i++) {
        char words[96];
        snprintf(words, sizeof(words), "HSET p:link:c%d owner ana", i);
        (void)admin_ask(it->pipe, words);
    }
}

static void put_others(struct fixture *it) {
    static const char script[] = "for i = 1, tonumber(ARGV[1]) do "
                                 "redis.call('SET', 'p:other:' .. i, '') end";
    char count[16];
    snprintf(count, sizeof(count), "%d", OTHERS);
    const struct slice command[] = {SLICE("EVAL"), slice_of(script), SLICE("0"), slice_of(count)};
    assert_non_null(redis_pipe_command(it->pipe, ARRAY_COUNT(command), command, &it->err));
}

/* How many pages there were. between: called after each. */
static unsigned walk(struct fixture *it, struct seen *seen, size_t limit,
                     void (*between)(struct fixture *it, unsigned page)) {
    char cursor[STORE_CURSOR_BYTES_MAX] = "";
    unsigned pages = 0;
    size_t size = 0;
    do {
        char bytes[STORE_CURSOR_BYTES_MAX];
        struct buf next = buf_over(bytes, sizeof(bytes));
        struct store_page page = {
            .cursor = slice_make(cursor, size), .limit = limit, .each = each, .argument = seen};
        seen->on_page = 0;
        assert_int_equal(store_page(&it->store, RECORD_LINK, &page, &next, &it->err), STORE_OK);
        assert_true(seen->on_page <= limit);
        memcpy(cursor, bytes, next.size);
        size = next.size;
        assert_true(++pages < PAGES_MAX);
        if (between != NULL) {
            between(it, pages);
        }
    } while (size > 0);
    return pages;
}

static void assert_all_seen(const struct seen *seen) {
    for (unsigned i = 0; i < LINKS; i += seen->every) {
        if (seen->times[i] == 0) {
            fail_msg("c%u was not seen", i);
        }
    }
}

static void pages_of_any_size_see_every_link_once(void **state) {
    (void)state;
    static const size_t limits[] = {1, 7, 100, 1000};
    struct fixture it;
    fixture_begin(&it);
    put_links(&it, 0, LINKS);
    for (size_t i = 0; i < ARRAY_COUNT(limits); i++) {
        struct seen seen = {.every = 1};
        unsigned pages = walk(&it, &seen, limits[i], NULL);
        assert_all_seen(&seen);
        assert_in_range(pages, LINKS / limits[i], LINKS / limits[i] + 2);
        for (unsigned k = 0; k < LINKS; k++) {
            assert_int_equal(seen.times[k], 1);
        }
    }
    fixture_end(&it);
}

/* Few belong to the page among many keys of other kinds: the work of one page is bounded. */
static void a_page_ends_after_so_many_keys_even_when_it_is_empty(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    put_links(&it, 0, LINKS);
    put_others(&it);
    struct seen seen = {.every = 1000};
    unsigned pages = walk(&it, &seen, 1000, NULL);
    assert_all_seen(&seen);
    assert_in_range(pages, 2, 4); /* 33,000 keys, 20,000 a page */
    fixture_end(&it);
}

/* The table doubles and shrinks under the walk. */
static void grow_and_shrink(struct fixture *it, unsigned page) {
    if (page == 5) {
        put_others(it);
    } else if (page == 20) {
        static const char script[] = "for i = 1, tonumber(ARGV[1]) do "
                                     "redis.call('DEL', 'p:other:' .. i) end";
        const struct slice command[] = {SLICE("EVAL"), slice_of(script), SLICE("0"),
                                        SLICE("30000")};
        assert_non_null(redis_pipe_command(it->pipe, ARRAY_COUNT(command), command, &it->err));
    }
}

static void what_stays_is_seen_while_the_rest_comes_and_goes(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    put_links(&it, 0, LINKS);
    struct seen seen = {.every = 1};
    (void)walk(&it, &seen, 50, grow_and_shrink);
    assert_all_seen(&seen);
    fixture_end(&it);
}

static void assert_no_cursor(struct fixture *it, struct slice cursor) {
    char bytes[STORE_CURSOR_BYTES_MAX];
    struct buf next = buf_over(bytes, sizeof(bytes));
    struct seen seen = {.every = 1};
    struct store_page page = {.cursor = cursor, .limit = 10, .each = each, .argument = &seen};
    it->err.text[0] = '\0';
    assert_int_equal(store_page(&it->store, RECORD_LINK, &page, &next, &it->err), STORE_REFUSED);
    assert_non_null(strstr(it->err.text, "next_cursor"));
}

static void what_is_no_cursor_is_refused(void **state) {
    (void)state;
    struct fixture it;
    fixture_begin(&it);
    assert_no_cursor(&it, SLICE("x"));
    assert_no_cursor(&it, SLICE("-1"));
    assert_no_cursor(&it, SLICE("99999999999999999999"));
    assert_no_cursor(&it, SLICE("1 COUNT 100000"));
    assert_no_cursor(&it, SLICE("0.a\r\nb"));
    assert_no_cursor(&it, SLICE("0..a"));
    assert_no_cursor(&it, SLICE("0.*"));
    assert_no_cursor(&it, SLICE("0.\xC3\xA9"));
    char many[2 + 2 * (STORE_PAGE_CARRIED_MAX + 1)] = "0";
    for (size_t i = 0; i <= STORE_PAGE_CARRIED_MAX; i++) {
        strcat(many, ".a");
    }
    assert_no_cursor(&it, slice_of(many));
    fixture_end(&it);
}

/* Made up, but well-formed: what it names and is there is shown, and there it ends. */
static void a_cursor_of_ones_own_gives_what_is_there(void **state) {
    (void)state;
    struct fixture it;
    char bytes[STORE_CURSOR_BYTES_MAX];
    struct buf next = buf_over(bytes, sizeof(bytes));
    struct seen seen = {.every = 1};
    struct store_page page = {
        .cursor = SLICE("0.c1.c9999.c2"), .limit = 1, .each = each, .argument = &seen};
    fixture_begin(&it);
    put_links(&it, 0, 10);
    assert_int_equal(store_page(&it.store, RECORD_LINK, &page, &next, &it.err), STORE_OK);
    assert_true(slice_equal(buf_slice(&next), SLICE("0.c9999.c2")));
    page.cursor = SLICE("0.c9999.c2");
    buf_clear(&next);
    assert_int_equal(store_page(&it.store, RECORD_LINK, &page, &next, &it.err), STORE_OK);
    assert_int_equal(next.size, 0);
    assert_int_equal(seen.times[1] + seen.times[2], 2);
    page.cursor = SLICE("18446744073709551615");
    assert_int_equal(store_page(&it.store, RECORD_LINK, &page, &next, &it.err), STORE_OK);
    fixture_end(&it);
}

static void without_redis_there_is_no_page(void **state) {
    (void)state;
    struct fixture it;
    char bytes[STORE_CURSOR_BYTES_MAX];
    struct buf next = buf_over(bytes, sizeof(bytes));
    struct seen seen = {.every = 1};
    struct store_page page = {.limit = 1, .each = each, .argument = &seen};
    fixture_begin(&it);
    test_redis_end(&it.redis, SIGKILL);
    assert_int_equal(store_page(&it.store, RECORD_LINK, &page, &next, &it.err), STORE_FAILED);
    page.cursor = SLICE("0.c1");
    assert_int_equal(store_page(&it.store, RECORD_LINK, &page, &next, &it.err), STORE_FAILED);
    fixture_end(&it);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_any_size_see_every_link_once),
        cmocka_unit_test(a_page_ends_after_so_many_keys_even_when_it_is_empty),
        cmocka_unit_test(what_stays_is_seen_while_the_rest_comes_and_goes),
        cmocka_unit_test(what_is_no_cursor_is_refused),
        cmocka_unit_test(a_cursor_of_ones_own_gives_what_is_there),
        cmocka_unit_test(without_redis_there_is_no_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
