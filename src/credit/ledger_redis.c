/*
 * ledger_redis.c - see ledger_private.h: the scripts, by their digests.
 */
#include "ledger_apply_lua.h"
#include "ledger_private.h"
#include "ledger_read_lua.h"
#include "ledger_trim_lua.h"
#include "stats/keys.h"

enum {
    ARGUMENTS_MAX = LEDGER_BATCH_ARGUMENTS + (int)LEDGER_BATCH_MAX * (int)LEDGER_ENTRY_ARGUMENTS
};

static const struct slice scripts[LEDGER_SCRIPTS] = {
    [LEDGER_READ] = {ledger_read_lua, sizeof(ledger_read_lua) - 1},
    [LEDGER_APPLY] = {ledger_apply_lua, sizeof(ledger_apply_lua) - 1},
    [LEDGER_TRIM] = {ledger_trim_lua, sizeof(ledger_trim_lua) - 1},
};

struct slice ledger_key(const struct ledger *l, const char *name, char *text) {
    struct buf key = buf_over(text, LEDGER_KEY_BYTES_MAX);
    ENSURE(stats_key(&key, l->key_prefix, name)); /* the prefix is short enough */
    return buf_slice(&key);
}

enum ledger_step ledger_load(struct ledger *l) {
    for (size_t i = 0; i < LEDGER_SCRIPTS; i++) {
        struct slice load[] = {SLICE("SCRIPT"), SLICE("LOAD"), scripts[i]};
        struct err err = {""};
        const struct redis_reply *reply = redis_pipe_command(l->pipe, 3, load, &err);
        struct slice text = redis_reply_text(reply);
        if (reply == NULL) {
            return ledger_trouble(l, true, &err);
        }
        if (redis_reply_is_error(reply) || text.size != LEDGER_DIGEST_BYTES) {
            err_set(&err, "SCRIPT LOAD: %.*s", SLICE_ARG(slice_first(text, 200)));
            return ledger_trouble(l, false, &err);
        }
        memcpy(l->digest[i], text.data, LEDGER_DIGEST_BYTES);
    }
    return LEDGER_ON;
}

static const struct redis_reply *run(struct ledger *l, enum ledger_script script, bool is_whole,
                                     const struct slice *arguments, size_t count) {
    struct slice all[3 + ARGUMENTS_MAX] = {
        is_whole ? SLICE("EVAL") : SLICE("EVALSHA"),
        is_whole ? scripts[script] : slice_make(l->digest[script], LEDGER_DIGEST_BYTES),
        SLICE("0"),
    };
    struct err err = {""};
    ENSURE(count <= ARGUMENTS_MAX);
    memcpy(all + 3, arguments, count * sizeof(*arguments));
    const struct redis_reply *reply = redis_pipe_command(l->pipe, 3 + count, all, &err);
    if (reply == NULL) {
        ledger_trouble(l, true, &err);
    }
    return reply;
}

const struct redis_reply *ledger_call(struct ledger *l, enum ledger_script script,
                                      const struct slice *arguments, size_t count) {
    const struct redis_reply *reply = run(l, script, false, arguments, count);
    bool is_unknown = reply != NULL && redis_reply_is_error(reply) &&
                      slice_starts_with(redis_reply_text(reply), SLICE("NOSCRIPT"));
    return is_unknown ? run(l, script, true, arguments, count) : reply;
}
