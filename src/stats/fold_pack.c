/*
 * fold_pack.c - see fold.h: a part of a batch as apply.lua reads it.
 *
 * MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md), of which Redis' Lua has a
 * reader in C. An array of
 *
 *   1  cells of the hour
 *   2  the whole: visitors, pairs (empty in all parts but the first)
 *   3  for each campaign of the batch: its id
 *   4  for each campaign of this part: its number, visitors, pairs
 *   5  for each link of this part: key, and a string of: campaign's number (2), human taps (3),
 *      number of visitors (3), visitors, pairs
 *   6  for each campaign and kind of tap: "ID TAB KIND", how many (in the last part)
 *
 * Numbers within strings are of so many bytes, little-endian, and count from 1; a visitor is eight
 * bytes, big-endian; a pair is a cell's number (2) and how many taps (3).
 */
#include <endian.h>

#include "base/hash.h"
#include "fold.h"
#include "fold_people.h"
#include "fold_private.h"
#include "stats/keys.h"

enum {
    LINK_REMEMBERED_VISITORS_MIN = 4, /* in a batch: fewer are not worth a set */
};

struct packer {
    struct fold *fold;
    const struct fold_part *part;
    uint64_t now_ns;
    struct buf *out;
};

/* ---- MessagePack ---- */

static void put_head(struct buf *out, unsigned char type, uint32_t size) {
    uint32_t big = htobe32(size);
    buf_append_char(out, (char)type);
    buf_append_bytes(out, &big, sizeof(big));
}

/* An array or string whose size is told when it has ended. */
static size_t begin(struct buf *out, unsigned char type) {
    put_head(out, type, 0);
    return out->size;
}

static void end(struct buf *out, size_t begins, size_t size) {
    if (!out->overflowed) {
        uint32_t big = htobe32((uint32_t)size);
        memcpy(out->data + begins - sizeof(big), &big, sizeof(big));
    }
}

static size_t begin_array(struct buf *out) {
    return begin(out, 0xDD);
}

static size_t begin_string(struct buf *out) {
    return begin(out, 0xDB);
}

