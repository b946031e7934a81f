/*
 * qr_png.c - the symbol as a PNG: greyscale, a bit a pixel, written row by row into the buffer.
 *
 * All rows of a row of modules are the same: with the filter that takes the difference to the row
 * above, nearly everything is zeros, so that the quickest compression is enough.
 *
 * libpng reports errors by longjmp() to where it was set up. The only one that can come is a buffer
 * that is full: then the write function says so, and what was begun is taken back.
 */
#include <png.h>
#include <setjmp.h>

#include "base/err.h"
#include "qr.h"
#include "qr_symbol.h"

enum { ROW_BYTES_MAX = QR_SIZE_MAX / 8, COMPRESSION = 1 };

static void write_bytes(png_structp png, png_bytep data, size_t size) {
    struct buf *out = png_get_io_ptr(png);
    if (!buf_append_bytes(out, data, size)) {
        png_error(png, "full");
    }
}

static void flush_nothing(png_structp png) {
    (void)png;
}

static void on_error(png_structp png, png_const_charp text) {
    (void)text;
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

/* How the picture is divided: a module has `scale` pixels, the first begins at `offset`. */
struct layout {
    unsigned size;
    unsigned scale;
    unsigned offset;
};

static struct layout layout_of(const struct qr_symbol *symbol, unsigned size) {
    unsigned scale = size / symbol->whole;
    ENSURE(scale > 0); /* qr_symbol_make() saw to it */
    return (struct layout){
        .size = size, .scale = scale, .offset = (size - scale * symbol->width) / 2};
}

/* White is 1. */
static void draw_row(const struct qr_symbol *symbol, const struct layout *layout, unsigned y,
                     png_byte row[ROW_BYTES_MAX]) {
    unsigned at = layout->offset;
    memset(row, 0xFF, ROW_BYTES_MAX);
    if (y < layout->offset || y >= layout->offset + layout->scale * symbol->width) {
        return;
    }
    for (unsigned x = 0; x < symbol->width; x++, at += layout->scale) {
        if (qr_symbol_is_dark(symbol, x, (y - layout->offset) / layout->scale)) {
            for (unsigned pixel = at; pixel < at + layout->scale; pixel++) {
                row[pixel / 8] &= (png_byte) ~(0x80u >> pixel % 8);
            }
        }
    }
}

/* Nothing here is freed by a jump: it is all the caller's. */
static bool write_image(png_structp png, png_infop info, const struct qr_symbol *symbol,
                        const struct layout *layout) {
    png_byte row[ROW_BYTES_MAX];
    if (setjmp(png_jmpbuf(png)) != 0) {
        return false;
    }
    png_set_IHDR(png, info, layout->size, layout->size, 1, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, COMPRESSION);
    png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
    png_write_info(png, info);
    for (unsigned y = 0; y < layout->size; y++) {
        draw_row(symbol, layout, y, row);
        png_write_row(png, row);
    }
    png_write_end(png, info);
    return true;
}

bool qr_png(struct slice text, const struct qr_options *options, struct buf *out, struct err *err) {
    struct qr_symbol symbol;
    size_t begin = out->size;
    if (!qr_symbol_make(&symbol, text, options, err)) {
        return false;
    }
    struct layout layout = layout_of(&symbol, options->size);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, on_error, on_warning);
    ENSURE(png != NULL);
    png_infop info = png_create_info_struct(png);
    ENSURE(info != NULL);
    png_set_write_fn(png, out, write_bytes, flush_nothing);
    bool is_good = write_image(png, info, &symbol, &layout);
    png_destroy_write_struct(&png, &info);
    qr_symbol_free(&symbol);
    if (!is_good) {
        out->size = begin;
        err_set(err, "the image is larger than what is sent");
    }
    return is_good;
}
