/*
 * link/campaign.c - a campaign, checked and packed.
 *
 *   struct campaign │ struct rules and what it holds │ id │ texts │ compiled templates
 *
 * `schemes` is read before the templates, which may use what it lists; when it makes no sense,
 * they may use https alone.
 */
#include "link/campaign.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/defs.h"
#include "base/err.h"
#include "campaign_urls.h"
#include "field.h"
#include "field_app.h"
#include "link/checks.h"
#include "link/code.h"
#include "link/hosts.h"
#include "link/template.h"
#include "rules_private.h"
#include "scheme.h"
#include "template_store.h"

_Static_assert(CAMPAIGN_FIELD_COUNT <= 32, "faults holds a bit for every field");

static const char *const field_names[CAMPAIGN_FIELD_COUNT] = {
#define CAMPAIGN_FIELD_NAME(name, text) text,
    CAMPAIGN_FIELDS(CAMPAIGN_FIELD_NAME)
#undef CAMPAIGN_FIELD_NAME
};

/* What a campaign consists of, before it is packed. */
struct parts {
    struct campaign campaign; /* its texts are borrowed */
    struct rules_terms terms;
    json_t *rules; /* NULL: none */
    size_t rules_bytes;
    struct buf rules_text; /* as they are stored, on one line */
};

static bool read_field(enum campaign_field field, struct slice value, struct parts *parts);
static bool check_value(enum campaign_field field, struct slice value,
                        const struct rules_terms *terms, struct err *err);
static struct campaign *pack(struct parts *parts);

struct campaign *campaign_create(struct slice id, const struct slice values[CAMPAIGN_FIELD_COUNT],
                                 struct slice hosts) {
    ENSURE(code_is_valid(id));
    struct parts parts = {.campaign = {.id = id, .status = LINK_ACTIVE},
                          .terms = {.campaign = id, .hosts = hosts}};
    struct slice schemes = values[CAMPAIGN_FIELD_SCHEMES];
    if (schemes.size > 0 && scheme_list_check(schemes, NULL)) {
        parts.terms.schemes = schemes;
    }
    buf_init(&parts.rules_text, RULES_BYTES_MAX);
    for (size_t i = 0; i < CAMPAIGN_FIELD_COUNT; i++) {
        if (values[i].size > 0 && !read_field((enum campaign_field)i, values[i], &parts)) {
            parts.campaign.faults |= 1U << i;
        }
    }
    struct campaign *campaign = pack(&parts);
    buf_fini(&parts.rules_text);
    json_decref(parts.rules);
    return campaign;
}

void campaign_destroy(struct campaign **campaign) {
    free(*campaign);
    *campaign = NULL;
}

static bool read_rules(struct slice value, struct parts *parts) {
    json_t *root = rules_parse(value, NULL);
    size_t size = root != NULL ? rules_pack(root, &parts->terms, NULL, NULL) : 0;
    if (size == 0 || !rules_dump(root, &parts->rules_text)) {
        json_decref(root);
        return false;
    }
    parts->rules = root;
    parts->rules_bytes = size;
    parts->campaign.text[CAMPAIGN_FIELD_RULES] = buf_slice(&parts->rules_text);
    return true;
}

static enum campaign_desktop desktop_of(struct slice value) {
    if (slice_equal(value, SLICE("page"))) {
        return CAMPAIGN_DESKTOP_PAGE;
    }
    return slice_equal(value, SLICE("qr")) ? CAMPAIGN_DESKTOP_QR : CAMPAIGN_DESKTOP_TEMPLATE;
}

