/*
 * tap.c - what happens when somebody taps a link: resolve → decide → record → reply.
 *
 * tap_run() is the whole order of the stages; no other file knows it. It can suspend in one
 * place, when the code is not in the cache: on_resolved() then stores what Redis said and runs
 * it again. A connection that closes meanwhile cancels the wait, so a late answer from Redis
 * touches nothing. A full journal never stops a redirect; the click is counted as lost.
 *
 * A tap that suspends keeps a copy of its request's head, since the worker's read buffer is
 * needed for others; parsing it again gives the same request, whose slices lie in the copy.
 */
#include "tap.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/ulid.h"
#include "click/click.h"
#include "click/journal.h"
#include "click/tally.h"
#include "client.h"
#include "decide/agent.h"
#include "decide/destination.h"
#include "decide/geo.h"
#include "edge_metrics.h"
#include "edge_worker.h"
#include "http/request.h"
#include "http/response.h"
#include "link/campaign.h"
#include "link/code.h"
#include "link/link.h"
#include "link/resolver.h"
#include "link/template.h"
#include "net/conn.h"
#include "pages.h"
#include "route.h"
#include "session.h"

enum {
    SOURCE_BYTES_MAX = 64,
    SOURCE_DECODED_BYTES_MAX = 256, /* longer ones are no source */
    REFERRER_HOST_BYTES_MAX = 253,
    LANGUAGE_BYTES_MAX = 16
};

struct tap {
    struct request_context context;
    char code_bytes[CODE_BYTES_MAX];
    struct slice code; /* in code_bytes */
    uint64_t begun_ns;
    enum resolve_result resolved; /* RESOLVE_PENDING: not yet */
    struct resolution resolution;
    struct resolver_waiter waiter;
    char *head;       /* the copy of a tap that waited, else NULL */
    struct tap *next; /* while it is spare */
};

/* What was decided about a tap. */
struct decision {
    struct agent agent;
    enum tap_kind kind;
    struct client client;
    struct destination destination;
    struct ulid id;
    uint64_t at_ms;
    struct slice location; /* in the worker's location_bytes; empty: a page */
};

static bool tap_run(struct tap *tap);
static void decide(struct tap *tap, struct decision *decision);
static void record(struct tap *tap, const struct decision *decision);
static void reply(struct tap *tap, const struct decision *decision);
static void on_resolved(struct resolver_waiter *waiter, enum resolve_result result,
                        struct resolution resolution);

/* --- the whole of it ------------------------------------------------------------------------ */

/* False: it waits. */
static bool tap_run(struct tap *tap) {
    struct edge_worker *worker = tap->context.worker;
    struct decision decision;
    if (tap->resolved == RESOLVE_PENDING) {
        tap->resolved = resolver_find(worker->resolver, tap->code, worker->now_ns, &tap->resolution,
                                      &tap->waiter);
        if (tap->resolved == RESOLVE_PENDING) {
            return false;
        }
    }
    decide(tap, &decision);
    record(tap, &decision);
    reply(tap, &decision);
    return true;
}

/* --- beginning, waiting, ending ------------------------------------------------------------- */

static struct tap *take_tap(struct edge_worker *worker) {
    struct tap *tap = worker->spare_taps;
    if (tap == NULL) {
        tap = malloc(sizeof(*tap));
        ENSURE(tap != NULL);
    } else {
        worker->spare_taps = tap->next;
        worker->spare_tap_count--;
    }
    return tap;
}

static void put_tap(struct tap *tap) {
    struct edge_worker *worker = tap->context.worker;
    free(tap->head);
    if (worker->spare_tap_count == TAPS_SPARE_MAX) {
        free(tap);
        return;
    }
    tap->next = worker->spare_taps;
    worker->spare_taps = tap;
    worker->spare_tap_count++;
}

void tap_free_spares(struct edge_worker *worker) {
    while (worker->spare_taps != NULL) {
        struct tap *tap = worker->spare_taps;
        worker->spare_taps = tap->next;
        free(tap);
    }
    worker->spare_tap_count = 0;
}

static void count_waiting(struct edge_worker *worker, int change) {
    uint64_t waiting = metric_get(worker->metrics, EDGE_SUSPENDED);
    metric_put(worker->metrics, EDGE_SUSPENDED, waiting + (uint64_t)(int64_t)change);
}

/* The read buffer is about to be used for others. */
static void keep_head(struct tap *tap) {
    struct slice head = tap->context.head;
    tap->head = malloc(head.size);
    ENSURE(tap->head != NULL);
    memcpy(tap->head, head.data, head.size);
    tap->context.head = slice_make(tap->head, head.size);
    ENSURE(http_parse(tap->context.head, &tap->context.request) == HTTP_PARSE_DONE);
}

