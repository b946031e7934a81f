/*
 * test_journal.c - `brinco journal`: what it says of journals, whole and damaged, live and left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "capture.h"
#include "click/click.h"
#include "click/conversion.h"
#include "click/journal.h"
#include "cmd.h"

enum { SEGMENT_BYTES = 64 * 1024, ARGUMENTS_MAX = 16, PATH_BYTES = 256 };

static int setup(void **state) {
    char *directory = malloc(PATH_BYTES);
    strcpy(directory, "/tmp/brinco-cmd-journal-XXXXXX");
    *state = directory;
    return mkdtemp(directory) == NULL;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static int teardown(void **state) {
    nftw(*state, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return 0;
}

static struct journal *open_worker(const char *data, uint32_t worker) {
    char directory[PATH_BYTES * 2];
    struct err err = {""};
    snprintf(directory, sizeof(directory), "%s/journal/%02u", data, worker);
    const struct journal_options options = {
        .directory = directory,
        .edge_id = SLICE("edge-1"),
        .worker = worker,
        .segment_bytes = SEGMENT_BYTES,
        .disk_bytes_max = 7 * (SEGMENT_BYTES),
        .sync_interval_ms = 1000,
    };
    struct journal *journal = journal_open(&options, &err);
    assert_non_null(journal);
    return journal;
}

/* Clicks of code "c" and the sequence, a second apart from 2026-01-01 on. */
static void append(struct journal *journal, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        char code[24];
        uint8_t payload[CLICK_PAYLOAD_BYTES_MAX];
        uint64_t sequence = journal_status(journal).next_sequence;
        snprintf(code, sizeof(code), "c%lu", (unsigned long)sequence);
        struct click click = {.at_ms = 1767225600000 + 1000 * sequence,
                              .text = {[CLICK_CODE] = slice_of(code)}};
        size_t size = click_encode(&click, payload);
        struct slice slice = slice_make((const char *)payload, size);
        assert_int_equal(journal_append(journal, slice, &sequence), JOURNAL_APPENDED);
        journal_keep(journal, 1);
    }
}

static void write_worker(const char *data, uint32_t worker, uint64_t count) {
    struct journal *journal = open_worker(data, worker);
    append(journal, count);
    journal_close(&journal);
}

static void spoil(const char *data, const char *file, off_t offset) {
    char path[PATH_BYTES * 2];
    snprintf(path, sizeof(path), "%s/journal/%s", data, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "\xEE", 1, offset), 1);
    close(fd);
}

/* Runs `brinco journal ...` over data, which %s in the line stands for. */
struct run {
    int status;
    struct capture out;
    struct capture err;
};

static void run(struct run *run, const char *data, const char *line) {
    char text[1024];
    char override[PATH_BYTES * 2];
    char *argv[ARGUMENTS_MAX] = {NULL};
    struct cmd cmd = {.argv = argv};
    char *rest = text;
    snprintf(override, sizeof(override), "data.dir=%s", data);
    size_t used = 0;
    for (const char *c = line; *c != '\0' && used < sizeof(text) - PATH_BYTES; c++) {
        if (*c == '@') {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s/journal", data);
        } else {
            text[used++] = *c;
        }
    }
    text[used] = '\0';
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        argv[cmd.argc++] = word;
    }
    argv[cmd.argc++] = (char *)(uintptr_t) "-o";
    argv[cmd.argc++] = override;
    capture_begin(&run->out, STDOUT_FILENO);
    capture_begin(&run->err, STDERR_FILENO);
    run->status = cmd_journal(&cmd);
    capture_end(&run->err);
    capture_end(&run->out);
}

static void assert_says(const char *text, const char *words) {
    if (strstr(text, words) == NULL) {
        fail_msg("\"%s\" is not in:\n%s", words, text);
    }
}

static size_t count_lines(const char *text) {
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += *text == '\n';
    }
    return count;
}

