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

/* The field of every report that is meant, in one pipeline. False: Redis does not say. */
static bool ask_all(const struct call *call, struct report *reports, size_t count,
                    bool (*is_meant)(const struct report *), const char *field) {
    bool is_of_link = is_meant == has_own_event;
    for (size_t i = 0; i < count; i++) {
        const struct report *report = &reports[i];
        struct slice id = is_of_link ? report->conversion.text[CONVERSION_TEXT_CODE]
                                     : slice_make(report->campaign, report->campaign_size);
        if (is_meant(report) && !append_hget(call, is_of_link ? "link:" : "campaign:", id, field)) {
            return false;
        }
    }
    return true;
}

/* Which campaigns; a report whose link names none has none. */
static bool ask_campaigns(const struct call *call, struct report *reports, size_t count) {
    if (!ask_all(call, reports, count, has_own_event, "campaign")) {
        return false;
    }
    bool is_known = true;
    for (size_t i = 0; i < count; i++) {
        if (!has_own_event(&reports[i])) {
            continue;
        }
        const struct redis_reply *reply = redis_pipe_read(call->pipe, NULL);
        if (reply == NULL) {
            return false;
        }
        is_known = is_known && !redis_reply_is_error(reply);
        reports[i].campaign_size = keep_code(redis_reply_text(reply), reports[i].campaign);
    }
    return is_known;
}

/* Every reply is read, also behind the one that decides. */
static bool ask_events(const struct call *call, struct report *reports, size_t count,
                       size_t *which) {
    size_t first = count;
    if (!ask_all(call, reports, count, has_campaign, "events")) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        struct slice event = reports[i].conversion.text[CONVERSION_TEXT_EVENT];
        if (!has_own_event(&reports[i])) {
            continue;
        }
        struct slice events = SLICE_EMPTY;
        bool is_known = true;
        if (has_campaign(&reports[i])) {
            const struct redis_reply *reply = redis_pipe_read(call->pipe, NULL);
            if (reply == NULL) {
                return true;
            }
            is_known = !redis_reply_is_error(reply);
            events = redis_reply_text(reply);
        }
        if (is_known && !judge_is_event(event, events) && first == count) {
            first = i;
        }
    }
    *which = first;
    return first == count;
}

bool report_check_events(const struct call *call, struct report *reports, size_t count,
                         size_t *which) {
    return !ask_campaigns(call, reports, count) || ask_events(call, reports, count, which);
}
