/*
 * pages.h - what a person or a preview fetcher gets to read.
 *
 * Small pages without scripts, in Spanish and English. Every value that comes from outside is
 * escaped.
 *
 * Threads   The worker's own: pages are put together in its page buffer.
 * Limits    PAGE_BYTES_MAX a page.
 */
#ifndef EDGE_PAGES_H
#define EDGE_PAGES_H

#include <stdint.h>

#include "base/buf.h"
#include "decide/destination.h"

struct campaign;
struct http_date;
struct request_context;

#define PAGE_HTML SLICE("text/html; charset=utf-8")
#define PAGE_TEXT SLICE("text/plain; charset=utf-8")

/* Answers the request with this content, none of it for HEAD; extra as in http/response.h. */
void pages_respond(struct request_context *context, uint16_t status, struct slice content_type,
                   struct slice content, struct slice extra);

/* 404, 410 (which says why) or 503 with Retry-After. */
void pages_error(struct request_context *context, enum destination_page page);

/* 404 to a code that is no link and looks like a made one with a mistake in it (link/code.h). */
void pages_mistyped(struct request_context *context);

/* 405 with Allow. */
void pages_method_not_allowed(struct request_context *context);

/* 400, 414 or 431 with Connection: close, to what could not be parsed. */
void pages_refusal(struct buf *out, uint16_t status, const struct http_date *date);

/* 200 for link-preview fetchers, Open Graph tags first (https://ogp.me). campaign may be NULL:
 * then the host's name is all there is to say. */
void pages_preview(struct request_context *context, struct slice code,
                   const struct campaign *campaign, bool is_https);

#endif
