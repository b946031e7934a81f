/* base/hash.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/hash.h"

static void depends_on_every_byte_and_the_seed(void **state) {
    char bytes[200];
    (void)state;
    memset(bytes, 'a', sizeof(bytes));
    for (size_t size = 1; size <= sizeof(bytes); size++) {
        uint64_t hash = hash_bytes(slice_make(bytes, size), 1);
        assert_true(hash == hash_bytes(slice_make(bytes, size), 1));
        assert_true(hash != hash_bytes(slice_make(bytes, size), 2));
        assert_true(hash != hash_bytes(slice_make(bytes, size - 1), 1));
        bytes[size - 1] = 'b';
        assert_true(hash != hash_bytes(slice_make(bytes, size), 1));
        bytes[size - 1] = 'a';
    }
}

static void nothing_has_a_hash_too(void **state) {
    (void)state;
    assert_true(hash_bytes(SLICE_EMPTY, 5) == hash_bytes(SLICE(""), 5));
}

static void a_keys_hash_depends_on_every_byte_and_the_seed(void **state) {
    const struct hash_seed seed = {{0x0123456789ABCDEF, 0xFEDCBA9876543211}};
    const struct hash_seed other = {{0x0123456789ABCDEE, 0xFEDCBA9876543211}};
    char bytes[65];
    (void)state;
    memset(bytes, 'a', sizeof(bytes));
    for (size_t size = 1; size < sizeof(bytes); size++) {
        struct slice key = slice_make(bytes, size);
        uint64_t hash = hash_key(key, &seed);
        assert_true(hash == hash_key(key, &seed) && hash != hash_key(key, &other));
        assert_true(hash != hash_key(slice_make(bytes, size + 1), &seed));
        for (size_t i = 0; i < size; i++) {
            bytes[i] = 'b';
            assert_true(hash != hash_key(key, &seed));
            bytes[i] = 'a';
        }
    }
    assert_true(hash_key(SLICE_EMPTY, &seed) == hash_key(SLICE(""), &seed));
}

/* As a table takes it: the upper half for the place. Codes that are numbered are its worst. */
static void keys_that_are_numbered_scatter(void **state) {
    enum { KEYS = 100000, PLACES = 1000 };
    static unsigned count[PLACES];
    const struct hash_seed seed = {{0x9E3779B97F4A7C15, 0xD1B54A32D192ED03}};
    (void)state;
    for (int size = 5; size <= 12; size++) {
        memset(count, 0, sizeof(count));
        for (unsigned i = 0; i < KEYS; i++) {
            char key[16];
            snprintf(key, sizeof(key), "%0*u", size, i);
            uint64_t hash = hash_key(slice_make(key, (size_t)size), &seed);
            count[(hash >> 32) * PLACES >> 32]++;
        }
        for (size_t i = 0; i < PLACES; i++) {
            assert_in_range(count[i], 40, 180); /* 100 are expected */
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(depends_on_every_byte_and_the_seed),
        cmocka_unit_test(nothing_has_a_hash_too),
        cmocka_unit_test(a_keys_hash_depends_on_every_byte_and_the_seed),
        cmocka_unit_test(keys_that_are_numbered_scatter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
