/*
 * redis/resp.c - see resp.h.
 *
 *   bytes ──► framing: lines, strings ──► hiredis' reader ──► replies
 *     │                  └─ too long: skipped, "-TOOLARGE" instead  ▲
 *     └─ lent, between two replies: flat.h ─────────────────────────┘
 *
 * What is fed goes through a framing of our own, which knows of every line and string where it
 * ends and to which reply it belongs. A string that would take its reply over the limit is told
 * by its header: hiredis is given an error in its place and never sees the bytes. When that
 * error comes out again, the whole reply is replaced by it.
 *
 * hiredis makes reply objects through a table of functions. A reader of ours uses hiredis' own
 * table but for createArray and createString, which are asked first: the one refuses an array
 * that would take the reply over its element limit, and hiredis then reports the reply as
 * broken; the other notices the error that stands for what was skipped.
 */
#include "resp.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "flat.h"
#include "redis/url.h"

enum {
    HEADER_BYTES_MAX = 32,            /* of the line before a string or an array */
    STRING_BYTES_MAX = 1 << 30,       /* announced; Redis' proto-max-bulk-len is half of it */
    ELEMENT_BYTES = HEADER_BYTES_MAX, /* what is not in strings, by element of the limit */
};

struct resp_reader {
    redisReader *reader;
    redisReplyObjectFunctions functions;
    void *(*create_array)(const redisReadTask *, int);
    void *(*create_string)(const redisReadTask *, char *, size_t);
    redisReply *reply; /* what the caller looks at; NULL: nothing, or too_large */
    size_t bytes;      /* given to hiredis and not yet part of a finished reply */
    size_t bytes_max;
    size_t elements; /* of the reply that hiredis reads */
    size_t elements_max;
    bool has_skipped; /* what hiredis reads has a string that was skipped */

    struct slice lent; /* what is left of it */
    struct flat flat;

    /* The framing. */
    uint64_t items;      /* lines and strings still to come of the reply that arrives */
    size_t string_bytes; /* of the reply that arrives, without those skipped */
    size_t body;         /* bytes still to come of a string, its CRLF included */
    bool skips_body;
    bool is_skipping; /* the reply that arrives has a string that is skipped */
    bool is_garbage;  /* what came is not RESP2: nothing more is taken in */
    bool is_in_line;  /* one that is not a header */
    size_t header_size;
    char header[HEADER_BYTES_MAX];
};

static const struct slice skipped = SLICE("-TOOLARGE\r\n");
static const redisReply too_large = {
    .type = REDIS_REPLY_ERROR,
    .str = "TOOLARGE the reply has a string beyond the limit",
    .len = sizeof("TOOLARGE the reply has a string beyond the limit") - 1,
};

static bool take_flat(struct resp_reader *reader);
static bool take_rest_of_reply(struct resp_reader *reader);
static enum resp_result next_of_hiredis(struct resp_reader *reader,
                                        const struct redis_reply **reply);
static bool take_item(struct resp_reader *reader, struct slice *rest);
static void *create_array_bounded(const redisReadTask *task, int elements);
static void *create_string_noticed(const redisReadTask *task, char *text, size_t size);

bool resp_append_command(struct buf *out, size_t argument_count, const struct slice *arguments) {
    size_t size = 32;
    for (size_t i = 0; i < argument_count; i++) {
        size += arguments[i].size + 32;
    }
    if (out->capacity - out->size < size && !buf_reserve(out, size)) {
        out->overflowed = false; /* nothing was cut: the command is left out whole */
        return false;
    }
    buf_append_char(out, '*');
    buf_append_u64(out, argument_count);
    for (size_t i = 0; i < argument_count; i++) {
        buf_append(out, SLICE("\r\n$"));
        buf_append_u64(out, arguments[i].size);
        buf_append(out, SLICE("\r\n"));
        buf_append(out, arguments[i]);
    }
    buf_append(out, SLICE("\r\n"));
    return true;
}

