/*
 * session.h - HTTP on one connection: requests off the input, answers onto the output.
 *
 * Threads   The worker's own.
 */
#ifndef EDGE_SESSION_H
#define EDGE_SESSION_H

#include "net/conn.h"

struct edge_worker;
struct request_context;

/* What the worker's connections call (net/conn.h); its argument is the edge_worker. */
struct conn_handler session_handler(struct edge_worker *worker);

/* What becomes of the connection after an answer; more_input: bytes behind the request are there
 * already. */
enum conn_verdict session_verdict(const struct request_context *context, bool more_input);

#endif