static void ls_has_a_line_for_each_segment(void **state) {
    struct run ls;
    write_worker(*state, 0, 900); /* of 80 bytes and up: 768 fill a segment */
    write_worker(*state, 1, 2);
    run(&ls, *state, "journal ls");
    assert_int_equal(ls.status, CMD_OK);
    assert_string_equal(ls.err.text, "");
    assert_int_equal(count_lines(ls.out.text), 1 + 3 + 2);
    assert_says(ls.out.text,
                "0      00000001 edge-1                 1          768        768  "
                "2026-01-01T00:00:01.000Z 2026-01-01T00:12:48.000Z        65536  full");
    assert_says(ls.out.text, "0      00000002 edge-1               769          900        132  ");
    assert_says(ls.out.text, "prepared\n");
    assert_says(ls.out.text, "1      00000001 edge-1                 1            2          2  ");
    assert_says(ls.out.text, "65536  open\n");

    run(&ls, *state, "journal ls --worker 1 --json");
    assert_int_equal(ls.status, CMD_OK);
    char *rest = ls.out.text;
    json_t *row = json_loads(strsep(&rest, "\n"), 0, NULL);
    assert_non_null(row);
    assert_int_equal(json_integer_value(json_object_get(row, "worker")), 1);
    assert_int_equal(json_integer_value(json_object_get(row, "last_sequence")), 2);
    assert_int_equal(json_integer_value(json_object_get(row, "first_at")), 1767225601000);
    assert_string_equal(json_string_value(json_object_get(row, "edge")), "edge-1");
    json_decref(row);
}

static void dump_prints_every_click_as_a_json_line(void **state) {
    struct run dump;
    write_worker(*state, 0, 3);
    write_worker(*state, 7, 2);
    run(&dump, *state, "journal dump");
    assert_int_equal(dump.status, CMD_OK);
    assert_int_equal(count_lines(dump.out.text), 5);
    char *rest = dump.out.text;
    static const int workers[] = {0, 0, 0, 7, 7};
    static const int sequences[] = {1, 2, 3, 1, 2};
    for (size_t i = 0; i < 5; i++) {
        char code[16];
        json_t *click = json_loads(strsep(&rest, "\n"), 0, NULL);
        assert_non_null(click);
        snprintf(code, sizeof(code), "c%d", sequences[i]);
        assert_int_equal(json_object_size(click), 2 + CLICK_FIELD_COUNT);
        assert_int_equal(json_integer_value(json_object_get(click, "worker")), workers[i]);
        assert_int_equal(json_integer_value(json_object_get(click, "sequence")), sequences[i]);
        assert_string_equal(json_string_value(json_object_get(click, "code")), code);
        assert_string_equal(json_string_value(json_object_get(click, "kind")), "human");
        json_decref(click);
    }
}

static void dump_begins_where_it_is_told(void **state) {
    struct run dump;
    write_worker(*state, 0, 900);
    run(&dump, *state, "journal dump --worker 0 --from 898");
    assert_int_equal(dump.status, CMD_OK);
    assert_int_equal(count_lines(dump.out.text), 3);
    assert_says(dump.out.text, "{\"sequence\":898,\"worker\":0,\"id\":");
    run(&dump, *state, "journal dump --from 899 @/00/00000002.log");
    assert_int_equal(count_lines(dump.out.text), 2);
    run(&dump, *state, "journal dump --from 767 @/00/00000001.log");
    assert_int_equal(count_lines(dump.out.text), 2); /* 767 and 768: that file alone */
    run(&dump, *state, "journal dump --from 900 @");
    assert_int_equal(count_lines(dump.out.text), 1);
    run(&dump, *state, "journal dump --from 900 @/00");
    assert_int_equal(count_lines(dump.out.text), 1);
}

static void a_journal_that_is_being_written_can_be_looked_into(void **state) {
    struct run said;
    struct journal *journal = open_worker(*state, 0);
    append(journal, 5);
    run(&said, *state, "journal verify");
    assert_int_equal(said.status, CMD_OK);
    assert_string_equal(said.out.text,
                        "journals: 1  segments: 2  records: 5  missing: 0  failures: 0\n");
    append(journal, 1);
    run(&said, *state, "journal dump");
    assert_int_equal(count_lines(said.out.text), 6);
    journal_close(&journal);
}

