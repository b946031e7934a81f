/*
 * webhook_policy.c - see webhook_policy.h.
 *
 * Of IPv6, only what IANA has given out (2000::/3) is thought of as the internet, less what is
 * reserved in it, and less what wraps an IPv4 address (6to4, Teredo): that one would have to be
 * checked, too, and nobody serves webhooks there. NAT64's 64:ff9b::/96 is checked by the IPv4
 * address in it, since whoever has no IPv4 reaches all of it so.
 */
#include "webhook_policy.h"

#include <netinet/in.h>
#include <string.h>

#include "base/defs.h"

static const char refused_networks[] =
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 "
    "192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 "
    "224.0.0.0/4 240.0.0.0/4 2001::/23 2001:db8::/32 2002::/16 3fff::/20";

static const char global_networks[] = "2000::/3";

static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

void webhook_policy_init(struct webhook_policy *policy, struct slice allowed_hosts) {
    *policy = (struct webhook_policy){.allowed_hosts = allowed_hosts};
    ENSURE(cidr_parse_list(slice_of(refused_networks), policy->refused, WEBHOOK_NETWORKS_MAX,
                           &policy->refused_count));
    ENSURE(cidr_parse_list(slice_of(global_networks), policy->global, ARRAY_COUNT(policy->global),
                           &policy->global_count));
}

static struct slice without_last_dot(struct slice host) {
    bool has_dot = host.size > 0 && host.data[host.size - 1] == '.';
    return slice_first(host, has_dot ? host.size - 1 : host.size);
}

static bool matches(struct slice pattern, struct slice host) {
    if (!slice_starts_with(pattern, SLICE("*."))) {
        return slice_equal_nocase(without_last_dot(pattern), host);
    }
    struct slice below = without_last_dot(slice_from(pattern, 1)); /* with its dot */
    return below.size > 1 && host.size > below.size &&
           slice_equal_nocase(below, slice_from(host, host.size - below.size));
}

static bool is_separator(char c) {
    return c == ' ' || c == ',' || c == '\t';
}

bool webhook_policy_lists(const struct webhook_policy *policy, struct slice host) {
    struct slice rest = policy->allowed_hosts;
    host = without_last_dot(host);
    while (rest.size > 0) {
        size_t size = 0;
        while (size < rest.size && !is_separator(rest.data[size])) {
            size++;
        }
        if (size > 0 && host.size > 0 && matches(slice_first(rest, size), host)) {
            return true;
        }
        rest = slice_from(rest, size + 1);
    }
    return false;
}

static bool allows_ipv4(const struct webhook_policy *policy, const void *address) {
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    memcpy(&ipv4.sin_addr, address, sizeof(ipv4.sin_addr));
    return !cidr_contains(policy->refused, policy->refused_count, (const struct sockaddr *)&ipv4);
}

bool webhook_policy_allows(const struct webhook_policy *policy, const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        return allows_ipv4(policy, &((const struct sockaddr_in *)(const void *)address)->sin_addr);
    }
    if (address->sa_family != AF_INET6) {
        return false;
    }
    const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)(const void *)address;
    const uint8_t *bytes = ipv6->sin6_addr.s6_addr;
    if (memcmp(bytes, nat64, sizeof(nat64)) == 0 || memcmp(bytes, mapped, sizeof(mapped)) == 0) {
        return allows_ipv4(policy, bytes + 12);
    }
    return cidr_contains(policy->global, policy->global_count, address) &&
           !cidr_contains(policy->refused, policy->refused_count, address);
}
