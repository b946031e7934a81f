/*
 * tap.c - what happens when somebody taps a link: resolve → decide → record → reply.
 *
 * tap_run() is the whole order of the stages; no other file knows it. It can suspend in one
 * place, when the code is not in the cache: on_resolved() then stores what Redis said and runs
 * it again. A connection that closes meanwhile cancels the wait, so a late answer from Redis
 * touches nothing. A full journal never stops a redirect; the click is counted as lost.
 *
 * Until it suspends, a tap borrows: its request and code stand with those who called. Then it keeps
 * a copy of the request's head, since the worker's read buffer is needed for others; parsing it
 * again gives the same request, whose slices lie in the copy.
 *
 * The reply's Location is rendered where it will be sent from; its click token is filled in with
 * those of the turn's other answers (signing.h).
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
#include "decide/geo_cache.h"
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
#include "passthrough.h"
#include "route.h"
#include "session.h"
#include "signing.h"
#include "tap_pages.h"

enum {
    SOURCE_BYTES_MAX = 64,
    SOURCE_DECODED_BYTES_MAX = 256, /* longer ones are no source */
    REFERRER_HOST_BYTES_MAX = 253,
    LANGUAGE_BYTES_MAX = 16,
    RULE_BYTES_MAX = 96, /* BY:RULE+CONTAINER */
};

struct tap {
    struct request_context *context; /* the caller's, or own_context */
    struct slice code;               /* the caller's, or in code_bytes */
    enum tap_purpose purpose;
    enum resolve_result resolved; /* RESOLVE_PENDING: not yet */
    struct resolution resolution;
    struct resolver_waiter waiter;
    struct tap *next; /* while it is spare */

    /* Of one that waits: */
    struct request_context own_context;
    char code_bytes[CODE_BYTES_MAX];
    char *head;
    uint64_t begun_ns;
};

/* What was found out and decided about a tap. */
struct decision {
    const struct agent_sighting *seen; /* until the next one is classified */
    enum tap_kind kind;
    struct client client;
    struct destination_input input;
    struct destination destination;
    struct slice campaign;
    struct slice owner;
    struct ulid id;
    uint64_t at_ms;
    char language[LANGUAGE_BYTES_MAX]; /* the input's */
    const struct tap *tap;             /* for the share */
    struct destination_share share;
};

static bool tap_run(struct tap *tap);
static void decide(struct tap *tap, struct decision *decision);
static void record(struct tap *tap, const struct decision *decision);
static void reply(struct tap *tap, const struct decision *decision);
static void inspect(const struct tap *tap, const struct decision *decision);
static void on_resolved(struct resolver_waiter *waiter, enum resolve_result result,
                        struct resolution resolution);

/* --- the whole of it ------------------------------------------------------------------------ */

