/*
 * fold.c - see fold.h: taking entries in.
 *
 * Tables are open addressing, at most half full, with seeded hashes: who chooses codes cannot
 * choose slots. A tuple is looked for by its raw bytes; only a new one is taken apart. Bytes that
 * may not stand in a cell can make two tuples one cell: the second then is only another name of the
 * first, since no cell may stand twice in a batch.
 */
#include "fold.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/random.h"
#include "fold_private.h"
#include "link/code.h"

enum {
    MS_PER_HOUR = 3600 * 1000,
    ENTRY_TEXT_BYTES_MAX = 6 * ENTRY_TUPLE_BYTES_MAX, /* what a tuple, a code and a campaign keep */
};

/* 2100-01-01: what claims to be later is no tap, and would never expire. */
static const uint64_t at_ms_max = UINT64_C(4102444800000);

static const uint64_t multiplier = UINT64_C(0x9E3779B97F4A7C15);

struct fold *fold_create(void) {
    struct fold *fold = calloc(1, sizeof(*fold));
    ENSURE(fold != NULL);
    random_bytes(&fold->seed, sizeof(fold->seed));
    buf_init(&fold->texts, FOLD_TEXT_BYTES_MAX);
    ENSURE(buf_reserve(&fold->texts, FOLD_TEXT_BYTES_MAX)); /* it must never move */
    buf_init(&fold->bodies, FOLD_BODIES_BYTES_MAX);
    return fold;
}

void fold_destroy(struct fold **fold) {
    if (*fold != NULL) {
        buf_fini(&(*fold)->texts);
        buf_fini(&(*fold)->bodies);
        free(*fold);
        *fold = NULL;
    }
}

static void clear_pairs(struct fold *fold, const struct fold_pairs *pairs) {
    for (uint32_t i = pairs->first; i != FOLD_NONE; i = fold->pairs[i].next) {
        fold->pairs[i].count = 0;
    }
}

void fold_clear(struct fold *fold) {
    for (uint32_t i = 0; i < fold->tuple_count; i++) {
        *fold->tuples[i].slot = 0;
    }
    for (uint32_t i = 0; i < fold->link_count; i++) {
        *fold->links[i].slot = 0;
        clear_pairs(fold, &fold->links[i].pairs);
    }
    for (uint32_t i = 0; i < fold->campaign_count; i++) {
        *fold->campaigns[i].slot = 0;
        clear_pairs(fold, &fold->campaigns[i].pairs);
    }
    fold->tuple_count = fold->link_count = fold->campaign_count = 0;
    fold->pair_count = fold->visit_count = 0;
    fold->summary = (struct fold_summary){0};
    fold->cost = 0;
    buf_clear(&fold->texts);
}

const struct fold_summary *fold_summary(const struct fold *fold) {
    return &fold->summary;
}

/* The hour that the first entry is of is the batch's. */
void fold_begin(struct fold *fold, uint64_t at_ms) {
    at_ms = at_ms < at_ms_max ? at_ms : at_ms_max - 1;
    if (at_ms < fold->day.begin_ms || at_ms >= fold->day.end_ms) {
        fold->day = clock_day_of(at_ms);
    }
    uint64_t hour = at_ms > fold->day.begin_ms ? (at_ms - fold->day.begin_ms) / MS_PER_HOUR : 0;
    hour = hour < CELL_HOURS_MAX ? hour : CELL_HOURS_MAX - 1;
    fold->hour_begin_ms = fold->day.begin_ms + hour * MS_PER_HOUR;
    fold->hour_end_ms = fold->hour_begin_ms + MS_PER_HOUR;
    if (fold->hour_end_ms > fold->day.end_ms || hour == CELL_HOURS_MAX - 1) {
        fold->hour_end_ms = fold->day.end_ms;
    }
    fold->summary.day = fold->day.yyyymmdd;
    fold->summary.hour = (int)hour;
    fold->summary.day_end_ms = fold->day.end_ms;
}

static bool has_room(const struct fold *fold, const struct entry *entry) {
    return entry->id.ms >= fold->hour_begin_ms && entry->id.ms < fold->hour_end_ms &&
           fold->summary.entries < FOLD_ENTRIES_MAX && fold->tuple_count + 2 <= FOLD_TUPLES_MAX &&
           fold->link_count < FOLD_LINKS_MAX && fold->campaign_count < FOLD_CAMPAIGNS_MAX &&
           fold->pair_count + 2 <= FOLD_PAIRS_MAX &&
           fold->texts.capacity - fold->texts.size >= ENTRY_TEXT_BYTES_MAX;
}

