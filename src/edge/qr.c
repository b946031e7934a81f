/*
 * qr.c - what is asked for, the symbol, and the drawing as SVG.
 *
 * The SVG is one path of horizontal runs of dark modules, in units of modules, on a light
 * rectangle: what is behind the picture must not show through. It is active content when it is
 * opened by itself, so it is sent with a policy that allows nothing.
 */
#include "qr.h"

#include <qrencode.h>

#include "base/err.h"
#include "edge_worker.h"
#include "http/response.h"
#include "link/code.h"
#include "page_bind.h"
#include "pages.h"
#include "qr_symbol.h"
#include "route.h"

enum { TEXT_BYTES_MAX = 512, SENTENCE_BYTES_MAX = 512 + 2 };

#define QR_FIELDS                                                                                  \
    SLICE("Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"                \
          "Referrer-Policy: no-referrer\r\n")

_Static_assert((int)QR_HOST_BYTES_MAX == (int)PAGE_HOST_BYTES_MAX,
               "the host that page_host() lets through");

/* --- the query ------------------------------------------------------------------------------ */

static bool read_level(struct slice value, enum qr_level *level) {
    static const char letters[] = "LMQH";
    const char *found = value.size == 1 ? memchr(letters, value.data[0], 4) : NULL;
    if (found == NULL) {
        return false;
    }
    *level = (enum qr_level)(found - letters);
    return true;
}

static bool read_parameter(struct slice parameter, struct qr_options *options, struct err *err) {
    struct slice value = parameter;
    struct slice name = slice_split(&value, '=');
    uint64_t number;
    if (slice_equal(name, SLICE("size"))) {
        if (!slice_to_u64(value, QR_SIZE_MAX, &number) || number < QR_SIZE_MIN) {
            return err_set(err, "size: a number of pixels from %d to %d", QR_SIZE_MIN, QR_SIZE_MAX);
        }
        options->size = (unsigned)number;
    } else if (slice_equal(name, SLICE("margin"))) {
        if (!slice_to_u64(value, QR_MARGIN_MAX, &number)) {
            return err_set(err, "margin: a number of modules from 0 to %d", QR_MARGIN_MAX);
        }
        options->margin = (unsigned)number;
    } else if (slice_equal(name, SLICE("level"))) {
        return read_level(value, &options->level) || err_set(err, "level: L, M, Q or H");
    } else {
        return err_set(err, "only size, margin and level may be asked for");
    }
    return true;
}

bool qr_read_query(struct slice query, struct qr_options *options, struct err *err) {
    *options = (struct qr_options){
        .size = QR_SIZE_DEFAULT, .margin = QR_MARGIN_DEFAULT, .level = QR_LEVEL_M};
    while (query.size > 0) {
        if (!read_parameter(slice_split(&query, '&'), options, err)) {
            return false;
        }
    }
    return true;
}

/* --- the symbol ----------------------------------------------------------------------------- */

bool qr_symbol_make(struct qr_symbol *symbol, struct slice text, const struct qr_options *options,
                    struct err *err) {
    static const QRecLevel levels[] = {[QR_LEVEL_L] = QR_ECLEVEL_L,
                                       [QR_LEVEL_M] = QR_ECLEVEL_M,
                                       [QR_LEVEL_Q] = QR_ECLEVEL_Q,
                                       [QR_LEVEL_H] = QR_ECLEVEL_H};
    ENSURE(text.size > 0 && text.size <= TEXT_BYTES_MAX);
    QRcode *code = QRcode_encodeData((int)text.size, (const unsigned char *)text.data, 0,
                                     levels[options->level]);
    ENSURE(code != NULL); /* the largest symbol holds 1273 bytes at level H */
    symbol->code = code;
    symbol->modules = code->data;
    symbol->width = (unsigned)code->width;
    symbol->whole = symbol->width + 2 * options->margin;
    if (symbol->whole > options->size) {
        err_set(err, "size: %u pixels are too few for the %u modules of this link", options->size,
                symbol->whole);
        qr_symbol_free(symbol);
        return false;
    }
    return true;
}

