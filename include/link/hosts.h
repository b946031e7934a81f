/*
 * link/hosts.h - links.allowed_hosts: where links and campaigns may lead.
 *
 * A list of hosts separated by spaces or commas: "example.mx" is that host, "*.example.mx" all
 * below it. It binds every web address that somebody writes: a link's url, a campaign's templates,
 * desktop and rules, whoever writes them (API, command line, import), and again when an edge reads
 * them, since anybody can write to Redis. Hosts are compared without regard to case,
 * without port and trailing dot. An empty list allows all.
 *
 *   https, http   the host is bound
 *   intent        the host where the app is opened with a web address, and the fallback, are bound,
 *                 however they are encoded; placeholders may stand for nothing of either
 *   others        what the campaign's `schemes` lists leads into an app, and is not bound
 *
 * URLs that brinco makes itself (Google Play from android_package, the App Store from ios_app_id)
 * are not bound either.
 *
 * Threads   Pure functions.
 * Limits    HOSTS_BYTES_MAX and HOSTS_MAX hosts a list.
 */
#ifndef LINK_HOSTS_H
#define LINK_HOSTS_H

#include <stdbool.h>

#include "base/slice.h"

struct err;

enum { HOSTS_BYTES_MAX = 4096, HOSTS_MAX = 128 };

/* Whether it is such a list; err (may be NULL) says which word is not, and what is allowed. */
bool hosts_check(struct slice list, struct err *err);

/* Whether a URL that passed template_check() may be led to; err (may be NULL) says which host is
 * not listed. list passed hosts_check(). */
bool hosts_allow(struct slice list, struct slice url, struct err *err);

#endif
