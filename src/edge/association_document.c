/*
 * association_document.c - counted bytes, and the check that they are JSON.
 */
#include "association_document.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

struct association_document {
    _Atomic unsigned references;
    size_t size;
    char text[];
};

static bool check(enum association_file file, struct slice text, struct err *err) {
    json_error_t error;
    if (text.size > ASSOCIATION_BYTES_MAX) {
        return err_set(err, "has %zu bytes, allowed are %d", text.size, ASSOCIATION_BYTES_MAX);
    }
    json_t *json = json_loadb(text.size == 0 ? "" : text.data, text.size, 0, &error);
    if (json == NULL) {
        return err_set(err, "is no JSON: line %d: %s", error.line, error.text);
    }
    bool is_right = file == ASSOCIATION_ANDROID ? json_is_array(json) : json_is_object(json);
    json_decref(json);
    return is_right || err_set(err, "is not %s, which such a file is",
                               file == ASSOCIATION_ANDROID ? "a JSON array" : "a JSON object");
}

struct association_document *association_document_create(enum association_file file,
                                                         struct slice text, struct err *err) {
    if (!check(file, text, err)) {
        return NULL;
    }
    struct association_document *document = malloc(sizeof(*document) + text.size);
    ENSURE(document != NULL);
    atomic_init(&document->references, 1);
    document->size = text.size;
    memcpy(document->text, text.data, text.size);
    return document;
}

struct association_document *association_document_read(enum association_file file, const char *path,
                                                       struct err *err) {
    struct buf text;
    struct association_document *document = NULL;
    buf_init(&text, ASSOCIATION_BYTES_MAX);
    if (file_read(path, &text, err)) {
        document = association_document_create(file, buf_slice(&text), err);
        if (document == NULL) {
            err_prefix(err, "%s", path);
        }
    }
    buf_fini(&text);
    return document;
}

struct association_document *association_document_ref(struct association_document *document) {
    atomic_fetch_add_explicit(&document->references, 1, memory_order_relaxed);
    return document;
}

void association_document_unref(struct association_document **document) {
    struct association_document *it = *document;
    *document = NULL;
    if (it != NULL && atomic_fetch_sub_explicit(&it->references, 1, memory_order_acq_rel) == 1) {
        free(it);
    }
}

struct slice association_document_text(const struct association_document *document) {
    return slice_make(document->text, document->size);
}
