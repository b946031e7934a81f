/*
 * bulk.c - POST /v1/links/bulk: many links, a JSON object a line in, a result a line out.
 *
 *   lines ──► read ──► ask for what is there ──► check ──► write ──► results, in order
 *              │        one pipeline a batch               one pipeline a batch
 *              └ refused: that line alone
 *
 * A line with a code makes or changes that link as PATCH does, without one it makes a link with a
 * made code. What others changed between asking and writing, and the second line of a batch with
 * one code, is done by itself behind the batch, so of two lines with one code the later wins. When
 * Redis is lost, the lines of the batch at hand say so, and the answer ends.
 *
 * Threads   As all handlers.
 * Limits    BATCH_ROWS_MAX lines or BATCH_BYTES_MAX a batch, LINE_BYTES_MAX a line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/random.h"
#include "link/code.h"
#include "link/edit.h"
#include "redis/pipe.h"
#include "resource.h"

enum {
    BATCH_ROWS_MAX = 500,
    BATCH_BYTES_MAX = 1024 * 1024,
    LINE_BYTES_MAX = 64 * 1024,
    BEFORE_BYTES_MAX = 16 * 1024 * 1024, /* of one link, as other hands may have written it */
    CODES_TRIED_MAX = 32,
    SEEN_SLOTS = 1024, /* a power of two, over twice the rows */
};

enum row_state {
    ROW_READY,  /* to be written */
    ROW_AGAIN,  /* by itself, behind the batch */
    ROW_DONE,   /* result says how */
    ROW_FAULTY, /* fault says why */
};

struct row {
    uint64_t line;
    enum row_state state;
    enum resource_result result;
    bool is_made; /* its code is */
    bool is_campaign_missing;
    char code[CODE_BYTES_MAX + 1]; /* empty: not known */
    char warning[RESOURCE_WARNING_BYTES_MAX];
    struct json_fields fields;
    struct resource_write write;
    struct resource_plan plan;
    struct buf before_bytes;
    struct json_fault fault;
};

struct bulk {
    struct store store;
    struct answer *answer;
    struct slice rest; /* of the content */
    uint64_t line;
    uint64_t now_s;
    bool is_writing;   /* something may have been written */
    bool is_cut_short; /* Redis is lost, or refuses */
    struct edit_script script;
    struct schemes schemes;
    struct random random;
    struct resource_outcome outcome; /* of a row that is done by itself */
    uint64_t seed;
    uint16_t seen[SEEN_SLOTS]; /* rows of the batch by their codes, from 1; 0: free */
    size_t row_count;
    struct row row[BATCH_ROWS_MAX];
};

static bool fault(struct row *row, const char *field, const char *text) {
    row->state = ROW_FAULTY;
    snprintf(row->fault.field, sizeof(row->fault.field), "%s", field);
    return err_set(&row->fault.err, "%s", text);
}

/* As it was written. */
static void warn(struct row *row, const struct resource_plan *plan) {
    struct buf text = buf_over(row->warning, sizeof(row->warning) - 1);
    resource_warning(RECORD_LINK, plan, row->is_campaign_missing, &text);
    row->warning[text.size] = '\0';
}

/* --- reading -------------------------------------------------------------------------------- */

/* Whether a row before this one has its code; it is noted. */
static bool is_second(struct bulk *bulk, const struct row *row) {
    size_t slot = hash_bytes(row->write.id, bulk->seed) % SEEN_SLOTS;
    while (bulk->seen[slot] != 0) {
        if (slice_equal(bulk->row[bulk->seen[slot] - 1].write.id, row->write.id)) {
            return true;
        }
        slot = (slot + 1) % SEEN_SLOTS;
    }
    bulk->seen[slot] = (uint16_t)(row - bulk->row + 1);
    return false;
}

static void choose_code(struct bulk *bulk, struct row *row) {
    if (row->is_made) {
        code_make(&bulk->random, row->code);
    }
    row->write.id = slice_of(row->code);
}

