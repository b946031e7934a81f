/* stats/keys.h: the names of the rollups, as stats/keys.h lists them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "stats/keys.h"

static const struct slice prefix = SLICE("brinco:");
static const struct stats_scope all = {.kind = STATS_ALL};
static const struct stats_scope spring = {.kind = STATS_CAMPAIGN, .id = SLICE("spring")};
static const struct stats_scope link = {.kind = STATS_LINK, .id = SLICE("AB12CD")};

static void expect(struct buf *key, bool is_whole, const char *expected) {
    assert_true(is_whole);
    assert_int_equal(key->size, strlen(expected));
    assert_memory_equal(key->data, expected, key->size);
    buf_clear(key);
}

static void every_key_has_its_name(void **state) {
    (void)state;
    char text[128];
    struct buf key = buf_over(text, sizeof(text));
    expect(&key, stats_key(&key, prefix, "mark"), "brinco:mark");
    expect(&key, stats_key_day(&key, prefix, "stats:index", 20261121),
           "brinco:stats:index:20261121");
    expect(&key, stats_key_cells(&key, prefix, all, 20261121, false), "brinco:stats:all:20261121");
    expect(&key, stats_key_cells(&key, prefix, all, 20261121, true), "brinco:stats:all:20261121:h");
    expect(&key, stats_key_cells(&key, prefix, spring, 20261121, true),
           "brinco:stats:campaign:spring:20261121:h");
    expect(&key, stats_key_cells(&key, prefix, link, 20261121, true),
           "brinco:stats:link:AB12CD:20261121");
    expect(&key, stats_key_cells(&key, prefix, link, 20261121, false),
           "brinco:stats:link:AB12CD:20261121");
    expect(&key, stats_key_unique(&key, prefix, all, 19700101), "brinco:unique:all:19700101");
    expect(&key, stats_key_unique(&key, prefix, spring, 20261121),
           "brinco:unique:campaign:spring:20261121");
    expect(&key, stats_key_unique(&key, prefix, link, 20261121),
           "brinco:unique:link:AB12CD:20261121");
    expect(&key, stats_key_top(&key, prefix, all, 20261121), "brinco:top:all:20261121");
    expect(&key, stats_key_top(&key, prefix, spring, 20261121),
           "brinco:top:campaign:spring:20261121");
}

static void a_key_that_does_not_fit_is_told(void **state) {
    (void)state;
    char text[8];
    struct buf key = buf_over(text, sizeof(text));
    assert_false(stats_key(&key, prefix, "mark"));
    buf_clear(&key);
    assert_false(stats_key_cells(&key, prefix, link, 20261121, true));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_has_its_name),
        cmocka_unit_test(a_key_that_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