bool tap_begin(struct request_context *context, struct slice code) {
    struct tap *tap = take_tap(context->worker);
    tap->context = *context;
    memcpy(tap->code_bytes, code.data, code.size);
    tap->code = slice_make(tap->code_bytes, code.size);
    tap->begun_ns = context->worker->now_ns;
    tap->resolved = RESOLVE_PENDING;
    tap->waiter = (struct resolver_waiter){.on_resolved = on_resolved};
    tap->head = NULL;
    if (tap_run(tap)) {
        put_tap(tap);
        return true;
    }
    keep_head(tap);
    conn_set_context(context->conn, tap);
    count_waiting(context->worker, 1);
    return false;
}

static void on_resolved(struct resolver_waiter *waiter, enum resolve_result result,
                        struct resolution resolution) {
    struct tap *tap = CONTAINER_OF(waiter, struct tap, waiter);
    struct conn *conn = tap->context.conn;
    struct edge_worker *worker = tap->context.worker;
    tap->resolved = result;
    tap->resolution = resolution;
    tap->context.out = conn_output(conn);
    tap->context.keep_alive =
        tap->context.keep_alive && !conn_loop_is_draining(tap->context.worker->conns);
    edge_worker_tick(tap->context.worker, clock_monotonic_ns());
    ENSURE(tap_run(tap));
    enum conn_verdict verdict = session_verdict(&tap->context, false);
    count_waiting(tap->context.worker, -1);
    conn_set_context(conn, NULL);
    put_tap(tap);
    conn_resume(conn, verdict);
    conn_loop_flush(worker->conns);
}

void tap_cancel(struct tap *tap) {
    resolver_cancel(&tap->waiter);
    count_waiting(tap->context.worker, -1);
    conn_set_context(tap->context.conn, NULL);
    put_tap(tap);
}

/* --- decide --------------------------------------------------------------------------------- */

/* How it was asked for comes before who asked. */
static enum tap_kind kind_of(const struct http_request *request, enum agent_class class) {
    if (request->method == HTTP_HEAD) {
        return TAP_KIND_HEAD;
    }
    if (request->prefetch) {
        return TAP_KIND_PREFETCH;
    }
    return class == AGENT_PREVIEW ? TAP_KIND_PREVIEW
           : class == AGENT_BOT   ? TAP_KIND_BOT
                                  : TAP_KIND_HUMAN;
}

static struct slice owner_of(const struct tap *tap) {
    return tap->resolution.link == NULL ? SLICE_EMPTY : link_owner(tap->resolution.link);
}

/* The campaign whose template it is; that a link names one that does not exist is worth knowing,
 * too. */
static struct slice campaign_of(const struct tap *tap, const struct destination *destination) {
    if (destination->campaign != NULL) {
        return destination->campaign->id;
    }
    return tap->resolution.link == NULL ? SLICE_EMPTY : link_campaign(tap->resolution.link);
}

static struct slice render(struct tap *tap, const struct decision *decision) {
    struct edge_worker *worker = tap->context.worker;
    struct slice template = decision->destination.template;
    char token[TOKEN_SIZE];
    struct template_values values = {
        .code = tap->code,
        .campaign = campaign_of(tap, &decision->destination),
        .owner = owner_of(tap),
    };
    if (template_click_count(template) > 0) {
        token_make(worker->tokens, &decision->id, tap->code, token);
        values.click = slice_make(token, sizeof(token));
    }
    struct buf location = buf_over(worker->location_bytes, sizeof(worker->location_bytes));
    size_t click_at;
    ENSURE(template_render_open(template, &values, &location, &click_at));
    return buf_slice(&location);
}

static void decide(struct tap *tap, struct decision *decision) {
    struct edge_worker *worker = tap->context.worker;
    const struct http_request *request = &tap->context.request;
    decision->at_ms = journal_time(worker->journal, edge_worker_now_ms(worker));
    decision->id = ulid_make(decision->at_ms, &worker->random);
    decision->agent = agent_cache_classify(worker->agents, request->user_agent);
    decision->kind = kind_of(request, decision->agent.class);
    decision->client = client_find(&worker->settings, conn_peer(tap->context.conn), request);
    struct destination_input input = {
        .reachable = tap->resolved == RESOLVE_DONE,
        .link = tap->resolved == RESOLVE_DONE ? tap->resolution.link : NULL,
        .campaign = tap->resolved == RESOLVE_DONE ? tap->resolution.campaign : NULL,
        .default_campaign = resolver_default_campaign(worker->resolver),
        .platform = decision->agent.platform,
        .now_s = edge_worker_now_ms(worker) / 1000, /* the wall clock, whatever the journal says */
    };
    decision->destination = destination_choose(&input);
    decision->location =
        decision->destination.page == PAGE_NONE ? render(tap, decision) : SLICE_EMPTY;
}

