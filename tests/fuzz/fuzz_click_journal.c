/*
 * journal_reader.h, journal.h: any bytes as segments, read, then gone on with.
 *
 * The first byte of the input says what is made of the rest: whether the header page is ours or
 * the input's, whether records are sealed with a right checksum (else hardly any would ever be
 * valid), and whether it is one segment or two.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "click/journal.h"
#include "click/journal_reader.h"
#include "segment.h"

enum {
    MODE_OWN_HEADER = 1,
    MODE_SEALED = 2,
    MODE_TWO = 4,
    BODY_MAX = 60000,
    SEGMENT_BYTES = 65536,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *directory(void);

static void remove_directory(void) {
    rmdir(directory());
}

static const char *directory(void) {
    static char path[] = "/dev/shm/brinco-fuzz-XXXXXX";
    static const char *made;
    if (made == NULL) {
        made = mkdtemp(path);
        ENSURE(made != NULL && atexit(remove_directory) == 0);
    }
    return made;
}

static void clear(void) {
    DIR *stream = opendir(directory());
    ENSURE(stream != NULL);
    for (const struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        unlinkat(dirfd(stream), entry->d_name, 0);
    }
    closedir(stream);
}

/* Gives every record that the lengths lead to the right checksum. */
static void seal(uint8_t *body, size_t size) {
    size_t at = 0;
    while (at + SEGMENT_RECORD_MIN <= size) {
        uint32_t length = segment_load_u32(body + at);
        if (length < SEGMENT_PAYLOAD_MIN || length > size - at - SEGMENT_RECORD_HEAD) {
            at += 8;
            continue;
        }
        segment_store_u32(body + at + 4, segment_record_crc(body + at, length));
        at += segment_record_bytes(length);
    }
}

static void put(int directory_fd, uint32_t number, const uint8_t *header, struct slice body) {
    int fd = segment_open(directory_fd, number, O_RDWR | O_CREAT);
    ENSURE(fd >= 0);
    ENSURE(pwrite(fd, header, SEGMENT_HEADER_USED, 0) == SEGMENT_HEADER_USED);
    ENSURE(pwrite(fd, body.data, body.size, SEGMENT_HEADER_BYTES) == (ssize_t)body.size);
    close(fd);
}

static void make_segments(int directory_fd, const uint8_t *data, size_t size) {
    static uint8_t body[BODY_MAX];
    uint8_t page[SEGMENT_HEADER_USED] = {0};
    uint8_t mode = data[0];
    data++;
    size--;
    if (mode & MODE_OWN_HEADER) {
        struct segment_header header = {.first_sequence = mode >> 4, .worker = 1, .edge_id = "e"};
        segment_header_encode(&header, page);
    } else {
        size_t used = size < sizeof(page) ? size : sizeof(page);
        memcpy(page, data, used);
        data += used;
        size -= used;
    }
    size = size < sizeof(body) ? size : sizeof(body);
    memcpy(body, data, size);
    if (mode & MODE_SEALED) {
        seal(body, size);
    }
    struct slice all = slice_make((const char *)body, size);
    size_t half = mode & MODE_TWO ? size / 2 & ~(size_t)7 : size;
    put(directory_fd, 1, page, slice_first(all, half));
    if (mode & MODE_TWO) {
        put(directory_fd, 2, page, slice_from(all, half));
    }
}

/* Returns the last sequence; 0: none. */
static uint64_t read_all(void) {
    struct journal_reader *reader = journal_reader_open(directory(), 0, NULL);
    ENSURE(reader != NULL);
    uint64_t last = 0;
    size_t ends = 0;
    for (size_t steps = 0; ends < 3; steps++) {
        struct journal_record record;
        struct journal_damage damage;
        struct err err = {""};
        enum journal_read_result result = journal_reader_next(reader, &record, &damage, &err);
        ENSURE(steps < BODY_MAX / 4 && result != JOURNAL_READ_FAILED);
        if (result == JOURNAL_READ_RECORD) {
            ENSURE(record.payload.size >= 8 && record.payload.size <= JOURNAL_RECORD_BYTES_MAX);
            last = record.sequence;
        }
        ends += result == JOURNAL_READ_END;
    }
    journal_reader_close(&reader);
    return last;
}

static void go_on(void) {
    struct journal_options options = {
        .directory = directory(),
        .edge_id = SLICE("e"),
        .worker = 1,
        .segment_bytes = SEGMENT_BYTES,
        .disk_bytes_max = 16 * SEGMENT_BYTES,
    };
    struct err err = {""};
    struct journal *journal = journal_open(&options, &err);
    if (journal == NULL) {
        ENSURE(strstr(err.text, "newer version") != NULL || strstr(err.text, "none can follow"));
        return;
    }
    uint8_t payload[16] = {0};
    uint64_t sequence;
    segment_store_u64(payload, journal_time(journal, 1));
    ENSURE(journal_append(journal, slice_make((const char *)payload, sizeof(payload)), &sequence) ==
           JOURNAL_APPENDED);
    journal_close(&journal);
    ENSURE(read_all() == sequence);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    int directory_fd = open(directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ENSURE(directory_fd >= 0);
    make_segments(directory_fd, data, size);
    read_all();
    go_on();
    clear();
    close(directory_fd);
    return 0;
}
