/*
 * ledger_fixture.h - a Redis, ledgers on it, and conversions to judge, for tests.
 */
#ifndef TESTS_CREDIT_LEDGER_FIXTURE_H
#define TESTS_CREDIT_LEDGER_FIXTURE_H

#include "../support/redis_admin.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/random.h"
#include "click/conversion.h"
#include "click/token.h"
#include "credit/ledger.h"

#define PREFIX "p:"
#define STREAM "p:conversions:e:0"
#define ZONE   "America/Mexico_City"

enum { WAIT_TRIES = 10000, FIELD_WORDS = 2 * CONVERSION_FIELD_COUNT };

struct desk {
    struct test_redis redis;
    struct redis_pipe *admin;
    struct metric_registry *metrics;
    struct token_key key;
    struct ledger *ledger;
    struct random random;
    uint64_t sequence; /* of the last entry of any stream */
    uint64_t noon_ms;  /* of yesterday, when all of it happens */
    char day[16];
    char noon[24];                        /* noon_ms as text */
    char later[24];                       /* an hour after it, when conversions are reported */
    char all[64], campaign[64], link[64]; /* keys of the day's funnels */
    uint32_t webhooks_max;
    uint32_t retain_hours;
    char text[8][512]; /* answers of desk_get(), one after the other */
    unsigned next_text;
};

static const uint8_t desk_secret[32] = {1, 2, 3};

static inline struct ledger *desk_hire(struct desk *desk, bool has_key) {
    struct redis_url url = test_redis_url(&desk->redis);
    struct err err;
    struct ledger_options options = {.url = &url,
                                     .key_prefix = SLICE(PREFIX),
                                     .zone = SLICE(ZONE),
                                     .token_key = has_key ? &desk->key : NULL,
                                     .queue_retain_hours = desk->retain_hours,
                                     .stats_retain_days = 400,
                                     .webhooks_max = desk->webhooks_max,
                                     .metrics = desk->metrics};
    struct ledger *ledger = ledger_start(&options, &err);
    ENSURE(ledger != NULL);
    return ledger;
}

static inline const struct redis_reply *desk_do(struct desk *desk, size_t count,
                                                const struct slice *words) {
    struct err err;
    const struct redis_reply *reply = redis_pipe_command(desk->admin, count, words, &err);
    ENSURE(reply != NULL && !redis_reply_is_error(reply));
    return reply;
}

static inline void desk_set(struct desk *desk, const char *key, const char *field,
                            const char *value) {
    struct slice words[] = {SLICE("HSET"), slice_of(key), slice_of(field), slice_of(value)};
    desk_do(desk, 4, words);
}

/* A field of a hash; "" where there is none. Valid for eight calls. */
static inline const char *desk_get(struct desk *desk, const char *key, const char *field) {
    char *text = desk->text[desk->next_text++ % ARRAY_COUNT(desk->text)];
    struct slice words[] = {SLICE("HGET"), slice_of(key), slice_of(field)};
    struct slice value = redis_reply_text(desk_do(desk, 3, words));
    snprintf(text, sizeof(desk->text[0]), "%.*s", SLICE_ARG(value));
    return text;
}

static inline int64_t desk_number(struct desk *desk, const char *words) {
    return redis_reply_integer(admin_ask(desk->admin, words));
}

static inline void desk_set_day(struct desk *desk) {
    struct clock_day day = clock_day_of(clock_real_ms() - 86400000);
    desk->noon_ms = day.begin_ms + UINT64_C(43200000);
    snprintf(desk->day, sizeof(desk->day), "%d", day.yyyymmdd);
    snprintf(desk->noon, sizeof(desk->noon), "%lu", (unsigned long)desk->noon_ms);
    snprintf(desk->later, sizeof(desk->later), "%lu", (unsigned long)desk->noon_ms + 3600000);
    snprintf(desk->all, sizeof(desk->all), "p:funnel:all:%s", desk->day);
    snprintf(desk->campaign, sizeof(desk->campaign), "p:funnel:campaign:spring:%s", desk->day);
    snprintf(desk->link, sizeof(desk->link), "p:funnel:link:AB12CD:%s", desk->day);
}

/* A campaign, a link of it, and one ledger. */
static inline void desk_open(struct desk *desk, bool has_ledger) {
    struct err err;
    *desk = (struct desk){.retain_hours = 24 * 366};
    test_redis_init(&desk->redis);
    test_redis_start(&desk->redis, NULL);
    desk->admin = admin_open(&desk->redis);
    desk->metrics = metric_registry_create();
    random_init(&desk->random);
    token_key_init(&desk->key, desk_secret, sizeof(desk_secret));
    ENSURE(clock_set_zone(ZONE, &err));
    desk_set_day(desk);
    desk_set(desk, "p:campaign:spring", "web", "https://www.example.mx/{code}");
    desk_set(desk, "p:link:AB12CD", "campaign", "spring");
    desk_set(desk, "p:link:AB12CD", "owner", "ana");
    desk->ledger = has_ledger ? desk_hire(desk, true) : NULL;
}

static inline void desk_close(struct desk *desk) {
    ledger_stop(&desk->ledger);
    metric_registry_destroy(&desk->metrics);
    redis_pipe_destroy(&desk->admin);
    test_redis_fini(&desk->redis);
}

