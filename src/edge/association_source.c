/*
 * association_source.c - one step after the other: connect, ask for what changed, walk, write.
 *
 * All of it happens in step(), which a tick calls when something is to be done. It waits for Redis
 * while it asks, so tracking (on the same loop) is served between two steps: each is short.
 *
 * A change that is heard of while a walk is under way is asked for after it was heard of, so the
 * walk cannot put something older in its place for longer than until then.
 */
#include "association_source.h"

#include <stdlib.h>
#include <string.h>

#include "association_apps.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "link/code.h"
#include "link/store.h"
#include "net/worker.h"
#include "redis/pipe.h"
#include "redis/tracking.h"
#include "redis/url.h"

enum {
    DEBOUNCE_MS = 200,
    RETRY_MS = 500,
    TIMEOUT_MS = 500,   /* of connecting, and of each reply */
    STEP_MS_MAX = 2000, /* of a step in all: what ending the thread may take */
    PAUSE_MS_MAX = 200,
    BATCH = 100, /* changed campaigns asked for in one step */
    ID_BYTES_MAX = 64,
    PREFIX_BYTES_MAX = 64 + 16,
    KEY_BYTES_MAX = PREFIX_BYTES_MAX + ID_BYTES_MAX,
    CURSOR_BYTES_MAX = STORE_CURSOR_BYTES_MAX + 1,
    WARNING_INTERVAL_MS = 60000,
};

enum source_metric {
    CURRENT,
    CAMPAIGNS,
    CAMPAIGNS_LEFT_OUT,
    LEFT_OUT, /* ASSOCIATION_FILE_COUNT of them, and so the next three */
    APPS = LEFT_OUT + ASSOCIATION_FILE_COUNT,
    BYTES = APPS + ASSOCIATION_FILE_COUNT,
    MADE = BYTES + ASSOCIATION_FILE_COUNT,
    FAILURES = MADE + ASSOCIATION_FILE_COUNT,
    WALKS,
    SOURCE_METRIC_COUNT,
};

#define ANDROID_LABEL "file=\"assetlinks\""
#define APPLE_LABEL   "file=\"apple\""

static const struct metric source_metrics[SOURCE_METRIC_COUNT] = {
    [CURRENT] = {.name = "brinco_association_current",
                 .help = "1 while the association files are as the campaigns say now.",
                 .type = METRIC_GAUGE},
    [CAMPAIGNS] = {.name = "brinco_association_campaigns",
                   .help = "Campaigns that name an app.",
                   .type = METRIC_GAUGE},
    [CAMPAIGNS_LEFT_OUT] = {.name = "brinco_association_left_out",
                            .labels = "file=\"both\"",
                            .help = "Campaigns (of both files), apps and fingerprints for which "
                                    "the association files have no room.",
                            .type = METRIC_GAUGE},
    [LEFT_OUT] = {.name = "brinco_association_left_out",
                  .labels = ANDROID_LABEL,
                  .type = METRIC_GAUGE},
    [LEFT_OUT +
        1] = {.name = "brinco_association_left_out", .labels = APPLE_LABEL, .type = METRIC_GAUGE},
    [APPS] = {.name = "brinco_association_apps",
              .labels = ANDROID_LABEL,
              .help = "Apps in the association file that was made of the campaigns.",
              .type = METRIC_GAUGE},
    [APPS + 1] = {.name = "brinco_association_apps", .labels = APPLE_LABEL, .type = METRIC_GAUGE},
    [BYTES] = {.name = "brinco_association_bytes",
               .labels = ANDROID_LABEL,
               .help = "Size of the association file that was made of the campaigns.",
               .type = METRIC_GAUGE},
    [BYTES + 1] = {.name = "brinco_association_bytes", .labels = APPLE_LABEL, .type = METRIC_GAUGE},
    [MADE] = {.name = "brinco_association_made_total",
              .labels = ANDROID_LABEL,
              .help = "Times that an association file was made and differed from the one before.",
              .type = METRIC_COUNTER},
    [MADE + 1] = {.name = "brinco_association_made_total",
                  .labels = APPLE_LABEL,
                  .type = METRIC_COUNTER},
    [FAILURES] = {.name = "brinco_association_failures_total",
                  .help = "Times that Redis could not be asked about campaigns' apps.",
                  .type = METRIC_COUNTER},
    [WALKS] = {.name = "brinco_association_walks_total",
               .help = "Walks over all campaigns, for their apps, that came to an end.",
               .type = METRIC_COUNTER},
};