static struct slice keep(struct fold *fold, struct slice text) {
    size_t begins = fold->texts.size;
    ENSURE(buf_append(&fold->texts, text));
    return slice_make(fold->texts.data + begins, text.size);
}

/* ---- tuples ---- */

/* Where the tuple is, or where it is to be put. */
static uint32_t *tuple_slot(struct fold *fold, struct slice key, uint64_t hash) {
    for (uint64_t i = hash;; i++) {
        uint32_t *slot = &fold->tuple_slots[i % FOLD_TUPLE_SLOTS];
        if (*slot == 0 || (fold->tuples[*slot - 1].hash == hash &&
                           slice_equal(fold->tuples[*slot - 1].key, key))) {
            return slot;
        }
    }
}

/* The same tuple without bytes that may not stand in a cell; whether it had any. */
static bool clean(char *tuple, size_t size) {
    bool is_changed = false;
    for (size_t i = 0; i < size;) {
        size_t text = (unsigned char)tuple[i];
        is_changed |= cell_clean(tuple + i + 1, text);
        i += 1 + text;
    }
    return is_changed;
}

static void describe(struct fold *fold, struct fold_tuple *tuple) {
    struct cell cell;
    if (!entry_cell(tuple->key, &cell)) {
        return;
    }
    size_t begins = fold->texts.size;
    ENSURE(cell_encode(&cell, &fold->texts));
    tuple->cell = slice_make(fold->texts.data + begins, fold->texts.size - begins);
    tuple->kind = cell.kind;
    tuple->has_link = cell.outcome != TAP_OUTCOME_NOT_FOUND && cell.outcome != TAP_OUTCOME_DEFAULT;
    fold->cost += FOLD_COST_TUPLE;
}

__attribute__((noinline)) static uint32_t add_tuple(struct fold *fold, struct slice key,
                                                    uint64_t hash) {
    char cleaned[ENTRY_TUPLE_BYTES_MAX];
    uint32_t number = fold->tuple_count++;
    struct fold_tuple *tuple = &fold->tuples[number];
    *tuple = (struct fold_tuple){.hash = hash, .key = keep(fold, key), .same_as = number};
    tuple->slot = tuple_slot(fold, key, hash);
    *tuple->slot = number + 1;
    memcpy(cleaned, key.data, key.size);
    if (clean(cleaned, key.size)) {
        struct slice other = slice_make(cleaned, key.size);
        uint64_t other_hash = hash_bytes(other, fold->seed);
        uint32_t slot = *tuple_slot(fold, other, other_hash);
        tuple->same_as = slot != 0 ? slot - 1 : add_tuple(fold, other, other_hash);
        return tuple->same_as;
    }
    describe(fold, tuple);
    return number;
}

static uint32_t find_tuple(struct fold *fold, struct slice key) {
    uint64_t hash = hash_bytes(key, fold->seed);
    uint32_t slot = *tuple_slot(fold, key, hash);
    return slot != 0 ? fold->tuples[slot - 1].same_as : add_tuple(fold, key, hash);
}

/* ---- campaigns and links ---- */

static uint32_t share_of(struct slice name) {
    return (uint32_t)(hash_bytes(name, FOLD_SHARE_SEED) >> 32);
}

/* FOLD_NONE when it is no campaign's id. */
static uint32_t find_campaign(struct fold *fold, struct slice id) {
    uint64_t hash = hash_bytes(id, fold->seed);
    for (uint64_t i = hash;; i++) {
        uint32_t *slot = &fold->campaign_slots[i % FOLD_CAMPAIGN_SLOTS];
        if (*slot == 0) {
            if (id.size > 0 && !code_is_valid(id)) {
                return FOLD_NONE;
            }
            fold->campaigns[fold->campaign_count] =
                (struct fold_campaign){.hash = hash,
                                       .share = share_of(id),
                                       .slot = slot,
                                       .id = keep(fold, id),
                                       .pairs = {.first = FOLD_NONE},
                                       .visits = {.first = FOLD_NONE}};
            fold->cost += FOLD_COST_CAMPAIGN;
            *slot = ++fold->campaign_count;
        }
        const struct fold_campaign *campaign = &fold->campaigns[*slot - 1];
        if (campaign->hash == hash && slice_equal(campaign->id, id)) {
            return *slot - 1;
        }
    }
}

