/*
 * capture.h - what a command under test writes to stdout or stderr.
 */
#ifndef TESTS_CMD_CAPTURE_H
#define TESTS_CMD_CAPTURE_H

#include <stdio.h>
#include <unistd.h>

#include "base/defs.h"

struct capture {
    int fd; /* STDOUT_FILENO or STDERR_FILENO */
    int kept;
    FILE *file;
    char text[16 * 1024];
};

static inline void capture_begin(struct capture *capture, int fd) {
    fflush(NULL);
    capture->fd = fd;
    capture->kept = dup(fd);
    capture->file = tmpfile();
    ENSURE(capture->kept >= 0 && capture->file != NULL);
    ENSURE(dup2(fileno(capture->file), fd) == fd);
}

static inline void capture_end(struct capture *capture) {
    fflush(NULL);
    ENSURE(dup2(capture->kept, capture->fd) == capture->fd);
    close(capture->kept);
    rewind(capture->file);
    size_t size = fread(capture->text, 1, sizeof capture->text - 1, capture->file);
    capture->text[size] = '\0';
    fclose(capture->file);
}

#endif