bool resp_append_greeting(struct buf *out, const struct redis_url *url, size_t *command_count) {
    *command_count = 0;
    if (url->password[0] != '\0') {
        struct slice arguments[3] = {SLICE("AUTH")};
        size_t count = 1;
        if (url->user[0] != '\0') {
            arguments[count++] = slice_of(url->user);
        }
        arguments[count++] = slice_of(url->password);
        if (!resp_append_command(out, count, arguments)) {
            return false;
        }
        ++*command_count;
    }
    if (url->db != 0) {
        char digits[8];
        struct buf number = buf_over(digits, sizeof(digits));
        buf_append_u64(&number, url->db);
        if (!resp_append_command(out, 2, (struct slice[]){SLICE("SELECT"), buf_slice(&number)})) {
            return false;
        }
        ++*command_count;
    }
    return true;
}

struct resp_reader *resp_reader_create(size_t reply_bytes_max, size_t reply_elements_max) {
    struct resp_reader *reader = calloc(1, sizeof(*reader));
    ENSURE(reader != NULL);
    reader->reader = redisReaderCreate();
    ENSURE(reader->reader != NULL);
    reader->functions = *reader->reader->fn;
    reader->create_array = reader->functions.createArray;
    reader->functions.createArray = create_array_bounded;
    reader->create_string = reader->functions.createString;
    reader->functions.createString = create_string_noticed;
    reader->reader->fn = &reader->functions;
    reader->reader->privdata = reader;
    reader->bytes_max = reply_bytes_max;
    reader->elements_max = reply_elements_max;
    flat_init(&reader->flat);
    return reader;
}

void resp_reader_destroy(struct resp_reader **reader) {
    if (*reader != NULL) {
        freeReplyObject((*reader)->reply);
        redisReaderFree((*reader)->reader);
        free(*reader);
        *reader = NULL;
    }
}

bool resp_reader_feed(struct resp_reader *reader, const void *data, size_t size) {
    struct slice rest = slice_make(data, size);
    while (rest.size > 0 && !reader->is_garbage) {
        if (!take_item(reader, &rest)) {
            return false;
        }
    }
    return true;
}

void resp_reader_lend(struct resp_reader *reader, struct slice bytes) {
    ENSURE(reader->lent.size == 0);
    reader->lent = bytes;
}

enum resp_result resp_reader_next(struct resp_reader *reader, const struct redis_reply **reply) {
    if (reader->reply != NULL) {
        freeReplyObject(reader->reply);
        reader->reply = NULL;
    }
    bool is_between_replies = reader->bytes == 0 && reader->items == 0;
    if (reader->lent.size > 0 && is_between_replies && take_flat(reader)) {
        *reply = (const struct redis_reply *)(const void *)&reader->flat.reply;
        return RESP_REPLY;
    }
    enum resp_result result = next_of_hiredis(reader, reply);
    /* Where a line ends in a bare line feed, hiredis takes a reply to go on that the framing takes
     * to be whole: then it gets more. */
    while (result == RESP_MORE && reader->lent.size > 0) {
        result = take_rest_of_reply(reader) ? next_of_hiredis(reader, reply) : RESP_BROKEN;
    }
    return result;
}

static bool take_flat(struct resp_reader *reader) {
    size_t size = flat_read(&reader->flat, reader->lent,
                            (struct flat_limits){reader->bytes_max, reader->elements_max});
    reader->lent = slice_from(reader->lent, size);
    return size > 0;
}

/* Passes on, of what is lent, what belongs to the reply that it begins with or goes on with. */
static bool take_rest_of_reply(struct resp_reader *reader) {
    bool is_fine = true;
    do {
        is_fine = take_item(reader, &reader->lent);
    } while (is_fine && reader->items > 0 && reader->lent.size > 0 && !reader->is_garbage);
    return is_fine;
}

static enum resp_result next_of_hiredis(struct resp_reader *reader,
                                        const struct redis_reply **reply) {
    void *next = NULL;
    if (redisReaderGetReply(reader->reader, &next) != REDIS_OK) {
        return RESP_BROKEN;
    }
    if (next == NULL) {
        return reader->is_garbage ? RESP_BROKEN : RESP_MORE;
    }
    reader->reply = next;
    reader->bytes = reader->reader->len - reader->reader->pos;
    reader->elements = 0;
    *reply = (const struct redis_reply *)next;
    if (reader->has_skipped) {
        reader->has_skipped = false;
        *reply = resp_too_large();
    }
    return RESP_REPLY;
}

