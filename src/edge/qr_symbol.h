/*
 * qr_symbol.h - the modules of a QR code, for those who draw them.
 */
#ifndef EDGE_QR_SYMBOL_H
#define EDGE_QR_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>

#include "qr.h"

struct qr_symbol {
    void *code; /* libqrencode's */
    const unsigned char *modules;
    unsigned width; /* modules in a row, and rows */
    unsigned whole; /* with the margin on both sides */
};

/* Of a text of 1 to 512 bytes. False and err when it has more modules than the size has pixels. */
bool qr_symbol_make(struct qr_symbol *symbol, struct slice text, const struct qr_options *options,
                    struct err *err);
void qr_symbol_free(struct qr_symbol *symbol);

static inline bool qr_symbol_is_dark(const struct qr_symbol *symbol, unsigned x, unsigned y) {
    return (symbol->modules[(size_t)y * symbol->width + x] & 1) != 0;
}

#endif
