/*
 * click/identity.c - data.dir: its lock, the edge's name, and the secret.
 *
 * Both files are made by file_create_once(), so that two processes which start together agree
 * on their content; after that they are only read. The lock is a flock(2) on `lock`: it goes
 * away with the process, however that ends, and is not inherited by what we execute.
 *
 * The secret signs clicks and salts visitors, so a file that other users of the machine can
 * read is refused rather than used: a start that fails is noticed, a leaked secret is not.
 *
 * Threads   At start-up, one.
 */
#include "click/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/random.h"

enum {
    EDGE_RANDOM_CHARACTERS = 10, /* 50 bits: no two edges of a system are called the same */
    EDGE_FILE_BYTES_MAX = 256,
};

static bool make_path(const char *directory, const char *name, char path[FILE_PATH_MAX],
                      struct err *err) {
    int size = snprintf(path, FILE_PATH_MAX, "%s/%s", directory, name);
    if (size < 0 || size >= FILE_PATH_MAX) {
        return err_set(err, "data.dir: the path is longer than %d bytes", FILE_PATH_MAX - 16);
    }
    return true;
}

static bool take_lock(const char *directory, struct identity *identity, struct err *err) {
    char path[FILE_PATH_MAX];
    if (!make_path(directory, "lock", path, err)) {
        return false;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return err_set(err, "%s: %s", path, strerror(errno));
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        bool is_held = errno == EWOULDBLOCK;
        err_set(err, "%s: %s", path,
                is_held ? "another brinco process uses this data.dir" : strerror(errno));
        close(fd);
        return false;
    }
    identity->lock_fd = fd;
    return true;
}

static bool is_edge_id(struct slice id) {
    if (id.size == 0 || id.size > IDENTITY_EDGE_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < id.size; i++) {
        char c = id.data[i];
        bool is_allowed = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!is_allowed) {
            return false;
        }
    }
    return true;
}

static bool use_edge_id(struct slice id, const char *where, struct identity *identity,
                        struct err *err) {
    if (!is_edge_id(id)) {
        return err_set(err, "%s: an edge id is 1 to %d of A-Z a-z 0-9 - _", where,
                       IDENTITY_EDGE_BYTES_MAX);
    }
    memcpy(identity->edge_id, id.data, id.size);
    identity->edge_id[id.size] = '\0';
    return true;
}

/* "e", then Crockford's base 32 in lower case: no letter that is mistaken for a digit. */
static bool create_edge_id(const char *path, struct err *err) {
    static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
    uint8_t bits[EDGE_RANDOM_CHARACTERS];
    char content[1 + EDGE_RANDOM_CHARACTERS + 1];
    random_bytes(bits, sizeof(bits));
    content[0] = 'e';
    for (size_t i = 0; i < EDGE_RANDOM_CHARACTERS; i++) {
        content[1 + i] = alphabet[bits[i] & 31];
    }
    content[1 + EDGE_RANDOM_CHARACTERS] = '\n';
    return file_create_once(path, slice_make(content, sizeof(content)), 0644, err);
}

static bool read_edge_id(const char *directory, struct identity *identity, struct err *err) {
    char path[FILE_PATH_MAX];
    if (!make_path(directory, "edge-id", path, err) || !create_edge_id(path, err)) {
        return false;
    }
    struct buf content;
    buf_init(&content, EDGE_FILE_BYTES_MAX);
    bool is_good = file_read(path, &content, err);
    if (is_good) {
        struct slice id = buf_slice(&content);
        while (id.size > 0 && (id.data[id.size - 1] == '\n' || id.data[id.size - 1] == '\r')) {
            id.size--;
        }
        is_good = use_edge_id(id, path, identity, err);
    }
    buf_fini(&content);
    return is_good;
}