/* One journal of conversions, beside those of clicks. */
static void conversions_are_looked_into_when_they_are_asked_for(void **state) {
    char directory[PATH_BYTES * 2];
    struct err err = {""};
    struct run run_of;
    uint64_t sequence;
    uint8_t payload[CONVERSION_PAYLOAD_BYTES_MAX];
    struct conversion conversion = {
        .at_ms = 1767225600000,
        .text = {
            [CONVERSION_TEXT_EVENT] = SLICE("install"), [CONVERSION_TEXT_USER] = SLICE("ana")}};
    snprintf(directory, sizeof(directory), "%s/conversions/00", (const char *)*state);
    const struct journal_options options = {.directory = directory,
                                            .edge_id = SLICE("edge-1"),
                                            .segment_bytes = SEGMENT_BYTES,
                                            .disk_bytes_max = 7 * (SEGMENT_BYTES),
                                            .sync_interval_ms = 1000};
    struct journal *journal = journal_open(&options, &err);
    assert_non_null(journal);
    size_t size = conversion_encode(&conversion, payload);
    assert_int_equal(journal_append(journal, slice_make((const char *)payload, size), &sequence),
                     JOURNAL_APPENDED);
    journal_close(&journal);
    write_worker(*state, 0, 3);

    run(&run_of, *state, "journal dump --conversions");
    assert_int_equal(run_of.status, CMD_OK);
    assert_int_equal(count_lines(run_of.out.text), 1);
    assert_says(run_of.out.text, "{\"sequence\":1,\"worker\":0,\"id\":");
    assert_says(run_of.out.text, "\"event\":\"install\",\"proof\":\"verified\"");
    run(&run_of, *state, "journal verify --conversions");
    assert_int_equal(run_of.status, CMD_OK);
    assert_says(run_of.out.text, "records: 1");
    run(&run_of, *state, "journal ls --conversions");
    assert_says(run_of.out.text, "0      00000001 edge-1                 1            1");
    run(&run_of, *state, "journal dump");
    assert_int_equal(count_lines(run_of.out.text), 3);
    /* Clicks are no conversions, and are not taken for some. */
    run(&run_of, *state, "journal verify --conversions @");
    assert_int_equal(run_of.status, CMD_PARTIAL);
    assert_says(run_of.out.text, "sequence 1: not a conversion that this version knows");
}

static void verify_says_where_what_is_wrong(void **state) {
    struct run verify;
    char place[PATH_BYTES * 2];
    write_worker(*state, 0, 5);
    spoil(*state, "00/00000001.log", 4096 + 2 * 80 + 40);
    run(&verify, *state, "journal verify");
    assert_int_equal(verify.status, CMD_PARTIAL);
    snprintf(place, sizeof(place),
             "%s/journal/00/00000001.log: offset 4256, sequence 3: the checksum does not hold; "
             "1 missing\n",
             (char *)*state);
    assert_says(verify.out.text, place);
    assert_says(verify.out.text, "journals: 1  segments: 2  records: 4  missing: 1  failures: 1\n");

    run(&verify, *state, "journal verify --json @");
    assert_int_equal(verify.status, CMD_PARTIAL);
    char *rest = verify.out.text;
    json_t *failure = json_loads(strsep(&rest, "\n"), 0, NULL);
    json_t *summary = json_loads(strsep(&rest, "\n"), 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(failure, "offset")), 4256);
    assert_int_equal(json_integer_value(json_object_get(summary, "missing")), 1);
    assert_int_equal(json_integer_value(json_object_get(summary, "failures")), 1);
    json_decref(failure);
    json_decref(summary);

    run(&verify, *state, "journal ls");
    assert_int_equal(verify.status, CMD_OK);
    assert_says(verify.out.text, "damaged\n");
    run(&verify, *state, "journal dump");
    assert_int_equal(verify.status, CMD_PARTIAL);
    assert_int_equal(count_lines(verify.out.text), 4);
    assert_says(verify.err.text, "the checksum does not hold");
}

