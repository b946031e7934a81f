/*
 * flight.c - what is being fetched from Redis.
 *
 * See flight.h. Nothing here waits or sleeps: the timeout of a fetch is redis/client.h's, which
 * fails everything in flight when one is due, and every flight that fails answers from the cache
 * if it can.
 */
#include "flight.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/defs.h"
#include "base/hash.h"
#include "base/metrics.h"
#include "base/random.h"
#include "field.h"
#include "link/campaign.h"
#include "link/link.h"
#include "link_layout.h"
#include "link_metrics.h"
#include "redis/client.h"
#include "resolver_private.h"

struct flight {
    struct resolver *resolver;
    struct flight *next;        /* of its bucket */
    struct list_node all;       /* in flight_table */
    struct list_node waiters;   /* a link: resolver_waiter.node; a campaign: flight.dependent */
    struct list_node dependent; /* a link in its second leg, among its campaign's waiters */
    struct link *link;          /* fetched; waits for its campaign */
    struct cache_stamp stamp;   /* when the fetch was issued */
    uint32_t bucket;
    enum cache_kind kind;
    unsigned refetches;
    bool is_dirty;
    bool is_resumed; /* issued again after its connection was closed */
    size_t key_size;
    char key[CODE_BYTES_MAX];
};

static const char too_large[] = "its fields have more than a megabyte";

/* What an answer is worth. One that is too large is remembered like one that says nothing: to
 * fetch it again for every tap would keep those from Redis that ask for others. */
enum reply_kind { REPLY_HASH, REPLY_NOTHING, REPLY_WRONG_TYPE, REPLY_TOO_LARGE, REPLY_FAILED };

static bool issue(struct flight *flight, uint64_t now_ns);
static void on_reply(void *argument, const struct redis_reply *reply);
static bool join_campaign(struct flight *flight, uint64_t now_ns);
static void flight_destroy(struct flight **flight);

/* ---- the table ---- */

void flight_table_init(struct flight_table *table) {
    list_init(&table->all);
    random_bytes(&table->seed, sizeof(table->seed));
}

static struct slice key_of(const struct flight *flight) {
    return slice_make(flight->key, flight->key_size);
}

static uint32_t bucket_of(const struct resolver *resolver, enum cache_kind kind, struct slice key) {
    return (uint32_t)(hash_bytes(key, resolver->flights.seed + (uint64_t)kind) % FLIGHT_BUCKETS);
}

static struct flight *find_in(const struct resolver *resolver, uint32_t bucket,
                              enum cache_kind kind, struct slice key) {
    struct flight *flight = resolver->flights.bucket[bucket];
    while (flight != NULL && (flight->kind != kind || !slice_equal(key_of(flight), key))) {
        flight = flight->next;
    }
    return flight;
}

struct flight *flight_find(struct resolver *resolver, enum cache_kind kind, struct slice key) {
    return find_in(resolver, bucket_of(resolver, kind, key), kind, key);
}

/* NULL at the limit. */
static struct flight *flight_create(struct resolver *resolver, uint32_t bucket,
                                    enum cache_kind kind, struct slice key) {
    if (resolver->flights.count >= RESOLVER_FLIGHTS_MAX) {
        metric_add(resolver->metrics, LINK_FLIGHTS_LIMIT, 1);
        return NULL;
    }
    struct flight *flight = malloc(sizeof(*flight));
    ENSURE(flight != NULL && key.size > 0 && key.size <= sizeof(flight->key));
    flight->resolver = resolver;
    flight->next = resolver->flights.bucket[bucket];
    flight->dependent = (struct list_node){0};
    flight->link = NULL;
    flight->stamp = (struct cache_stamp){0};
    flight->bucket = bucket;
    flight->kind = kind;
    flight->refetches = 0;
    flight->is_dirty = false;
    flight->is_resumed = false;
    flight->key_size = key.size;
    memcpy(flight->key, key.data, key.size);
    list_init(&flight->waiters);
    resolver->flights.bucket[bucket] = flight;
    list_append(&resolver->flights.all, &flight->all);
    metric_put(resolver->metrics, LINK_FLIGHTS, ++resolver->flights.count);
    return flight;
}

