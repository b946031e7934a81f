/*
 * geo_watch.c - sees that the database file was replaced, and opens what is new.
 *
 * A look at the file's identity is one stat(2). A file that cannot be used is remembered like one
 * that can: it is tried, and complained of, once for every change.
 *
 * Threads   One.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "decide/geo.h"
#include "geo_file.h"

struct geo_watch {
    bool polled;
    bool exists;                  /* when it was looked at last */
    struct geo_identity identity; /* if it existed */
    char path[];
};

static bool is_same(const struct geo_identity *a, const struct geo_identity *b);

struct geo_watch *geo_watch_create(const char *path) {
    size_t size = strlen(path) + 1;
    struct geo_watch *watch = calloc(1, sizeof *watch + size);
    ENSURE(watch != NULL);
    memcpy(watch->path, path, size);
    return watch;
}

void geo_watch_destroy(struct geo_watch **watch) {
    free(*watch);
    *watch = NULL;
}

enum geo_watch_result geo_watch_poll(struct geo_watch *watch, struct geo **geo, struct err *err) {
    struct geo_identity identity = {0};
    bool exists = geo_file_identify(watch->path, &identity);
    if (watch->polled && exists == watch->exists &&
        (!exists || is_same(&identity, &watch->identity))) {
        return GEO_UNCHANGED;
    }
    watch->polled = true;
    watch->exists = exists;
    /* Of what was opened, should that be yet another file. */
    struct geo *opened = geo_open_identified(watch->path, &identity, err);
    watch->identity = identity;
    if (opened == NULL) {
        return GEO_FAILED;
    }
    watch->exists = true;
    *geo = opened;
    return GEO_OPENED;
}

static bool is_same(const struct geo_identity *a, const struct geo_identity *b) {
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed_ns == b->changed_ns;
}
