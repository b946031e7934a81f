/*
 * link/link.c - a link, checked and packed.
 *
 *   struct link │ times that are set, 8 bytes each │ campaign │ owner │ url, compiled
 *               │ max_clicks and used, where there is a limit
 *
 * Most links have a campaign, an owner and created_at and nothing else: 6 bytes of head and
 * those three. The campaign's id is copied, not shared: a counted reference would cost as many
 * bytes as a usual id, tie every cached link to a campaign that then could not be evicted, and
 * win nothing but one look-up.
 */
#include "link/link.h"

#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/err.h"
#include "field.h"
#include "link/code.h"
#include "link/hosts.h"
#include "link/template.h"
#include "link_layout.h"

enum {
    TIME_STARTS_AT,
    TIME_EXPIRES_AT,
    TIME_CREATED_AT,
    TIME_COUNT,
    FLAG_PAUSED = 1 << TIME_COUNT, /* below it: which times are set */
    FLAG_LIMITED = FLAG_PAUSED << 1,
    LIMIT_BYTES = 2 * sizeof(uint64_t),
};

struct link {
    uint16_t template_size;
    uint16_t faults; /* one bit a field */
    uint8_t flags;
    uint8_t campaign_size;
    uint8_t owner_size;
    char bytes[];
};

_Static_assert(LINK_FIELD_COUNT <= 16, "faults holds a bit for every field");
_Static_assert(_Alignof(struct link) == LINK_ALIGNMENT, "the cache places links by it");
_Static_assert(TEMPLATE_COMPILED_BYTES_MAX <= UINT16_MAX, "a template's size fits");
_Static_assert(CODE_BYTES_MAX < 256 && OWNER_BYTES_MAX < 256, "sizes fit a byte");

/* What a link consists of, before it is packed. */
struct link_parts {
    struct slice campaign;
    struct slice owner;
    struct slice url; /* as written */
    enum link_status status;
    uint64_t time[TIME_COUNT];
    uint64_t max_clicks; /* 0: none */
    uint64_t used;
    unsigned faults;
};

static const char *const field_names[LINK_FIELD_COUNT] = {
#define LINK_FIELD_NAME(name, text) text,
    LINK_FIELDS(LINK_FIELD_NAME)
#undef LINK_FIELD_NAME
};

static bool read_field(enum link_field field, struct slice value, struct link_parts *parts);
static struct link *pack(const struct link_parts *parts);

struct link *link_create(const struct slice values[LINK_FIELD_COUNT], struct slice hosts) {
    struct link_parts parts = {.status = LINK_ACTIVE};
    for (size_t i = 0; i < LINK_FIELD_COUNT; i++) {
        if (values[i].size > 0 && !read_field((enum link_field)i, values[i], &parts)) {
            parts.faults |= 1U << i;
        }
    }
    if (parts.url.size > 0 && !hosts_allow(hosts, parts.url, NULL)) {
        parts.url = SLICE_EMPTY;
        parts.faults |= 1U << LINK_FIELD_URL;
    }
    return pack(&parts);
}

void link_destroy(struct link **link) {
    free(*link);
    *link = NULL;
}

/* Keeps the value if it makes sense; otherwise the part stays as it is when absent. */
static bool read_field(enum link_field field, struct slice value, struct link_parts *parts) {
    switch (field) {
    case LINK_FIELD_CAMPAIGN:
        parts->campaign = field_check_id(value, NULL) ? value : SLICE_EMPTY;
        return parts->campaign.size > 0;
    case LINK_FIELD_OWNER:
        parts->owner = field_check_text(value, OWNER_BYTES_MAX, NULL) ? value : SLICE_EMPTY;
        return parts->owner.size > 0;
    case LINK_FIELD_URL:
        parts->url = template_check(value, SLICE("*"), NULL) ? value : SLICE_EMPTY;
        return parts->url.size > 0;
    case LINK_FIELD_STATUS:
        return field_check_status(value, &parts->status, NULL);
    case LINK_FIELD_STARTS_AT:
        return field_check_seconds(value, &parts->time[TIME_STARTS_AT], NULL);
    case LINK_FIELD_EXPIRES_AT:
        return field_check_seconds(value, &parts->time[TIME_EXPIRES_AT], NULL);
    case LINK_FIELD_CREATED_AT:
        return field_check_seconds(value, &parts->time[TIME_CREATED_AT], NULL);
    case LINK_FIELD_MAX_CLICKS:
        return field_check_count(value, &parts->max_clicks, NULL);
    case LINK_FIELD_USED: /* the collector's: nonsense is mended with the next click */
        (void)field_check_count(value, &parts->used, NULL);
        return true;
    case LINK_FIELD_COUNT:
        break;
    }
    return false;
}

static char *put_bytes(char *at, struct slice s) {
    if (s.size > 0) {
        memcpy(at, s.data, s.size);
    }
    return at + s.size;
}

