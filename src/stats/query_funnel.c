/*
 * query_funnel.c - HGETALL of many days in one pipeline.
 */
#include "query_funnel.h"

#include "base/buf.h"
#include "base/err.h"
#include "days.h"
#include "query_read.h"
#include "redis/pipe.h"
#include "redis/reply.h"
#include "stats/report.h"

enum { DAYS_AT_ONCE = 128, FIELDS_A_DAY_MAX = 10000 };

static bool ask_day(const struct stats_source *source, struct stats_scope scope, int32_t date,
                    struct err *err) {
    char bytes[READ_KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    bool fits = stats_key_funnel(&key, source->key_prefix, scope, date);
    ENSURE(fits);
    return query_ask(source, "HGETALL", buf_slice(&key), SLICE_EMPTY, err);
}

static void take_day(struct stats_report *report, const struct periods_day *day,
                     const struct redis_reply *fields) {
    size_t count = redis_reply_count(fields);
    struct stats_counts *row = &report->rows[day->first].counts;
    for (size_t i = 0; i + 1 < count && i < 2 * FIELDS_A_DAY_MAX; i += 2) {
        enum funnel_step step = FUNNEL_INSTALL;
        uint64_t verified =
            funnel_take(&report->funnel, redis_reply_text(redis_reply_at(fields, i)),
                        redis_reply_text(redis_reply_at(fields, i + 1)), &step);
        if (verified > 0) {
            row->converted[step] += verified;
            report->totals.converted[step] += verified;
        }
    }
}

bool query_funnel_read(struct stats_report *report, const struct stats_source *source,
                       struct stats_scope scope, const struct periods *periods, struct err *err) {
    const struct stats_query *query = &report->query;
    if (query->by_count > 0 || query->filter_count > 0 || query->interval == STATS_HOUR) {
        return true;
    }
    funnel_init(&report->funnel);
    for (size_t begin = 0; begin < periods->day_count; begin += DAYS_AT_ONCE) {
        size_t end = begin + DAYS_AT_ONCE;
        end = end < periods->day_count ? end : periods->day_count;
        for (size_t i = begin; i < end; i++) {
            if (!ask_day(source, scope, periods->day[i].date, err)) {
                return false;
            }
        }
        for (size_t i = begin; i < end; i++) {
            const struct redis_reply *reply = query_reply(source, err);
            if (reply == NULL) {
                return false;
            }
            take_day(report, &periods->day[i], reply);
        }
    }
    funnel_sort(&report->funnel);
    return true;
}
