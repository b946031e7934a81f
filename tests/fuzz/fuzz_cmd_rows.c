/*
 * fuzz_cmd_rows.c - any bytes as a file to import: reading ends, lines never step back, and what
 * a row points to can be read. The first byte picks the format.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "input.h"
#include "rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned char touched; /* so that the reads are done */

static void touch(struct slice s) {
    for (size_t i = 0; i < s.size; i++) {
        touched = (unsigned char)(touched + (unsigned char)s.data[i]);
    }
}

static void read_all(struct rows *rows, size_t size) {
    struct row row;
    struct err err = {0};
    uint64_t line = 0;
    size_t count = 0;
    enum rows_result result;
    while ((result = rows_read(rows, &row, &err)) != ROWS_END) {
        ENSURE(row.line > line);
        ENSURE(++count <= size + 1);
        ENSURE(result == ROWS_ROW || err.text[0] != '\0');
        line = row.line;
        touch(row.code);
        for (size_t i = 0; i < LINK_FIELD_COUNT; i++) {
            touch(row.fields.value[i]);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size - 1 > INPUT_BUFFER_BYTES) {
        return 0;
    }
    struct input *input = calloc(1, sizeof *input);
    ENSURE(input != NULL);
    input->fd = -1; /* what is in the buffer is all there is */
    input->size = size - 1;
    memcpy(input->data, data + 1, size - 1);
    struct err err = {0};
    struct rows *rows = rows_create(input, data[0] == '{' ? ROWS_JSON : ROWS_CSV, &err);
    if (rows != NULL) {
        read_all(rows, size);
        rows_destroy(&rows);
    }
    free(input);
    return 0;
}
