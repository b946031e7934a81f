/*
 * association.c - which document is served: the given one, else the one made last, else the copy.
 */
#include "association.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "association_source.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "conf/conf.h"
#include "edge_worker.h"
#include "http/response.h"
#include "route.h"

enum { FAILURE_INTERVAL_MS = 60000, PATH_BYTES_MAX = FILE_PATH_MAX };

struct association {
    struct association_source *source;
    struct log *log;
    struct log_limit failure_limit; /* the source's thread */
    char copies[ASSOCIATION_FILE_COUNT][PATH_BYTES_MAX];
    pthread_mutex_t mutex;
    struct association_document *given[ASSOCIATION_FILE_COUNT]; /* guarded by mutex, as made */
    struct association_document *made[ASSOCIATION_FILE_COUNT];
};

/* In the order of enum association_file. */
static const enum conf_key keys[ASSOCIATION_FILE_COUNT] = {CONF_links_assetlinks_file,
                                                           CONF_links_apple_association_file};
static const char *const copy_names[ASSOCIATION_FILE_COUNT] = {"association-assetlinks.json",
                                                               "association-apple.json"};

static void on_made(void *argument, struct association_document *documents[]);

/* --- life ----------------------------------------------------------------------------------- */

/* NULL in *document when conf names no file. */
static bool read_given(const struct conf *conf, enum association_file file,
                       struct association_document **document, struct err *err) {
    const char *path = conf->text[keys[file]];
    *document = NULL;
    if (path[0] == '\0') {
        return true;
    }
    *document = association_document_read(file, path, err);
    return *document != NULL || err_prefix(err, "%s", conf_key_name(keys[file]));
}

static void read_copy(struct association *association, enum association_file file,
                      const char *data_dir) {
    struct err err = {""};
    char *path = association->copies[file];
    snprintf(path, PATH_BYTES_MAX, "%s/%s", data_dir, copy_names[file]);
    association->made[file] = association_document_read(file, path, &err);
    if (association->made[file] == NULL) {
        log_event(association->log, LOG_DEBUG, "association_no_copy", "error=%s", err.text);
    }
}

struct association *association_create(const struct association_options *options, struct err *err) {
    struct association *association = calloc(1, sizeof(*association));
    ENSURE(association != NULL && pthread_mutex_init(&association->mutex, NULL) == 0);
    association->log = options->log;
    bool is_good = true;
    for (int i = 0; i < ASSOCIATION_FILE_COUNT; i++) {
        enum association_file file = (enum association_file)i;
        read_copy(association, file, options->conf->text[CONF_data_dir]);
        is_good = is_good && read_given(options->conf, file, &association->given[file], err);
    }
    if (is_good) {
        association->source = association_source_create(
            &(struct association_source_options){
                .url = options->url,
                .key_prefix = slice_of(options->conf->text[CONF_redis_prefix]),
                .log = options->log,
                .metrics = options->metrics,
                .made = on_made,
                .argument = association,
            },
            err);
    }
    if (association->source == NULL) {
        association_destroy(&association);
    }
    return association;
}

bool association_start(struct association *association, struct err *err) {
    return association_source_start(association->source, err);
}

void association_destroy(struct association **association) {
    struct association *it = *association;
    if (it == NULL) {
        return;
    }
    association_source_destroy(&it->source);
    for (size_t i = 0; i < ASSOCIATION_FILE_COUNT; i++) {
        association_document_unref(&it->given[i]);
        association_document_unref(&it->made[i]);
    }
    pthread_mutex_destroy(&it->mutex);
    free(it);
    *association = NULL;
}

/* --- what changes --------------------------------------------------------------------------- */

/* The other one of the two places gets what was there. */
static void exchange(struct association_document **place, struct association_document **other) {
    struct association_document *before = *place;
    *place = *other;
    *other = before;
}

