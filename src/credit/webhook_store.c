/*
 * webhook_store.c - claiming, settling and trimming: see credit/webhook_store.h. What happens is in
 * the scripts; here their arguments are written and their answers read.
 *
 * Threads   One at a time a pipe.
 * Limits    Those of the header. An answer that is not of the script's shape is an empty one.
 */
#include "credit/webhook_store.h"

#include <stdio.h>

#include "base/err.h"
#include "redis/pipe.h"
#include "webhook_claim_lua.h"
#include "webhook_script.h"
#include "webhook_settle_lua.h"
#include "webhook_trim_lua.h"

enum {
    ATTEMPTS_MAX = 100, /* some eight times as many as a day has: whoever takes them dies of them */
    CLAIM_TEXTS = 7,    /* of a delivery, in the script's answer */
    TRIM_WINDOW = 500,
};

_Static_assert(11 + 2 * WEBHOOK_CLAIM_MAX <= WEBHOOK_SCRIPT_ARGUMENTS_MAX, "all hosts fit");

#define SCRIPT(text) slice_make(text, sizeof(text) - 1)

static struct slice keep(struct buf *bytes, const struct redis_reply *reply);
static void read_claimed(const struct redis_reply *reply, struct buf *bytes,
                         struct webhook_claimed *claimed);

enum webhook_store_result webhook_claim(const struct webhook_store *store,
                                        const struct webhook_claim *claim, struct buf *bytes,
                                        struct webhook_claimed *claimed, struct err *err) {
    struct webhook_script script;
    const struct redis_reply *reply;
    *claimed = (struct webhook_claimed){0};
    buf_clear(bytes);
    ENSURE(claim->wanted <= WEBHOOK_CLAIM_MAX && claim->busy_count <= WEBHOOK_CLAIM_MAX);
    webhook_script_begin(&script, store, SCRIPT(webhook_claim_lua));
    webhook_script_add_number(&script, claim->now_ms);
    webhook_script_add_number(&script, claim->lease_ms);
    webhook_script_add_number(&script, claim->wanted);
    webhook_script_add_number(&script, claim->per_host);
    webhook_script_add_number(&script, claim->offset);
    webhook_script_add_number(&script, WEBHOOK_WINDOW);
    webhook_script_add_number(&script, WEBHOOK_BODY_BYTES_MAX);
    webhook_script_add_number(&script, WEBHOOK_URL_BYTES_MAX);
    webhook_script_add_number(&script, ATTEMPTS_MAX);
    for (size_t i = 0; i < claim->busy_count; i++) {
        webhook_script_add(&script, claim->busy[i].host);
        webhook_script_add_number(&script, claim->busy[i].count);
    }
    enum webhook_store_result result = webhook_script_call(store, &script, &reply, err);
    if (result == WEBHOOK_STORE_OK) {
        read_claimed(reply, bytes, claimed);
    }
    return result;
}

enum webhook_store_result webhook_settle(const struct webhook_store *store,
                                         const struct webhook_settle *settle,
                                         enum webhook_settled *settled, struct err *err) {
    static const char *const verdicts[] = {
        [WEBHOOK_DELIVERED] = "delivered", [WEBHOOK_FAILED] = "failed", [WEBHOOK_LATER] = "later"};
    static const char *const answers[] = {[WEBHOOK_SETTLED_DELIVERED] = "delivered",
                                          [WEBHOOK_SETTLED_FAILED] = "failed",
                                          [WEBHOOK_SETTLED_LATER] = "later",
                                          [WEBHOOK_SETTLED_BEFORE] = "before",
                                          [WEBHOOK_SETTLED_OTHERS] = "others"};
    struct webhook_script script;
    const struct redis_reply *reply;
    webhook_script_begin(&script, store, SCRIPT(webhook_settle_lua));
    webhook_script_add(&script, settle->id);
    webhook_script_add_number(&script, settle->attempt);
    webhook_script_add(&script, slice_of(verdicts[settle->verdict]));
    webhook_script_add_number(&script, settle->now_ms);
    webhook_script_add_number(&script, settle->delay_ms);
    webhook_script_add_number(&script, settle->give_up_ms);
    if (settle->status != 0) {
        webhook_script_add_number(&script, settle->status);
    } else {
        webhook_script_add(&script, SLICE_EMPTY);
    }
    webhook_script_add(&script, slice_first(settle->error, WEBHOOK_ERROR_BYTES_MAX));
    enum webhook_store_result result = webhook_script_call(store, &script, &reply, err);
    *settled = WEBHOOK_SETTLED_BEFORE;
    for (size_t i = 0; result == WEBHOOK_STORE_OK && i < ARRAY_COUNT(answers); i++) {
        if (slice_equal(redis_reply_text(reply), slice_of(answers[i]))) {
            *settled = (enum webhook_settled)i;
        }
    }
    return result;
}