bool resp_reader_is_skipping(const struct resp_reader *reader) {
    return reader->is_skipping;
}

const struct redis_reply *resp_too_large(void) {
    return (const struct redis_reply *)(const void *)&too_large;
}

bool resp_is_too_large(const struct redis_reply *reply) {
    return redis_reply_is_error(reply) &&
           slice_starts_with(redis_reply_text(reply), SLICE("TOOLARGE"));
}

/* ---- the framing ---- */

/* Gives hiredis bytes; false when it has too many of them. */
static bool pass_on(struct resp_reader *reader, struct slice bytes) {
    reader->bytes += bytes.size;
    return reader->bytes <= reader->bytes_max + (reader->elements_max + 1) * ELEMENT_BYTES &&
           redisReaderFeed(reader->reader, bytes.data, bytes.size) == REDIS_OK;
}

static struct slice take(struct slice *rest, size_t size) {
    struct slice first = slice_first(*rest, size);
    *rest = slice_from(*rest, size);
    return first;
}

static void end_item(struct resp_reader *reader) {
    reader->items--;
    if (reader->items == 0) {
        reader->string_bytes = 0;
        reader->is_skipping = false;
    }
}

/* What stands for a skipped string is passed on behind its last byte, so that no reply is whole
 * before all of it has come. */
static bool take_body(struct resp_reader *reader, struct slice *rest) {
    struct slice bytes = take(rest, reader->body);
    bool is_fine = reader->skips_body || pass_on(reader, bytes);
    reader->body -= bytes.size;
    if (reader->body == 0) {
        is_fine = is_fine && (!reader->skips_body || pass_on(reader, skipped));
        end_item(reader);
    }
    return is_fine;
}

/* The number of a header, at least -1; false when it is none. */
static bool read_header(const struct resp_reader *reader, int64_t *number) {
    struct slice line = slice_make(reader->header, reader->header_size);
    uint64_t value = 0;
    if (line.size < 4 || line.data[line.size - 2] != '\r') {
        return false;
    }
    struct slice digits = slice_make(line.data + 1, line.size - 3);
    bool is_nil = slice_equal(digits, SLICE("-1"));
    if (!is_nil && !slice_to_u64(digits, INT32_MAX, &value)) {
        return false;
    }
    *number = is_nil ? -1 : (int64_t)value;
    return true;
}

/* A header is whole: what it announces is let through, or skipped. */
static bool end_header(struct resp_reader *reader) {
    struct slice line = slice_make(reader->header, reader->header_size);
    int64_t number;
    bool is_string = line.data[0] == '$';
    if (!read_header(reader, &number) || (is_string && number > STRING_BYTES_MAX)) {
        reader->is_garbage = true;
        return true;
    }
    reader->header_size = 0;
    if (!is_string && number > 0) {
        reader->items += (uint64_t)number - 1;
        return pass_on(reader, line);
    }
    if (!is_string || number < 0) {
        end_item(reader);
        return pass_on(reader, line);
    }
    reader->body = (size_t)number + 2;
    reader->skips_body = (size_t)number > reader->bytes_max - reader->string_bytes;
    if (reader->skips_body) {
        reader->is_skipping = true;
        return true;
    }
    reader->string_bytes += (size_t)number;
    return pass_on(reader, line);
}

/* A line, or what is there of it. Headers are kept back until they are whole. */
static bool take_line(struct resp_reader *reader, struct slice *rest) {
    ENSURE(rest->data != NULL);
    const char *end = memchr(rest->data, '\n', rest->size);
    struct slice part = take(rest, end != NULL ? (size_t)(end - rest->data) + 1 : rest->size);
    char type = reader->header_size > 0 ? reader->header[0] : part.data[0];

    reader->items += reader->items == 0;
    if (!reader->is_in_line && (type == '$' || type == '*')) {
        if (part.size > sizeof(reader->header) - reader->header_size) {
            reader->is_garbage = true;
            return true;
        }
        memcpy(reader->header + reader->header_size, part.data, part.size);
        reader->header_size += part.size;
        return end == NULL || end_header(reader);
    }
    if (!reader->is_in_line && type != '+' && type != '-' && type != ':') {
        reader->is_garbage = true;
        return true;
    }
    reader->is_in_line = end == NULL;
    if (end != NULL) {
        end_item(reader);
    }
    return pass_on(reader, part);
}