/* --- record --------------------------------------------------------------------------------- */

/* ?s=, decoded and cut at SOURCE_BYTES_MAX. What holds a control byte is no source; whether it is
 * UTF-8 is for those to look at who write it as JSON or HTML. */
static struct slice source_of(struct slice query, char *out, size_t capacity) {
    struct slice value;
    if (query.size == 0 || !http_query_find(query, SLICE("s"), &value)) {
        return SLICE_EMPTY;
    }
    size_t size = http_percent_decode(value, out, capacity);
    if (size == SIZE_MAX) {
        return SLICE_EMPTY;
    }
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)out[i] < ' ' || out[i] == 0x7F) {
            return SLICE_EMPTY;
        }
    }
    size_t kept = size < SOURCE_BYTES_MAX ? size : SOURCE_BYTES_MAX;
    while (kept < size && kept > 0 && ((unsigned char)out[kept] & 0xC0) == 0x80) {
        kept--; /* not in the middle of a character */
    }
    return slice_make(out, kept);
}

static void record(struct tap *tap, const struct decision *decision) {
    struct edge_worker *worker = tap->context.worker;
    const struct http_request *request = &tap->context.request;
    char source[SOURCE_DECODED_BYTES_MAX];
    char referrer[REFERRER_HOST_BYTES_MAX];
    char language[LANGUAGE_BYTES_MAX];
    struct geo_place place = geo_find(worker->geo, &decision->client.address.any);
    struct slice spoken = slice_make(
        language, http_preferred_language(request->accept_language, language, sizeof(language)));
    struct click click = {
        .at_ms = decision->at_ms,
        .id = decision->id,
        .version = CLICK_VERSION,
        .kind = decision->kind,
        .outcome = decision->destination.outcome,
        .platform = decision->agent.platform,
        .visitor =
            visitor_hash(&worker->salt, &decision->client.address.any, request->user_agent, spoken),
        .text = {[CLICK_CODE] = tap->code,
                 [CLICK_CAMPAIGN] = campaign_of(tap, &decision->destination),
                 [CLICK_OWNER] = owner_of(tap),
                 [CLICK_COUNTRY] = slice_of(place.country),
                 [CLICK_REGION] = slice_of(place.region),
                 [CLICK_BROWSER] = decision->agent.browser,
                 [CLICK_IN_APP] = decision->agent.in_app,
                 [CLICK_LANGUAGE] = spoken,
                 [CLICK_REFERRER] = slice_make(
                     referrer, http_referer_host(request->referer, referrer, sizeof(referrer))),
                 [CLICK_SOURCE] = source_of(request->query, source, sizeof(source))},
    };
    size_t size = click_encode(&click, worker->payload);
    uint64_t sequence = 0;
    struct slice payload = slice_make((const char *)worker->payload, size);
    /* A full journal counts and logs what it loses; the friend is not to wait. */
    bool is_kept = journal_append(worker->journal, payload, &sequence) == JOURNAL_APPENDED;
    tally_count(worker->tally, decision->at_ms, is_kept ? sequence : 0);
}

/* --- reply ---------------------------------------------------------------------------------- */

static void reply(struct tap *tap, const struct decision *decision) {
    struct request_context *context = &tap->context;
    struct edge_worker *worker = context->worker;
    const struct destination *destination = &decision->destination;
    if (destination->page == PAGE_NOT_FOUND && tap->resolution.link == NULL &&
        code_is_mistyped(tap->code)) {
        pages_mistyped(context);
    } else if (destination->page != PAGE_NONE) {
        pages_error(context, destination->page);
    } else if (decision->agent.class == AGENT_PREVIEW) {
        pages_preview(context, tap->code, destination->campaign, decision->client.is_https);
    } else {
        ENSURE(http_respond_redirect(context->out, decision->location, context->keep_alive,
                                     context->request.minor_version, &worker->date));
    }
    metric_add(worker->metrics, edge_tap_metric(decision->kind, destination->outcome), 1);
    metric_observe_ns(worker->metrics, EDGE_TAP_SECONDS, clock_monotonic_ns() - tap->begun_ns);
}