void qr_symbol_free(struct qr_symbol *symbol) {
    QRcode_free(symbol->code);
    *symbol = (struct qr_symbol){0};
}

/* --- SVG ------------------------------------------------------------------------------------ */

/* From the end of one run to the beginning of the next, relative: few digits. */
static void append_runs(const struct qr_symbol *symbol, struct buf *out) {
    int at_x = 0;
    int at_y = 0;
    for (unsigned y = 0; y < symbol->width; y++) {
        for (unsigned x = 0; x < symbol->width; x++) {
            unsigned begin = x;
            while (x < symbol->width && qr_symbol_is_dark(symbol, x, y)) {
                x++;
            }
            if (x > begin) {
                buf_printf(out, "m%d %dh%u", (int)begin - at_x, (int)y - at_y, x - begin);
                at_x = (int)x;
                at_y = (int)y;
            }
        }
    }
}

bool qr_svg(struct slice text, const struct qr_options *options, struct buf *out, struct err *err) {
    struct qr_symbol symbol;
    size_t begin = out->size;
    if (!qr_symbol_make(&symbol, text, options, err)) {
        return false;
    }
    buf_printf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
               "viewBox=\"0 0 %u %u\" shape-rendering=\"crispEdges\">"
               "<path fill=\"#fff\" d=\"M0 0h%uv%uH0z\"/><path stroke=\"#000\" d=\"M%u %u.5",
               options->size, options->size, symbol.whole, symbol.whole, symbol.whole, symbol.whole,
               options->margin, options->margin);
    append_runs(&symbol, out);
    buf_append(out, SLICE("\"/></svg>\n"));
    qr_symbol_free(&symbol);
    if (out->overflowed) {
        out->size = begin;
        return err_set(err, "the image is larger than what is sent; ask for a PNG");
    }
    return true;
}

/* --- the answer ----------------------------------------------------------------------------- */

static void refuse(struct request_context *context, const struct err *err) {
    char bytes[SENTENCE_BYTES_MAX];
    struct buf sentence = buf_over(bytes, sizeof(bytes));
    buf_append(&sentence, slice_of(err->text));
    buf_append_char(&sentence, '\n');
    pages_respond(context, 400, PAGE_TEXT, buf_slice(&sentence), SLICE_EMPTY);
}

static bool make(struct request_context *context, struct slice text, enum qr_format format,
                 struct buf *image, struct err *err) {
    struct qr_options options;
    if (!qr_read_query(context->request.query, &options, err)) {
        return false;
    }
    switch (format) {
    case QR_SVG:
        return qr_svg(text, &options, image, err);
    case QR_PNG:
        return qr_png(text, &options, image, err);
    }
    return false;
}

void qr_respond(struct request_context *context, struct slice code, enum qr_format format,
                bool is_https) {
    struct edge_worker *worker = context->worker;
    struct slice host = page_host(context->request.host);
    struct buf image = buf_over(worker->page_bytes, PAGE_BYTES_MAX);
    char bytes[TEXT_BYTES_MAX];
    struct buf text = buf_over(bytes, sizeof(bytes));
    struct err err = {""};
    buf_append(&text, is_https ? SLICE("https://") : SLICE("http://"));
    buf_append(&text, host);
    buf_append_char(&text, '/');
    buf_append(&text, code);
    buf_append(&text, SLICE("?s=qr"));
    ENSURE(!text.overflowed && code.size <= CODE_BYTES_MAX);
    if (host.size == 0) {
        err_set(&err, "Host: a QR code needs the name or address that people reach this site by");
    }
    if (host.size == 0 || !make(context, buf_slice(&text), format, &image, &err)) {
        refuse(context, &err);
        return;
    }
    struct http_response response = {
        .status = 200,
        .keep_alive = context->keep_alive,
        .minor_version = context->request.minor_version,
        .head_only = context->request.method == HTTP_HEAD,
        .content_type = format == QR_SVG ? SLICE("image/svg+xml") : SLICE("image/png"),
        .content = buf_slice(&image),
        .extra = QR_FIELDS,
        .cache_control = SLICE("public, max-age=3600"),
        .date = &worker->date,
    };
    ENSURE(http_respond(context->out, &response));
}
