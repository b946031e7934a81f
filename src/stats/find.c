/*
 * find.c - see stats/find.h.
 *
 * One XRANGE of the click's millisecond a stream, all sent together. Every reply is read, also
 * behind the one that has the click: the pipe is left as it was met.
 */
#include "stats/find.h"

#include "base/buf.h"
#include "base/err.h"
#include "redis/pipe.h"
#include "stats/keys.h"

enum {
    KEY_BYTES_MAX = 512, /* of a stream's whole key; longer ones are nobody's */
    NAMES_BYTES_MAX = FIND_STREAMS_MAX * KEY_BYTES_MAX,
    NUMBER_BYTES = 24,
};

/* In the order of click_fields(). */
static const struct slice field_names[] = {
    {"id", 2},      {"at", 2},      {"code", 4},     {"campaign", 8}, {"owner", 5},
    {"kind", 4},    {"outcome", 7}, {"country", 7},  {"region", 6},   {"platform", 8},
    {"browser", 7}, {"in_app", 6},  {"language", 8}, {"referrer", 8}, {"source", 6},
    {"visitor", 7}, {"version", 7}, {"network", 7},  {"agent", 5},    {"rule", 4},
};

_Static_assert(ARRAY_COUNT(field_names) == CLICK_FIELD_COUNT, "the fields of a click");

/* What is looked for, and where it may stand. */
struct search {
    struct redis_pipe *pipe;
    char id[ULID_TEXT_SIZE];
    char ms_text[NUMBER_BYTES];
    struct slice ms;  /* of the id */
    struct buf names; /* the streams' keys, each with its size in two bytes before it */
    struct buf *bytes;
    struct found_click *found;
    bool is_found;
    struct err trouble; /* why a stream could not be looked at; empty: all could */
};

static bool list_streams(struct search *search, struct slice key_prefix, struct err *err);
static bool ask(struct search *search, struct err *err);
static bool look(struct search *search, struct slice stream, struct err *err);
static struct slice next_name(struct slice *rest);

enum find_result find_click(struct redis_pipe *pipe, struct slice key_prefix, const struct ulid *id,
                            struct found_click *found, struct err *err) {
    struct search search = {.pipe = pipe, .bytes = found->bytes, .found = found};
    struct buf ms = buf_over(search.ms_text, sizeof(search.ms_text));
    ulid_format(id, search.id);
    buf_append_u64(&ms, ulid_unix_ms(id));
    search.ms = buf_slice(&ms);
    buf_init(&search.names, NAMES_BYTES_MAX);
    bool is_good = redis_pipe_connect(pipe, err) && list_streams(&search, key_prefix, err) &&
                   ask(&search, err);
    struct slice rest = buf_slice(&search.names);
    while (is_good && rest.size > 0) {
        is_good = look(&search, next_name(&rest), err);
    }
    buf_fini(&search.names);
    if (!is_good) {
        return FIND_FAILED;
    }
    if (search.is_found) {
        return FIND_FOUND;
    }
    if (search.trouble.text[0] != '\0') {
        err_set(err, "%s", search.trouble.text);
        return FIND_FAILED;
    }
    return FIND_NONE;
}

struct slice found_click_value(const struct found_click *found, const char *name) {
    for (size_t i = 0; i < CLICK_FIELD_COUNT; i++) {
        if (slice_equal(field_names[i], slice_of(name))) {
            return found->value[i];
        }
    }
    return SLICE_EMPTY;
}

/* ---- streams ---- */

static bool list_streams(struct search *search, struct slice key_prefix, struct err *err) {
    char text[KEY_BYTES_MAX];
    struct buf key = buf_over(text, sizeof(text));
    if (!stats_key(&key, key_prefix, "streams")) {
        return err_set(err, "redis.prefix is too long");
    }
    struct slice members[] = {SLICE("SMEMBERS"), buf_slice(&key)};
    const struct redis_reply *reply = redis_pipe_command(search->pipe, 2, members, err);
    if (reply == NULL) {
        return false;
    }
    struct slice error = redis_reply_text(reply);
    if (!redis_reply_is_array(reply)) {
        return err_set(err, "%.*s: %.*s", SLICE_ARG(buf_slice(&key)),
                       SLICE_ARG(slice_first(error, 200)));
    }
    if (redis_reply_count(reply) > FIND_STREAMS_MAX) {
        return err_set(err, "%.*s has more than %d members: too many to look through",
                       SLICE_ARG(buf_slice(&key)), FIND_STREAMS_MAX);
    }
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        struct slice name = redis_reply_text(redis_reply_at(reply, i));
        if (name.size > 0 && name.size <= KEY_BYTES_MAX) {
            uint16_t size = (uint16_t)name.size;
            buf_append_bytes(&search->names, &size, sizeof(size));
            buf_append(&search->names, name);
        }
    }
    return !search->names.overflowed || err_set(err, "the names of streams are too long");
}

