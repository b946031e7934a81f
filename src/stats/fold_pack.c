/*
 * fold_pack.c - see fold.h: a batch as apply.lua reads it.
 *
 * MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md), of which Redis' Lua has a
 * reader in C. An array of
 *
 *   1  cells of the day         2  the same cells of the hour
 *   3  visitors of the whole    4  pairs of the whole
 *   5  for each campaign: id, visitors, pairs
 *   6  for each campaign and kind of tap: "ID TAB KIND", how many
 *   7  for each link: key, and a string of: campaign's number, human taps, number of visitors,
 *      visitors, pairs
 *
 * Numbers within strings are two bytes, little-endian, and count from 1; a visitor is eight bytes,
 * big-endian; a pair is a cell's number and how many taps.
 */
#include <endian.h>

#include "base/hash.h"
#include "fold.h"
#include "fold_people.h"
#include "fold_private.h"
#include "stats/keys.h"

enum {
    LINK_REMEMBERED_VISITORS_MIN = 4, /* in a batch: fewer are not worth a set */
    NUMBER_BYTES = 2,
    PAIR_BYTES = 2 * NUMBER_BYTES,
    ID_BYTES_MAX = 256, /* of a campaign's id, with what stands beside it */
};

struct packer {
    struct fold *fold;
    struct slice key_prefix;
    struct fold_people *people;
    uint64_t now_ns;
    struct buf *out;
    uint32_t number[FOLD_TUPLES_MAX]; /* tuple ► its cell's number */
};

/* ---- MessagePack ---- */

static void put_head(struct buf *out, unsigned char type, uint32_t size) {
    uint32_t big = htobe32(size);
    buf_append_char(out, (char)type);
    buf_append_bytes(out, &big, sizeof(big));
}

static void put_array(struct buf *out, uint32_t count) {
    put_head(out, 0xDD, count);
}

static void put_string_head(struct buf *out, size_t size) {
    if (size < 256) {
        buf_append_char(out, (char)0xD9);
        buf_append_char(out, (char)size);
    } else {
        put_head(out, 0xDB, (uint32_t)size);
    }
}

static void put_string(struct buf *out, struct slice text) {
    put_string_head(out, text.size);
    buf_append(out, text);
}

static void put_number(struct buf *out, uint32_t number) {
    put_head(out, 0xCE, number);
}

/* ---- what stands within strings ---- */

static void put_u16(struct buf *out, uint32_t number) {
    uint16_t little = htole16((uint16_t)number);
    buf_append_bytes(out, &little, sizeof(little));
}

static void put_visitor(struct buf *out, uint64_t visitor) {
    uint64_t big = htobe64(visitor);
    buf_append_bytes(out, &big, sizeof(big));
}

static void put_pairs(struct packer *packer, const struct fold_pairs *pairs) {
    const struct fold *fold = packer->fold;
    for (uint32_t i = pairs->first; i != FOLD_NONE; i = fold->pairs[i].next) {
        put_u16(packer->out, packer->number[fold->pairs[i].tuple]);
        put_u16(packer->out, fold->pairs[i].count);
    }
}

/* Writes back how long a string became whose head was written before. */
static void end_string(struct buf *out, size_t begins) {
    if (!out->overflowed) {
        uint32_t big = htobe32((uint32_t)(out->size - begins));
        memcpy(out->data + begins - sizeof(big), &big, sizeof(big));
    }
}

static size_t begin_string(struct buf *out) {
    put_head(out, 0xDB, 0);
    return out->size;
}

/* ---- people ---- */

static struct fold_people_set *people_of(const struct packer *packer, struct stats_scope scope,
                                         bool may_make) {
    if (packer->people == NULL) {
        return NULL;
    }
    uint64_t name = hash_bytes(scope.id, packer->fold->seed + scope.kind +
                                             ((uint64_t)packer->fold->summary.day << 8));
    return fold_people_find(packer->people, name, may_make, packer->now_ns);
}

/* The visitors of the whole (campaign NULL) or of a campaign. */
static void put_people(struct packer *packer, const struct fold_campaign *campaign) {
    const struct fold *fold = packer->fold;
    struct stats_scope scope = {.kind = STATS_ALL};
    uint32_t i = 0;
    uint32_t end = fold->visit_count;
    if (campaign != NULL) {
        scope = (struct stats_scope){.kind = STATS_CAMPAIGN, .id = campaign->id};
        i = campaign->visits.first;
        end = FOLD_NONE;
    }
    struct fold_people_set *set = people_of(packer, scope, true);
    size_t begins = begin_string(packer->out);
    while (i != end) {
        const struct fold_visit *visit = &fold->visits[i];
        if (set == NULL || fold_people_note(set, visit->visitor)) {
            put_visitor(packer->out, visit->visitor);
        }
        i = campaign != NULL ? visit->next_of_campaign : i + 1;
    }
    end_string(packer->out, begins);
}

/* A link's visitors are listed up to STATS_PEOPLE_MAX; only when there were surely more of them may
 * anybody be left out. */
