/*
 * top.c - the first of a range: whom to look up, and their exact numbers.
 *
 * Each day has a list of its first; who may be among the first of the range is chosen by what
 * these say (top_candidates.h), and looked up day by day in the links' own rollups, who may have
 * most first, until nobody that is left can have more. A day without a list had no clicks.
 */
#include "stats/top.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "query_groups.h"
#include "query_read.h"
#include "redis/pipe.h"
#include "redis/reply.h"
#include "report_parts.h"
#include "top_candidates.h"

enum {
    BATCH_LOOKUPS = 20 * 1000,
    LOOKUPS_MAX = 2 * 1000 * 1000, /* a link and day each; beyond it, who is left is left out */
    LISTS_AT_ONCE = 50,
    FIELD_BYTES_MAX = 1 + 64, /* "=CAMPAIGN" */
};

struct top_run {
    const struct stats_source *source;
    struct stats_top *top;
    int32_t first_day; /* day numbers */
    int32_t last_day;
    bool has_list[STATS_TOP_DAYS_MAX]; /* by the number of the day in the range */
    struct candidates *candidates;
};

static enum stats_result run_all(struct top_run *run, struct err *err);
static bool read_lists(struct top_run *run, struct err *err);
static bool look_up_all(struct top_run *run, const struct candidate *list, size_t count,
                        struct err *err);
static bool look_up(struct top_run *run, const struct candidate *list, size_t count,
                    struct err *err);
static bool campaign_exists(struct top_run *run, bool *exists, struct err *err);
static int compare_rows(const void *a, const void *b);

bool stats_top_init(struct stats_query *query, struct slice campaign, struct err *err) {
    enum stats_scope_kind scope = campaign.data != NULL ? STATS_CAMPAIGN : STATS_ALL;
    bool is_taken = stats_query_init(query, scope, campaign, err);
    query->is_top = true;
    return is_taken;
}

enum stats_result stats_top_run(const struct stats_source *source, const struct stats_query *query,
                                struct stats_top **top, struct err *err) {
    ENSURE(query->is_top && query->scope != STATS_LINK && query->from > 0);
    *top = NULL;
    struct top_run run = {.source = source,
                          .top = calloc(1, sizeof(*run.top)),
                          .first_day = days_number(query->from),
                          .last_day = days_number(query->to),
                          .candidates = candidates_create(slice_of(query->id))};
    ENSURE(run.top != NULL && run.last_day - run.first_day < STATS_TOP_DAYS_MAX);
    run.top->query = *query;
    struct slice zone = slice_first(source->zone, sizeof(run.top->zone) - 1);
    memcpy(run.top->zone, zone.data, zone.size);
    enum stats_result result = run_all(&run, err);
    candidates_destroy(&run.candidates);
    if (result != STATS_OK) {
        stats_top_destroy(&run.top);
    }
    *top = run.top;
    return result;
}

void stats_top_destroy(struct stats_top **top) {
    if (*top != NULL) {
        free((*top)->rows);
        free(*top);
        *top = NULL;
    }
}

bool stats_top_json(const struct stats_top *top, struct buf *out) {
    report_append_range(&top->query, out);
    buf_printf(out, "\"limit\":%u,", top->query.limit);
    stats_freshness_json(&top->freshness, slice_of(top->zone), out);
    buf_append(out, SLICE(",\"rows\":["));
    for (size_t i = 0; i < top->row_count; i++) {
        const struct stats_top_row *row = &top->rows[i];
        buf_printf(out, "%s{\"code\":\"%s\",\"campaign\":\"%s\",\"clicks\":%llu}", i > 0 ? "," : "",
                   row->code, row->campaign, (unsigned long long)row->clicks);
    }
    buf_append(out, SLICE("]}\n"));
    return !out->overflowed;
}

bool stats_top_csv(const struct stats_top *top, struct buf *out) {
    buf_append(out, SLICE("code,campaign,clicks\r\n"));
    for (size_t i = 0; i < top->row_count; i++) {
        report_append_csv(slice_of(top->rows[i].code), out);
        buf_append_char(out, ',');
        report_append_csv(slice_of(top->rows[i].campaign), out);
        buf_printf(out, ",%llu\r\n", (unsigned long long)top->rows[i].clicks);
    }
    return !out->overflowed;
}

static enum stats_result run_all(struct top_run *run, struct err *err) {
    bool exists = true;
    size_t count;
    if (!redis_pipe_connect(run->source->pipe, err) ||
        !stats_freshness_read(run->source, run->top->query.end_ms, &run->top->freshness, err) ||
        !campaign_exists(run, &exists, err) || !read_lists(run, err)) {
        return STATS_FAILED;
    }
    const struct candidate *list =
        candidates_choose(run->candidates, run->top->query.limit, &count);
    if (count == 0) {
        return exists ? STATS_OK : STATS_UNKNOWN;
    }
    return look_up_all(run, list, count, err) ? STATS_OK : STATS_FAILED;
}

