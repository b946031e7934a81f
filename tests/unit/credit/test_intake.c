/*
 * test_intake.c - reports into the journal: what tokens prove, all or nothing, and its end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/err.h"
#include "base/metrics.h"
#include "click/journal.h"
#include "click/journal_reader.h"
#include "click/token.h"
#include "credit/intake.h"

enum { NOW_MS = 1700000000, THREADS = 4, EACH = 50, PATH_BYTES = 96 };

static const uint8_t secret[32] = "0123456789abcdef0123456789abcde";

struct fixture {
    char data[64];
    struct metric_registry *registry;
    struct intake *intake;
};

static void open_it(struct fixture *it, uint64_t disk_bytes_max) {
    struct err err = {""};
    const struct intake_options options = {
        .data_dir = it->data,
        .edge_id = SLICE("edge-1"),
        .secret = secret,
        .secret_size = sizeof(secret),
        .disk_bytes_max = disk_bytes_max,
        .sync_interval_ms = 1000,
        .metrics = it->registry,
    };
    it->intake = intake_open(&options, &err);
    if (it->intake == NULL) {
        fail_msg("%s", err.text);
    }
}

static int setup(void **state) {
    struct fixture *it = calloc(1, sizeof(*it));
    *state = it;
    snprintf(it->data, sizeof(it->data), "/tmp/brinco-intake-XXXXXX");
    it->registry = metric_registry_create();
    return mkdtemp(it->data) == NULL;
}

static int teardown(void **state) {
    struct fixture *it = *state;
    char command[PATH_BYTES];
    intake_close(&it->intake);
    metric_registry_destroy(&it->registry);
    snprintf(command, sizeof(command), "rm -rf -- '%s'", it->data);
    int status = system(command);
    free(it);
    return status;
}

static struct conversion report(const char *code, struct slice token) {
    struct conversion conversion = {.happened_ms = 0};
    conversion.text[CONVERSION_TEXT_EVENT] = SLICE("install");
    conversion.text[CONVERSION_TEXT_CODE] = slice_of(code);
    conversion.text[CONVERSION_TEXT_CLICK] = token;
    return conversion;
}

/* Every record of the journal, as far as there is room; how many there are. */
static size_t read_back(const struct fixture *it, struct conversion *conversions, size_t room) {
    char directory[PATH_BYTES];
    struct journal_record record;
    struct journal_damage damage;
    struct err err;
    size_t count = 0;
    uint64_t last = 0;
    snprintf(directory, sizeof(directory), "%s/conversions/00", it->data);
    struct journal_reader *reader = journal_reader_open(directory, 0, &err);
    assert_non_null(reader);
    while (journal_reader_next(reader, &record, &damage, &err) == JOURNAL_READ_RECORD) {
        struct conversion one;
        assert_int_equal(record.sequence, ++last);
        assert_true(conversion_decode(record.payload, &one));
        memset(one.text, 0, sizeof(one.text)); /* they go with the reader */
        if (count < room) {
            conversions[count] = one;
        }
        count++;
    }
    journal_reader_close(&reader);
    return count;
}

