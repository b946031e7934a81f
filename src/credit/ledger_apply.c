/*
 * ledger_apply.c - see ledger_private.h: the arguments of ledger_apply.lua, and what it answers.
 */
#include "base/clock.h"
#include "ledger_private.h"
#include "link/campaign.h"
#include "link/code.h"

enum {
    SECONDS_PER_DAY = 86400,
    MS_PER_S = 1000,
    REPEAT_LOG_MS = 10000,
    RESULTS_AT = 4, /* in the answer */
};

/* ---- texts ---- */

/* What was appended since the buffer had so many bytes. */
static struct slice since(const struct buf *bytes, size_t begins) {
    ENSURE(!bytes->overflowed); /* all that a batch can have has room */
    return slice_make(bytes->data + begins, bytes->size - begins);
}

static struct slice number(struct buf *bytes, uint64_t value) {
    size_t begins = bytes->size;
    buf_append_u64(bytes, value);
    return since(bytes, begins);
}

static struct slice ulid_text(struct buf *bytes, const struct ulid *id) {
    char text[ULID_TEXT_SIZE];
    size_t begins = bytes->size;
    ulid_format(id, text);
    buf_append_bytes(bytes, text, sizeof(text));
    return since(bytes, begins);
}

static struct slice joined(struct buf *bytes, char separator, const struct slice *parts,
                           size_t count) {
    size_t begins = bytes->size;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            buf_append_char(bytes, separator);
        }
        buf_append(bytes, parts[i]);
    }
    return since(bytes, begins);
}

static struct slice flags_text(struct buf *bytes, unsigned reasons) {
    size_t begins = bytes->size;
    for (unsigned i = 0; i < CHECK_REASON_COUNT; i++) {
        buf_append_char(bytes, (reasons >> i & 1) != 0 ? '1' : '0');
    }
    return since(bytes, begins);
}

/* ,"name":"value" */
static void member(struct buf *bytes, const char *name, struct slice value) {
    buf_append(bytes, SLICE(",\""));
    buf_append(bytes, slice_of(name));
    buf_append(bytes, SLICE("\":\""));
    buf_append_json(bytes, value);
    buf_append_char(bytes, '"');
}

static void number_member(struct buf *bytes, const char *name, uint64_t value) {
    buf_append(bytes, SLICE(",\""));
    buf_append(bytes, slice_of(name));
    buf_append(bytes, SLICE("\":"));
    buf_append_u64(bytes, value);
}

/* ---- one conversion ---- */

/* What of it goes into the arguments and into both documents. */
struct line {
    const struct ledger_entry *entry;
    struct slice id, click_id, code;
    uint64_t happened_ms;
    struct clock_day day;
};

/* As what one that is not verified counts once; empty: always. */
static struct slice once_key(struct buf *bytes, const struct ledger_entry *entry) {
    const struct slice *text = entry->conversion.text;
    struct slice event = text[CONVERSION_TEXT_EVENT];
    struct slice token = text[CONVERSION_TEXT_CLICK];
    struct slice key = text[CONVERSION_TEXT_KEY];
    bool is_forged = entry->proof.status == CREDIT_FORGED;
    if (entry->proof.status == CREDIT_VERIFIED) {
        return SLICE_EMPTY;
    }
    if (token.size > 0) {
        struct slice parts[] = {is_forged ? SLICE("forged") : SLICE("token"), event, token};
        return joined(bytes, '\t', parts, ARRAY_COUNT(parts));
    }
    if (key.size > 0) {
        struct slice parts[] = {SLICE("key"), event, text[CONVERSION_TEXT_REPORTER], key};
        return joined(bytes, '\t', parts, ARRAY_COUNT(parts)); /* in no name of a token */
    }
    return SLICE_EMPTY;
}

/* A check of how many somebody has. */
struct many {
    struct slice name;
    struct slice whose;
    uint32_t allowed;
};

/* Its counter, and how many are allowed; both empty when it is off. */
static void add_many(struct buf *bytes, const struct line *line, const struct many *many,
                     struct slice out[2]) {
    const struct ledger_entry *entry = line->entry;
    out[0] = out[1] = SLICE_EMPTY;
    if (entry->proof.status != CREDIT_VERIFIED || !entry->has_facts ||
        many->allowed == UINT32_MAX || !judge_is_known(many->whose)) {
        return;
    }
    struct slice parts[] = {SLICE("many"),
                            many->name,
                            number(bytes, (uint64_t)line->day.yyyymmdd),
                            entry->campaign,
                            entry->conversion.text[CONVERSION_TEXT_EVENT],
                            many->whose};
    out[0] = joined(bytes, ':', parts, ARRAY_COUNT(parts));
    out[1] = number(bytes, many->allowed);
}

