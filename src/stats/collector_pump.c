/*
 * collector_pump.c - one stream: its entries are read, folded and applied.
 *
 *   reader   XRANGE k+1 ......... is on its way
 *   here        entries of read k ► fold
 *   writer   batch n ............ is with Redis
 *
 * The next read is asked for before the one at hand is looked at, from an id that is guessed
 * (entries_guess_last) and held against the true one afterwards. A batch is filled while the one
 * before is with Redis. If that one turns out not to be written, everything that stands upon it is
 * thrown away: the mark that is there says where to go on.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "collector_private.h"

enum {
    TURN_MS = 500,          /* then it is another stream's turn */
    RACE_BACKOFF_MS = 1500, /* so that one of two collectors owns the stream */
    REPEAT_LOG_MS = 10000,
    READ_ARGUMENTS = 6,
};

struct pump {
    struct collector *collector;
    struct collector_stream *stream;
    struct entry_id applied; /* up to here it is counted, or will be when the batch is written */
    bool has_mark;           /* applied is a mark, too */
    bool is_in_flight;       /* a batch is with Redis */
    struct entry_id in_flight;
    uint64_t in_flight_entries, in_flight_malformed;
    bool is_over; /* the stream is not to be gone on with */
};

/* ---- what became of a batch ---- */

static void note_done(struct pump *pump, const struct apply_outcome *outcome) {
    struct collector *c = pump->collector;
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t held_back;
    pump->stream->mark = pump->in_flight;
    pump->stream->has_mark = true;
    pump->stream->lost_at = (struct entry_id){0};
    metric_add(c->metrics, COLLECT_BATCHES, 1);
    metric_add(c->metrics, COLLECT_CLICKS, pump->in_flight_entries - pump->in_flight_malformed);
    metric_add(c->metrics, COLLECT_MALFORMED, pump->in_flight_malformed);
    metric_add(c->metrics, COLLECT_FOLDED, outcome->folded);
    metric_add(c->metrics, COLLECT_DAMAGED, outcome->damaged);
    if (outcome->damaged > 0 && log_allowed(&c->damage_limit, now_ns, REPEAT_LOG_MS, &held_back)) {
        log_event(c->log, LOG_ERROR, "rollup_damaged",
                  "stream=%.*s count=%lu first=%s held_back=%lu meaning=%s",
                  SLICE_ARG(pump->stream->key), (unsigned long)outcome->damaged, outcome->where,
                  (unsigned long)held_back,
                  "keys or fields that cannot be added to were left as they are; brinco reconcile "
                  "names what is missing");
    }
}

static void note_race(struct pump *pump, const struct apply_outcome *outcome) {
    struct collector *c = pump->collector;
    struct collector_stream *stream = pump->stream;
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t held_back;
    metric_add(c->metrics, COLLECT_LOST_RACES, 1);
    if (log_allowed(&c->race_limit, now_ns, REPEAT_LOG_MS, &held_back)) {
        char expected[ENTRY_ID_BYTES];
        log_event(c->log, LOG_INFO, "collector_lost_race",
                  "stream=%.*s expected=%.*s mark=%s held_back=%lu meaning=%s",
                  SLICE_ARG(stream->key), SLICE_ARG(entry_id_format(stream->mark, expected)),
                  outcome->other, (unsigned long)held_back,
                  "another collector counts, or Redis came back older: going on from its mark");
    }
    stream->not_before_ns = collector_after(c, now_ns, RACE_BACKOFF_MS);
    if (collector_take_mark(c, stream, slice_of(outcome->other))) {
        stream->lost_at = stream->mark;
    }
}

/* Waits for the batch that is with Redis, if one is. */
static enum collector_step land(struct pump *pump) {
    struct collector *c = pump->collector;
    struct apply_outcome outcome;
    struct err err = {""};
    if (!pump->is_in_flight) {
        return COLLECTOR_ON;
    }
    pump->is_in_flight = false;
    enum apply_result result = apply_wait(c->apply, &outcome, &err);
    switch (result) {
    case APPLY_DONE:
        note_done(pump, &outcome);
        return COLLECTOR_ON;
    case APPLY_OTHER_MARK:
        fold_people_forget(c->people);
        note_race(pump, &outcome);
        pump->is_over = true;
        return COLLECTOR_ON;
    case APPLY_OTHER_ZONE:
        err_set(&err, "%s", outcome.other);
        break;
    case APPLY_REFUSED:
    case APPLY_UNREACHABLE:
        break;
    }
    fold_people_forget(c->people);
    return collector_trouble(c, result, &err);
}

/* Sends what is folded, once the batch before it is written. */
static enum collector_step flush(struct pump *pump) {
    struct collector *c = pump->collector;
    const struct fold_summary *summary = fold_summary(c->fold);
    struct err err = {""};
    enum collector_step step = land(pump);
    if (step != COLLECTOR_ON || pump->is_over || summary->entries == 0) {
        return step;
    }
    struct apply_batch batch = {.stream = pump->stream->key,
                                .mark = pump->applied,
                                .has_mark = pump->has_mark,
                                .fold = c->fold,
                                .people = c->people,
                                .retain_days = atomic_load(&c->stats_retain_days)};
    ENSURE(apply_pack(c->apply, &batch));
    pump->in_flight = summary->last;
    pump->in_flight_entries = summary->entries;
    pump->in_flight_malformed = summary->malformed;
    pump->applied = summary->last;
    pump->has_mark = true;
    pump->is_in_flight = true;
    uint64_t held_back;
    if (summary->malformed > 0 &&
        log_allowed(&c->malformed_limit, clock_monotonic_ns(), REPEAT_LOG_MS, &held_back)) {
        char id[ENTRY_ID_BYTES];
        log_event(c->log, LOG_WARN, "entries_malformed",
                  "stream=%.*s count=%lu last=%.*s held_back=%lu meaning=%s",
                  SLICE_ARG(pump->stream->key), (unsigned long)summary->malformed,
                  SLICE_ARG(entry_id_format(summary->last_malformed, id)), (unsigned long)held_back,
                  "no clicks: they are counted as such and passed over");
    }
    fold_clear(c->fold);
    if (!apply_send(c->apply, &err)) {
        pump->is_in_flight = false;
        fold_people_forget(c->people);
        return collector_trouble(c, APPLY_UNREACHABLE, &err);
    }
    return COLLECTOR_ON;
}

