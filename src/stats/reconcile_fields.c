/*
 * reconcile_fields.c - which fields of a key it is that differ.
 *
 * For the few keys whose cells do, the day is gone over once more, now with all texts. Where a key
 * gave up texts as "other", its cells can only be told apart by their heads.
 *
 * Limits    FIELDS_MAX fields of all these keys; NAMED_MAX are named of each.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/random.h"
#include "reconcile_batch.h"
#include "reconcile_rollups.h"
#include "redis/reply.h"

enum {
    FIELDS_MAX = 1 << 20,
    SLOTS = 2 * FIELDS_MAX,
    TEXTS_MAX = 256 * 1024 * 1024,
    NAMED_MAX = 8,
};

struct field {
    uint64_t hash;
    size_t text;
    uint16_t text_bytes;
    uint16_t suspect;
    bool is_there;
    int64_t there;
    int64_t recounted;
};

struct fields {
    struct reconciliation *recon;
    const struct recon_suspects *suspects;
    struct field *fields;
    size_t count;
    uint32_t *slots;
    uint64_t seed;
    struct buf texts;
    bool is_full;
    bool *has_other[RECON_SUSPECTS_MAX]; /* by head: texts were given up there */
    bool is_by_day[RECON_SUSPECTS_MAX];  /* hours were made into days */
    struct apply_mark *marks;
    const struct apply_mark *ahead; /* not NULL: only what its written parts have is taken */
};

static struct field *need(struct fields *fields, size_t suspect, struct slice text) {
    uint64_t hash = hash_bytes(text, fields->seed + suspect);
    uint64_t i = hash;
    while (fields->slots[i % SLOTS] != 0) {
        struct field *there = &fields->fields[fields->slots[i % SLOTS] - 1];
        if (there->hash == hash && there->suspect == suspect &&
            slice_equal(slice_make(fields->texts.data + there->text, there->text_bytes), text)) {
            return there;
        }
        i++;
    }
    if (fields->count == FIELDS_MAX || !buf_append(&fields->texts, text)) {
        fields->is_full = true;
        return NULL;
    }
    struct field *field = &fields->fields[fields->count++];
    *field = (struct field){.hash = hash,
                            .text = fields->texts.size - text.size,
                            .text_bytes = (uint16_t)text.size,
                            .suspect = (uint16_t)suspect};
    fields->slots[i % SLOTS] = (uint32_t)fields->count;
    return field;
}

static struct stats_scope scope_of(const struct recon_suspect *suspect) {
    return (struct stats_scope){suspect->scope, slice_make(suspect->id, suspect->id_bytes)};
}

/* --- recounting ----------------------------------------------------------------------------- */

/* Whether the part of a batch that the key is in was written. */
static bool is_written(const struct recon_suspect *suspect, const struct apply_mark *ahead) {
    struct slice id = slice_make(suspect->id, suspect->id_bytes);
    uint32_t part = suspect->scope == STATS_ALL ? 0 : recon_part_of(id, ahead->parts);
    return part < ahead->written;
}

static bool is_of(const struct recon_suspect *suspect, const struct recon_click *click) {
    struct slice id = slice_make(suspect->id, suspect->id_bytes);
    switch (suspect->scope) {
    case STATS_ALL:
        return true;
    case STATS_CAMPAIGN:
        return slice_equal(click->campaign, id);
    case STATS_LINK:
        return recon_has_link(click->cell.outcome) && slice_equal(click->code, id);
    }
    return false;
}

static void take_click(void *argument, const struct recon_click *click) {
    struct fields *fields = argument;
    for (size_t i = 0; i < fields->suspects->count; i++) {
        const struct recon_suspect *suspect = &fields->suspects->suspect[i];
        if (!is_of(suspect, click) ||
            (fields->ahead != NULL && !is_written(suspect, fields->ahead))) {
            continue;
        }
        char bytes[CELL_BYTES_MAX];
        struct buf text = buf_over(bytes, sizeof(bytes));
        struct cell cell = click->cell;
        if (suspect->kind == RECON_KEY_DAY || fields->is_by_day[i]) {
            cell.hour = CELL_NO_HOUR;
        }
        struct field *field = cell_encode(&cell, &text) ? need(fields, i, buf_slice(&text)) : NULL;
        if (field != NULL) {
            field->recounted++;
        }
    }
}