static void keep(struct association *association, size_t file) {
    struct slice text = association_document_text(association->made[file]);
    struct err err = {""};
    uint64_t held_back;
    if (!file_write_atomically(association->copies[file], text, 0600, &err) &&
        log_allowed(&association->failure_limit, clock_monotonic_ns(), FAILURE_INTERVAL_MS,
                    &held_back)) {
        log_event(association->log, LOG_WARN, "association_not_kept", "error=%s", err.text);
    }
}

/* On the source's thread, the only one that changes made[]: so it may be read there unlocked. Both
 * are served before a disk is waited for. */
static void on_made(void *argument, struct association_document *documents[]) {
    struct association *association = argument;
    bool is_new[ASSOCIATION_FILE_COUNT];
    pthread_mutex_lock(&association->mutex);
    for (size_t i = 0; i < ASSOCIATION_FILE_COUNT; i++) {
        is_new[i] = documents[i] != NULL;
        if (is_new[i]) {
            exchange(&association->made[i], &documents[i]);
        }
    }
    pthread_mutex_unlock(&association->mutex);
    for (size_t i = 0; i < ASSOCIATION_FILE_COUNT; i++) {
        bool is_kept = !is_new[i] || (documents[i] != NULL &&
                                      slice_equal(association_document_text(documents[i]),
                                                  association_document_text(association->made[i])));
        if (!is_kept) {
            keep(association, i);
        }
        association_document_unref(&documents[i]);
    }
}

bool association_allows(const struct conf *conf, struct err *err) {
    for (int i = 0; i < ASSOCIATION_FILE_COUNT; i++) {
        struct association_document *document;
        if (!read_given(conf, (enum association_file)i, &document, err)) {
            return false;
        }
        association_document_unref(&document);
    }
    return true;
}

void association_reload(struct association *association, const struct conf *conf) {
    for (size_t i = 0; i < ASSOCIATION_FILE_COUNT; i++) {
        struct association_document *document;
        struct err err = {""};
        if (!read_given(conf, (enum association_file)i, &document, &err)) {
            log_event(association->log, LOG_ERROR, "association_not_reloaded", "error=%s",
                      err.text);
            continue;
        }
        pthread_mutex_lock(&association->mutex);
        exchange(&association->given[i], &document);
        pthread_mutex_unlock(&association->mutex);
        association_document_unref(&document);
    }
}

/* --- answers -------------------------------------------------------------------------------- */

bool association_find(struct slice path, enum association_file *file) {
    if (slice_equal(path, SLICE("/.well-known/assetlinks.json"))) {
        *file = ASSOCIATION_ANDROID;
        return true;
    }
    *file = ASSOCIATION_APPLE;
    return slice_equal(path, SLICE("/.well-known/apple-app-site-association")) ||
           slice_equal(path, SLICE("/apple-app-site-association"));
}

/* A reference, or NULL. */
static struct association_document *current(struct association *association,
                                            enum association_file file) {
    pthread_mutex_lock(&association->mutex);
    struct association_document *document =
        association->given[file] != NULL ? association->given[file] : association->made[file];
    if (document != NULL) {
        association_document_ref(document);
    }
    pthread_mutex_unlock(&association->mutex);
    return document;
}

bool association_answer(struct request_context *context, enum association_file file) {
    struct association_document *document = current(context->worker->association, file);
    struct http_response response = {
        .status = 503,
        .keep_alive = context->keep_alive,
        .minor_version = context->request.minor_version,
        .head_only = context->request.method == HTTP_HEAD,
        .content_type = SLICE("text/plain; charset=utf-8"),
        .content = SLICE("not known yet: the campaigns have not been read\n"),
        .extra = SLICE("Retry-After: 5\r\n"),
        .date = &context->worker->date,
    };
    bool is_known = document != NULL;
    if (is_known) {
        response.status = 200;
        response.content_type = SLICE("application/json");
        response.content = association_document_text(document);
        response.extra = SLICE_EMPTY;
        response.cache_control = SLICE("public, max-age=300");
    }
    ENSURE(http_respond(context->out, &response));
    association_document_unref(&document);
    return is_known;
}
