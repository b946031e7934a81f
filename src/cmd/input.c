/*
 * input.c - reading a file in large pieces.
 *
 * Threads   The main thread.
 * Limits    INPUT_BUFFER_BYTES are held; the file may be of any size.
 */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

static bool look_at(struct input *input, const char *path, struct err *err);
static void skip_byte_order_mark(struct input *input);

struct input *input_open(const char *path, struct err *err) {
    struct input *input = calloc(1, sizeof *input);
    ENSURE(input != NULL);
    input->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (!look_at(input, path, err)) {
        input_close(&input);
        return NULL;
    }
    skip_byte_order_mark(input);
    return input;
}

void input_close(struct input **input) {
    if (*input != NULL && (*input)->fd > STDIN_FILENO) {
        close((*input)->fd);
    }
    free(*input);
    *input = NULL;
}

bool input_fill(struct input *input) {
    ssize_t count;
    do {
        count = read(input->fd, input->data, sizeof input->data);
    } while (count < 0 && errno == EINTR);
    input->error = count < 0 ? errno : 0;
    input->at = 0;
    input->size = count > 0 ? (size_t)count : 0;
    input->read_bytes += input->size;
    return count > 0;
}

static bool look_at(struct input *input, const char *path, struct err *err) {
    struct stat status;
    if (input->fd < 0 || fstat(input->fd, &status) != 0) {
        return err_set(err, "%s: %s", path, strerror(errno));
    }
    if (S_ISDIR(status.st_mode)) {
        return err_set(err, "%s: it is a directory", path);
    }
    input->total_bytes = S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
    return true;
}

/* Only one that came whole with the first read: files and pipes of programs do that. */
static void skip_byte_order_mark(struct input *input) {
    static const char mark[] = {'\xef', '\xbb', '\xbf'};
    if (input_peek(input) != INPUT_END && input->size >= sizeof mark &&
        memcmp(input->data, mark, sizeof mark) == 0) {
        input->at = sizeof mark;
    }
}
