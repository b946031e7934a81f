/*
 * click/segment.c - the names and header pages of segments, and the directory they stand in.
 *
 * The header page, little-endian:
 *
 *   0   "BRINCOJ1"              16  u64 first sequence     32  64 bytes edge id
 *   8   u32 format version      24  u32 worker             96  u32 crc32c of bytes 0 to 95
 *   12  u32 header size         28  u32 size of edge id
 */
#include "segment.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "click/journal_reader.h"

enum {
    MAGIC_BYTES = 8,
    VERSION_OFFSET = 8,
    SIZE_OFFSET = 12,
    FIRST_SEQUENCE_OFFSET = 16,
    WORKER_OFFSET = 24,
    EDGE_SIZE_OFFSET = 28,
    EDGE_OFFSET = 32,
    CRC_OFFSET = EDGE_OFFSET + SEGMENT_EDGE_BYTES_MAX,
};

static_assert(CRC_OFFSET + 4 == SEGMENT_HEADER_USED, "the crc is what comes last");

static const char magic[MAGIC_BYTES] = {'B', 'R', 'I', 'N', 'C', 'O', 'J', '1'};

void segment_header_encode(const struct segment_header *header, uint8_t *page) {
    size_t edge_size = strlen(header->edge_id);
    ENSURE(edge_size <= SEGMENT_EDGE_BYTES_MAX);
    memset(page, 0, SEGMENT_HEADER_USED);
    memcpy(page, magic, sizeof(magic));
    segment_store_u32(page + VERSION_OFFSET, SEGMENT_FORMAT_VERSION);
    segment_store_u32(page + SIZE_OFFSET, SEGMENT_HEADER_BYTES);
    segment_store_u32(page + WORKER_OFFSET, header->worker);
    segment_store_u32(page + EDGE_SIZE_OFFSET, (uint32_t)edge_size);
    memcpy(page + EDGE_OFFSET, header->edge_id, edge_size);
    segment_header_begin(page, header->first_sequence);
}

void segment_header_begin(uint8_t *page, uint64_t first_sequence) {
    segment_store_u64(page + FIRST_SEQUENCE_OFFSET, first_sequence);
    segment_store_u32(page + CRC_OFFSET, crc32c(0, page, CRC_OFFSET));
}

/* Edge ids are shown on terminals and become parts of keys. */
static bool is_printable(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] <= 0x20 || bytes[i] >= 0x7F) {
            return false;
        }
    }
    return true;
}

enum segment_header_state segment_header_decode(const uint8_t *page, size_t size,
                                                struct segment_header *header) {
    *header = (struct segment_header){0};
    if (size < SEGMENT_HEADER_USED || memcmp(page, magic, sizeof(magic)) != 0 ||
        segment_load_u32(page + CRC_OFFSET) != crc32c(0, page, CRC_OFFSET)) {
        return SEGMENT_HEADER_BAD;
    }
    if (segment_load_u32(page + VERSION_OFFSET) != SEGMENT_FORMAT_VERSION) {
        return SEGMENT_HEADER_NEWER;
    }
    uint64_t first_sequence = segment_load_u64(page + FIRST_SEQUENCE_OFFSET);
    uint32_t edge_size = segment_load_u32(page + EDGE_SIZE_OFFSET);
    if (segment_load_u32(page + SIZE_OFFSET) != SEGMENT_HEADER_BYTES ||
        first_sequence > SEGMENT_SEQUENCE_MAX || edge_size > SEGMENT_EDGE_BYTES_MAX ||
        !is_printable(page + EDGE_OFFSET, edge_size)) {
        return SEGMENT_HEADER_BAD;
    }
    header->first_sequence = first_sequence;
    header->worker = segment_load_u32(page + WORKER_OFFSET);
    memcpy(header->edge_id, page + EDGE_OFFSET, edge_size);
    return SEGMENT_HEADER_VALID;
}

bool segment_header_read(int fd, enum segment_header_state *state, struct segment_header *header) {
    uint8_t page[SEGMENT_HEADER_USED];
    ssize_t size = segment_pread(fd, page, sizeof(page), 0);
    if (size < 0) {
        return false;
    }
    *state = segment_header_decode(page, (size_t)size, header);
    return true;
}

void segment_name(uint32_t number, char name[SEGMENT_NAME_BYTES]) {
    ENSURE(number <= SEGMENT_NUMBER_MAX);
    snprintf(name, SEGMENT_NAME_BYTES, "%08u.log", number % (SEGMENT_NUMBER_MAX + 1u));
}

int segment_open(int directory_fd, uint32_t number, int flags) {
    char name[SEGMENT_NAME_BYTES];
    segment_name(number, name);
    int fd = openat(directory_fd, name, flags | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0600);
    struct stat status;
    if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
        close(fd);
        errno = EINVAL;
        return -1;
    }
    return fd;
}

/* The number in NNNNNNNN.log; 0 when the file is called anything else. */
static uint32_t number_in(const char *name) {
    if (strlen(name) != SEGMENT_NAME_BYTES - 1 || strcmp(name + 8, ".log") != 0) {
        return 0;
    }
    uint64_t number = 0;
    return slice_to_u64(slice_make(name, 8), SEGMENT_NUMBER_MAX, &number) ? (uint32_t)number : 0;
}

static int compare_numbers(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static bool collect_numbers(DIR *stream, const char *directory, uint32_t **numbers, size_t *count,
                            struct err *err) {
    size_t capacity = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (entry == NULL) {
            return errno == 0 || err_set(err, "%s: %s", directory, strerror(errno));
        }
        uint32_t number = number_in(entry->d_name);
        if (number == 0) {
            continue;
        }
        if (*count == JOURNAL_SEGMENTS_MAX) {
            return err_set(err, "%s: has more than %d segments", directory, JOURNAL_SEGMENTS_MAX);
        }
        if (*count == capacity) {
            capacity = capacity == 0 ? 64 : capacity * 2;
            uint32_t *grown = realloc(*numbers, capacity * sizeof(*grown));
            if (grown == NULL) {
                return err_set(err, "%s: out of memory", directory);
            }
            *numbers = grown;
        }
        (*numbers)[(*count)++] = number;
    }
}

bool segment_numbers(int directory_fd, const char *directory, uint32_t **numbers, size_t *count,
                     struct err *err) {
    *numbers = NULL;
    *count = 0;
    /* A descriptor of its own: the position in a directory belongs to the open file. */
    int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (stream == NULL) {
        err_set(err, "%s: %s", directory, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    bool is_good = collect_numbers(stream, directory, numbers, count, err);
    closedir(stream);
    if (!is_good) {
        free(*numbers);
        *numbers = NULL;
        *count = 0;
    } else if (*count > 0) {
        qsort(*numbers, *count, sizeof(**numbers), compare_numbers);
    }
    return is_good;
}

ssize_t segment_pread(int fd, void *out, size_t size, uint64_t offset) {
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(fd, (char *)out + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -1;
        }
        if (got == 0) {
            break;
        }
        done += (size_t)got;
    }
    return (ssize_t)done;
}
