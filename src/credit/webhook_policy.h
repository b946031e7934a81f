/*
 * webhook_policy.h - where webhooks may go.
 *
 * A campaign's webhook is written by people who need not be those who run the network that brinco
 * stands in. So it may reach what the internet can reach, over https, and nothing else: no private,
 * loopback, link-local or reserved address (IANA's special-purpose registries, RFC 6890), whatever
 * a name resolves to at the time. Hosts that webhooks.allowed_hosts lists are free of both rules.
 *
 * Threads   Pure functions on an immutable policy.
 */
#ifndef CREDIT_WEBHOOK_POLICY_H
#define CREDIT_WEBHOOK_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "conf/cidr.h"

struct sockaddr;

enum { WEBHOOK_NETWORKS_MAX = 64 };

struct webhook_policy {
    struct slice allowed_hosts; /* borrowed */
    struct cidr refused[WEBHOOK_NETWORKS_MAX];
    size_t refused_count;
    struct cidr global[2]; /* IPv6 is refused but for these */
    size_t global_count;
};

void webhook_policy_init(struct webhook_policy *policy, struct slice allowed_hosts);

/* Whether the host of a URL is listed: "localhost", "10.1.2.3", or "*.example.mx" for all below it;
 * separated by spaces or commas, without regard to case and a dot at the end. */
bool webhook_policy_lists(const struct webhook_policy *policy, struct slice host);

/* Whether an address may be connected to that belongs to a host which is not listed. */
bool webhook_policy_allows(const struct webhook_policy *policy, const struct sockaddr *address);

#endif
