/*
 * link/campaign.c - a campaign, checked and packed.
 *
 * `schemes` is read before the templates, which may use what it lists; when it makes no sense,
 * they may use https alone.
 */
#include "link/campaign.h"

#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/err.h"
#include "field.h"
#include "link/code.h"
#include "link/template.h"
#include "scheme.h"

static const char *const field_names[CAMPAIGN_FIELD_COUNT] = {
#define CAMPAIGN_FIELD_NAME(name, text) text,
    CAMPAIGN_FIELDS(CAMPAIGN_FIELD_NAME)
#undef CAMPAIGN_FIELD_NAME
};

static bool read_field(enum campaign_field field, struct slice value, struct campaign *campaign);
static bool check_value(enum campaign_field field, struct slice value, struct slice schemes,
                        struct err *err);
static struct campaign *pack(struct campaign *parts);

struct campaign *campaign_create(struct slice id, const struct slice values[CAMPAIGN_FIELD_COUNT]) {
    ENSURE(code_is_valid(id));
    struct campaign parts = {.id = id, .status = LINK_ACTIVE};
    struct slice schemes = values[CAMPAIGN_FIELD_SCHEMES];
    if (schemes.size > 0 && scheme_list_check(schemes, NULL)) {
        parts.text[CAMPAIGN_FIELD_SCHEMES] = schemes;
    }
    for (size_t i = 0; i < CAMPAIGN_FIELD_COUNT; i++) {
        if (values[i].size > 0 && !read_field((enum campaign_field)i, values[i], &parts)) {
            parts.faults |= 1U << i;
        }
    }
    return pack(&parts);
}

void campaign_destroy(struct campaign **campaign) {
    free(*campaign);
    *campaign = NULL;
}

/* Keeps the value if it makes sense; numbers and status have members of their own. */
static bool read_field(enum campaign_field field, struct slice value, struct campaign *campaign) {
    if (field == CAMPAIGN_FIELD_STATUS) {
        return field_check_status(value, &campaign->status, NULL);
    }
    if (field == CAMPAIGN_FIELD_STARTS_AT) {
        return field_check_seconds(value, &campaign->starts_at, NULL);
    }
    if (field == CAMPAIGN_FIELD_EXPIRES_AT) {
        return field_check_seconds(value, &campaign->expires_at, NULL);
    }
    if (!check_value(field, value, campaign->text[CAMPAIGN_FIELD_SCHEMES], NULL)) {
        return false;
    }
    campaign->text[field] = value;
    return true;
}

static bool check_image(struct slice value, struct err *err) {
    if (value.size > CAMPAIGN_TEXT_BYTES_MAX) {
        return err_set(err, "longer than %d bytes", CAMPAIGN_TEXT_BYTES_MAX);
    }
    if (memchr(value.data, '{', value.size) != NULL) {
        return err_set(err, "placeholders are not allowed here");
    }
    return template_check(value, SLICE_EMPTY, err);
}

static bool check_value(enum campaign_field field, struct slice value, struct slice schemes,
                        struct err *err) {
    enum link_status status;
    uint64_t seconds;
    switch (field) {
    case CAMPAIGN_FIELD_NAME:
    case CAMPAIGN_FIELD_OG_TITLE:
    case CAMPAIGN_FIELD_OG_DESCRIPTION:
        return field_check_text(value, CAMPAIGN_TEXT_BYTES_MAX, err);
    case CAMPAIGN_FIELD_ANDROID:
    case CAMPAIGN_FIELD_IOS:
    case CAMPAIGN_FIELD_WEB:
    case CAMPAIGN_FIELD_FALLBACK:
        return template_check(value, schemes, err);
    case CAMPAIGN_FIELD_OG_IMAGE:
        return check_image(value, err);
    case CAMPAIGN_FIELD_STATUS:
        return field_check_status(value, &status, err);
    case CAMPAIGN_FIELD_STARTS_AT:
    case CAMPAIGN_FIELD_EXPIRES_AT:
        return field_check_seconds(value, &seconds, err);
    case CAMPAIGN_FIELD_SCHEMES:
        return scheme_list_check(value, err);
    case CAMPAIGN_FIELD_ANDROID_PACKAGE:
    case CAMPAIGN_FIELD_ANDROID_FINGERPRINTS:
    case CAMPAIGN_FIELD_IOS_APP_ID:
    case CAMPAIGN_FIELD_IOS_PROVIDER:
    case CAMPAIGN_FIELD_IOS_CAMPAIGN:
    case CAMPAIGN_FIELD_DESKTOP:
    case CAMPAIGN_FIELD_RULES:
    case CAMPAIGN_FIELD_PASSTHROUGH:
    case CAMPAIGN_FIELD_EVENTS:
    case CAMPAIGN_FIELD_CHECKS:
    case CAMPAIGN_FIELD_WEBHOOK:
        return field_check_text(value, CAMPAIGN_TEXT_BYTES_MAX, err);
    case CAMPAIGN_FIELD_COUNT:
        break;
    }
    return false;
}

static struct slice move_bytes(char **at, struct slice s) {
    struct slice moved = slice_make(*at, s.size);
    if (s.size == 0) {
        return SLICE_EMPTY;
    }
    memcpy(*at, s.data, s.size);
    *at += s.size;
    return moved;
}

static bool is_template(size_t field) {
    return field >= CAMPAIGN_FIELD_ANDROID && field <= CAMPAIGN_FIELD_FALLBACK;
}

static struct campaign *pack(struct campaign *parts) {
    char compiled[CAMPAIGN_FIELD_FALLBACK + 1][TEMPLATE_COMPILED_BYTES_MAX];
    size_t size = sizeof(struct campaign) + parts->id.size;
    for (size_t i = 0; i < CAMPAIGN_FIELD_COUNT; i++) {
        if (is_template(i) && parts->text[i].size > 0) {
            size_t bytes = template_compile(parts->text[i], parts->id, compiled[i]);
            parts->template[i] = slice_make(compiled[i], bytes);
            size += bytes;
        }
        size += parts->text[i].size;
    }
    struct campaign *campaign = malloc(size);
    ENSURE(campaign != NULL);
    *campaign = *parts;
    char *at = (char *)(campaign + 1);
    campaign->id = move_bytes(&at, parts->id);
    for (size_t i = 0; i < CAMPAIGN_FIELD_COUNT; i++) {
        campaign->text[i] = move_bytes(&at, parts->text[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(campaign->template); i++) {
        campaign->template[i] = move_bytes(&at, parts->template[i]);
    }
    return campaign;
}

const char *campaign_field_name(enum campaign_field field) {
    ENSURE((size_t)field < CAMPAIGN_FIELD_COUNT);
    return field_names[field];
}

bool campaign_field_check(enum campaign_field field, struct slice value, struct slice schemes,
                          struct err *err) {
    if (value.size == 0 || check_value(field, value, schemes, err)) {
        return true;
    }
    return err_prefix(err, "%s", campaign_field_name(field));
}
