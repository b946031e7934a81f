/*
 * pages.h - what a person or a preview fetcher gets to read.
 *
 * Small pages without scripts, in Spanish and English, each made of one template (page_set.h,
 * docs/pages.md). Every value that comes from outside is escaped for where it stands.
 *
 *   tap, route ► pages_show() ► values bound (page_bind.h) ► template rendered ► response
 *
 * Every page says which language it is in and that it depends on Accept-Language, allows nothing
 * but its own style and images (Content-Security-Policy), and is never stored.
 *
 * Threads   The worker's own: pages are put together in its page buffer, from the templates that
 *           its `pages` refers to (a struct page_set: immutable, counted, shared by all workers).
 * Limits    PAGE_BYTES_MAX a page. Where a replaced template makes more, the built-in one is sent
 *           and counted (EDGE_PAGES_TOO_LARGE); where that does, one sentence.
 */
#ifndef EDGE_PAGES_H
#define EDGE_PAGES_H

#include <stdint.h>

#include "base/buf.h"
#include "base/vocabulary.h"
#include "decide/destination.h"

struct campaign;
struct http_date;
struct request_context;

#define PAGE_HTML SLICE("text/html; charset=utf-8")
#define PAGE_TEXT SLICE("text/plain; charset=utf-8")

/* The pages, the file name of their templates without ".html", and their status. */
#define PAGE_NAMES(X)                                                                              \
    X(PREVIEW, preview, 200) /* for link-preview fetchers: Open Graph tags first (ogp.me) */       \
    X(INSPECT, inspect, 200) /* CODE+: where the link goes, without going there */                 \
    X(NOT_FOUND, not_found, 404)                                                                   \
    X(MISTYPED, mistyped, 404) /* looks like a made code with a mistake in it (link/code.h) */     \
    X(EXPIRED, expired, 410)                                                                       \
    X(PAUSED, paused, 410)                                                                         \
    X(NOT_STARTED, not_started, 410)                                                               \
    X(USED_UP, used_up, 410)                                                                       \
    X(BUSY, busy, 503)       /* with Retry-After */                                                \
    X(DESKTOP, desktop, 200) /* links to the stores, with a QR code or without */                  \
    X(OPEN, open, 200)       /* one button, for apps whose browsers block redirects to stores */

#define PAGE_NAME_ENUM(name, file, status) PAGE_NAME_##name,
enum page_name { PAGE_NAMES(PAGE_NAME_ENUM) PAGE_NAME_COUNT };

/* What a page may show; all of it may be empty. Slices are borrowed for the call. URLs are rendered
 * ones; one whose scheme is neither https, http or intent nor among the campaign's is left out, and
 * so is one that is no http(s) URL where an image is meant. */
struct page_values {
    struct slice code;
    const struct campaign *campaign; /* its texts, image, name and schemes; may be NULL */
    bool is_https;                   /* how the link's own address begins */
    struct slice href;               /* open: where the button leads; inspect: where the asker
                                        would be led */
    struct slice android_href;       /* desktop and inspect: buttons; empty: not shown */
    struct slice ios_href;
    struct slice web_href;
    bool has_qr;                 /* desktop: the QR code of the link */
    enum destination_page state; /* inspect: PAGE_NONE, PAGE_DESKTOP..., PAGE_OPEN: it works; else
                                    why not */
    enum tap_outcome outcome;    /* inspect: what kind of destination href is */
};

/* Answers with the page; values may be NULL. */
void pages_show(struct request_context *context, enum page_name page,
                const struct page_values *values);

/* The page of a destination, which is not PAGE_NONE. For PAGE_DESKTOP_QR, set has_qr. */
enum page_name pages_name_of(enum destination_page page);

/* Answers the request with this content, none of it for HEAD; extra as in http/response.h. */
void pages_respond(struct request_context *context, uint16_t status, struct slice content_type,
                   struct slice content, struct slice extra);

/* 404, 410 (which says why) or 503 with Retry-After: pages_show() without values. */
void pages_error(struct request_context *context, enum destination_page page);

/* 404 to a code that is no link and looks like a made one with a mistake in it (link/code.h). */
void pages_mistyped(struct request_context *context);

/* 405 with Allow. */
void pages_method_not_allowed(struct request_context *context);

/* 400, 414 or 431 with Connection: close, to what could not be parsed. */
void pages_refusal(struct buf *out, uint16_t status, const struct http_date *date);

/* 200 for link-preview fetchers: pages_show() with these. campaign may be NULL: then the host's
 * name is all there is to say. */
void pages_preview(struct request_context *context, struct slice code,
                   const struct campaign *campaign, bool is_https);

/* /favicon.ico and /robots.txt: the same for everybody, stored by browsers for a day. */
void pages_favicon(struct request_context *context);
void pages_robots(struct request_context *context);

#endif