/* What credit:CLICK keeps of it, before and after the reasons. */
static void add_credit(struct buf *bytes, const struct line *line, struct slice out[2]) {
    const struct conversion *conversion = &line->entry->conversion;
    size_t begins = bytes->size;
    buf_append(bytes, SLICE("{\"id\":\""));
    buf_append(bytes, line->id);
    buf_append_char(bytes, '"');
    number_member(bytes, "at", line->happened_ms);
    member(bytes, "status", slice_of(credit_status_name(line->entry->proof.status)));
    buf_append(bytes, SLICE(",\"reasons\":["));
    out[0] = since(bytes, begins);
    begins = bytes->size;
    buf_append_char(bytes, ']');
    number_member(bytes, "value", (uint64_t)conversion->value);
    member(bytes, "currency", conversion->text[CONVERSION_TEXT_CURRENCY]);
    member(bytes, "reporter", conversion->text[CONVERSION_TEXT_REPORTER]);
    number_member(bytes, "repeats", 0);
    buf_append_char(bytes, '}');
    out[1] = since(bytes, begins);
}

static void add_click(struct buf *bytes, const struct line *line) {
    const struct conversion *conversion = &line->entry->conversion;
    buf_append(bytes, SLICE(",\"click\":"));
    if (!line->entry->proof.has_click) {
        buf_append(bytes, SLICE("null"));
        return;
    }
    buf_append(bytes, SLICE("{\"id\":\""));
    buf_append(bytes, line->click_id);
    buf_append_char(bytes, '"');
    number_member(bytes, "at", ulid_unix_ms(&conversion->click_id));
    buf_append_char(bytes, '}');
}

/* The body of its webhook, before and after the reasons. */
static void add_body(struct buf *bytes, const struct line *line, struct slice out[2]) {
    const struct ledger_entry *entry = line->entry;
    const struct slice *text = entry->conversion.text;
    size_t begins = bytes->size;
    buf_append(bytes, SLICE("{\"type\":\"conversion\""));
    member(bytes, "id", line->id);
    member(bytes, "event", text[CONVERSION_TEXT_EVENT]);
    member(bytes, "status", slice_of(credit_status_name(entry->proof.status)));
    buf_append(bytes, SLICE(",\"reasons\":["));
    out[0] = since(bytes, begins);
    begins = bytes->size;
    buf_append(bytes, SLICE("],\"counted\":true"));
    number_member(bytes, "at", line->happened_ms);
    member(bytes, "code", line->code);
    member(bytes, "campaign", entry->campaign);
    member(bytes, "owner", entry->owner);
    add_click(bytes, line);
    if (text[CONVERSION_TEXT_CURRENCY].size > 0) {
        number_member(bytes, "value", (uint64_t)entry->conversion.value);
        member(bytes, "currency", text[CONVERSION_TEXT_CURRENCY]);
    } else {
        buf_append(bytes, SLICE(",\"value\":null,\"currency\":null"));
    }
    buf_append_char(bytes, '}');
    out[1] = since(bytes, begins);
}

/* The campaign's address, or empty where it has none that may be used. */
static struct slice webhook_of(struct ledger *l, const struct ledger_entry *entry) {
    struct err err = {""};
    uint64_t held_back;
    if (entry->webhook.size == 0 || campaign_field_check(CAMPAIGN_FIELD_WEBHOOK, entry->webhook,
                                                         SLICE_EMPTY, SLICE_EMPTY, &err)) {
        return entry->webhook;
    }
    if (log_allowed(&l->webhook_limit, clock_monotonic_ns(), REPEAT_LOG_MS, &held_back)) {
        log_event(l->log, LOG_WARN, "campaign_webhook",
                  "campaign=%.*s error=%s held_back=%lu meaning=%s", SLICE_ARG(entry->campaign),
                  err.text, (unsigned long)held_back, "nobody is told of its conversions");
    }
    return SLICE_EMPTY;
}

static struct slice click_at(struct buf *bytes, const struct ledger_entry *entry) {
    uint64_t ms;
    if (entry->has_facts && slice_to_u64(entry->click.at, UINT64_MAX, &ms)) {
        return entry->click.at;
    }
    return number(bytes, ulid_unix_ms(&entry->conversion.click_id));
}

