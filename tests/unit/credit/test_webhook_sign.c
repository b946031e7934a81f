/*
 * test_webhook_sign.c - against values that Python's hmac made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "credit/webhook_sign.h"

static struct webhook_key key_of(const char *campaign) {
    uint8_t secret[IDENTITY_SECRET_BYTES];
    for (size_t i = 0; i < sizeof(secret); i++) {
        secret[i] = (uint8_t)i;
    }
    return webhook_key_of(secret, slice_of(campaign));
}

static void a_key_is_the_campaigns(void **state) {
    char text[WEBHOOK_KEY_TEXT_SIZE + 1];
    struct webhook_key key = key_of("spring");
    webhook_key_text(&key, text);
    assert_string_equal(text, "whsec_F0I7AsqAOgyHG3pkkE2L73NtsrakHcjPRKOTMxjY1uo=");
    struct webhook_key other = key_of("autumn");
    assert_memory_not_equal(key.bytes, other.bytes, WEBHOOK_KEY_BYTES);
    (void)state;
}

static void a_signature_is_of_all_three_parts(void **state) {
    char text[WEBHOOK_SIGNATURE_SIZE + 1], other[WEBHOOK_SIGNATURE_SIZE + 1];
    struct webhook_key key = key_of("spring");
    webhook_sign(&key, SLICE("01K"), 1795219200, SLICE("{}"), text);
    assert_string_equal(text, "v1,d7gjOrVVpGrmbrrJHJDu+QXl5sh3rTHQqYg+qTG6cD8=");
    webhook_sign(&key, SLICE("01L"), 1795219200, SLICE("{}"), other);
    assert_string_not_equal(text, other);
    webhook_sign(&key, SLICE("01K"), 1795219201, SLICE("{}"), other);
    assert_string_not_equal(text, other);
    webhook_sign(&key, SLICE("01K"), 1795219200, SLICE("{ }"), other);
    assert_string_not_equal(text, other);
    (void)state;
}

static void sizes_at_their_limits_are_signed(void **state) {
    static char body[64 * 1024], campaign[4096];
    char text[WEBHOOK_SIGNATURE_SIZE + 1];
    memset(body, 'x', sizeof(body));
    memset(campaign, 'c', sizeof(campaign) - 1);
    struct webhook_key key = key_of(campaign); /* cut, not overrun */
    struct webhook_key empty = key_of("");
    assert_memory_not_equal(key.bytes, empty.bytes, WEBHOOK_KEY_BYTES);
    webhook_sign(&key, slice_make(body, 64), UINT64_MAX, slice_make(body, sizeof(body)), text);
    assert_int_equal(strlen(text), WEBHOOK_SIGNATURE_SIZE);
    webhook_sign(&key, SLICE_EMPTY, 0, SLICE_EMPTY, text);
    assert_int_equal(strlen(text), WEBHOOK_SIGNATURE_SIZE);
    (void)state;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_the_campaigns),
        cmocka_unit_test(a_signature_is_of_all_three_parts),
        cmocka_unit_test(sizes_at_their_limits_are_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
