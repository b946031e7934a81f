/*
 * parts_link.c - finding a link among many, and rendering where it leads.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/defs.h"
#include "base/metrics.h"
#include "link/cache.h"
#include "link/link.h"
#include "link/template.h"
#include "link_metrics.h"
#include "parts.h"

enum {
    CODE_BYTES = 16,
    LINKS_FEW = 1000,
    LINKS_MANY = 1000 * 1000,
    ORDER = 1 << 20, /* of look-ups, drawn beforehand */
};

#define NOW_NS      UINT64_C(1000000000000)
#define CACHE_BYTES (UINT64_C(1024) * 1024 * 1024)

static const struct cache_stamp stamp = {.issued_ns = NOW_NS, .epoch = 7};

/* --- the cache --------------------------------------------------------------------------- */

struct find_part {
    struct cache *cache;
    struct metric_set *metrics;
    char code[ORDER][CODE_BYTES]; /* of the links that are looked for, in that order */
    struct slice slice[ORDER];
    uint64_t next;
};

static struct slice code_of(uint64_t link, char code[CODE_BYTES]) {
    uint64_t state = link;
    uint64_t number = parts_random(&state);
    for (size_t i = 0; i < 7; i++, number /= 31) {
        code[i] = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"[number % 31];
    }
    return slice_make(code, 7);
}

static void *begin_find(uint64_t links) {
    struct find_part *it = parts_allocate(sizeof(*it));
    it->metrics = link_metrics_create(NULL);
    it->cache = cache_create(&(struct cache_options){
        .bytes_max = CACHE_BYTES, .negative_ns = 1, .metrics = it->metrics});
    for (uint64_t i = 0; i < links; i++) {
        char code[CODE_BYTES];
        char owner[CODE_BYTES];
        int size = snprintf(owner, sizeof(owner), "user-%u", (unsigned)i);
        struct slice values[LINK_FIELD_COUNT] = {[LINK_FIELD_CAMPAIGN] = SLICE("spring26"),
                                                 [LINK_FIELD_OWNER] =
                                                     slice_make(owner, (size_t)size)};
        struct link *link = link_create(values, SLICE_EMPTY);
        cache_put_link(it->cache, code_of(i, code), link, stamp);
        link_destroy(&link);
    }
    uint64_t state = links;
    for (unsigned i = 0; i < ORDER; i++) {
        it->slice[i] = code_of(parts_random(&state) % links, it->code[i]);
    }
    return it;
}

static void *begin_few(const struct parts_options *options) {
    (void)options;
    return begin_find(LINKS_FEW);
}

static void *begin_many(const struct parts_options *options) {
    (void)options;
    return begin_find(LINKS_MANY);
}

static void run_find(void *state, uint64_t count) {
    struct find_part *it = state;
    struct cache_hit hit;
    for (uint64_t i = 0; i < count; i++) {
        ENSURE(cache_find(it->cache, CACHE_LINK, it->slice[it->next++ % ORDER], NOW_NS, &hit));
        parts_use(link_campaign(hit.link).size);
    }
}

static void end_find(void *state) {
    struct find_part *it = state;
    cache_destroy(&it->cache);
    metric_set_destroy(&it->metrics);
    free(it);
}

/* --- templates --------------------------------------------------------------------------- */

struct template_part {
    struct slice compiled;
    char bytes[TEMPLATE_COMPILED_BYTES_MAX];
    char out[LOCATION_BYTES_MAX];
};

static void *begin_template(const struct parts_options *options) {
    struct template_part *it = parts_allocate(sizeof(*it));
    (void)options;
    struct slice text = SLICE("https://play.google.com/store/apps/details?id=mx.example.app"
                              "&referrer={referrer}");
    ENSURE(template_check(text, SLICE_EMPTY, NULL));
    it->compiled = slice_make(it->bytes, template_compile(text, SLICE("spring26"), it->bytes));
    return it;
}

/* With a hole where the token goes, as a tap does it. */
static void run_template(void *state, uint64_t count) {
    struct template_part *it = state;
    const struct template_values values = {
        .code = SLICE("AB12CD"), .campaign = SLICE("spring26"), .owner = SLICE("ana")};
    for (uint64_t i = 0; i < count; i++) {
        struct buf out = buf_over(it->out, sizeof(it->out));
        size_t click_at = 0;
        ENSURE(template_render_open(it->compiled, &values, &out, &click_at));
        parts_use(out.size + click_at);
    }
}

const struct part parts_of_link[] = {
    {"find-1000", "a link in a cache of 1,000, at random", 0, begin_few, run_find, NULL, end_find},
    {"find-1000000", "in one of a million", 0, begin_many, run_find, NULL, end_find},
    {"template", "render a Play Store URL, its token left open", 0, begin_template, run_template,
     NULL, free},
    {0},
};
