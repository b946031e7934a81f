/*
 * click/journal_slot.c - one segment in memory: made, mapped, synced, let go.
 *
 * A worker that stores into a mapping must never wait for a disk nor learn by a signal that
 * there is no room. So a segment gets its blocks first (posix_fallocate(3), which fails where
 * a later page fault would be a SIGBUS) and its pages next (MADV_POPULATE_WRITE, by hand where
 * the kernel is older than 5.14). What is left to the worker is a minor fault where a sync has
 * cleaned the page it writes to: one a sync, since only what was written is synced.
 *
 * All pages are brought into the page cache, but only a window of them is mapped, or every segment
 * would count as resident whole: two of 64 MiB a worker. The keeper looks every 5 ms, so the window
 * is enough for 1.6 GB/s; a worker that outruns it takes the minor faults itself.
 *
 * A file system that copies on write (Btrfs, ZFS) keeps no promise of fallocate(2): there a
 * full disk can end the process. Journals belong on ext4, XFS or tmpfs.
 *
 * posix_fallocate() beyond RLIMIT_FSIZE raises SIGXFSZ: the process ignores that signal.
 *
 * Threads   Whoever owns the slot (journal_private.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "journal_private.h"

enum { PIECE_BYTES = 1024 * 1024, PIECE_PAUSE_NS = 500000 };

static bool fail(const struct journal *journal, uint32_t number, int error, struct err *err) {
    return err_set(err, "%s/%08u.log: %s", journal->directory, number, strerror(error));
}

/* 0, or what errno would say. */
static int allocate(int fd, uint64_t size) {
    int error;
    do {
        error = posix_fallocate(fd, 0, (off_t)size);
    } while (error == EINTR);
    return error;
}

static uint64_t page_of(uint64_t offset) {
    return offset & ~(uint64_t)(JOURNAL_PAGE_BYTES - 1);
}

static uint64_t window_after(const struct journal_slot *slot, uint64_t offset) {
    uint64_t left = slot->size - page_of(offset);
    return page_of(offset) + (left < JOURNAL_WINDOW_BYTES ? left : JOURNAL_WINDOW_BYTES);
}

/* Brings pages into memory and maps them, writable. 0, or what errno would say: EINVAL where the
 * kernel is older than 5.14. */
static int populate(uint8_t *base, uint64_t begin, uint64_t end) {
    return begin >= end || madvise(base + begin, end - begin, MADV_POPULATE_WRITE) == 0 ? 0 : errno;
}

/* By hand where the kernel cannot: only as long as nobody else writes there. */
static int populate_own(uint8_t *base, uint64_t begin, uint64_t end) {
    int error = populate(base, begin, end);
    for (uint64_t at = begin; error == EINVAL && at < end; at += JOURNAL_PAGE_BYTES) {
        volatile uint8_t *byte = base + at;
        *byte = *byte;
    }
    return error == EINVAL ? 0 : error;
}

/* The pages stay in the page cache, and are as dirty as they were. */
static void unmap(uint8_t *base, uint64_t begin, uint64_t end) {
    if (begin < end) {
        madvise(base + begin, end - begin, MADV_DONTNEED);
    }
}

/* While the worker has another segment to go to there is time: it may run on the same processor,
 * and populating 64 MiB in one go would keep it from that for 30 ms. */
static void let_others_run(const struct journal *journal) {
    if (journal_has_ready(journal)) {
        nanosleep(&(struct timespec){.tv_nsec = PIECE_PAUSE_NS}, NULL);
    }
}

/* Brings all pages from offset on into memory, piece by piece, and leaves a window of them mapped.
 */
static int open_window(const struct journal *journal, struct journal_slot *slot, uint64_t offset) {
    int error = 0;
    slot->window_begin = page_of(offset);
    slot->window_end = window_after(slot, offset);
    for (uint64_t at = slot->window_begin; error == 0 && at < slot->size;) {
        uint64_t end = slot->size - at < PIECE_BYTES ? slot->size : at + PIECE_BYTES;
        error = populate_own(slot->base, at, end);
        unmap(slot->base, at < slot->window_end ? slot->window_end : at, end);
        at = end;
        let_others_run(journal);
    }
    return error;
}

/* Allocates, maps and populates; fd is the slot's from then on. 0, or what errno would say. */
static int map(const struct journal *journal, struct journal_slot *slot, int fd, uint64_t size,
               uint64_t offset) {
    int error = allocate(fd, size);
    if (error != 0) {
        return error;
    }
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED) {
        return errno;
    }
    slot->base = base;
    slot->size = size;
    error = open_window(journal, slot, offset);
    if (error != 0) {
        munmap(base, size);
        slot->base = NULL;
        return error;
    }
    slot->fd = fd;
    atomic_store_explicit(&slot->written, offset, memory_order_relaxed);
    slot->synced = offset;
    return 0;
}