/* ---- reading ---- */

static enum collector_step ask(struct pump *pump, struct entry_id after) {
    struct collector *c = pump->collector;
    char from[ENTRY_ID_BYTES];
    char digits[24];
    struct buf count = buf_over(digits, sizeof(digits));
    struct err err = {""};
    buf_append_u64(&count, pump->stream->read_count);
    struct slice arguments[READ_ARGUMENTS] = {
        SLICE("XRANGE"), pump->stream->key, entry_id_format(entry_id_next(after), from),
        SLICE("+"),      SLICE("COUNT"),    buf_slice(&count)};
    if (!redis_pipe_append(c->reader, READ_ARGUMENTS, arguments)) {
        err_set(&err, "the connection was lost");
        return collector_trouble(c, APPLY_UNREACHABLE, &err);
    }
    return redis_pipe_send(c->reader, &err) ? COLLECTOR_ON
                                            : collector_trouble(c, APPLY_UNREACHABLE, &err);
}

/* Folds every entry of a reply; *last is the last of them. */
static enum collector_step fold_entries(struct pump *pump, struct entry_id *last) {
    struct collector *c = pump->collector;
    struct entry entry;
    for (;;) {
        switch (entries_next(c->entries, &entry)) {
        case ENTRY_END:
            return COLLECTOR_ON;
        case ENTRY_BROKEN: {
            struct err err;
            err_set(&err, "%.*s: XRANGE answers with something else than entries",
                    SLICE_ARG(pump->stream->key));
            redis_pipe_disconnect(c->reader);
            return collector_trouble(c, APPLY_UNREACHABLE, &err);
        }
        case ENTRY_READ:
            break;
        }
        while (fold_add(c->fold, &entry) == FOLD_FULL) {
            enum collector_step step = flush(pump);
            if (step != COLLECTOR_ON || pump->is_over) {
                return step;
            }
        }
        *last = entry.id;
    }
}

/* The reply is too large to be read: fewer entries the next time. */
static enum collector_step shrink(struct pump *pump, const struct err *err) {
    struct collector_stream *stream = pump->stream;
    stream->read_count = stream->read_count > 16 ? stream->read_count / 16 : 1;
    return collector_trouble(pump->collector, APPLY_UNREACHABLE, err);
}

/* Takes the reply to what was asked, asks for what is behind it when there may be more, and folds
 * it. *more: a further read is on its way. */
static enum collector_step take_read(struct pump *pump, struct entry_id *position, bool may_go_on,
                                     bool *more) {
    struct collector *c = pump->collector;
    struct collector_stream *stream = pump->stream;
    struct err err = {""};
    struct slice error;
    struct entry_id guess = {0};
    enum collector_step step;
    struct slice reply = redis_pipe_read_raw(c->reader, COLLECTOR_READ_BYTES_MAX, &err);
    *more = false;
    if (reply.size == 0) {
        return shrink(pump, &err);
    }
    if (!entries_begin(c->entries, reply, &error)) {
        pump->is_over = true;
        collector_stream_fails(c, stream, error.size > 0 ? error : SLICE("not a stream"));
        return COLLECTOR_ON;
    }
    bool is_full = c->entries->left >= stream->read_count;
    bool is_asked = is_full && may_go_on && entries_guess_last(reply, &guess);
    if (is_asked && (step = ask(pump, guess)) != COLLECTOR_ON) {
        return step;
    }
    step = fold_entries(pump, position);
    if (step != COLLECTOR_ON) {
        return step;
    }
    if (is_asked && (pump->is_over || entry_id_compare(guess, *position) != 0)) {
        /* Of no use: read and thrown away. */
        if (redis_pipe_read_raw(c->reader, COLLECTOR_READ_BYTES_MAX, &err).size == 0) {
            return shrink(pump, &err);
        }
        is_asked = false;
    }
    stream->read_count = COLLECTOR_READ_COUNT;
    *more = is_asked;
    stream->has_news = is_full;
    return COLLECTOR_ON;
}

enum collector_step collector_pump(struct collector *collector, struct collector_stream *stream) {
    struct pump pump = {.collector = collector,
                        .stream = stream,
                        .applied = stream->mark,
                        .has_mark = stream->has_mark};
    struct entry_id position = stream->mark;
    uint64_t end_ns = clock_monotonic_ns() + TURN_MS * COLLECTOR_NS_PER_MS;
    fold_clear(collector->fold);
    stream->has_news = false;
    enum collector_step step = ask(&pump, position);
    bool more = step == COLLECTOR_ON;
    while (step == COLLECTOR_ON && more) {
        bool may_go_on = clock_monotonic_ns() < end_ns;
        step = take_read(&pump, &position, may_go_on, &more);
    }
    if (step == COLLECTOR_ON && !pump.is_over) {
        step = flush(&pump);
    }
    if (step == COLLECTOR_ON) {
        step = land(&pump);
    }
    return step;
}
