/*
 * reconcile_cross.c - rollups held against one another, where nothing is left to recount from.
 *
 *   each link       its clicks by campaign, and its human cells
 *   each campaign   its day, its hours and the index: of one moment, by a transaction
 *   the whole       its day and its hours; the sums of links, of campaigns and the index, and of
 *                   the streams: only when nothing was counted of the day meanwhile
 *
 * By the day: kind, outcome and platform. What two numbers both lack is not seen.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile_rollups.h"
#include "reconcile_scan.h"
#include "redis/pipe.h"
#include "redis/reply.h"

enum {
    DAY_HEADS = TAP_KIND_COUNT * TAP_OUTCOME_COUNT * TAP_PLATFORM_COUNT,
    KEYS_MAX = 64,
    TRIES_MAX = 3,
};

struct sums {
    int64_t of[DAY_HEADS];
};

struct cross {
    struct reconciliation *recon;
    struct recon_scratch *scratch;
    struct recon_seen seen[KEYS_MAX + 1];
    struct recon_request requests[KEYS_MAX + 1];
    size_t count;
    struct apply_mark *marks;
    bool has_hours;
    struct sums all;
    struct sums hours;
    struct sums campaigns;
    struct sums links;
    int64_t alone[TAP_KIND_COUNT]; /* taps without a campaign, by the index */
};

/* --- reading -------------------------------------------------------------------------------- */

static void take_reply(void *argument, size_t number, const struct redis_reply *reply) {
    struct cross *cross = argument;
    struct recon_seen *seen = &cross->seen[number];
    *seen = (struct recon_seen){.kind = cross->requests[number].kind,
                                .scope = cross->requests[number].scope};
    recon_seen_take(cross->recon, seen, reply, cross->scratch);
}

static bool read_keys(struct cross *cross, struct err *err) {
    struct recon_exec exec = {.requests = cross->requests,
                              .count = cross->count,
                              .each = take_reply,
                              .argument = cross,
                              .marks = cross->marks};
    memset(cross->seen, 0, sizeof(cross->seen));
    recon_work(cross->recon, cross->count);
    cross->recon->keys_compared += cross->count;
    return recon_exec(cross->recon, &exec, err);
}

static void forget_keys(struct cross *cross) {
    for (size_t i = 0; i < cross->count; i++) {
        recon_seen_fini(&cross->seen[i]);
    }
    cross->count = 0;
}

static void ask(struct cross *cross, enum recon_key_kind kind, struct stats_scope scope) {
    cross->requests[cross->count++] = (struct recon_request){kind, scope};
}

/* Whether a batch of the day is half written. */
static bool read_pending(struct cross *cross, bool *is_pending, struct err *err) {
    const struct reconciliation *recon = cross->recon;
    char bytes[RECON_KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    stats_key(&key, recon->options->source->key_prefix, "pending");
    const struct redis_reply *reply =
        redis_pipe_command(recon->options->source->pipe, 2,
                           (const struct slice[]){SLICE("HVALS"), buf_slice(&key)}, err);
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        struct slice rest = redis_reply_text(redis_reply_at(reply, i));
        struct entry_id last;
        *is_pending |= entry_id_parse(slice_split(&rest, ' '), &last) &&
                       last.ms >= recon->begin_ms && last.ms < recon->end_ms;
    }
    return reply != NULL;
}

/* How much was counted of the day; UINT64_MAX: some of it is counted just now. */
static bool read_counted(struct cross *cross, uint64_t *counted, struct err *err) {
    const struct stats_source *source = cross->recon->options->source;
    char bytes[RECON_KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    bool is_pending = false;
    stats_key_day(&key, source->key_prefix, "stats:streams", cross->recon->day);
    if (!read_pending(cross, &is_pending, err)) {
        return false;
    }
    const struct redis_reply *reply = redis_pipe_command(
        source->pipe, 2, (const struct slice[]){SLICE("HVALS"), buf_slice(&key)}, err);
    *counted = 0;
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        uint64_t number;
        if (slice_to_u64(redis_reply_text(redis_reply_at(reply, i)), UINT64_MAX, &number)) {
            *counted += number;
        }
    }
    *counted = is_pending ? UINT64_MAX : *counted;
    return reply != NULL;
}

/* --- adding up ------------------------------------------------------------------------------ */

static void add_seen(struct sums *sums, const struct recon_seen *seen) {
    for (size_t i = 0; i < seen->sum_count; i++) {
        sums->of[recon_head_of_day(seen->sums[i].head)] += seen->sums[i].count;
    }
}

