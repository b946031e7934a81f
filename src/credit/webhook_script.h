/*
 * webhook_script.h - Redis' scripts on deliveries, called and their answers read with suspicion.
 *
 * Threads   One at a time a pipe.
 */
#ifndef CREDIT_WEBHOOK_SCRIPT_H
#define CREDIT_WEBHOOK_SCRIPT_H

#include "credit/webhook_store.h"

struct redis_reply;

enum { WEBHOOK_SCRIPT_ARGUMENTS_MAX = 64 };

struct webhook_script {
    struct slice text;
    struct slice argument[WEBHOOK_SCRIPT_ARGUMENTS_MAX]; /* ARGV; the first is redis.prefix */
    size_t count;
    struct buf numbers; /* what numbers among them stand in; begun by webhook_script_begin() */
    char bytes[1024];
};

void webhook_script_begin(struct webhook_script *script, const struct webhook_store *store,
                          struct slice text);
void webhook_script_add(struct webhook_script *script, struct slice argument);
void webhook_script_add_number(struct webhook_script *script, uint64_t number);

/* Calls it, sent whole: there are a few calls a second. *reply is valid until the pipe's next call.
 * REFUSED and UNREACHABLE leave a sentence in err. */
MUST_CHECK enum webhook_store_result webhook_script_call(const struct webhook_store *store,
                                                         const struct webhook_script *script,
                                                         const struct redis_reply **reply,
                                                         struct err *err);

/* What a command's reply (NULL: none) comes to. */
enum webhook_store_result webhook_reply_result(const struct redis_reply *reply, struct err *err);

#endif
