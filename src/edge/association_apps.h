/*
 * association_apps.h - which apps the campaigns name, and the two documents that follow from it.
 *
 * An app may open our links by itself when we say that it is ours, under fixed addresses: Android
 * reads a list of packages with the fingerprints of their signing certificates
 * (https://developer.android.com/training/app-links/configure-assetlinks), Apple's servers one of
 * app ids with the paths that are theirs
 * (https://developer.apple.com/documentation/xcode/supporting-associated-domains).
 *
 * A campaign's package counts with its fingerprints, so all campaigns of a package together make
 * one statement. Its status does not matter: an app that is installed goes on opening links when
 * the campaign that brought it is over. Words that could be neither are passed over, so what gets
 * here may be anything; what gets into a document needs no escaping.
 *
 * Of our paths an app gets those of one segment that can be codes. CODE+, CODE/qr.png, robots.txt
 * and what lies below /.well-known/ or /-/ stay with the browser. (Android reads its paths from
 * the app.)
 *
 * Nearly all campaigns name the same app, so what they name is kept once for all of them: there is
 * a limit for campaigns, and a lower one for how many different things they name.
 *
 * Threads   One at a time.
 * Limits    As below. What is beyond them is left out and counted, and the rest is still served.
 */
#ifndef EDGE_ASSOCIATION_APPS_H
#define EDGE_ASSOCIATION_APPS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct association_apps;
struct buf;

enum {
    ASSOCIATION_CAMPAIGNS_MAX = 100000, /* that name an app */
    ASSOCIATION_NAMES_MAX = 10000,      /* different (package, fingerprints, app ids) of theirs */
    ASSOCIATION_FINGERPRINTS_MAX = 50,  /* a package, over all its campaigns */
    ASSOCIATION_PACKAGE_BYTES_MAX = 255,
    ASSOCIATION_APP_ID_BYTES_MAX = 11 + 155, /* ten of the team, a dot, the bundle */
    ASSOCIATION_FINGERPRINT_BYTES = 95,      /* AA:BB:..., 32 of them */
};

struct association_apps *association_apps_create(void);
void association_apps_destroy(struct association_apps **apps);

/* The fields of a campaign as Redis holds them; empty: absent. */
struct association_names {
    struct slice package;      /* android_package */
    struct slice fingerprints; /* android_fingerprints */
    struct slice app_ids;      /* ios_app_id: the words TEAMID.BUNDLE among them count */
};

/* From now on the campaign id (1 to 64 bytes) names these. False: there was no room for it. */
bool association_apps_put(struct association_apps *apps, struct slice id,
                          const struct association_names *names);

/* The same for a campaign that is gone. */
void association_apps_remove(struct association_apps *apps, struct slice id);

/* Between the two lies a walk over all campaigns: what was not put since is gone. */
void association_apps_begin_walk(struct association_apps *apps);
void association_apps_end_walk(struct association_apps *apps);

/* Whether a campaign found no room that there is now: only a walk finds it again. */
bool association_apps_want_walk(const struct association_apps *apps);

/* How many campaigns name an app, and how many found no room since the last walk began. */
size_t association_apps_count(const struct association_apps *apps);
size_t association_apps_refused(const struct association_apps *apps);

/* What became of the apps in a document. */
struct association_tally {
    size_t apps;     /* in it: packages or app ids */
    size_t left_out; /* apps and fingerprints for which there was no room */
};

/* Appends the document to out, which has the limit; it is whole JSON however little fits. */
struct association_tally association_write_android(const struct association_apps *apps,
                                                   struct buf *out);
struct association_tally association_write_apple(const struct association_apps *apps,
                                                 struct buf *out);

#endif
