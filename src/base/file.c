/*
 * file.c - whole small files, written so that a crash leaves the old or the new one.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"

static bool fail(struct err *err, const char *path, const char *what) {
    return err_set(err, "%s: cannot %s: %s", path, what, strerror(errno));
}

static bool read_all(int fd, const char *path, struct buf *out, struct err *err) {
    for (;;) {
        char block[16384];
        ssize_t got = read(fd, block, sizeof(block));
        if (got == 0) {
            return true;
        }
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail(err, path, "read");
        }
        if (!buf_append_bytes(out, block, (size_t)got)) {
            return err_set(err, "%s: larger than the %zu bytes that are allowed", path,
                           out->limit > 0 ? out->limit : out->capacity);
        }
    }
}

bool file_read(const char *path, struct buf *out, struct err *err) {
    /* Not blocking, so that a named pipe does not hold us. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return fail(err, path, "open");
    }
    struct stat status;
    bool done = false;
    if (fstat(fd, &status) != 0) {
        fail(err, path, "stat");
    } else if (!S_ISREG(status.st_mode)) {
        err_set(err, "%s: not a regular file", path);
    } else {
        size_t before = out->size;
        done = read_all(fd, path, out, err);
        out->size = done ? out->size : before;
    }
    close(fd);
    return done;
}

static bool write_all(int fd, struct slice content) {
    while (content.size > 0) {
        ssize_t written = write(fd, content.data, content.size);
        if (written < 0 && errno != EINTR) {
            return false;
        }
        content = slice_from(content, written > 0 ? (size_t)written : 0);
    }
    return true;
}

/* A new file beside path, of a name nobody else has: two that write at once do not meet, though
 * they be threads, or processes that are number 1 of their containers. */
static bool write_beside(const char *path, struct slice content, unsigned mode,
                         char beside[FILE_PATH_MAX], struct err *err) {
    int size = snprintf(beside, FILE_PATH_MAX, "%s.tmp.XXXXXX", path);
    if (size < 0 || size >= FILE_PATH_MAX) {
        return err_set(err, "%.100s...: the path is too long", path);
    }
    int fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0) {
        return fail(err, beside, "create");
    }
    bool written = write_all(fd, content) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
    if (!written) {
        fail(err, beside, "write");
        unlink(beside);
    }
    close(fd);
    return written;
}

/* A name is durable when its directory is. */
static void sync_parent(const char *path) {
    char parent[FILE_PATH_MAX];
    snprintf(parent, sizeof(parent), "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash != NULL) {
        slash[slash == parent ? 1 : 0] = '\0';
    }
    int fd = open(slash == NULL ? "." : parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

bool file_write_atomically(const char *path, struct slice content, unsigned mode, struct err *err) {
    char beside[FILE_PATH_MAX];
    if (!write_beside(path, content, mode, beside, err)) {
        return false;
    }
    if (rename(beside, path) != 0) {
        fail(err, path, "rename to");
        unlink(beside);
        return false;
    }
    sync_parent(path);
    return true;
}

bool file_create_once(const char *path, struct slice content, unsigned mode, struct err *err) {
    char beside[FILE_PATH_MAX];
    if (access(path, F_OK) == 0) {
        return true;
    }
    if (!write_beside(path, content, mode, beside, err)) {
        return false;
    }
    bool linked = link(beside, path) == 0 || errno == EEXIST;
    if (!linked) {
        fail(err, path, "create");
    }
    unlink(beside);
    sync_parent(path);
    return linked;
}

bool file_make_directory(const char *path, unsigned mode, struct err *err) {
    char part[FILE_PATH_MAX];
    int size = snprintf(part, sizeof(part), "%s", path);
    if (size <= 0 || size >= FILE_PATH_MAX) {
        return err_set(err, "\"%.100s\": not a usable path", path);
    }
    for (char *c = part + 1;; c++) {
        if (*c != '/' && *c != '\0') {
            continue;
        }
        char end = *c;
        *c = '\0';
        struct stat status;
        if (mkdir(part, mode) != 0 && errno != EEXIST) {
            return fail(err, part, "make the directory");
        }
        if (stat(part, &status) != 0 || !S_ISDIR(status.st_mode)) {
            return err_set(err, "%s: not a directory", part);
        }
        if (end == '\0') {
            return true;
        }
        *c = end;
    }
}
