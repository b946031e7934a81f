/*
 * link/campaign.h - where a campaign sends people: the hash campaign:ID, checked.
 *
 * As with links, every field is checked when it is read, and a field that makes no sense reads
 * as absent and is marked. Immutable after campaign_create(); there are few of them.
 */
#ifndef LINK_CAMPAIGN_H
#define LINK_CAMPAIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "link/link.h"

struct buf;
struct err;
struct rules;

/* The fields of campaign:ID, in the order in which they are asked for with HMGET.
 *
 *   schemes               what templates may begin with beside https, separated by spaces
 *   android_package       mx.example.app
 *   android_fingerprints  SHA-256 of signing certificates, AA:BB:..., separated by spaces; in upper
 *                         case when it is read
 *   ios_app_id            the App Store's number, and TEAMID.BUNDLE for association; one or
 *                         both, separated by a space
 *   ios_provider          the App Store's pt: digits
 *   ios_campaign          its ct: up to 30 characters, no placeholder: never a person's code
 *   desktop, passthrough  see below
 *   rules                 link/rules.h; on one line when it is read
 *   events                names of conversions beside install, signup and first_loan, separated by
 *                         spaces
 *   checks                thresholds of link/checks.h: "too_soon_s=10 own_link=off"
 *   webhook               URL that is told of conversions; http only where the configuration allows
 *                         it (webhooks.allowed_hosts) */
#define CAMPAIGN_FIELDS(X)                                                                         \
    X(NAME, "name")                                                                                \
    X(ANDROID, "android")                                                                          \
    X(IOS, "ios")                                                                                  \
    X(WEB, "web")                                                                                  \
    X(FALLBACK, "fallback")                                                                        \
    X(STATUS, "status")                                                                            \
    X(STARTS_AT, "starts_at")                                                                      \
    X(EXPIRES_AT, "expires_at")                                                                    \
    X(OG_TITLE, "og_title")                                                                        \
    X(OG_DESCRIPTION, "og_description")                                                            \
    X(OG_IMAGE, "og_image")                                                                        \
    X(SCHEMES, "schemes")                                                                          \
    X(ANDROID_PACKAGE, "android_package")                                                          \
    X(ANDROID_FINGERPRINTS, "android_fingerprints")                                                \
    X(IOS_APP_ID, "ios_app_id")                                                                    \
    X(IOS_PROVIDER, "ios_provider")                                                                \
    X(IOS_CAMPAIGN, "ios_campaign")                                                                \
    X(DESKTOP, "desktop")                                                                          \
    X(RULES, "rules")                                                                              \
    X(PASSTHROUGH, "passthrough")                                                                  \
    X(EVENTS, "events")                                                                            \
    X(CHECKS, "checks")                                                                            \
    X(WEBHOOK, "webhook")

#define CAMPAIGN_FIELD_ENUM(name, text) CAMPAIGN_FIELD_##name,
enum campaign_field { CAMPAIGN_FIELDS(CAMPAIGN_FIELD_ENUM) CAMPAIGN_FIELD_COUNT };

/* Where computers lead: `desktop` is one of these words, or a template. */
enum campaign_desktop {
    CAMPAIGN_DESKTOP_WEB, /* absent: the web template */
    CAMPAIGN_DESKTOP_PAGE,
    CAMPAIGN_DESKTOP_QR, /* the page with a QR code for the telephone */
    CAMPAIGN_DESKTOP_TEMPLATE,
};

/* What of a tap's query goes on to web destinations: "none" (absent), "all", or names separated by
 * spaces. It never replaces a parameter that the destination has; `s` never goes on. */
enum campaign_passthrough { PASSTHROUGH_NONE, PASSTHROUGH_ALL, PASSTHROUGH_LIST };

enum { CAMPAIGN_TEXT_BYTES_MAX = 1024 }; /* name and og_*: UTF-8, no control bytes */

struct campaign {
    struct slice id;
    struct slice text[CAMPAIGN_FIELD_COUNT]; /* empty: absent. Templates among them are checked;
                                                of numbers and status see below */
    struct slice template[CAMPAIGN_FIELD_FALLBACK + 1]; /* compiled (link/template.h): android, ios,
                                                           web and fallback. Where android or ios
                                                           is not written, it is made of
                                                           android_package or ios_app_id */
    struct slice intent; /* the android template as an intent: URL that opens the Play Store from
                            inside another app, and falls back to the template; compiled, empty
                            without android_package, when it does not lead to an app at Google Play,
                            or is too long */
    struct slice desktop_template; /* of `desktop`, when that is a template; compiled */
    enum campaign_desktop desktop;
    enum campaign_passthrough passthrough; /* PASSTHROUGH_LIST: the text is the list */
    const struct rules *rules;             /* NULL: none */
    enum link_status status;
    uint64_t starts_at;  /* Unix seconds; 0: always */
    uint64_t expires_at; /* Unix seconds; 0: never */
    unsigned faults;     /* 1 << field for every field that makes no sense */
};

/* One allocation, rules and strings behind it. hosts: links.allowed_hosts (link/hosts.h); a
 * template that leads elsewhere makes no sense. */
struct campaign *campaign_create(struct slice id, const struct slice values[CAMPAIGN_FIELD_COUNT],
                                 struct slice hosts);
void campaign_destroy(struct campaign **campaign);

const char *campaign_field_name(enum campaign_field field);

/* The campaign as lines of text (src/link/campaign_text.c). False when out has no room. */
bool campaign_write(const struct campaign *campaign, struct buf *out);

/* Reads it back, every field checked. NULL when there is no valid id in it. */
struct campaign *campaign_read(struct slice text, struct slice hosts);

/* As link_field_check(), before it is written. Refuses more than makes no sense: templates of
 * stores that would hand them a person's code or lose what they carry, and languages that never
 * fit. What stands in Redis of these goes on working. */
bool campaign_field_check(enum campaign_field field, struct slice value, struct slice schemes,
                          struct slice hosts, struct err *err);

/* Whether it makes sense where it is read. */
bool campaign_field_read(enum campaign_field field, struct slice value, struct slice schemes,
                         struct slice hosts, struct err *err);

#endif
