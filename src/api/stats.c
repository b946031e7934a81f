/*
 * stats.c - the numbers: links, campaigns, the whole, and the first of them.
 *
 *   fields of the query ► stats/query.h ► report ► JSON, or CSV with its freshness in headers
 *
 * A CSV has no place for what belongs to all of it, so that is in Brinco-Timezone,
 * Brinco-Data-Through and Brinco-Complete, which are there with JSON, too.
 *
 * Threads   The pool's.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "call.h"
#include "stats/report.h"
#include "stats/top.h"

enum { FIELD_NAME_BYTES = 65, OK = 200, BAD_REQUEST = 400, NOT_FOUND = 404 };

#define JSON_TYPE "application/json"
#define CSV_TYPE  "text/csv; charset=utf-8; header=present"

static void answer_stats(const struct call *call, struct answer *answer,
                         enum stats_scope_kind scope);
static bool read_fields(const struct call *call, struct answer *answer, struct stats_query *query,
                        bool is_top);
static bool finish(const struct call *call, struct answer *answer, struct stats_query *query);
static bool read_format(const struct call *call, struct answer *answer, bool *is_csv);
static void answer_result(struct answer *answer, const struct stats_query *query,
                          enum stats_result result, const struct err *err);
static void answer_headers(struct answer *answer, const struct stats_freshness *freshness,
                           const char *zone, bool is_csv);
static void answer_too_large(struct answer *answer);

void call_stats_link(const struct call *call, struct answer *answer) {
    answer_stats(call, answer, STATS_LINK);
}

void call_stats_campaign(const struct call *call, struct answer *answer) {
    answer_stats(call, answer, STATS_CAMPAIGN);
}

void call_stats_all(const struct call *call, struct answer *answer) {
    answer_stats(call, answer, STATS_ALL);
}

static struct stats_source source_of(const struct call *call) {
    return (struct stats_source){.pipe = call->pipe,
                                 .key_prefix = call->key_prefix,
                                 .zone = call->zone,
                                 .retain_days = call->stats_retain_days,
                                 .now_ms = call->now_ms};
}

/* {NULL, 0}: it is not given, unlike an empty one, which is no campaign. */
static struct slice campaign_of(const struct call *call) {
    for (size_t i = 0; i < call->query_count; i++) {
        struct slice value = call->query[i].value;
        if (slice_equal(call->query[i].name, SLICE("campaign"))) {
            return value.size > 0 ? value : SLICE("");
        }
    }
    return SLICE_EMPTY;
}

void call_stats_top(const struct call *call, struct answer *answer) {
    struct stats_query query;
    struct stats_top *top;
    struct err err = {0};
    bool is_csv;
    if (!stats_top_init(&query, campaign_of(call), &err)) {
        answer_problem(answer, BAD_REQUEST, "campaign", "%s", err.text);
        return;
    }
    if (!read_format(call, answer, &is_csv) || !read_fields(call, answer, &query, true) ||
        !finish(call, answer, &query)) {
        return;
    }
    struct stats_source source = source_of(call);
    enum stats_result result = stats_top_run(&source, &query, &top, &err);
    if (result != STATS_OK) {
        answer_result(answer, &query, result, &err);
        return;
    }
    answer_headers(answer, &top->freshness, top->zone, is_csv);
    if (!(is_csv ? stats_top_csv : stats_top_json)(top, &answer->body)) {
        answer_too_large(answer);
    }
    stats_top_destroy(&top);
}

static void answer_stats(const struct call *call, struct answer *answer,
                         enum stats_scope_kind scope) {
    struct stats_query query;
    struct stats_report *report;
    struct err err = {0};
    bool is_csv;
    struct slice id = scope == STATS_ALL ? SLICE_EMPTY : call->parameter[0];
    if (!stats_query_init(&query, scope, id, &err)) {
        answer_problem(answer, BAD_REQUEST, scope == STATS_LINK ? "code" : "campaign", "%s",
                       err.text);
        return;
    }
    if (!read_format(call, answer, &is_csv) || !read_fields(call, answer, &query, false) ||
        !finish(call, answer, &query)) {
        return;
    }
    struct stats_source source = source_of(call);
    enum stats_result result = stats_query_run(&source, &query, &report, &err);
    if (result != STATS_OK) {
        answer_result(answer, &query, result, &err);
        return;
    }
    answer_headers(answer, &report->freshness, report->zone, is_csv);
    if (!(is_csv ? stats_report_csv : stats_report_json)(report, &answer->body)) {
        answer_too_large(answer);
    }
    stats_report_destroy(&report);
}

/* What the top does not take: it has no rows of time or lists. */
static bool is_taken(struct slice name, bool is_top) {
    bool is_of_rows = slice_equal(name, SLICE("interval")) || slice_equal(name, SLICE("by")) ||
                      slice_equal(name, SLICE("filter"));
    return stats_query_has(name) && !(is_top && is_of_rows);
}