/* Takes the flight off the table: whoever asks for its key from now on begins another. */
static void land(struct flight *flight) {
    struct resolver *resolver = flight->resolver;
    struct flight **link = &resolver->flights.bucket[flight->bucket];
    while (*link != flight) {
        link = &(*link)->next;
    }
    *link = flight->next;
    list_remove(&flight->all);
    metric_put(resolver->metrics, LINK_FLIGHTS, --resolver->flights.count);
}

static void flight_destroy(struct flight **flight) {
    ENSURE(list_is_empty(&(*flight)->waiters) && !list_is_linked(&(*flight)->dependent));
    link_destroy(&(*flight)->link);
    free(*flight);
    *flight = NULL;
}

/* ---- the beginning ---- */

struct flight *flight_join(struct resolver *resolver, struct slice code, const struct link *link,
                           uint64_t now_ns) {
    uint32_t bucket = bucket_of(resolver, CACHE_LINK, code);
    struct flight *flight = find_in(resolver, bucket, CACHE_LINK, code);
    if (flight != NULL) {
        return flight;
    }
    bool is_possible = !resolver->is_closing && redis_client_accepts(resolver->client);
    flight = is_possible ? flight_create(resolver, bucket, CACHE_LINK, code) : NULL;
    if (flight == NULL) {
        return NULL;
    }
    if (link != NULL) {
        flight->link = link_copy(link);
    }
    if (link != NULL ? join_campaign(flight, now_ns) : issue(flight, now_ns)) {
        return flight;
    }
    land(flight);
    flight_destroy(&flight);
    return NULL;
}

struct flight *flight_begin_campaign(struct resolver *resolver, struct slice id, uint64_t now_ns) {
    struct flight *flight =
        flight_create(resolver, bucket_of(resolver, CACHE_CAMPAIGN, id), CACHE_CAMPAIGN, id);
    if (flight != NULL && !issue(flight, now_ns)) {
        land(flight);
        flight_destroy(&flight);
    }
    return flight;
}

void flight_await(struct flight *flight, struct resolver_waiter *waiter) {
    ENSURE(flight->kind == CACHE_LINK);
    list_append(&flight->waiters, &waiter->node);
}

/* Second leg: waits for the campaign of the link at hand. False when it cannot be fetched. */
static bool join_campaign(struct flight *flight, uint64_t now_ns) {
    struct slice id = link_campaign(flight->link);
    struct flight *campaign = flight_find(flight->resolver, CACHE_CAMPAIGN, id);
    if (campaign == NULL) {
        campaign = flight_begin_campaign(flight->resolver, id, now_ns);
    }
    if (campaign == NULL) {
        return false;
    }
    list_append(&campaign->waiters, &flight->dependent);
    return true;
}

static bool issue(struct flight *flight, uint64_t now_ns) {
    struct resolver *resolver = flight->resolver;
    char bytes[REDIS_PREPARED_BYTES_MAX];
    struct slice command = slice_make(
        bytes, redis_prepared_encode(&resolver->fetch[flight->kind], key_of(flight), bytes));
    flight->stamp = (struct cache_stamp){.issued_ns = now_ns, .epoch = resolver->epoch};
    if (resolver->is_closing || !redis_client_command(resolver->client, command,
                                                      (struct redis_handler){on_reply, flight})) {
        metric_add(resolver->metrics, LINK_FETCHES_FAILED, 1);
        return false;
    }
    metric_add(resolver->metrics,
               flight->kind == CACHE_LINK ? LINK_FETCHES_LINK : LINK_FETCHES_CAMPAIGN, 1);
    return true;
}

