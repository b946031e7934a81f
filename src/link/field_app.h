/*
 * field_app.h - the kinds of values that say which app a campaign is for, and what it may do:
 * private to the room. As field.h: true, or false and a sentence in err without the field's name.
 */
#ifndef FIELD_APP_H
#define FIELD_APP_H

#include <stdbool.h>

#include "base/slice.h"

struct err;

enum {
    APP_PACKAGE_BYTES_MAX = 255,
    APP_FINGERPRINTS_MAX = 10,
    APP_FINGERPRINT_BYTES = 32 * 3 - 1, /* AA:BB:..., a SHA-256 */
    APP_NUMBER_DIGITS_MAX = 15,
    APP_PROVIDER_DIGITS_MAX = 15,
    APP_CAMPAIGN_BYTES_MAX = 30, /* the App Store's ct */
    APP_TEAM_BYTES = 10,
    APP_BUNDLE_BYTES_MAX = 155,
    APP_PARAMETERS_MAX = 32, /* of passthrough */
    APP_PARAMETER_BYTES_MAX = 64,
    APP_EVENTS_MAX = 32,
    APP_EVENT_BYTES_MAX = 32, /* as click/conversion.h has it */
};

/* A package of Android: two parts or more between dots, each of letters, digits and underscores
 * that begins with a letter. */
bool app_check_package(struct slice value, struct err *err);

/* Fingerprints, separated by spaces. */
bool app_check_fingerprints(struct slice value, struct err *err);

/* The App Store's number, TEAMID.BUNDLE, or both. */
bool app_check_ios_id(struct slice value, struct err *err);

/* The number in such a text; empty: there is none. */
struct slice app_number(struct slice ios_id);

bool app_check_provider(struct slice value, struct err *err);

/* What App Store Connect takes as a campaign's name, braces apart: they would be a placeholder. */
bool app_check_ios_campaign(struct slice value, struct err *err);

/* none, all, or names of parameters. */
bool app_check_passthrough(struct slice value, struct err *err);

/* Names of conversions. */
bool app_check_events(struct slice value, struct err *err);

/* An https or http URL without placeholders. Whether http may be used is a matter of the process
 * that sends (webhooks.allowed_hosts). */
bool app_check_webhook(struct slice value, struct err *err);

#endif