/* A tap's entry in the stream of clicks, ms long after noon. */
static inline struct ulid desk_click(struct desk *desk, uint64_t ms, const char *visitor,
                                     const char *network) {
    char id[64];
    char text[ULID_TEXT_SIZE];
    struct ulid click = ulid_make(desk->noon_ms + ms, &desk->random);
    snprintf(id, sizeof(id), "%lu-%lu", (unsigned long)(desk->noon_ms + ms),
             (unsigned long)++desk->sequence);
    ulid_format(&click, text);
    struct slice words[] = {
        SLICE("XADD"),
        SLICE("p:clicks:e:0"),
        slice_of(id),
        SLICE("id"),
        slice_make(text, sizeof(text)),
        SLICE("at"),
        slice_of(desk->noon),
        SLICE("code"),
        SLICE("AB12CD"),
        SLICE("campaign"),
        SLICE("spring"),
        SLICE("owner"),
        SLICE("ana"),
        SLICE("visitor"),
        slice_of(visitor),
        SLICE("network"),
        slice_of(network),
    };
    desk_do(desk, ARRAY_COUNT(words), words);
    desk_number(desk, "SADD p:streams p:clicks:e:0");
    return click;
}

/* An install an hour after noon; what differs is set by the caller. */
static inline struct conversion desk_conversion(struct desk *desk) {
    struct conversion conversion = {.at_ms = desk->noon_ms + 3600000,
                                    .happened_ms = desk->noon_ms + 3600000,
                                    .proof = CONVERSION_UNVERIFIED};
    conversion.id = ulid_make(conversion.at_ms, &desk->random);
    conversion.text[CONVERSION_TEXT_EVENT] = SLICE("install");
    conversion.text[CONVERSION_TEXT_CODE] = SLICE("AB12CD");
    conversion.text[CONVERSION_TEXT_REPORTER] = SLICE("bank");
    return conversion;
}

static inline struct conversion desk_verified(struct desk *desk, const struct ulid *click,
                                              const char *event) {
    struct conversion conversion = desk_conversion(desk);
    conversion.proof = CONVERSION_VERIFIED;
    conversion.has_click_id = true;
    conversion.click_id = *click;
    conversion.text[CONVERSION_TEXT_EVENT] = slice_of(event);
    return conversion;
}

struct desk_words {
    struct slice word[4 + FIELD_WORDS];
    char bytes[8192];
    struct buf text;
    size_t count;
};

static inline void desk_take_field(void *argument, struct slice name, struct slice value) {
    struct desk_words *words = argument;
    struct slice both[] = {name, value};
    for (size_t i = 0; i < 2; i++) {
        size_t begins = words->text.size;
        ENSURE(buf_append(&words->text, both[i]));
        words->word[words->count++] =
            slice_make(words->text.data + begins, words->text.size - begins);
    }
}

static inline void desk_report_to(struct desk *desk, const char *stream,
                                  const struct conversion *conversion) {
    char id[64];
    struct desk_words words = {.word = {SLICE("XADD"), slice_of(stream)}, .count = 3};
    snprintf(id, sizeof(id), "%lu-%lu", (unsigned long)conversion->at_ms,
             (unsigned long)++desk->sequence);
    words.word[2] = slice_of(id);
    words.text = buf_over(words.bytes, sizeof(words.bytes));
    conversion_fields(conversion, &(struct click_visitor){desk_take_field, &words});
    desk_do(desk, words.count, words.word);
    struct slice add[] = {SLICE("SADD"), SLICE("p:conversion-streams"), slice_of(stream)};
    desk_do(desk, 3, add);
}

static inline void desk_report(struct desk *desk, const struct conversion *conversion) {
    desk_report_to(desk, STREAM, conversion);
}

/* Waits until so many entries of a stream are judged, and no more. */
static inline void desk_wait_for(struct desk *desk, const char *stream, int expected) {
    int judged = 0;
    for (unsigned i = 0; i < WAIT_TRIES && judged != expected; i++) {
        judged = atoi(desk_get(desk, "p:funnel:total", stream));
        if (judged != expected) {
            test_sleep_ms(1);
        }
    }
    ENSURE(judged == expected);
}

static inline void desk_wait(struct desk *desk, int expected) {
    desk_wait_for(desk, STREAM, expected);
}

/* "p:credit:ULID". */
static inline const char *desk_credit_key(struct desk *desk, const struct ulid *click) {
    char *text = desk->text[desk->next_text++ % ARRAY_COUNT(desk->text)];
    char id[ULID_TEXT_SIZE];
    ulid_format(click, id);
    snprintf(text, sizeof(desk->text[0]), "p:credit:%.*s", ULID_TEXT_SIZE, id);
    return text;
}

/* Waits until a metric says so: it is counted when the answer of the books is there. */
static inline void desk_wait_metric(struct desk *desk, const char *name, const char *labels,
                                    uint64_t expected) {
    uint64_t there = expected + 1;
    for (unsigned i = 0; i < WAIT_TRIES && there != expected; i++) {
        there = metric_registry_total(desk->metrics, name, labels);
        if (there != expected) {
            test_sleep_ms(1);
        }
    }
    ENSURE(there == expected);
}

#endif