static void what_was_set_aside_fails_verification(void **state) {
    struct run verify;
    write_worker(*state, 0, 5);
    spoil(*state, "00/00000001.log", 4096 + 4 * 80 + 40);
    write_worker(*state, 0, 1);
    run(&verify, *state, "journal verify");
    assert_int_equal(verify.status, CMD_PARTIAL);
    assert_says(verify.out.text, "/00000001.4416.torn: offset 0: was set aside");
    assert_says(verify.out.text, "records: 5  missing: 0  failures: 1\n");
}

static void what_is_no_click_is_reported_and_passed(void **state) {
    struct run said;
    struct journal *journal = open_worker(*state, 0);
    append(journal, 1);
    uint64_t sequence;
    char payload[24] = {0};
    uint64_t at_ms = journal_time(journal, 0);
    memcpy(payload, &at_ms, sizeof(at_ms));
    payload[8] = 99; /* a version to come */
    assert_int_equal(journal_append(journal, slice_make(payload, sizeof(payload)), &sequence),
                     JOURNAL_APPENDED);
    append(journal, 1);
    journal_close(&journal);
    run(&said, *state, "journal dump");
    assert_int_equal(said.status, CMD_PARTIAL);
    assert_int_equal(count_lines(said.out.text), 2);
    assert_says(said.err.text, "sequence 2 is not a click that this version knows");
    run(&said, *state, "journal verify");
    assert_int_equal(said.status, CMD_PARTIAL);
    assert_says(said.out.text, "sequence 2: not a click");
}

static void what_is_not_there_is_said(void **state) {
    struct run said;
    run(&said, *state, "journal ls");
    assert_int_equal(said.status, CMD_USAGE);
    assert_says(said.err.text, "/journal: No such file or directory");
    run(&said, *state, "journal verify /nowhere");
    assert_int_equal(said.status, CMD_USAGE);
    assert_says(said.err.text, "/nowhere: No such file or directory");
    write_worker(*state, 0, 1);
    run(&said, *state, "journal dump --worker 5");
    assert_int_equal(said.status, CMD_PARTIAL);
    assert_says(said.err.text, "there is no journal");
    run(&said, *state, "journal dump --worker x");
    assert_int_equal(said.status, CMD_USAGE);
    assert_says(said.err.text, "--worker takes a number");
    run(&said, *state, "journal dump --from x");
    assert_int_equal(said.status, CMD_USAGE);
    assert_says(said.err.text, "--from takes a sequence");
    run(&said, *state, "journal dump /dev/null");
    assert_int_equal(said.status, CMD_USAGE);
    assert_says(said.err.text, "NNNNNNNN.log");
}

static void help_has_examples(void **state) {
    static const char *const lines[] = {"journal --help", "journal ls --help",
                                        "journal dump --help", "journal verify --help"};
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        struct run said;
        run(&said, *state, lines[i]);
        assert_int_equal(said.status, CMD_OK);
        assert_says(said.out.text, "Example");
        assert_says(said.out.text, "Usage: brinco journal");
    }
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(ls_has_a_line_for_each_segment),
        IN_DIRECTORY(dump_prints_every_click_as_a_json_line),
        IN_DIRECTORY(dump_begins_where_it_is_told),
        IN_DIRECTORY(a_journal_that_is_being_written_can_be_looked_into),
        IN_DIRECTORY(conversions_are_looked_into_when_they_are_asked_for),
        IN_DIRECTORY(verify_says_where_what_is_wrong),
        IN_DIRECTORY(what_was_set_aside_fails_verification),
        IN_DIRECTORY(what_is_no_click_is_reported_and_passed),
        IN_DIRECTORY(what_is_not_there_is_said),
        IN_DIRECTORY(help_has_examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
