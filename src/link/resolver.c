/*
 * link/resolver.c - the look-up itself, and what Redis tells unasked.
 *
 * resolver_find() on a hit is two look-ups in the cache and nothing else: the link, then
 * the campaign it names. Everything that is not a fresh hit goes to find_slowly().
 *
 * Freshness is a matter of epochs. Each time tracking begins, a new epoch does; what is fetched
 * is stamped with the epoch in which its fetch was issued, so whatever was asked for before
 * Redis promised to report changes is of an older epoch, and stale. While tracking is off the
 * epoch is 0, which is nobody's, and the age decides.
 *
 * The default campaign has a copy of its own here. It is kept when Redis no longer knows it: a
 * Redis that was restarted empty must not turn every tap into an error page.
 *
 * A Redis that is frozen does not close anything: that tracking falls silent is the first that is
 * noticed of it when every tap is a hit. Then all entries are suspect at once, and if each tap
 * asked, all would wait for timeout_ms, until the first of them is not answered. So a PING asks
 * instead, and until it is answered or lost the entries are used as they are.
 *
 * A Redis that answers and refuses to read (its ACL, a cluster that is down) is as good as none,
 * and /readyz says so. As that may keep taps away, it takes none to notice that it is over: the
 * key that was refused is asked for again every second.
 */
#include "link/resolver.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/defs.h"
#include "base/metrics.h"
#include "link/campaign.h"
#include "link/link.h"
#include "link/record.h"
#include "link_metrics.h"
#include "redis/client.h"
#include "redis/tracking.h"
#include "resolver_private.h"

enum {
    DEFAULT_RETRY_NS = 1000000000, /* between attempts to fetch a stale default campaign */
    WARNING_INTERVAL_MS = 60000,
};

/* What a caller of resolver_find() gives beside the code. */
struct lookup {
    uint64_t now_ns;
    struct resolution *resolution;
    struct resolver_waiter *waiter;
};

static void on_client_state(void *argument, bool is_up);
static void on_client_pulse(void *argument);
static void end_batch(void *argument);
static void begin_doubt(struct resolver *resolver);
static void on_tracking_state(void *argument, bool is_tracking);
static void on_key(void *argument, struct slice key);
static void on_flush(void *argument);
static void set_default(struct resolver *resolver, struct slice id);
static void refresh_default(struct resolver *resolver, uint64_t now_ns);

/* ---- life ---- */

static void set_key_prefix(struct resolver *resolver, enum cache_kind kind, struct slice prefix,
                           struct slice suffix) {
    struct buf text = buf_over(resolver->key_prefix_text[kind], KEY_PREFIX_BYTES_MAX);
    bool fits = buf_append(&text, prefix) && buf_append(&text, suffix);
    ENSURE(fits);
    resolver->key_prefix[kind] = buf_slice(&text);

    const struct record_shape *shape =
        record_shape(kind == CACHE_LINK ? RECORD_LINK : RECORD_CAMPAIGN);
    struct slice fields[RECORD_FIELDS_MAX];
    for (size_t i = 0; i < shape->count; i++) {
        fields[i] = slice_of(shape->names[i]);
    }
    redis_prepare(&resolver->fetch[kind], SLICE("HMGET"), resolver->key_prefix[kind], fields,
                  shape->count);
}

static void set_hosts(struct resolver *resolver, struct slice hosts) {
    ENSURE(hosts_check(hosts, NULL));
    char *end = slice_put(resolver->hosts_text, hosts);
    resolver->nonsense.hosts =
        slice_make(resolver->hosts_text, (size_t)(end - resolver->hosts_text));
}

struct resolver *resolver_create(const struct resolver_options *options) {
    struct resolver *resolver = calloc(1, sizeof(*resolver));
    ENSURE(resolver != NULL);
    resolver->log = options->log;
    resolver->on_batch_end = options->on_batch_end;
    resolver->batch_argument = options->batch_argument;
    resolver->metrics = link_metrics_create(options->metrics);
    resolver->nonsense = (struct nonsense){.log = options->log, .metrics = resolver->metrics};
    set_hosts(resolver, options->allowed_hosts);
    flight_table_init(&resolver->flights);
    set_key_prefix(resolver, CACHE_LINK, options->key_prefix, SLICE("link:"));
    set_key_prefix(resolver, CACHE_CAMPAIGN, options->key_prefix, SLICE("campaign:"));
    resolver->cache = cache_create(&(struct cache_options){
        .bytes_max = options->cache_bytes,
        .negative_ns = (uint64_t)RESOLVER_NEGATIVE_MS * 1000000,
        .metrics = resolver->metrics,
    });
    resolver->client = redis_client_create(&(struct redis_client_options){
        .base = options->base,
        .url = options->url,
        .timeout_ms = options->timeout_ms,
        .in_flight_max = RESOLVER_FLIGHTS_MAX,
        .log = options->log,
        .metrics = options->metrics,
        .on_state = on_client_state,
        .on_replies_end = end_batch,
        .on_pulse = on_client_pulse,
        .argument = resolver,
    });
    resolver->tracking = redis_tracking_create(&(struct redis_tracking_options){
        .base = options->base,
        .url = options->url,
        .prefixes = resolver->key_prefix,
        .prefix_count = CACHE_KIND_COUNT,
        .log = options->log,
        .metrics = options->metrics,
        .on_state = on_tracking_state,
        .on_key = on_key,
        .on_flush = on_flush,
        .argument = resolver,
    });
    set_default(resolver, options->default_campaign);
    return resolver;
}

