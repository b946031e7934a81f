/*
 * input.h - a file or stdin, byte by byte, for readers of large files.
 */
#ifndef CMD_INPUT_H
#define CMD_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"

struct err;

enum { INPUT_BUFFER_BYTES = 256 * 1024, INPUT_END = -1 };

struct input {
    int fd;
    int error;            /* errno of a read that failed; it ends the input */
    uint64_t total_bytes; /* 0: not known (a pipe) */
    uint64_t read_bytes;  /* taken from fd so far */
    size_t at;
    size_t size;
    char data[INPUT_BUFFER_BYTES];
};

/* path "-": stdin. A UTF-8 byte order mark at the beginning is skipped. NULL and err when it
 * cannot be opened, or is a directory. */
MUST_CHECK struct input *input_open(const char *path, struct err *err);
void input_close(struct input **input);

/* Reads more; false at the end. For input_peek() alone. */
bool input_fill(struct input *input);

/* The next byte, or INPUT_END, without taking it. */
static inline int input_peek(struct input *input) {
    if (UNLIKELY(input->at == input->size) && !input_fill(input)) {
        return INPUT_END;
    }
    return (unsigned char)input->data[input->at];
}

/* Takes the next byte. */
static inline int input_next(struct input *input) {
    int byte = input_peek(input);
    if (LIKELY(byte != INPUT_END)) {
        input->at++;
    }
    return byte;
}

#endif
