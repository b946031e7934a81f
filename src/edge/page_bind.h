/*
 * page_bind.h - from what is known about a request to the values of its page.
 *
 * What cannot be shown safely is left out here, once, for all templates: an address whose scheme
 * would run code or that the campaign does not list, a host that is no host's name. The texts for
 * previews are cut, so that every tag that a fetcher looks for stands in the first
 * PAGE_CARD_BYTES_MAX of the built-in page, whatever the lengths:
 *
 *   card_title, card_description   PAGE_CARD_... bytes as they are sent, at a character's end;
 *                                  half of it beside a long image
 *   card_image                     an image of at most PAGE_CARD_IMAGE_BYTES_MAX
 *   image                          at most PAGE_IMAGE_BYTES_MAX
 *
 * Threads   Pure functions.
 */
#ifndef EDGE_PAGE_BIND_H
#define EDGE_PAGE_BIND_H

#include "page_value.h"
#include "pages.h"

enum {
    PAGE_CARD_BYTES_MAX = 4096,
    PAGE_CARD_TITLE_BYTES_MAX = 200,
    PAGE_CARD_DESCRIPTION_BYTES_MAX = 300,
    PAGE_CARD_IMAGE_BYTES_MAX = 300,
    PAGE_IMAGE_BYTES_MAX = 1500,
    PAGE_HOST_BYTES_MAX = 259, /* a domain name and ":65535" */
};

struct page_context {
    const struct page_values *values;
    struct slice host;            /* of the request; may be empty */
    struct slice accept_language; /* its field */
};

/* The bindings borrow from the context and from the other members. */
struct page_bound {
    struct page_bindings bindings;
    char url[8 + PAGE_HOST_BYTES_MAX + 1 + 64];
    char link[1 + 64];
    char qr[1 + 64 + 8];
};

void page_bind(struct page_bound *bound, const struct page_context *context);

/* Spanish, unless English is wanted more (RFC 9110 section 12.5.4); of two that are wanted alike,
 * the one that was named first. */
bool page_is_english(struct slice accept_language);

/* Whether an address may be led to: https, http, intent, or one of schemes (as in the campaign),
 * printable ASCII, and nothing that runs code even where all schemes are allowed. */
bool page_url_is_allowed(struct slice url, struct slice schemes);

/* The host's name and port when it looks like one, else empty. */
struct slice page_host(struct slice host);

#endif
