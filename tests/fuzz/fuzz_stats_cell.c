/* stats/cell.h: fields of a hash that anybody may have written. What reads as a cell, and is
 * written again, reads as the same cell. */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/defs.h"
#include "stats/cell.h"

enum { FIELD_BYTES_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct cell cell;
    struct cell again;
    char text[FIELD_BYTES_MAX + CELL_BYTES_MAX];
    if (size > FIELD_BYTES_MAX || !cell_decode(slice_make((const char *)data, size), &cell)) {
        return 0;
    }
    struct buf out = buf_over(text, sizeof(text));
    ENSURE(cell_encode(&cell, &out) && out.size == size);
    ENSURE(cell_decode(buf_slice(&out), &again));
    ENSURE(again.hour == cell.hour && again.kind == cell.kind && again.outcome == cell.outcome &&
           again.platform == cell.platform);
    for (size_t i = 0; i < CELL_TEXT_COUNT; i++) {
        ENSURE(again.text[i].size == cell.text[i].size);
    }
    struct buf twice = buf_over(text + out.size, sizeof(text) - out.size);
    ENSURE(cell_encode(&again, &twice) && slice_equal(buf_slice(&twice), buf_slice(&out)));
    return 0;
}