/* ---- the end ---- */

/* Lands, calls the waiters, frees. The resolution must outlive the callbacks: they may look up
 * and begin flights, and neither frees what the cache holds. */
static void deliver(struct flight *flight, enum link_metric counter, enum resolve_result result,
                    struct resolution resolution) {
    land(flight);
    while (!list_is_empty(&flight->waiters)) {
        struct resolver_waiter *waiter =
            CONTAINER_OF(flight->waiters.next, struct resolver_waiter, node);
        list_remove(&waiter->node);
        metric_add(flight->resolver->metrics, counter, 1);
        flight->resolver->is_in_batch = true;
        waiter->on_resolved(waiter, result, resolution);
    }
    flight_destroy(&flight);
}

/* Link and campaign (NULL: it names none, or none that exists) as Redis has them. */
static void deliver_fetched(struct flight *flight, const struct campaign *campaign) {
    nonsense_report_scheme(&flight->resolver->nonsense, key_of(flight), flight->link, campaign);
    deliver(flight, LINK_LOOKUP_MISS, RESOLVE_DONE,
            (struct resolution){.link = flight->link, .campaign = campaign});
}

/* Redis did not answer for the link. */
static void fail_link(struct flight *flight, uint64_t now_ns) {
    struct resolution resolution = {0};
    enum resolve_result result =
        resolver_answer_stale(flight->resolver, key_of(flight), now_ns, &resolution);
    deliver(flight, result == RESOLVE_DONE ? LINK_LOOKUP_STALE : LINK_LOOKUP_UNREACHABLE, result,
            resolution);
}

/* Redis did not answer for the campaign of a link that is at hand. */
static void fail_campaign_of(struct flight *flight, uint64_t now_ns) {
    struct resolution resolution = {0};
    enum resolve_result result =
        resolver_answer_link(flight->resolver, flight->link, now_ns, &resolution);
    deliver(flight, result == RESOLVE_DONE ? LINK_LOOKUP_STALE : LINK_LOOKUP_UNREACHABLE, result,
            resolution);
}

/* Whether the key changed since it was asked for: then the answer at hand is dropped and the
 * link or campaign asked for again, or, when that cannot be, *is_refused says so. */
static bool must_refetch(struct flight *flight, uint64_t now_ns, bool *is_refused) {
    *is_refused = false;
    if (!flight->is_dirty) {
        return false;
    }
    if (flight->refetches == FLIGHT_REFETCHES_MAX) {
        flight->stamp = (struct cache_stamp){0};
        metric_add(flight->resolver->metrics, LINK_FETCHES_CHANGING, 1);
        return false;
    }
    flight->refetches++;
    flight->is_dirty = false;
    link_destroy(&flight->link);
    metric_add(flight->resolver->metrics, LINK_FETCHES_AGAIN, 1);
    *is_refused = !issue(flight, now_ns);
    return true;
}

static bool refetch_link(struct flight *flight, uint64_t now_ns) {
    bool is_refused;
    bool is_again = must_refetch(flight, now_ns, &is_refused);
    if (is_refused) {
        fail_link(flight, now_ns);
    }
    return is_again;
}

/* Counts a failure, and tells of a refusal and of its end. */
static enum reply_kind read_reply(struct flight *flight, const struct redis_reply *reply,
                                  struct slice *values, size_t count) {
    struct resolver *resolver = flight->resolver;
    if (redis_client_is_too_large(reply)) {
        resolver_reads_answered(resolver);
        return REPLY_TOO_LARGE;
    }
    if (slice_starts_with(redis_reply_text(reply), SLICE("WRONGTYPE"))) {
        resolver_reads_answered(resolver);
        return REPLY_WRONG_TYPE;
    }
    if (redis_reply_is_error(reply)) {
        metric_add(resolver->metrics, LINK_FETCHES_REFUSED, 1);
        resolver_reads_refused(resolver, flight->kind, key_of(flight), redis_reply_text(reply));
        return REPLY_FAILED;
    }
    if (redis_reply_count(reply) != count) {
        metric_add(resolver->metrics, LINK_FETCHES_FAILED, 1);
        return REPLY_FAILED;
    }
    resolver_reads_answered(resolver);
    return field_read_reply(reply, values, count) ? REPLY_HASH : REPLY_NOTHING;
}

