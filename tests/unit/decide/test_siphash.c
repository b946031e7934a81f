/*
 * test_siphash.c - our SipHash of four words against libsodium's of their bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <endian.h>
#include <sodium.h>
#include <string.h>

#include "siphash.h"

static void assert_as_libsodium(const uint64_t key[2], const uint64_t words[SIPHASH_WORDS]) {
    uint64_t key_bytes[2];
    uint64_t bytes[SIPHASH_WORDS];
    for (size_t i = 0; i < 2; i++) {
        key_bytes[i] = htole64(key[i]);
    }
    for (size_t i = 0; i < SIPHASH_WORDS; i++) {
        bytes[i] = htole64(words[i]);
    }
    uint64_t expected;
    assert_int_equal(crypto_shorthash((uint8_t *)&expected, (const uint8_t *)bytes, sizeof bytes,
                                      (const uint8_t *)key_bytes),
                     0);
    struct siphash_state state = siphash_begin(key);
    for (size_t i = 0; i < SIPHASH_WORDS; i++) {
        siphash_take(&state, words[i]);
    }
    assert_int_equal(siphash_end(state), le64toh(expected));
}

/* Marsaglia, "Xorshift RNGs" (2003): the same in every run. */
static uint64_t next_random(uint64_t *random) {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

static void random_words_under_random_keys(void **state) {
    (void)state;
    uint64_t random = 88172645463325252u;
    for (size_t round = 0; round < 100000; round++) {
        uint64_t key[2] = {next_random(&random), next_random(&random)};
        uint64_t words[SIPHASH_WORDS];
        for (size_t i = 0; i < SIPHASH_WORDS; i++) {
            words[i] = next_random(&random);
        }
        assert_as_libsodium(key, words);
    }
}

static void every_bit_alone(void **state) {
    (void)state;
    for (unsigned bit = 0; bit < 64 * (2 + SIPHASH_WORDS); bit++) {
        uint64_t all[2 + SIPHASH_WORDS] = {0};
        all[bit / 64] = (uint64_t)1 << bit % 64;
        assert_as_libsodium(all, all + 2);
        for (size_t i = 0; i < 2 + SIPHASH_WORDS; i++) {
            all[i] = ~all[i];
        }
        assert_as_libsodium(all, all + 2);
    }
}

/* Python's hash() of these bytes with PYTHONHASHSEED=0, which is 1-3 under a key of zeros. */
static void seven_bytes_as_python_hashes_them(void **state) {
    (void)state;
    const uint64_t zeros[2] = {0, 0};
    const struct siphash_state begun = siphash_begin(zeros);
    assert_int_equal(siphash_short(begun, 0), 0x897ea795b1b7b7ac);
    assert_int_equal(siphash_short(begun, 0x07060504030201), 0xb1cd85cc334196fa);
    assert_int_equal(siphash_short(begun, 0xffffffffffffff), 0xa3cf0c89008da505);
    assert_int_equal(siphash_short(begun, 0x040000c0000204), 0x9df36cab538660a0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seven_bytes_as_python_hashes_them),
        cmocka_unit_test(random_words_under_random_keys),
        cmocka_unit_test(every_bit_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
