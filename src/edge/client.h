/*
 * client.h - who sent a request, when proxies may stand between.
 */
#ifndef EDGE_CLIENT_H
#define EDGE_CLIENT_H

#include <netinet/in.h>
#include <stdbool.h>

#include "conf/cidr.h"
#include "http/parse.h"

struct edge_settings;

union client_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct client {
    const struct sockaddr *address; /* the peer's own, or forwarded below */
    bool is_https;                  /* as far as we can know: a trusted proxy said so */
    union client_address forwarded;
};

/* The peer itself, unless it is of edge.trusted_proxies: then the right-most address of
 * X-Forwarded-For that is not. A field that cannot be read leaves the peer. */
void client_find(const struct edge_settings *settings, const struct sockaddr *peer,
                 const struct http_request *request, struct client *client);

#endif