static void on_link_reply(struct flight *flight, const struct redis_reply *reply, uint64_t now_ns) {
    struct resolver *resolver = flight->resolver;
    struct slice code = key_of(flight);
    struct slice values[LINK_FIELD_COUNT];
    enum reply_kind kind = read_reply(flight, reply, values, LINK_FIELD_COUNT);
    if (kind == REPLY_FAILED) {
        fail_link(flight, now_ns);
        return;
    }
    if (refetch_link(flight, now_ns)) {
        return;
    }
    if (kind == REPLY_WRONG_TYPE) {
        /* Not remembered: it is to heal at once, and one flight a time bounds what it costs. */
        nonsense_report(&resolver->nonsense, &(struct nonsense_case){NONSENSE_LINK_TYPE, code, "",
                                                                     "the key is not a hash"});
        deliver(flight, LINK_LOOKUP_MISS, RESOLVE_DONE, (struct resolution){0});
        return;
    }
    if (kind == REPLY_TOO_LARGE) {
        nonsense_report(&resolver->nonsense,
                        &(struct nonsense_case){NONSENSE_LINK_TOO_LARGE, code, "", too_large});
    }
    if (kind == REPLY_NOTHING || kind == REPLY_TOO_LARGE) {
        cache_put_link(resolver->cache, code, NULL, flight->stamp);
        deliver(flight, LINK_LOOKUP_MISS, RESOLVE_DONE, (struct resolution){0});
        return;
    }
    flight->link = link_create(values, resolver_hosts(resolver));
    nonsense_report_link(&resolver->nonsense, code, flight->link, values);
    cache_put_link(resolver->cache, code, flight->link, flight->stamp);

    struct slice id = link_campaign(flight->link);
    struct cache_hit hit = {0};
    if (id.size == 0 || (cache_find(resolver->cache, CACHE_CAMPAIGN, id, now_ns, &hit) &&
                         resolver_is_fresh(resolver, hit.stamp, now_ns))) {
        deliver_fetched(flight, hit.campaign);
    } else if (!join_campaign(flight, now_ns)) {
        fail_campaign_of(flight, now_ns);
    }
}

/* Lands a campaign's flight and goes on with the links that wait for it. */
static void land_campaign(struct flight *flight, const struct campaign *campaign, bool is_failed,
                          uint64_t now_ns) {
    land(flight);
    while (!list_is_empty(&flight->waiters)) {
        struct flight *link = CONTAINER_OF(flight->waiters.next, struct flight, dependent);
        list_remove(&link->dependent);
        if (is_failed) {
            fail_campaign_of(link, now_ns);
        } else if (!refetch_link(link, now_ns)) {
            deliver_fetched(link, campaign);
        }
    }
    flight_destroy(&flight);
}

static void report_missing(struct flight *flight) {
    if (list_is_empty(&flight->waiters)) {
        return; /* nobody's but the configuration's: resolver_default_arrived() speaks of it */
    }
    const struct flight *link = CONTAINER_OF(flight->waiters.next, struct flight, dependent);
    char text[CODE_BYTES_MAX + 64];
    struct buf sentence = buf_over(text, sizeof(text) - 1);
    buf_append(&sentence, SLICE("there is no such campaign; link "));
    buf_append(&sentence, key_of(link));
    buf_append(&sentence, SLICE(" names it"));
    text[sentence.size] = '\0';
    nonsense_report(&flight->resolver->nonsense,
                    &(struct nonsense_case){NONSENSE_CAMPAIGN_MISSING, key_of(flight), "", text});
}

