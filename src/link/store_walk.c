/*
 * store_walk.c - all links or campaigns, by SCAN: at one go, or a page at a time.
 *
 * SCAN promises that what exists throughout is seen at least once, and hands keys out in handfuls
 * that cannot be split: of the last one, what a page has no room for goes into its cursor. That
 * keeps the promise over pages, too, without anything being kept between them:
 *
 *   CURSOR = SCAN's own, "0" when it is through { "." ID }
 */
#include "link/store.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "field.h"
#include "link/code.h"
#include "redis/pipe.h"
#include "store_private.h"

enum {
    PATTERN_BYTES_MAX = 2 * STORE_KEY_BYTES_MAX,
    KEYS_BYTES_MAX = 64 * 1024 * 1024, /* a handful holds more keys than asked for at times */
    HANDFUL_KEYS = 1000,               /* asked for at once */
    SCAN_CURSOR_BYTES = 24,            /* decimal, of 64 bits */
};

struct walk {
    struct store *store;
    enum record_kind kind;
    bool (*each)(void *argument, struct slice id, const struct slice *values);
    void *argument;
    char cursor[SCAN_CURSOR_BYTES];
    struct buf keys; /* of a handful, one behind the other, each ended by a line feed */
};

static size_t prefix_bytes(const struct walk *walk) {
    return walk->store->key_prefix.size + record_shape(walk->kind)->key.size;
}

/* Glob characters of the prefix stand for themselves. */
static void append_pattern(struct buf *pattern, struct slice text) {
    for (size_t i = 0; i < text.size; i++) {
        if (memchr("*?[]\\", text.data[i], 5) != NULL) {
            buf_append_char(pattern, '\\');
        }
        buf_append_char(pattern, text.data[i]);
    }
}

/* Keeps the keys of one handful whose names can be ours. */
static bool keep_keys(struct walk *walk, const struct redis_reply *reply, struct err *err) {
    struct slice next = redis_reply_text(redis_reply_at(reply, 0));
    const struct redis_reply *keys = redis_reply_at(reply, 1);
    uint64_t number;
    if (next.size >= sizeof(walk->cursor) || !slice_to_u64(next, UINT64_MAX, &number)) {
        return err_set(err, "Redis answers SCAN with something else");
    }
    memcpy(walk->cursor, next.data, next.size);
    walk->cursor[next.size] = '\0';
    for (size_t i = 0; i < redis_reply_count(keys); i++) {
        struct slice key = redis_reply_text(redis_reply_at(keys, i));
        bool is_ours = code_is_valid(slice_from(key, prefix_bytes(walk)));
        if (is_ours && !(buf_append(&walk->keys, key) && buf_append_char(&walk->keys, '\n'))) {
            return err_set(err, "Redis answers SCAN with too many keys at once");
        }
    }
    return true;
}

static enum store_result scan(struct walk *walk, size_t count, struct err *err) {
    char bytes[PATTERN_BYTES_MAX];
    char digits[SCAN_CURSOR_BYTES];
    struct buf pattern = buf_over(bytes, sizeof(bytes));
    append_pattern(&pattern, walk->store->key_prefix);
    buf_append(&pattern, record_shape(walk->kind)->key);
    buf_append_char(&pattern, '*');
    snprintf(digits, sizeof(digits), "%zu", count);
    const struct slice command[] = {SLICE("SCAN"),       slice_of(walk->cursor), SLICE("MATCH"),
                                    buf_slice(&pattern), SLICE("COUNT"),         slice_of(digits)};
    const struct redis_reply *reply =
        redis_pipe_command(walk->store->pipe, ARRAY_COUNT(command), command, err);
    enum store_result result = store_answer(reply, err);
    return result == STORE_OK && !keep_keys(walk, reply, err) ? STORE_FAILED : result;
}

static bool ask_for_all(struct walk *walk, struct err *err) {
    struct slice command[2 + RECORD_FIELDS_MAX];
    for (struct slice rest = buf_slice(&walk->keys); rest.size > 0;) {
        size_t arguments =
            store_fields_command(record_shape(walk->kind), slice_split(&rest, '\n'), command);
        if (!redis_pipe_append(walk->store->pipe, arguments, command)) {
            redis_pipe_disconnect(walk->store->pipe);
            return err_set(err, "the connection to Redis is lost");
        }
    }
    return true;
}

static size_t count_keys(struct slice keys) {
    size_t count = 0;
    while (keys.size > 0) {
        slice_split(&keys, '\n');
        count++;
    }
    return count;
}

/* Asks for all hashes of the handful at once; what is no hash, or gone since, is passed over. Stops
 * when *room is used up and no more than spare keys are left, which stay in walk->keys. */
static enum store_result visit(struct walk *walk, size_t *room, size_t spare, struct err *err) {
    struct slice values[RECORD_FIELDS_MAX];
    struct slice rest = buf_slice(&walk->keys);
    size_t left = count_keys(rest);
    size_t unread = left;
    if (!ask_for_all(walk, err)) {
        return STORE_FAILED;
    }
    while (unread > 0) {
        const struct redis_reply *reply = redis_pipe_read(walk->store->pipe, err);
        if (reply == NULL) {
            return STORE_FAILED;
        }
        unread--;
        if (*room == 0 && left <= spare) {
            continue;
        }
        struct slice id = slice_from(slice_split(&rest, '\n'), prefix_bytes(walk));
        left--;
        if (field_read_reply(reply, values, record_shape(walk->kind)->count) &&
            walk->each(walk->argument, id, values) && *room > 0) {
            (*room)--;
        }
    }
    if (rest.size > 0) {
        memmove(walk->keys.data, rest.data, rest.size);
    }
    walk->keys.size = rest.size;
    return STORE_OK;
}