static int64_t kind_of(const struct sums *sums, int kind) {
    int64_t taps = 0;
    for (uint32_t head = 0; head < DAY_HEADS; head++) {
        taps += (int)recon_cell_of_head(head).kind == kind ? sums->of[head] : 0;
    }
    return taps;
}

static int64_t total_of(const struct sums *sums) {
    int64_t taps = 0;
    for (uint32_t head = 0; head < DAY_HEADS; head++) {
        taps += sums->of[head];
    }
    return taps;
}

static struct slice name_key(const struct cross *cross, const struct recon_seen *seen,
                             struct buf *out) {
    return recon_key_name(cross->recon, seen->kind, seen->scope, out);
}

/* The heads in which two keys differ. */
static void compare_sums(struct cross *cross, struct slice key, const struct sums *sums,
                         struct slice other_key, const struct sums *other) {
    for (uint32_t head = 0; head < DAY_HEADS; head++) {
        struct cell cell = recon_cell_of_head(head);
        if (sums->of[head] == other->of[head]) {
            continue;
        }
        recon_blame(cross->recon, "rollups_differ",
                    &(struct recon_place){.stream = -1, .key = key, .field = other_key},
                    "%.*s has %" PRId64 " %s %s %s, and %.*s %" PRId64, SLICE_ARG(key),
                    sums->of[head], tap_kind_name(cell.kind), tap_outcome_name(cell.outcome),
                    tap_platform_name(cell.platform), SLICE_ARG(other_key), other->of[head]);
    }
}

/* --- campaigns ------------------------------------------------------------------------------ */

static int64_t index_of(const struct recon_seen *index, struct slice id, int kind) {
    for (size_t i = 0; i < index->named_count; i++) {
        struct slice name = index->named[i].name;
        if (name.size == id.size + 2 && slice_starts_with(name, id) && name.data[id.size] == '\t' &&
            name.data[id.size + 1] == '0' + kind) {
            return index->named[i].count;
        }
    }
    return 0;
}

static void compare_campaign(struct cross *cross, size_t at) {
    const struct recon_seen *index = &cross->seen[cross->count - 1];
    const struct recon_seen *day = &cross->seen[at];
    char bytes[2 * RECON_KEY_BYTES_MAX];
    struct buf names = buf_over(bytes, sizeof(bytes));
    struct slice key = name_key(cross, day, &names);
    struct sums sums = {{0}};
    struct sums hours = {{0}};
    add_seen(&sums, day);
    add_seen(&cross->campaigns, day);
    if (cross->has_hours) {
        add_seen(&hours, &cross->seen[at + 1]);
        compare_sums(cross, key, &sums, name_key(cross, &cross->seen[at + 1], &names), &hours);
    }
    for (int kind = 0; kind < TAP_KIND_COUNT; kind++) {
        int64_t indexed = index_of(index, day->scope.id, kind);
        int64_t taps = kind_of(&sums, kind);
        if (indexed != taps) {
            recon_blame(
                cross->recon, "rollups_differ", &(struct recon_place){.stream = -1, .key = key},
                "%.*s has %" PRId64 " taps of kind %s, and stats:index:%d %" PRId64, SLICE_ARG(key),
                taps, tap_kind_name((enum tap_kind)kind), cross->recon->day, indexed);
        }
    }
}

static bool check_campaigns(struct cross *cross, const struct recon_scan *scan, struct err *err) {
    size_t step = cross->has_hours ? 2 : 1;
    size_t i = 0;
    while (i < scan->count) {
        for (; i < scan->count && cross->count + step <= KEYS_MAX; i++) {
            struct stats_scope scope = recon_scan_scope(scan, i);
            if (scope.kind != STATS_CAMPAIGN || recon_scan_is_repeated(scan, i)) {
                continue;
            }
            ask(cross, RECON_KEY_DAY, scope);
            if (cross->has_hours) {
                ask(cross, RECON_KEY_HOURS, scope);
            }
        }
        ask(cross, RECON_KEY_INDEX, (struct stats_scope){.kind = STATS_ALL});
        if (!read_keys(cross, err)) {
            forget_keys(cross);
            return false;
        }
        for (size_t at = 0; at + 1 < cross->count; at += step) {
            compare_campaign(cross, at);
        }
        forget_keys(cross);
    }
    return true;
}

/* --- links ---------------------------------------------------------------------------------- */

