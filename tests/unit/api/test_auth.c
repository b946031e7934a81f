/*
 * test_auth.c - where a token stands, and what cannot be one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth.h"

#define TOKEN "brinco_ABCDEFGHIJKLMNOPQRSTUVWXYZabcd0123456789"

static void assert_bearer(const char *field, enum auth_result wanted) {
    struct slice token = SLICE_EMPTY;
    assert_int_equal(auth_bearer(slice_of(field), &token), wanted);
    assert_true(wanted != AUTH_TOKEN || slice_equal(token, SLICE(TOKEN)));
}

static void a_bearer_token_is_found(void **state) {
    (void)state;
    assert_bearer("Bearer " TOKEN, AUTH_TOKEN);
    assert_bearer("bearer " TOKEN, AUTH_TOKEN);
    assert_bearer("BEARER   " TOKEN, AUTH_TOKEN);
}

static void another_scheme_is_no_token(void **state) {
    (void)state;
    struct slice token;
    assert_int_equal(auth_bearer(SLICE_EMPTY, &token), AUTH_NONE);
    assert_bearer("", AUTH_NONE);
    assert_bearer("Basic " TOKEN, AUTH_NONE);
    assert_bearer(TOKEN, AUTH_NONE);
    assert_bearer("Bearer:" TOKEN, AUTH_NONE);
}

static void what_cannot_be_a_token_is_malformed(void **state) {
    (void)state;
    assert_bearer("Bearer", AUTH_MALFORMED);
    assert_bearer("Bearer x", AUTH_MALFORMED);
    assert_bearer("Bearer " TOKEN "x", AUTH_MALFORMED);
    assert_bearer("Bearer " TOKEN " " TOKEN, AUTH_MALFORMED);
    assert_bearer("Bearer brinco_ABCDEFGHIJKLMNOPQRSTUVWXYZabcd012345678=", AUTH_MALFORMED);
    assert_bearer("Bearer brinco-ABCDEFGHIJKLMNOPQRSTUVWXYZabcd0123456789", AUTH_MALFORMED);
    struct slice token;
    assert_int_equal(
        auth_bearer(SLICE("Bearer brinco_ABCDEFGHIJKLMNOPQRSTUVWXYZabcd012345678\0"), &token),
        AUTH_MALFORMED);
}

static void a_query_may_hold_one(void **state) {
    (void)state;
    struct slice token;
    assert_int_equal(auth_query(SLICE("a=b&access_token=" TOKEN "&c"), &token), AUTH_TOKEN);
    assert_true(slice_equal(token, SLICE(TOKEN)));
    assert_int_equal(auth_query(SLICE(""), &token), AUTH_NONE);
    assert_int_equal(auth_query(SLICE("xaccess_token=" TOKEN), &token), AUTH_NONE);
    assert_int_equal(auth_query(SLICE("access_token"), &token), AUTH_MALFORMED);
    assert_int_equal(auth_query(SLICE("access_token=x"), &token), AUTH_MALFORMED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bearer_token_is_found),
        cmocka_unit_test(another_scheme_is_no_token),
        cmocka_unit_test(what_cannot_be_a_token_is_malformed),
        cmocka_unit_test(a_query_may_hold_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
