/*
 * What of a segment is mapped: a window that follows the worker; also on kernels that do not know
 * MADV_POPULATE_WRITE, where the keeper writes to pages that the worker may be writing to.
 */
#include "journal_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "journal_private.h"

enum {
    SEGMENT = 4 * JOURNAL_WINDOW_BYTES,
    PAYLOAD = 184, /* 200 bytes with the record's head: pages are entered in all ways */
    PAGE = JOURNAL_PAGE_BYTES,
};

static bool is_old_kernel;

/* In place of libc's. */
int madvise(void *address, size_t size, int advice) {
    if (is_old_kernel && advice == MADV_POPULATE_WRITE) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_madvise, address, size, advice);
}

static struct journal *open_large(const char *directory) {
    struct err err = {""};
    struct journal_options options = small_options(directory);
    options.segment_bytes = SEGMENT;
    options.disk_bytes_max = (uint64_t)16 * SEGMENT;
    struct journal *journal = journal_open(&options, &err);
    if (journal == NULL) {
        fail_msg("%s", err.text);
    }
    return journal;
}

static void append_many(struct journal *journal, uint64_t first, uint64_t count) {
    uint8_t payload[PAYLOAD] = {0};
    for (uint64_t i = first; i < first + count; i++) {
        uint64_t sequence;
        segment_store_u64(payload, 1000 + i);
        memset(payload + 8, (int)(i % 251), sizeof(payload) - 8);
        struct slice bytes = slice_make((const char *)payload, sizeof(payload));
        while (journal_append(journal, bytes, &sequence) != JOURNAL_APPENDED) {
            usleep(1000); /* until the keeper has the next segment */
        }
    }
}

static size_t mapped_pages(const struct journal_slot *slot) {
    size_t mapped = 0;
    FILE *smaps = fopen("/proc/self/smaps", "r");
    char line[512];
    bool is_there = false;
    assert_non_null(smaps);
    while (fgets(line, sizeof(line), smaps) != NULL) {
        unsigned long begin;
        unsigned long end;
        unsigned long kilobytes;
        if (sscanf(line, "%lx-%lx ", &begin, &end) == 2) {
            is_there = begin == (unsigned long)slot->base;
        } else if (is_there && sscanf(line, "Rss: %lu kB", &kilobytes) == 1) {
            mapped = kilobytes * 1024 / PAGE;
        }
    }
    fclose(smaps);
    return mapped;
}

static void only_a_window_is_mapped_and_it_follows(void **state) {
    struct journal *journal = open_large(*state);
    size_t window = JOURNAL_WINDOW_BYTES / PAGE;
    for (int i = 0; i < 2; i++) {
        journal_keep(journal, 1000);
    }
    append_many(journal, 0, 1);
    assert_in_range(mapped_pages(journal->current), window - 1, window + 1);
    for (uint64_t i = 1; i < 30; i++) {
        append_many(journal, i * 5000, 5000); /* a million bytes */
        journal_keep(journal, 1000 + i);
        assert_in_range(mapped_pages(journal->current), window / 4, 2 * window);
    }
    journal_close(&journal);
}

static _Atomic bool is_over;

static void *keep_on(void *argument) {
    struct journal *journal = argument;
    for (uint64_t now_ms = 1000; !atomic_load(&is_over); now_ms++) {
        journal_keep(journal, now_ms);
        journal_sync(journal, now_ms);
        usleep(15000); /* so long that the worker runs ahead of the window */
    }
    return NULL;
}

static uint64_t count_sound(const char *directory) {
    uint64_t sound = 0;
    for (uint32_t number = 1;; number++) {
        char path[FIXTURE_PATH + 16];
        snprintf(path, sizeof(path), "%s/%08u.log", directory, number);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            return sound;
        }
        const uint8_t *base = mmap(NULL, SEGMENT, PROT_READ, MAP_SHARED, fd, 0);
        assert_true(base != MAP_FAILED);
        close(fd);
        uint32_t length;
        for (size_t at = SEGMENT_HEADER_BYTES; at + SEGMENT_RECORD_HEAD < SEGMENT &&
                                               (length = segment_load_u32(base + at)) == PAYLOAD;
             at += segment_record_bytes(length)) {
            sound += segment_load_u32(base + at + 4) == segment_record_crc(base + at, length);
        }
        munmap((void *)(uintptr_t)base, SEGMENT);
    }
}

static void nothing_is_damaged_when_the_worker_outruns_the_window(void **state) {
    enum { RECORDS_MANY = 600000 };
    struct journal *journal = open_large(*state);
    pthread_t keeper;
    atomic_store(&is_over, false);
    assert_int_equal(pthread_create(&keeper, NULL, keep_on, journal), 0);
    append_many(journal, 0, RECORDS_MANY);
    atomic_store(&is_over, true);
    pthread_join(keeper, NULL);
    journal_close(&journal);
    assert_int_equal(count_sound(*state), RECORDS_MANY);
}

static void nor_on_an_old_kernel(void **state) {
    is_old_kernel = true;
    nothing_is_damaged_when_the_worker_outruns_the_window(state);
    is_old_kernel = false;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_a_window_is_mapped_and_it_follows, directory_setup,
                                        directory_teardown),
        cmocka_unit_test_setup_teardown(nothing_is_damaged_when_the_worker_outruns_the_window,
                                        directory_setup, directory_teardown),
        cmocka_unit_test_setup_teardown(nor_on_an_old_kernel, directory_setup, directory_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
