/*
 * reconcile_model.h: what the rollups must be, recounted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "reconcile_batch.h"

enum { MANY = 50000 };

static struct recon_click click_of(const char *code, const char *campaign, enum tap_kind kind,
                                   enum tap_outcome outcome) {
    return (struct recon_click){
        .code = slice_of(code),
        .campaign = slice_of(campaign),
        .cell = {.hour = 13, .kind = kind, .outcome = outcome, .platform = TAP_PLATFORM_IOS},
    };
}

static void take(struct recon_model *model, const char *code, const char *campaign,
                 enum tap_kind kind, enum tap_outcome outcome) {
    struct recon_click click = click_of(code, campaign, kind, outcome);
    recon_model_take(model, &click);
}

static void add_head(void *argument, uint32_t head, uint64_t count) {
    uint64_t *sum = argument;
    assert_int_equal(recon_cell_of_head(head).hour, 13);
    assert_int_equal(recon_cell_of_head(head).platform, TAP_PLATFORM_IOS);
    *sum += count;
}

static uint64_t taps_of(const struct recon_model *model, enum stats_scope_kind kind,
                        const char *id) {
    uint64_t sum = 0;
    uint32_t number = recon_model_find(model, (struct stats_scope){kind, slice_of(id)});
    recon_model_heads(model, number, add_head, &sum);
    return sum;
}

static void test_heads_are_places_of_cells(void **state) {
    (void)state;
    for (uint32_t head = 0; head < RECON_HEADS; head++) {
        struct cell cell = recon_cell_of_head(head);
        assert_int_equal(recon_head(&cell), head);
        cell.hour = CELL_NO_HOUR;
        assert_int_equal(recon_head(&cell), recon_head_of_day(head));
    }
}

static void test_a_tap_counts_for_the_whole_its_campaign_and_its_link(void **state) {
    (void)state;
    struct recon_model *model = recon_model_create(1000);
    take(model, "A", "spring", TAP_KIND_HUMAN, TAP_OUTCOME_WEB);
    take(model, "A", "autumn", TAP_KIND_HUMAN, TAP_OUTCOME_WEB);
    take(model, "A", "spring", TAP_KIND_BOT, TAP_OUTCOME_WEB);
    take(model, "NOSUCH", "", TAP_KIND_HUMAN, TAP_OUTCOME_NOT_FOUND);
    take(model, "OTHER", "spring", TAP_KIND_HUMAN, TAP_OUTCOME_DEFAULT);
    assert_int_equal(recon_model_taps(model), 5);
    assert_int_equal(taps_of(model, STATS_ALL, ""), 5);
    assert_int_equal(taps_of(model, STATS_CAMPAIGN, "spring"), 3);
    assert_int_equal(taps_of(model, STATS_LINK, "A"), 3);
    assert_int_equal(recon_model_find(model, (struct stats_scope){STATS_LINK, SLICE("NOSUCH")}),
                     RECON_NONE);
    assert_int_equal(recon_model_find(model, (struct stats_scope){STATS_LINK, SLICE("OTHER")}),
                     RECON_NONE);
    assert_int_equal(recon_model_pair(model, SLICE("A"), SLICE("spring")), 1);
    assert_int_equal(recon_model_pair(model, SLICE("A"), SLICE("autumn")), 1);
    assert_int_equal(recon_model_pair(model, SLICE("A"), SLICE("winter")), 0);
    assert_int_equal(recon_model_pair_count(model, 0), 2);
    uint32_t alone = recon_model_find(model, (struct stats_scope){STATS_CAMPAIGN, SLICE_EMPTY});
    assert_int_equal(recon_model_kind(model, alone, TAP_KIND_HUMAN), 1);
    assert_int_equal(recon_model_kind(model, RECON_NONE, TAP_KIND_HUMAN), 0);
    recon_model_destroy(&model);
    assert_null(model);
}

static void test_a_great_many_links(void **state) {
    (void)state;
    struct recon_model *model = recon_model_create(SIZE_MAX);
    char code[16];
    for (unsigned i = 0; i < 2 * MANY; i++) {
        snprintf(code, sizeof(code), "L%u", i % MANY);
        take(model, code, "spring", TAP_KIND_HUMAN, TAP_OUTCOME_WEB);
    }
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(code, sizeof(code), "L%u", i);
        assert_int_equal(taps_of(model, STATS_LINK, code), 2);
        assert_int_equal(recon_model_pair(model, slice_of(code), SLICE("spring")), 2);
    }
    assert_int_equal(recon_model_pair_count(model, 0), MANY);
    assert_false(recon_model_gave_up(model));
    recon_model_destroy(&model);
}

static void test_beyond_the_limit_only_links_are_given_up(void **state) {
    (void)state;
    struct recon_model *model = recon_model_create(100);
    char code[16];
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(code, sizeof(code), "L%u", i);
        take(model, code, i % 2 == 0 ? "spring" : "autumn", TAP_KIND_HUMAN, TAP_OUTCOME_WEB);
    }
    assert_true(recon_model_gave_up(model));
    assert_int_equal(taps_of(model, STATS_ALL, ""), 1000);
    assert_int_equal(taps_of(model, STATS_CAMPAIGN, "spring"), 500);
    assert_true(recon_model_scopes(model) < 110);
    recon_model_destroy(&model);
}

/* Half a batch: some links, not the index. */
static void test_pieces_add_up_to_the_whole(void **state) {
    (void)state;
    struct recon_model *model = recon_model_create(1000);
    struct recon_click click = click_of("A", "spring", TAP_KIND_HUMAN, TAP_OUTCOME_WEB);
    struct recon_tap tap = recon_model_tap(model, &click);
    uint32_t campaign = tap.campaign;
    recon_model_add(model, &tap, RECON_PIECE_WHOLE | RECON_PIECE_LINK);
    assert_int_equal(taps_of(model, STATS_ALL, ""), 1);
    assert_int_equal(taps_of(model, STATS_LINK, "A"), 1);
    assert_int_equal(taps_of(model, STATS_CAMPAIGN, "spring"), 0);
    assert_int_equal(recon_model_kind(model, campaign, TAP_KIND_HUMAN), 0);
    assert_false(recon_model_has_index(model));
    recon_model_add(model, &tap, RECON_PIECE_CAMPAIGN);
    recon_model_add(model, &tap, RECON_PIECE_INDEX);
    assert_int_equal(taps_of(model, STATS_CAMPAIGN, "spring"), 1);
    assert_int_equal(recon_model_kind(model, campaign, TAP_KIND_HUMAN), 1);
    assert_int_equal(recon_model_taps(model), 1);
    recon_model_destroy(&model);
}

/* Batches may be half written when another version takes over. */
static void test_the_part_that_a_name_falls_to_never_changes(void **state) {
    (void)state;
    assert_int_equal(recon_part_of(SLICE("AB12CD"), 1), 0);
    bool seen[7] = {false};
    char code[16];
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(code, sizeof(code), "L%u", i);
        uint32_t part = recon_part_of(slice_of(code), 7);
        assert_true(part < 7);
        assert_int_equal(part, recon_part_of(slice_of(code), 7));
        seen[part] = true;
    }
    for (unsigned i = 0; i < 7; i++) {
        assert_true(seen[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads_are_places_of_cells),
        cmocka_unit_test(test_a_tap_counts_for_the_whole_its_campaign_and_its_link),
        cmocka_unit_test(test_a_great_many_links),
        cmocka_unit_test(test_beyond_the_limit_only_links_are_given_up),
        cmocka_unit_test(test_pieces_add_up_to_the_whole),
        cmocka_unit_test(test_the_part_that_a_name_falls_to_never_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
