/*
 * redis/url.h - where a Redis is and how it is entered: the value of redis.url.
 *
 *   redis://[[user]:password@]host[:port][/db]
 *   unix://[[user]:password@]/path/to/socket[?db=N]
 *
 * User and password may be percent-encoded; IPv6 hosts stand in brackets.
 */
#ifndef REDIS_URL_H
#define REDIS_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"

struct err;

struct redis_url {
    char host[256];        /* empty for a Unix socket */
    char socket_path[108]; /* empty for TCP; sockaddr_un holds no more */
    char user[128];        /* empty: the default user */
    char password[256];    /* empty: no AUTH */
    uint16_t port;
    uint16_t db;
};

/* False, with a sentence that never repeats the password. */
MUST_CHECK bool redis_url_parse(struct slice text, struct redis_url *url, struct err *err);

/* Host and port or socket path, for logs: no user, no password. */
void redis_url_describe(const struct redis_url *url, char *text, size_t size);

#endif