static bool take_item(struct resp_reader *reader, struct slice *rest) {
    return reader->body > 0 ? take_body(reader, rest) : take_line(reader, rest);
}

/* ---- what hiredis asks ---- */

static void *create_array_bounded(const redisReadTask *task, int elements) {
    struct resp_reader *reader = task->privdata;
    if (elements < 0 || reader->elements + (size_t)elements > reader->elements_max) {
        return NULL;
    }
    reader->elements += (size_t)elements;
    return reader->create_array(task, elements);
}

static void *create_string_noticed(const redisReadTask *task, char *text, size_t size) {
    struct resp_reader *reader = task->privdata;
    if (task->type == REDIS_REPLY_ERROR && slice_equal(slice_make(text, size), SLICE("TOOLARGE"))) {
        reader->has_skipped = true;
    }
    return reader->create_string(task, text, size);
}

/* ---- finding the end ---- */

enum { SHORT_STRING_BYTES_MAX = 5 + 99 + 2 };

enum walk_line { LINE_ITEM, LINE_MORE, LINE_BROKEN };

/* The line at line..end: how many items it announces, and where the next one begins. */
static enum walk_line walk_line(const char *line, const char *end, uint64_t *items,
                                const char **next) {
    const char *c = line + 1;
    uint64_t number = 0;
    *items = 0;
    if (*line == '+' || *line == '-' || *line == ':') {
        const char *feed = memchr(c, '\n', (size_t)(end - c));
        *next = feed != NULL ? feed + 1 : NULL;
        return feed != NULL ? LINE_ITEM : LINE_MORE;
    }
    bool is_nil = c < end && *c == '-';
    for (c += is_nil; c < end && *c >= '0' && *c <= '9' && number < INT32_MAX; c++) {
        number = number * 10 + (uint64_t)(*c - '0');
    }
    if (c + 1 >= end) {
        return c - line < HEADER_BYTES_MAX ? LINE_MORE : LINE_BROKEN;
    }
    if ((*line != '$' && *line != '*') || c == line + 1 + is_nil || c[0] != '\r' || c[1] != '\n' ||
        number > INT32_MAX || (is_nil && number != 1)) {
        return LINE_BROKEN;
    }
    *next = c + 2;
    if (*line == '*') {
        *items = is_nil ? 0 : number;
    } else if (!is_nil) {
        *next = number + 2 <= (uint64_t)(end - *next) ? *next + number + 2 : NULL;
    }
    return *next != NULL ? LINE_ITEM : LINE_MORE;
}

/* The size of a string of one or two digits with its header, which is what nearly everything is; 0
 * when it is something else. */
static inline size_t short_string(const char *at) {
    unsigned first = (unsigned char)(at[1] - '0');
    unsigned second = (unsigned char)(at[2] - '0');
    if (at[0] != '$' || first > 9) {
        return 0;
    }
    if (at[2] == '\r' && at[3] == '\n') {
        return 4 + first + 2;
    }
    return second <= 9 && at[3] == '\r' && at[4] == '\n' ? 5 + first * 10 + second + 2 : 0;
}

enum resp_result resp_walk(struct resp_walk *walk, struct slice input) {
    const char *end = input.data + input.size;
    uint64_t items = walk->is_begun ? walk->items : 1;
    const char *at = input.data + walk->at;
    enum walk_line result = LINE_ITEM;
    while (items > 0 && at < end) {
        uint64_t more;
        const char *next;
        size_t size = end - at > SHORT_STRING_BYTES_MAX ? short_string(at) : 0;
        if (size > 0) {
            at += size;
            items--;
            continue;
        }
        result = walk_line(at, end, &more, &next);
        if (result != LINE_ITEM) {
            break;
        }
        items += more - 1;
        at = next;
    }
    walk->is_begun = true;
    walk->items = items;
    walk->at = (size_t)(at - input.data);
    if (result == LINE_BROKEN) {
        return RESP_BROKEN;
    }
    return items == 0 ? RESP_REPLY : RESP_MORE;
}
