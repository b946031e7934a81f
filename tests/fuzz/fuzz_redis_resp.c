/* resp.h: bytes of a hostile Redis, in pieces, once fed and once lent: both read the same. The
 * first byte says how large the pieces are. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

/* What was read, so that two ways of reading can be compared. */
struct outcome {
    uint64_t digest;
    size_t replies;
    bool is_broken;
};

static void mix(uint64_t *digest, uint64_t value) {
    *digest = (*digest ^ value) * UINT64_C(0x100000001B3); /* FNV-1a */
}

static void digest_reply(const struct redis_reply *reply, uint64_t *digest) {
    struct slice text = redis_reply_text(reply);
    mix(digest, (uint64_t)redis_reply_is_error(reply) << 1 | redis_reply_is_nil(reply));
    mix(digest, (uint64_t)redis_reply_integer(reply));
    mix(digest, text.size);
    for (size_t i = 0; i < text.size; i++) {
        mix(digest, (unsigned char)text.data[i]);
    }
    mix(digest, redis_reply_count(reply));
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        digest_reply(redis_reply_at(reply, i), digest);
    }
}

static struct outcome read_all(const uint8_t *data, size_t size, bool lends) {
    struct outcome outcome = {0};
    struct resp_reader *reader = resp_reader_create(BYTES_MAX, ELEMENTS_MAX);
    const struct redis_reply *reply = NULL;
    enum resp_result result = RESP_MORE;
    size_t piece = (size_t)data[0] + 1;

    for (size_t at = 1; at < size && !outcome.is_broken; at += piece) {
        size_t n = size - at < piece ? size - at : piece;
        char *block = malloc(n); /* its end is watched, and that nobody looks later */
        ENSURE(block != NULL);
        memcpy(block, data + at, n);
        if (lends) {
            resp_reader_lend(reader, slice_make(block, n));
        } else {
            outcome.is_broken = !resp_reader_feed(reader, block, n);
        }
        while (!outcome.is_broken && (result = resp_reader_next(reader, &reply)) == RESP_REPLY) {
            ENSURE(look_into(reply, 0) <= ELEMENTS_MAX);
            digest_reply(reply, &outcome.digest);
            outcome.replies++;
        }
        outcome.is_broken = outcome.is_broken || result == RESP_BROKEN;
        free(block);
    }
    resp_reader_destroy(&reader);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    struct outcome fed = read_all(data, size, false);
    struct outcome lent = read_all(data, size, true);
    /* Fed bytes are refused as a whole when there are too many of them, with the good replies
     * before: what is lent may have read more. */
    if (!fed.is_broken) {
        ENSURE(!lent.is_broken && lent.replies == fed.replies && lent.digest == fed.digest);
    } else {
        ENSURE(lent.replies >= fed.replies);
    }
    return 0;
}
