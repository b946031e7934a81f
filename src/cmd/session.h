/*
 * session.h - what the commands on links and campaigns have open: arguments, configuration,
 * zone, Redis. What is written through it says in the history who did: USER@HOST.
 */
#ifndef CMD_SESSION_H
#define CMD_SESSION_H

#include "base/buf.h"
#include "cmd.h"

struct err;

enum { SESSION_SCRATCH_BYTES_MAX = 16 * 1024 * 1024 };

struct session {
    struct cmd_line line;
    struct conf *conf;
    struct cmd_redis redis;
    char who[STORE_WHO_BYTES_MAX + 1]; /* USER@HOST */
    struct buf scratch; /* what fields that were read point into; one object at a time */
};

/* False: return *status. Else *status is CMD_OK, and session_close() ends it. */
MUST_CHECK bool session_open(const struct cmd *cmd, const struct cmd_syntax *syntax,
                             struct session *session, int *status);

/* Returns status, so that a command ends with `return session_close(&session, status)`. */
int session_close(struct session *session, int status);

/* Says what came of an id ("link", "campaign") unless all is well; returns the exit status. */
int session_report(const struct session *session, const char *noun, struct slice id,
                   enum store_result result, const struct err *err);

/* Runs it for every operand and reports each. Goes on after what is not found; stops at what is
 * refused or fails. Returns the exit status. */
int session_each(struct session *session, const char *noun,
                 enum store_result (*run)(struct session *session, struct slice id,
                                          struct err *err));

/* The value of --limit, UINT64_MAX when it was not given. False after having said why. */
MUST_CHECK bool session_limit(const struct session *session, const char *text, uint64_t *limit);

#endif
