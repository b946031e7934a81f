/* resp.h: bytes of a hostile Redis, in pieces. The first byte says how large the pieces are. */
#include <stdint.h>
#include <stdlib.h>

#include "base/defs.h"
#include "resp.h"

enum { BYTES_MAX = 4096, ELEMENTS_MAX = 64, DEPTH_MAX = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Looks at everything a reply has; returns how many elements its arrays hold. */
static size_t look_into(const struct redis_reply *reply, unsigned depth) {
    size_t count = redis_reply_count(reply);
    size_t elements = count;
    struct slice text = redis_reply_text(reply);
    volatile char sum = 0;

    ENSURE(depth < DEPTH_MAX);
    for (size_t i = 0; i < text.size; i++) {
        sum = (char)(sum ^ text.data[i]);
    }
    for (size_t i = 0; i < count; i++) {
        elements += look_into(redis_reply_at(reply, i), depth + 1);
    }
    ENSURE(redis_reply_at(reply, count) == NULL);
    return elements;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    struct resp_reader *reader = resp_reader_create(BYTES_MAX, ELEMENTS_MAX);
    const struct redis_reply *reply = NULL;
    enum resp_result result = RESP_MORE;
    size_t piece = (size_t)data[0] + 1;

    for (size_t at = 1; at < size && result != RESP_BROKEN; at += piece) {
        size_t n = size - at < piece ? size - at : piece;
        if (!resp_reader_feed(reader, data + at, n)) {
            break;
        }
        while ((result = resp_reader_next(reader, &reply)) == RESP_REPLY) {
            ENSURE(look_into(reply, 0) <= ELEMENTS_MAX);
        }
    }
    resp_reader_destroy(&reader);
    return 0;
}
