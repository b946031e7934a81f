/*
 * tap_pages.h - taps that are answered with a page instead of a redirect.
 *
 * Threads   The worker's own.
 */
#ifndef EDGE_TAP_PAGES_H
#define EDGE_TAP_PAGES_H

#include <stdbool.h>

#include "base/slice.h"

struct destination;
struct destination_input;
struct link;
struct request_context;
struct ulid;

struct tap_page {
    struct request_context *context;
    struct slice code;
    struct slice owner;
    struct slice campaign_id;
    const struct link *link; /* NULL: there is none */
    const struct destination *destination;
    const struct destination_input *input; /* what it was chosen by */
    const struct ulid *id; /* the click's, which URLs on the page carry the token of */
    bool is_https;
};

/* The page of the destination, which is not PAGE_NONE. */
void tap_page_show(const struct tap_page *page);

/* CODE+: where the asker would be led, and others. No click: the URLs carry no token that is worth
 * anything. */
void tap_page_inspect(const struct tap_page *page);

#endif
