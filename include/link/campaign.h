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

/* The fields of campaign:ID, in the order in which they are asked for with HMGET. schemes:
 * what templates may begin with beside https, separated by spaces. */
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
    X(SCHEMES, "schemes")

#define CAMPAIGN_FIELD_ENUM(name, text) CAMPAIGN_FIELD_##name,
enum campaign_field { CAMPAIGN_FIELDS(CAMPAIGN_FIELD_ENUM) CAMPAIGN_FIELD_COUNT };

enum { CAMPAIGN_TEXT_BYTES_MAX = 1024 }; /* name and og_*: UTF-8, no control bytes */

struct campaign {
    struct slice id;
    struct slice text[CAMPAIGN_FIELD_COUNT]; /* empty: absent. Templates among them are checked;
                                                of numbers and status see below */
    struct slice template[CAMPAIGN_FIELD_FALLBACK + 1]; /* the same compiled (link/template.h): of
                                                           android, ios, web and fallback */
    enum link_status status;
    uint64_t starts_at;  /* Unix seconds; 0: always */
    uint64_t expires_at; /* Unix seconds; 0: never */
    unsigned faults;     /* 1 << field for every field that makes no sense */
};

/* One allocation, the strings behind it. */
struct campaign *campaign_create(struct slice id, const struct slice values[CAMPAIGN_FIELD_COUNT]);
void campaign_destroy(struct campaign **campaign);

const char *campaign_field_name(enum campaign_field field);

/* The campaign as lines of text (src/link/campaign_text.c). False when out has no room. */
bool campaign_write(const struct campaign *campaign, struct buf *out);

/* Reads it back, every field checked. NULL when there is no valid id in it. */
struct campaign *campaign_read(struct slice text);

/* As link_field_check(). */
bool campaign_field_check(enum campaign_field field, struct slice value, struct slice schemes,
                          struct err *err);

#endif
