/* base/random.h: nothing comes twice, at any place of the pool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/random.h"

enum { DRAWS = 20000 };

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void numbers_do_not_repeat_over_many_refills(void **state) {
    static uint64_t drawn[DRAWS];
    struct random random;
    (void)state;
    random_init(&random);
    for (size_t i = 0; i < DRAWS; i++) {
        drawn[i] = random_u64(&random);
    }
    qsort(drawn, DRAWS, sizeof(drawn[0]), compare);
    for (size_t i = 1; i < DRAWS; i++) {
        assert_true(drawn[i] != drawn[i - 1]);
    }
}

static void two_generators_differ(void **state) {
    struct random a, b;
    (void)state;
    random_init(&a);
    random_init(&b);
    assert_true(random_u64(&a) != random_u64(&b));
}

static void a_whole_pool_can_be_taken_at_once(void **state) {
    static const uint8_t zeros[RANDOM_POOL_BYTES];
    uint8_t first[RANDOM_POOL_BYTES], second[RANDOM_POOL_BYTES];
    struct random random;
    (void)state;
    random_init(&random);
    random_fill(&random, first, sizeof(first));
    assert_int_equal(random.used, RANDOM_POOL_BYTES);
    random_fill(&random, second, 0); /* an empty pool has nothing to give for nothing */
    random_fill(&random, second, sizeof(second));
    assert_memory_not_equal(first, second, sizeof(first));
    assert_memory_not_equal(first, zeros, sizeof(first));
}

static void every_byte_is_filled_across_a_refill(void **state) {
    struct random random;
    uint8_t bytes[16];
    (void)state;
    random_init(&random);
    for (size_t size = 1; size <= sizeof(bytes); size++) {
        unsigned changed = 0;
        for (int round = 0; round < 200; round++) {
            memset(bytes, 0, sizeof(bytes));
            random_fill(&random, bytes, size);
            changed |= bytes[size - 1];
            for (size_t i = size; i < sizeof(bytes); i++) {
                assert_int_equal(bytes[i], 0);
            }
        }
        assert_true(changed != 0);
    }
}

/* What was handed out cannot be read from what is left. */
static void what_is_handed_out_is_wiped(void **state) {
    static const uint8_t zeros[RANDOM_POOL_BYTES];
    struct random random;
    uint8_t key[RANDOM_KEY_BYTES];
    (void)state;
    random_init(&random);
    memcpy(key, random.key, sizeof(key));
    random_u64(&random);
    assert_memory_not_equal(key, random.key, sizeof(key));
    assert_memory_equal(random.pool, zeros, random.used);
}

static void the_kernel_fills_any_size(void **state) {
    static uint8_t bytes[100000];
    size_t zeros = 0;
    (void)state;
    random_bytes(bytes, 0);
    assert_int_equal(bytes[0], 0);
    random_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        zeros += bytes[i] == 0;
    }
    assert_true(zeros > 200 && zeros < 700); /* 390 are expected */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_do_not_repeat_over_many_refills),
        cmocka_unit_test(two_generators_differ),
        cmocka_unit_test(a_whole_pool_can_be_taken_at_once),
        cmocka_unit_test(every_byte_is_filled_across_a_refill),
        cmocka_unit_test(what_is_handed_out_is_wiped),
        cmocka_unit_test(the_kernel_fills_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
