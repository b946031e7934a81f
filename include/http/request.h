/*
 * http/request.h - what the values of request fields and targets mean.
 *
 * Pure functions on slices; nothing is allocated, all input is hostile.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>

#include "base/slice.h"

/* Percent-decodes s into out (RFC 3986 section 2.1), which may be s.data; '+' stays '+'. Returns
 * the number of bytes written, or SIZE_MAX when s is malformed or does not fit. Decoded bytes may
 * be any, '/', NUL, CR and LF included: the caller checks what it needs. */
size_t http_percent_decode(struct slice s, char *out, size_t capacity);

/* The raw value of the first parameter of this name in a query ("a=1&s=x"). False when there
 * is none. The name is compared as sent, byte by byte; it holds neither '=' nor '&'. */
bool http_query_find(struct slice query, struct slice name, struct slice *value);

/* The host of an http(s) URL in Referer, lower-cased into out without port or user
 * information; 0 when it has none or is malformed. Also Android's android-app://package. */
size_t http_referer_host(struct slice referer, char *out, size_t capacity);

/* The language tag a client prefers most (Accept-Language, RFC 9110 section 12.5.4, weights
 * considered), reduced to primary subtag and region ("es-MX"), language in lower case, region
 * in upper case; 0 when there is none or it is malformed. */
size_t http_preferred_language(struct slice accept_language, char *out, size_t capacity);

/* How much a client wants a language (a primary subtag in lower case), in thousandths: the largest
 * weight of its ranges in Accept-Language, else that of "*", else 0. */
unsigned http_language_weight(struct slice accept_language, struct slice primary);

/* The right-most address of X-Forwarded-For that the caller's test does not call trusted; the
 * left-most when all are trusted. Every element must look like an address (with or without a
 * port, IPv6 with or without brackets); false otherwise. *address is what stands there without
 * port and brackets. */
bool http_forwarded_client(struct slice forwarded_for,
                           bool (*is_trusted)(struct slice address, const void *argument),
                           const void *argument, struct slice *address);

#endif