struct association_source {
    struct association_source_options options; /* url and key_prefix are not kept */
    char prefix_text[PREFIX_BYTES_MAX];
    struct slice key_prefix;      /* redis.prefix */
    struct slice campaign_prefix; /* with campaign: behind it */
    struct worker *thread;
    struct redis_tracking *tracking;
    struct redis_pipe *pipe;
    struct metric_set *metrics;
    struct association_apps *apps;
    struct buf texts[ASSOCIATION_FILE_COUNT]; /* as made last */
    struct log_limit failure_limit;
    struct log_limit room_limit;

    uint64_t due_ns; /* of the next step; 0: none */
    bool is_tracking;
    bool is_walking;
    bool wants_walk;
    bool is_complete; /* a walk came to its end once */
    bool is_changed;  /* since the documents were made */
    char cursor[CURSOR_BYTES_MAX];
    size_t cursor_size;
    size_t pending_count;
    char pending[ASSOCIATION_PENDING_MAX][ID_BYTES_MAX + 1]; /* ids, NUL-terminated */
};

static void step(void *argument);
static void on_tracking_state(void *argument, bool is_tracking);
static void on_key(void *argument, struct slice key);
static void on_flush(void *argument);
static void make_documents(struct association_source *source);

/* --- life ----------------------------------------------------------------------------------- */

static void set_prefix(struct association_source *source, struct slice prefix) {
    struct buf text = buf_over(source->prefix_text, PREFIX_BYTES_MAX);
    ENSURE(buf_append(&text, prefix) && buf_append(&text, SLICE("campaign:")));
    source->key_prefix = slice_make(source->prefix_text, prefix.size);
    source->campaign_prefix = buf_slice(&text);
}

struct association_source *
association_source_create(const struct association_source_options *options, struct err *err) {
    struct association_source *source = calloc(1, sizeof(*source));
    ENSURE(source != NULL);
    source->options = *options;
    set_prefix(source, options->key_prefix);
    source->apps = association_apps_create();
    for (size_t i = 0; i < ASSOCIATION_FILE_COUNT; i++) {
        buf_init(&source->texts[i], ASSOCIATION_BYTES_MAX);
    }
    source->metrics = metric_set_create(options->metrics, source_metrics, SOURCE_METRIC_COUNT);
    source->pipe = redis_pipe_create(options->url, TIMEOUT_MS);
    source->thread = worker_create("association", err);
    if (source->thread == NULL) {
        association_source_destroy(&source);
        return NULL;
    }
    source->tracking = redis_tracking_create(&(struct redis_tracking_options){
        .base = worker_base(source->thread),
        .url = options->url,
        .prefixes = &source->campaign_prefix,
        .prefix_count = 1,
        .log = options->log,
        .metrics = options->metrics,
        .on_state = on_tracking_state,
        .on_key = on_key,
        .on_flush = on_flush,
        .argument = source,
    });
    return source;
}

bool association_source_start(struct association_source *source, struct err *err) {
    return worker_start(source->thread, err);
}

static void end_thread(void *argument) {
    worker_exit(argument);
}

