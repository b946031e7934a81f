/*
 * conversions_keys.c - see conversions_keys.h.
 *
 *   SET key "DIGEST 102 NONCE\n" NX PX 30000, GET key      our nonce: it is ours
 *   SET key "DIGEST 202 ULID\nANSWER" EX 86400
 *
 * All keys of a request in one pipeline each.
 */
#include "conversions_keys.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "call.h"
#include "redis/pipe.h"

enum { WAIT_STEP_MS = 10, RESERVED_STATUS = 102, VALUE_BYTES = 512 };

/* How a reservation went. */
enum reserved { RESERVED, RESERVED_BEFORE, RESERVED_BY_OTHERS, RESERVED_FOR_ANOTHER };

static bool has_key(const struct report *report) {
    return report->idempotency.is_asked;
}

void report_keys_name(const struct report_keys *keys, struct report *report, const void *json) {
    struct err err;
    char *text = json_dumps((const json_t *)json, JSON_COMPACT | JSON_SORT_KEYS);
    ENSURE(text != NULL);
    struct call *one = malloc(sizeof(*one));
    ENSURE(one != NULL);
    *one = *keys->call;
    one->idempotency_key = report->conversion.text[CONVERSION_TEXT_KEY];
    one->body = slice_of(text);
    ENSURE(idempotency_begin(one, "POST /v1/conversions", &report->idempotency, &err));
    free(one);
    free(text);
}

static bool append_reservation(struct report_keys *keys, const struct report *report) {
    char bytes[VALUE_BYTES];
    char expiry[16];
    struct buf value = buf_over(bytes, sizeof(bytes));
    struct slice key = slice_of(report->idempotency.redis_key);
    idempotency_write(
        &report->idempotency,
        &(struct idempotency_answer){.status = RESERVED_STATUS, .id = slice_of(keys->nonce)},
        &value);
    int size = snprintf(expiry, sizeof(expiry), "%d", KEYS_RESERVED_MS);
    const struct slice set[] = {SLICE("SET"), key,         buf_slice(&value),
                                SLICE("NX"),  SLICE("PX"), slice_make(expiry, (size_t)size)};
    const struct slice get[] = {SLICE("GET"), key};
    return redis_pipe_append(keys->call->pipe, ARRAY_COUNT(set), set) &&
           redis_pipe_append(keys->call->pipe, ARRAY_COUNT(get), get);
}

/* What stands under the key, which may be anything: what is no answer of ours is another's. */
static enum reserved judge(const struct report_keys *keys, struct report *report,
                           struct slice text) {
    struct slice head = slice_split(&text, '\n');
    struct slice digest = slice_split(&head, ' ');
    uint64_t status = 0;
    if (!slice_equal(digest, slice_of(report->idempotency.digest)) ||
        !slice_to_u64(slice_split(&head, ' '), 599, &status)) {
        return RESERVED_FOR_ANOTHER;
    }
    if (status == RESERVED_STATUS) {
        return slice_equal(head, slice_of(keys->nonce)) ? RESERVED : RESERVED_BY_OTHERS;
    }
    if (text.size == 0 || text.size > sizeof(report->answer)) {
        return RESERVED_FOR_ANOTHER;
    }
    memcpy(report->answer, text.data, text.size);
    report->answer_size = text.size;
    return RESERVED_BEFORE;
}

/* What the replies to one reservation say. False: Redis. */
static bool read_reservation(struct report_keys *keys, struct report *report, enum reserved *how,
                             struct err *err) {
    const struct redis_reply *reply = redis_pipe_read(keys->call->pipe, err);
    bool is_refused = redis_reply_is_error(reply);
    if (is_refused) {
        err_set(err, "Redis says: %.*s", SLICE_ARG(slice_first(redis_reply_text(reply), 300)));
    }
    reply = reply == NULL ? NULL : redis_pipe_read(keys->call->pipe, is_refused ? NULL : err);
    if (reply == NULL) {
        return false;
    }
    if (redis_reply_is_nil(reply) || redis_reply_is_error(reply)) {
        if (!is_refused) {
            err_set(err, "Redis does not keep idempotency keys");
        }
        *how = RESERVED_BY_OTHERS;
        return false;
    }
    *how = judge(keys, report, redis_reply_text(reply));
    return true;
}

