/*
 * reply.h - whole answers of the server's own.
 *
 * Threads   The server's own.
 */
#ifndef API_REPLY_H
#define API_REPLY_H

#include <stdbool.h>

#include "base/slice.h"
#include "caller.h"

/* Sends content; none of it for HEAD. */
void reply_send(struct caller *caller, int status, const char *content_type, struct slice content);

/* A problem document (RFC 9457): type about:blank, title, status, detail, and the field at fault
 * (NULL: none). */
void reply_problem(struct caller *caller, int status, const char *field, const char *detail);

/* The same, with further field lines, each ended by CRLF. */
void reply_problem_with(struct caller *caller, int status, struct slice fields, const char *detail);

/* True for GET and HEAD; else it has answered 405 with Allow. */
bool reply_allows_get(struct caller *caller, const struct head *head);

#endif
