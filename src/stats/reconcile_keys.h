/*
 * reconcile_keys.h - for reconcile_seen.c and reconcile_keys.c: one key of the rollups: what it
 * held when it was read, and whether that is what it must hold.
 *
 * Threads   One at a time.
 */
#ifndef STATS_RECONCILE_KEYS_H
#define STATS_RECONCILE_KEYS_H

#include "reconcile_model.h"

struct redis_reply;

enum { RECON_FIELD_TEXT_BYTES = 400 };

enum recon_key_kind {
    RECON_KEY_DAY,   /* stats:all:DAY, stats:campaign:ID:DAY */
    RECON_KEY_HOURS, /* the same with :h */
    RECON_KEY_LINK,  /* stats:link:CODE:DAY */
    RECON_KEY_INDEX, /* stats:index:DAY */
    RECON_KEY_TOP,   /* top:all:DAY, top:campaign:ID:DAY */
    RECON_KEY_UNIQUE,
};

struct recon_sum {
    uint32_t head;
    int64_t count;
};

/* What a name has: the campaigns of a link, the members of a top list, the fields of an index. */
struct recon_named {
    struct slice name; /* in bytes */
    int64_t count;
};

struct recon_seen {
    enum recon_key_kind kind;
    struct stats_scope scope; /* borrowed */
    bool is_there;
    bool has_people; /* a link's "@" */
    bool people_are_apart;
    bool has_bad; /* said already */
    struct recon_sum *sums;
    size_t sum_count;
    struct recon_named *named;
    size_t named_count;
    struct buf bytes;
};

/* Scratch of all comparisons, one for each head. */
struct recon_scratch {
    int64_t difference[RECON_HEADS];
    uint32_t touched[RECON_HEADS];
    bool is_touched[RECON_HEADS];
    size_t touched_count;
};

void recon_scratch_add(struct recon_scratch *scratch, uint32_t head, int64_t amount);
void recon_scratch_clear(struct recon_scratch *scratch);

/* "stats:link:AB12CD:20260105", without redis.prefix. */
struct slice recon_key_name(const struct reconciliation *recon, enum recon_key_kind kind,
                            struct stats_scope scope, struct buf *out);

/* A field as it is shown: texts are separated by "|", what was given up is "*". */
void recon_show_field(struct slice field, char text[RECON_FIELD_TEXT_BYTES]);

/* Takes the reply to HGETALL, ZRANGE WITHSCORES or EXISTS. Says which fields make no sense. */
void recon_seen_take(struct reconciliation *recon, struct recon_seen *seen,
                     const struct redis_reply *reply, struct recon_scratch *scratch);
void recon_seen_fini(struct recon_seen *seen);

/* Holds it against the model. Cells that differ are left in scratch, for the caller to name and to
 * clear; everything else is said. True: cells differ. */
MUST_CHECK bool recon_seen_compare(struct reconciliation *recon, const struct recon_seen *seen,
                                   const struct recon_model *model, struct recon_scratch *scratch);

/* Says that a head of a key differs. */
void recon_blame_head(struct reconciliation *recon, struct slice key, uint32_t head,
                      int64_t difference);

#endif
