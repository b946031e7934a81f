/*
 * link/store.c - links and campaigns, written and read with plain commands.
 *
 * Both are a hash with a fixed list of fields, so one set of functions serves both: struct shape
 * says which prefix, which names, how many. A write is one MULTI, so that a reader never sees
 * half of it.
 */
#include "link/store.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "field.h"
#include "link/code.h"
#include "link/template.h"
#include "redis/pipe.h"
#include "scheme.h"

enum {
    FIELDS_MAX = (int)CAMPAIGN_FIELD_COUNT > (int)LINK_FIELD_COUNT ? (int)CAMPAIGN_FIELD_COUNT
                                                                   : (int)LINK_FIELD_COUNT,
    KEY_BYTES_MAX = 256,
    PATTERN_BYTES_MAX = 2 * KEY_BYTES_MAX,
    VALUES_BYTES_MAX = 64 * 1024 * 1024,
    WALK_KEYS_BYTES_MAX = 64 * 1024 * 1024, /* a page holds more keys than asked for at times */
};

struct shape {
    struct slice prefix; /* behind redis.prefix */
    const char *what;
    size_t count;
    const char *(*name)(size_t field);
};

static const char *link_name(size_t field) {
    return link_field_name((enum link_field)field);
}

static const char *campaign_name(size_t field) {
    return campaign_field_name((enum campaign_field)field);
}

static const struct shape links = {{"link:", 5}, "code", LINK_FIELD_COUNT, link_name};
static const struct shape campaigns = {
    {"campaign:", 9}, "campaign", CAMPAIGN_FIELD_COUNT, campaign_name};

/* --- keys ----------------------------------------------------------------------------------- */

/* False, and err set, when id is none. */
static bool make_key(const struct store *store, const struct shape *shape, struct slice id,
                     struct buf *key, struct err *err) {
    struct err why = {""};
    if (!field_check_id(id, &why)) {
        return err_set(err, "%s: %s", shape->what, why.text);
    }
    ENSURE(buf_append(key, store->key_prefix) && buf_append(key, shape->prefix) &&
           buf_append(key, id));
    return true;
}

/* --- single commands ------------------------------------------------------------------------ */

static enum store_result answer_of(const struct redis_reply *reply, struct err *err) {
    if (reply == NULL) {
        return STORE_FAILED;
    }
    if (redis_reply_is_error(reply)) {
        struct slice text = redis_reply_text(reply);
        err_set(err, "Redis says: %.*s", SLICE_ARG(slice_first(text, 300)));
        return slice_starts_with(text, SLICE("WRONGTYPE")) ? STORE_REFUSED : STORE_FAILED;
    }
    return STORE_OK;
}

