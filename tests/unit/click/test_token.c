/*
 * test_token.c - click tokens, held against OpenSSL's own HMAC.
 */
#include "token_fixture.h"

static void test_tokens_are_what_openssl_computes_for_codes_of_every_size(void **state) {
    (void)state;
    struct token_key key;
    token_key_init(&key, secret, sizeof(secret));
    for (size_t size = 0; size <= 64; size++) {
        for (int i = 0; i < 50; i++) {
            struct ulid id = id_of((uint8_t)(i * 5 + (int)size));
            char made[TOKEN_SIZE];
            char expected[TOKEN_SIZE];
            token_make(&key, &id, code_of(size), made);
            reference(&id, code_of(size), expected);
            assert_memory_equal(made, expected, TOKEN_SIZE);
        }
    }
}

static void test_a_known_token_never_changes(void **state) {
    (void)state;
    struct token_key key;
    token_key_init(&key, secret, sizeof(secret));
    struct ulid id = id_of(1);
    char made[TOKEN_SIZE];
    token_make(&key, &id, SLICE("AB12CD"), made);
    assert_memory_equal(made, "ARIjNEVWZ3iJmqu8zd7vAB4kkwVitCMn", TOKEN_SIZE);
}

static void test_what_was_made_verifies_and_names_its_click(void **state) {
    (void)state;
    struct token_key key;
    token_key_init(&key, secret, sizeof(secret));
    for (size_t size = 1; size <= 64; size++) {
        struct ulid id = id_of((uint8_t)size);
        struct ulid found = {{0}};
        char token[TOKEN_SIZE];
        token_make(&key, &id, code_of(size), token);
        assert_true(token_verify(&key, slice_make(token, TOKEN_SIZE), code_of(size), &found));
        assert_memory_equal(found.bytes, id.bytes, ULID_BYTES);
    }
}

static void test_every_other_character_anywhere_is_refused(void **state) {
    (void)state;
    struct token_key key;
    token_key_init(&key, secret, sizeof(secret));
    struct ulid id = id_of(9);
    struct ulid found;
    char token[TOKEN_SIZE];
    token_make(&key, &id, SLICE("AB12CD"), token);
    for (size_t i = 0; i < TOKEN_SIZE; i++) {
        char kept = token[i];
        for (int c = 0; c < 256; c++) {
            token[i] = (char)c;
            bool is_good =
                token_verify(&key, slice_make(token, TOKEN_SIZE), SLICE("AB12CD"), &found);
            assert_int_equal(is_good, (char)c == kept);
        }
        token[i] = kept;
    }
}

static void test_other_sizes_are_refused(void **state) {
    (void)state;
    struct token_key key;
    token_key_init(&key, secret, sizeof(secret));
    struct ulid id = id_of(9);
    struct ulid found;
    char token[TOKEN_SIZE + 2];
    token_make(&key, &id, SLICE("AB12CD"), token);
    token[TOKEN_SIZE] = '=';
    token[TOKEN_SIZE + 1] = 'A';
    for (size_t size = 0; size <= TOKEN_SIZE + 2; size++) {
        char *exact = malloc(size + 1);
        memcpy(exact, token, size);
        bool is_good = token_verify(&key, slice_make(exact, size), SLICE("AB12CD"), &found);
        assert_int_equal(is_good, size == TOKEN_SIZE);
        free(exact);
    }
}

static void test_another_code_or_secret_is_refused(void **state) {
    (void)state;
    struct token_key key;
    struct token_key other;
    token_key_init(&key, secret, sizeof(secret));
    token_key_init(&other, secret, sizeof(secret) - 2); /* not - 1: HMAC pads with zeros */
    struct ulid id = id_of(9);
    struct ulid found;
    char token[TOKEN_SIZE];
    token_make(&key, &id, code_of(64), token);
    struct slice made = slice_make(token, TOKEN_SIZE);
    for (size_t size = 0; size < 64; size++) {
        assert_false(token_verify(&key, made, code_of(size), &found));
    }
    char longer[65];
    memset(longer, 'x', sizeof(longer));
    assert_false(token_verify(&key, made, slice_make(longer, 64), &found));
    assert_false(token_verify(&key, made, slice_make(longer, 65), &found));
    assert_false(token_verify(&other, made, code_of(64), &found));
    assert_true(token_verify(&key, made, code_of(64), &found));
}

static void test_a_refused_token_leaves_the_id_alone(void **state) {
    (void)state;
    struct token_key key;
    token_key_init(&key, secret, sizeof(secret));
    struct ulid found = id_of(77);
    struct ulid before = found;
    char token[TOKEN_SIZE];
    memset(token, 'A', sizeof(token));
    assert_false(token_verify(&key, slice_make(token, TOKEN_SIZE), SLICE("AB12CD"), &found));
    assert_memory_equal(&found, &before, sizeof(found));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens_are_what_openssl_computes_for_codes_of_every_size),
        cmocka_unit_test(test_a_known_token_never_changes),
        cmocka_unit_test(test_what_was_made_verifies_and_names_its_click),
        cmocka_unit_test(test_every_other_character_anywhere_is_refused),
        cmocka_unit_test(test_other_sizes_are_refused),
        cmocka_unit_test(test_another_code_or_secret_is_refused),
        cmocka_unit_test(test_a_refused_token_leaves_the_id_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
