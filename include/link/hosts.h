/*
 * link/hosts.h - links.allowed_hosts: where links and campaigns may lead.
 *
 * A list of hosts separated by spaces or commas: "example.mx" is that host, "*.example.mx" all
 * below it. It binds every https URL that somebody writes: a link's url, a campaign's templates,
 * desktop and rules, whoever writes them (API, command line, import), and again when an edge reads
 * them, since anybody can write to Redis. Hosts are compared without regard to case,
 * without port and trailing dot. An empty list allows all. URLs that brinco makes itself (Google
 * Play from android_package, the App Store from ios_app_id) and other schemes, which the campaign's
 * `schemes` lists, are not bound.
 *
 * Threads   Pure functions.
 */
#ifndef LINK_HOSTS_H
#define LINK_HOSTS_H

#include <stdbool.h>

#include "base/slice.h"

struct err;

enum { HOSTS_BYTES_MAX = 4096, HOSTS_MAX = 128 };

/* Whether it is such a list; err says which word is not, and what is allowed. */
bool hosts_check(struct slice list, struct err *err);

/* Whether a URL that passed template_check() may be led to. list passed hosts_check(). */
bool hosts_allow(struct slice list, struct slice url);

/* The same for a compiled template. */
bool hosts_allow_compiled(struct slice list, struct slice compiled);

#endif