/* FOLD_NONE when it is no code. A code under two campaigns is two links here. */
static uint32_t find_link(struct fold *fold, struct slice code, uint32_t campaign) {
    uint64_t hash = hash_bytes(code, fold->seed) + campaign * multiplier;
    for (uint64_t i = hash;; i++) {
        uint32_t *slot = &fold->link_slots[i % FOLD_LINK_SLOTS];
        if (*slot == 0) {
            if (!code_is_valid(code)) {
                return FOLD_NONE;
            }
            fold->links[fold->link_count] = (struct fold_link){.hash = hash,
                                                               .share = share_of(code),
                                                               .slot = slot,
                                                               .code = keep(fold, code),
                                                               .campaign = campaign,
                                                               .pairs = {.first = FOLD_NONE},
                                                               .visits = {.first = FOLD_NONE}};
            fold->cost += FOLD_COST_LINK;
            *slot = ++fold->link_count;
        }
        const struct fold_link *link = &fold->links[*slot - 1];
        if (link->hash == hash && link->campaign == campaign && slice_equal(link->code, code)) {
            return *slot - 1;
        }
    }
}

/* ---- counts ---- */

/* One more tap of the tuple in a campaign (its number) or link (FOLD_CAMPAIGNS_MAX and its number).
 */
static void count_pair(struct fold *fold, uint32_t scope, struct fold_pairs *pairs,
                       uint32_t tuple) {
    uint64_t hash = ((uint64_t)scope << 32 ^ tuple ^ fold->seed) * multiplier;
    for (uint64_t i = hash >> 32;; i++) {
        uint32_t number = (uint32_t)(i % FOLD_PAIR_SLOTS);
        struct fold_pair *pair = &fold->pairs[number];
        if (pair->count == 0) {
            *pair = (struct fold_pair){
                .scope = scope, .tuple = tuple, .count = 1, .next = pairs->first};
            pairs->first = number;
            fold->pair_count++;
            fold->cost +=
                scope < FOLD_CAMPAIGNS_MAX ? FOLD_COST_CAMPAIGN_PAIR : FOLD_COST_LINK_PAIR;
            return;
        }
        if (pair->scope == scope && pair->tuple == tuple) {
            pair->count++;
            return;
        }
    }
}

/* A human; link NULL: none that is counted. */
static void count_visit(struct fold *fold, struct fold_campaign *campaign, struct fold_link *link,
                        uint64_t visitor) {
    uint32_t number = fold->visit_count++;
    struct fold_visit *visit = &fold->visits[number];
    visit->visitor = visitor;
    visit->next_of_campaign = campaign->visits.first;
    campaign->visits.first = number;
    campaign->visits.count++;
    if (link != NULL) {
        visit->next_of_link = link->visits.first;
        link->visits.first = number;
        link->visits.count++;
    }
    fold->cost += FOLD_COST_VISITOR;
}

/* False when it turns out to be no click. */
static bool count(struct fold *fold, const struct entry *entry) {
    uint32_t number = find_tuple(fold, entry->tuple);
    struct fold_tuple *tuple = &fold->tuples[number];
    if (tuple->cell.size == 0) {
        return false;
    }
    uint32_t campaign_number = find_campaign(fold, entry->campaign);
    uint32_t link_number = 0;
    if (campaign_number != FOLD_NONE && tuple->has_link) {
        link_number = find_link(fold, entry->code, campaign_number);
    }
    if (campaign_number == FOLD_NONE || link_number == FOLD_NONE) {
        return false;
    }
    struct fold_campaign *campaign = &fold->campaigns[campaign_number];
    struct fold_link *link = tuple->has_link ? &fold->links[link_number] : NULL;
    tuple->count++;
    campaign->kinds[tuple->kind]++;
    if (campaign->id.size > 0) {
        count_pair(fold, campaign_number, &campaign->pairs, number);
    }
    if (link != NULL) {
        count_pair(fold, FOLD_CAMPAIGNS_MAX + link_number, &link->pairs, number);
    }
    if (tuple->kind == TAP_KIND_HUMAN) {
        count_visit(fold, campaign, link, entry->visitor);
    }
    return true;
}

enum fold_result fold_add(struct fold *fold, const struct entry *entry) {
    struct fold_summary *summary = &fold->summary;
    if (summary->entries == 0) {
        fold_begin(fold, entry->id.ms);
        summary->first = entry->id;
    } else if (!has_room(fold, entry)) {
        return FOLD_FULL;
    }
    summary->entries++;
    summary->last = entry->id;
    if (!entry->is_click || entry->id.ms >= at_ms_max || !count(fold, entry)) {
        summary->malformed++;
        summary->last_malformed = entry->id;
    }
    return FOLD_TAKEN;
}

uint32_t fold_parts(const struct fold *fold) {
    uint64_t parts = 1 + fold->cost / FOLD_COST_OF_PART;
    return parts < FOLD_PARTS_MAX ? (uint32_t)parts : (uint32_t)FOLD_PARTS_MAX;
}
