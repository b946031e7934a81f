/*
 * qr.h - /CODE/qr.svg and /CODE/qr.png: the link as a QR code (ISO/IEC 18004), for posters, screens
 * and the desktop page.
 *
 * It holds https://HOST/CODE?s=qr, the host that was asked, so that taps from it have the source
 * `qr`. The code is not looked up: a QR code of a link that does not exist yet may be printed.
 *
 *   size     64..1024   width and height in pixels; default 512
 *   margin   0..16      the quiet zone in modules; default 4, which the standard asks for
 *   level    L M Q H    how much of it may be damaged: 7, 15, 25, 30 %; default M
 *
 * Anything else in the query is answered with 400 and a sentence. In a PNG a module has a whole
 * number of pixels, so that it is sharp; what is left over goes to the margin.
 *
 * Threads   The worker's own.
 * Limits    Hosts of QR_HOST_BYTES_MAX; a size in which a module has less than a pixel is refused;
 *           an image has at most PAGE_BYTES_MAX bytes.
 */
#ifndef EDGE_QR_H
#define EDGE_QR_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

struct err;
struct request_context;

enum {
    QR_HOST_BYTES_MAX = 259, /* a domain name and ":65535" */
    QR_SIZE_MIN = 64,
    QR_SIZE_MAX = 1024,
    QR_SIZE_DEFAULT = 512,
    QR_MARGIN_MAX = 16,
    QR_MARGIN_DEFAULT = 4,
};

enum qr_format { QR_SVG, QR_PNG };

enum qr_level { QR_LEVEL_L, QR_LEVEL_M, QR_LEVEL_Q, QR_LEVEL_H };

struct qr_options {
    unsigned size;
    unsigned margin;
    enum qr_level level;
};

/* What a query asks for; err says what is allowed. */
bool qr_read_query(struct slice query, struct qr_options *options, struct err *err);

/* The image of a text of 1 to 512 bytes, appended to out; err when it does not fit into the size or
 * into out, which then is as it was. */
bool qr_svg(struct slice text, const struct qr_options *options, struct buf *out, struct err *err);
bool qr_png(struct slice text, const struct qr_options *options, struct buf *out, struct err *err);

/* Answers the request: the image, which caches may keep for an hour, or 400. code is valid
 * (link/code.h); the query is the request's. */
void qr_respond(struct request_context *context, struct slice code, enum qr_format format,
                bool is_https);

#endif
