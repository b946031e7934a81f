/*
 * decide/destination.h - where a tap leads. Pure: no I/O, the time is a parameter.
 *
 *   link       paused, not started, expired ─┐
 *   campaign   paused, not started, expired ─┴─► campaign's fallback, else a 410 page
 *   link with a field that makes no sense      ► campaign's fallback, else as an unknown code
 *   campaign whose status or times make none   ► its fallback, else as an unknown code
 *   link's url                                 ► override; as a fault if its scheme is not listed
 *   platform   android ► android, ios ► ios; else, or where that is empty, web; then fallback
 *   no link, no usable campaign, no template   ► the default campaign by platform, else 404
 *   unreachable                                ► the default campaign, else 503
 *
 * The first row that fits decides. Of a default campaign that is closed or cannot be believed, only
 * the fallback is used.
 */
#ifndef DECIDE_DESTINATION_H
#define DECIDE_DESTINATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/vocabulary.h"

struct campaign;
struct link;

enum destination_page {
    PAGE_NONE, /* redirect */
    PAGE_NOT_FOUND,
    PAGE_PAUSED,
    PAGE_NOT_STARTED,
    PAGE_EXPIRED,
    PAGE_BUSY, /* 503: Redis cannot be asked */
};

struct destination_input {
    bool reachable;                          /* false: link and campaign are not known */
    const struct link *link;                 /* NULL: no such code */
    const struct campaign *campaign;         /* the link's; may be NULL */
    const struct campaign *default_campaign; /* may be NULL */
    enum tap_platform platform;
    uint64_t now_s; /* Unix time */
};

struct destination {
    enum tap_outcome outcome;
    enum destination_page page;      /* PAGE_NONE exactly when template is not empty */
    struct slice template;           /* compiled; borrowed from link or campaign */
    const struct campaign *campaign; /* whose template, texts and id apply; NULL when none */
};

/* starts_at is the first second that is open, expires_at the first that is closed. */
struct destination destination_choose(const struct destination_input *input);

#endif
