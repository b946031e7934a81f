/*
 * decide/container.h - how a store's link is opened from inside an app: a table, and why.
 *
 * Many apps show links in a browser of their own. Some of these let a redirect to Google Play or
 * the App Store become what it is on the phone, the store's app; some show the store's web page, in
 * which nobody can install anything; some show nothing. What gets out of which is told here, with
 * where that is known from, and docs/in-app-browsers.md is this table.
 *
 * Apps change without notice, and few of them document what they do: a row that is not confirmed
 * says so, and is the way that does least harm when it is wrong. What is not in the table is
 * redirected.
 *
 * Threads   The table is constant.
 */
#ifndef DECIDE_CONTAINER_H
#define DECIDE_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "base/vocabulary.h"

enum container_way {
    CONTAINER_DIRECT, /* a redirect to the store's link */
    CONTAINER_INTENT, /* a redirect to an intent: URL, which Android's own machinery resolves; it
                         names the store's link as what to do without Google Play */
    CONTAINER_BUTTON, /* a page with one button: only what a person taps gets out, or from the page
                         the app's menu leads to a browser */
};

struct container {
    enum tap_platform platform; /* Android or iOS */
    struct slice in_app;        /* as decide/agent.h names it */
    enum container_way way;
    bool confirmed;      /* documented, or tried by somebody who tells of it */
    struct slice reason; /* a sentence */
};

extern const struct container containers[];
extern const size_t container_count;

/* The row, or NULL: not known, CONTAINER_DIRECT. */
const struct container *container_find(enum tap_platform platform, struct slice in_app);

/* "direct", "intent", "button". */
struct slice container_way_name(enum container_way way);

#endif
