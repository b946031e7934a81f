/*
 * A click is found wherever it stands: first, last, among many of one millisecond, on either side
 * of a segment's border, behind damage, in a journal that is being written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/random.h"
#include "click/click.h"
#include "click/journal.h"
#include "explain_journal.h"

enum {
    CLICKS = 3000,
    A_MILLISECOND = 7, /* clicks that share one */
    SEGMENT_BYTES = 64 * 1024,
    PATH_BYTES = 256,
};

#define BEGIN_MS UINT64_C(1700000000000)

struct fixture {
    char data_dir[PATH_BYTES];
    char directory[PATH_BYTES + 32];
    struct journal *journal;
    struct ulid ids[CLICKS];
    struct random random;
    struct buf json;
    struct journal_sighting sighting;
    size_t journals;
    size_t unreadable;
};

static void append(struct fixture *it, size_t number) {
    uint64_t at_ms = BEGIN_MS + number / A_MILLISECOND;
    uint64_t sequence;
    uint8_t payload[CLICK_PAYLOAD_BYTES_MAX];
    it->ids[number] = ulid_make(at_ms, &it->random);
    const struct click click = {.at_ms = at_ms,
                                .id = it->ids[number],
                                .version = CLICK_VERSION,
                                .text = {[CLICK_CODE] = SLICE("AB12CD")}};
    size_t size = click_encode(&click, payload);
    journal_keep(it->journal, at_ms);
    assert_int_equal(
        journal_append(it->journal, slice_make((const char *)payload, size), &sequence),
        JOURNAL_APPENDED);
    assert_int_equal(sequence, number + 1);
}

static int begin(void **state) {
    struct fixture *it = calloc(1, sizeof(*it));
    struct err err = {""};
    snprintf(it->data_dir, sizeof(it->data_dir), "/tmp/brinco-explain-XXXXXX");
    if (mkdtemp(it->data_dir) == NULL) {
        return 1;
    }
    char parent[PATH_BYTES + 16];
    snprintf(parent, sizeof(parent), "%s/journal", it->data_dir);
    snprintf(it->directory, sizeof(it->directory), "%s/07", parent);
    if (mkdir(parent, 0700) != 0 || mkdir(it->directory, 0700) != 0) {
        return 1;
    }
    const struct journal_options options = {.directory = it->directory,
                                            .edge_id = SLICE("edge-1"),
                                            .worker = 7,
                                            .segment_bytes = SEGMENT_BYTES,
                                            .disk_bytes_max = 1024 * SEGMENT_BYTES,
                                            .sync_interval_ms = 1000};
    it->journal = journal_open(&options, &err);
    if (it->journal == NULL) {
        return 1;
    }
    random_init(&it->random);
    buf_init(&it->json, 1 << 20);
    it->sighting.json = &it->json;
    *state = it;
    return 0;
}

static int end(void **state) {
    struct fixture *it = *state;
    char command[PATH_BYTES + 16];
    if (it->journal != NULL) {
        journal_close(&it->journal);
    }
    buf_fini(&it->json);
    snprintf(command, sizeof(command), "rm -rf '%s'", it->data_dir);
    int status = system(command);
    free(it);
    return status;
}

static enum journal_search_result search(struct fixture *it, const struct ulid *id) {
    buf_clear(&it->json);
    return journal_search(it->data_dir, id, &it->sighting, &it->journals, &it->unreadable);
}

static void assert_found(struct fixture *it, size_t number) {
    char text[ULID_TEXT_SIZE];
    ulid_format(&it->ids[number], text);
    assert_int_equal(search(it, &it->ids[number]), JOURNAL_SEARCH_FOUND);
    assert_int_equal(it->sighting.sequence, number + 1);
    assert_int_equal(it->sighting.worker, 7);
    assert_string_equal(it->sighting.edge_id, "edge-1");
    assert_true(slice_find(buf_slice(&it->json), slice_make(text, sizeof(text))) != SIZE_MAX);
}

static void it_is_found_wherever_it_stands(void **state) {
    struct fixture *it = *state;
    for (size_t i = 0; i < CLICKS; i++) {
        append(it, i);
    }
    for (size_t i = 0; i < CLICKS; i += 13) {
        assert_found(it, i);
    }
    assert_found(it, CLICKS - 1); /* while it is written */
    assert_true(it->sighting.segment > 2);
    assert_int_equal(it->journals, 1);
    assert_int_equal(it->unreadable, 0);
}

static void what_is_not_there_is_not_found(void **state) {
    struct fixture *it = *state;
    for (size_t i = 0; i < CLICKS / 10; i++) {
        append(it, i);
    }
    const uint64_t times[] = {0, BEGIN_MS - 1, BEGIN_MS + 5, BEGIN_MS + CLICKS, UINT64_MAX >> 16};
    for (size_t i = 0; i < ARRAY_COUNT(times); i++) {
        struct ulid stranger = ulid_make(times[i], &it->random);
        assert_int_equal(search(it, &stranger), JOURNAL_SEARCH_NONE);
    }
}

static void damage_is_passed_over(void **state) {
    struct fixture *it = *state;
    char path[PATH_BYTES + 64];
    static const char rubbish[200] = "rubbish";
    for (size_t i = 0; i < CLICKS; i++) {
        append(it, i);
    }
    journal_close(&it->journal);
    snprintf(path, sizeof(path), "%s/00000002.log", it->directory);
    int file = open(path, O_WRONLY);
    assert_true(file >= 0);
    assert_int_equal(pwrite(file, rubbish, sizeof(rubbish), SEGMENT_BYTES / 2), sizeof(rubbish));
    close(file);
    size_t found = 0;
    for (size_t i = 0; i < CLICKS; i++) {
        found += search(it, &it->ids[i]) == JOURNAL_SEARCH_FOUND ? 1 : 0;
    }
    assert_in_range(found, CLICKS - 10, CLICKS - 1);
    assert_found(it, CLICKS - 1);
}

static void a_place_without_journals_is_none(void **state) {
    struct fixture *it = *state;
    struct ulid any = ulid_make(BEGIN_MS, &it->random);
    assert_int_equal(
        journal_search("/nonexistent", &any, &it->sighting, &it->journals, &it->unreadable),
        JOURNAL_SEARCH_NO_JOURNALS);
    char path[PATH_BYTES + 64];
    snprintf(path, sizeof(path), "%s/journal/08", it->data_dir); /* a file, no directory */
    int file = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(file >= 0);
    close(file);
    append(it, 0);
    assert_int_equal(search(it, &any), JOURNAL_SEARCH_NONE);
    assert_int_equal(it->journals, 2);
    assert_int_equal(it->unreadable, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_found_wherever_it_stands, begin, end),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_not_found, begin, end),
        cmocka_unit_test_setup_teardown(damage_is_passed_over, begin, end),
        cmocka_unit_test_setup_teardown(a_place_without_journals_is_none, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