static void compare_link(struct cross *cross, const struct recon_seen *seen) {
    struct sums sums = {{0}};
    int64_t clicks = 0;
    add_seen(&sums, seen);
    add_seen(&cross->links, seen);
    for (size_t i = 0; i < seen->named_count; i++) {
        clicks += seen->named[i].count;
    }
    if (clicks != kind_of(&sums, TAP_KIND_HUMAN)) {
        char bytes[RECON_KEY_BYTES_MAX];
        struct buf name = buf_over(bytes, sizeof(bytes));
        struct slice key = name_key(cross, seen, &name);
        recon_blame(cross->recon, "rollups_differ",
                    &(struct recon_place){.stream = -1, .key = key, .field = SLICE("=")},
                    "%.*s has %" PRId64 " human clicks in its cells, and %" PRId64
                    " in its fields =CAMPAIGN",
                    SLICE_ARG(key), kind_of(&sums, TAP_KIND_HUMAN), clicks);
    }
}

static bool read_links(struct cross *cross, struct err *err) {
    bool is_good = cross->count == 0 || read_keys(cross, err);
    for (size_t i = 0; i < cross->count && is_good; i++) {
        compare_link(cross, &cross->seen[i]);
    }
    forget_keys(cross);
    return is_good;
}

static bool check_links(struct cross *cross, const struct recon_scan *scan, struct err *err) {
    for (size_t i = 0; i < scan->count; i++) {
        struct stats_scope scope = recon_scan_scope(scan, i);
        if (scope.kind != STATS_LINK || recon_scan_is_repeated(scan, i)) {
            continue;
        }
        ask(cross, RECON_KEY_LINK, scope);
        if (cross->count == KEYS_MAX && !read_links(cross, err)) {
            return false;
        }
    }
    return read_links(cross, err);
}

/* --- the whole ------------------------------------------------------------------------------ */

static bool check_all(struct cross *cross, struct err *err) {
    struct stats_scope scope = {.kind = STATS_ALL};
    ask(cross, RECON_KEY_DAY, scope);
    ask(cross, RECON_KEY_HOURS, scope);
    ask(cross, RECON_KEY_INDEX, scope);
    bool is_good = read_keys(cross, err);
    if (is_good) {
        add_seen(&cross->all, &cross->seen[0]);
        add_seen(&cross->hours, &cross->seen[1]);
        for (int kind = 0; kind < TAP_KIND_COUNT; kind++) {
            cross->alone[kind] = index_of(&cross->seen[2], SLICE_EMPTY, kind);
        }
    }
    forget_keys(cross);
    return is_good;
}

static struct slice all_key(const struct cross *cross, enum recon_key_kind kind, struct buf *out) {
    return recon_key_name(cross->recon, kind, (struct stats_scope){.kind = STATS_ALL}, out);
}

static void compare_links(struct cross *cross, const struct sums *all) {
    struct sums expected = *all;
    char bytes[RECON_KEY_BYTES_MAX];
    struct buf names = buf_over(bytes, sizeof(bytes));
    for (uint32_t head = 0; head < DAY_HEADS; head++) {
        expected.of[head] =
            recon_has_link(recon_cell_of_head(head).outcome) ? expected.of[head] : 0;
    }
    compare_sums(cross, all_key(cross, RECON_KEY_DAY, &names), &expected,
                 SLICE("the sum of all links"), &cross->links);
}

static void compare_all(struct cross *cross, uint64_t counted) {
    char bytes[2 * RECON_KEY_BYTES_MAX];
    struct buf names = buf_over(bytes, sizeof(bytes));
    struct slice key = all_key(cross, RECON_KEY_DAY, &names);
    struct recon_place place = {.stream = -1, .key = key};
    uint64_t malformed = 0;
    for (size_t i = 0; i < cross->recon->stream_count; i++) {
        malformed += cross->recon->streams[i].malformed;
    }
    cross->recon->rolled_up = (uint64_t)total_of(&cross->all);
    /* The fields of malformed ones stand among those that were added up. */
    if (cross->recon->rolled_up + 2 * malformed != counted) {
        recon_blame(cross->recon, "rollups_differ", &place,
                    "%.*s has %" PRIu64 " taps, and stats:streams:%d says %" PRIu64, SLICE_ARG(key),
                    cross->recon->rolled_up, cross->recon->day, counted - 2 * malformed);
    }
    if (cross->has_hours) {
        compare_sums(cross, key, &cross->all, all_key(cross, RECON_KEY_HOURS, &names),
                     &cross->hours);
    }
    for (int kind = 0; kind < TAP_KIND_COUNT; kind++) {
        int64_t taps = kind_of(&cross->all, kind);
        int64_t sum = kind_of(&cross->campaigns, kind) + cross->alone[kind];
        if (taps != sum) {
            recon_blame(cross->recon, "rollups_differ", &place,
                        "%.*s has %" PRId64 " taps of kind %s, and all campaigns and taps without "
                        "one %" PRId64,
                        SLICE_ARG(key), taps, tap_kind_name((enum tap_kind)kind), sum);
        }
    }
    compare_links(cross, &cross->all);
}

