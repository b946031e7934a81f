/*
 * collector_pump.c - one stream: its entries are read, folded and applied.
 *
 *   reader   XRANGE k+1 ............. is on its way
 *   here        entries of read k ► fold
 *   writer   batch n, part p ........ is with Redis
 *
 * The next read is asked for before the one at hand is looked at, from an id that is guessed
 * (entries_guess_last) and held against the true one afterwards. A batch is filled while the parts
 * of the one before go to Redis, one after each read. If one of them turns out not to be written,
 * everything that stands upon it is thrown away: the mark that is there says where to go on.
 *
 * A stream whose mark says that a batch is half written, by a collector that is no more, is begun
 * with that batch: the same entries are folded, and the parts that are missing written.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "collector_private.h"

enum {
    TURN_MS = 1000,         /* then it is another stream's turn */
    RACE_BACKOFF_MS = 1500, /* so that one of two collectors owns the stream */
    REPEAT_LOG_MS = 10000,
    READ_ARGUMENTS = 6,
    READ_SHRINK = 16,
};

struct pump {
    struct collector *collector;
    struct collector_stream *stream;
    struct apply_mark mark; /* when all that was packed is written */
    struct entry_id batch_last;
    uint64_t batch_entries, batch_malformed;
    struct entry_id position; /* the last entry that was looked at */
    uint32_t asked;           /* entries that the read on its way has, if there are so many */
    bool is_in_flight;        /* a part is with Redis */
    bool is_resuming;         /* the batch at hand is one that was half written */
    bool is_over;             /* nothing more is to be read */
    bool is_lost;             /* nor written */
};

/* ---- what became of a part ---- */

static void note_written(struct pump *pump, const struct apply_outcome *outcome) {
    struct collector *c = pump->collector;
    struct collector_stream *stream = pump->stream;
    uint64_t held_back;
    stream->is_rivalled = false;
    metric_add(c->metrics, COLLECT_FOLDED, outcome->folded);
    metric_add(c->metrics, COLLECT_DAMAGED, outcome->damaged);
    if (outcome->damaged > 0 &&
        log_allowed(&c->damage_limit, clock_monotonic_ns(), REPEAT_LOG_MS, &held_back)) {
        log_event(c->log, LOG_ERROR, "rollup_damaged",
                  "stream=%.*s count=%lu first=%s held_back=%lu meaning=%s", SLICE_ARG(stream->key),
                  (unsigned long)outcome->damaged, outcome->where, (unsigned long)held_back,
                  "keys or fields that cannot be added to were left as they are; brinco reconcile "
                  "names what is missing");
    }
    if (apply_left(c->apply) == 0) {
        stream->mark = (struct apply_mark){.has_id = true, .id = pump->batch_last};
        metric_add(c->metrics, COLLECT_BATCHES, 1);
        metric_add(c->metrics, COLLECT_CLICKS, pump->batch_entries - pump->batch_malformed);
        metric_add(c->metrics, COLLECT_MALFORMED, pump->batch_malformed);
    }
}

static void note_race(struct pump *pump, const struct apply_outcome *outcome) {
    struct collector *c = pump->collector;
    struct collector_stream *stream = pump->stream;
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t held_back;
    metric_add(c->metrics, COLLECT_LOST_RACES, 1);
    if (log_allowed(&c->race_limit, now_ns, REPEAT_LOG_MS, &held_back)) {
        log_event(c->log, LOG_INFO, "collector_lost_race",
                  "stream=%.*s mark=%s pending=%s held_back=%lu meaning=%s", SLICE_ARG(stream->key),
                  outcome->mark, outcome->pending, (unsigned long)held_back,
                  "another collector counts, or Redis came back older: going on from its mark");
    }
    stream->not_before_ns = collector_after(c, now_ns, RACE_BACKOFF_MS);
    stream->is_rivalled = true;
    collector_take_mark(c, stream, slice_of(outcome->mark), slice_of(outcome->pending));
}

/* Waits for the part that is with Redis, if one is. */
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
        note_written(pump, &outcome);
        return COLLECTOR_ON;
    case APPLY_OTHER_MARK:
        fold_people_forget(c->people);
        note_race(pump, &outcome);
        pump->is_over = pump->is_lost = true;
        return COLLECTOR_ON;
    case APPLY_OTHER_ZONE:
        err_set(&err, "%s", outcome.zone);
        break;
    case APPLY_REFUSED:
    case APPLY_UNREACHABLE:
        break;
    }
    return collector_trouble(c, result, &err);
}

