/*
 * conversions_find.c - see conversions_find.h.
 */
#include "conversions_find.h"

#include "base/clock.h"
#include "base/err.h"
#include "call.h"
#include "credit/intake.h"
#include "credit/judge.h"
#include "redis/pipe.h"
#include "stats/find.h"

enum { KEY_BYTES_MAX = 256, FOUND_BYTES_MAX = 64 * 1024 };

static bool append_hget(const struct call *call, const char *what, struct slice id,
                        const char *field) {
    char bytes[KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    ENSURE(buf_append(&key, call->key_prefix) && buf_append(&key, slice_of(what)) &&
           buf_append(&key, id));
    const struct slice command[] = {SLICE("HGET"), buf_slice(&key), slice_of(field)};
    return redis_pipe_append(call->pipe, ARRAY_COUNT(command), command);
}

/* Copies a code out of a reply; 0: it is none. */
static size_t keep_code(struct slice text, char code[CODE_BYTES_MAX]) {
    if (text.data == NULL || !code_is_valid(text)) {
        return 0;
    }
    memcpy(code, text.data, text.size);
    return text.size;
}

/* ---- codes ---- */

/* What a code would help: where the secret is not known, tokens are open with their codes, too. */
static bool is_open(const struct report *report) {
    return report->state == REPORT_NEW && report->conversion.proof == CONVERSION_OPEN &&
           report->conversion.text[CONVERSION_TEXT_CODE].size == 0;
}

static void prove(const struct call *call, struct report *report, struct slice code) {
    size_t size = keep_code(code, report->code);
    if (size > 0) {
        intake_prove_open(call->intake, &report->conversion, slice_make(report->code, size));
        intake_note(call->intake, INTAKE_LOOKED_UP, 1);
    }
}

/* Clicks that have had a conversion before. */
static void ask_credit(const struct call *call, struct report *reports, size_t count) {
    size_t asked = 0;
    for (size_t i = 0; i < count; i++) {
        char id[ULID_TEXT_SIZE];
        if (!is_open(&reports[i])) {
            continue;
        }
        ulid_format(&reports[i].conversion.click_id, id);
        if (!append_hget(call, "credit:", slice_make(id, sizeof(id)), "code")) {
            return;
        }
        asked++;
    }
    for (size_t i = 0; i < count && asked > 0; i++) {
        if (!is_open(&reports[i])) {
            continue;
        }
        const struct redis_reply *reply = redis_pipe_read(call->pipe, NULL);
        if (reply == NULL) {
            return;
        }
        asked--;
        prove(call, &reports[i],
              redis_reply_is_error(reply) ? SLICE_EMPTY : redis_reply_text(reply));
    }
}

/* False: Redis does not say. */
static bool look_for_click(const struct call *call, struct report *report, struct buf *bytes) {
    struct found_click found = {.bytes = bytes};
    struct err err;
    buf_clear(bytes);
    switch (find_click(call->pipe, call->key_prefix, &report->conversion.click_id, &found, &err)) {
    case FIND_FOUND:
        prove(call, report, found_click_value(&found, "code"));
        return true;
    case FIND_NONE:
        intake_note(call->intake, INTAKE_NOT_FOUND, 1);
        return true;
    case FIND_FAILED:
        return false;
    }
    return false;
}

void report_find_codes(const struct call *call, struct report *reports, size_t count) {
    uint64_t until_ns = clock_monotonic_ns() + FIND_CLICKS_MS * UINT64_C(1000000);
    size_t looked_for = 0;
    struct buf bytes;
    ask_credit(call, reports, count);
    buf_init(&bytes, FOUND_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!is_open(&reports[i])) {
            continue;
        }
        bool may_look = looked_for < FIND_CLICKS_MAX && redis_pipe_is_connected(call->pipe) &&
                        clock_monotonic_ns() < until_ns;
        looked_for++;
        if (!may_look || !look_for_click(call, &reports[i], &bytes)) {
            intake_note(call->intake, INTAKE_LOOKUP_FAILED, 1);
        }
    }
    buf_fini(&bytes);
}

/* ---- events ---- */

static bool has_own_event(const struct report *report) {
    return report->state == REPORT_NEW && report->is_own_event &&
           report->conversion.text[CONVERSION_TEXT_CODE].size > 0;
}

static bool has_campaign(const struct report *report) {
    return has_own_event(report) && report->campaign_size > 0;
}

/* Those that the link's campaign does not list, and whose click may be of another. */
static bool needs_click(const struct report *report) {
    return report->is_unlisted && report->conversion.proof == CONVERSION_VERIFIED &&
           report->conversion.has_click_id;
}

static bool needs_click_campaign(const struct report *report) {
    return needs_click(report) && report->campaign_size > 0;
}

