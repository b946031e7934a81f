/*
 * ledger_click.c - see ledger_private.h: what is known of the clicks that a batch names, from
 * credit:CLICK, else from the click's own entry (stats/find.h).
 *
 * A token without its code can only be checked with the click at hand, and of one that is proven
 * only the click knows the campaign, the owner and the visitor of then. After an outage conversions
 * and clicks arrive side by side, so where that click is not there and an edge has not yet shipped
 * all of that time (the hash `heard`), the stream waits for a while: not longer and not often, or
 * made-up tokens and an edge that is dead would hold everybody up.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "ledger_private.h"
#include "stats/find.h"

enum {
    WAIT_MS = 30 * 1000,        /* for clicks that are not there yet ... */
    WAIT_AGAIN_MS = 300 * 1000, /* ... and not again before */
    MS_PER_HOUR = 3600 * 1000,
    REPEAT_LOG_MS = 60000,
};

static const struct slice credit_fields[] = {
    {"code", 4}, {"campaign", 8}, {"owner", 5}, {"at", 2}, {"visitor", 7}, {"network", 7},
};

static bool names_click(const struct ledger_entry *entry) {
    return entry->is_one && entry->conversion.has_click_id &&
           (entry->conversion.proof == CONVERSION_VERIFIED ||
            entry->conversion.proof == CONVERSION_OPEN);
}

static bool credit_key(const struct ledger_entry *entry, struct buf *key) {
    char id[ULID_TEXT_SIZE];
    if (!names_click(entry)) {
        return false;
    }
    ulid_format(&entry->conversion.click_id, id);
    return buf_append(key, SLICE("credit:")) && buf_append_bytes(key, id, sizeof(id));
}

static void take_credit(struct ledger *l, struct ledger_entry *entry,
                        const struct redis_reply *reply) {
    entry->click = (struct judge_click){
        .code = ledger_keep_reply(l, reply, 0, LEDGER_TEXT_BYTES_MAX),
        .campaign = ledger_keep_reply(l, reply, 1, LEDGER_TEXT_BYTES_MAX),
        .owner = ledger_keep_reply(l, reply, 2, LEDGER_TEXT_BYTES_MAX),
        .at = ledger_keep_reply(l, reply, 3, LEDGER_TEXT_BYTES_MAX),
        .visitor = ledger_keep_reply(l, reply, 4, LEDGER_TEXT_BYTES_MAX),
        .network = ledger_keep_reply(l, reply, 5, LEDGER_TEXT_BYTES_MAX),
    };
    entry->has_facts = entry->click.code.size > 0;
}

static const struct ledger_question credit_question = {ARRAY_COUNT(credit_fields), credit_fields,
                                                       credit_key, take_credit};

static void take_click(struct ledger *l, struct ledger_entry *entry,
                       const struct found_click *found) {
    entry->click = (struct judge_click){
        .code = ledger_keep(l, found_click_value(found, "code"), LEDGER_TEXT_BYTES_MAX),
        .campaign = ledger_keep(l, found_click_value(found, "campaign"), LEDGER_TEXT_BYTES_MAX),
        .owner = ledger_keep(l, found_click_value(found, "owner"), LEDGER_TEXT_BYTES_MAX),
        .at = ledger_keep(l, found_click_value(found, "at"), LEDGER_TEXT_BYTES_MAX),
        .visitor = ledger_keep(l, found_click_value(found, "visitor"), LEDGER_TEXT_BYTES_MAX),
        .network = ledger_keep(l, found_click_value(found, "network"), LEDGER_TEXT_BYTES_MAX),
    };
    entry->has_facts = true;
}

/* Whether a click can still be in the queue. */
static bool is_recent(const struct ledger *l, const struct ulid *id, uint64_t now_ms) {
    uint64_t kept_ms = ((uint64_t)atomic_load(&l->queue_retain_hours) + 1) * MS_PER_HOUR;
    uint64_t click_ms = ulid_unix_ms(id);
    return click_ms + kept_ms > now_ms && click_ms <= now_ms;
}

