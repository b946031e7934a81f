/*
 * err.c - building a sentence; line breaks and other control bytes become spaces, so that one
 * error stays one line whatever a file or an argument held.
 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void one_line(struct err *err) {
    for (char *c = err->text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F) {
            *c = ' ';
        }
    }
}

bool err_set(struct err *err, const char *format, ...) {
    if (err != NULL) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(err->text, sizeof(err->text), format, arguments);
        va_end(arguments);
        one_line(err);
    }
    return false;
}

bool err_prefix(struct err *err, const char *format, ...) {
    if (err != NULL) {
        char prefix[sizeof(err->text)];
        char whole[2 * sizeof(err->text) + 2];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(prefix, sizeof(prefix), format, arguments);
        va_end(arguments);
        snprintf(whole, sizeof(whole), "%s: %s", prefix, err->text);
        size_t size = strnlen(whole, sizeof(err->text) - 1);
        memcpy(err->text, whole, size);
        err->text[size] = '\0';
        one_line(err);
    }
    return false;
}
