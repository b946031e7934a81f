/*
 * reconcile_credit.c - conversions: journaled, queued and judged, for each stream and of all days.
 *
 * A conversion's number in its journal is the last part of its id in the stream, and numbers rise
 * by one from 1; the stream counts what was ever added to it, and funnel:total what was ever
 * judged. So the last number, what was added, and what was judged together with what waits must be
 * the same. The three are looked at in one moment of Redis, so that a busy system shows no
 * difference that is none.
 */
#include <inttypes.h>
#include <string.h>

#include "reconcile_credit_lua.h"
#include "reconcile_private.h"
#include "redis/pipe.h"

enum {
    NAME_BYTES_MAX = 512,
    NAMES_BYTES_MAX = RECON_STREAMS_MAX * (NAME_BYTES_MAX + 1),
    ABOVE_MAX = 100000, /* as ABOVE_TEXT */
};

#define ABOVE_TEXT "100000"

struct standing {
    struct entry_id last;
    int64_t added;  /* -1: Redis does not say */
    int64_t judged; /* 0: none yet */
    int64_t above;
};

/* What there is to compare, in words. */
static void compare(struct reconciliation *recon, struct slice stream,
                    const struct standing *standing) {
    struct recon_place place = {.stream = -1, .key = stream, .count = (uint64_t)standing->judged};
    if (standing->above == ABOVE_MAX) {
        recon_explain(recon, "conversions_behind", &place,
                      "%.*s: more than %d conversions wait to be judged; they are not compared",
                      SLICE_ARG(stream), ABOVE_MAX);
        return;
    }
    if (standing->added >= 0 && standing->judged + standing->above != standing->added) {
        recon_blame(recon, "conversions_judged", &place,
                    "%.*s: %" PRId64 " conversions were queued, but %" PRId64
                    " were judged and %" PRId64 " wait",
                    SLICE_ARG(stream), standing->added, standing->judged, standing->above);
        return;
    }
    recon_explain(recon, "conversions", &place,
                  "%.*s: %" PRId64 " conversions were judged, %" PRId64 " %s", SLICE_ARG(stream),
                  standing->judged, standing->above, standing->above == 1 ? "waits" : "wait");
    if (standing->added >= 0 && standing->last.sequence != (uint64_t)standing->added) {
        recon_explain(recon, "conversions_numbers", &place,
                      "%.*s: its journal numbered up to %" PRIu64 ", %" PRId64
                      " were queued: numbers are left out where a journal lost its tail, or the "
                      "stream was begun after it",
                      SLICE_ARG(stream), standing->last.sequence, standing->added);
    }
}

static int64_t number_at(const struct redis_reply *reply, size_t index) {
    return redis_reply_integer(redis_reply_at(reply, index));
}

static bool check_stream(struct reconciliation *recon, struct slice stream, struct err *err) {
    const struct stats_source *source = recon->options->source;
    struct recon_place place = {.stream = -1, .key = stream};
    struct slice eval[] = {
        SLICE("EVAL"), slice_make(reconcile_credit_lua, sizeof(reconcile_credit_lua) - 1),
        SLICE("0"),    source->key_prefix,
        stream,        SLICE(ABOVE_TEXT)};
    const struct redis_reply *reply =
        redis_pipe_command(source->pipe, ARRAY_COUNT(eval), eval, err);
    if (reply == NULL) {
        return false;
    }
    if (redis_reply_count(reply) < 5) {
        recon_blame(recon, "conversions_stream", &place, "%.*s: %.*s", SLICE_ARG(stream),
                    SLICE_ARG(slice_first(redis_reply_text(reply), 200)));
        return true;
    }
    struct standing standing = {
        .added = number_at(reply, 1), .judged = number_at(reply, 3), .above = number_at(reply, 4)};
    struct slice last = redis_reply_text(redis_reply_at(reply, 0));
    standing.judged = standing.judged > 0 ? standing.judged : 0;
    if (last.size == 0 && standing.judged > 0) { /* else it was announced, and is not begun */
        recon_explain(recon, "conversions_stream", &place, "%.*s: the stream is gone",
                      SLICE_ARG(stream));
    } else if (entry_id_parse(last, &standing.last)) {
        compare(recon, stream, &standing);
    }
    return true;
}

/* The names, each behind its size in two bytes. */
static bool list_streams(const struct reconciliation *recon, struct buf *names, struct err *err) {
    const struct stats_source *source = recon->options->source;
    char text[NAME_BYTES_MAX];
    struct buf key = buf_over(text, sizeof(text));
    ENSURE(stats_key(&key, source->key_prefix, "conversion-streams")); /* the prefix is short */
    struct slice members[] = {SLICE("SMEMBERS"), buf_slice(&key)};
    const struct redis_reply *reply = redis_pipe_command(source->pipe, 2, members, err);
    if (reply == NULL) {
        return false;
    }
    if (!redis_reply_is_array(reply)) {
        return err_set(err, "%.*s: %.*s", SLICE_ARG(buf_slice(&key)),
                       SLICE_ARG(slice_first(redis_reply_text(reply), 200)));
    }
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        struct slice name = redis_reply_text(redis_reply_at(reply, i));
        uint16_t size = (uint16_t)name.size;
        if (name.size > 0 && name.size <= NAME_BYTES_MAX &&
            buf_append_bytes(names, &size, sizeof(size))) {
            buf_append(names, name);
        }
    }
    return !names->overflowed ||
           err_set(err, "%.*s has too many members", SLICE_ARG(buf_slice(&key)));
}

bool recon_check_credit(struct reconciliation *recon, struct err *err) {
    struct buf names;
    buf_init(&names, NAMES_BYTES_MAX);
    bool is_good = list_streams(recon, &names, err);
    struct slice rest = buf_slice(&names);
    while (is_good && rest.size > 0) {
        uint16_t size;
        memcpy(&size, rest.data, sizeof(size));
        struct slice name = slice_make(rest.data + sizeof(size), size);
        rest = slice_from(rest, sizeof(size) + size);
        is_good = check_stream(recon, name, err);
    }
    buf_fini(&names);
    return is_good;
}
