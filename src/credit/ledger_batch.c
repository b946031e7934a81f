/*
 * ledger_batch.c - see ledger_private.h: from a stream's entries to judged conversions.
 *
 *   entries ► credit:CLICK, else the click's own entry (stats/find.h) ► judge_prove()
 *           ► link:CODE ► campaign:ID ► judge_reasons()
 *
 * Each of these asks for the whole batch at once. Nothing that Redis answers is trusted: a text
 * that is longer than its kind may be reads as absent.
 */
#include <stdio.h>

#include "base/clock.h"
#include "ledger_private.h"
#include "link/code.h"
#include "stats/find.h"

enum {
    FIELDS_MAX = 64,       /* as in ledger_read.lua */
    LIST_BYTES_MAX = 4096, /* a campaign's events and checks */
    URL_BYTES_MAX = 2048,
    AT_MS_MAX_DIGITS = 15, /* times up to the year 33658 */
    REPEAT_LOG_MS = 60000,
};

/* ---- texts ---- */

struct slice ledger_keep(struct ledger *l, struct slice text, size_t bytes_max) {
    struct buf *bytes = &l->batch->bytes;
    if (text.size == 0 || text.size > bytes_max) {
        return SLICE_EMPTY;
    }
    size_t begins = bytes->size;
    ENSURE(buf_append(bytes, text)); /* all that a batch can have has room */
    return slice_make(bytes->data + begins, text.size);
}

struct slice ledger_keep_reply(struct ledger *l, const struct redis_reply *reply, size_t index,
                               size_t bytes_max) {
    const struct redis_reply *one = redis_reply_at(reply, index);
    return redis_reply_is_error(one) ? SLICE_EMPTY
                                     : ledger_keep(l, redis_reply_text(one), bytes_max);
}

/* ---- entries ---- */

static bool read_entry(struct ledger *l, const struct redis_reply *fields,
                       struct conversion *conversion) {
    struct slice names[FIELDS_MAX], values[FIELDS_MAX];
    size_t count = redis_reply_count(fields) / 2;
    if (count > FIELDS_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        names[i] = ledger_keep_reply(l, fields, 2 * i, LEDGER_ENTRY_BYTES_MAX);
        values[i] = ledger_keep_reply(l, fields, 2 * i + 1, LEDGER_ENTRY_BYTES_MAX);
    }
    uint64_t latest_ms = 1;
    for (int i = 0; i < AT_MS_MAX_DIGITS; i++) {
        latest_ms *= 10;
    }
    return conversion_from_fields(names, values, count, conversion) &&
           conversion->at_ms < latest_ms;
}

static void copy_id(char text[LEDGER_ID_BYTES], const struct redis_reply *reply) {
    struct buf out = buf_over(text, LEDGER_ID_BYTES - 1);
    buf_append(&out, redis_reply_text(reply));
    text[out.size] = '\0';
}

/* For the lag: how far the last entry is ahead of the mark, and how old the first above it is. */
static void measure(struct ledger *l) {
    const struct ledger_batch *batch = l->batch;
    struct slice newest = slice_of(batch->newest), mark = slice_of(batch->mark);
    struct slice first_ms = slice_of(batch->last);
    uint64_t newest_sequence = 0, mark_sequence = 0, ms = 0;
    slice_split(&newest, '-');
    slice_split(&mark, '-');
    if (slice_to_u64(newest, UINT64_MAX, &newest_sequence) && newest_sequence > 0) {
        (void)slice_to_u64(mark, UINT64_MAX, &mark_sequence);
        l->stream_lag = newest_sequence > mark_sequence ? newest_sequence - mark_sequence : 0;
    }
    if (slice_to_u64(slice_split(&first_ms, '-'), UINT64_MAX, &ms)) {
        l->stream_oldest_ms = ms;
    }
}

