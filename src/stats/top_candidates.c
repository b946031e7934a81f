/*
 * top_candidates.c - lower and upper bounds for each code that a day's list names.
 */
#include "top_candidates.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/defs.h"
#include "link/code.h"
#include "query_groups.h"
#include "query_names.h"
#include "redis/reply.h"
#include "stats/keys.h"

enum { ROOM_FIRST = 1024 };

struct candidates {
    struct slice scope_campaign;
    struct names *names; /* members, whose number is the index into list */
    struct candidate *list;
    size_t count;
    size_t room;
    uint64_t full_days; /* the sum of what the last of each full list has */
};

struct candidates *candidates_create(struct slice scope_campaign) {
    struct candidates *candidates = calloc(1, sizeof(*candidates));
    ENSURE(candidates != NULL);
    candidates->scope_campaign = scope_campaign;
    candidates->names = names_create();
    return candidates;
}

void candidates_destroy(struct candidates **candidates) {
    if (*candidates != NULL) {
        names_destroy(&(*candidates)->names);
        free((*candidates)->list);
        free(*candidates);
        *candidates = NULL;
    }
}

/* A member's candidate; NULL when it is none of ours, or one too many. */
static struct candidate *find(struct candidates *candidates, struct slice member) {
    struct slice campaign = member;
    struct slice code = slice_split(&campaign, '\t');
    bool has_campaign = candidates->scope_campaign.size > 0;
    if (!code_is_valid(code) || (campaign.size > 0 && !code_is_valid(campaign)) ||
        (has_campaign && code.size != member.size)) {
        return NULL;
    }
    uint32_t number = names_number(candidates->names, member);
    struct slice kept = names_text(candidates->names, number);
    if (!slice_equal(kept, member)) {
        return NULL;
    }
    while (number >= candidates->count) {
        if (candidates->count == candidates->room) {
            candidates->room = candidates->room > 0 ? candidates->room * 2 : ROOM_FIRST;
            candidates->list =
                realloc(candidates->list, candidates->room * sizeof(*candidates->list));
            ENSURE(candidates->list != NULL);
        }
        candidates->list[candidates->count++] = (struct candidate){0};
    }
    struct candidate *candidate = &candidates->list[number];
    candidate->campaign = kept;
    candidate->code = slice_split(&candidate->campaign, '\t');
    if (has_campaign) {
        candidate->campaign = candidates->scope_campaign;
    }
    return candidate;
}

void candidates_add_day(struct candidates *candidates, const struct redis_reply *reply) {
    size_t count = redis_reply_count(reply) / 2;
    uint64_t last = 0;
    if (count >= STATS_TOP_MAX &&
        slice_to_u64(redis_reply_text(redis_reply_at(reply, count * 2 - 1)), UINT64_MAX, &last)) {
        counts_add(&candidates->full_days, last);
    }
    for (size_t i = 0; i < count && i < STATS_TOP_MAX; i++) {
        uint64_t clicks;
        struct candidate *candidate =
            find(candidates, redis_reply_text(redis_reply_at(reply, i * 2)));
        if (candidate != NULL &&
            slice_to_u64(redis_reply_text(redis_reply_at(reply, i * 2 + 1)), UINT64_MAX, &clicks)) {
            counts_add(&candidate->least, clicks);
            counts_add(&candidate->known, last);
        }
    }
}

static int compare_least(const void *a, const void *b) {
    const struct candidate *left = a;
    const struct candidate *right = b;
    return (left->least < right->least) - (left->least > right->least);
}

static int compare_most(const void *a, const void *b) {
    const struct candidate *left = a;
    const struct candidate *right = b;
    return (left->most < right->most) - (left->most > right->most);
}

const struct candidate *candidates_choose(struct candidates *candidates, size_t limit,
                                          size_t *count) {
    size_t total = 0;
    for (size_t i = 0; i < candidates->count; i++) {
        if (candidates->list[i].least > 0) {
            candidates->list[total++] = candidates->list[i];
        }
    }
    candidates->count = 0; /* the numbers are no longer the indices */
    *count = 0;
    if (total == 0) {
        return candidates->list;
    }
    qsort(candidates->list, total, sizeof(*candidates->list), compare_least);
    uint64_t enough = limit <= total ? candidates->list[limit - 1].least : 0;
    for (size_t i = 0; i < total; i++) {
        struct candidate candidate = candidates->list[i];
        candidate.most = candidate.least;
        if (candidate.known < candidates->full_days) {
            counts_add(&candidate.most, candidates->full_days - candidate.known);
        }
        if (candidate.most >= enough) {
            candidates->list[(*count)++] = candidate;
        }
    }
    qsort(candidates->list, *count, sizeof(*candidates->list), compare_most);
    return candidates->list;
}
