/*
 * association.h - the files by which telephones learn that an app may open our links.
 *
 *   /.well-known/assetlinks.json                  Android
 *   /.well-known/apple-app-site-association       Apple
 *   /apple-app-site-association                   where Apple looked formerly
 *
 * Each is made of all campaigns (association_source.h) or given as a file (links.assetlinks_file,
 * links.apple_association_file), which is read at the start and on SIGHUP. What was made last is
 * kept in data.dir, so that an edge that is started while Redis is away has something to say; where
 * there is not even that, the answer is 503: a 404, or an empty file, would make telephones forget
 * the app. A redirect is never followed by those who ask, so there is none; they may keep the
 * answer for five minutes.
 *
 * Threads   association_answer() on any worker, all else on the main thread. A worker takes a lock
 *           for as long as counting a reference takes, and only for these paths.
 * Limits    ASSOCIATION_BYTES_MAX a file (association_document.h).
 */
#ifndef EDGE_ASSOCIATION_H
#define EDGE_ASSOCIATION_H

#include <stdbool.h>

#include "association_document.h"
#include "base/defs.h"
#include "base/slice.h"

struct association;
struct conf;
struct err;
struct log;
struct metric_registry;
struct redis_url;
struct request_context;

struct association_options {
    const struct conf *conf;     /* not kept */
    const struct redis_url *url; /* copied */
    struct log *log;
    struct metric_registry *metrics;
};

/* Reads what is given and what was kept. NULL and err when a given file is unusable. */
MUST_CHECK struct association *association_create(const struct association_options *options,
                                                  struct err *err);

/* Begins to follow the campaigns. */
MUST_CHECK bool association_start(struct association *association, struct err *err);

/* Whether the files that conf names can be used; err names the key. */
MUST_CHECK bool association_allows(const struct conf *conf, struct err *err);

/* Reads them again. One that has become unusable since association_allows() changes nothing. */
void association_reload(struct association *association, const struct conf *conf);

void association_destroy(struct association **association);

enum { ASSOCIATION_PATH_BYTES_MIN = 27 }; /* what is shorter is none: most codes are */

/* Whether the path is one of the three. */
bool association_find(struct slice path, enum association_file *file);

/* Answers GET or HEAD. False: there is nothing to say yet, and the answer is 503. */
bool association_answer(struct request_context *context, enum association_file file);

#endif