static void put_people_of_link(struct packer *packer, const struct fold_link *link) {
    const struct fold *fold = packer->fold;
    struct fold_people_set *set =
        people_of(packer, (struct stats_scope){.kind = STATS_LINK, .id = link->code},
                  link->visits.count >= LINK_REMEMBERED_VISITORS_MIN);
    size_t count_at = packer->out->size;
    uint32_t count = 0;
    put_u16(packer->out, 0);
    for (uint32_t i = link->visits.first; i != FOLD_NONE; i = fold->visits[i].next_of_link) {
        uint64_t visitor = fold->visits[i].visitor;
        bool is_counted = set != NULL && fold_people_count(set) > STATS_PEOPLE_MAX;
        bool is_news = set == NULL || fold_people_note(set, visitor);
        if (is_news || !is_counted) {
            put_visitor(packer->out, visitor);
            count++;
        }
    }
    if (!packer->out->overflowed) {
        uint16_t little = htole16((uint16_t)count);
        memcpy(packer->out->data + count_at, &little, sizeof(little));
    }
}

/* ---- the parts ---- */

static void put_cells(struct packer *packer, char hour) {
    const struct fold *fold = packer->fold;
    uint32_t count = 0;
    for (uint32_t i = 0; i < fold->tuple_count; i++) {
        count += fold->tuples[i].count > 0 ? 1 : 0;
    }
    put_array(packer->out, count);
    count = 0;
    for (uint32_t i = 0; i < fold->tuple_count; i++) {
        const struct fold_tuple *tuple = &fold->tuples[i];
        if (tuple->count > 0) {
            packer->number[i] = ++count;
            put_string_head(packer->out, tuple->cell.size);
            buf_append_char(packer->out, hour);
            buf_append(packer->out, slice_from(tuple->cell, 1));
        }
    }
}

static void put_whole(struct packer *packer) {
    const struct fold *fold = packer->fold;
    put_people(packer, NULL);
    size_t begins = begin_string(packer->out);
    for (uint32_t i = 0; i < fold->tuple_count; i++) {
        if (fold->tuples[i].count > 0) {
            put_u16(packer->out, packer->number[i]);
            put_u16(packer->out, fold->tuples[i].count);
        }
    }
    end_string(packer->out, begins);
}

static void put_campaigns(struct packer *packer) {
    const struct fold *fold = packer->fold;
    put_array(packer->out, 3 * fold->campaign_count);
    for (uint32_t i = 0; i < fold->campaign_count; i++) {
        const struct fold_campaign *campaign = &fold->campaigns[i];
        put_string(packer->out, campaign->id);
        put_people(packer, campaign);
        size_t begins = begin_string(packer->out);
        put_pairs(packer, &campaign->pairs);
        end_string(packer->out, begins);
    }
}

static void put_index(struct packer *packer) {
    const struct fold *fold = packer->fold;
    uint32_t count = 0;
    for (uint32_t i = 0; i < fold->campaign_count * TAP_KIND_COUNT; i++) {
        count += fold->campaigns[i / TAP_KIND_COUNT].kinds[i % TAP_KIND_COUNT] > 0 ? 1 : 0;
    }
    put_array(packer->out, 2 * count);
    for (uint32_t i = 0; i < fold->campaign_count * TAP_KIND_COUNT; i++) {
        const struct fold_campaign *campaign = &fold->campaigns[i / TAP_KIND_COUNT];
        uint32_t taps = campaign->kinds[i % TAP_KIND_COUNT];
        if (taps > 0) {
            put_string_head(packer->out, campaign->id.size + 2);
            buf_append(packer->out, campaign->id);
            buf_append_char(packer->out, '\t');
            buf_append_char(packer->out, (char)('0' + i % TAP_KIND_COUNT));
            put_number(packer->out, taps);
        }
    }
}

static void put_links(struct packer *packer) {
    const struct fold *fold = packer->fold;
    put_array(packer->out, 2 * fold->link_count);
    for (uint32_t i = 0; i < fold->link_count; i++) {
        const struct fold_link *link = &fold->links[i];
        size_t begins = begin_string(packer->out);
        stats_key_cells(packer->out, packer->key_prefix,
                        (struct stats_scope){.kind = STATS_LINK, .id = link->code},
                        fold->summary.day, true);
        end_string(packer->out, begins);
        begins = begin_string(packer->out);
        put_u16(packer->out, link->campaign + 1);
        put_u16(packer->out, link->visits.count);
        put_people_of_link(packer, link);
        put_pairs(packer, &link->pairs);
        end_string(packer->out, begins);
    }
}

bool fold_pack(struct fold *fold, struct slice key_prefix, struct fold_people *people,
               struct buf *out) {
    struct packer packer = {.fold = fold,
                            .key_prefix = key_prefix,
                            .people = people,
                            .now_ns = clock_monotonic_ns(),
                            .out = out};
    put_array(out, 7);
    put_cells(&packer, '-');
    put_cells(&packer, (char)('a' + fold->summary.hour));
    put_whole(&packer);
    put_campaigns(&packer);
    put_index(&packer);
    put_links(&packer);
    return !out->overflowed;
}
