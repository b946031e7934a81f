/* base/hash.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(depends_on_every_byte_and_the_seed),
        cmocka_unit_test(nothing_has_a_hash_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