/* One field of a hash, of every report that is meant. */
struct question {
    bool (*is_meant)(const struct report *report);
    const char *kind; /* of the key: what stands before the id */
    struct slice (*id)(const struct report *report, char bytes[ULID_TEXT_SIZE]);
    const char *field;
    bool (*take)(struct report *report, const struct redis_reply *reply); /* false: not known */
};

static struct slice code_of(const struct report *report, char bytes[ULID_TEXT_SIZE]) {
    (void)bytes;
    return report->conversion.text[CONVERSION_TEXT_CODE];
}

static struct slice click_of(const struct report *report, char bytes[ULID_TEXT_SIZE]) {
    ulid_format(&report->conversion.click_id, bytes);
    return slice_make(bytes, ULID_TEXT_SIZE);
}

static struct slice campaign_of(const struct report *report, char bytes[ULID_TEXT_SIZE]) {
    (void)bytes;
    return slice_make(report->campaign, report->campaign_size);
}

static bool take_campaign(struct report *report, const struct redis_reply *reply) {
    report->campaign_size = keep_code(redis_reply_text(reply), report->campaign);
    return !redis_reply_is_error(reply);
}

static bool take_events(struct report *report, const struct redis_reply *reply) {
    report->is_unlisted =
        !redis_reply_is_error(reply) &&
        !judge_is_event(report->conversion.text[CONVERSION_TEXT_EVENT], redis_reply_text(reply));
    return true;
}

/* All in one pipeline, and every reply is read. False: Redis does not say. */
static bool ask(const struct call *call, struct report *reports, size_t count,
                const struct question *question) {
    bool is_known = true;
    for (size_t i = 0; i < count; i++) {
        char bytes[ULID_TEXT_SIZE];
        if (question->is_meant(&reports[i]) &&
            !append_hget(call, question->kind, question->id(&reports[i], bytes), question->field)) {
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!question->is_meant(&reports[i])) {
            continue;
        }
        const struct redis_reply *reply = redis_pipe_read(call->pipe, NULL);
        if (reply == NULL) {
            return false;
        }
        is_known = question->take(&reports[i], reply) && is_known;
    }
    return is_known;
}

/* The campaigns of clicks that had no conversion yet: from the clicks themselves. */
static bool find_click_campaigns(const struct call *call, struct report *reports, size_t count) {
    uint64_t until_ns = clock_monotonic_ns() + FIND_CLICKS_MS * UINT64_C(1000000);
    size_t looked_for = 0;
    bool is_known = true;
    struct buf bytes;
    buf_init(&bytes, FOUND_BYTES_MAX);
    for (size_t i = 0; i < count && is_known; i++) {
        struct found_click found = {.bytes = &bytes};
        struct err err;
        if (!needs_click(&reports[i]) || reports[i].campaign_size > 0) {
            continue;
        }
        buf_clear(&bytes);
        is_known = looked_for++ < FIND_CLICKS_MAX && clock_monotonic_ns() < until_ns;
        enum find_result result = is_known
                                      ? find_click(call->pipe, call->key_prefix,
                                                   &reports[i].conversion.click_id, &found, &err)
                                      : FIND_FAILED;
        is_known = result != FIND_FAILED;
        if (result == FIND_FOUND) {
            reports[i].campaign_size =
                keep_code(found_click_value(&found, "campaign"), reports[i].campaign);
        }
    }
    buf_fini(&bytes);
    return is_known;
}

/* The link's campaign of today first, which nearly always is the click's. False: it is not known
 * whether an event is listed. */
static bool ask_campaigns(const struct call *call, struct report *reports, size_t count) {
    static const struct question of_link = {has_own_event, "link:", code_of, "campaign",
                                            take_campaign};
    static const struct question of_click = {needs_click, "credit:", click_of, "campaign",
                                             take_campaign};
    static const struct question events = {has_campaign, "campaign:", campaign_of, "events",
                                           take_events};
    static const struct question click_events = {needs_click_campaign, "campaign:", campaign_of,
                                                 "events", take_events};
    for (size_t i = 0; i < count; i++) {
        reports[i].is_unlisted = has_own_event(&reports[i]);
    }
    return ask(call, reports, count, &of_link) && ask(call, reports, count, &events) &&
           ask(call, reports, count, &of_click) && find_click_campaigns(call, reports, count) &&
           ask(call, reports, count, &click_events);
}

bool report_check_events(const struct call *call, struct report *reports, size_t count,
                         size_t *which) {
    if (!ask_campaigns(call, reports, count)) {
        return true;
    }
    *which = 0;
    while (*which < count && !reports[*which].is_unlisted) {
        (*which)++;
    }
    return *which == count;
}