static void add_facts(struct buf *bytes, const struct ledger_entry *entry, struct slice *out) {
    if (entry->proof.status != CREDIT_VERIFIED) {
        out[0] = out[1] = out[2] = SLICE_EMPTY;
        return;
    }
    out[0] = click_at(bytes, entry);
    out[1] = entry->has_facts ? entry->click.visitor : SLICE_EMPTY;
    out[2] = entry->has_facts ? entry->click.network : SLICE_EMPTY;
}

/* In the order of FIELDS in ledger_apply.lua. */
static void add_entry(struct ledger *l, const struct ledger_entry *entry, struct slice *out) {
    struct buf *bytes = &l->batch->bytes;
    const struct conversion *conversion = &entry->conversion;
    uint64_t retain_days = atomic_load(&l->stats_retain_days);
    struct line line = {.entry = entry, .happened_ms = judge_happened_ms(conversion)};
    line.id = ulid_text(bytes, &conversion->id);
    line.click_id =
        conversion->has_click_id ? ulid_text(bytes, &conversion->click_id) : SLICE_EMPTY;
    line.code = code_is_valid(entry->proof.code) ? entry->proof.code : SLICE_EMPTY;
    line.day = clock_day_of(line.happened_ms);
    out[0] = line.id;
    out[1] = conversion->text[CONVERSION_TEXT_EVENT];
    out[2] = slice_of(credit_status_name(entry->proof.status));
    out[3] = flags_text(bytes, entry->reasons);
    out[4] = line.code;
    out[5] = entry->campaign;
    out[6] = entry->owner;
    out[7] = line.click_id;
    out[8] = number(bytes, (uint64_t)conversion->value);
    out[9] = conversion->text[CONVERSION_TEXT_CURRENCY];
    out[10] = number(bytes, (uint64_t)line.day.yyyymmdd);
    out[11] = number(bytes, line.day.end_ms / MS_PER_S + retain_days * SECONDS_PER_DAY);
    out[12] = number(bytes, line.happened_ms);
    out[13] = once_key(bytes, entry);
    add_facts(bytes, entry, out + 14);
    const struct many by_visitor = {SLICE("visitor"), entry->click.visitor,
                                    entry->limits.many_by_visitor};
    const struct many by_network = {SLICE("network"), entry->click.network,
                                    entry->limits.many_by_network};
    add_many(bytes, &line, &by_visitor, out + 17);
    add_many(bytes, &line, &by_network, out + 19);
    add_credit(bytes, &line, out + 21);
    out[23] = webhook_of(l, entry);
    add_body(bytes, &line, out + 24);
}

/* ---- the call ---- */

static struct slice reason_names(struct buf *bytes) {
    size_t begins = bytes->size;
    for (unsigned i = 0; i < CHECK_REASON_COUNT; i++) {
        buf_append(bytes, slice_of(check_reason_name((enum check_reason)i)));
        buf_append_char(bytes, ' ');
    }
    return since(bytes, begins);
}

static size_t set_arguments(struct ledger *l) {
    struct ledger_batch *batch = l->batch;
    struct buf *bytes = &batch->bytes;
    uint64_t retain_days = atomic_load(&l->stats_retain_days);
    struct slice fixed[LEDGER_BATCH_ARGUMENTS] = {
        l->key_prefix,
        batch->stream,
        slice_of(batch->mark),
        slice_of(batch->last),
        l->zone,
        number(bytes, batch->count),
        number(bytes, batch->malformed),
        number(bytes, retain_days * SECONDS_PER_DAY),
        number(bytes, clock_real_ms()),
        number(bytes, l->webhooks_max),
        reason_names(bytes),
    };
    size_t count = ARRAY_COUNT(fixed);
    memcpy(l->arguments, fixed, sizeof(fixed));
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->entry[i].is_one) {
            add_entry(l, &batch->entry[i], l->arguments + count);
            count += LEDGER_ENTRY_ARGUMENTS;
        }
    }
    return count;
}

static enum ledger_event event_of(struct slice name) {
#define NAME(name, text) [LEDGER_EVENT_##name] = (text),
    static const char *const names[] = {LEDGER_EVENTS(NAME)};
#undef NAME
    unsigned event = 0;
    while (event < LEDGER_EVENT_OTHER && !slice_equal(name, slice_of(names[event]))) {
        event++;
    }
    return (enum ledger_event)event;
}