/* --- all of it ------------------------------------------------------------------------------ */

static struct cross *create(struct reconciliation *recon) {
    struct cross *cross = calloc(1, sizeof(*cross));
    ENSURE(cross != NULL);
    cross->recon = recon;
    cross->scratch = calloc(1, sizeof(*cross->scratch));
    cross->marks = calloc(recon->stream_count + 1, sizeof(*cross->marks));
    ENSURE(cross->scratch != NULL && cross->marks != NULL);
    uint64_t hours_ms = (uint64_t)STATS_HOURS_DAYS * 24 * RECON_MS_PER_HOUR;
    cross->has_hours = recon->end_ms + hours_ms > recon->options->source->now_ms;
    return cross;
}

static void destroy(struct cross *cross) {
    free(cross->scratch);
    free(cross->marks);
    free(cross);
}

/* *counted: what was counted of the day, when it stood still meanwhile. */
static bool go_over(struct cross *cross, uint64_t *counted, bool *stood_still, struct err *err) {
    struct recon_scan scan;
    struct recon_model *model = cross->recon->model;
    uint64_t before;
    cross->recon->model = NULL; /* all keys are wanted */
    bool is_good = read_counted(cross, &before, err) && recon_scan(cross->recon, &scan, err);
    if (is_good) {
        recon_scan_sort(&scan);
        is_good = check_all(cross, err) && check_campaigns(cross, &scan, err) &&
                  check_links(cross, &scan, err) && read_counted(cross, counted, err);
        recon_scan_fini(&scan);
    }
    cross->recon->model = model;
    *stood_still = is_good && before == *counted && before != UINT64_MAX;
    return is_good;
}

bool recon_check_cross(struct reconciliation *recon, struct err *err) {
    size_t findings = recon->finding_count;
    uint64_t unexplained = recon->unexplained;
    bool stood_still = false;
    bool is_good = true;
    for (unsigned i = 0; i < TRIES_MAX && is_good && !stood_still; i++) {
        struct cross *cross = create(recon);
        uint64_t counted = 0;
        is_good = go_over(cross, &counted, &stood_still, err);
        if (stood_still) {
            compare_all(cross, counted);
        } else {
            recon_forget(recon, findings, unexplained);
        }
        destroy(cross);
    }
    if (is_good && !stood_still) {
        recon_explain(recon, "not_still", &(struct recon_place){.stream = -1},
                      "the day is still being counted: its rollups were not compared");
    }
    return is_good;
}

static void take_model_head(void *argument, uint32_t head, uint64_t count) {
    struct sums *sums = argument;
    sums->of[recon_head_of_day(head)] += (int64_t)count;
}

bool recon_check_links(struct reconciliation *recon, struct err *err) {
    bool stood_still = false;
    uint64_t before = 0;
    uint64_t counted = 0;
    struct sums all = {{0}};
    struct recon_scan scan;
    struct cross *cross = create(recon);
    struct recon_model *model = recon->model;
    recon_model_heads(model, 0, take_model_head, &all);
    recon->model = NULL;
    bool is_good = read_counted(cross, &before, err) && recon_scan(recon, &scan, err);
    if (is_good) {
        recon_scan_sort(&scan);
        is_good = check_links(cross, &scan, err) && read_counted(cross, &counted, err);
        recon_scan_fini(&scan);
    }
    recon->model = model;
    stood_still =
        is_good && before == counted && (uint64_t)total_of(&all) == recon_model_taps(model);
    if (stood_still) {
        compare_links(cross, &all);
    }
    recon_explain(recon, "links_in_sum", &(struct recon_place){.stream = -1},
                  "more than %zu cells of links: each was held against itself%s",
                  recon->options->cells_max != 0 ? recon->options->cells_max
                                                 : (size_t)RECONCILE_CELLS_MAX,
                  stood_still ? ", and their sum against the whole" : "");
    destroy(cross);
    return is_good;
}