enum webhook_store_result webhook_trim(const struct webhook_store *store, struct webhook_trim *trim,
                                       struct err *err) {
    struct webhook_script script;
    const struct redis_reply *reply;
    webhook_script_begin(&script, store, SCRIPT(webhook_trim_lua));
    webhook_script_add_number(&script, trim->now_ms);
    webhook_script_add_number(&script, trim->kept_max);
    webhook_script_add_number(&script, trim->offset);
    webhook_script_add_number(&script, TRIM_WINDOW);
    enum webhook_store_result result = webhook_script_call(store, &script, &reply, err);
    trim->trimmed = trim->offset = 0;
    if (result == WEBHOOK_STORE_OK) {
        trim->trimmed = (uint64_t)redis_reply_integer(redis_reply_at(reply, 0));
        trim->offset = (uint64_t)redis_reply_integer(redis_reply_at(reply, 1));
    }
    return result;
}

static uint64_t number_at(const struct redis_reply *reply, size_t index) {
    int64_t number = redis_reply_integer(redis_reply_at(reply, index));
    return number > 0 ? (uint64_t)number : 0;
}

/* A number that came as text; 0 when it is none. */
static uint64_t score_at(const struct redis_reply *reply, size_t index) {
    uint64_t number = 0;
    struct slice text = redis_reply_text(redis_reply_at(reply, index));
    return slice_to_u64(text, WEBHOOK_TIME_MS_MAX, &number) ? number : 0;
}

static void copy_text(char *to, size_t size, const struct redis_reply *reply) {
    struct slice text = redis_reply_text(reply);
    snprintf(to, size, "%.*s", SLICE_ARG(text));
}

static void read_claimed(const struct redis_reply *reply, struct buf *bytes,
                         struct webhook_claimed *claimed) {
    const struct redis_reply *texts = redis_reply_at(reply, 0);
    size_t total = 0;
    for (size_t i = 0; i < redis_reply_count(texts); i++) {
        total += redis_reply_text(redis_reply_at(texts, i)).size;
    }
    if (buf_reserve(bytes, total)) { /* at once, so that nothing moves */
        for (size_t i = 0;
             i + CLAIM_TEXTS <= redis_reply_count(texts) && claimed->count < WEBHOOK_CLAIM_MAX;
             i += CLAIM_TEXTS) {
            struct webhook_delivery *delivery = &claimed->delivery[claimed->count++];
            delivery->id = keep(bytes, redis_reply_at(texts, i));
            delivery->campaign = keep(bytes, redis_reply_at(texts, i + 1));
            delivery->url = keep(bytes, redis_reply_at(texts, i + 2));
            delivery->host = keep(bytes, redis_reply_at(texts, i + 3));
            delivery->body = keep(bytes, redis_reply_at(texts, i + 4));
            delivery->attempt = score_at(texts, i + 5);
            delivery->step = score_at(texts, i + 6);
        }
    }
    claimed->next_offset = number_at(reply, 1);
    claimed->held_by_host = number_at(reply, 2);
    claimed->failed = number_at(reply, 3);
    copy_text(claimed->example.id, sizeof(claimed->example.id), redis_reply_at(reply, 5));
    copy_text(claimed->example.why, sizeof(claimed->example.why), redis_reply_at(reply, 6));
    claimed->stray = number_at(reply, 4);
    claimed->pending = number_at(reply, 7);
    claimed->oldest_ms = score_at(reply, 8);
    claimed->next_ms = score_at(reply, 9);
}

static struct slice keep(struct buf *bytes, const struct redis_reply *reply) {
    size_t begins = bytes->size;
    ENSURE(buf_append(bytes, redis_reply_text(reply)));
    return slice_make(bytes->data + begins, bytes->size - begins);
}
