/*
 * association_document.h - one of the two association files, as bytes that do not change.
 *
 * Whoever serves one holds a reference meanwhile, so a new one can take its place at any time.
 *
 * Threads   A document is immutable and counted: any thread.
 * Limits    ASSOCIATION_BYTES_MAX, which is what one answer of a worker has room for.
 */
#ifndef EDGE_ASSOCIATION_DOCUMENT_H
#define EDGE_ASSOCIATION_DOCUMENT_H

#include "base/defs.h"
#include "base/slice.h"

struct association_document;
struct err;

enum association_file {
    ASSOCIATION_ANDROID, /* assetlinks.json: an array */
    ASSOCIATION_APPLE,   /* apple-app-site-association: an object */
    ASSOCIATION_FILE_COUNT,
};

enum { ASSOCIATION_BYTES_MAX = 48 * 1024 };

/* Of text, which is copied: JSON of the kind that file is, ASSOCIATION_BYTES_MAX at most. NULL and
 * err when it is not. */
MUST_CHECK struct association_document *
association_document_create(enum association_file file, struct slice text, struct err *err);

/* The same from a file on disk; err names it. */
MUST_CHECK struct association_document *
association_document_read(enum association_file file, const char *path, struct err *err);

struct association_document *association_document_ref(struct association_document *document);
void association_document_unref(struct association_document **document); /* NULL in it: nothing */

struct slice association_document_text(const struct association_document *document);

#endif
