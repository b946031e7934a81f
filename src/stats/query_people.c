/*
 * query_people.c - PFCOUNT of many days in one pipeline.
 */
#include "query_people.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "days.h"
#include "query_read.h"
#include "redis/pipe.h"
#include "redis/reply.h"
#include "stats/query.h"

enum { NOT_READ = -2 };

static int64_t count_visitors(struct slice value);

void people_init(struct people *people, const struct stats_query *query, size_t day_count) {
    people->is_asked =
        query->by_count == 0 && query->filter_count == 0 && query->interval != STATS_HOUR;
    people->of_day = calloc(day_count, sizeof(*people->of_day));
    ENSURE(people->of_day != NULL);
    /* Of a link, its hash says whether there is a HyperLogLog at all. */
    for (size_t i = 0; query->scope != STATS_LINK && i < day_count; i++) {
        people->of_day[i] = NOT_READ;
    }
}

void people_fini(struct people *people) {
    free(people->of_day);
    *people = (struct people){0};
}

void people_take(struct people *people, size_t day_index, struct slice value) {
    people->of_day[day_index] = slice_equal(value, SLICE("H")) ? NOT_READ : count_visitors(value);
}

bool people_read(struct people *people, const struct stats_source *source, struct stats_scope scope,
                 const struct periods *periods, struct err *err) {
    for (size_t i = 0; people->is_asked && i < periods->day_count; i++) {
        char bytes[READ_KEY_BYTES_MAX];
        struct buf key = buf_over(bytes, sizeof(bytes));
        bool fits = stats_key_unique(&key, source->key_prefix, scope, periods->day[i].date);
        ENSURE(fits);
        if (people->of_day[i] == NOT_READ &&
            !query_ask(source, "PFCOUNT", buf_slice(&key), SLICE_EMPTY, err)) {
            return false;
        }
    }
    for (size_t i = 0; people->is_asked && i < periods->day_count; i++) {
        if (people->of_day[i] != NOT_READ) {
            continue;
        }
        const struct redis_reply *reply = redis_pipe_read(source->pipe, err);
        if (reply == NULL) {
            return false;
        }
        bool is_number = redis_reply_is_integer(reply) && redis_reply_integer(reply) >= 0;
        people->of_day[i] = is_number ? redis_reply_integer(reply) : -1;
    }
    return true;
}

void people_add(int64_t *sum, int64_t more) {
    if (*sum < 0 || more < 0 || more > INT64_MAX - *sum) {
        *sum = -1;
    } else {
        *sum += more;
    }
}

/* STATS_VISITOR_BYTES each, up to STATS_PEOPLE_MAX; -1 when it is something else. */
static int64_t count_visitors(struct slice value) {
    if (value.size % STATS_VISITOR_BYTES != 0 ||
        value.size > STATS_VISITOR_BYTES * STATS_PEOPLE_MAX) {
        return -1;
    }
    int64_t count = 0;
    for (size_t i = 0; i < value.size; i += STATS_VISITOR_BYTES) {
        bool is_new = true;
        for (size_t k = 0; k < i; k += STATS_VISITOR_BYTES) {
            is_new = is_new && memcmp(value.data + i, value.data + k, STATS_VISITOR_BYTES) != 0;
        }
        count += is_new ? 1 : 0;
    }
    return count;
}