static void read_row(struct bulk *bulk, struct row *row, struct slice text) {
    struct buf before_bytes = row->before_bytes;
    *row = (struct row){.line = bulk->line, .before_bytes = before_bytes};
    row->write = (struct resource_write){
        .kind = RECORD_LINK, .how = RESOURCE_UPSERT, .fields = &row->fields, .now_s = bulk->now_s};
    if (text.size > LINE_BYTES_MAX) {
        fault(row, "", "a line may have up to 65536 bytes");
        return;
    }
    if (!json_fields_read(RECORD_LINK, text, &row->fields, &row->fault)) {
        row->state = ROW_FAULTY;
        return;
    }
    if (row->fields.has_id && !code_is_valid(row->fields.id)) {
        fault(row, "code", "code: allowed are 1 to 64 of A-Z a-z 0-9 - _");
        return;
    }
    row->is_made = !row->fields.has_id;
    if (row->is_made) {
        row->write.how = RESOURCE_CREATE;
    } else {
        memcpy(row->code, row->fields.id.data, row->fields.id.size);
    }
    choose_code(bulk, row);
    row->state = is_second(bulk, row) ? ROW_AGAIN : ROW_READY;
}

static bool is_blank(struct slice text) {
    if (text.size > 0 && text.data[text.size - 1] == '\r') {
        text.size--;
    }
    return slice_trim(text).size == 0;
}

/* False at the end. */
static bool read_batch(struct bulk *bulk) {
    size_t bytes = 0;
    bulk->row_count = 0;
    memset(bulk->seen, 0, sizeof(bulk->seen));
    while (bulk->rest.size > 0 && bulk->row_count < BATCH_ROWS_MAX && bytes < BATCH_BYTES_MAX) {
        struct slice text = slice_split(&bulk->rest, '\n');
        bulk->line++;
        bytes += text.size;
        if (!is_blank(text)) {
            read_row(bulk, &bulk->row[bulk->row_count++], text);
        }
    }
    return bulk->row_count > 0;
}

/* --- in pipelines --------------------------------------------------------------------------- */

static bool is_asked_for(const struct row *row) {
    return row->state == ROW_READY && !row->is_made;
}

static bool ask(struct bulk *bulk, struct err *err) {
    for (size_t i = 0; i < bulk->row_count; i++) {
        struct row *row = &bulk->row[i];
        if (is_asked_for(row) && !edit_ask(&bulk->store, RECORD_LINK, row->write.id)) {
            return err_set(err, "the connection is lost");
        }
    }
    for (size_t i = 0; i < bulk->row_count; i++) {
        struct row *row = &bulk->row[i];
        if (!is_asked_for(row)) {
            continue;
        }
        buf_clear(&row->before_bytes);
        switch (edit_answer(&bulk->store, RECORD_LINK,
                            (struct store_values){row->plan.before, &row->before_bytes}, err)) {
        case STORE_OK:
            row->plan.exists = true;
            break;
        case STORE_NOT_FOUND:
            break;
        case STORE_REFUSED:
            fault(row, "code", "what Redis has under its key is no link");
            break;
        case STORE_FAILED:
            return false;
        }
    }
    return true;
}

static bool check(struct bulk *bulk, struct err *err) {
    for (size_t i = 0; i < bulk->row_count; i++) {
        struct row *row = &bulk->row[i];
        if (row->state != ROW_READY) {
            continue;
        }
        resource_plan(&row->write, &row->plan);
        struct slice campaign = row->plan.after[LINK_FIELD_CAMPAIGN];
        struct resource_bounds bounds = {.hosts = bulk->store.hosts};
        if (code_is_valid(campaign) && !schemes_find(&bulk->schemes, campaign, &bounds.schemes,
                                                     &row->is_campaign_missing, err)) {
            return false;
        }
        row->is_campaign_missing =
            row->is_campaign_missing && (row->fields.given & 1U << LINK_FIELD_CAMPAIGN) != 0;
        if (!resource_check(&row->write, &row->plan, &bounds, &row->fault)) {
            row->state = ROW_FAULTY;
        }
    }
    return true;
}

