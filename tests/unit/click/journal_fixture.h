/*
 * journal_fixture.h - what the tests of journals share: a directory of their own, payloads,
 * and a hand in the files.
 */
#ifndef JOURNAL_FIXTURE_H
#define JOURNAL_FIXTURE_H

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "click/journal.h"
#include "click/journal_reader.h"
#include "segment.h"

enum {
    SMALL_SEGMENT = 64 * 1024,
    FIXTURE_PATH = 512,
    RECORD = 40, /* what append_one() writes takes in the file */
    RECORDS = 5, /* how many the journals have that are damaged afterwards */
};

#define FIRST_SEGMENT "00000001.log"

/* In memory where that can be: these tests sync thousands of times. */
static inline int directory_setup(void **state) {
    char *directory = malloc(FIXTURE_PATH);
    bool has_memory = access("/dev/shm", W_OK) == 0;
    snprintf(directory, FIXTURE_PATH, "%s/brinco-journal-XXXXXX", has_memory ? "/dev/shm" : "/tmp");
    *state = directory;
    return mkdtemp(directory) == NULL;
}

/* Removes the files, not the directory. */
static inline void directory_clear(const char *directory) {
    DIR *stream = opendir(directory);
    assert_non_null(stream);
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        unlinkat(dirfd(stream), entry->d_name, 0);
    }
    closedir(stream);
}

static inline int directory_teardown(void **state) {
    directory_clear(*state);
    rmdir(*state);
    free(*state);
    return 0;
}

static inline struct journal_options small_options(const char *directory) {
    return (struct journal_options){
        .directory = directory,
        .edge_id = SLICE("edge-1"),
        .worker = 3,
        .segment_bytes = SMALL_SEGMENT,
        .disk_bytes_max = 1024 * SMALL_SEGMENT,
        .sync_interval_ms = 1000,
    };
}

static inline struct journal *open_small(const char *directory) {
    struct err err = {""};
    struct journal_options options = small_options(directory);
    struct journal *journal = journal_open(&options, &err);
    if (journal == NULL) {
        fail_msg("%s", err.text);
    }
    return journal;
}

/* What the two threads do. */
static inline void keep_journal(struct journal *journal, uint64_t now_ms) {
    journal_keep(journal, now_ms);
    journal_sync(journal, now_ms);
}

/* Appends size bytes: the time, then bytes that depend on the sequence to come. */
static inline enum journal_append_result append_sized(struct journal *journal, uint64_t now_ms,
                                                      size_t size, uint64_t *sequence) {
    uint8_t payload[JOURNAL_RECORD_BYTES_MAX];
    uint64_t next = journal_status(journal).next_sequence;
    memset(payload, (int)('a' + next % 26), sizeof(payload));
    segment_store_u64(payload, journal_time(journal, now_ms));
    return journal_append(journal, slice_make((const char *)payload, size), sequence);
}

static inline uint64_t append_one(struct journal *journal, uint64_t now_ms) {
    uint64_t sequence = 0;
    assert_int_equal(append_sized(journal, now_ms, 24, &sequence), JOURNAL_APPENDED);
    return sequence;
}

/* Everything that a reader finds from the beginning to the end. */
struct seen {
    uint64_t records;
    uint64_t first_sequence;
    uint64_t last_sequence;
    uint64_t last_ms;
    uint64_t damages;
    uint64_t missing;
    struct journal_damage damage; /* the last */
};

static inline void check_payload(const struct journal_record *record) {
    assert_true(record->payload.size >= 8);
    for (size_t i = 8; i < record->payload.size; i++) {
        assert_int_equal(record->payload.data[i], (char)('a' + record->sequence % 26));
    }
}

/* Reads on to the end; adds to *seen. */
static inline void read_on(struct journal_reader *reader, struct seen *seen) {
    struct journal_record record;
    struct err err = {""};
    for (;;) {
        switch (journal_reader_next(reader, &record, &seen->damage, &err)) {
        case JOURNAL_READ_RECORD:
            assert_true(record.sequence > seen->last_sequence);
            assert_true(record.at_ms >= seen->last_ms);
            check_payload(&record);
            seen->first_sequence = seen->records == 0 ? record.sequence : seen->first_sequence;
            seen->last_sequence = record.sequence;
            seen->last_ms = record.at_ms;
            seen->records++;
            break;
        case JOURNAL_READ_DAMAGED:
            seen->damages++;
            seen->missing += seen->damage.missing;
            assert_true(seen->damages < 10000);
            break;
        case JOURNAL_READ_END:
            return;
        case JOURNAL_READ_FAILED:
            fail_msg("%s", err.text);
        }
    }
}

static inline struct seen read_all(const char *directory) {
    struct seen seen = {0};
    struct err err = {""};
    struct journal_reader *reader = journal_reader_open(directory, 0, &err);
    assert_non_null(reader);
    read_on(reader, &seen);
    journal_reader_close(&reader);
    return seen;
}

static inline int open_file(const char *directory, const char *name, int flags) {
    char path[FIXTURE_PATH * 2];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return open(path, flags | O_CLOEXEC, 0600);
}

static inline void poke(const char *directory, const char *name, uint64_t offset, const void *bytes,
                        size_t size) {
    int fd = open_file(directory, name, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, (off_t)offset), size);
    close(fd);
}

static inline void peek(const char *directory, const char *name, uint64_t offset, void *bytes,
                        size_t size) {
    int fd = open_file(directory, name, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, bytes, size, (off_t)offset), size);
    close(fd);
}

/* How many files of the directory end so; the name of the last one in *name. */
static inline size_t count_files(const char *directory, const char *suffix, char name[256]) {
    size_t count = 0;
    DIR *stream = opendir(directory);
    assert_non_null(stream);
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        size_t size = strlen(entry->d_name);
        if (size >= strlen(suffix) && strcmp(entry->d_name + size - strlen(suffix), suffix) == 0) {
            count++;
            if (name != NULL) {
                memcpy(name, entry->d_name, size + 1);
            }
        }
    }
    closedir(stream);
    return count;
}

static inline uint64_t offset_of(uint64_t sequence) {
    return SEGMENT_HEADER_BYTES + (sequence - 1) * RECORD;
}

static inline void write_records(const char *directory, uint64_t count) {
    struct journal *journal = open_small(directory);
    for (uint64_t i = 0; i < count; i++) {
        append_one(journal, 100 + i);
    }
    journal_close(&journal);
}

static inline void assert_records(struct seen seen, uint64_t records, uint64_t last) {
    assert_int_equal(seen.records, records);
    assert_int_equal(seen.last_sequence, last);
}

#endif
