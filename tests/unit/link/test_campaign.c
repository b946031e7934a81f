/*
 * Campaigns: fields in, members out, and a bit for whatever makes no sense.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/err.h"
#include "link/campaign.h"

static bool is_good(enum campaign_field field, struct slice value) {
    struct slice values[CAMPAIGN_FIELD_COUNT] = {{NULL, 0}};
    values[field] = value;
    struct campaign *campaign = campaign_create(SLICE("c"), values, SLICE_EMPTY);
    bool good = campaign->faults == 0;
    assert_true(good || campaign->faults == 1U << field);
    assert_true(good || campaign->text[field].size == 0);
    campaign_destroy(&campaign);
    assert_null(campaign);
    struct err err = {{0}};
    assert_int_equal(campaign_field_check(field, value, SLICE_EMPTY, SLICE_EMPTY, &err), good);
    assert_true(good || strncmp(err.text, campaign_field_name(field),
                                strlen(campaign_field_name(field))) == 0);
    return good;
}

static void a_full_campaign_reads_back(void **state) {
    (void)state;
    const struct slice values[CAMPAIGN_FIELD_COUNT] = {
        [CAMPAIGN_FIELD_NAME] = SLICE("Invita a un amigo"),
        [CAMPAIGN_FIELD_ANDROID] = SLICE("market://details?id=mx.a&referrer={referrer}"),
        [CAMPAIGN_FIELD_IOS] = SLICE("https://apps.apple.com/app/id1?ct={campaign}"),
        [CAMPAIGN_FIELD_WEB] = SLICE("https://example.mx/i/{code}"),
        [CAMPAIGN_FIELD_FALLBACK] = SLICE("https://example.mx/"),
        [CAMPAIGN_FIELD_STATUS] = SLICE("paused"),
        [CAMPAIGN_FIELD_STARTS_AT] = SLICE("5"),
        [CAMPAIGN_FIELD_EXPIRES_AT] = SLICE("6"),
        [CAMPAIGN_FIELD_OG_TITLE] = SLICE("\xC2\xA1Hola! <b>"),
        [CAMPAIGN_FIELD_OG_DESCRIPTION] = SLICE("d"),
        [CAMPAIGN_FIELD_OG_IMAGE] = SLICE("https://cdn.example.mx/a.jpg"),
        [CAMPAIGN_FIELD_SCHEMES] = SLICE("market bank"),
    };
    struct campaign *campaign = campaign_create(SLICE("spring"), values, SLICE_EMPTY);
    assert_int_equal(campaign->faults, 0);
    assert_true(slice_equal(campaign->id, SLICE("spring")));
    assert_int_equal(campaign->status, LINK_PAUSED);
    assert_int_equal(campaign->starts_at, 5);
    assert_int_equal(campaign->expires_at, 6);
    for (size_t i = 0; i < CAMPAIGN_FIELD_COUNT; i++) {
        bool has_text = i != CAMPAIGN_FIELD_STATUS && i != CAMPAIGN_FIELD_STARTS_AT &&
                        i != CAMPAIGN_FIELD_EXPIRES_AT;
        assert_true(slice_equal(campaign->text[i], has_text ? values[i] : SLICE_EMPTY));
        assert_true(campaign->text[i].size == 0 || campaign->text[i].data != values[i].data);
    }
    campaign_destroy(&campaign);
}

static void nothing_is_an_active_campaign_without_templates(void **state) {
    (void)state;
    const struct slice values[CAMPAIGN_FIELD_COUNT] = {{NULL, 0}};
    struct campaign *campaign = campaign_create(SLICE("spring"), values, SLICE_EMPTY);
    assert_int_equal(campaign->faults, 0);
    assert_int_equal(campaign->status, LINK_ACTIVE);
    assert_int_equal(campaign->starts_at + campaign->expires_at, 0);
    campaign_destroy(&campaign);
}

static void templates_may_use_the_schemes_that_the_campaign_lists(void **state) {
    (void)state;
    struct slice values[CAMPAIGN_FIELD_COUNT] = {[CAMPAIGN_FIELD_ANDROID] = SLICE("bank://x/")};
    struct campaign *campaign = campaign_create(SLICE("c"), values, SLICE_EMPTY);
    assert_int_equal(campaign->faults, 1U << CAMPAIGN_FIELD_ANDROID);
    campaign_destroy(&campaign);

    values[CAMPAIGN_FIELD_SCHEMES] = SLICE("bank");
    campaign = campaign_create(SLICE("c"), values, SLICE_EMPTY);
    assert_int_equal(campaign->faults, 0);
    campaign_destroy(&campaign);

    values[CAMPAIGN_FIELD_SCHEMES] = SLICE("bank javascript"); /* the whole list is a fault */
    campaign = campaign_create(SLICE("c"), values, SLICE_EMPTY);
    assert_int_equal(campaign->faults, 1U << CAMPAIGN_FIELD_ANDROID | 1U << CAMPAIGN_FIELD_SCHEMES);
    assert_int_equal(campaign->text[CAMPAIGN_FIELD_SCHEMES].size, 0);
    campaign_destroy(&campaign);
}