void association_source_destroy(struct association_source **source) {
    struct association_source *it = *source;
    if (it == NULL) {
        return;
    }
    if (it->thread != NULL) {
        worker_post(it->thread, end_thread, it->thread);
        worker_join(it->thread);
    }
    redis_tracking_destroy(&it->tracking);
    worker_destroy(&it->thread);
    redis_pipe_destroy(&it->pipe);
    metric_set_destroy(&it->metrics);
    for (size_t i = 0; i < ASSOCIATION_FILE_COUNT; i++) {
        buf_fini(&it->texts[i]);
    }
    association_apps_destroy(&it->apps);
    free(it);
    *source = NULL;
}

/* --- when ----------------------------------------------------------------------------------- */

/* The next step is in delay_ms, or sooner if that was asked for before. */
static void schedule(struct association_source *source, uint32_t delay_ms) {
    uint64_t due_ns = clock_monotonic_ns() + delay_ms * UINT64_C(1000000);
    if (source->due_ns == 0 || due_ns < source->due_ns) {
        source->due_ns = due_ns;
        worker_tick(source->thread, delay_ms > 0 ? delay_ms : 1, step, source);
    }
}

static void want_walk(struct association_source *source, uint32_t delay_ms) {
    source->wants_walk = true;
    source->pending_count = 0; /* the walk will see them */
    schedule(source, delay_ms);
}

static void on_tracking_state(void *argument, bool is_tracking) {
    struct association_source *source = argument;
    source->is_tracking = is_tracking;
    metric_put(source->metrics, CURRENT, 0);
    if (is_tracking) {
        want_walk(source, 0);
    }
}

static void on_flush(void *argument) {
    want_walk(argument, DEBOUNCE_MS);
}

static void on_key(void *argument, struct slice key) {
    struct association_source *source = argument;
    struct slice id = slice_from(key, source->campaign_prefix.size);
    if (!slice_starts_with(key, source->campaign_prefix) || !code_is_valid(id)) {
        return;
    }
    for (size_t i = 0; i < source->pending_count; i++) {
        if (slice_equal(slice_of(source->pending[i]), id)) {
            return;
        }
    }
    if (source->pending_count == ASSOCIATION_PENDING_MAX) {
        want_walk(source, DEBOUNCE_MS);
        return;
    }
    struct buf place = buf_over(source->pending[source->pending_count++], ID_BYTES_MAX + 1);
    ENSURE(buf_append(&place, id) && buf_append_char(&place, '\0'));
    schedule(source, DEBOUNCE_MS);
}

/* --- what ----------------------------------------------------------------------------------- */

static void put(struct association_source *source, struct slice id,
                const struct association_names *names) {
    (void)association_apps_put(source->apps, id, names); /* what found no room is counted there */
    source->is_changed = true;
}

static bool ask_for(struct association_source *source, size_t count, struct err *err) {
    for (size_t i = 0; i < count; i++) {
        char bytes[KEY_BYTES_MAX];
        struct buf key = buf_over(bytes, sizeof(bytes));
        ENSURE(buf_append(&key, source->campaign_prefix) &&
               buf_append(&key, slice_of(source->pending[i])));
        const struct slice command[] = {
            SLICE("HMGET"), buf_slice(&key),
            slice_of(campaign_field_name(CAMPAIGN_FIELD_ANDROID_PACKAGE)),
            slice_of(campaign_field_name(CAMPAIGN_FIELD_ANDROID_FINGERPRINTS)),
            slice_of(campaign_field_name(CAMPAIGN_FIELD_IOS_APP_ID))};
        if (!redis_pipe_append(source->pipe, ARRAY_COUNT(command), command)) {
            redis_pipe_disconnect(source->pipe);
            return err_set(err, "the connection to Redis is lost");
        }
    }
    return true;
}