static struct slice next_name(struct slice *rest) {
    uint16_t size;
    memcpy(&size, rest->data, sizeof(size));
    struct slice name = slice_make(rest->data + sizeof(size), size);
    *rest = slice_from(*rest, sizeof(size) + size);
    return name;
}

static bool ask(struct search *search, struct err *err) {
    char text[NUMBER_BYTES];
    struct buf count = buf_over(text, sizeof(text));
    buf_append_u64(&count, FIND_ENTRIES_MAX + 1);
    struct slice rest = buf_slice(&search->names);
    while (rest.size > 0) {
        struct slice range[] = {SLICE("XRANGE"), next_name(&rest), search->ms,
                                search->ms,      SLICE("COUNT"),   buf_slice(&count)};
        if (!redis_pipe_append(search->pipe, ARRAY_COUNT(range), range)) {
            redis_pipe_disconnect(search->pipe); /* what was queued is not to be sent later */
            return err_set(err, "the connection to Redis was lost");
        }
    }
    return true;
}

/* ---- entries ---- */

/* "MS-SEQUENCE" */
static bool read_id(struct slice text, struct found_click *found) {
    struct slice ms = slice_split(&text, '-');
    return slice_to_u64(ms, UINT64_MAX, &found->ms) &&
           slice_to_u64(text, UINT64_MAX, &found->sequence);
}

/* The value of a field, or empty. Texts that no edge writes are none. */
static struct slice value_of(const struct redis_reply *fields, struct slice name) {
    for (size_t i = 0; i + 1 < redis_reply_count(fields); i += 2) {
        if (slice_equal(redis_reply_text(redis_reply_at(fields, i)), name)) {
            struct slice value = redis_reply_text(redis_reply_at(fields, i + 1));
            return value.size <= CLICK_TEXT_BYTES_MAX ? value : SLICE_EMPTY;
        }
    }
    return SLICE_EMPTY;
}

/* Copies the entry; slices are made when all bytes stand, since the buffer moves as it grows. */
static bool take(struct search *search, struct slice stream, const struct redis_reply *fields) {
    struct found_click *found = search->found;
    struct buf *bytes = search->bytes;
    size_t begins[CLICK_FIELD_COUNT];
    for (size_t i = 0; i < CLICK_FIELD_COUNT; i++) {
        found->value[i] = value_of(fields, field_names[i]);
        begins[i] = bytes->size;
        buf_append(bytes, found->value[i]);
    }
    size_t stream_begins = bytes->size;
    buf_append(bytes, stream);
    if (bytes->overflowed) {
        return false;
    }
    for (size_t i = 0; i < CLICK_FIELD_COUNT; i++) {
        found->value[i].data = bytes->data + begins[i];
    }
    found->stream = slice_make(bytes->data + stream_begins, stream.size);
    return true;
}

/* Reads a stream's reply; false when there are no more to read. */
static bool look(struct search *search, struct slice stream, struct err *err) {
    const struct redis_reply *reply = redis_pipe_read(search->pipe, err);
    struct slice id = slice_make(search->id, sizeof(search->id));
    if (reply == NULL) {
        return false;
    }
    if (search->is_found) {
        return true;
    }
    struct slice error = slice_first(redis_reply_text(reply), 200);
    if (!redis_reply_is_array(reply)) {
        err_set(&search->trouble, "%.*s: %.*s", SLICE_ARG(slice_first(stream, 200)),
                SLICE_ARG(error));
    }
    size_t count = redis_reply_count(reply);
    if (count > FIND_ENTRIES_MAX) {
        err_set(&search->trouble, "%.*s has more than %d entries of that millisecond",
                SLICE_ARG(slice_first(stream, 200)), FIND_ENTRIES_MAX);
        count = FIND_ENTRIES_MAX;
    }
    for (size_t i = 0; i < count && !search->is_found; i++) {
        const struct redis_reply *entry = redis_reply_at(reply, i);
        const struct redis_reply *fields = redis_reply_at(entry, 1);
        if (!slice_equal(value_of(fields, SLICE("id")), id) ||
            !read_id(redis_reply_text(redis_reply_at(entry, 0)), search->found)) {
            continue;
        }
        search->is_found = take(search, stream, fields);
        if (!search->is_found) {
            err_set(&search->trouble, "the click is larger than there is room for");
            return true;
        }
    }
    return true;
}
