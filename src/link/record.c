/*
 * record.c - names, JSON and checks of links and campaigns.
 */
#include "link/record.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/defs.h"
#include "base/err.h"
#include "field.h"
#include "link/rules.h"
#include "link/store.h"
#include "link/template.h"
#include "scheme.h"

#define FIELD_NAME(name, text) text,
static const char *const link_names[] = {LINK_FIELDS(FIELD_NAME)};
static const char *const campaign_names[] = {CAMPAIGN_FIELDS(FIELD_NAME)};
#undef FIELD_NAME

static const struct record_shape shapes[] = {
    [RECORD_LINK] = {"link", "code", "code", {"link:", 5}, link_names, LINK_FIELD_COUNT},
    [RECORD_CAMPAIGN] =
        {"campaign", "id", "campaign", {"campaign:", 9}, campaign_names, CAMPAIGN_FIELD_COUNT},
};

static bool check_link(const struct record_change *change, size_t *field, struct err *err);
static bool check_campaign(const struct record_change *change, size_t *field, struct err *err);

const struct record_shape *record_shape(enum record_kind kind) {
    return &shapes[kind];
}

int record_find_field(enum record_kind kind, struct slice name) {
    const struct record_shape *shape = record_shape(kind);
    if (slice_equal(name, slice_of(shape->id_name))) {
        return RECORD_ID;
    }
    for (size_t i = 0; i < shape->count; i++) {
        if (slice_equal(name, slice_of(shape->names[i]))) {
            return (int)i;
        }
    }
    return RECORD_UNKNOWN;
}

bool record_field_is_ours(enum record_kind kind, size_t field) {
    return kind == RECORD_LINK && field == LINK_FIELD_USED;
}

bool record_is_time(const char *name) {
    size_t size = strlen(name);
    return size > 3 && strcmp(name + size - 3, "_at") == 0;
}

bool record_read_time(const char *name, struct slice value, uint64_t *seconds) {
    return record_is_time(name) && slice_to_u64(value, FIELD_SECONDS_MAX, seconds);
}

/* --- JSON ----------------------------------------------------------------------------------- */

struct record_view record_view(enum record_kind kind, struct slice id, const struct slice *values) {
    const struct record_shape *shape = record_shape(kind);
    return (struct record_view){.id_name = shape->id_name,
                                .id = id,
                                .names = shape->names,
                                .values = values,
                                .count = shape->count};
}

struct record_view record_view_link(struct slice code, const struct link_fields *fields) {
    return record_view(RECORD_LINK, code, fields->value);
}

struct record_view record_view_campaign(struct slice id, const struct campaign_fields *fields) {
    return record_view(RECORD_CAMPAIGN, id, fields->value);
}

bool record_is_count(const char *name) {
    return strcmp(name, link_names[LINK_FIELD_MAX_CLICKS]) == 0 ||
           strcmp(name, link_names[LINK_FIELD_USED]) == 0;
}

bool record_is_json(const char *name) {
    return strcmp(name, campaign_names[CAMPAIGN_FIELD_RULES]) == 0;
}

/* Whether it is shown as it is; else it is a string. */
static bool append_number(const char *name, struct slice value, struct buf *out) {
    uint64_t number;
    bool is_number = record_read_time(name, value, &number) ||
                     (record_is_count(name) && field_check_count(value, &number, NULL));
    if (is_number) {
        buf_printf(out, ",\"%s\":%" PRIu64, name, number);
    }
    return is_number;
}

/* Where they may lead is nobody's business here. */
static bool append_rules(const char *name, struct slice value, struct buf *out) {
    static const struct rules_terms any = {.schemes = {"*", 1}};
    size_t size = out->size;
    if (!record_is_json(name)) {
        return false;
    }
    buf_printf(out, ",\"%s\":", name);
    if (!rules_normalize(value, &any, out, NULL)) {
        out->size = size;
        return false;
    }
    return true;
}

static void append_member(const char *name, struct slice value, struct buf *out) {
    if (append_number(name, value, out) || append_rules(name, value, out)) {
        return;
    }
    buf_printf(out, ",\"%s\":\"", name);
    buf_append_json(out, value);
    buf_append_char(out, '"');
}

bool record_json(const struct record_view *view, struct buf *out) {
    buf_printf(out, "{\"%s\":\"", view->id_name);
    buf_append_json(out, view->id);
    buf_append_char(out, '"');
    for (size_t i = 0; i < view->count; i++) {
        if (view->values[i].data != NULL) {
            append_member(view->names[i], view->values[i], out);
        }
    }
    buf_append_char(out, '}');
    return !out->overflowed;
}

