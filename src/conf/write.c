/*
 * write.c - a configuration as text that can be read again, and as JSON.
 *
 * The prose of conf/keys.h becomes comments, so that what a key means, what it may be and what
 * it is stand in one place, wherever that is looked for.
 *
 * A password in redis.url is never written: what `brinco config` prints ends up in tickets.
 *
 * Threads   Pure functions.
 */
#include <string.h>

#include "base/buf.h"
#include "base/defs.h"
#include "check.h"
#include "conf/conf.h"
#include "key.h"

static void write_key(enum conf_key key, struct slice value, struct buf *out);
static void write_json_key(enum conf_key key, struct slice value, struct buf *out);
static void write_json_member(const char *name, struct slice value, struct buf *out);
static struct slice value_of(const struct conf *conf, enum conf_key key);
static struct slice password_of(enum conf_key key, struct slice value);
static void write_masked(enum conf_key key, struct slice value, struct buf *out);

void conf_write(const struct conf *conf, struct buf *out) {
    buf_append(out, SLICE("; Configuration of brinco: every key with its meaning, what is allowed "
                          "and its default.\n"
                          "; A comment stands on a line of its own; a value is all that stands "
                          "behind the =.\n"));
    const char *section = "";
    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        if (strcmp(section, key_table[i].section) != 0) {
            section = key_table[i].section;
            buf_printf(out, "\n[%s]\n", section);
        }
        write_key((enum conf_key)i, value_of(conf, (enum conf_key)i), out);
    }
}

void conf_write_json(const struct conf *conf, struct buf *out) {
    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        buf_append_char(out, i == 0 ? '{' : ',');
        write_json_key((enum conf_key)i, value_of(conf, (enum conf_key)i), out);
    }
    buf_append(out, SLICE("}\n"));
}

void conf_write_value(const struct conf *conf, enum conf_key key, struct buf *out) {
    write_masked(key, value_of(conf, key), out);
}

static void write_key(enum conf_key key, struct slice value, struct buf *out) {
    const struct key *row = &key_table[key];
    buf_printf(out, "\n; %s\n; Allowed: ", row->prose);
    check_describe(row, out);
    buf_printf(out, ".\n; Default: %s. A change %s.\n",
               row->preset[0] != '\0' ? row->preset : "empty",
               row->reloadable ? "is applied by SIGHUP" : "needs a restart");
    if (password_of(key, value).size > 0) {
        buf_append(out, SLICE("; The password is not shown: write the real one "
                              "in place of " CONF_PASSWORD_MASK ".\n"));
    }
    buf_append(out, slice_of(row->name));
    buf_append(out, value.size > 0 ? SLICE(" = ") : SLICE(" ="));
    write_masked(key, value, out);
    buf_append_char(out, '\n');
}

static void write_json_key(enum conf_key key, struct slice value, struct buf *out) {
    const struct key *row = &key_table[key];
    char storage[CONF_TEXT_BYTES_MAX + 8];
    struct buf text = buf_over(storage, sizeof storage);
    buf_printf(out, "\"%s\":{", row->full_name);
    write_masked(key, value, &text);
    write_json_member("value", buf_slice(&text), out);
    buf_append_char(out, ',');
    write_json_member("default", slice_of(row->preset), out);
    buf_append_char(out, ',');
    buf_clear(&text);
    check_describe(row, &text);
    write_json_member("allowed", buf_slice(&text), out);
    buf_append_char(out, ',');
    write_json_member("meaning", slice_of(row->prose), out);
    buf_printf(out, ",\"reloadable\":%s}", row->reloadable ? "true" : "false");
}

static void write_json_member(const char *name, struct slice value, struct buf *out) {
    buf_printf(out, "\"%s\":\"", name);
    buf_append_json(out, value);
    buf_append_char(out, '"');
}

static struct slice value_of(const struct conf *conf, enum conf_key key) {
    return slice_of(conf != NULL ? conf->text[key] : key_table[key].preset);
}

/* The part of a redis.url between the first colon of its user information and the last @, for a
 * password that someone forgot to encode may hold anything. Empty: there is none. */
static struct slice password_of(enum conf_key key, struct slice value) {
    size_t scheme_end = slice_find(value, SLICE("://"));
    if (key != CONF_redis_url || scheme_end == SIZE_MAX) {
        return SLICE_EMPTY;
    }
    struct slice rest = slice_from(value, scheme_end + 3);
    size_t at = rest.size;
    while (at > 0 && rest.data[at - 1] != '@') {
        at--;
    }
    size_t colon = slice_find(rest, SLICE(":"));
    bool is_path = rest.size > 0 && rest.data[0] == '/';
    if (is_path || at == 0 || colon >= at - 1) {
        return SLICE_EMPTY;
    }
    return slice_make(rest.data + colon + 1, at - 1 - (colon + 1));
}

static void write_masked(enum conf_key key, struct slice value, struct buf *out) {
    struct slice password = password_of(key, value);
    if (password.size == 0) {
        buf_append(out, value);
        return;
    }
    size_t before = (size_t)(password.data - value.data);
    buf_append(out, slice_first(value, before));
    buf_append(out, SLICE(CONF_PASSWORD_MASK));
    buf_append(out, slice_from(value, before + password.size));
}