/* Keeps the value if it makes sense; numbers and status have members of their own. */
static bool read_field(enum campaign_field field, struct slice value, struct parts *parts) {
    struct campaign *campaign = &parts->campaign;
    if (field == CAMPAIGN_FIELD_STATUS) {
        return field_check_status(value, &campaign->status, NULL);
    }
    if (field == CAMPAIGN_FIELD_STARTS_AT) {
        return field_check_seconds(value, &campaign->starts_at, NULL);
    }
    if (field == CAMPAIGN_FIELD_EXPIRES_AT) {
        return field_check_seconds(value, &campaign->expires_at, NULL);
    }
    if (field == CAMPAIGN_FIELD_RULES) {
        return read_rules(value, parts);
    }
    if (!check_value(field, value, &parts->terms, NULL)) {
        return false;
    }
    campaign->text[field] = value;
    if (field == CAMPAIGN_FIELD_DESKTOP) {
        campaign->desktop = desktop_of(value);
    } else if (field == CAMPAIGN_FIELD_PASSTHROUGH) {
        campaign->passthrough = slice_equal(value, SLICE("none"))  ? PASSTHROUGH_NONE
                                : slice_equal(value, SLICE("all")) ? PASSTHROUGH_ALL
                                                                   : PASSTHROUGH_LIST;
    }
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

static bool check_template(struct slice value, const struct rules_terms *terms, struct err *err) {
    return template_check(value, terms->schemes, err) && hosts_allow(terms->hosts, value, err) &&
           (!terms->is_written || template_store_check(value, err));
}

static bool check_desktop(struct slice value, const struct rules_terms *terms, struct err *err) {
    if (value.size <= TEMPLATE_BYTES_MAX && desktop_of(value) != CAMPAIGN_DESKTOP_TEMPLATE) {
        return true;
    }
    if (value.size <= TEMPLATE_BYTES_MAX && slice_find(value, SLICE(":")) == SIZE_MAX) {
        return err_set(err, "allowed are page, qr, and URLs like https://example.com/");
    }
    return check_template(value, terms, err);
}

static bool check_rules(struct slice value, const struct rules_terms *terms, struct err *err) {
    json_t *root = rules_parse(value, err);
    bool is_good = root != NULL && rules_pack(root, terms, NULL, err) > 0;
    json_decref(root);
    return is_good;
}

/* What says which app a campaign is for, and what it does with it. */
static bool check_app(enum campaign_field field, struct slice value,
                      const struct rules_terms *terms, struct err *err) {
    static bool (*const checks[CAMPAIGN_FIELD_COUNT])(struct slice value, struct err * err) = {
        [CAMPAIGN_FIELD_ANDROID_PACKAGE] = app_check_package,
        [CAMPAIGN_FIELD_ANDROID_FINGERPRINTS] = app_check_fingerprints,
        [CAMPAIGN_FIELD_IOS_APP_ID] = app_check_ios_id,
        [CAMPAIGN_FIELD_IOS_PROVIDER] = app_check_provider,
        [CAMPAIGN_FIELD_IOS_CAMPAIGN] = app_check_ios_campaign,
        [CAMPAIGN_FIELD_PASSTHROUGH] = app_check_passthrough,
        [CAMPAIGN_FIELD_EVENTS] = app_check_events,
        [CAMPAIGN_FIELD_WEBHOOK] = app_check_webhook,
    };
    struct checks thresholds;
    if (field == CAMPAIGN_FIELD_DESKTOP) {
        return check_desktop(value, terms, err);
    }
    if (field == CAMPAIGN_FIELD_RULES) {
        return check_rules(value, terms, err);
    }
    if (field == CAMPAIGN_FIELD_CHECKS) {
        return checks_read(value, &thresholds, err);
    }
    return checks[field](value, err);
}

static bool check_value(enum campaign_field field, struct slice value,
                        const struct rules_terms *terms, struct err *err) {
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
        return check_template(value, terms, err);
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
        return check_app(field, value, terms, err);
    case CAMPAIGN_FIELD_COUNT:
        break;
    }
    return false;
}

/* --- packing -------------------------------------------------------------------------------- */

struct compiled {
    char bytes[TEMPLATE_COMPILED_BYTES_MAX];
};

/* The store's URL stands in for what is not written. */
static struct slice template_text(const struct campaign *campaign, size_t field, struct buf *made) {
    if (campaign->text[field].size > 0) {
        return campaign->text[field];
    }
    if (field == CAMPAIGN_FIELD_ANDROID) {
        return campaign_play_url(campaign, made);
    }
    return field == CAMPAIGN_FIELD_IOS ? campaign_app_store_url(campaign, made) : SLICE_EMPTY;
}

static struct slice compile(struct slice text, struct slice id, struct compiled *to) {
    size_t size = text.size > 0 ? template_compile(text, id, to->bytes) : 0;
    return size > 0 ? slice_make(to->bytes, size) : SLICE_EMPTY;
}

/* All but the last two of compiled belong to a field each. */
enum { COMPILED_INTENT = CAMPAIGN_FIELD_FALLBACK + 1, COMPILED_DESKTOP, COMPILED_COUNT };

