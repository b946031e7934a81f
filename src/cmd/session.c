/*
 * session.c - opening, reporting and closing, for commands that work with the store.
 *
 * Threads   The main thread.
 * Limits    SESSION_SCRATCH_BYTES_MAX of one hash's values: a larger one is not brinco's.
 */
#include "session.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "conf/conf.h"

enum { HOST_BYTES = 256 };

static void name_author(struct session *session);
static bool is_of_redis(const struct err *err);

bool session_open(const struct cmd *cmd, const struct cmd_syntax *syntax, struct session *session,
                  int *status) {
    if (!cmd_parse(cmd, syntax, &session->line, status)) {
        return false;
    }
    *status = CMD_USAGE;
    session->conf = cmd_conf(&session->line);
    if (session->conf == NULL) {
        return false;
    }
    if (!cmd_zone(&session->line, session->conf) ||
        !cmd_redis_open(&session->line, session->conf, &session->redis)) {
        conf_destroy(&session->conf);
        return false;
    }
    name_author(session);
    buf_init(&session->scratch, SESSION_SCRATCH_BYTES_MAX);
    *status = CMD_OK;
    return true;
}

/* The user that the system knows, not what the environment says. Names that a machine may give
 * itself are cut to what every reader of the history can show. */
static void name_author(struct session *session) {
    char host[HOST_BYTES] = "";
    const struct passwd *user = getpwuid(getuid());
    if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0') {
        snprintf(host, sizeof(host), "localhost");
    }
    if (user != NULL) {
        snprintf(session->who, sizeof(session->who), "%.60s@%.60s", user->pw_name, host);
    } else {
        snprintf(session->who, sizeof(session->who), "%u@%.60s", (unsigned)getuid(), host);
    }
    for (char *at = session->who; *at != '\0'; at++) {
        *at = *at > ' ' && *at < 0x7F ? *at : '?';
    }
    session->redis.store.author = (struct store_author){
        .who = slice_of(session->who),
        .via = SLICE("cli"),
        .entries = (uint32_t)session->conf->number[CONF_history_entries],
        .retain_days = (uint32_t)session->conf->number[CONF_stats_retain_days],
    };
}

int session_close(struct session *session, int status) {
    buf_fini(&session->scratch);
    cmd_redis_close(&session->redis);
    conf_destroy(&session->conf);
    return status;
}

int session_report(const struct session *session, const char *noun, struct slice id,
                   enum store_result result, const struct err *err) {
    switch (result) {
    case STORE_OK:
        return CMD_OK;
    case STORE_NOT_FOUND:
        cmd_fail(&session->line, "there is no %s \"%.*s\"", noun, SLICE_ARG(slice_first(id, 80)));
        return CMD_PARTIAL;
    case STORE_REFUSED:
        return (is_of_redis(err) ? cmd_fail : cmd_usage)(&session->line, "%s", err->text);
    case STORE_FAILED:
        return cmd_fail(&session->line, "%s", err->text);
    }
    ENSURE(false && "a result that is not in enum store_result");
    return CMD_USAGE;
}

/* The store refuses a key that is no hash, too, with Redis' own sentence: no fault of usage. */
static bool is_of_redis(const struct err *err) {
    return slice_starts_with(slice_of(err->text), SLICE("Redis says: "));
}

int session_each(struct session *session, const char *noun,
                 enum store_result (*run)(struct session *session, struct slice id,
                                          struct err *err)) {
    int status = CMD_OK;
    for (int i = 0; i < session->line.operand_count && status != CMD_USAGE; i++) {
        struct slice id = slice_of(session->line.operands[i]);
        struct err err = {0};
        int result = session_report(session, noun, id, run(session, id, &err), &err);
        status = result > status ? result : status;
    }
    return status;
}

bool session_limit(const struct session *session, const char *text, uint64_t *limit) {
    *limit = UINT64_MAX;
    if (text == NULL) {
        return true;
    }
    if (!slice_to_u64(slice_of(text), UINT64_MAX, limit) || *limit == 0) {
        cmd_usage(&session->line, "--limit: \"%.32s\" is not a number from 1 up", text);
        return false;
    }
    return true;
}