static bool write_all(struct bulk *bulk, struct err *err) {
    bulk->is_writing = true;
    for (size_t i = 0; i < bulk->row_count; i++) {
        struct row *row = &bulk->row[i];
        const struct edit edit = {.kind = RECORD_LINK,
                                  .id = row->write.id,
                                  .before = row->plan.exists ? row->plan.before : NULL,
                                  .after = row->plan.after};
        if (row->state == ROW_READY && !edit_append(&bulk->store, &bulk->script, &edit)) {
            return err_set(err, "the connection is lost");
        }
    }
    for (size_t i = 0; i < bulk->row_count; i++) {
        struct row *row = &bulk->row[i];
        if (row->state != ROW_READY) {
            continue;
        }
        switch (edit_read(&bulk->store, err)) {
        case EDIT_DONE:
            row->state = ROW_DONE;
            warn(row, &row->plan);
            row->result = !row->plan.exists                                ? RESOURCE_CREATED
                          : resource_is_unchanged(RECORD_LINK, &row->plan) ? RESOURCE_UNCHANGED
                                                                           : RESOURCE_CHANGED;
            break;
        case EDIT_CHANGED:
        case EDIT_KEPT:
            row->state = ROW_AGAIN;
            break;
        case EDIT_REFUSED:
            fault(row, "code", "what Redis has under its key is no link");
            break;
        case EDIT_FAILED:
            return false;
        }
    }
    return true;
}

/* --- one by one ----------------------------------------------------------------------------- */

/* False: Redis is lost. */
static bool write_again(struct bulk *bulk, struct row *row, struct err *err) {
    struct resource_outcome *outcome = &bulk->outcome;
    enum resource_result result = RESOURCE_EXISTS;
    for (int i = 0; i < CODES_TRIED_MAX && result == RESOURCE_EXISTS; i++) {
        choose_code(bulk, row);
        result = resource_apply(&bulk->store, &row->write, outcome);
    }
    switch (result) {
    case RESOURCE_CREATED:
    case RESOURCE_CHANGED:
    case RESOURCE_UNCHANGED:
        row->state = ROW_DONE;
        row->result = result;
        row->is_campaign_missing = outcome->is_campaign_missing;
        warn(row, &outcome->plan);
        return true;
    case RESOURCE_REFUSED:
        row->state = ROW_FAULTY;
        row->fault = outcome->fault;
        return true;
    case RESOURCE_NO_HASH:
        fault(row, "code", "what Redis has under its key is no link");
        return true;
    case RESOURCE_NOT_FOUND:
    case RESOURCE_EXISTS:
    case RESOURCE_KEPT:
    case RESOURCE_CONTENDED:
        fault(row, "", "others are changing it again and again: try again");
        return true;
    case RESOURCE_FAILED:
        *err = outcome->err;
        return false;
    }
    return false;
}

/* False: Redis is lost, or refuses; then answers that are still to come are of no use, and the
 * connection is given up. */
static bool write_batch(struct bulk *bulk, struct err *err) {
    bool alive = ask(bulk, err) && check(bulk, err) && write_all(bulk, err);
    for (size_t i = 0; i < bulk->row_count && alive; i++) {
        if (bulk->row[i].state == ROW_AGAIN) {
            alive = write_again(bulk, &bulk->row[i], err);
        }
    }
    if (!alive) {
        redis_pipe_disconnect(bulk->store.pipe);
    }
    return alive;
}

/* --- results -------------------------------------------------------------------------------- */

static void append_fault(struct buf *out, const struct row *row) {
    buf_append(out, SLICE(",\"error\":\""));
    buf_append_json(out, slice_of(row->fault.err.text));
    buf_append_char(out, '"');
    if (row->fault.field[0] != '\0') {
        buf_append(out, SLICE(",\"field\":\""));
        buf_append_json(out, slice_of(row->fault.field));
        buf_append_char(out, '"');
    }
}

static void append_warning(struct buf *out, const struct row *row) {
    if (row->warning[0] != '\0') {
        buf_append(out, SLICE(",\"warning\":\""));
        buf_append_json(out, slice_of(row->warning));
        buf_append_char(out, '"');
    }
}