static enum ledger_step take_entries(struct ledger *l, const struct redis_reply *reply) {
    struct ledger_batch *batch = l->batch;
    size_t count = redis_reply_count(reply) - 2;
    copy_id(batch->mark, redis_reply_at(reply, 0));
    copy_id(batch->newest, redis_reply_at(reply, 1));
    for (size_t i = 0; i < count && i < LEDGER_BATCH_MAX; i++) {
        const struct redis_reply *one = redis_reply_at(reply, 2 + i);
        struct ledger_entry *entry = &batch->entry[batch->count++];
        *entry = (struct ledger_entry){0};
        entry->is_one = read_entry(l, redis_reply_at(one, 1), &entry->conversion);
        copy_id(batch->last, redis_reply_at(one, 0));
        if (i == 0) {
            measure(l);
        }
        uint64_t held_back;
        if (!entry->is_one &&
            log_allowed(&l->malformed_limit, clock_monotonic_ns(), REPEAT_LOG_MS, &held_back)) {
            log_event(l->log, LOG_WARN, "conversion_malformed",
                      "stream=%.*s id=%s held_back=%lu meaning=%s", SLICE_ARG(batch->stream),
                      batch->last, (unsigned long)held_back,
                      "the entry is no conversion, or too large for one: passed over");
        }
    }
    return batch->count > 0 ? LEDGER_ON : LEDGER_NOTHING;
}

/* ---- many questions at once ---- */

static bool make_key(const struct ledger *l, const struct ledger_question *question, size_t i,
                     struct buf *key) {
    const struct ledger_entry *entry = &l->batch->entry[i];
    return entry->is_one && buf_append(key, l->key_prefix) && question->key(entry, key);
}

enum ledger_step ledger_ask(struct ledger *l, const struct ledger_question *question) {
    bool is_asked[LEDGER_BATCH_MAX] = {false};
    struct err err = {"the connection was lost"};
    for (size_t i = 0; i < l->batch->count; i++) {
        char text[LEDGER_KEY_BYTES_MAX];
        struct buf key = buf_over(text, sizeof(text));
        is_asked[i] = make_key(l, question, i, &key);
        if (!is_asked[i]) {
            continue;
        }
        struct slice command[2 + 8] = {SLICE("HMGET"), buf_slice(&key)};
        memcpy(command + 2, question->fields, question->field_count * sizeof(*question->fields));
        if (!redis_pipe_append(l->pipe, 2 + question->field_count, command)) {
            return ledger_trouble(l, true, &err);
        }
    }
    for (size_t i = 0; i < l->batch->count; i++) {
        if (!is_asked[i]) {
            continue;
        }
        const struct redis_reply *reply = redis_pipe_read(l->pipe, &err);
        if (reply == NULL) {
            return ledger_trouble(l, true, &err);
        }
        question->take(l, &l->batch->entry[i], reply);
    }
    return LEDGER_ON;
}

/* ---- link and campaign ---- */

static const struct slice events_field[] = {{"events", 6}};
static const struct slice link_fields[] = {{"campaign", 8}, {"owner", 5}};
static const struct slice campaign_fields[] = {{"events", 6}, {"checks", 6}, {"webhook", 7}};

static bool link_key(const struct ledger_entry *entry, struct buf *key) {
    return code_is_valid(entry->proof.code) && buf_append(key, SLICE("link:")) &&
           buf_append(key, entry->proof.code);
}

static void take_link(struct ledger *l, struct ledger_entry *entry,
                      const struct redis_reply *reply) {
    entry->link_campaign = ledger_keep_reply(l, reply, 0, LEDGER_TEXT_BYTES_MAX);
    entry->link_owner = ledger_keep_reply(l, reply, 1, LEDGER_TEXT_BYTES_MAX);
}

static bool campaign_key(const struct ledger_entry *entry, struct buf *key) {
    return entry->campaign.size > 0 && buf_append(key, SLICE("campaign:")) &&
           buf_append(key, entry->campaign);
}

static void take_campaign(struct ledger *l, struct ledger_entry *entry,
                          const struct redis_reply *reply) {
    entry->events = ledger_keep_reply(l, reply, 0, LIST_BYTES_MAX);
    entry->checks = ledger_keep_reply(l, reply, 1, LIST_BYTES_MAX);
    entry->webhook = ledger_keep_reply(l, reply, 2, URL_BYTES_MAX);
}