static void tokens_prove_what_they_can(void **state) {
    struct fixture *it = *state;
    struct token_key other;
    struct ulid id;
    char token[TOKEN_SIZE];
    char forged[TOKEN_SIZE];
    open_it(it, intake_disk_bytes_max(0));
    assert_true(ulid_parse(SLICE("01ARZ3NDEKTSV4RRFFQ69G5FAV"), &id));
    token_key_init(&other, (const uint8_t *)"x", 1);
    token_make(intake_token_key(it->intake), &id, SLICE("AB12CD"), token);
    token_make(&other, &id, SLICE("AB12CD"), forged);
    const struct {
        const char *code;
        struct slice token;
        enum conversion_proof proof;
        bool has_click_id;
    } cases[] = {
        {"AB12CD", {token, TOKEN_SIZE}, CONVERSION_VERIFIED, true},
        {"AB12CE", {token, TOKEN_SIZE}, CONVERSION_FORGED, true},
        {"AB12CD", {forged, TOKEN_SIZE}, CONVERSION_FORGED, true},
        {"AB12CD", {token, TOKEN_SIZE - 1}, CONVERSION_FORGED, false},
        {"AB12CD", {"!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!", TOKEN_SIZE}, CONVERSION_FORGED, false},
        {"", {token, TOKEN_SIZE}, CONVERSION_OPEN, true},
        {"", {"x", 1}, CONVERSION_FORGED, false},
        {"AB12CD", {NULL, 0}, CONVERSION_UNVERIFIED, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct conversion conversion = report(cases[i].code, cases[i].token);
        intake_prove(it->intake, &conversion);
        assert_int_equal(conversion.proof, cases[i].proof);
        assert_int_equal(conversion.has_click_id, cases[i].has_click_id);
        if (cases[i].has_click_id) {
            assert_memory_equal(conversion.click_id.bytes, id.bytes, ULID_BYTES);
        }
    }
}

static void an_open_one_is_settled_by_the_code_that_is_found(void **state) {
    struct fixture *it = *state;
    struct ulid id = {{7}};
    char token[TOKEN_SIZE];
    open_it(it, intake_disk_bytes_max(0));
    token_make(intake_token_key(it->intake), &id, SLICE("AB12CD"), token);
    struct conversion right = report("", slice_make(token, sizeof(token)));
    struct conversion wrong = right;
    intake_prove(it->intake, &right);
    intake_prove(it->intake, &wrong);
    intake_prove_open(it->intake, &right, SLICE("AB12CD"));
    intake_prove_open(it->intake, &wrong, SLICE("AB12CE"));
    assert_int_equal(right.proof, CONVERSION_VERIFIED);
    assert_true(slice_equal(right.text[CONVERSION_TEXT_CODE], SLICE("AB12CD")));
    assert_int_equal(wrong.proof, CONVERSION_FORGED);
    assert_int_equal(wrong.text[CONVERSION_TEXT_CODE].size, 0);
}

static void what_is_taken_is_in_the_journal_with_its_time_and_id(void **state) {
    struct fixture *it = *state;
    struct conversion first = report("A", SLICE_EMPTY);
    struct conversion second = report("B", SLICE_EMPTY);
    struct conversion *const both[] = {&first, &second};
    struct conversion back[3];
    open_it(it, intake_disk_bytes_max(0));
    second.happened_ms = 5;
    assert_int_equal(intake_append(it->intake, NOW_MS, both, 2), INTAKE_TAKEN);
    struct conversion *const again[] = {&first};
    first.happened_ms = 0;
    assert_int_equal(intake_append(it->intake, NOW_MS - 1000, again, 1), INTAKE_TAKEN);
    assert_int_equal(read_back(it, back, 3), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(back[i].at_ms, NOW_MS); /* a clock that steps back is held */
        assert_int_equal(ulid_unix_ms(&back[i].id), NOW_MS);
    }
    assert_int_equal(back[0].happened_ms, NOW_MS);
    assert_int_equal(back[1].happened_ms, 5);
    assert_int_equal(back[2].happened_ms, NOW_MS - 1000); /* on its own day all the same */
    assert_memory_not_equal(back[0].id.bytes, back[2].id.bytes, ULID_BYTES);
    assert_memory_equal(back[1].id.bytes, second.id.bytes, ULID_BYTES);
    struct intake_status status = intake_status(it->intake);
    assert_true(status.accepting);
    assert_int_equal(status.taken, 3);
}

static void it_goes_on_after_a_restart(void **state) {
    struct fixture *it = *state;
    struct conversion one = report("A", SLICE_EMPTY);
    struct conversion *const list[] = {&one};
    struct conversion back[2];
    for (int i = 0; i < 2; i++) {
        open_it(it, intake_disk_bytes_max(0));
        assert_int_equal(intake_append(it->intake, NOW_MS, list, 1), INTAKE_TAKEN);
        intake_close(&it->intake);
    }
    assert_int_equal(read_back(it, back, 2), 2);
}

static void a_second_process_is_told_so(void **state) {
    struct fixture *it = *state;
    struct fixture other = *it;
    struct err err = {""};
    open_it(it, intake_disk_bytes_max(0));
    const struct intake_options options = {.data_dir = other.data,
                                           .edge_id = SLICE("edge-2"),
                                           .secret = secret,
                                           .secret_size = sizeof(secret),
                                           .disk_bytes_max = intake_disk_bytes_max(0),
                                           .sync_interval_ms = 1000};
    assert_null(intake_open(&options, &err));
    assert_non_null(strstr(err.text, "another process writes this journal"));
}

/* Nobody keeps the journal here, so it has what it was opened with: one segment. */
static void a_full_journal_takes_nothing_and_says_so(void **state) {
    struct fixture *it = *state;
    struct conversion *list[INTAKE_BATCH_MAX];
    struct conversion one = report("A", SLICE_EMPTY);
    size_t taken = 0;
    open_it(it, intake_disk_bytes_max(0));
    for (size_t i = 0; i < INTAKE_BATCH_MAX; i++) {
        list[i] = &one;
    }
    while (intake_append(it->intake, NOW_MS, list, INTAKE_BATCH_MAX) == INTAKE_TAKEN) {
        taken += INTAKE_BATCH_MAX;
        assert_true(taken < 100 * INTAKE_BATCH_MAX);
    }
    assert_true(taken > 0);
    assert_int_equal(read_back(it, NULL, 0), taken); /* nothing of the one that was refused */
    struct intake_status status = intake_status(it->intake);
    assert_int_equal(status.taken, taken);
    assert_int_equal(status.refused, INTAKE_BATCH_MAX);
    assert_int_equal(
        metric_registry_total(it->registry, "brinco_conversions_refused_total", "reason=\"full\""),
        INTAKE_BATCH_MAX);
    /* One still fits, until none does. */
    assert_true(status.accepting);
    while (intake_append(it->intake, NOW_MS, list, 1) == INTAKE_TAKEN) {
        taken++;
    }
    assert_false(intake_status(it->intake).accepting);
    assert_int_equal(read_back(it, NULL, 0), taken);

    /* With room again it goes on. */
    struct journal *journal = *intake_journal(it->intake);
    journal_keep(journal, 1);
    assert_true(intake_status(it->intake).accepting);
    assert_int_equal(intake_append(it->intake, NOW_MS, list, INTAKE_BATCH_MAX), INTAKE_TAKEN);
    assert_int_equal(read_back(it, NULL, 0), taken + INTAKE_BATCH_MAX);
}

static void *append_many(void *argument) {
    struct fixture *it = argument;
    struct conversion one = report("A", SLICE_EMPTY);
    struct conversion two = report("B", SLICE_EMPTY);
    struct conversion *const both[] = {&one, &two};
    for (int i = 0; i < EACH; i++) {
        if (intake_append(it->intake, NOW_MS + (uint64_t)i, both, 2) != INTAKE_TAKEN) {
            return it;
        }
        one.happened_ms = two.happened_ms = 0;
        intake_note(it->intake, INTAKE_REPEATED, 1);
    }
    return NULL;
}

static void threads_take_turns(void **state) {
    struct fixture *it = *state;
    pthread_t threads[THREADS];
    open_it(it, intake_disk_bytes_max(0));
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, append_many, it), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *failed = it;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(read_back(it, NULL, 0), THREADS * EACH * 2);
    assert_int_equal(
        metric_registry_total(it->registry, "brinco_conversions_answered_again_total", NULL),
        THREADS * EACH);
    assert_int_equal(metric_registry_total(it->registry, "brinco_conversions_taken_total", NULL),
                     THREADS * EACH * 2);
}

static void its_share_of_the_disk_is_bounded_below(void **state) {
    (void)state;
    assert_int_equal(intake_disk_bytes_max(0), 4 << 20);
    assert_int_equal(intake_disk_bytes_max(32 << 20), 4 << 20);
    assert_int_equal(intake_disk_bytes_max((uint64_t)8 << 30), (uint64_t)1 << 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tokens_prove_what_they_can, setup, teardown),
        cmocka_unit_test_setup_teardown(an_open_one_is_settled_by_the_code_that_is_found, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_taken_is_in_the_journal_with_its_time_and_id, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(it_goes_on_after_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_process_is_told_so, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_journal_takes_nothing_and_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(threads_take_turns, setup, teardown),
        cmocka_unit_test(its_share_of_the_disk_is_bounded_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