static enum ledger_step find(struct ledger *l, struct ledger_entry *entry) {
    struct found_click found = {.bytes = &l->found};
    struct err err = {""};
    buf_clear(&l->found);
    switch (find_click(l->pipe, l->key_prefix, &entry->conversion.click_id, &found, &err)) {
    case FIND_FOUND:
        take_click(l, entry, &found);
        return LEDGER_ON;
    case FIND_NONE:
        return LEDGER_ON;
    case FIND_FAILED:
        break;
    }
    if (!redis_pipe_is_connected(l->pipe)) {
        return ledger_trouble(l, true, &err);
    }
    /* A stream of clicks that is none holds nobody's credit up. */
    uint64_t held_back;
    if (log_allowed(&l->click_limit, clock_monotonic_ns(), REPEAT_LOG_MS, &held_back)) {
        log_event(l->log, LOG_WARN, "click_not_looked_up", "error=%s held_back=%lu", err.text,
                  (unsigned long)held_back);
    }
    return LEDGER_ON;
}

static bool has_time_to_wait(struct ledger *l) {
    uint64_t now_ns = clock_monotonic_ns();
    if (now_ns >= l->wait_again_ns) {
        l->wait_until_ns = now_ns + WAIT_MS * LEDGER_NS_PER_MS;
        l->wait_again_ns = now_ns + WAIT_AGAIN_MS * LEDGER_NS_PER_MS;
    }
    return now_ns < l->wait_until_ns;
}

/* Whether a live edge may still ship clicks of that time: "MS up" says that it has up to MS. */
static enum ledger_step look_behind(struct ledger *l, uint64_t click_ms, bool *is_behind) {
    char text[LEDGER_KEY_BYTES_MAX];
    struct err err = {""};
    struct slice values[] = {SLICE("HVALS"), ledger_key(l, "heard", text)};
    const struct redis_reply *reply = redis_pipe_command(l->pipe, 2, values, &err);
    *is_behind = false;
    if (reply == NULL) {
        return ledger_trouble(l, true, &err);
    }
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        struct slice state = redis_reply_text(redis_reply_at(reply, i));
        uint64_t heard_ms;
        bool is_number = slice_to_u64(slice_split(&state, ' '), UINT64_MAX, &heard_ms);
        *is_behind =
            *is_behind || (is_number && slice_equal(state, SLICE("up")) && heard_ms < click_ms);
    }
    return LEDGER_ON;
}

/* Whether it is worth waiting for the click of an entry: for its code, or, where the code is
 * proven, for whose it was then. */
static enum ledger_step look_forward(struct ledger *l, const struct ledger_entry *entry,
                                     bool *is_late) {
    bool is_missed = entry->conversion.proof == CONVERSION_VERIFIED || l->has_token_key;
    *is_late = is_missed && !entry->has_facts;
    if (!*is_late) {
        return LEDGER_ON;
    }
    enum ledger_step step = look_behind(l, ulid_unix_ms(&entry->conversion.click_id), is_late);
    *is_late = *is_late && has_time_to_wait(l);
    return step;
}

/* Entries from the one at index on are left for later. */
static void cut(struct ledger_batch *batch, size_t index, const char *last) {
    batch->count = index;
    snprintf(batch->last, sizeof(batch->last), "%s", last);
}

enum ledger_step ledger_find_clicks(struct ledger *l, const char (*ids)[LEDGER_ID_BYTES]) {
    uint64_t now_ms = clock_real_ms();
    if (ledger_ask(l, &credit_question) != LEDGER_ON) {
        return LEDGER_TROUBLE;
    }
    for (size_t i = 0; i < l->batch->count; i++) {
        struct ledger_entry *entry = &l->batch->entry[i];
        bool is_enough = entry->has_facts && judge_is_known(entry->click.visitor);
        if (!names_click(entry) || is_enough ||
            !is_recent(l, &entry->conversion.click_id, now_ms)) {
            continue;
        }
        enum ledger_step step = find(l, entry);
        bool is_late = false;
        step = step == LEDGER_ON ? look_forward(l, entry, &is_late) : step;
        if (step != LEDGER_ON) {
            return step;
        }
        if (is_late) {
            cut(l->batch, i, i > 0 ? ids[i - 1] : "");
            return i > 0 ? LEDGER_ON : LEDGER_NOTHING;
        }
    }
    return LEDGER_ON;
}