static void append_result(struct buf *out, const struct row *row) {
    buf_printf(out, "{\"line\":%" PRIu64, row->line);
    if (row->code[0] != '\0' && (row->state == ROW_DONE || !row->is_made)) {
        buf_printf(out, ",\"code\":\"%s\"", row->code);
    }
    switch (row->state) {
    case ROW_DONE:
        buf_printf(out, ",\"status\":\"%s\"",
                   row->result == RESOURCE_CREATED     ? "created"
                   : row->result == RESOURCE_UNCHANGED ? "unchanged"
                                                       : "updated");
        append_warning(out, row);
        break;
    case ROW_FAULTY:
        append_fault(out, row);
        break;
    case ROW_READY:
    case ROW_AGAIN:
        buf_append(out,
                   SLICE(",\"error\":\"Redis is lost or refuses: it may be written, or not\""));
        break;
    }
    buf_append(out, SLICE("}\n"));
}

/* False: nobody reads any more, or there is nothing more to say. */
static bool answer_batch(struct bulk *bulk, const struct err *err) {
    struct buf *out = &bulk->answer->body;
    struct answer_stream *stream = bulk->answer->stream;
    if (bulk->is_cut_short && stream != NULL) {
        stream->unavailable(stream, err);
    }
    for (size_t i = 0; i < bulk->row_count; i++) {
        append_result(out, &bulk->row[i]);
    }
    if (bulk->is_cut_short && bulk->rest.size > 0) {
        buf_printf(
            out,
            "{\"line\":%" PRIu64
            ",\"error\":\"Redis is lost or refuses: nothing from this line on is written\"}\n",
            bulk->line + 1);
    }
    return answer_flush(bulk->answer) && !bulk->is_cut_short;
}

static void free_batch(struct bulk *bulk) {
    for (size_t i = 0; i < bulk->row_count; i++) {
        json_fields_free(&bulk->row[i].fields);
    }
}

static void run(struct bulk *bulk) {
    struct err err = {""};
    bool goes_on = true;
    while (goes_on && read_batch(bulk)) {
        bulk->is_cut_short = !write_batch(bulk, &err);
        if (bulk->is_cut_short && !bulk->is_writing) {
            answer_unavailable(bulk->answer, &err);
            goes_on = false;
        } else {
            goes_on = answer_batch(bulk, &err);
        }
        free_batch(bulk);
    }
}

static struct bulk *bulk_create(const struct call *call, struct answer *answer) {
    struct bulk *bulk = calloc(1, sizeof(*bulk));
    ENSURE(bulk != NULL);
    bulk->store = resource_store(call);
    bulk->answer = answer;
    bulk->rest = call->body;
    bulk->now_s = call->now_ms / 1000;
    schemes_init(&bulk->schemes, &bulk->store);
    random_init(&bulk->random);
    bulk->seed = random_u64(&bulk->random);
    resource_outcome_init(&bulk->outcome);
    for (size_t i = 0; i < BATCH_ROWS_MAX; i++) {
        buf_init(&bulk->row[i].before_bytes, BEFORE_BYTES_MAX);
    }
    return bulk;
}

static void bulk_destroy(struct bulk **bulk) {
    for (size_t i = 0; i < BATCH_ROWS_MAX; i++) {
        buf_fini(&(*bulk)->row[i].before_bytes);
    }
    resource_outcome_fini(&(*bulk)->outcome);
    schemes_fini(&(*bulk)->schemes);
    free(*bulk);
    *bulk = NULL;
}

void call_links_bulk(const struct call *call, struct answer *answer) {
    static const char *const types[] = {"application/x-ndjson", "application/ndjson",
                                        "application/jsonl", NULL};
    static const char *const no_fields[] = {NULL};
    struct err err = {""};
    if (!resource_query(call, answer, no_fields) || !resource_takes(call, answer, types)) {
        return;
    }
    if (call->idempotency_key.data != NULL) {
        answer_problem(answer, 400, "Idempotency-Key",
                       "not for bulk: lines with codes of your own can be sent again as they are");
        return;
    }
    struct bulk *bulk = bulk_create(call, answer);
    if (edit_load(&bulk->store, &bulk->script, &err) == STORE_OK) {
        answer->status = 200;
        answer->content_type = "application/x-ndjson";
        run(bulk);
    } else {
        answer_unavailable(answer, &err);
    }
    bulk_destroy(&bulk);
}