/* Every reply is read, so that the pipe can be used on. */
static enum report_keys_result try_all(struct report_keys *keys, size_t *which, struct err *err) {
    enum report_keys_result result = REPORT_KEYS_OK;
    for (size_t i = 0; i < keys->count; i++) {
        struct report *report = &keys->reports[i];
        report->state = REPORT_NEW;
        if (has_key(report) && !append_reservation(keys, report)) {
            err_set(err, "Redis: not connected");
            return REPORT_KEYS_FAILED;
        }
    }
    for (size_t i = 0; i < keys->count; i++) {
        struct report *report = &keys->reports[i];
        struct err one = {""};
        enum reserved how = RESERVED_BY_OTHERS;
        if (!has_key(report)) {
            continue;
        }
        if (!read_reservation(keys, report, &how, &one)) {
            *err = one;
            result = REPORT_KEYS_FAILED;
            if (!redis_pipe_is_connected(keys->call->pipe)) {
                return result;
            }
            continue;
        }
        if (how == RESERVED_FOR_ANOTHER && result != REPORT_KEYS_FAILED) {
            *which = i;
            result = REPORT_KEYS_OTHER;
        } else if (how == RESERVED_BY_OTHERS && result == REPORT_KEYS_OK) {
            result = REPORT_KEYS_BUSY;
        }
        report->state = how == RESERVED_BEFORE ? REPORT_AGAIN : REPORT_NEW;
        report->is_reserved = how == RESERVED;
    }
    return result;
}

enum report_keys_result report_keys_reserve(struct report_keys *keys, size_t *which,
                                            struct err *err) {
    uint64_t until_ns = clock_monotonic_ns() + KEYS_WAIT_MS * UINT64_C(1000000);
    enum report_keys_result result = REPORT_KEYS_BUSY;
    uint8_t random[KEYS_NONCE_BYTES / 2];
    random_bytes(random, sizeof(random));
    for (size_t i = 0; i < sizeof(random); i++) {
        snprintf(keys->nonce + 2 * i, 3, "%02x", random[i]);
    }
    for (;;) {
        result = try_all(keys, which, err);
        if (result != REPORT_KEYS_OK) {
            report_keys_release(keys); /* so that two who want what the other has both get on */
        }
        if (result != REPORT_KEYS_BUSY || clock_monotonic_ns() >= until_ns) {
            return result;
        }
        nanosleep(&(struct timespec){.tv_nsec = WAIT_STEP_MS * 1000000L}, NULL);
    }
}

/* Reads count replies; whether all were there and none was an error. */
static bool read_all(struct redis_pipe *pipe, size_t count) {
    bool is_good = true;
    for (size_t i = 0; i < count; i++) {
        const struct redis_reply *reply = redis_pipe_read(pipe, NULL);
        if (reply == NULL) {
            return false;
        }
        is_good = is_good && !redis_reply_is_error(reply);
    }
    return is_good;
}

void report_keys_release(struct report_keys *keys) {
    struct redis_pipe *pipe = keys->call->pipe;
    size_t count = 0;
    for (size_t i = 0; i < keys->count; i++) {
        struct report *report = &keys->reports[i];
        const struct slice del[] = {SLICE("DEL"), slice_of(report->idempotency.redis_key)};
        if (report->is_reserved && redis_pipe_append(pipe, ARRAY_COUNT(del), del)) {
            count++;
        }
        report->is_reserved = false;
    }
    (void)read_all(pipe, count); /* else they run out by themselves */
}

bool report_keys_keep(struct report_keys *keys) {
    struct redis_pipe *pipe = keys->call->pipe;
    size_t count = 0;
    char expiry[16];
    int expiry_size = snprintf(expiry, sizeof(expiry), "%d", IDEMPOTENCY_KEPT_S);
    for (size_t i = 0; i < keys->count; i++) {
        struct report *report = &keys->reports[i];
        char bytes[VALUE_BYTES];
        char id[ULID_TEXT_SIZE];
        struct buf value = buf_over(bytes, sizeof(bytes));
        if (!report->is_reserved) {
            continue;
        }
        ulid_format(&report->conversion.id, id);
        idempotency_write(&report->idempotency,
                          &(struct idempotency_answer){
                              .status = 202,
                              .id = slice_make(id, sizeof(id)),
                              .body = slice_make(report->answer, report->answer_size),
                          },
                          &value);
        const struct slice set[] = {SLICE("SET"), slice_of(report->idempotency.redis_key),
                                    buf_slice(&value), SLICE("EX"),
                                    slice_make(expiry, (size_t)expiry_size)};
        ENSURE(!value.overflowed);
        if (!redis_pipe_append(pipe, ARRAY_COUNT(set), set)) {
            return false;
        }
        count++;
    }
    return read_all(pipe, count);
}
