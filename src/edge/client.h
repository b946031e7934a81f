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
    union client_address address;
    bool is_https; /* as far as we can know: a trusted proxy said so */
};

/* The peer itself, unless it is of edge.trusted_proxies: then the right-most address of
 * X-Forwarded-For that is not. A field that cannot be read leaves the peer. */
struct client client_find(const struct edge_settings *settings, const struct sockaddr *peer,
                          const struct http_request *request);

#endif