static void on_campaign_reply(struct flight *flight, const struct redis_reply *reply,
                              uint64_t now_ns) {
    struct resolver *resolver = flight->resolver;
    struct slice id = key_of(flight);
    struct slice values[CAMPAIGN_FIELD_COUNT];
    enum reply_kind kind = read_reply(flight, reply, values, CAMPAIGN_FIELD_COUNT);
    bool is_refused = false;
    bool is_again = kind != REPLY_FAILED && must_refetch(flight, now_ns, &is_refused);
    if (kind == REPLY_FAILED || is_refused) {
        land_campaign(flight, NULL, true, now_ns);
        return;
    }
    if (is_again) {
        return;
    }
    struct campaign *campaign = NULL;
    if (kind == REPLY_HASH) {
        campaign = campaign_create(id, values, resolver_hosts(resolver));
        nonsense_report_campaign(&resolver->nonsense, campaign, values);
    } else if (kind == REPLY_WRONG_TYPE) {
        nonsense_report(&resolver->nonsense, &(struct nonsense_case){NONSENSE_CAMPAIGN_TYPE, id, "",
                                                                     "the key is not a hash"});
    } else if (kind == REPLY_TOO_LARGE) {
        nonsense_report(&resolver->nonsense,
                        &(struct nonsense_case){NONSENSE_CAMPAIGN_TOO_LARGE, id, "", too_large});
    } else {
        report_missing(flight);
    }
    resolver_default_arrived(resolver, id, campaign != NULL ? values : NULL, flight->stamp);
    if (kind != REPLY_WRONG_TYPE) {
        cache_put_campaign(resolver->cache, id, campaign, flight->stamp);
    }
    land_campaign(flight, campaign, false, now_ns);
}

static void on_reply(void *argument, const struct redis_reply *reply) {
    struct flight *flight = argument;
    uint64_t now_ns = redis_client_now_ns(flight->resolver->client);
    if (reply == NULL && !flight->is_resumed && redis_client_accepts(flight->resolver->client)) {
        /* The connection was closed under it and is returning. Reading twice does no harm. */
        flight->is_resumed = true;
        flight->is_dirty = false;
        metric_add(flight->resolver->metrics, LINK_FETCHES_RESUMED, 1);
        if (issue(flight, now_ns)) {
            return;
        }
    }
    if (flight->kind == CACHE_LINK) {
        on_link_reply(flight, reply, now_ns);
    } else {
        on_campaign_reply(flight, reply, now_ns);
    }
}

/* ---- from outside ---- */

void flight_invalidate(struct resolver *resolver, enum cache_kind kind, struct slice key) {
    struct flight *flight = flight_find(resolver, kind, key);
    if (flight != NULL) {
        flight->is_dirty = true;
    }
}

void flight_invalidate_all(struct resolver *resolver) {
    struct list_node *all = &resolver->flights.all;
    for (struct list_node *node = all->next; node != all; node = node->next) {
        CONTAINER_OF(node, struct flight, all)->is_dirty = true;
    }
}

void flight_abandon_all(struct resolver *resolver) {
    struct list_node *all = &resolver->flights.all;
    for (struct list_node *node = all->next; node != all; node = node->next) {
        struct flight *flight = CONTAINER_OF(node, struct flight, all);
        while (flight->kind == CACHE_LINK && !list_is_empty(&flight->waiters)) {
            struct resolver_waiter *waiter =
                CONTAINER_OF(flight->waiters.next, struct resolver_waiter, node);
            list_remove(&waiter->node);
            metric_add(resolver->metrics, LINK_LOOKUP_UNREACHABLE, 1);
            resolver->is_in_batch = true;
            waiter->on_resolved(waiter, RESOLVE_UNREACHABLE, (struct resolution){0});
        }
    }
}