void resolver_destroy(struct resolver **resolver) {
    struct resolver *it = *resolver;
    it->is_closing = true;
    flight_abandon_all(it);
    end_batch(it);
    redis_tracking_destroy(&it->tracking);
    redis_client_destroy(&it->client); /* fails every fetch: the flights end */
    ENSURE(it->flights.count == 0);
    cache_destroy(&it->cache);
    campaign_destroy(&it->fallback.campaign);
    metric_set_destroy(&it->metrics);
    free(it);
    *resolver = NULL;
}

void resolver_configure(struct resolver *resolver, uint32_t timeout_ms,
                        struct slice default_campaign) {
    redis_client_set_timeout(resolver->client, timeout_ms);
    struct slice present = slice_make(resolver->fallback.id, resolver->fallback.id_size);
    if (!slice_equal(present, default_campaign)) {
        set_default(resolver, default_campaign);
    }
}

void resolver_set_hosts(struct resolver *resolver, struct slice hosts) {
    if (!slice_equal(resolver_hosts(resolver), hosts)) {
        set_hosts(resolver, hosts);
        on_flush(resolver);
    }
}

bool resolver_is_connected(const struct resolver *resolver) {
    return atomic_load_explicit(&resolver->is_connected, memory_order_relaxed) &&
           !atomic_load_explicit(&resolver->is_refused, memory_order_relaxed);
}

bool resolver_is_tracking(const struct resolver *resolver) {
    return atomic_load_explicit(&resolver->is_tracking, memory_order_relaxed);
}

/* ---- the look-up ---- */

/* link: fresh in the cache, but what it needs of its campaign is not; NULL: not fresh itself. */
static enum resolve_result find_slowly(struct resolver *resolver, struct slice code,
                                       const struct link *link, const struct lookup *lookup) {
    enum resolve_result result = RESOLVE_UNREACHABLE;
    if (resolver->doubts > 0) {
        result = resolver_answer_stale(resolver, code, lookup->now_ns, lookup->resolution);
    }
    if (result == RESOLVE_UNREACHABLE) {
        struct flight *flight = flight_join(resolver, code, link, lookup->now_ns);
        if (flight != NULL) {
            flight_await(flight, lookup->waiter);
            return RESOLVE_PENDING;
        }
        result = resolver_answer_stale(resolver, code, lookup->now_ns, lookup->resolution);
    }
    metric_add(resolver->metrics,
               result == RESOLVE_DONE ? LINK_LOOKUP_STALE : LINK_LOOKUP_UNREACHABLE, 1);
    return result;
}

enum resolve_result resolver_find(struct resolver *resolver, struct slice code, uint64_t now_ns,
                                  struct resolution *resolution, struct resolver_waiter *waiter) {
    const struct lookup lookup = {now_ns, resolution, waiter};
    struct cache_hit link;
    struct cache_hit campaign = {0};
    *resolution = (struct resolution){0};
    if (!cache_find(resolver->cache, CACHE_LINK, code, now_ns, &link) ||
        !resolver_is_fresh(resolver, link.stamp, now_ns)) {
        return find_slowly(resolver, code, NULL, &lookup);
    }
    if (link.link == NULL) {
        metric_add(resolver->metrics, LINK_LOOKUP_NEGATIVE, 1);
        return RESOLVE_DONE;
    }
    struct slice id = link_campaign(link.link);
    if (id.size > 0 && (!cache_find(resolver->cache, CACHE_CAMPAIGN, id, now_ns, &campaign) ||
                        !resolver_is_fresh(resolver, campaign.stamp, now_ns))) {
        return find_slowly(resolver, code, link.link, &lookup);
    }
    resolution->link = link.link;
    resolution->campaign = campaign.campaign;
    metric_add(resolver->metrics, LINK_LOOKUP_HIT, 1);
    return RESOLVE_DONE;
}

