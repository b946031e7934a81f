/*
 * stats/query.h - a question about the numbers, as the API and the command line ask it.
 *
 *   stats_query_init ► stats_query_set(name, value) for each choice ► stats_query_finish
 *   ► stats_query_run ► stats/report.h
 *
 * Choices, the same in a URL's query and as --options:
 *   from, to     dates, YYYY-MM-DD, inclusive          last      7d, 4w, 3m, 1y: up to today; 24h:
 *                                                                hours up to the present one
 *   interval     hour day week month total             by        a list, or two with a comma
 *   filter       list:value,list:value                 limit     rows of a list; the rest is other
 * A list is one of STATS_LISTS; campaign only with `by`, of the whole, alone. In a filter's value a
 * backslash takes the next byte as it is. Every choice is given once.
 *
 * Threads   Pure, but for stats_query_run(), which waits for Redis; one at a time a source.
 * Limits    STATS_* below; beyond them the question is refused with what is allowed.
 */
#ifndef STATS_QUERY_H
#define STATS_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "stats/keys.h"

struct err;
struct redis_pipe;
struct stats_report;

/* What can be asked for with `by` and `filter`; the first seven are texts of a cell. */
#define STATS_LISTS(X)                                                                             \
    X(COUNTRY, "country")                                                                          \
    X(REGION, "region")                                                                            \
    X(BROWSER, "browser")                                                                          \
    X(IN_APP, "in_app")                                                                            \
    X(LANGUAGE, "language")                                                                        \
    X(REFERRER, "referrer")                                                                        \
    X(SOURCE, "source")                                                                            \
    X(PLATFORM, "platform")                                                                        \
    X(OUTCOME, "outcome")                                                                          \
    X(CAMPAIGN, "campaign")

#define STATS_LIST_ENUM(name, text) STATS_BY_##name,
enum stats_list { STATS_LISTS(STATS_LIST_ENUM) STATS_LIST_COUNT };

enum stats_interval {
    STATS_HOUR,
    STATS_DAY,
    STATS_WEEK, /* ISO 8601: from Monday */
    STATS_MONTH,
    STATS_TOTAL,
};

enum {
    STATS_BY_MAX = 2,
    STATS_FILTERS_MAX = 16,
    STATS_FILTER_BYTES_MAX = 2048,
    STATS_DAYS_MAX = 1100,
    STATS_TOP_DAYS_MAX = 366,
    STATS_HOURS_RANGE_DAYS_MAX = 31, /* of a question by the hour */
    STATS_ROWS_LIMIT_DEFAULT = 100,  /* values of a list an interval */
    STATS_ROWS_LIMIT_MAX = 1000,
    STATS_ROWS_MAX = 100 * 1000,             /* of a reply */
    STATS_CELLS_READ_MAX = 20 * 1000 * 1000, /* of a question, from Redis */
};

struct stats_filter {
    enum stats_list list;
    uint16_t begin; /* of its value in the query's filter_bytes, so that a query can be copied */
    uint16_t size;
};

struct stats_query {
    enum stats_scope_kind scope;
    char id[65];
    int32_t from, to; /* YYYYMMDD; 0 until finished */
    char last[16];
    enum stats_interval interval;
    bool has_interval;
    bool is_top; /* stats/top.h: by the day alone, of STATS_TOP_DAYS_MAX at most */
    enum stats_list by[STATS_BY_MAX];
    unsigned by_count;
    struct stats_filter filter[STATS_FILTERS_MAX]; /* values of one list: any of them; lists: all */
    unsigned filter_count;
    char filter_bytes[STATS_FILTER_BYTES_MAX];
    uint32_t limit;
    uint32_t given;            /* choices, a bit each */
    uint64_t begin_ms, end_ms; /* Unix time of the range; 0 until finished */
};

/* Where the numbers are; borrowed. */
struct stats_source {
    struct redis_pipe *pipe;
    struct slice key_prefix;
    struct slice zone;    /* stats.timezone */
    uint32_t retain_days; /* stats.retain_days */
    uint64_t now_ms;      /* Unix time of the question */
};

/* False, with a sentence that names what is allowed: id is not one. */
MUST_CHECK bool stats_query_init(struct stats_query *query, enum stats_scope_kind scope,
                                 struct slice id, struct err *err);

/* Whether there is a choice of this name at all. */
bool stats_query_has(struct slice name);

/* The value of filter[index]; borrowed from the query. */
struct slice stats_query_filter(const struct stats_query *query, unsigned index);

/* False, with a sentence that says what is allowed; an unknown name too. */
MUST_CHECK bool stats_query_set(struct stats_query *query, struct slice name, struct slice value,
                                struct err *err);

/* Fills in defaults (last 7 days, by the day; by the hour with last=24h) and checks what belongs
 * together; *name is then the choice that is at fault. */
MUST_CHECK bool stats_query_finish(struct stats_query *query, const struct stats_source *source,
                                   const char **name, struct err *err);

enum stats_result {
    STATS_OK,
    STATS_UNKNOWN,  /* there is no such link or campaign, and nothing was counted for it */
    STATS_TOO_MUCH, /* the answer, or what it is made of; err says what to ask instead */
    STATS_FAILED,   /* Redis; err says why */
};

/* On STATS_OK *report is the caller's: stats_report_destroy(). */
MUST_CHECK enum stats_result stats_query_run(const struct stats_source *source,
                                             const struct stats_query *query,
                                             struct stats_report **report, struct err *err);

#endif