static bool read_fields(const struct call *call, struct answer *answer, struct stats_query *query,
                        bool is_top) {
    unsigned campaigns = 0;
    for (size_t i = 0; i < call->query_count; i++) {
        struct slice name = call->query[i].name;
        struct err err = {0};
        char field[FIELD_NAME_BYTES];
        snprintf(field, sizeof(field), "%.*s", SLICE_ARG(slice_first(name, sizeof(field) - 1)));
        bool is_campaign = is_top && slice_equal(name, SLICE("campaign"));
        if (is_campaign && campaigns++ > 0) {
            answer_problem(answer, BAD_REQUEST, field, "campaign is given twice");
            return false;
        }
        if (is_campaign || slice_equal(name, SLICE("format"))) {
            continue; /* read already */
        }
        if (!is_taken(name, is_top)) {
            answer_problem(answer, BAD_REQUEST, field,
                           "there is no such parameter: allowed are from, to, last, %slimit and "
                           "format",
                           is_top ? "campaign, " : "interval, by, filter, ");
            return false;
        }
        if (!stats_query_set(query, name, call->query[i].value, &err)) {
            answer_problem(answer, BAD_REQUEST, field, "%s", err.text);
            return false;
        }
    }
    return true;
}

static bool finish(const struct call *call, struct answer *answer, struct stats_query *query) {
    struct stats_source source = source_of(call);
    const char *name = "";
    struct err err = {0};
    if (!stats_query_finish(query, &source, &name, &err)) {
        answer_problem(answer, BAD_REQUEST, name, "%s", err.text);
        return false;
    }
    return true;
}

/* Quality of a media range in thousandths (RFC 9110 section 12.4.2); 1000 when it says none. */
static unsigned quality_of(struct slice parameters) {
    while (parameters.size > 0) {
        struct slice parameter = slice_trim(slice_split(&parameters, ';'));
        if (!slice_starts_with(parameter, SLICE("q=")) &&
            !slice_starts_with(parameter, SLICE("Q="))) {
            continue;
        }
        struct slice number = slice_from(parameter, 2);
        unsigned thousandths = number.size > 0 && number.data[0] == '1' ? 1000 : 0;
        unsigned weight = 100;
        for (size_t i = 2; i < number.size && i < 5; i++, weight /= 10) {
            char digit = number.data[i];
            thousandths += digit >= '0' && digit <= '9' ? (unsigned)(digit - '0') * weight : 0;
        }
        return thousandths;
    }
    return 1000;
}

/* Whether CSV is liked better than JSON, which is what everybody else gets. */
static bool accepts_csv(struct slice accept) {
    unsigned csv = 0, json = 0;
    while (accept.size > 0) {
        struct slice parameters = slice_split(&accept, ',');
        struct slice type = slice_trim(slice_split(&parameters, ';'));
        if (slice_equal_nocase(type, SLICE("text/csv"))) {
            csv = quality_of(parameters);
        } else if (slice_equal_nocase(type, SLICE(JSON_TYPE))) {
            json = quality_of(parameters);
        }
    }
    return csv > json;
}

static bool read_format(const struct call *call, struct answer *answer, bool *is_csv) {
    struct slice format = SLICE_EMPTY;
    *is_csv = accepts_csv(call->accept);
    for (size_t i = 0; i < call->query_count; i++) {
        if (!slice_equal(call->query[i].name, SLICE("format"))) {
            continue;
        }
        if (format.data != NULL) {
            answer_problem(answer, BAD_REQUEST, "format", "format is given twice");
            return false;
        }
        format = call->query[i].value;
        *is_csv = slice_equal(format, SLICE("csv"));
        if (!*is_csv && !slice_equal(format, SLICE("json"))) {
            answer_problem(answer, BAD_REQUEST, "format", "format: allowed are json and csv");
            return false;
        }
    }
    return true;
}

static void answer_result(struct answer *answer, const struct stats_query *query,
                          enum stats_result result, const struct err *err) {
    switch (result) {
    case STATS_OK:
        return;
    case STATS_UNKNOWN:
        answer_problem(answer, NOT_FOUND, query->scope == STATS_LINK ? "code" : "campaign",
                       "there is no %s \"%s\", and nothing was counted for it in the range",
                       query->scope == STATS_LINK ? "link" : "campaign", query->id);
        return;
    case STATS_TOO_MUCH:
        answer_problem(answer, BAD_REQUEST, "", "%s", err->text);
        return;
    case STATS_FAILED:
        answer_unavailable(answer, err);
        return;
    }
    ENSURE(false && "a result that is not in enum stats_result");
}

static void answer_headers(struct answer *answer, const struct stats_freshness *freshness,
                           const char *zone, bool is_csv) {
    char through[CLOCK_RFC3339_BYTES];
    clock_rfc3339(freshness->through_ms, through);
    answer->status = OK;
    answer->content_type = is_csv ? CSV_TYPE : JSON_TYPE;
    answer_header(answer, "Brinco-Timezone", slice_of(zone));
    if (freshness->through_ms > 0) {
        answer_header(answer, "Brinco-Data-Through", slice_of(through));
    }
    answer_header(answer, "Brinco-Complete", slice_of(freshness->complete ? "true" : "false"));
    answer_header(answer, "Vary", SLICE("Accept"));
}

/* More than the server lets a body have: half an answer is none. */
static void answer_too_large(struct answer *answer) {
    buf_clear(&answer->body);
    answer->header_count = 0;
    answer_problem(answer, BAD_REQUEST, "limit",
                   "the answer is larger than is allowed: ask for fewer rows");
}