/* --- what is there -------------------------------------------------------------------------- */

static bool parse_count(struct slice text, int64_t *count) {
    uint64_t value;
    bool is_negative = text.size > 0 && text.data[0] == '-';
    if (!slice_to_u64(slice_from(text, is_negative ? 1 : 0), INT64_MAX, &value)) {
        return false;
    }
    *count = is_negative ? -(int64_t)value : (int64_t)value;
    return true;
}

static bool gave_up_texts(const struct cell *cell) {
    for (size_t i = 0; i < CELL_TEXT_COUNT; i++) {
        if (cell->text[i].size == 1 && cell->text[i].data[0] == CELL_OTHER) {
            return true;
        }
    }
    return false;
}

static void take_reply(void *argument, size_t number, const struct redis_reply *reply) {
    struct fields *fields = argument;
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        struct slice text = redis_reply_text(redis_reply_at(reply, i));
        struct cell cell;
        int64_t count;
        if (!cell_decode(text, &cell) ||
            !parse_count(redis_reply_text(redis_reply_at(reply, i + 1)), &count)) {
            continue; /* said already */
        }
        if (gave_up_texts(&cell)) {
            fields->has_other[number][recon_head(&cell)] = true;
        }
        fields->is_by_day[number] |= cell.hour == CELL_NO_HOUR;
        struct field *field = need(fields, number, text);
        if (field != NULL) {
            field->is_there = true;
            field->there = count;
        }
    }
}

static bool read_keys(struct fields *fields, struct err *err) {
    struct recon_request requests[RECON_SUSPECTS_MAX];
    for (size_t i = 0; i < fields->suspects->count; i++) {
        const struct recon_suspect *suspect = &fields->suspects->suspect[i];
        requests[i] = (struct recon_request){suspect->kind, scope_of(suspect)};
    }
    struct recon_exec exec = {.requests = requests,
                              .count = fields->suspects->count,
                              .each = take_reply,
                              .argument = fields,
                              .marks = fields->marks};
    return recon_exec(fields->recon, &exec, err);
}

/* What was counted above the snapshot's mark, and what of a batch is written. */
static bool recount_on(struct fields *fields, struct recon_stream *copy,
                       const struct apply_mark *mark, struct err *err) {
    struct recon_sink sink = {take_click, fields};
    struct entry_id id = mark->has_id ? mark->id : copy->fed;
    if (entry_id_compare(id, copy->fed) > 0 &&
        !recon_feed_on(fields->recon, copy, id, &sink, err)) {
        return false;
    }
    fields->ahead = mark->parts > 0 ? mark : NULL;
    bool is_good =
        mark->parts == 0 || recon_feed_on(fields->recon, copy, mark->batch_last, &sink, err);
    fields->ahead = NULL;
    return is_good;
}

/* Goes over a stream's day without a word, on a copy: its numbers were found before. */
static bool recount(struct fields *fields, const struct recon_stream *stream,
                    const struct apply_mark *mark, struct err *err) {
    struct recon_sink sink = {take_click, fields};
    struct recon_stream copy = *stream;
    buf_init(&copy.hole_payloads, stream->hole_payloads.limit);
    fields->recon->is_muted = true;
    bool is_good = recon_walk(fields->recon, &copy, &sink, err);
    if (is_good && stream->counts_holes) {
        recon_feed_holes(fields->recon, &copy, &sink);
    }
    copy.fed = stream->mark;
    is_good = is_good && recount_on(fields, &copy, mark, err);
    fields->recon->is_muted = false;
    buf_fini(&copy.hole_payloads);
    return is_good;
}

/* --- naming --------------------------------------------------------------------------------- */

static void blame_field(struct fields *fields, struct slice key, const struct field *field) {
    char text[RECON_FIELD_TEXT_BYTES];
    struct slice name = slice_make(fields->texts.data + field->text, field->text_bytes);
    struct recon_place place = {.stream = -1, .key = key, .field = name};
    int64_t difference = field->there - field->recounted;
    place.count = (uint64_t)(difference < 0 ? -difference : difference);
    recon_show_field(name, text);
    if (field->is_there) {
        recon_blame(fields->recon, "cell_differs", &place,
                    "%.*s, field %s: %" PRId64 "; recounted %" PRId64, SLICE_ARG(key), text,
                    field->there, field->recounted);
    } else {
        recon_blame(fields->recon, "cell_differs", &place,
                    "%.*s, field %s: it is gone; recounted %" PRId64, SLICE_ARG(key), text,
                    field->recounted);
    }
}