static struct link *pack(const struct link_parts *parts) {
    char compiled[TEMPLATE_COMPILED_BYTES_MAX];
    size_t template_size =
        parts->url.size > 0 ? template_compile(parts->url, SLICE_EMPTY, compiled) : 0;
    size_t size = offsetof(struct link, bytes) + sizeof(parts->time) + parts->campaign.size +
                  parts->owner.size + template_size + LIMIT_BYTES;
    struct link *link = malloc(size > sizeof(struct link) ? size : sizeof(struct link));
    ENSURE(link != NULL);
    *link = (struct link){
        .template_size = (uint16_t)template_size,
        .faults = (uint16_t)parts->faults,
        .flags = parts->status == LINK_PAUSED ? FLAG_PAUSED : 0,
        .campaign_size = (uint8_t)parts->campaign.size,
        .owner_size = (uint8_t)parts->owner.size,
    };
    char *at = link->bytes;
    for (unsigned i = 0; i < TIME_COUNT; i++) {
        if (parts->time[i] != 0) {
            link->flags = (uint8_t)(link->flags | 1U << i);
            at = put_bytes(at, slice_make((const char *)&parts->time[i], sizeof(uint64_t)));
        }
    }
    at = put_bytes(at, parts->campaign);
    at = put_bytes(at, parts->owner);
    at = put_bytes(at, slice_make(compiled, template_size));
    if (parts->max_clicks > 0) {
        const uint64_t limit[] = {parts->max_clicks, parts->used};
        link->flags = (uint8_t)(link->flags | FLAG_LIMITED);
        put_bytes(at, slice_make((const char *)limit, sizeof(limit)));
    }
    return link;
}

/* How many bytes the times take whose bits are set in flags. Every accessor asks, so it is a
 * look-up: in a number that has two bits for each of the eight sets. */
static inline size_t times_bytes(unsigned flags) {
    const unsigned counts = 0xE994; /* from the right: 0 1 1 2 1 2 2 3 */
    _Static_assert(TIME_COUNT == 3, "a set of times is three bits");
    return (counts >> 2 * (flags & ((1U << TIME_COUNT) - 1)) & 3) * sizeof(uint64_t);
}

static uint64_t time_of(const struct link *link, unsigned which) {
    uint64_t seconds = 0;
    if ((link->flags & 1U << which) != 0) {
        size_t at = times_bytes(link->flags & ((1U << which) - 1));
        memcpy(&seconds, link->bytes + at, sizeof(seconds));
    }
    return seconds;
}

size_t link_bytes(const struct link *link) {
    return offsetof(struct link, bytes) + times_bytes(link->flags) + link->campaign_size +
           link->owner_size + link->template_size +
           ((link->flags & FLAG_LIMITED) != 0 ? LIMIT_BYTES : 0);
}

struct link *link_copy(const struct link *link) {
    struct link *copy = malloc(link_bytes(link));
    ENSURE(copy != NULL);
    memcpy(copy, link, link_bytes(link));
    return copy;
}

struct slice link_campaign(const struct link *link) {
    return slice_make(link->bytes + times_bytes(link->flags), link->campaign_size);
}

struct slice link_owner(const struct link *link) {
    return slice_make(link->bytes + times_bytes(link->flags) + link->campaign_size,
                      link->owner_size);
}

struct slice link_template(const struct link *link) {
    return slice_make(link->bytes + times_bytes(link->flags) + link->campaign_size +
                          link->owner_size,
                      link->template_size);
}

enum link_status link_status(const struct link *link) {
    return (link->flags & FLAG_PAUSED) != 0 ? LINK_PAUSED : LINK_ACTIVE;
}

uint64_t link_starts_at(const struct link *link) {
    return time_of(link, TIME_STARTS_AT);
}

uint64_t link_expires_at(const struct link *link) {
    return time_of(link, TIME_EXPIRES_AT);
}

uint64_t link_created_at(const struct link *link) {
    return time_of(link, TIME_CREATED_AT);
}

/* max_clicks and used. */
static void limit_of(const struct link *link, uint64_t limit[2]) {
    struct slice before = link_template(link);
    memcpy(limit, before.data + before.size, LIMIT_BYTES);
}

uint64_t link_max_clicks(const struct link *link) {
    uint64_t limit[2] = {0};
    if ((link->flags & FLAG_LIMITED) != 0) {
        limit_of(link, limit);
    }
    return limit[0];
}

bool link_is_used_up(const struct link *link) {
    uint64_t limit[2];
    if (LIKELY((link->flags & FLAG_LIMITED) == 0)) {
        return false;
    }
    limit_of(link, limit);
    return limit[1] >= limit[0];
}

unsigned link_faults(const struct link *link) {
    return link->faults;
}

const char *link_field_name(enum link_field field) {
    ENSURE((size_t)field < LINK_FIELD_COUNT);
    return field_names[field];
}

static bool check_value(enum link_field field, struct slice value, struct slice schemes,
                        struct slice hosts, struct err *err) {
    enum link_status status;
    uint64_t seconds;
    switch (field) {
    case LINK_FIELD_CAMPAIGN:
        return field_check_id(value, err);
    case LINK_FIELD_OWNER:
        return field_check_text(value, OWNER_BYTES_MAX, err);
    case LINK_FIELD_URL:
        return template_check(value, schemes, err) && hosts_allow(hosts, value, err);
    case LINK_FIELD_STATUS:
        return field_check_status(value, &status, err);
    case LINK_FIELD_STARTS_AT:
    case LINK_FIELD_EXPIRES_AT:
    case LINK_FIELD_CREATED_AT:
        return field_check_seconds(value, &seconds, err);
    case LINK_FIELD_MAX_CLICKS:
    case LINK_FIELD_USED:
        return field_check_count(value, &seconds, err);
    case LINK_FIELD_COUNT:
        break;
    }
    return false;
}

bool link_field_check(enum link_field field, struct slice value, struct slice schemes,
                      struct slice hosts, struct err *err) {
    if (value.size == 0 || check_value(field, value, schemes, hosts, err)) {
        return true;
    }
    return err_prefix(err, "%s", link_field_name(field));
}
