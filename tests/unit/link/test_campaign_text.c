/*
 * test_campaign_text.c - a campaign in a file comes back as it was, or not at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "link/campaign.h"

static void what_was_written_is_read_back(void **state) {
    (void)state;
    struct slice values[CAMPAIGN_FIELD_COUNT] = {
        [CAMPAIGN_FIELD_NAME] = SLICE("Invita a un amigo"),
        [CAMPAIGN_FIELD_WEB] = SLICE("https://www.example.mx/?c={code}"),
        [CAMPAIGN_FIELD_STATUS] = SLICE("paused"),
        [CAMPAIGN_FIELD_EXPIRES_AT] = SLICE("1893456000"),
    };
    struct campaign *campaign = campaign_create(SLICE("spring"), values, SLICE_EMPTY);
    struct buf text;
    buf_init(&text, 4096);
    assert_true(campaign_write(campaign, &text));
    struct campaign *read = campaign_read(buf_slice(&text), SLICE_EMPTY);
    assert_non_null(read);
    assert_true(slice_equal(read->id, SLICE("spring")));
    assert_true(slice_equal(read->text[CAMPAIGN_FIELD_NAME], values[CAMPAIGN_FIELD_NAME]));
    assert_true(slice_equal(read->text[CAMPAIGN_FIELD_WEB], values[CAMPAIGN_FIELD_WEB]));
    assert_int_equal(read->text[CAMPAIGN_FIELD_IOS].size, 0);
    assert_int_equal(read->status, LINK_PAUSED);
    assert_int_equal(read->expires_at, 1893456000);
    assert_int_equal(read->starts_at, 0);
    assert_int_equal(read->faults, 0);
    campaign_destroy(&campaign);
    campaign_destroy(&read);
    buf_fini(&text);
}

static void garbage_is_no_campaign_and_nonsense_is_a_fault(void **state) {
    (void)state;
    assert_null(campaign_read(SLICE(""), SLICE_EMPTY));
    assert_null(campaign_read(SLICE("web https://www.example.mx/\n"), SLICE_EMPTY));
    assert_null(campaign_read(SLICE("id a b\n"), SLICE_EMPTY));
    assert_null(campaign_read(SLICE("\0\xff\n\n \nid\n"), SLICE_EMPTY));
    struct campaign *campaign =
        campaign_read(SLICE("id a\nweb javascript:alert(1)\nunknown x\n"), SLICE_EMPTY);
    assert_non_null(campaign);
    assert_int_equal(campaign->text[CAMPAIGN_FIELD_WEB].size, 0);
    assert_int_equal(campaign->faults, 1u << CAMPAIGN_FIELD_WEB);
    campaign_destroy(&campaign);
}

static void a_buffer_without_room_says_so(void **state) {
    (void)state;
    struct slice values[CAMPAIGN_FIELD_COUNT] = {[CAMPAIGN_FIELD_NAME] = SLICE("a name")};
    struct campaign *campaign = campaign_create(SLICE("spring"), values, SLICE_EMPTY);
    char bytes[12];
    struct buf text = buf_over(bytes, sizeof(bytes));
    assert_false(campaign_write(campaign, &text));
    campaign_destroy(&campaign);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(garbage_is_no_campaign_and_nonsense_is_a_fault),
        cmocka_unit_test(a_buffer_without_room_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