/* One part on, if there is one. */
static enum collector_step advance(struct pump *pump) {
    struct collector *c = pump->collector;
    struct err err = {""};
    enum collector_step step = land(pump);
    if (step != COLLECTOR_ON || pump->is_lost || apply_left(c->apply) == 0) {
        return step;
    }
    if (!apply_send(c->apply, &err)) {
        return collector_trouble(c, APPLY_UNREACHABLE, &err);
    }
    pump->is_in_flight = true;
    return COLLECTOR_ON;
}

/* All that was packed is written. */
static enum collector_step finish(struct pump *pump) {
    enum collector_step step = COLLECTOR_ON;
    while (step == COLLECTOR_ON && !pump->is_lost &&
           (pump->is_in_flight || apply_left(pump->collector->apply) > 0)) {
        step = advance(pump);
    }
    return step;
}

static void say_malformed(struct pump *pump, const struct fold_summary *summary) {
    struct collector *c = pump->collector;
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
}

/* Packs what is folded, once the batch before it is written, and sends its first part. */
static enum collector_step flush(struct pump *pump) {
    struct collector *c = pump->collector;
    const struct fold_summary *summary = fold_summary(c->fold);
    enum collector_step step = finish(pump);
    if (step != COLLECTOR_ON || pump->is_lost || (summary->entries == 0 && !pump->is_resuming)) {
        return step;
    }
    struct apply_batch batch = {.stream = pump->stream->key,
                                .mark = &pump->mark,
                                .last = pump->is_resuming ? pump->mark.batch_last : summary->last,
                                .fold = c->fold,
                                .people = c->people,
                                .retain_days = atomic_load(&c->stats_retain_days)};
    if (summary->entries == 0) {
        fold_begin(c->fold, batch.last.ms); /* its entries are gone: it is ended all the same */
    }
    ENSURE(apply_pack(c->apply, &batch));
    say_malformed(pump, summary);
    pump->batch_last = batch.last;
    pump->batch_entries = summary->entries;
    pump->batch_malformed = summary->malformed;
    pump->mark = (struct apply_mark){.has_id = true, .id = batch.last};
    fold_clear(c->fold);
    return advance(pump);
}

/* ---- reading ---- */

static enum collector_step ask(struct pump *pump, struct entry_id after) {
    struct collector *c = pump->collector;
    char from[ENTRY_ID_BYTES];
    char digits[24];
    struct buf count = buf_over(digits, sizeof(digits));
    struct err err = {""};
    pump->asked = pump->stream->read_count;
    buf_append_u64(&count, pump->asked);
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

/* An entry for which the batch has no room. */
static enum collector_step make_room(struct pump *pump) {
    if (pump->is_resuming) {
        pump->is_over = pump->is_lost = true;
        collector_stream_fails(pump->collector, pump->stream,
                               SLICE("a batch that was begun does not fit: was another version "
                                     "of this program here?"));
        return COLLECTOR_ON;
    }
    return flush(pump);
}

/* Folds every entry of a reply. */
static enum collector_step fold_entries(struct pump *pump) {
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
            return collector_trouble(c, APPLY_UNREACHABLE, &err);
        }
        case ENTRY_READ:
            break;
        }
        if (pump->is_resuming && entry_id_compare(entry.id, pump->mark.batch_last) > 0) {
            pump->is_over = true;
            return COLLECTOR_ON;
        }
        while (fold_add(c->fold, &entry) == FOLD_FULL) {
            enum collector_step step = make_room(pump);
            if (step != COLLECTOR_ON || pump->is_lost) {
                return step;
            }
        }
        pump->position = entry.id;
    }
}

/* No reply, or one that is too large: fewer entries the next time. What was read before is written
 * all the same, or there would be no getting past a large entry; whether Redis is there at all will
 * show then. A batch that is being resumed must be whole. */
static enum collector_step shrink(struct pump *pump, const struct err *err) {
    struct collector_stream *stream = pump->stream;
    stream->read_count = stream->read_count > READ_SHRINK ? stream->read_count / READ_SHRINK : 1;
    stream->has_news = true;
    pump->is_over = true;
    if (pump->is_resuming || fold_summary(pump->collector->fold)->entries == 0) {
        return collector_trouble(pump->collector, APPLY_UNREACHABLE, err);
    }
    return COLLECTOR_ON;
}