void resolver_flush(struct resolver *resolver) {
    redis_client_flush(resolver->client);
}

void resolver_cancel(struct resolver_waiter *waiter) {
    list_remove(&waiter->node);
}

enum resolve_result resolver_answer_stale(struct resolver *resolver, struct slice code,
                                          uint64_t now_ns, struct resolution *resolution) {
    struct cache_hit hit;
    *resolution = (struct resolution){0};
    if (!cache_find(resolver->cache, CACHE_LINK, code, now_ns, &hit)) {
        return RESOLVE_UNREACHABLE;
    }
    return hit.link == NULL ? RESOLVE_DONE
                            : resolver_answer_link(resolver, hit.link, now_ns, resolution);
}

enum resolve_result resolver_answer_link(struct resolver *resolver, const struct link *link,
                                         uint64_t now_ns, struct resolution *resolution) {
    struct slice id = link_campaign(link);
    struct cache_hit hit = {0};
    bool is_known = id.size == 0 || cache_find(resolver->cache, CACHE_CAMPAIGN, id, now_ns, &hit);
    if (!is_known && link_template(link).size == 0) {
        *resolution = (struct resolution){0};
        return RESOLVE_UNREACHABLE;
    }
    *resolution = (struct resolution){.link = link, .campaign = hit.campaign};
    return RESOLVE_DONE;
}

/* ---- what Redis tells ---- */

static void on_client_state(void *argument, bool is_up) {
    struct resolver *resolver = argument;
    atomic_store_explicit(&resolver->is_connected, is_up, memory_order_relaxed);
    if (is_up) {
        refresh_default(resolver, clock_monotonic_ns());
    }
}

/* Waiters were called, and for now no more will be. */
static void end_batch(void *argument) {
    struct resolver *resolver = argument;
    if (resolver->is_in_batch) {
        resolver->is_in_batch = false;
        if (resolver->on_batch_end != NULL) {
            resolver->on_batch_end(resolver->batch_argument);
        }
    }
}

static void begin_epoch(struct resolver *resolver) {
    resolver->last_epoch = resolver->last_epoch == UINT32_MAX ? 1 : resolver->last_epoch + 1;
    resolver->epoch = resolver->last_epoch;
}

static void on_tracking_state(void *argument, bool is_tracking) {
    struct resolver *resolver = argument;
    atomic_store_explicit(&resolver->is_tracking, is_tracking, memory_order_relaxed);
    resolver->epoch = 0;
    if (is_tracking) {
        begin_epoch(resolver);
        refresh_default(resolver, clock_monotonic_ns());
    } else if (redis_tracking_fell_silent(resolver->tracking)) {
        begin_doubt(resolver);
    }
}

static void on_proof(void *argument, const struct redis_reply *reply) {
    struct resolver *resolver = argument;
    (void)reply; /* none: the connection is lost, and what is not asked for needs no doubt */
    resolver->doubts--;
}

static void begin_doubt(struct resolver *resolver) {
    resolver->doubts += redis_client_command(resolver->client, SLICE("*1\r\n$4\r\nPING\r\n"),
                                             (struct redis_handler){on_proof, resolver});
}

static void on_key(void *argument, struct slice key) {
    struct resolver *resolver = argument;
    for (size_t i = 0; i < CACHE_KIND_COUNT; i++) {
        enum cache_kind kind = (enum cache_kind)i;
        struct slice name = slice_from(key, resolver->key_prefix[kind].size);
        if (!slice_starts_with(key, resolver->key_prefix[kind]) || !code_is_valid(name)) {
            continue;
        }
        cache_invalidate(resolver->cache, kind, name);
        flight_invalidate(resolver, kind, name);
        struct slice id = slice_make(resolver->fallback.id, resolver->fallback.id_size);
        if (kind == CACHE_CAMPAIGN && slice_equal(name, id)) {
            resolver->fallback.stamp = (struct cache_stamp){0};
            refresh_default(resolver, clock_monotonic_ns());
        }
    }
}

/* All that was fetched is out of date. */
static void on_flush(void *argument) {
    struct resolver *resolver = argument;
    if (resolver->epoch != 0) {
        begin_epoch(resolver);
    }
    flight_invalidate_all(resolver);
    refresh_default(resolver, clock_monotonic_ns());
}

