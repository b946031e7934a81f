/*
 * decide/destination.h - where a tap leads. Pure: no I/O, the time is a parameter.
 *
 *   link       paused, not started, expired ─┐
 *   campaign   paused, not started, expired ─┴─► campaign's fallback, else a 410 page
 *   link with a field that makes no sense      ► campaign's fallback, else as an unknown code
 *   campaign whose status or times make none   ► its fallback, else as an unknown code
 *   link whose max_clicks are used up          ► campaign's fallback, else a 410 page
 *   link's url                                 ► override; as a fault if its scheme is not listed
 *   rules      the first that fits             ► where it says; a target that is not there: goes on
 *   computer   desktop                         ► its page or template, where the campaign has one
 *   platform   android ► android, ios ► ios; else, or where that is empty, web; then fallback
 *   container  a store's link, in an app whose browser cannot open it (decide/container.h)
 *                                              ► as an intent: link, or a page with one button
 *   no link, no usable campaign, no template   ► the default campaign by platform; else, of a
 *                                                campaign with android_package or ios_app_id, the
 *                                                desktop page; else 404
 *   unreachable                                ► the default campaign, else 503
 *
 * The first row that fits decides (container: in what way). The default campaign's rules and
 * desktop page are for its own links, not for codes nobody knows; of one that is closed or cannot
 * be believed, only the fallback is used.
 *
 * Computers are Windows, macOS and Linux; what is "other" (consoles, televisions, feature phones)
 * has neither a store nor a camera's worth of screen beside it, and goes to the web. An iPad that
 * asks for desktop pages says what a Mac says: hence the desktop page has links to the stores.
 */
#ifndef DECIDE_DESTINATION_H
#define DECIDE_DESTINATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/vocabulary.h"
#include "link/template.h"

struct campaign;
struct clock_local;
struct link;

enum destination_page {
    PAGE_NONE, /* redirect */
    PAGE_NOT_FOUND,
    PAGE_PAUSED,
    PAGE_NOT_STARTED,
    PAGE_EXPIRED,
    PAGE_BUSY, /* 503: Redis cannot be asked */
    PAGE_USED_UP,
    PAGE_DESKTOP,    /* 200: links to the stores */
    PAGE_DESKTOP_QR, /* the same with a QR code */
    PAGE_OPEN,       /* 200: one button that leads to template, where a redirect is blocked */
};

/* Who shares a campaign's visitors out: a number from 0 to 99, the same for a visitor every time.
 */
struct destination_share {
    unsigned (*share)(void *argument);
    void *argument;
};

struct destination_input {
    bool reachable;                          /* false: link and campaign are not known */
    const struct link *link;                 /* NULL: no such code */
    const struct campaign *campaign;         /* the link's; may be NULL */
    const struct campaign *default_campaign; /* may be NULL */
    enum tap_platform platform;
    uint32_t os_version; /* as in decide/agent.h */
    struct slice in_app;
    struct slice country;
    struct slice region;
    struct slice language;
    struct slice query;                    /* of the tap, as it was sent */
    const struct destination_share *share; /* asked when a rule with a weight is reached, once;
                                              NULL: rules with a weight do not fit */
    struct clock_local *local;             /* remembers the zone for rules with hours or days; one
                                              thread's. May be NULL */
    uint64_t now_s;                        /* Unix time */
};

struct destination {
    enum tap_outcome outcome;
    enum destination_page page;      /* PAGE_NONE: redirect to template */
    struct slice template;           /* compiled; borrowed from link or campaign, rules included.
                                        Empty on pages but PAGE_OPEN */
    const struct campaign *campaign; /* whose template, texts and id apply; NULL when none */
    /* Why, for those who ask: what decided ("url", "rule", "android", "ios", "web", "desktop",
     * "fallback", "default"; empty on error pages), and of a rule its name; then the container when
     * it changed the way ("intent", "button"). Static, or borrowed from the campaign. */
    struct slice by;
    struct slice rule;
    struct slice container;
};

/* starts_at is the first second that is open, expires_at the first that is closed. */
void destination_choose(const struct destination_input *input, struct destination *chosen);

/* Leads to Google Play or the App Store: no query goes on, and a browser within an app is no place
 * to open it. Few ask, so it is worked out for those who do. */
static inline bool destination_is_store(const struct destination *destination) {
    return destination->template.size > 0 &&
           template_compiled_store(destination->template) != TEMPLATE_NO_STORE;
}

#endif