/* Takes the reply to what was asked, asks for what is behind it when there may be more, and folds
 * it. *more: a further read is on its way. */
static enum collector_step take_read(struct pump *pump, bool may_go_on, bool *more) {
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
        pump->is_over = pump->is_lost = true;
        collector_stream_fails(c, stream, error.size > 0 ? error : SLICE("not a stream"));
        return COLLECTOR_ON;
    }
    stream->has_news = c->entries->left >= pump->asked;
    bool is_asked =
        stream->has_news && (may_go_on || pump->is_resuming) && entries_guess_last(reply, &guess);
    if (is_asked && (step = ask(pump, guess)) != COLLECTOR_ON) {
        return step;
    }
    step = fold_entries(pump);
    if (step != COLLECTOR_ON) {
        return step;
    }
    if (is_asked && (pump->is_over || entry_id_compare(guess, pump->position) != 0)) {
        /* Of no use: read and thrown away. */
        if (redis_pipe_read_raw(c->reader, COLLECTOR_READ_BYTES_MAX, &err).size == 0) {
            return shrink(pump, &err);
        }
        is_asked = false;
    }
    if (stream->read_count < COLLECTOR_READ_COUNT / 2) {
        stream->read_count *= 2;
    } else {
        stream->read_count = COLLECTOR_READ_COUNT;
    }
    *more = is_asked;
    return COLLECTOR_ON;
}

/* Not even one entry could be read: if the next one is larger than any reply that is taken, it is
 * no click, and is passed over without being looked at. */
static enum collector_step pass_huge(struct pump *pump) {
    struct collector *c = pump->collector;
    char after[ENTRY_ID_BYTES];
    char digits[24];
    struct buf most = buf_over(digits, sizeof(digits));
    struct apply_answer answer;
    struct err err = {""};
    struct entry entry = {.is_click = false};
    buf_append_u64(&most, COLLECTOR_READ_BYTES_MAX / 2);
    struct slice arguments[] = {pump->stream->key, entry_id_format(pump->position, after),
                                buf_slice(&most)};
    enum apply_result result = apply_call(c->apply, APPLY_HUGE, arguments, &answer, &err);
    if (result != APPLY_DONE) {
        return collector_trouble(c, result, &err);
    }
    if (entry_id_parse(slice_of(answer.text), &entry.id) &&
        !(pump->is_resuming && entry_id_compare(entry.id, pump->mark.batch_last) > 0)) {
        ENSURE(fold_add(c->fold, &entry) == FOLD_TAKEN); /* it is the first */
        pump->position = entry.id;
    }
    return COLLECTOR_ON;
}

/* Entries up to the end of the stream, the batch that is resumed, or the turn. */
static enum collector_step read_all(struct pump *pump) {
    uint64_t end_ns = clock_monotonic_ns() + TURN_MS * COLLECTOR_NS_PER_MS;
    bool more = true;
    enum collector_step step = pump->stream->read_count > 1 ? COLLECTOR_ON : pass_huge(pump);
    if (step == COLLECTOR_ON) {
        step = ask(pump, pump->position);
    }
    while (step == COLLECTOR_ON && more) {
        step = take_read(pump, clock_monotonic_ns() < end_ns, &more);
        if (step == COLLECTOR_ON && pump->is_resuming && !more && !pump->is_over &&
            pump->stream->has_news) {
            more = true; /* the guess was wrong: the batch must be whole all the same */
            step = ask(pump, pump->position);
        }
        if (step == COLLECTOR_ON) {
            step = advance(pump);
        }
    }
    return step;
}

enum collector_step collector_pump(struct collector *collector, struct collector_stream *stream) {
    struct pump pump = {.collector = collector,
                        .stream = stream,
                        .mark = stream->mark,
                        .position = stream->mark.id,
                        .is_resuming = stream->mark.parts > 0};
    fold_clear(collector->fold);
    apply_reset(collector->apply);
    enum collector_step step = read_all(&pump);
    if (step == COLLECTOR_ON && !pump.is_lost) {
        step = flush(&pump);
    }
    if (step == COLLECTOR_ON) {
        step = finish(&pump);
    }
    stream->has_news = stream->has_news || pump.is_resuming;
    return step;
}