/* False: it waits. */
static bool tap_run(struct tap *tap) {
    struct edge_worker *worker = tap->context->worker;
    struct decision decision;
    if (tap->resolved == RESOLVE_PENDING) {
        tap->resolved = resolver_find(worker->resolver, tap->code, worker->now_ns, &tap->resolution,
                                      &tap->waiter);
        if (tap->resolved == RESOLVE_PENDING) {
            return false;
        }
    }
    decide(tap, &decision);
    if (UNLIKELY(tap->purpose == TAP_TO_INSPECT)) {
        inspect(tap, &decision);
        return true;
    }
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

static void put_tap(struct edge_worker *worker, struct tap *tap) {
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
static void keep_own(struct tap *tap) {
    struct slice head = tap->context->head;
    tap->head = malloc(head.size);
    ENSURE(tap->head != NULL);
    memcpy(tap->head, head.data, head.size);
    tap->own_context = *tap->context;
    tap->context = &tap->own_context;
    tap->context->head = slice_make(tap->head, head.size);
    ENSURE(http_parse(tap->context->head, &tap->context->request) == HTTP_PARSE_DONE);
    memcpy(tap->code_bytes, tap->code.data, tap->code.size);
    tap->code.data = tap->code_bytes;
    tap->begun_ns = tap->context->worker->now_ns;
}

static void end_wait(struct tap *tap) {
    struct edge_worker *worker = tap->context->worker;
    count_waiting(worker, -1);
    conn_set_context(tap->context->conn, NULL);
    free(tap->head);
    put_tap(worker, tap);
}

bool tap_begin(struct request_context *context, struct slice code, enum tap_purpose purpose) {
    struct edge_worker *worker = context->worker;
    struct tap *tap = take_tap(worker);
    tap->context = context;
    tap->code = code;
    tap->purpose = purpose;
    tap->resolved = RESOLVE_PENDING;
    tap->resolution = (struct resolution){0};
    tap->waiter.node = (struct list_node){0};
    tap->waiter.on_resolved = on_resolved;
    if (tap_run(tap)) {
        worker->answered_taps++;
        put_tap(worker, tap);
        return true;
    }
    keep_own(tap);
    conn_set_context(context->conn, tap);
    count_waiting(worker, 1);
    return false;
}

/* Called for all that one answer from Redis decides, before anything of it is written. */
static void on_resolved(struct resolver_waiter *waiter, enum resolve_result result,
                        struct resolution resolution) {
    struct tap *tap = CONTAINER_OF(waiter, struct tap, waiter);
    struct edge_worker *worker = tap->context->worker;
    struct conn *conn = tap->context->conn;
    tap->resolved = result;
    tap->resolution = resolution;
    tap->context->out = conn_output(conn);
    tap->context->keep_alive = tap->context->keep_alive && !conn_loop_is_draining(worker->conns);
    edge_worker_tick(worker, conn_loop_now_ns(worker->conns));
    ENSURE(tap_run(tap));
    metric_observe_ns(worker->metrics, EDGE_TAP_SECONDS, worker->now_ns - tap->begun_ns);
    enum conn_verdict verdict = session_verdict(tap->context, false);
    end_wait(tap);
    conn_resume(conn, verdict);
}

void tap_cancel(struct tap *tap) {
    resolver_cancel(&tap->waiter);
    end_wait(tap);
}

/* A turn's answers are ready all at once. */
void tap_observe(struct edge_worker *worker) {
    if (worker->answered_taps == 0) {
        return;
    }
    uint64_t took_ns = clock_monotonic_ns() - worker->now_ns;
    metric_observe_many_ns(worker->metrics, EDGE_TAP_SECONDS, took_ns, worker->answered_taps);
    worker->answered_taps = 0;
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

/* The campaign whose template it is; that a link names one that does not exist is worth knowing,
 * too. */
static struct slice campaign_of(const struct tap *tap, const struct destination *destination) {
    if (destination->campaign != NULL) {
        return destination->campaign->id;
    }
    return tap->resolution.link == NULL ? SLICE_EMPTY : link_campaign(tap->resolution.link);
}

/* For rules with a weight, which few campaigns have. */
static unsigned share_of(void *argument) {
    const struct decision *decision = argument;
    const struct tap *tap = decision->tap;
    return visitor_share(&tap->context->worker->sharer, decision->client.address,
                         tap->context->request.user_agent, tap->resolution.campaign->id);
}

static void decide(struct tap *tap, struct decision *decision) {
    struct edge_worker *worker = tap->context->worker;
    const struct http_request *request = &tap->context->request;
    uint64_t now_ms = edge_worker_now_ms(worker);
    decision->at_ms = journal_time(worker->journal, now_ms);
    decision->id = ulid_make(decision->at_ms, &worker->random);
    decision->seen = agent_cache_see(worker->agents, request->user_agent, &worker->salt);
    decision->kind = kind_of(request, decision->seen->agent.class);
    client_find(&worker->settings, conn_peer(tap->context->conn), request, &decision->client);
    const struct geo_place *place =
        geo_cache_find(worker->places, worker->geo, decision->client.address);
    size_t language_size = http_preferred_language(request->accept_language, decision->language,
                                                   sizeof(decision->language));
    decision->tap = tap;
    decision->share = (struct destination_share){.share = share_of, .argument = decision};
    decision->input = (struct destination_input){
        .reachable = tap->resolved == RESOLVE_DONE,
        .link = tap->resolution.link,
        .campaign = tap->resolution.campaign,
        .default_campaign = resolver_default_campaign(worker->resolver),
        .platform = decision->seen->agent.platform,
        .os_version = decision->seen->agent.os_version,
        .in_app = decision->seen->agent.in_app,
        .country = geo_country(place),
        .region = geo_region(place),
        .language = slice_make(decision->language, language_size),
        .query = request->query,
        .share = &decision->share,
        .local = &worker->local,
        .now_s = now_ms / 1000, /* the wall clock, whatever the journal says */
    };
    destination_choose(&decision->input, &decision->destination);
    decision->campaign = campaign_of(tap, &decision->destination);
    decision->owner = tap->resolution.link == NULL ? SLICE_EMPTY : link_owner(tap->resolution.link);
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

/* What chose the destination, for those who ask later: BY[:RULE][+CONTAINER]. */
static struct slice rule_of(const struct destination *destination, char out[RULE_BYTES_MAX]) {
    if (LIKELY(destination->rule.size == 0 && destination->container.size == 0)) {
        return destination->by;
    }
    struct buf text = buf_over(out, RULE_BYTES_MAX);
    buf_append(&text, destination->by);
    if (destination->rule.size > 0) {
        buf_append_char(&text, ':');
        buf_append(&text, destination->rule);
    }
    if (destination->container.size > 0) {
        buf_append_char(&text, '+');
        buf_append(&text, destination->container);
    }
    return buf_slice(&text);
}

static void record(struct tap *tap, const struct decision *decision) {
    struct edge_worker *worker = tap->context->worker;
    const struct http_request *request = &tap->context->request;
    const struct destination_input *input = &decision->input;
    const struct sockaddr *address = decision->client.address;
    char source[SOURCE_DECODED_BYTES_MAX];
    char referrer[REFERRER_HOST_BYTES_MAX];
    char rule[RULE_BYTES_MAX];
    struct click click = {
        .at_ms = decision->at_ms,
        .id = decision->id,
        .version = CLICK_VERSION,
        .kind = decision->kind,
        .outcome = decision->destination.outcome,
        .platform = input->platform,
        .visitor =
            visitor_hash_of(&worker->salt, address, decision->seen->visitor_text, input->language),
        .network = visitor_network_hash(&worker->salt, address),
        .text = {[CLICK_CODE] = tap->code,
                 [CLICK_CAMPAIGN] = decision->campaign,
                 [CLICK_OWNER] = decision->owner,
                 [CLICK_COUNTRY] = input->country,
                 [CLICK_REGION] = input->region,
                 [CLICK_BROWSER] = decision->seen->agent.browser,
                 [CLICK_IN_APP] = input->in_app,
                 [CLICK_LANGUAGE] = input->language,
                 [CLICK_REFERRER] = slice_make(
                     referrer, http_referer_host(request->referer, referrer, sizeof(referrer))),
                 [CLICK_SOURCE] = source_of(request->query, source, sizeof(source)),
                 [CLICK_AGENT] = decision->seen->agent.rule,
                 [CLICK_RULE] = rule_of(&decision->destination, rule)},
    };
    /* A full journal counts and logs what it loses; the friend is not to wait. */
    uint64_t sequence = 0;
    uint8_t *payload = journal_reserve(worker->journal, CLICK_PAYLOAD_BYTES_MAX);
    if (payload != NULL) {
        sequence = journal_commit(worker->journal, click_encode(&click, payload));
    }
    tally_count(worker->tally, decision->at_ms, sequence);
}

/* --- reply ---------------------------------------------------------------------------------- */

/* The tap's query, as far as the campaign lets it pass. */
__attribute__((noinline)) static void
pass_query(const struct tap *tap, const struct decision *decision, size_t url_at, size_t *hole) {
    struct request_context *context = tap->context;
    const struct passthrough passthrough = {.campaign = decision->destination.campaign,
                                            .query = context->request.query,
                                            .url_at = url_at};
    size_t dropped = passthrough_append(&passthrough, context->out, hole);
    metric_add(context->worker->metrics, EDGE_PASSTHROUGH_DROPPED, dropped);
}

static bool passes_query(const struct tap *tap, const struct destination *destination) {
    return tap->context->request.query.size > 0 && destination->campaign != NULL &&
           destination->campaign->passthrough != PASSTHROUGH_NONE &&
           !destination_is_store(destination);
}

static void redirect(struct tap *tap, const struct decision *decision) {
    struct request_context *context = tap->context;
    struct edge_worker *worker = context->worker;
    struct slice template = decision->destination.template;
    struct template_values values = {
        .code = tap->code,
        .campaign = decision->campaign,
        .owner = decision->owner,
    };
    char token[TOKEN_SIZE];
    if (template_click_count(template) > 1) { /* one hole a tap is enough for all but these */
        token_make(worker->tokens, &decision->id, tap->code, token);
        values.click = slice_make(token, sizeof(token));
    }
    size_t hole = SIZE_MAX;
    bool is_written = http_redirect_begin(context->out, &worker->date);
    size_t url_at = context->out->size;
    is_written = is_written && template_render_open(template, &values, context->out, &hole);
    if (UNLIKELY(passes_query(tap, &decision->destination))) {
        pass_query(tap, decision, url_at, &hole);
    }
    is_written = is_written && http_redirect_end(context->out, context->keep_alive,
                                                 context->request.minor_version);
    ENSURE(is_written); /* out has room for a page, which is more */
    if (hole != SIZE_MAX) {
        struct token_job job = {
            .id = decision->id, .code = tap->code, .token = context->out->data + hole};
        signing_add(&worker->signing, worker->tokens, &job);
    }
}

static struct tap_page page_of(const struct tap *tap, const struct decision *decision) {
    return (struct tap_page){.context = tap->context,
                             .code = tap->code,
                             .owner = decision->owner,
                             .campaign_id = decision->campaign,
                             .link = tap->resolution.link,
                             .destination = &decision->destination,
                             .input = &decision->input,
                             .id = &decision->id,
                             .is_https = decision->client.is_https};
}

/* What is no redirect. A preview fetcher has no use for buttons and QR codes. */
__attribute__((noinline)) static void show_page(const struct tap *tap,
                                                const struct decision *decision) {
    const struct destination *destination = &decision->destination;
    bool is_error = destination->page != PAGE_NONE && destination->template.size == 0 &&
                    destination->outcome != TAP_OUTCOME_DESKTOP;
    if (decision->seen->agent.class == AGENT_PREVIEW && !is_error) {
        pages_preview(tap->context, tap->code, destination->campaign, decision->client.is_https);
        return;
    }
    const struct tap_page page = page_of(tap, decision);
    tap_page_show(&page);
}

static void reply(struct tap *tap, const struct decision *decision) {
    struct edge_worker *worker = tap->context->worker;
    const struct destination *destination = &decision->destination;
    if (UNLIKELY(destination->page != PAGE_NONE || decision->seen->agent.class == AGENT_PREVIEW)) {
        show_page(tap, decision);
    } else {
        redirect(tap, decision);
    }
    metric_add(worker->metrics, edge_tap_metric(decision->kind, destination->outcome), 1);
}

/* CODE+: nothing is recorded. */
static void inspect(const struct tap *tap, const struct decision *decision) {
    const struct tap_page page = page_of(tap, decision);
    tap_page_inspect(&page);
}