/* One result: whether it counted, and its reasons. */
static void note_result(struct ledger *l, const struct ledger_entry *entry, struct slice result) {
    enum ledger_event event = event_of(entry->conversion.text[CONVERSION_TEXT_EVENT]);
    if (result.size != 1 + CHECK_REASON_COUNT || result.data[0] == '-') {
        return; /* damaged, and counted as such */
    }
    if (result.data[0] == '0') {
        metric_add(l->metrics, LEDGER_REPEATED, 1);
        return;
    }
    metric_add(l->metrics,
               LEDGER_JUDGED + (size_t)entry->proof.status * LEDGER_EVENT_COUNT + (size_t)event, 1);
    for (size_t i = 0; i < CHECK_REASON_COUNT && entry->proof.status == CREDIT_VERIFIED; i++) {
        metric_add(l->metrics, LEDGER_MARKED + i, result.data[1 + i] == '1' ? 1 : 0);
    }
}

static void note_damage(struct ledger *l, uint64_t damaged, struct slice where, uint64_t refused) {
    uint64_t held_back;
    metric_add(l->metrics, LEDGER_DAMAGED, damaged);
    metric_add(l->metrics, LEDGER_WEBHOOKS_REFUSED, refused);
    if (damaged > 0 &&
        log_allowed(&l->damage_limit, clock_monotonic_ns(), REPEAT_LOG_MS, &held_back)) {
        log_event(l->log, LOG_ERROR, "credit_damaged",
                  "stream=%.*s count=%lu first=%.*s held_back=%lu meaning=%s",
                  SLICE_ARG(l->batch->stream), (unsigned long)damaged,
                  SLICE_ARG(slice_first(where, 300)), (unsigned long)held_back,
                  "keys that cannot be written to were left as they are");
    }
    if (refused > 0 &&
        log_allowed(&l->webhook_limit, clock_monotonic_ns(), REPEAT_LOG_MS, &held_back)) {
        log_event(l->log, LOG_ERROR, "webhooks_full", "refused=%lu limit=%u meaning=%s",
                  (unsigned long)refused, l->webhooks_max,
                  "as many webhooks wait to be delivered, so there is no room for more: these "
                  "conversions are booked, and nobody is told of them");
    }
}

static uint64_t count_at(const struct redis_reply *reply, size_t index) {
    int64_t value = redis_reply_integer(redis_reply_at(reply, index));
    return value > 0 ? (uint64_t)value : 0;
}

static enum ledger_step note_booked(struct ledger *l, const struct redis_reply *reply) {
    const struct ledger_batch *batch = l->batch;
    size_t at = RESULTS_AT;
    metric_add(l->metrics, LEDGER_BATCHES, 1);
    metric_add(l->metrics, LEDGER_MALFORMED, batch->malformed);
    note_damage(l, count_at(reply, 1), redis_reply_text(redis_reply_at(reply, 2)),
                count_at(reply, 3));
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->entry[i].is_one) {
            metric_add(l->metrics, LEDGER_UNLISTED, batch->entry[i].is_unlisted ? 1 : 0);
            note_result(l, &batch->entry[i], redis_reply_text(redis_reply_at(reply, at++)));
        }
    }
    return LEDGER_ON;
}

enum ledger_step ledger_apply(struct ledger *l) {
    struct err err = {""};
    const struct redis_reply *reply = ledger_call(l, LEDGER_APPLY, l->arguments, set_arguments(l));
    if (reply == NULL) {
        return LEDGER_TROUBLE;
    }
    struct slice word = redis_reply_text(redis_reply_at(reply, 0));
    if (slice_equal(word, SLICE("ok"))) {
        return note_booked(l, reply);
    }
    if (slice_equal(word, SLICE("mark"))) {
        metric_add(l->metrics, LEDGER_LOST_RACES, 1);
        return LEDGER_NOTHING;
    }
    struct slice text = redis_reply_text(reply);
    if (slice_equal(word, SLICE("zone"))) {
        err_set(&err, "the days in Redis are of %.*s, stats.timezone is %.*s",
                SLICE_ARG(slice_first(redis_reply_text(redis_reply_at(reply, 1)), 64)),
                SLICE_ARG(l->zone));
    } else {
        err_set(&err, "%.*s", SLICE_ARG(slice_first(text, 300)));
    }
    return ledger_trouble(l, false, &err);
}