static bool campaign_exists(struct top_run *run, bool *exists, struct err *err) {
    char bytes[READ_KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    if (run->top->query.scope == STATS_ALL) {
        return true;
    }
    stats_key(&key, run->source->key_prefix, "campaign:");
    buf_append(&key, slice_of(run->top->query.id));
    ENSURE(!key.overflowed);
    if (!query_ask(run->source, "EXISTS", buf_slice(&key), SLICE_EMPTY, err)) {
        return false;
    }
    const struct redis_reply *reply = query_reply(run->source, err);
    *exists = reply != NULL && redis_reply_integer(reply) > 0;
    return reply != NULL;
}

/* Of the days [first, end). */
static bool read_some_lists(struct top_run *run, int32_t first, int32_t end, struct err *err) {
    const struct stats_query *query = &run->top->query;
    const struct stats_scope scope = {.kind = query->scope, .id = slice_of(query->id)};
    char last_bytes[16];
    struct buf last = buf_over(last_bytes, sizeof(last_bytes));
    buf_append_u64(&last, STATS_TOP_MAX - 1);
    for (int32_t day = first; day < end; day++) {
        char bytes[READ_KEY_BYTES_MAX];
        struct buf key = buf_over(bytes, sizeof(bytes));
        bool fits = stats_key_top(&key, run->source->key_prefix, scope, days_date(day));
        ENSURE(fits);
        const struct slice arguments[] = {SLICE("ZREVRANGE"), buf_slice(&key), SLICE("0"),
                                          buf_slice(&last), SLICE("WITHSCORES")};
        bool is_asked = redis_pipe_append(run->source->pipe, ARRAY_COUNT(arguments), arguments);
        ENSURE(is_asked); /* connected, and little is queued */
    }
    for (int32_t day = first; day < end; day++) {
        const struct redis_reply *reply = query_reply(run->source, err);
        if (reply == NULL) {
            return false;
        }
        run->has_list[day - run->first_day] = redis_reply_count(reply) > 0;
        candidates_add_day(run->candidates, reply);
    }
    return true;
}

static bool read_lists(struct top_run *run, struct err *err) {
    for (int32_t day = run->first_day; day <= run->last_day; day += LISTS_AT_ONCE) {
        int32_t end = day + LISTS_AT_ONCE;
        if (!read_some_lists(run, day, end <= run->last_day ? end : run->last_day + 1, err)) {
            return false;
        }
    }
    return true;
}

/* Keeps the first `limit` rows of what was looked up so far. */
static void keep_first(struct stats_top *top) {
    qsort(top->rows, top->row_count, sizeof(*top->rows), compare_rows);
    top->row_count = top->row_count < top->query.limit ? top->row_count : top->query.limit;
}

static bool look_up_all(struct top_run *run, const struct candidate *list, size_t count,
                        struct err *err) {
    struct stats_top *top = run->top;
    size_t days = 0;
    for (size_t i = 0; i < STATS_TOP_DAYS_MAX; i++) {
        days += run->has_list[i] ? 1 : 0;
    }
    size_t batch = BATCH_LOOKUPS / (days + 1) + 1;
    size_t lookups_left = LOOKUPS_MAX;
    top->rows = calloc(top->query.limit + batch, sizeof(*top->rows));
    ENSURE(top->rows != NULL);
    for (size_t done = 0; done < count && lookups_left > 0;) {
        bool is_settled = top->row_count == top->query.limit &&
                          top->rows[top->row_count - 1].clicks > list[done].most;
        if (is_settled) {
            break;
        }
        size_t some = count - done < batch ? count - done : batch;
        if (!look_up(run, list + done, some, err)) {
            return false;
        }
        done += some;
        lookups_left -= lookups_left < some * days ? lookups_left : some * days;
        keep_first(top);
    }
    return true;
}

static bool ask_link(struct top_run *run, const struct candidate *candidate, int32_t day,
                     struct err *err) {
    char key_bytes[READ_KEY_BYTES_MAX], field_bytes[FIELD_BYTES_MAX];
    struct buf key = buf_over(key_bytes, sizeof(key_bytes));
    struct buf field = buf_over(field_bytes, sizeof(field_bytes));
    const struct stats_scope scope = {.kind = STATS_LINK, .id = candidate->code};
    stats_key_cells(&key, run->source->key_prefix, scope, days_date(day), false);
    buf_append_char(&field, '=');
    buf_append(&field, candidate->campaign);
    ENSURE(!key.overflowed && !field.overflowed);
    return query_ask(run->source, "HGET", buf_slice(&key), buf_slice(&field), err);
}

/* One link's answers. */
static bool add_days(struct top_run *run, uint64_t *clicks, struct err *err) {
    for (int32_t day = run->first_day; day <= run->last_day; day++) {
        uint64_t number;
        if (!run->has_list[day - run->first_day]) {
            continue;
        }
        const struct redis_reply *reply = query_reply(run->source, err);
        if (reply == NULL) {
            return false;
        }
        if (slice_to_u64(redis_reply_text(reply), UINT64_MAX, &number)) {
            counts_add(clicks, number);
        }
    }
    return true;
}

static bool look_up(struct top_run *run, const struct candidate *list, size_t count,
                    struct err *err) {
    for (size_t i = 0; i < count; i++) {
        for (int32_t day = run->first_day; day <= run->last_day; day++) {
            if (run->has_list[day - run->first_day] && !ask_link(run, &list[i], day, err)) {
                return false;
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t clicks = 0;
        if (!add_days(run, &clicks, err)) {
            return false;
        }
        struct stats_top_row row = {.clicks = clicks};
        memcpy(row.code, list[i].code.data, list[i].code.size);
        if (list[i].campaign.size > 0) {
            memcpy(row.campaign, list[i].campaign.data, list[i].campaign.size);
        }
        if (clicks > 0) {
            run->top->rows[run->top->row_count++] = row;
        }
    }
    return true;
}

static int compare_rows(const void *a, const void *b) {
    const struct stats_top_row *left = a;
    const struct stats_top_row *right = b;
    if (left->clicks != right->clicks) {
        return left->clicks > right->clicks ? -1 : 1;
    }
    int order = strcmp(left->code, right->code);
    return order != 0 ? order : strcmp(left->campaign, right->campaign);
}