/* An error that is about the key itself says that it is no campaign. */
static bool take_answer(struct association_source *source, struct slice id, struct err *err) {
    const struct redis_reply *reply = redis_pipe_read(source->pipe, err);
    if (reply == NULL) {
        return false;
    }
    struct slice error = redis_reply_is_error(reply) ? redis_reply_text(reply) : SLICE_EMPTY;
    if (error.size > 0 && !slice_starts_with(error, SLICE("WRONGTYPE"))) {
        redis_pipe_disconnect(source->pipe); /* the other answers are not waited for */
        return err_set(err, "Redis says: %.*s", SLICE_ARG(slice_first(error, 300)));
    }
    const struct association_names names = {
        .package = redis_reply_text(redis_reply_at(reply, 0)),
        .fingerprints = redis_reply_text(redis_reply_at(reply, 1)),
        .app_ids = redis_reply_text(redis_reply_at(reply, 2)),
    };
    put(source, id, &names);
    return true;
}

/* Some of those that changed; what fails is asked for again. */
static bool ask_pending(struct association_source *source, struct err *err) {
    size_t count = source->pending_count < BATCH ? source->pending_count : BATCH;
    if (!ask_for(source, count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!take_answer(source, slice_of(source->pending[i]), err)) {
            return false;
        }
    }
    source->pending_count -= count;
    memmove(source->pending, source->pending + count,
            source->pending_count * sizeof(source->pending[0]));
    return true;
}

static bool on_campaign(void *argument, struct slice id, const struct slice *values) {
    struct association_source *source = argument;
    const struct association_names names = {
        .package = values[CAMPAIGN_FIELD_ANDROID_PACKAGE],
        .fingerprints = values[CAMPAIGN_FIELD_ANDROID_FINGERPRINTS],
        .app_ids = values[CAMPAIGN_FIELD_IOS_APP_ID],
    };
    put(source, id, &names);
    return true;
}

static void begin_walk(struct association_source *source) {
    source->wants_walk = false;
    source->is_walking = true;
    source->cursor_size = 0;
    association_apps_begin_walk(source->apps);
}

static void end_walk(struct association_source *source) {
    source->is_walking = false;
    source->is_complete = true;
    source->is_changed = true;
    association_apps_end_walk(source->apps);
    metric_add(source->metrics, WALKS, 1);
}

static bool walk_on(struct association_source *source, struct err *err) {
    struct store store = {.pipe = source->pipe, .key_prefix = source->key_prefix};
    const struct store_page page = {
        .cursor = slice_make(source->cursor, source->cursor_size),
        .limit = STORE_PAGE_LIMIT_MAX,
        .each = on_campaign,
        .argument = source,
    };
    char next_bytes[CURSOR_BYTES_MAX];
    struct buf next = buf_over(next_bytes, sizeof(next_bytes));
    if (store_page(&store, RECORD_CAMPAIGN, &page, &next, err) != STORE_OK) {
        return false;
    }
    memcpy(source->cursor, next_bytes, next.size);
    source->cursor_size = next.size;
    if (next.size == 0) {
        end_walk(source);
    }
    return true;
}

static bool work(struct association_source *source, struct err *err) {
    if (!redis_pipe_is_connected(source->pipe) && !redis_pipe_connect(source->pipe, err)) {
        return false;
    }
    if (source->wants_walk) {
        begin_walk(source);
    }
    return (source->pending_count == 0 || ask_pending(source, err)) &&
           (!source->is_walking || walk_on(source, err));
}

static void on_failure(struct association_source *source, const struct err *err) {
    uint64_t held_back = 0;
    metric_add(source->metrics, FAILURES, 1);
    if (log_allowed(&source->failure_limit, clock_monotonic_ns(), WARNING_INTERVAL_MS,
                    &held_back)) {
        log_event(source->options.log, LOG_WARN, "association_not_read", "error=%s held_back=%llu",
                  err->text, (unsigned long long)held_back);
    }
    /* Records of a page that failed may be lost with its cursor. */
    source->wants_walk = source->wants_walk || source->is_walking;
    source->is_walking = false;
    schedule(source, RETRY_MS);
}