static void schemes_are_at_most_16_well_formed_harmless_words(void **state) {
    (void)state;
    assert_true(is_good(CAMPAIGN_FIELD_SCHEMES, SLICE("bank  com.example.app a+b-c.1 ")));
    assert_true(is_good(CAMPAIGN_FIELD_SCHEMES, SLICE("a b c d e f g h i j k l m n o p")));
    assert_false(is_good(CAMPAIGN_FIELD_SCHEMES, SLICE("a b c d e f g h i j k l m n o p q")));
    assert_false(is_good(CAMPAIGN_FIELD_SCHEMES, SLICE("*")));
    assert_false(is_good(CAMPAIGN_FIELD_SCHEMES, SLICE("1bank")));
    assert_false(is_good(CAMPAIGN_FIELD_SCHEMES, SLICE("bank:")));
    assert_false(is_good(CAMPAIGN_FIELD_SCHEMES, SLICE("bank,market")));
    assert_false(is_good(CAMPAIGN_FIELD_SCHEMES, SLICE("bank\nmarket")));
    assert_false(is_good(CAMPAIGN_FIELD_SCHEMES, SLICE("JAVASCRIPT")));
    assert_false(is_good(CAMPAIGN_FIELD_SCHEMES, SLICE("bank data")));
}

static void an_image_is_https_without_placeholders(void **state) {
    (void)state;
    assert_true(is_good(CAMPAIGN_FIELD_OG_IMAGE, SLICE("https://cdn.example.mx/a.jpg?x=1")));
    assert_false(is_good(CAMPAIGN_FIELD_OG_IMAGE, SLICE("http://cdn.example.mx/a.jpg")));
    assert_false(is_good(CAMPAIGN_FIELD_OG_IMAGE, SLICE("https://cdn.example.mx/{code}.jpg")));
    assert_false(is_good(CAMPAIGN_FIELD_OG_IMAGE, SLICE("https://cdn.example.mx/}.jpg")));
    assert_false(is_good(CAMPAIGN_FIELD_OG_IMAGE, SLICE("a.jpg")));
    struct err err = {{0}};
    assert_false(campaign_field_check(CAMPAIGN_FIELD_OG_IMAGE, SLICE("bank://x/a.jpg"),
                                      SLICE("bank"), SLICE_EMPTY, &err));
}

static void texts_are_at_most_1024_bytes_without_control_characters(void **state) {
    (void)state;
    char text[CAMPAIGN_TEXT_BYTES_MAX + 1];
    memset(text, 't', sizeof(text));
    const enum campaign_field fields[] = {CAMPAIGN_FIELD_NAME, CAMPAIGN_FIELD_OG_TITLE,
                                          CAMPAIGN_FIELD_OG_DESCRIPTION};
    for (size_t i = 0; i < 3; i++) {
        assert_true(is_good(fields[i], slice_make(text, CAMPAIGN_TEXT_BYTES_MAX)));
        assert_false(is_good(fields[i], slice_make(text, CAMPAIGN_TEXT_BYTES_MAX + 1)));
        assert_false(is_good(fields[i], SLICE("line\nbreak")));
        assert_false(is_good(fields[i], SLICE("\xFF")));
    }
}

static void huge_values_are_faults_of_every_field(void **state) {
    (void)state;
    size_t size = (size_t)8 << 20;
    char *huge = malloc(size);
    assert_non_null(huge);
    memset(huge, '1', size);
    for (unsigned field = 0; field < CAMPAIGN_FIELD_COUNT; field++) {
        assert_false(is_good((enum campaign_field)field, slice_make(huge, size)));
    }
    free(huge);
}

static void empty_values_may_stand_anywhere(void **state) {
    (void)state;
    for (unsigned field = 0; field < CAMPAIGN_FIELD_COUNT; field++) {
        assert_true(is_good((enum campaign_field)field, slice_make("", 0)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_campaign_reads_back),
        cmocka_unit_test(nothing_is_an_active_campaign_without_templates),
        cmocka_unit_test(templates_may_use_the_schemes_that_the_campaign_lists),
        cmocka_unit_test(schemes_are_at_most_16_well_formed_harmless_words),
        cmocka_unit_test(an_image_is_https_without_placeholders),
        cmocka_unit_test(texts_are_at_most_1024_bytes_without_control_characters),
        cmocka_unit_test(huge_values_are_faults_of_every_field),
        cmocka_unit_test(empty_values_may_stand_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