/* The link's campaign is another than the click's when the link was changed since. */
static bool link_campaign_key(const struct ledger_entry *entry, struct buf *key) {
    return !judge_is_event(entry->conversion.text[CONVERSION_TEXT_EVENT], entry->events) &&
           code_is_valid(entry->link_campaign) &&
           !slice_equal(entry->link_campaign, entry->campaign) &&
           buf_append(key, SLICE("campaign:")) && buf_append(key, entry->link_campaign);
}

static void take_link_events(struct ledger *l, struct ledger_entry *entry,
                             const struct redis_reply *reply) {
    entry->link_events = ledger_keep_reply(l, reply, 0, LIST_BYTES_MAX);
}

static const struct ledger_question link_question = {ARRAY_COUNT(link_fields), link_fields,
                                                     link_key, take_link};
static const struct ledger_question campaign_question = {
    ARRAY_COUNT(campaign_fields), campaign_fields, campaign_key, take_campaign};
static const struct ledger_question link_events_question = {ARRAY_COUNT(events_field), events_field,
                                                            link_campaign_key, take_link_events};

/* ---- judging ---- */

static void prove(struct ledger *l) {
    for (size_t i = 0; i < l->batch->count; i++) {
        struct ledger_entry *entry = &l->batch->entry[i];
        uint64_t held_back;
        if (!entry->is_one) {
            continue;
        }
        entry->proof = judge_prove(&entry->conversion, entry->has_facts ? &entry->click : NULL,
                                   l->has_token_key ? &l->token_key : NULL);
        if (entry->conversion.proof == CONVERSION_OPEN && !l->has_token_key &&
            log_allowed(&l->secret_limit, clock_monotonic_ns(), REPEAT_LOG_MS, &held_back)) {
            log_event(l->log, LOG_WARN, "conversion_not_proven", "held_back=%lu meaning=%s",
                      (unsigned long)held_back,
                      "data.dir has no secret here: tokens that come without their code stay "
                      "unverified");
        }
    }
}

static void choose_campaigns(struct ledger *l) {
    for (size_t i = 0; i < l->batch->count; i++) {
        struct ledger_entry *entry = &l->batch->entry[i];
        bool is_of_click = entry->proof.has_click && entry->has_facts;
        entry->campaign = is_of_click ? entry->click.campaign : entry->link_campaign;
        entry->owner = is_of_click ? entry->click.owner : entry->link_owner;
        if (!code_is_valid(entry->campaign)) {
            entry->campaign = SLICE_EMPTY;
        }
    }
}

static void read_limits(struct ledger *l, struct ledger_entry *entry) {
    struct err err = {""};
    uint64_t held_back;
    if (checks_read(entry->checks, &entry->limits, &err)) {
        return;
    }
    if (log_allowed(&l->checks_limit, clock_monotonic_ns(), REPEAT_LOG_MS, &held_back)) {
        log_event(l->log, LOG_WARN, "campaign_checks",
                  "campaign=%.*s error=%s held_back=%lu meaning=%s", SLICE_ARG(entry->campaign),
                  err.text, (unsigned long)held_back, "the defaults are used");
    }
    ENSURE(checks_read(SLICE_EMPTY, &entry->limits, &err));
}

/* What was accepted is kept. But an event that no campaign lists, since it was taken off the list,
 * or since nobody could be asked when it was reported, is nobody's credit. */
static void check_event(struct ledger *l, struct ledger_entry *entry) {
    struct slice event = entry->conversion.text[CONVERSION_TEXT_EVENT];
    uint64_t held_back;
    if (judge_is_event(event, entry->events) || judge_is_event(event, entry->link_events)) {
        return;
    }
    entry->is_unlisted = true;
    if (entry->proof.status == CREDIT_VERIFIED) {
        entry->proof.status = CREDIT_UNVERIFIED;
        entry->proof.has_click = false;
    }
    if (log_allowed(&l->event_limit, clock_monotonic_ns(), REPEAT_LOG_MS, &held_back)) {
        log_event(l->log, LOG_WARN, "conversion_unlisted",
                  "stream=%.*s event=%.*s campaign=%.*s held_back=%lu meaning=%s",
                  SLICE_ARG(l->batch->stream), SLICE_ARG(event), SLICE_ARG(entry->campaign),
                  (unsigned long)held_back,
                  "no campaign of its click or link lists this event: kept as unverified");
    }
}

