/*
 * funnel.c - fields of the funnel's hashes, added up and shown.
 */
#include "stats/funnel.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/defs.h"

static const char *const steps[] = {
    [FUNNEL_INSTALL] = "install", [FUNNEL_SIGNUP] = "signup", [FUNNEL_FIRST_LOAN] = "first_loan"};

#define FUNNEL_STATUS_NAME(name, text) text,
static const char *const statuses[] = {FUNNEL_STATUSES(FUNNEL_STATUS_NAME)};

const char *funnel_step_name(enum funnel_step step) {
    ENSURE((unsigned)step < FUNNEL_STEP_COUNT);
    return steps[step];
}

const char *funnel_status_name(enum funnel_status status) {
    ENSURE((unsigned)status < FUNNEL_STATUS_COUNT);
    return statuses[status];
}

static void set_name(struct funnel_event *event, struct slice name) {
    memcpy(event->name, name.data, name.size);
    event->name[name.size] = '\0';
}

void funnel_init(struct funnel *funnel) {
    *funnel = (struct funnel){.is_known = true, .event_count = FUNNEL_STEP_COUNT};
    for (size_t i = 0; i < FUNNEL_STEP_COUNT; i++) {
        set_name(&funnel->event[i], slice_of(steps[i]));
    }
}

static bool is_name(struct slice text) {
    if (text.size == 0 || text.size > FUNNEL_NAME_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (!((c >= 'a' && c <= 'z') || (i > 0 && ((c >= '0' && c <= '9') || c == '_')))) {
            return false;
        }
    }
    return true;
}

static struct funnel_event *find_event(struct funnel *funnel, struct slice name) {
    for (size_t i = 0; i < funnel->event_count; i++) {
        if (slice_equal(slice_of(funnel->event[i].name), name)) {
            return &funnel->event[i];
        }
    }
    if (!is_name(name)) {
        return NULL;
    }
    if (funnel->event_count == FUNNEL_EVENTS_MAX) {
        funnel->is_cut = true;
        return NULL;
    }
    struct funnel_event *event = &funnel->event[funnel->event_count++];
    set_name(event, name);
    return event;
}

static bool find_status(struct slice text, enum funnel_status *status) {
    for (size_t i = 0; i < FUNNEL_STATUS_COUNT; i++) {
        if (slice_equal(text, slice_of(statuses[i]))) {
            *status = (enum funnel_status)i;
            return true;
        }
    }
    return false;
}

static bool is_currency(struct slice text) {
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < 'A' || text.data[i] > 'Z') {
            return false;
        }
    }
    return text.size == 3;
}

static void add_value(struct funnel *funnel, struct funnel_event *event, struct slice currency,
                      enum funnel_status status, uint64_t amount) {
    struct funnel_value *value = event->value;
    struct funnel_value *end = value + event->value_count;
    while (value < end && !slice_equal(slice_of(value->currency), currency)) {
        value++;
    }
    if (value == end) {
        if (event->value_count == FUNNEL_CURRENCIES_MAX) {
            funnel->is_cut = true;
            return;
        }
        event->value_count++;
        memcpy(value->currency, currency.data, currency.size);
    }
    uint64_t room = (uint64_t)(INT64_MAX - value->sum[status]);
    value->sum[status] += (int64_t)(amount < room ? amount : room);
}

static void add_mark(struct funnel_event *event, struct slice reason, uint64_t count) {
    for (int i = 0; i < CHECK_REASON_COUNT; i++) {
        if (slice_equal(reason, slice_of(check_reason_name((enum check_reason)i)))) {
            event->marked[i] += count;
        }
    }
}

uint64_t funnel_take(struct funnel *funnel, struct slice field, struct slice value,
                     enum funnel_step *step) {
    struct slice what = field;
    struct slice name = slice_split(&what, '\t');
    struct slice currency = what;
    struct slice word = slice_split(&currency, '\t');
    enum funnel_status status;
    uint64_t number;
    if (word.size == 0 || !slice_to_u64(value, INT64_MAX, &number)) {
        return 0;
    }
    struct funnel_event *event = find_event(funnel, name);
    if (event == NULL) {
        return 0;
    }
    if (word.data[0] == '!') {
        add_mark(event, slice_from(word, 1), number);
    } else if (slice_equal(word, SLICE("repeated"))) {
        event->repeated += number;
    } else if (find_status(word, &status) && is_currency(currency)) {
        add_value(funnel, event, currency, status, number);
    } else if (find_status(word, &status) && word.size == what.size) {
        event->count[status] += number;
        *step = (enum funnel_step)(event - funnel->event);
        return status == FUNNEL_VERIFIED && *step < FUNNEL_STEP_COUNT ? number : 0;
    }
    return 0;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct funnel_event *)a)->name, ((const struct funnel_event *)b)->name);
}

static int by_currency(const void *a, const void *b) {
    return strcmp(((const struct funnel_value *)a)->currency,
                  ((const struct funnel_value *)b)->currency);
}

void funnel_sort(struct funnel *funnel) {
    qsort(funnel->event + FUNNEL_STEP_COUNT, funnel->event_count - FUNNEL_STEP_COUNT,
          sizeof(funnel->event[0]), by_name);
    for (size_t i = 0; i < funnel->event_count; i++) {
        qsort(funnel->event[i].value, funnel->event[i].value_count,
              sizeof(funnel->event[i].value[0]), by_currency);
    }
}

static void append_value(const struct funnel_value *value, struct buf *out) {
    buf_printf(out, "\"%s\":{", value->currency);
    for (int i = 0; i < FUNNEL_STATUS_COUNT; i++) {
        buf_printf(out, "%s\"%s\":%" PRId64, i > 0 ? "," : "", statuses[i], value->sum[i]);
    }
    buf_append_char(out, '}');
}

static void append_event(const struct funnel_event *event, struct buf *out) {
    buf_printf(out, "{\"event\":\"%s\"", event->name);
    for (int i = 0; i < FUNNEL_STATUS_COUNT; i++) {
        buf_printf(out, ",\"%s\":%" PRIu64, statuses[i], event->count[i]);
    }
    buf_printf(out, ",\"repeated\":%" PRIu64 ",\"marked\":{", event->repeated);
    for (int i = 0; i < CHECK_REASON_COUNT; i++) {
        buf_printf(out, "%s\"%s\":%" PRIu64, i > 0 ? "," : "",
                   check_reason_name((enum check_reason)i), event->marked[i]);
    }
    buf_append(out, SLICE("},\"value\":{"));
    for (size_t i = 0; i < event->value_count; i++) {
        if (i > 0) {
            buf_append_char(out, ',');
        }
        append_value(&event->value[i], out);
    }
    buf_append(out, SLICE("}}"));
}

bool funnel_json(const struct funnel *funnel, struct buf *out) {
    buf_append_char(out, '[');
    for (size_t i = 0; i < funnel->event_count; i++) {
        if (i > 0) {
            buf_append_char(out, ',');
        }
        append_event(&funnel->event[i], out);
    }
    buf_append_char(out, ']');
    return !out->overflowed;
}