void resolver_reads_refused(struct resolver *resolver, enum cache_kind kind, struct slice key,
                            struct slice error) {
    struct refusal *refusal = &resolver->refusal;
    uint64_t held_back = 0;
    if (log_allowed(&refusal->limit, clock_monotonic_ns(), WARNING_INTERVAL_MS, &held_back)) {
        log_event(resolver->log, LOG_WARN, "redis_refuses_reads", "error=%.*s held_back=%llu",
                  SLICE_ARG(error), (unsigned long long)held_back);
    }
    refusal->kind = kind;
    refusal->key_size = key.size;
    memcpy(refusal->key, key.data, key.size);
    atomic_store_explicit(&resolver->is_refused, true, memory_order_relaxed);
}

void resolver_reads_answered(struct resolver *resolver) {
    atomic_store_explicit(&resolver->is_refused, false, memory_order_relaxed);
}

static void on_client_pulse(void *argument) {
    struct resolver *resolver = argument;
    const struct refusal *refusal = &resolver->refusal;
    struct slice key = slice_make(refusal->key, refusal->key_size);
    if (!atomic_load_explicit(&resolver->is_refused, memory_order_relaxed) ||
        flight_find(resolver, refusal->kind, key) != NULL) {
        return;
    }
    uint64_t now_ns = clock_monotonic_ns();
    if (refusal->kind == CACHE_LINK) {
        (void)flight_join(resolver, key, NULL, now_ns);
    } else {
        (void)flight_begin_campaign(resolver, key, now_ns);
    }
}

/* ---- the default campaign ---- */

static void set_default(struct resolver *resolver, struct slice id) {
    struct default_campaign *fallback = &resolver->fallback;
    if (id.size > 0 && !code_is_valid(id)) {
        log_event(resolver->log, LOG_ERROR, "default_campaign_invalid", "campaign=%.*s reason=%s",
                  SLICE_ARG(id), "allowed are 1 to 64 of A-Z a-z 0-9 - _");
        id = SLICE_EMPTY;
    }
    fallback->id_size = id.size;
    if (id.size == 0) {
        campaign_destroy(&fallback->campaign);
        return;
    }
    memcpy(fallback->id, id.data, id.size);
    fallback->stamp = (struct cache_stamp){0};
    refresh_default(resolver, clock_monotonic_ns());
}

/* Asks for it unless it is being asked for; when Redis is away, on_client_state() will. */
static void refresh_default(struct resolver *resolver, uint64_t now_ns) {
    struct slice id = slice_make(resolver->fallback.id, resolver->fallback.id_size);
    if (id.size == 0 || resolver->is_closing || !redis_client_accepts(resolver->client)) {
        return;
    }
    resolver->fallback.asked_ns = now_ns;
    if (flight_find(resolver, CACHE_CAMPAIGN, id) == NULL) {
        (void)flight_begin_campaign(resolver, id, now_ns);
    }
}

void resolver_default_arrived(struct resolver *resolver, struct slice id,
                              const struct slice *values, struct cache_stamp stamp) {
    struct default_campaign *fallback = &resolver->fallback;
    if (!slice_equal(id, slice_make(fallback->id, fallback->id_size))) {
        return;
    }
    fallback->stamp = stamp;
    uint64_t held_back = 0;
    if (values != NULL) {
        campaign_destroy(&fallback->campaign);
        fallback->campaign = campaign_create(id, values, resolver_hosts(resolver));
    } else if (log_allowed(&fallback->missing, clock_monotonic_ns(), WARNING_INTERVAL_MS,
                           &held_back)) {
        log_event(resolver->log, LOG_WARN, "default_campaign_missing",
                  "campaign=%.*s kept=%s held_back=%llu", SLICE_ARG(id),
                  fallback->campaign != NULL ? "last" : "none", (unsigned long long)held_back);
    }
}

__attribute__((cold, noinline)) static void retry_default(struct resolver *resolver) {
    uint64_t now_ns = clock_monotonic_ns();
    if (now_ns - resolver->fallback.asked_ns >= DEFAULT_RETRY_NS) {
        refresh_default(resolver, now_ns);
    }
}

/* Inline for the linker: every tap asks. */
inline const struct campaign *resolver_default_campaign(struct resolver *resolver) {
    const struct default_campaign *fallback = &resolver->fallback;
    bool is_current = resolver->epoch != 0 && fallback->stamp.epoch == resolver->epoch;
    if (UNLIKELY(!is_current && fallback->id_size > 0)) {
        retry_default(resolver);
    }
    return fallback->campaign;
}

void resolver_seed_default(struct resolver *resolver, struct campaign *campaign) {
    struct default_campaign *fallback = &resolver->fallback;
    bool is_wanted = fallback->campaign == NULL &&
                     slice_equal(campaign->id, slice_make(fallback->id, fallback->id_size));
    if (is_wanted) {
        fallback->campaign = campaign;
    } else {
        campaign_destroy(&campaign);
    }
}
