/*
 * tally.h: any bytes as a tally, read, then gone on with.
 *
 * The first byte says what is made of the rest: whether the header is ours or the input's, whether
 * the stretches are made to add up and are sealed (else hardly any would ever be sound), and how
 * much of the file there is. What follows is laid over the stretches.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "tally_private.h"

enum {
    MODE_OWN_HEADER = 1,
    MODE_ADD_UP = 2,
    MODE_SHORT = 4,
    MODE_SEALED = 8,
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
        setenv("TZ", "UTC", 1);
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

static struct tally *open_tally(uint64_t next_sequence) {
    return tally_open(&(struct tally_options){.directory = directory(),
                                              .edge_id = SLICE("e"),
                                              .worker = 1,
                                              .next_sequence = next_sequence});
}

/* A file of ours, as a first run leaves it, with its bytes in *file. */
static void make_own(char *file) {
    struct tally *tally = open_tally(1);
    ENSURE(tally_is_there(tally));
    memcpy(file, tally->header, TALLY_FILE_BYTES);
    tally_close(&tally);
    clear();
}

static void make_add_up(struct tally_stretch *stretches, size_t count, bool is_sealed) {
    for (size_t i = 0; i < count; i++) {
        struct tally_stretch *stretch = &stretches[i];
        stretch->number = i == 0 ? 0 : i;
        stretch->day = 20260101 + i % 28;
        stretch->end_ms = stretch->begin_ms + 86400000;
        stretch->before %= 1000000;
        stretch->last = stretch->before + stretch->last % 1000;
        stretch->recovered %= stretch->last - stretch->before + 1;
        stretch->lost_full %= 1000;
        stretch->lost_power = 0;
        stretch->lost_missing = 0;
        stretch->answered =
            stretch->last - stretch->before + stretch->lost_full - stretch->recovered;
        stretch->seal = is_sealed ? tally_seal(stretch) : 0;
    }
}

static void write_file(const char *bytes, size_t size) {
    char path[128];
    snprintf(path, sizeof(path), "%s/" TALLY_FILE, directory());
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ENSURE(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
}

static void check_view(const struct tally_view *view) {
    ENSURE(view->day_count <= TALLY_DAYS);
    for (size_t i = 0; i < view->day_count; i++) {
        const struct tally_day *day = &view->days[i];
        struct tally_day sum;
        ENSURE(day->answered + day->recovered == day->journaled + day->lost[TALLY_LOST_FULL]);
        ENSURE(day->last_sequence + 1 - day->first_sequence == day->journaled);
        ENSURE(tally_sum(view, day->yyyymmdd, &sum));
    }
}

/* Whatever there is, taps are counted, and the file is sound afterwards. */
static void go_on(uint64_t next_sequence) {
    static struct tally_view view;
    struct err err = {""};
    struct tally *tally = open_tally(next_sequence);
    ENSURE(tally_is_there(tally));
    tally_count(tally, UINT64_C(1767614400000), next_sequence);
    tally_count(tally, UINT64_C(1767614400001), next_sequence + 1);
    tally_count(tally, UINT64_C(1767614400001), 0);
    tally_close(&tally);
    ENSURE(tally_read(directory(), TALLY_FILE, &view, &err) == TALLY_READ);
    check_view(&view);
    ENSURE(view.last_sequence == next_sequence + 1);
    ENSURE(view.day_count > 0 && view.days[view.day_count - 1].answered >= 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static union {
        char bytes[TALLY_FILE_BYTES];
        struct tally_header header;
    } file;
    static struct tally_view view;
    struct err err = {""};
    if (size < 2) {
        return 0;
    }
    uint8_t mode = data[0];
    uint64_t next_sequence = 1 + data[1];
    data += 2;
    size -= 2;
    make_own(file.bytes);
    if (!(mode & MODE_OWN_HEADER)) {
        size_t used = size < sizeof(file.header) ? size : sizeof(file.header);
        memcpy(file.bytes, data, used);
        data += used;
        size -= used;
    }
    struct tally_stretch *stretches = (void *)(file.bytes + TALLY_HEADER_BYTES);
    size_t room = sizeof(file.bytes) - TALLY_HEADER_BYTES;
    size = size < room ? size : room;
    memcpy(stretches, data, size);
    if (mode & MODE_ADD_UP) {
        make_add_up(stretches, size / TALLY_STRETCH_BYTES, (mode & MODE_SEALED) != 0);
    }
    write_file(file.bytes, (mode & MODE_SHORT) ? TALLY_HEADER_BYTES + size : sizeof(file.bytes));
    enum tally_read_result result = tally_read(directory(), TALLY_FILE, &view, &err);
    ENSURE(result == TALLY_READ || result == TALLY_DAMAGED);
    if (result == TALLY_READ) {
        check_view(&view);
    }
    tally_deleted_in(directory(), next_sequence);
    go_on(next_sequence);
    clear();
    return 0;
}