static enum store_result delete_hash(struct store *store, const struct shape *shape,
                                     struct slice id, struct err *err) {
    char bytes[KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    if (!make_key(store, shape, id, &key, err)) {
        return STORE_REFUSED;
    }
    const struct slice command[] = {SLICE("DEL"), buf_slice(&key)};
    const struct redis_reply *reply =
        redis_pipe_command(store->pipe, ARRAY_COUNT(command), command, err);
    enum store_result result = answer_of(reply, err);
    return result == STORE_OK && redis_reply_integer(reply) == 0 ? STORE_NOT_FOUND : result;
}

static size_t fields_command(const struct shape *shape, struct slice key,
                             struct slice command[2 + FIELDS_MAX]) {
    command[0] = SLICE("HMGET");
    command[1] = key;
    for (size_t i = 0; i < shape->count; i++) {
        command[2 + i] = slice_of(shape->name(i));
    }
    return 2 + shape->count;
}

/* The buffer may move while it grows, so slices are taken only when all is in it. */
static bool copy_values(struct slice *values, size_t count, struct buf *scratch) {
    size_t offsets[FIELDS_MAX];
    for (size_t i = 0; i < count; i++) {
        offsets[i] = scratch->size;
        if (!buf_append(scratch, values[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (values[i].data != NULL) {
            values[i].data = scratch->data + offsets[i];
        }
    }
    return true;
}

/* Where the values of one hash go: the slices lie in scratch. */
struct values {
    struct slice *value;
    struct buf *scratch;
};

static enum store_result get_hash(struct store *store, const struct shape *shape, struct slice id,
                                  struct values values, struct err *err) {
    char bytes[KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    struct slice command[2 + FIELDS_MAX];
    if (!make_key(store, shape, id, &key, err)) {
        return STORE_REFUSED;
    }
    size_t arguments = fields_command(shape, buf_slice(&key), command);
    const struct redis_reply *reply = redis_pipe_command(store->pipe, arguments, command, err);
    enum store_result result = answer_of(reply, err);
    if (result != STORE_OK) {
        return result;
    }
    if (!field_read_reply(reply, values.value, shape->count)) {
        return STORE_NOT_FOUND;
    }
    if (!copy_values(values.value, shape->count, values.scratch)) {
        err_set(err, "the values of %.*s are too large", SLICE_ARG(id));
        return STORE_REFUSED;
    }
    return STORE_OK;
}

/* --- writing -------------------------------------------------------------------------------- */

/* Queues HSET of the values that are given and HDEL of those that are given empty. */
static bool append_changes(struct store *store, const struct shape *shape, struct slice key,
                           const struct slice *values, size_t *commands) {
    struct slice set[2 + 2 * FIELDS_MAX] = {SLICE("HSET"), key};
    struct slice delete[2 + FIELDS_MAX] = {SLICE("HDEL"), key};
    size_t set_count = 2;
    size_t delete_count = 2;
    for (size_t i = 0; i < shape->count; i++) {
        struct slice name = slice_of(shape->name(i));
        if (values[i].data != NULL && values[i].size > 0) {
            set[set_count++] = name;
            set[set_count++] = values[i];
        } else if (values[i].data != NULL) {
            delete[delete_count++] = name;
        }
    }
    *commands += (set_count > 2 ? 1u : 0u) + (delete_count > 2 ? 1u : 0u);
    return (set_count == 2 || redis_pipe_append(store->pipe, set_count, set)) &&
           (delete_count == 2 || redis_pipe_append(store->pipe, delete_count, delete));
}

static bool append_created_at(struct store *store, struct slice key) {
    char now[24];
    int size = snprintf(now, sizeof(now), "%" PRIu64, clock_real_ms() / 1000);
    const struct slice command[] = {SLICE("HSETNX"), key, SLICE("created_at"),
                                    slice_make(now, (size_t)size)};
    return redis_pipe_append(store->pipe, ARRAY_COUNT(command), command);
}

/* Reads the replies of a MULTI with so many commands in it; the first error is the result's. */
static enum store_result read_transaction(struct store *store, size_t commands, struct err *err) {
    enum store_result result = STORE_OK;
    for (size_t i = 0; i < commands + 2; i++) {
        const struct redis_reply *reply = redis_pipe_read(store->pipe, err);
        if (reply == NULL) {
            return STORE_FAILED;
        }
        for (size_t part = 0; part < redis_reply_count(reply) && result == STORE_OK; part++) {
            result = answer_of(redis_reply_at(reply, part), err);
        }
        result = result == STORE_OK ? answer_of(reply, err) : result;
    }
    return result;
}

static enum store_result set_hash(struct store *store, const struct shape *shape, struct slice key,
                                  const struct slice *values, struct err *err) {
    const struct slice multi[] = {SLICE("MULTI")};
    const struct slice exec[] = {SLICE("EXEC")};
    size_t commands = 0;
    bool has_values = false;
    for (size_t i = 0; i < shape->count; i++) {
        has_values = has_values || values[i].size > 0;
    }
    bool is_created = shape == &links && has_values;
    bool is_queued = redis_pipe_append(store->pipe, 1, multi) &&
                     append_changes(store, shape, key, values, &commands) &&
                     (!is_created || append_created_at(store, key)) &&
                     redis_pipe_append(store->pipe, 1, exec);
    if (!is_queued) {
        redis_pipe_disconnect(store->pipe);
        err_set(err, "the connection to Redis is lost, or the values are too large");
        return STORE_FAILED;
    }
    return read_transaction(store, commands + (is_created ? 1 : 0), err);
}

/* A list that makes no sense (written by other hands) allows nothing, as when it is read. */
static struct slice sensible(struct slice schemes) {
    return scheme_list_check(schemes, NULL) ? schemes : SLICE_EMPTY;
}

/* The words of a campaign's field schemes, which lie in scratch. */
struct schemes {
    struct slice words;
    struct buf scratch;
};

/* Empty when there is no such campaign. */
static enum store_result read_schemes(struct store *store, struct slice campaign,
                                      struct schemes *schemes, struct err *err) {
    struct campaign_fields fields;
    schemes->words = SLICE_EMPTY;
    if (!code_is_valid(campaign)) {
        return STORE_OK;
    }
    enum store_result result = store_campaign_get(store, campaign, &fields, &schemes->scratch, err);
    if (result == STORE_OK) {
        schemes->words = sensible(fields.value[CAMPAIGN_FIELD_SCHEMES]);
    }
    return result == STORE_FAILED ? STORE_FAILED : STORE_OK;
}

/* What a field will hold: what is given, or else what is there. */
static struct slice merged(struct slice given, struct slice present) {
    return given.data != NULL ? given : present;
}

/* Looks at the link as it will be: it must lead somewhere, and a url, given or already there, may
 * have a scheme that only its campaign lists. */
static enum store_result check_link(struct store *store, const struct link_fields *fields,
                                    const struct link_fields *present, struct err *err) {
    struct slice campaign =
        merged(fields->value[LINK_FIELD_CAMPAIGN], present->value[LINK_FIELD_CAMPAIGN]);
    struct slice url = merged(fields->value[LINK_FIELD_URL], present->value[LINK_FIELD_URL]);
    if (campaign.size == 0 && url.size == 0) {
        err_set(err, "it would lead nowhere: a link needs a campaign or a url");
        return STORE_REFUSED;
    }
    struct link_fields whole = *fields;
    struct schemes schemes = {.words = SLICE_EMPTY};
    buf_init(&schemes.scratch, VALUES_BYTES_MAX);
    enum store_result result = STORE_OK;
    if (fields->value[LINK_FIELD_URL].data != NULL ||
        fields->value[LINK_FIELD_CAMPAIGN].data != NULL) {
        whole.value[LINK_FIELD_URL] = url;
        if (!template_scheme_is_allowed(url, SLICE_EMPTY)) {
            result = read_schemes(store, campaign, &schemes, err);
        }
    }
    for (size_t i = 0; i < LINK_FIELD_COUNT && result == STORE_OK; i++) {
        if (!link_field_check((enum link_field)i, whole.value[i], schemes.words, err)) {
            result = STORE_REFUSED;
        }
    }
    buf_fini(&schemes.scratch);
    return result;
}

enum store_result store_link_set(struct store *store, struct slice code,
                                 const struct link_fields *fields, struct err *err) {
    char bytes[KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    if (!make_key(store, &links, code, &key, err)) {
        return STORE_REFUSED;
    }
    struct link_fields present = {0};
    struct buf scratch;
    buf_init(&scratch, VALUES_BYTES_MAX);
    enum store_result result = store_link_get(store, code, &present, &scratch, err);
    if (result == STORE_OK || result == STORE_NOT_FOUND) {
        result = check_link(store, fields, &present, err);
    }
    buf_fini(&scratch);
    return result == STORE_OK ? set_hash(store, &links, buf_slice(&key), fields->value, err)
                              : result;
}

enum store_result store_link_get(struct store *store, struct slice code, struct link_fields *fields,
                                 struct buf *scratch, struct err *err) {
    return get_hash(store, &links, code, (struct values){fields->value, scratch}, err);
}

enum store_result store_link_delete(struct store *store, struct slice code, struct err *err) {
    return delete_hash(store, &links, code, err);
}

/* Other schemes must still allow the templates that stay. Those that make no sense anyway are not
 * in the way: they are marked when they are read. */
static bool check_schemes(const struct campaign_fields *fields,
                          const struct campaign_fields *present, struct err *err) {
    const enum campaign_field templates[] = {CAMPAIGN_FIELD_ANDROID, CAMPAIGN_FIELD_IOS,
                                             CAMPAIGN_FIELD_WEB, CAMPAIGN_FIELD_FALLBACK};
    for (size_t i = 0; i < ARRAY_COUNT(templates); i++) {
        struct slice stays = present->value[templates[i]];
        if (fields->value[templates[i]].data == NULL &&
            template_scheme_is_allowed(stays, present->value[CAMPAIGN_FIELD_SCHEMES]) &&
            !template_scheme_is_allowed(stays, fields->value[CAMPAIGN_FIELD_SCHEMES])) {
            return err_set(err, "schemes: without the one that %s uses; change %s first",
                           campaign_field_name(templates[i]), campaign_field_name(templates[i]));
        }
    }
    return true;
}

enum store_result store_campaign_set(struct store *store, struct slice id,
                                     const struct campaign_fields *fields, struct err *err) {
    char bytes[KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    if (!make_key(store, &campaigns, id, &key, err)) {
        return STORE_REFUSED;
    }
    struct campaign_fields present = {0};
    struct buf scratch;
    buf_init(&scratch, VALUES_BYTES_MAX);
    enum store_result result = store_campaign_get(store, id, &present, &scratch, err);
    result = result == STORE_NOT_FOUND ? STORE_OK : result;
    struct slice given = fields->value[CAMPAIGN_FIELD_SCHEMES];
    struct slice schemes = sensible(merged(given, present.value[CAMPAIGN_FIELD_SCHEMES]));
    for (size_t i = 0; i < CAMPAIGN_FIELD_COUNT && result == STORE_OK; i++) {
        if (!campaign_field_check((enum campaign_field)i, fields->value[i], schemes, err)) {
            result = STORE_REFUSED;
        }
    }
    if (result == STORE_OK && given.data != NULL && !check_schemes(fields, &present, err)) {
        result = STORE_REFUSED;
    }
    buf_fini(&scratch);
    return result == STORE_OK ? set_hash(store, &campaigns, buf_slice(&key), fields->value, err)
                              : result;
}

enum store_result store_campaign_get(struct store *store, struct slice id,
                                     struct campaign_fields *fields, struct buf *scratch,
                                     struct err *err) {
    return get_hash(store, &campaigns, id, (struct values){fields->value, scratch}, err);
}

enum store_result store_campaign_delete(struct store *store, struct slice id, struct err *err) {
    return delete_hash(store, &campaigns, id, err);
}

/* --- walking -------------------------------------------------------------------------------- */

struct walk {
    struct store *store;
    const struct shape *shape;
    const struct store_walk *visitor;
    char cursor[24]; /* SCAN's, decimal */
    struct buf keys; /* of a page, one behind the other, each ended by a line feed */
    bool is_stopped;
};

/* Glob characters of the prefix stand for themselves. */
static void append_pattern(struct buf *pattern, struct slice text) {
    for (size_t i = 0; i < text.size; i++) {
        if (memchr("*?[]\\", text.data[i], 5) != NULL) {
            buf_append_char(pattern, '\\');
        }
        buf_append_char(pattern, text.data[i]);
    }
}

/* Keeps the keys of one page whose names can be ours. */
static bool read_page(struct walk *walk, const struct redis_reply *reply, struct err *err) {
    struct slice next = redis_reply_text(redis_reply_at(reply, 0));
    const struct redis_reply *keys = redis_reply_at(reply, 1);
    size_t prefix = walk->store->key_prefix.size + walk->shape->prefix.size;
    if (next.size == 0 || next.size >= sizeof(walk->cursor)) {
        return err_set(err, "Redis answers SCAN with something else");
    }
    memcpy(walk->cursor, next.data, next.size);
    walk->cursor[next.size] = '\0';
    buf_clear(&walk->keys);
    for (size_t i = 0; i < redis_reply_count(keys); i++) {
        struct slice key = redis_reply_text(redis_reply_at(keys, i));
        bool is_ours = code_is_valid(slice_from(key, prefix));
        if (is_ours && !(buf_append(&walk->keys, key) && buf_append_char(&walk->keys, '\n'))) {
            return err_set(err, "Redis answers SCAN with too many keys at once");
        }
    }
    return true;
}

static enum store_result scan_page(struct walk *walk, struct err *err) {
    char bytes[PATTERN_BYTES_MAX];
    struct buf pattern = buf_over(bytes, sizeof(bytes));
    append_pattern(&pattern, walk->store->key_prefix);
    buf_append(&pattern, walk->shape->prefix);
    buf_append_char(&pattern, '*');
    const struct slice command[] = {SLICE("SCAN"),       slice_of(walk->cursor), SLICE("MATCH"),
                                    buf_slice(&pattern), SLICE("COUNT"),         SLICE("1000")};
    const struct redis_reply *reply =
        redis_pipe_command(walk->store->pipe, ARRAY_COUNT(command), command, err);
    enum store_result result = answer_of(reply, err);
    return result == STORE_OK && !read_page(walk, reply, err) ? STORE_FAILED : result;
}

static bool visit(struct walk *walk, struct slice id, const struct slice *values) {
    if (walk->shape == &links) {
        struct link_fields fields;
        memcpy(fields.value, values, sizeof(fields.value));
        return walk->visitor->each_link(walk->visitor->argument, id, &fields);
    }
    struct campaign_fields fields;
    memcpy(fields.value, values, sizeof(fields.value));
    return walk->visitor->each_campaign(walk->visitor->argument, id, &fields);
}

/* Asks for all hashes of the page at once; what is no hash, or gone since, is passed over. */
static enum store_result visit_page(struct walk *walk, struct err *err) {
    struct slice command[2 + FIELDS_MAX];
    struct slice values[FIELDS_MAX];
    size_t prefix = walk->store->key_prefix.size + walk->shape->prefix.size;
    for (struct slice rest = buf_slice(&walk->keys); rest.size > 0;) {
        size_t arguments = fields_command(walk->shape, slice_split(&rest, '\n'), command);
        if (!redis_pipe_append(walk->store->pipe, arguments, command)) {
            err_set(err, "the connection to Redis is lost");
            return STORE_FAILED;
        }
    }
    for (struct slice rest = buf_slice(&walk->keys); rest.size > 0;) {
        struct slice id = slice_from(slice_split(&rest, '\n'), prefix);
        const struct redis_reply *reply = redis_pipe_read(walk->store->pipe, err);
        if (reply == NULL) {
            return STORE_FAILED;
        }
        if (!walk->is_stopped && field_read_reply(reply, values, walk->shape->count)) {
            walk->is_stopped = !visit(walk, id, values);
        }
    }
    return STORE_OK;
}

static enum store_result walk_all(struct store *store, const struct shape *shape,
                                  const struct store_walk *visitor, struct err *err) {
    struct walk walk = {.store = store, .shape = shape, .visitor = visitor, .cursor = "0"};
    enum store_result result;
    buf_init(&walk.keys, WALK_KEYS_BYTES_MAX);
    do {
        result = scan_page(&walk, err);
        if (result == STORE_OK) {
            result = visit_page(&walk, err);
        }
    } while (result == STORE_OK && !walk.is_stopped && strcmp(walk.cursor, "0") != 0);
    buf_fini(&walk.keys);
    return result;
}

enum store_result store_walk_links(struct store *store, const struct store_walk *walk,
                                   struct err *err) {
    return walk_all(store, &links, walk, err);
}

enum store_result store_walk_campaigns(struct store *store, const struct store_walk *walk,
                                       struct err *err) {
    return walk_all(store, &campaigns, walk, err);
}