static void compile_all(struct campaign *campaign, struct compiled compiled[COMPILED_COUNT]) {
    char bytes[CAMPAIGN_URL_BYTES_MAX];
    for (size_t i = CAMPAIGN_FIELD_ANDROID; i <= CAMPAIGN_FIELD_FALLBACK; i++) {
        struct buf made = buf_over(bytes, sizeof(bytes));
        struct slice text = template_text(campaign, i, &made);
        campaign->template[i] = compile(text, campaign->id, &compiled[i]);
        bool has_package = campaign->text[CAMPAIGN_FIELD_ANDROID_PACKAGE].size > 0;
        if (i == CAMPAIGN_FIELD_ANDROID && text.size > 0 && has_package) {
            char *to = compiled[COMPILED_INTENT].bytes;
            size_t size = template_compile_intent(text, campaign->id, to);
            campaign->intent = size > 0 ? slice_make(to, size) : SLICE_EMPTY;
        }
    }
    if (campaign->desktop == CAMPAIGN_DESKTOP_TEMPLATE) {
        campaign->desktop_template = compile(campaign->text[CAMPAIGN_FIELD_DESKTOP], campaign->id,
                                             &compiled[COMPILED_DESKTOP]);
    }
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

/* As they stand in association files. */
static struct slice move_upper(char **at, struct slice s) {
    char *bytes = *at;
    struct slice moved = move_bytes(at, s);
    for (size_t i = 0; i < s.size; i++) {
        bytes[i] = bytes[i] >= 'a' && bytes[i] <= 'z' ? (char)(bytes[i] - 'a' + 'A') : bytes[i];
    }
    return moved;
}

static size_t bytes_of(const struct parts *parts) {
    const struct campaign *campaign = &parts->campaign;
    size_t size = sizeof(*campaign) + parts->rules_bytes + campaign->id.size +
                  campaign->intent.size + campaign->desktop_template.size;
    for (size_t i = 0; i < CAMPAIGN_FIELD_COUNT; i++) {
        size += campaign->text[i].size;
    }
    for (size_t i = 0; i < ARRAY_COUNT(campaign->template); i++) {
        size += campaign->template[i].size;
    }
    return size;
}

_Static_assert(sizeof(struct campaign) % sizeof(void *) == 0, "rules behind it are aligned");

static struct campaign *pack(struct parts *parts) {
    struct compiled compiled[COMPILED_COUNT];
    compile_all(&parts->campaign, compiled);
    struct campaign *campaign = malloc(bytes_of(parts));
    ENSURE(campaign != NULL);
    *campaign = parts->campaign;
    char *at = (char *)(campaign + 1);
    if (parts->rules != NULL) {
        ENSURE(rules_pack(parts->rules, &parts->terms, at, NULL) == parts->rules_bytes);
        campaign->rules = (const struct rules *)(campaign + 1);
        at += parts->rules_bytes;
    }
    campaign->id = move_bytes(&at, campaign->id);
    for (size_t i = 0; i < CAMPAIGN_FIELD_COUNT; i++) {
        campaign->text[i] = (i == CAMPAIGN_FIELD_ANDROID_FINGERPRINTS ? move_upper : move_bytes)(
            &at, campaign->text[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(campaign->template); i++) {
        campaign->template[i] = move_bytes(&at, campaign->template[i]);
    }
    campaign->intent = move_bytes(&at, campaign->intent);
    campaign->desktop_template = move_bytes(&at, campaign->desktop_template);
    return campaign;
}

const char *campaign_field_name(enum campaign_field field) {
    ENSURE((size_t)field < CAMPAIGN_FIELD_COUNT);
    return field_names[field];
}

static bool check_named(enum campaign_field field, struct slice value,
                        const struct rules_terms *terms, struct err *err) {
    return value.size == 0 || check_value(field, value, terms, err) ||
           err_prefix(err, "%s", campaign_field_name(field));
}

bool campaign_field_check(enum campaign_field field, struct slice value, struct slice schemes,
                          struct slice hosts, struct err *err) {
    const struct rules_terms terms = {.schemes = schemes, .hosts = hosts, .is_written = true};
    return check_named(field, value, &terms, err);
}

bool campaign_field_read(enum campaign_field field, struct slice value, struct slice schemes,
                         struct slice hosts, struct err *err) {
    const struct rules_terms terms = {.schemes = schemes, .hosts = hosts};
    return check_named(field, value, &terms, err);
}