/* --- at one go ------------------------------------------------------------------------------ */

struct whole_walk {
    const struct store_walk *visitor;
    enum record_kind kind;
    bool is_stopped;
};

static bool pass_on(void *argument, struct slice id, const struct slice *values) {
    struct whole_walk *whole = argument;
    struct link_fields link;
    struct campaign_fields campaign;
    if (whole->is_stopped) {
        return false;
    }
    switch (whole->kind) {
    case RECORD_LINK:
        memcpy(link.value, values, sizeof(link.value));
        whole->is_stopped = !whole->visitor->each_link(whole->visitor->argument, id, &link);
        break;
    case RECORD_CAMPAIGN:
        memcpy(campaign.value, values, sizeof(campaign.value));
        whole->is_stopped = !whole->visitor->each_campaign(whole->visitor->argument, id, &campaign);
        break;
    }
    return !whole->is_stopped;
}

static enum store_result walk_all(struct store *store, enum record_kind kind,
                                  const struct store_walk *visitor, struct err *err) {
    struct whole_walk whole = {.visitor = visitor, .kind = kind};
    struct walk walk = {
        .store = store, .kind = kind, .each = pass_on, .argument = &whole, .cursor = "0"};
    enum store_result result;
    buf_init(&walk.keys, KEYS_BYTES_MAX);
    do {
        size_t room = SIZE_MAX;
        result = scan(&walk, HANDFUL_KEYS, err);
        if (result == STORE_OK) {
            result = visit(&walk, &room, 0, err);
        }
    } while (result == STORE_OK && !whole.is_stopped && strcmp(walk.cursor, "0") != 0);
    buf_fini(&walk.keys);
    return result;
}

enum store_result store_walk_links(struct store *store, const struct store_walk *walk,
                                   struct err *err) {
    return walk_all(store, RECORD_LINK, walk, err);
}

enum store_result store_walk_campaigns(struct store *store, const struct store_walk *walk,
                                       struct err *err) {
    return walk_all(store, RECORD_CAMPAIGN, walk, err);
}

/* --- a page at a time ----------------------------------------------------------------------- */

/* The cursor's ids become the first handful. */
static bool read_cursor(struct walk *walk, struct slice text, struct err *err) {
    const struct record_shape *shape = record_shape(walk->kind);
    struct slice number = slice_split(&text, '.');
    uint64_t parsed;
    size_t count = 0;
    bool is_good = number.size < sizeof(walk->cursor) && slice_to_u64(number, UINT64_MAX, &parsed);
    while (is_good && text.size > 0) {
        struct slice id = slice_split(&text, '.');
        is_good = code_is_valid(id) && ++count <= STORE_PAGE_CARRIED_MAX;
        if (is_good) {
            ENSURE(buf_append(&walk->keys, walk->store->key_prefix) &&
                   buf_append(&walk->keys, shape->key) && buf_append(&walk->keys, id) &&
                   buf_append_char(&walk->keys, '\n'));
        }
    }
    if (!is_good) {
        return err_set(err, "allowed is the next_cursor of the page before, as it is");
    }
    memcpy(walk->cursor, number.data, number.size);
    walk->cursor[number.size] = '\0';
    return true;
}

static void write_cursor(const struct walk *walk, struct buf *next) {
    struct slice rest = buf_slice(&walk->keys);
    if (rest.size == 0 && strcmp(walk->cursor, "0") == 0) {
        return;
    }
    buf_append(next, slice_of(walk->cursor));
    while (rest.size > 0) {
        buf_append_char(next, '.');
        buf_append(next, slice_from(slice_split(&rest, '\n'), prefix_bytes(walk)));
    }
    ENSURE(!next->overflowed);
}

/* Asks for as many as there is room for, and for more at once only while nothing turns up, so that
 * what a handful brings too many fits into the cursor. */
static enum store_result fill_page(struct walk *walk, size_t room, struct err *err) {
    size_t looked = 0;
    size_t count = room;
    enum store_result result = STORE_OK;
    while (result == STORE_OK && room > 0 && looked < STORE_PAGE_KEYS_MAX) {
        size_t room_before = room;
        size_t most = room + STORE_PAGE_CARRIED_MAX;
        count = count < most ? count : most;
        count = count < HANDFUL_KEYS ? count : HANDFUL_KEYS;
        looked += count;
        result = scan(walk, count, err);
        if (result == STORE_OK) {
            result = visit(walk, &room, STORE_PAGE_CARRIED_MAX, err);
        }
        if (strcmp(walk->cursor, "0") == 0) {
            break;
        }
        count = room < room_before ? room : 2 * count;
    }
    return result;
}

enum store_result store_page(struct store *store, enum record_kind kind,
                             const struct store_page *page, struct buf *next, struct err *err) {
    struct walk walk = {.store = store,
                        .kind = kind,
                        .each = page->each,
                        .argument = page->argument,
                        .cursor = "0"};
    ENSURE(page->limit >= 1 && page->limit <= STORE_PAGE_LIMIT_MAX);
    size_t room = page->limit;
    buf_init(&walk.keys, KEYS_BYTES_MAX);
    enum store_result result = STORE_OK;
    if (page->cursor.size > 0) {
        result = read_cursor(&walk, page->cursor, err)
                     ? visit(&walk, &room, STORE_PAGE_CARRIED_MAX, err)
                     : STORE_REFUSED;
    }
    bool is_through = page->cursor.size > 0 && strcmp(walk.cursor, "0") == 0;
    if (result == STORE_OK && !is_through) {
        result = fill_page(&walk, room, err);
    }
    if (result == STORE_OK) {
        write_cursor(&walk, next);
    }
    buf_fini(&walk.keys);
    return result;
}