/* One byte more than a secret is asked for, so that a longer file shows. */
static bool read_secret_file(int fd, const char *path, struct identity *identity, struct err *err) {
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return err_set(err, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return err_set(err, "%s: is not a regular file", path);
    }
    if ((status.st_mode & 077) != 0) {
        return err_set(err, "%s: other users have access to it (mode %04o): chmod 600 %s", path,
                       (unsigned)status.st_mode & 07777u, path);
    }
    uint8_t bytes[IDENTITY_SECRET_BYTES + 1];
    ssize_t size = pread(fd, bytes, sizeof(bytes), 0);
    if (size < 0) {
        return err_set(err, "%s: %s", path, strerror(errno));
    }
    if (size == IDENTITY_SECRET_BYTES) {
        memcpy(identity->secret, bytes, IDENTITY_SECRET_BYTES);
    }
    explicit_bzero(bytes, sizeof(bytes));
    return size == IDENTITY_SECRET_BYTES ||
           err_set(err, "%s: has %lld bytes, a secret has exactly %d", path,
                   (long long)status.st_size, IDENTITY_SECRET_BYTES);
}

static bool open_secret(const char *path, struct identity *identity, struct err *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return err_set(err, "%s: %s", path, strerror(errno));
    }
    bool is_good = read_secret_file(fd, path, identity, err);
    close(fd);
    return is_good;
}

static bool make_secret(const char *directory, struct identity *identity, struct err *err) {
    char path[FILE_PATH_MAX];
    if (!make_path(directory, "secret", path, err)) {
        return false;
    }
    uint8_t fresh[IDENTITY_SECRET_BYTES];
    random_bytes(fresh, sizeof(fresh));
    bool is_there =
        file_create_once(path, slice_make((const char *)fresh, sizeof(fresh)), 0600, err);
    explicit_bzero(fresh, sizeof(fresh));
    return is_there && open_secret(path, identity, err);
}

bool identity_read_secret(const char *data_dir, uint8_t secret[IDENTITY_SECRET_BYTES],
                          struct err *err) {
    struct identity identity = {.lock_fd = -1};
    char path[FILE_PATH_MAX];
    bool is_good = make_path(data_dir, "secret", path, err) && open_secret(path, &identity, err);
    memcpy(secret, identity.secret, IDENTITY_SECRET_BYTES);
    identity_close(&identity);
    return is_good;
}

static bool name_edge(const char *data_dir, struct slice configured_edge_id,
                      struct identity *identity, struct err *err) {
    return configured_edge_id.size > 0 ? use_edge_id(configured_edge_id, "edge.id", identity, err)
                                       : read_edge_id(data_dir, identity, err);
}

bool identity_open(const char *data_dir, struct slice configured_edge_id, struct identity *identity,
                   struct err *err) {
    *identity = (struct identity){.lock_fd = -1};
    bool is_good = file_make_directory(data_dir, 0700, err) && take_lock(data_dir, identity, err) &&
                   name_edge(data_dir, configured_edge_id, identity, err) &&
                   make_secret(data_dir, identity, err);
    identity->has_secret = is_good;
    if (!is_good) {
        identity_close(identity);
    }
    return is_good;
}

bool identity_share(const char *data_dir, struct slice configured_edge_id,
                    struct identity *identity, struct err *err) {
    char path[FILE_PATH_MAX];
    *identity = (struct identity){.lock_fd = -1};
    bool is_good = file_make_directory(data_dir, 0700, err) &&
                   name_edge(data_dir, configured_edge_id, identity, err) &&
                   make_path(data_dir, "secret", path, err);
    identity->has_secret = is_good && access(path, F_OK) == 0;
    if (identity->has_secret) {
        is_good = open_secret(path, identity, err);
    }
    if (!is_good) {
        identity_close(identity);
    }
    return is_good;
}

void identity_close(struct identity *identity) {
    if (identity->lock_fd >= 0) {
        close(identity->lock_fd);
        identity->lock_fd = -1;
    }
    explicit_bzero(identity->secret, sizeof(identity->secret));
}