static void judge(struct ledger *l, struct ledger_entry *entry) {
    check_event(l, entry);
    read_limits(l, entry);
    entry->reasons = judge_reasons(&(struct judge_input){
        .conversion = &entry->conversion,
        .status = entry->proof.status,
        .click = entry->proof.has_click && entry->has_facts ? &entry->click : NULL,
        .owner = entry->link_owner,
        .checks = &entry->limits,
    });
}

static enum ledger_step judge_all(struct ledger *l) {
    prove(l);
    enum ledger_step step = ledger_ask(l, &link_question);
    if (step != LEDGER_ON) {
        return step;
    }
    choose_campaigns(l);
    step = ledger_ask(l, &campaign_question);
    step = step == LEDGER_ON ? ledger_ask(l, &link_events_question) : step;
    for (size_t i = 0; i < l->batch->count && step == LEDGER_ON; i++) {
        if (l->batch->entry[i].is_one) {
            judge(l, &l->batch->entry[i]);
        }
        l->batch->malformed += l->batch->entry[i].is_one ? 0 : 1;
    }
    return step;
}

/* ---- all of it ---- */

static enum ledger_step refuse(struct ledger *l, struct slice stream,
                               const struct redis_reply *reply) {
    struct slice word = redis_reply_text(redis_reply_at(reply, 0));
    struct slice text = redis_reply_text(redis_reply_at(reply, 1));
    char why[200];
    if (slice_equal(word, SLICE("gone"))) {
        return ledger_stream_fails(
            l, stream,
            SLICE("its mark is gone, though entries of it were judged: HSET the hash "
                  "`conversion-mark` to the last id that was judged, or HDEL the stream from "
                  "`funnel:total` to judge all that it has again"));
    }
    snprintf(why, sizeof(why), "its mark is '%.*s': no such thing was written here",
             SLICE_ARG(slice_first(text, 64)));
    return ledger_stream_fails(l, stream, slice_of(why));
}

enum ledger_step ledger_read(struct ledger *l, struct slice stream) {
    struct ledger_batch *batch = l->batch;
    char ids[LEDGER_BATCH_MAX][LEDGER_ID_BYTES];
    struct slice arguments[] = {l->key_prefix, stream, SLICE("64"), SLICE("4096")};
    _Static_assert((int)LEDGER_BATCH_MAX == 64 && (int)LEDGER_ENTRY_BYTES_MAX == 4096, "as above");
    const struct redis_reply *reply =
        ledger_call(l, LEDGER_READ, arguments, ARRAY_COUNT(arguments));
    batch->stream = stream;
    batch->count = batch->malformed = 0;
    l->stream_lag = l->stream_oldest_ms = 0;
    buf_clear(&batch->bytes);
    if (reply == NULL) {
        return LEDGER_TROUBLE;
    }
    if (redis_reply_is_error(reply)) {
        return ledger_stream_fails(l, stream, redis_reply_text(reply));
    }
    struct slice word = redis_reply_text(redis_reply_at(reply, 0));
    if (redis_reply_count(reply) < 2 || slice_equal(word, SLICE("bad"))) {
        return refuse(l, stream, reply);
    }
    enum ledger_step step = take_entries(l, reply);
    for (size_t i = 0; i < batch->count; i++) {
        copy_id(ids[i], redis_reply_at(redis_reply_at(reply, 2 + i), 0));
    }
    step = step == LEDGER_ON ? ledger_find_clicks(l, ids) : step;
    return step == LEDGER_ON ? judge_all(l) : step;
}
