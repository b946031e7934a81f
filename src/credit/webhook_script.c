/*
 * webhook_script.c - see webhook_script.h.
 */
#include "webhook_script.h"

#include "base/err.h"
#include "redis/pipe.h"

void webhook_script_begin(struct webhook_script *script, const struct webhook_store *store,
                          struct slice text) {
    script->text = text;
    script->count = 0;
    script->numbers = buf_over(script->bytes, sizeof(script->bytes));
    webhook_script_add(script, store->key_prefix);
}

void webhook_script_add(struct webhook_script *script, struct slice argument) {
    ENSURE(script->count < WEBHOOK_SCRIPT_ARGUMENTS_MAX);
    script->argument[script->count++] = argument;
}

void webhook_script_add_number(struct webhook_script *script, uint64_t number) {
    size_t begins = script->numbers.size;
    ENSURE(buf_append_u64(&script->numbers, number));
    webhook_script_add(script,
                       slice_make(script->numbers.data + begins, script->numbers.size - begins));
}

enum webhook_store_result webhook_reply_result(const struct redis_reply *reply, struct err *err) {
    if (reply == NULL) {
        return WEBHOOK_STORE_UNREACHABLE;
    }
    if (redis_reply_is_error(reply)) {
        struct slice text = slice_first(redis_reply_text(reply), 300);
        err_set(err, "Redis says: %.*s", SLICE_ARG(text));
        return WEBHOOK_STORE_REFUSED;
    }
    return WEBHOOK_STORE_OK;
}

enum webhook_store_result webhook_script_call(const struct webhook_store *store,
                                              const struct webhook_script *script,
                                              const struct redis_reply **reply, struct err *err) {
    struct slice words[3 + WEBHOOK_SCRIPT_ARGUMENTS_MAX] = {SLICE("EVAL"), script->text,
                                                            SLICE("0")};
    memcpy(words + 3, script->argument, script->count * sizeof(words[0]));
    *reply = redis_pipe_command(store->pipe, 3 + script->count, words, err);
    return webhook_reply_result(*reply, err);
}
