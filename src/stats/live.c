/*
 * live.c - the difference between two looks at the days' indices.
 *
 * A look adds up, by campaign, what the index of a day says; what it said the last time is kept
 * beside it. Days are told apart by their date, so that midnight is nothing special: yesterday's
 * campaigns stay where they are and today's begin with nothing before them.
 */
#include "stats/live.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "query_groups.h"
#include "query_lists.h"
#include "query_names.h"
#include "query_read.h"
#include "redis/pipe.h"
#include "redis/reply.h"
#include "report_parts.h"
#include "stats/cell.h"

enum { LIVE_DAYS = 2, FIELDS_MAX = 1000 * 1000 };

/* A campaign of a day. */
struct entry {
    uint32_t row; /* of this look, from 1; 0: nothing was added */
    uint64_t now[TAP_KIND_COUNT];
    uint64_t before[TAP_KIND_COUNT];
};

struct live_day {
    int32_t date; /* 0: none yet */
    struct names *names;
    size_t count;
    struct entry *entry; /* by the number of the name */
    uint64_t now[TAP_KIND_COUNT];
    uint64_t before[TAP_KIND_COUNT];
};

struct stats_live {
    bool has_begun;
    struct live_day day[LIVE_DAYS]; /* today, yesterday */
    struct stats_live_row *rows;
};

static void go_to(struct stats_live *live, int32_t today);
static bool read_day(struct live_day *day, const struct stats_source *source, struct err *err);
static void take_index(struct live_day *day, const struct redis_reply *reply);
static void append_added(struct stats_live *live, struct stats_live_look *look);
static int compare_rows(const void *a, const void *b);

struct stats_live *stats_live_create(void) {
    struct stats_live *live = calloc(1, sizeof(*live));
    ENSURE(live != NULL);
    return live;
}

static void day_fini(struct live_day *day) {
    names_destroy(&day->names);
    free(day->entry);
    *day = (struct live_day){0};
}

void stats_live_destroy(struct stats_live **live) {
    if (*live != NULL) {
        day_fini(&(*live)->day[0]);
        day_fini(&(*live)->day[1]);
        free((*live)->rows);
        free(*live);
        *live = NULL;
    }
}

bool stats_live_take(struct stats_live *live, const struct stats_source *source,
                     struct stats_live_look *look, struct err *err) {
    *look = (struct stats_live_look){.at_ms = source->now_ms};
    go_to(live, clock_day_of(source->now_ms).yyyymmdd);
    if (!redis_pipe_connect(source->pipe, err)) {
        return false;
    }
    for (size_t i = 0; i < LIVE_DAYS; i++) {
        if (!read_day(&live->day[i], source, err)) {
            return false;
        }
    }
    append_added(live, look);
    live->has_begun = true;
    return true;
}

bool stats_live_json(const struct stats_live_look *look, struct buf *out) {
    char at[CLOCK_RFC3339_BYTES];
    clock_rfc3339(look->at_ms, at);
    buf_printf(out, "{\"at\":\"%s\"", at);
    for (int i = 0; i < TAP_KIND_COUNT; i++) {
        buf_printf(out, ",\"%s\":%llu", report_kind_name((enum tap_kind)i),
                   (unsigned long long)look->kind[i]);
    }
    buf_append(out, SLICE(",\"campaigns\":{"));
    for (size_t k = 0; k < look->row_count; k++) {
        if (k > 0) {
            buf_append_char(out, ',');
        }
        report_append_text(look->rows[k].campaign, out);
        for (int i = 0; i < TAP_KIND_COUNT; i++) {
            buf_printf(out, "%s\"%s\":%llu", i == 0 ? ":{" : ",",
                       report_kind_name((enum tap_kind)i),
                       (unsigned long long)look->rows[k].kind[i]);
        }
        buf_append_char(out, '}');
    }
    buf_append(out, SLICE("}}"));
    return !out->overflowed;
}

bool stats_live_poll(struct stats_live *live, const struct stats_source *source, struct buf *out,
                     struct err *err) {
    struct stats_live_look look;
    return stats_live_take(live, source, &look, err) &&
           (stats_live_json(&look, out) || err_set(err, "the answer is larger than is allowed"));
}

static void begin_day(struct live_day *day, int32_t date) {
    day_fini(day);
    day->date = date;
    day->names = names_create();
    day->entry = calloc(LIVE_CAMPAIGNS_MAX, sizeof(*day->entry));
    ENSURE(day->entry != NULL);
}

/* Makes live->day today and the day before, keeping what is known of them. */
static void go_to(struct stats_live *live, int32_t today) {
    int32_t yesterday = days_date(days_number(today) - 1);
    if (live->day[0].date == yesterday) {
        day_fini(&live->day[1]);
        live->day[1] = live->day[0];
        live->day[0] = (struct live_day){0};
    }
    if (live->day[0].date != today) {
        begin_day(&live->day[0], today);
    }
    if (live->day[1].date != yesterday) {
        begin_day(&live->day[1], yesterday);
        live->has_begun = false; /* the clock was set: begin anew */
    }
    if (live->rows == NULL) {
        live->rows = calloc((size_t)LIVE_DAYS * LIVE_CAMPAIGNS_MAX, sizeof(*live->rows));
        ENSURE(live->rows != NULL);
    }
}

