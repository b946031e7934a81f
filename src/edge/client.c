/*
 * client.c - X-Forwarded-For is anybody's to write; only what a trusted proxy appended counts.
 */
#include "client.h"

#include <arpa/inet.h>
#include <string.h>

#include "edge_worker.h"
#include "http/request.h"

static bool is_trusted(struct slice address, const void *argument) {
    const struct edge_settings *settings = argument;
    return cidr_contains_text(settings->trusted, settings->trusted_count, address);
}

static bool parse_address(struct slice text, union client_address *address) {
    char bytes[INET6_ADDRSTRLEN];
    if (text.size >= sizeof(bytes)) {
        return false;
    }
    memcpy(bytes, text.data, text.size);
    bytes[text.size] = '\0';
    union client_address found = {0};
    if (inet_pton(AF_INET, bytes, &found.v4.sin_addr) == 1) {
        found.v4.sin_family = AF_INET;
    } else if (inet_pton(AF_INET6, bytes, &found.v6.sin6_addr) == 1) {
        found.v6.sin6_family = AF_INET6;
    } else {
        return false;
    }
    *address = found;
    return true;
}

/* The peer is a proxy that we trust. */
__attribute__((noinline)) static void look_behind(const struct edge_settings *settings,
                                                  const struct http_request *request,
                                                  struct client *client) {
    struct slice address;
    if (http_forwarded_client(request->forwarded_for, is_trusted, settings, &address) &&
        parse_address(address, &client->forwarded)) {
        client->address = &client->forwarded.any;
    }
    client->is_https = slice_equal_nocase(request->forwarded_proto, SLICE("https"));
}

/* Inline for the linker: every tap asks. */
inline void client_find(const struct edge_settings *settings, const struct sockaddr *peer,
                        const struct http_request *request, struct client *client) {
    client->address = peer;
    client->is_https = false;
    if (settings->trusted_count > 0 &&
        cidr_contains(settings->trusted, settings->trusted_count, peer)) {
        look_behind(settings, request, client);
    }
}
