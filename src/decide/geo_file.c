/*
 * geo_file.c - from a file that others may change to a copy that nobody can.
 *
 * Memory that maps a file which is then cut short answers with SIGBUS. So the file is copied
 * into a memfd, which is sealed (fcntl(2), F_ADD_SEALS) before anybody looks at it. The kernel
 * copies (sendfile(2)): a file that shrinks meanwhile is a short copy, nothing worse.
 *
 * Threads   Any; blocks on the disk.
 * Limits    GEO_FILE_BYTES_MAX.
 */
#include "geo_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "decide/geo.h"

static struct geo_identity identity_of(const struct stat *status);
static bool copy(int from, int to, off_t size, struct err *err);

bool geo_file_identify(const char *path, struct geo_identity *identity) {
    struct stat status;
    if (stat(path, &status) != 0) {
        return false;
    }
    *identity = identity_of(&status);
    return true;
}

int geo_file_copy(const char *path, struct geo_identity *identity, struct err *err) {
    /* Not to wait for the other end, should it be a pipe. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0) {
        (void)err_set(err, "%s", strerror(errno));
        return -1;
    }
    int memory = -1;
    struct stat status;
    if (fstat(file, &status) != 0) {
        (void)err_set(err, "%s", strerror(errno));
        goto failed;
    }
    *identity = identity_of(&status);
    if (!S_ISREG(status.st_mode)) {
        (void)err_set(err, "not a regular file");
        goto failed;
    }
    if (status.st_size == 0 || (uint64_t)status.st_size > GEO_FILE_BYTES_MAX) {
        (void)err_set(err, "has %lld bytes: allowed are 1 to %llu", (long long)status.st_size,
                      GEO_FILE_BYTES_MAX);
        goto failed;
    }
    memory = memfd_create("brinco-geo", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (memory < 0) {
        (void)err_set(err, "no memory for a copy: %s", strerror(errno));
        goto failed;
    }
    if (!copy(file, memory, status.st_size, err)) {
        goto failed;
    }
    if (fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
        (void)err_set(err, "cannot seal the copy: %s", strerror(errno));
        goto failed;
    }
    close(file);
    return memory;

failed:
    if (memory >= 0) {
        close(memory);
    }
    close(file);
    return -1;
}

static struct geo_identity identity_of(const struct stat *status) {
    return (struct geo_identity){
        .device = status->st_dev,
        .inode = status->st_ino,
        .size = status->st_size,
        .changed_ns =
            (int64_t)status->st_ctim.tv_sec * 1000000000 + (int64_t)status->st_ctim.tv_nsec,
    };
}

static bool copy(int from, int to, off_t size, struct err *err) {
    off_t done = 0;
    while (done < size) {
        ssize_t copied = sendfile(to, from, NULL, (size_t)(size - done));
        if (copied < 0 && errno == EINTR) {
            continue;
        }
        if (copied < 0) {
            return err_set(err, "cannot be copied into memory: %s", strerror(errno));
        }
        if (copied == 0) {
            return err_set(err, "shrank while it was read");
        }
        done += copied;
    }
    return true;
}
