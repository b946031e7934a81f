/*
 * reply.h - answers of the admin side.
 *
 * Threads   The server's own.
 */
#ifndef API_REPLY_H
#define API_REPLY_H

#include <stdbool.h>

#include "base/slice.h"

struct evhttp_request;

/* Sends body with no-store and nosniff; none of it for HEAD. */
void reply_send(struct evhttp_request *request, int status, const char *content_type,
                struct slice body);

/* A problem document (RFC 9457): type about:blank, title, status, detail. */
void reply_problem(struct evhttp_request *request, int status, const char *title,
                   const char *detail);

/* True for GET and HEAD; else it has answered 405 with Allow. */
bool reply_allows_get(struct evhttp_request *request);

#endif