/* --- checks --------------------------------------------------------------------------------- */

bool record_check(const struct record_change *change, size_t *field, struct err *err) {
    size_t ignored;
    field = field != NULL ? field : &ignored;
    return (change->kind == RECORD_LINK ? check_link : check_campaign)(change, field, err);
}

static bool is_checked(const struct record_change *change, size_t field) {
    return (change->given & 1U << field) != 0 ||
           !slice_equal(change->before[field], change->after[field]);
}

/* A url that stays must suit a campaign that does not. */
static bool check_link(const struct record_change *change, size_t *field, struct err *err) {
    const struct slice *after = change->after;
    *field = LINK_FIELD_CAMPAIGN;
    if (after[LINK_FIELD_CAMPAIGN].size == 0 && after[LINK_FIELD_URL].size == 0) {
        return err_set(err, "it would lead nowhere: a link needs a campaign or a url");
    }
    for (size_t i = 0; i < LINK_FIELD_COUNT; i++) {
        bool is_asked = is_checked(change, i) ||
                        (i == LINK_FIELD_URL && is_checked(change, LINK_FIELD_CAMPAIGN));
        *field = i;
        if (is_asked &&
            !link_field_check((enum link_field)i, after[i], change->schemes, change->hosts, err)) {
            return false;
        }
    }
    return true;
}

/* A list that makes no sense (written by other hands) allows nothing, as when it is read. */
static struct slice sensible(struct slice schemes) {
    return scheme_list_check(schemes, NULL) ? schemes : SLICE_EMPTY;
}

static bool suits(enum campaign_field field, struct slice value, struct slice schemes) {
    return field == CAMPAIGN_FIELD_RULES || field == CAMPAIGN_FIELD_DESKTOP
               ? campaign_field_read(field, value, sensible(schemes), SLICE_EMPTY, NULL)
               : template_scheme_is_allowed(value, schemes);
}

/* Other schemes must still allow the templates that stay. Those that make no sense anyway are not
 * in the way. */
static bool check_schemes(const struct record_change *change, struct err *err) {
    static const enum campaign_field templates[] = {CAMPAIGN_FIELD_ANDROID, CAMPAIGN_FIELD_IOS,
                                                    CAMPAIGN_FIELD_WEB,     CAMPAIGN_FIELD_FALLBACK,
                                                    CAMPAIGN_FIELD_DESKTOP, CAMPAIGN_FIELD_RULES};
    struct slice before = change->before[CAMPAIGN_FIELD_SCHEMES];
    struct slice after = change->after[CAMPAIGN_FIELD_SCHEMES];
    for (size_t i = 0; i < ARRAY_COUNT(templates); i++) {
        struct slice stays = change->after[templates[i]];
        if (stays.size > 0 && !is_checked(change, templates[i]) &&
            suits(templates[i], stays, before) && !suits(templates[i], stays, after)) {
            const char *name = campaign_field_name(templates[i]);
            return err_set(err, "schemes: without the one that %s uses; change %s first", name,
                           name);
        }
    }
    return true;
}

static bool check_campaign(const struct record_change *change, size_t *field, struct err *err) {
    struct slice schemes = sensible(change->after[CAMPAIGN_FIELD_SCHEMES]);
    for (size_t i = 0; i < CAMPAIGN_FIELD_COUNT; i++) {
        *field = i;
        if (is_checked(change, i) && !campaign_field_check((enum campaign_field)i, change->after[i],
                                                           schemes, change->hosts, err)) {
            return false;
        }
    }
    *field = CAMPAIGN_FIELD_SCHEMES;
    return !is_checked(change, CAMPAIGN_FIELD_SCHEMES) || check_schemes(change, err);
}

bool record_never_opens(enum record_kind kind, const struct slice *values) {
    bool is_link = kind == RECORD_LINK;
    size_t starts_at = is_link ? (size_t)LINK_FIELD_STARTS_AT : (size_t)CAMPAIGN_FIELD_STARTS_AT;
    size_t expires_at = is_link ? (size_t)LINK_FIELD_EXPIRES_AT : (size_t)CAMPAIGN_FIELD_EXPIRES_AT;
    uint64_t opens_s;
    uint64_t shuts_s;
    return slice_to_u64(values[starts_at], FIELD_SECONDS_MAX, &opens_s) &&
           slice_to_u64(values[expires_at], FIELD_SECONDS_MAX, &shuts_s) && shuts_s > 0 &&
           opens_s >= shuts_s;
}