/* Without tracking there is no use in asking: it will be asked again as soon as there is. */
static void step(void *argument) {
    struct association_source *source = argument;
    struct err err = {""};
    source->due_ns = 0;
    worker_tick(source->thread, 0, NULL, NULL);
    if (!source->is_tracking) {
        return;
    }
    uint64_t begun_ns = clock_monotonic_ns();
    bool has_news = source->pending_count > 0;
    redis_pipe_set_deadline(source->pipe, begun_ns + STEP_MS_MAX * UINT64_C(1000000));
    if (!work(source, &err)) {
        on_failure(source, &err);
        return;
    }
    if (association_apps_want_walk(source->apps) && !source->is_walking) {
        want_walk(source, DEBOUNCE_MS);
    }
    if (source->is_walking || source->pending_count > 0) {
        uint64_t pause_ms = (clock_monotonic_ns() - begun_ns) * 3 / 1000000;
        schedule(source, (uint32_t)(pause_ms < PAUSE_MS_MAX ? pause_ms : PAUSE_MS_MAX));
    }
    if (source->is_complete && source->is_changed && (has_news || !source->is_walking)) {
        make_documents(source);
    }
    metric_put(source->metrics, CURRENT,
               source->is_complete && !source->is_walking && source->pending_count == 0);
}

/* --- documents ------------------------------------------------------------------------------ */

static const char *name_of(enum association_file file) {
    return file == ASSOCIATION_ANDROID ? "assetlinks" : "apple";
}

/* NULL: as it was. */
static struct association_document *make_document(struct association_source *source,
                                                  enum association_file file) {
    struct buf text;
    struct buf *before = &source->texts[file];
    struct association_document *document = NULL;
    buf_init(&text, ASSOCIATION_BYTES_MAX);
    struct association_tally tally = file == ASSOCIATION_ANDROID
                                         ? association_write_android(source->apps, &text)
                                         : association_write_apple(source->apps, &text);
    metric_put(source->metrics, APPS + (size_t)file, tally.apps);
    metric_put(source->metrics, LEFT_OUT + (size_t)file, tally.left_out);
    metric_put(source->metrics, BYTES + (size_t)file, text.size);
    if (!slice_equal(buf_slice(before), buf_slice(&text))) {
        document = association_document_create(file, buf_slice(&text), NULL);
        ENSURE(document != NULL); /* what is written here is JSON, and fits */
        buf_clear(before);
        buf_append(before, buf_slice(&text));
        metric_add(source->metrics, MADE + (size_t)file, 1);
        log_event(source->options.log, LOG_INFO, "association_made",
                  "file=%s apps=%zu left_out=%zu bytes=%zu", name_of(file), tally.apps,
                  tally.left_out, text.size);
    }
    buf_fini(&text);
    return document;
}

static void make_documents(struct association_source *source) {
    struct association_document *documents[ASSOCIATION_FILE_COUNT];
    source->is_changed = false;
    for (int i = 0; i < ASSOCIATION_FILE_COUNT; i++) {
        documents[i] = make_document(source, (enum association_file)i);
    }
    source->options.made(source->options.argument, documents);
    size_t refused = association_apps_refused(source->apps);
    size_t left_out =
        (size_t)(metric_get(source->metrics, LEFT_OUT) + metric_get(source->metrics, LEFT_OUT + 1));
    metric_put(source->metrics, CAMPAIGNS, association_apps_count(source->apps));
    metric_put(source->metrics, CAMPAIGNS_LEFT_OUT, refused);
    uint64_t held_back;
    if (refused + left_out > 0 &&
        log_allowed(&source->room_limit, clock_monotonic_ns(), WARNING_INTERVAL_MS, &held_back)) {
        log_event(source->options.log, LOG_WARN, "association_left_out",
                  "campaigns=%zu apps=%zu campaigns_max=%d names_max=%d bytes_max=%d", refused,
                  left_out, ASSOCIATION_CAMPAIGNS_MAX, ASSOCIATION_NAMES_MAX,
                  ASSOCIATION_BYTES_MAX);
    }
}