/* Fields whose head has all its texts one by one, of the others the heads. */
static void name_suspect(struct fields *fields, size_t number, struct recon_scratch *scratch) {
    const struct recon_suspect *suspect = &fields->suspects->suspect[number];
    char bytes[RECON_KEY_BYTES_MAX];
    struct buf buf = buf_over(bytes, sizeof(bytes));
    struct slice key = recon_key_name(fields->recon, suspect->kind, scope_of(suspect), &buf);
    size_t named = 0;
    uint64_t left_out = 0;
    if (fields->is_full) {
        recon_blame(fields->recon, "cell_differs", &(struct recon_place){.stream = -1, .key = key},
                    "%.*s: its cells differ; there are too many to name which", SLICE_ARG(key));
        return;
    }
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->fields[i];
        struct cell cell;
        struct slice text = slice_make(fields->texts.data + field->text, field->text_bytes);
        if (field->suspect != number || !cell_decode(text, &cell)) {
            continue;
        }
        uint32_t head = recon_head(&cell);
        if (fields->has_other[number][head]) {
            recon_scratch_add(scratch, head, field->there - field->recounted);
        } else if (field->there != field->recounted && named++ < NAMED_MAX) {
            blame_field(fields, key, field);
        }
    }
    for (size_t i = 0; i < scratch->touched_count; i++) {
        int64_t difference = scratch->difference[scratch->touched[i]];
        if (difference != 0 && named++ < NAMED_MAX) {
            recon_blame_head(fields->recon, key, scratch->touched[i], difference);
        }
    }
    recon_scratch_clear(scratch);
    left_out = named > NAMED_MAX ? named - NAMED_MAX : 0;
    if (named == 0 || left_out > 0) {
        recon_blame(fields->recon, "cell_differs",
                    &(struct recon_place){.stream = -1, .key = key, .count = left_out},
                    named == 0 ? "%.*s: cells differed, and then did not any more"
                               : "%.*s: and %" PRIu64 " more of its fields",
                    SLICE_ARG(key), left_out);
    }
}

static bool name_all(struct fields *fields, struct err *err) {
    struct reconciliation *recon = fields->recon;
    bool is_good = read_keys(fields, err);
    for (size_t i = 0; is_good && !recon->must_repeat && i < recon->stream_count; i++) {
        is_good = recount(fields, &recon->streams[i], &fields->marks[i], err);
    }
    if (!is_good || recon->must_repeat) {
        return is_good;
    }
    struct recon_scratch *scratch = calloc(1, sizeof(*scratch));
    ENSURE(scratch != NULL);
    for (size_t i = 0; i < fields->suspects->count; i++) {
        name_suspect(fields, i, scratch);
    }
    free(scratch);
    return true;
}

bool recon_name_fields(struct reconciliation *recon, const struct recon_suspects *suspects,
                       struct err *err) {
    struct fields *fields = calloc(1, sizeof(*fields));
    ENSURE(fields != NULL);
    fields->recon = recon;
    fields->suspects = suspects;
    fields->fields = calloc(FIELDS_MAX, sizeof(*fields->fields));
    fields->slots = calloc(SLOTS, sizeof(*fields->slots));
    fields->marks = calloc(recon->stream_count + 1, sizeof(*fields->marks));
    ENSURE(fields->fields != NULL && fields->slots != NULL && fields->marks != NULL);
    random_bytes(&fields->seed, sizeof(fields->seed));
    buf_init(&fields->texts, TEXTS_MAX);
    for (size_t i = 0; i < suspects->count; i++) {
        fields->has_other[i] = calloc(RECON_HEADS, sizeof(bool));
        ENSURE(fields->has_other[i] != NULL);
    }
    bool is_good = name_all(fields, err);
    for (size_t i = 0; i < suspects->count; i++) {
        free(fields->has_other[i]);
    }
    buf_fini(&fields->texts);
    free(fields->marks);
    free(fields->slots);
    free(fields->fields);
    free(fields);
    return is_good;
}
