/*
 * default_copy.c - one small file, compared before it is written.
 */
#include "default_copy.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "link/campaign.h"
#include "link/resolver.h"

enum { FAILURE_INTERVAL_MS = 60000 };

struct default_copy {
    char path[FILE_PATH_MAX];
    struct log *log;
    struct log_limit failure_limit;
    struct buf saved; /* what the file holds */
    pthread_mutex_t mutex;
    struct buf noted; /* guarded by mutex: what it should hold; empty: nothing was noted */
};

struct default_copy *default_copy_create(const char *data_dir, struct log *log) {
    struct default_copy *copy = calloc(1, sizeof(*copy));
    ENSURE(copy != NULL && pthread_mutex_init(&copy->mutex, NULL) == 0);
    copy->log = log;
    snprintf(copy->path, sizeof(copy->path), "%s/default-campaign", data_dir);
    buf_init(&copy->saved, DEFAULT_COPY_BYTES_MAX);
    buf_init(&copy->noted, DEFAULT_COPY_BYTES_MAX);
    (void)!file_read(copy->path, &copy->saved, NULL); /* at the first start there is none */
    return copy;
}

void default_copy_destroy(struct default_copy **copy) {
    if (*copy == NULL) {
        return;
    }
    buf_fini(&(*copy)->saved);
    buf_fini(&(*copy)->noted);
    pthread_mutex_destroy(&(*copy)->mutex);
    free(*copy);
    *copy = NULL;
}

void default_copy_seed(const struct default_copy *copy, struct resolver *resolver,
                       struct slice hosts) {
    struct campaign *campaign = campaign_read(buf_slice(&copy->saved), hosts);
    if (campaign != NULL) {
        resolver_seed_default(resolver, campaign);
    }
}

void default_copy_take(struct default_copy *copy, const struct campaign *campaign) {
    if (campaign == NULL) {
        return;
    }
    pthread_mutex_lock(&copy->mutex);
    buf_clear(&copy->noted);
    if (!campaign_write(campaign, &copy->noted)) {
        buf_clear(&copy->noted);
    }
    pthread_mutex_unlock(&copy->mutex);
}

void default_copy_save(struct default_copy *copy) {
    struct err err = {""};
    pthread_mutex_lock(&copy->mutex);
    bool is_new =
        copy->noted.size > 0 && !slice_equal(buf_slice(&copy->noted), buf_slice(&copy->saved));
    if (is_new) {
        buf_clear(&copy->saved);
        buf_append(&copy->saved, buf_slice(&copy->noted));
    }
    pthread_mutex_unlock(&copy->mutex);
    if (!is_new || file_write_atomically(copy->path, buf_slice(&copy->saved), 0600, &err)) {
        return;
    }
    uint64_t held_back;
    buf_clear(&copy->saved); /* tried again next time */
    if (log_allowed(&copy->failure_limit, clock_monotonic_ns(), FAILURE_INTERVAL_MS, &held_back)) {
        log_event(copy->log, LOG_WARN, "default_campaign_not_kept", "error=%s", err.text);
    }
}