static void end_string(struct buf *out, size_t begins) {
    end(out, begins, out->size - begins);
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

static void put_little(struct buf *out, uint32_t number, size_t size) {
    uint32_t little = htole32(number);
    buf_append_bytes(out, &little, size);
}

static void put_visitor(struct buf *out, uint64_t visitor) {
    uint64_t big = htobe64(visitor);
    buf_append_bytes(out, &big, sizeof(big));
}

static void put_pair(struct packer *packer, uint32_t tuple, uint32_t count) {
    struct fold *fold = packer->fold;
    if (fold->number[tuple] == 0) {
        fold->numbered[fold->numbered_count++] = tuple;
        fold->number[tuple] = fold->numbered_count;
    }
    put_little(&fold->bodies, fold->number[tuple], 2);
    put_little(&fold->bodies, count, 3);
}

static void put_pairs(struct packer *packer, const struct fold_pairs *pairs) {
    const struct fold *fold = packer->fold;
    for (uint32_t i = pairs->first; i != FOLD_NONE; i = fold->pairs[i].next) {
        put_pair(packer, fold->pairs[i].tuple, fold->pairs[i].count);
    }
}

/* ---- people ---- */

static struct fold_people_set *people_of(const struct packer *packer, struct stats_scope scope,
                                         bool may_make) {
    if (packer->part->people == NULL) {
        return NULL;
    }
    uint64_t seed = packer->fold->seed + scope.kind + ((uint64_t)packer->fold->summary.day << 8);
    return fold_people_find(packer->part->people, hash_bytes(scope.id, seed), may_make,
                            packer->now_ns);
}

/* The visitors of the whole (campaign NULL) or of a campaign. */
static void put_people(struct packer *packer, const struct fold_campaign *campaign) {
    struct fold *fold = packer->fold;
    struct stats_scope scope = {.kind = STATS_ALL};
    uint32_t i = 0;
    uint32_t stop = fold->visit_count;
    if (campaign != NULL) {
        scope = (struct stats_scope){.kind = STATS_CAMPAIGN, .id = campaign->id};
        i = campaign->visits.first;
        stop = FOLD_NONE;
    }
    struct fold_people_set *set = people_of(packer, scope, true);
    size_t begins = begin_string(&fold->bodies);
    while (i != stop) {
        const struct fold_visit *visit = &fold->visits[i];
        if (set == NULL || fold_people_note(set, visit->visitor)) {
            put_visitor(&fold->bodies, visit->visitor);
        }
        i = campaign != NULL ? visit->next_of_campaign : i + 1;
    }
    end_string(&fold->bodies, begins);
}

/* A link's visitors are listed up to STATS_PEOPLE_MAX; only when there were surely more of them may
 * anybody be left out. */
static void put_people_of_link(struct packer *packer, const struct fold_link *link) {
    struct fold *fold = packer->fold;
    struct fold_people_set *set =
        people_of(packer, (struct stats_scope){.kind = STATS_LINK, .id = link->code},
                  link->visits.count >= LINK_REMEMBERED_VISITORS_MIN);
    size_t count_at = fold->bodies.size;
    uint32_t count = 0;
    put_little(&fold->bodies, 0, 3);
    for (uint32_t i = link->visits.first; i != FOLD_NONE; i = fold->visits[i].next_of_link) {
        uint64_t visitor = fold->visits[i].visitor;
        bool is_counted = set != NULL && fold_people_count(set) > STATS_PEOPLE_MAX;
        bool is_news = set == NULL || fold_people_note(set, visitor);
        if (is_news || !is_counted) {
            put_visitor(&fold->bodies, visitor);
            count++;
        }
    }
    if (!fold->bodies.overflowed) {
        uint32_t little = htole32(count);
        memcpy(fold->bodies.data + count_at, &little, 3);
    }
}

/* ---- the parts of a part ---- */

static bool is_here(const struct packer *packer, uint32_t share) {
    return share % packer->part->parts == packer->part->number;
}

static void put_cells(struct packer *packer) {
    const struct fold *fold = packer->fold;
    char hour = (char)('a' + fold->summary.hour);
    put_head(packer->out, 0xDD, fold->numbered_count);
    for (uint32_t i = 0; i < fold->numbered_count; i++) {
        const struct fold_tuple *tuple = &fold->tuples[fold->numbered[i]];
        put_string_head(packer->out, tuple->cell.size);
        buf_append_char(packer->out, hour);
        buf_append(packer->out, slice_from(tuple->cell, 1));
    }
}

static void put_whole(struct packer *packer) {
    struct fold *fold = packer->fold;
    size_t begins = begin_array(&fold->bodies);
    if (packer->part->number > 0) {
        return;
    }
    put_people(packer, NULL);
    size_t pairs = begin_string(&fold->bodies);
    for (uint32_t i = 0; i < fold->tuple_count; i++) {
        if (fold->tuples[i].count > 0) {
            put_pair(packer, i, fold->tuples[i].count);
        }
    }
    end_string(&fold->bodies, pairs);
    end(&fold->bodies, begins, 2);
}

static void put_campaigns(struct packer *packer) {
    struct fold *fold = packer->fold;
    put_head(&fold->bodies, 0xDD, fold->campaign_count);
    for (uint32_t i = 0; i < fold->campaign_count; i++) {
        put_string(&fold->bodies, fold->campaigns[i].id);
    }
    size_t begins = begin_array(&fold->bodies);
    size_t count = 0;
    for (uint32_t i = 0; i < fold->campaign_count; i++) {
        const struct fold_campaign *campaign = &fold->campaigns[i];
        if (campaign->id.size == 0 || !is_here(packer, campaign->share)) {
            continue;
        }
        put_number(&fold->bodies, i + 1);
        put_people(packer, campaign);
        size_t pairs = begin_string(&fold->bodies);
        put_pairs(packer, &campaign->pairs);
        end_string(&fold->bodies, pairs);
        count += 3;
    }
    end(&fold->bodies, begins, count);
}

static void put_links(struct packer *packer) {
    struct fold *fold = packer->fold;
    size_t begins = begin_array(&fold->bodies);
    size_t count = 0;
    for (uint32_t i = 0; i < fold->link_count; i++) {
        const struct fold_link *link = &fold->links[i];
        if (!is_here(packer, link->share)) {
            continue;
        }
        size_t string = begin_string(&fold->bodies);
        stats_key_cells(&fold->bodies, packer->part->key_prefix,
                        (struct stats_scope){.kind = STATS_LINK, .id = link->code},
                        fold->summary.day, true);
        end_string(&fold->bodies, string);
        string = begin_string(&fold->bodies);
        put_little(&fold->bodies, link->campaign + 1, 2);
        put_little(&fold->bodies, link->visits.count, 3);
        put_people_of_link(packer, link);
        put_pairs(packer, &link->pairs);
        end_string(&fold->bodies, string);
        count += 2;
    }
    end(&fold->bodies, begins, count);
}

static void put_index(struct packer *packer) {
    struct fold *fold = packer->fold;
    size_t begins = begin_array(&fold->bodies);
    size_t count = 0;
    bool is_last = packer->part->number + 1 == packer->part->parts;
    for (uint32_t i = 0; is_last && i < fold->campaign_count * TAP_KIND_COUNT; i++) {
        const struct fold_campaign *campaign = &fold->campaigns[i / TAP_KIND_COUNT];
        uint32_t taps = campaign->kinds[i % TAP_KIND_COUNT];
        if (taps > 0) {
            put_string_head(&fold->bodies, campaign->id.size + 2);
            buf_append(&fold->bodies, campaign->id);
            buf_append_char(&fold->bodies, '\t');
            buf_append_char(&fold->bodies, (char)('0' + i % TAP_KIND_COUNT));
            put_number(&fold->bodies, taps);
            count += 2;
        }
    }
    end(&fold->bodies, begins, count);
}

bool fold_pack(struct fold *fold, const struct fold_part *part, struct buf *out) {
    struct packer packer = {.fold = fold, .part = part, .now_ns = clock_monotonic_ns(), .out = out};
    for (uint32_t i = 0; i < fold->numbered_count; i++) {
        fold->number[fold->numbered[i]] = 0;
    }
    fold->numbered_count = 0;
    buf_clear(&fold->bodies);
    put_whole(&packer);
    put_campaigns(&packer);
    put_links(&packer);
    put_index(&packer);
    put_head(out, 0xDD, 6);
    put_cells(&packer);
    buf_append(out, buf_slice(&fold->bodies));
    return !out->overflowed && !fold->bodies.overflowed;
}
