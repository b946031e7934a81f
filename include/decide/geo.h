/*
 * decide/geo.h - country and region of an address, from a MaxMind DB file.
 *
 * The file is copied into memory of our own (a mapped file that shrinks under us is a SIGBUS)
 * and checked before it is used; a missing, truncated or hostile one is an error to report, and
 * country stays empty. geo_watch_poll() sees a file that changed and opens it; the old one
 * stays in use until the new one is good.
 *
 * Threads   A struct geo is immutable and counted: share it between threads by geo_ref().
 *           A geo_watch belongs to one thread.
 * Limits    GEO_FILE_BYTES_MAX; larger files are refused.
 */
#ifndef DECIDE_GEO_H
#define DECIDE_GEO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"

struct err;
struct geo;
struct sockaddr;

#define GEO_FILE_BYTES_MAX (1024ULL * 1024 * 1024)

/* ISO 3166: "MX" and "CMX" (of MX-CMX). NUL-terminated; empty when not known, else two characters
 * and one to three. Only letters and digits get here, whatever the database holds. */
struct geo_place {
    char country[3];
    char region[4];
};

MUST_CHECK struct geo *geo_open(const char *path, struct err *err);
struct geo *geo_ref(struct geo *geo); /* any thread */
void geo_unref(struct geo **geo);     /* any thread; the last one frees */

static inline struct slice geo_country(const struct geo_place *place) {
    return slice_make(place->country, place->country[0] == '\0' ? 0 : sizeof place->country - 1);
}

static inline struct slice geo_region(const struct geo_place *place) {
    const char *code = place->region;
    size_t size = code[0] == '\0' ? 0 : code[1] == '\0' ? 1 : code[2] == '\0' ? 2 : 3;
    return slice_make(code, size);
}

/* IPv4 (also mapped into IPv6) or IPv6. geo may be NULL: an empty place. */
struct geo_place geo_find(const struct geo *geo, const struct sockaddr *address);

/* "GeoLite2-City, built 2026-01-20", for logs and /readyz. */
void geo_describe(const struct geo *geo, char *text, size_t size);

/* Remembers the identity (device, inode, size, time) of the file it opened last. */
struct geo_watch;

struct geo_watch *geo_watch_create(const char *path);
void geo_watch_destroy(struct geo_watch **watch);

enum geo_watch_result {
    GEO_UNCHANGED,
    GEO_OPENED, /* *geo is a new reference, the caller's */
    GEO_FAILED, /* the file changed (or is gone) and is unusable: err says why, once a change */
};

/* The first call opens. Cheap when nothing changed (one stat); call every second or so. */
MUST_CHECK enum geo_watch_result geo_watch_poll(struct geo_watch *watch, struct geo **geo,
                                                struct err *err);

#endif