static bool read_day(struct live_day *day, const struct stats_source *source, struct err *err) {
    char bytes[READ_KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    bool fits = stats_key_day(&key, source->key_prefix, "stats:index", day->date);
    ENSURE(fits);
    if (!query_ask(source, "HGETALL", buf_slice(&key), SLICE_EMPTY, err)) {
        return false;
    }
    const struct redis_reply *reply = query_reply(source, err);
    if (reply == NULL) {
        return err_prefix(err, "%.*s", SLICE_ARG(buf_slice(&key)));
    }
    take_index(day, reply);
    return true;
}

static void take_index(struct live_day *day, const struct redis_reply *reply) {
    memset(day->now, 0, sizeof(day->now));
    for (size_t i = 0; i < day->count; i++) {
        memset(day->entry[i].now, 0, sizeof(day->entry[i].now));
    }
    size_t count = redis_reply_count(reply);
    count = count < FIELDS_MAX ? count : FIELDS_MAX;
    for (size_t i = 0; i + 1 < count; i += 2) {
        struct slice kind = redis_reply_text(redis_reply_at(reply, i));
        struct slice id = slice_split(&kind, '\t');
        int number = kind.size == 1 ? kind.data[0] - '0' : -1;
        uint64_t taps;
        if (number < 0 || number >= TAP_KIND_COUNT ||
            !slice_to_u64(redis_reply_text(redis_reply_at(reply, i + 1)), UINT64_MAX, &taps)) {
            continue;
        }
        counts_add(&day->now[number], taps);
        uint32_t name = names_number(day->names, query_shown_text(STATS_BY_CAMPAIGN, id));
        name = name < LIVE_CAMPAIGNS_MAX ? name : NAME_OTHER;
        day->count = name < day->count ? day->count : name + 1;
        counts_add(&day->entry[name].now[number], taps);
    }
}

/* What is more now than it was. */
static bool add_difference(uint64_t sum[TAP_KIND_COUNT], const uint64_t now[TAP_KIND_COUNT],
                           uint64_t before[TAP_KIND_COUNT]) {
    bool is_more = false;
    for (size_t i = 0; i < TAP_KIND_COUNT; i++) {
        if (now[i] > before[i]) {
            counts_add(&sum[i], now[i] - before[i]);
            is_more = true;
        }
        before[i] = now[i];
    }
    return is_more;
}

/* Where this look has the campaign already: under today, for yesterday's late ones. */
static struct stats_live_row *find_row(struct stats_live *live, struct slice campaign) {
    struct live_day *today = &live->day[0];
    uint32_t name = names_number(today->names, campaign);
    uint32_t row = name < today->count ? today->entry[name].row : 0;
    return row > 0 ? &live->rows[row - 1] : NULL;
}

static void append_day(struct stats_live *live, struct live_day *day,
                       struct stats_live_look *look) {
    for (size_t i = 0; i < day->count; i++) {
        struct stats_live_row row = {.campaign = names_text(day->names, (uint32_t)i)};
        bool is_more = add_difference(row.kind, day->entry[i].now, day->entry[i].before);
        day->entry[i].row = 0;
        if (!is_more || !live->has_begun) {
            continue;
        }
        struct stats_live_row *same = day == &live->day[0] ? NULL : find_row(live, row.campaign);
        for (size_t k = 0; same != NULL && k < TAP_KIND_COUNT; k++) {
            counts_add(&same->kind[k], row.kind[k]);
        }
        if (same == NULL) {
            live->rows[look->row_count++] = row;
            day->entry[i].row = (uint32_t)look->row_count;
        }
    }
}

static void append_added(struct stats_live *live, struct stats_live_look *look) {
    uint64_t unused[TAP_KIND_COUNT] = {0};
    for (size_t i = 0; i < LIVE_DAYS; i++) {
        struct live_day *day = &live->day[i];
        (void)add_difference(live->has_begun ? look->kind : unused, day->now, day->before);
        append_day(live, day, look);
    }
    qsort(live->rows, look->row_count, sizeof(*live->rows), compare_rows);
    look->rows = live->rows;
}

static int compare_rows(const void *a, const void *b) {
    const struct stats_live_row *left = a;
    const struct stats_live_row *right = b;
    if (left->kind[TAP_KIND_HUMAN] != right->kind[TAP_KIND_HUMAN]) {
        return left->kind[TAP_KIND_HUMAN] > right->kind[TAP_KIND_HUMAN] ? -1 : 1;
    }
    size_t size =
        left->campaign.size < right->campaign.size ? left->campaign.size : right->campaign.size;
    int order = memcmp(left->campaign.data, right->campaign.data, size);
    return order != 0 ? order : left->campaign.size < right->campaign.size ? -1 : 1;
}