/* Makes the segment without its name. 0, or what errno would say. */
static int make(struct journal *journal, struct journal_slot *slot, int fd) {
    int error = map(journal, slot, fd, journal->segment_bytes, SEGMENT_HEADER_BYTES);
    if (error == 0) {
        segment_header_encode(&journal->header, slot->base);
        slot->synced = 0; /* the header is written again when the worker takes the segment */
        slot->header_is_synced = false;
    }
    return error;
}

static int give_name(struct journal *journal, struct journal_slot *slot, uint32_t number) {
    char name[SEGMENT_NAME_BYTES];
    segment_name(number, name);
    if (renameat(journal->directory_fd, JOURNAL_UNNAMED, journal->directory_fd, name) == 0) {
        atomic_store_explicit(&journal->directory_is_new, true, memory_order_release);
        slot->number = number;
        return 0;
    }
    int error = errno;
    munmap(slot->base, slot->size);
    slot->base = NULL;
    return error;
}

bool journal_slot_prepare(struct journal *journal, struct journal_slot *slot, uint32_t number,
                          struct err *err) {
    if (number > SEGMENT_NUMBER_MAX) {
        errno = EFBIG;
        return err_set(err, "%s: segment numbers are used up", journal->directory);
    }
    int fd = openat(journal->directory_fd, JOURNAL_UNNAMED,
                    O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return fail(journal, number, errno, err);
    }
    int error = make(journal, slot, fd);
    if (error == 0) {
        error = give_name(journal, slot, number);
    }
    if (error != 0) {
        unlinkat(journal->directory_fd, JOURNAL_UNNAMED, 0);
        close(fd);
        slot->fd = -1;
        fail(journal, number, error, err);
        errno = error;
        return false;
    }
    return true;
}

bool journal_slot_adopt(struct journal *journal, struct journal_slot *slot,
                        const struct journal_end *end, struct err *err) {
    int fd = segment_open(journal->directory_fd, end->number, O_RDWR);
    if (fd < 0) {
        return fail(journal, end->number, errno, err);
    }
    struct stat status;
    int error = fstat(fd, &status) == 0 ? 0 : errno;
    if (error == 0) {
        error = map(journal, slot, fd, (uint64_t)status.st_size, end->offset);
    }
    if (error != 0) {
        close(fd);
        return fail(journal, end->number, error, err);
    }
    slot->number = end->number;
    return true;
}

/* msync(2) and not fdatasync(2): it takes a range, and leaves the pages that are still to be
 * written dirty, hence writable without a fault. On Linux both end in the same fsync. */
bool journal_slot_sync(struct journal_slot *slot) {
    uint64_t written = atomic_load_explicit(&slot->written, memory_order_acquire);
    uint64_t begin = page_of(slot->synced);
    if (written == slot->synced) {
        return true;
    }
    if (msync(slot->base + begin, written - begin, MS_SYNC) != 0) {
        return false;
    }
    slot->synced = written;
    return true;
}

/* Half a window at a time, since the other processors are told of each mapping that goes. What
 * cannot be mapped now is tried again, and mapped by the worker if that is late. */
void journal_slot_follow(struct journal_slot *slot) {
    pthread_mutex_lock(&slot->mapping);
    if (atomic_load_explicit(&slot->state, memory_order_acquire) == SLOT_CURRENT) {
        uint64_t written = atomic_load_explicit(&slot->written, memory_order_acquire);
        uint64_t end = window_after(slot, written);
        if (end > slot->window_end &&
            (end == slot->size || end - slot->window_end >= JOURNAL_WINDOW_BYTES / 2) &&
            populate(slot->base, slot->window_end, end) == 0) {
            slot->window_end = end;
        }
        if (page_of(written) - slot->window_begin >= JOURNAL_WINDOW_BYTES / 2) {
            unmap(slot->base, slot->window_begin, page_of(written));
            slot->window_begin = page_of(written);
        }
    }
    pthread_mutex_unlock(&slot->mapping);
}

void journal_slot_release(struct journal_slot *slot) {
    pthread_mutex_lock(&slot->mapping);
    munmap(slot->base, slot->size);
    close(slot->fd);
    slot->base = NULL;
    slot->fd = -1;
    atomic_store_explicit(&slot->state, SLOT_FREE, memory_order_release);
    pthread_mutex_unlock(&slot->mapping);
}
