/*
 * query_lists.c - names of lists, values of cells, and filters on them.
 */
#include "query_lists.h"

#include "base/err.h"
#include "stats/cell.h"
#include "stats/report.h"

enum { SHOWN_BYTES_MAX = 64 };

#define LIST_NAME(name, text) text,
static const char *const names[] = {STATS_LISTS(LIST_NAME)};

/* The first seven lists are the texts of a cell, in its order. */
#define CELL_TEXT_IS_LIST(name, text)                                                              \
    _Static_assert((int)STATS_BY_##name == (int)CELL_##name, "in the order of a cell");
CELL_TEXTS(CELL_TEXT_IS_LIST)

static const bool may_be_none[STATS_LIST_COUNT] = {
    [STATS_BY_IN_APP] = true,
    [STATS_BY_REFERRER] = true,
    [STATS_BY_SOURCE] = true,
    [STATS_BY_CAMPAIGN] = true,
};

static bool add_filter(struct stats_query *query, struct slice *rest, struct err *err);
static bool take_value(struct stats_query *query, struct slice *rest, struct stats_filter *filter,
                       struct err *err);
static bool check_word(enum stats_list list, struct slice value, struct err *err);
static size_t filter_bytes_used(const struct stats_query *query);

const char *stats_list_name(enum stats_list list) {
    ENSURE((unsigned)list < STATS_LIST_COUNT);
    return names[list];
}

bool query_find_list(struct slice name, enum stats_list *list) {
    for (size_t i = 0; i < STATS_LIST_COUNT; i++) {
        if (slice_equal(name, slice_of(names[i]))) {
            *list = (enum stats_list)i;
            return true;
        }
    }
    return false;
}

struct slice query_shown_text(enum stats_list list, struct slice text) {
    if (text.size == 0) {
        return may_be_none[list] ? SLICE("none") : SLICE("unknown");
    }
    return text.size == 1 && text.data[0] == CELL_OTHER ? QUERY_OTHER : text;
}

struct slice query_shown(enum stats_list list, const struct cell *cell) {
    if (list == STATS_BY_PLATFORM) {
        return slice_of(tap_platform_name(cell->platform));
    }
    if (list == STATS_BY_OUTCOME) {
        return slice_of(tap_outcome_name(cell->outcome));
    }
    ENSURE((unsigned)list < CELL_TEXT_COUNT);
    return query_shown_text(list, cell->text[list]);
}

struct slice stats_query_filter(const struct stats_query *query, unsigned index) {
    ENSURE(index < query->filter_count);
    const struct stats_filter *filter = &query->filter[index];
    return slice_make(query->filter_bytes + filter->begin, filter->size);
}

bool query_set_filter(struct stats_query *query, struct slice value, struct err *err) {
    struct slice rest = value;
    do {
        if (!add_filter(query, &rest, err)) {
            return false;
        }
    } while (rest.data != NULL);
    return true;
}

/* Codes and names of ours are looked for in any case; what came from outside, as it came. */
static bool is_same(enum stats_list list, struct slice a, struct slice b) {
    return list == STATS_BY_SOURCE ? slice_equal(a, b) : slice_equal_nocase(a, b);
}

bool query_passes(const struct stats_query *query, const struct cell *cell) {
    uint32_t asked = 0, passed = 0; /* a bit a list */
    for (unsigned i = 0; i < query->filter_count; i++) {
        const struct stats_filter *filter = &query->filter[i];
        uint32_t bit = 1u << filter->list;
        asked |= bit;
        if ((passed & bit) == 0 &&
            is_same(filter->list, stats_query_filter(query, i), query_shown(filter->list, cell))) {
            passed |= bit;
        }
    }
    return asked == passed;
}

/* list:value off the front of *rest, which is then {NULL, 0} if that was the last. */
static bool add_filter(struct stats_query *query, struct slice *rest, struct err *err) {
    size_t colon = slice_find(*rest, SLICE(":"));
    if (colon == SIZE_MAX) {
        return err_set(err, "filter: \"%.*s\": allowed is list:value, as country:MX,platform:ios",
                       SLICE_ARG(slice_first(*rest, SHOWN_BYTES_MAX)));
    }
    struct slice name = slice_first(*rest, colon);
    struct stats_filter filter = {0};
    if (!query_find_list(name, &filter.list)) {
        return err_set(err, "filter: \"%.*s\" is no list: allowed are " QUERY_FILTERS_ALLOWED,
                       SLICE_ARG(slice_first(name, SHOWN_BYTES_MAX)));
    }
    if (filter.list == STATS_BY_CAMPAIGN) {
        return err_set(err, "filter: not by campaign; ask for that campaign's own stats");
    }
    if (query->filter_count == STATS_FILTERS_MAX) {
        return err_set(err, "filter: allowed are up to %d values", STATS_FILTERS_MAX);
    }
    *rest = slice_make(rest->data + colon + 1, rest->size - colon - 1);
    if (!take_value(query, rest, &filter, err)) {
        return false;
    }
    struct slice value = slice_make(query->filter_bytes + filter.begin, filter.size);
    if (value.size == 0) {
        return err_set(err, "filter: %.*s has no value; what is not known is %.*s:%.*s",
                       SLICE_ARG(name), SLICE_ARG(name),
                       SLICE_ARG(query_shown_text(filter.list, SLICE_EMPTY)));
    }
    if (!check_word(filter.list, value, err)) {
        return false;
    }
    query->filter[query->filter_count++] = filter;
    return true;
}

/* Up to a comma, into the query's own bytes. */
static bool take_value(struct stats_query *query, struct slice *rest, struct stats_filter *filter,
                       struct err *err) {
    size_t begin = filter_bytes_used(query);
    size_t used = begin, i = 0;
    for (; i < rest->size && rest->data[i] != ','; i++) {
        if (rest->data[i] == '\\' && ++i == rest->size) {
            return err_set(err, "filter: there is nothing behind the backslash at the end: allowed "
                                "is \\\\ for a backslash, and \\, for a comma");
        }
        if (used == STATS_FILTER_BYTES_MAX) {
            return err_set(err, "filter: allowed are up to %d bytes of values",
                           STATS_FILTER_BYTES_MAX);
        }
        query->filter_bytes[used++] = rest->data[i];
    }
    *rest = i < rest->size ? slice_make(rest->data + i + 1, rest->size - i - 1) : SLICE_EMPTY;
    filter->begin = (uint16_t)begin;
    filter->size = (uint16_t)(used - begin);
    return true;
}

/* Platforms and outcomes are a closed list: a word that is not in it would find nothing. */
static bool check_word(enum stats_list list, struct slice value, struct err *err) {
    bool is_found = list != STATS_BY_PLATFORM && list != STATS_BY_OUTCOME;
    for (int i = 0; list == STATS_BY_PLATFORM && i < TAP_PLATFORM_COUNT; i++) {
        struct slice name = slice_of(tap_platform_name((enum tap_platform)i));
        is_found = is_found || slice_equal_nocase(value, name);
    }
    for (int i = 0; list == STATS_BY_OUTCOME && i < TAP_OUTCOME_COUNT; i++) {
        struct slice name = slice_of(tap_outcome_name((enum tap_outcome)i));
        is_found = is_found || slice_equal_nocase(value, name);
    }
    return is_found ||
           err_set(err, "filter: there is no %s \"%.*s\": allowed are %s", names[list],
                   SLICE_ARG(slice_first(value, SHOWN_BYTES_MAX)),
                   list == STATS_BY_PLATFORM
                       ? "android, ios, windows, macos, linux and other"
                       : "play_store, app_store, web, override, fallback, default, paused, "
                         "expired, not_found and unresolved");
}

static size_t filter_bytes_used(const struct stats_query *query) {
    size_t used = 0;
    for (unsigned i = 0; i < query->filter_count; i++) {
        used += query->filter[i].size;
    }
    return used;
}
