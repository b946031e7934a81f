/*
 * host.h - what may stand in Host and in the authority of an absolute target.
 */
#ifndef HTTP_HOST_H
#define HTTP_HOST_H

#include <stdbool.h>

#include "base/slice.h"

/* uri-host [ ":" port ] of RFC 9110 section 7.2: a registered name or IPv4 address (not empty),
 * or an IPv6 address in brackets; the port is at most 65535 and may be empty. User information,
 * zone identifiers and IPvFuture are refused. */
bool http_host_is_valid(struct slice host);

/* An IPv4 or IPv6 address as text, neither port nor brackets nor zone. family is AF_INET or
 * AF_INET6. */
bool http_is_address(struct slice text, int family);

/* Up to 65535, digits only; empty is fine. */
bool http_port_is_valid(struct slice port);

#endif
