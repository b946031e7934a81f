/*
 * conf.c - from a file and overrides to a struct conf.
 *
 *   file ──► inih ──► take_pair() ──┐
 *                                   ├──► check_value() ──► struct conf
 *   -o section.key=value ───────────┘
 *
 * inih cuts lines into section, name and value; it would cut long lines and long names short in
 * silence, so its lines come from a reader of ours, which hands it no line that it cannot hold.
 * Debian builds inih with its options as variables of the process: they are set before each use,
 * so that nothing but this file decides what the format is.
 *
 * Threads   As conf/conf.h says: one at a time, for inih's variables.
 * Limits    Those of conf/conf.h; the first error ends the reading.
 */
#include "conf/conf.h"

#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "check.h"
#include "key.h"

enum {
    INI_LINE_ROOM = CONF_LINE_BYTES_MAX + 3, /* line feed, carriage return, NUL */
    NAME_BYTES_MAX = 128,                    /* of a section.name given by a user */
};

/* What one reading of a text knows. */
struct reading {
    struct conf *conf;
    const char *name;
    struct slice rest; /* of the text */
    struct err *err;
    unsigned line; /* the one that inih was handed last */
    bool failed;
};

static struct conf *create_with_defaults(const char *file);
static bool read_text(struct conf *conf, struct slice text, const char *name, struct err *err);
static void set_up_inih(void);
static char *hand_out_line(char *out, int capacity, void *stream);
static int take_pair(void *user, const char *section, const char *name, const char *value);
static bool take_value(struct reading *reading, const char *section, const char *name,
                       struct slice value);
static bool apply_overrides(struct conf *conf, const struct conf_source *source, struct err *err);
static bool apply_override(struct conf *conf, struct slice override, struct err *err);
static bool set_value(struct conf *conf, enum conf_key key, struct slice value, struct err *err);
static char *copy_text(struct slice text);
static unsigned line_of(struct slice text, size_t offset);
static bool is_missing(const char *path);

struct conf *conf_read(const struct conf_source *source, struct err *err) {
    const char *path = source->path != NULL ? source->path : CONF_DEFAULT_PATH;
    if (source->path == NULL && is_missing(path)) {
        return conf_read_text(SLICE_EMPTY, path, source, err);
    }
    struct buf text;
    buf_init(&text, CONF_FILE_BYTES_MAX);
    struct conf *conf = NULL;
    if (file_read(path, &text, err)) {
        conf = conf_read_text(buf_slice(&text), path, source, err);
    }
    buf_fini(&text);
    return conf;
}

struct conf *conf_read_text(struct slice text, const char *name, const struct conf_source *source,
                            struct err *err) {
    struct conf *conf = create_with_defaults(name);
    if (!read_text(conf, text, name, err) || !apply_overrides(conf, source, err)) {
        conf_destroy(&conf);
    }
    return conf;
}

void conf_destroy(struct conf **conf) {
    if (*conf == NULL) {
        return;
    }
    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        free((*conf)->text[i]);
    }
    free((*conf)->file);
    free(*conf);
    *conf = NULL;
}

bool conf_refuse(const struct conf *conf, enum conf_key key, struct err *err) {
    const char *name = conf_key_name(key);
    if (conf->line[key] == CONF_LINE_DEFAULT) {
        return err_prefix(err, "the default of %s", name);
    }
    if (conf->line[key] == CONF_LINE_OVERRIDE) {
        return err_prefix(err, "-o: %s", name);
    }
    return err_prefix(err, "%s:%u: %s", conf->file, conf->line[key], name);
}

size_t conf_needs_restart(const struct conf *old_conf, const struct conf *new_conf,
                          enum conf_key *keys, size_t capacity) {
    size_t count = 0;
    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        bool by_number = key_table[i].kind == KEY_NUMBER || key_table[i].kind == KEY_CHOICE ||
                         key_table[i].kind == KEY_CHOICES;
        bool same = by_number ? old_conf->number[i] == new_conf->number[i]
                              : strcmp(old_conf->text[i], new_conf->text[i]) == 0;
        if (same || key_table[i].reloadable) {
            continue;
        }
        if (count < capacity) {
            keys[count] = (enum conf_key)i;
        }
        count++;
    }
    return count;
}

static struct conf *create_with_defaults(const char *file) {
    struct conf *conf = calloc(1, sizeof *conf);
    ENSURE(conf != NULL);
    conf->file = copy_text(slice_of(file));
    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        bool default_is_allowed =
            set_value(conf, (enum conf_key)i, slice_of(key_table[i].preset), NULL);
        ENSURE(default_is_allowed);
    }
    return conf;
}

static bool read_text(struct conf *conf, struct slice text, const char *name, struct err *err) {
    if (text.size > CONF_FILE_BYTES_MAX) {
        return err_set(err, "%s: larger than %d bytes", name, CONF_FILE_BYTES_MAX);
    }
    const char *nul = text.size > 0 ? memchr(text.data, '\0', text.size) : NULL;
    if (nul != NULL) {
        return err_set(err, "%s:%u: a NUL byte; this is not a text file", name,
                       line_of(text, (size_t)(nul - text.data)));
    }
    struct reading reading = {.conf = conf, .name = name, .rest = text, .err = err};
    set_up_inih();
    int line = ini_parse_stream(hand_out_line, &reading, take_pair, &reading);
    if (reading.failed) {
        return false;
    }
    if (line != 0) {
        return err_set(err, "%s:%d: neither [section], name = value, nor a comment", name, line);
    }
    return true;
}

static void set_up_inih(void) {
    ini_allow_multiline = false; /* an indented line is a line like any other */
    ini_allow_bom = true;
    ini_allow_inline_comments = false; /* a URL may hold a ; */
    ini_allow_no_value = false;
    ini_stop_on_first_error = true;
    ini_use_stack = false;
    ini_allow_realloc = false;
    ini_max_line = INI_LINE_ROOM;
    ini_initial_alloc = INI_LINE_ROOM;
}

/* fgets() for inih, but one that never hands out a part of a line. */
static char *hand_out_line(char *out, int capacity, void *stream) {
    struct reading *reading = stream;
    if (reading->rest.size == 0 || reading->failed) {
        return NULL;
    }
    reading->line++;
    struct slice line = slice_split(&reading->rest, '\n');
    if (line.size > 0 && line.data[line.size - 1] == '\r') {
        line.size--;
    }
    if (line.size > CONF_LINE_BYTES_MAX || line.size + 2 > (size_t)capacity) {
        reading->failed = true;
        err_set(reading->err, "%s:%u: the line is longer than %d bytes", reading->name,
                reading->line, CONF_LINE_BYTES_MAX);
        return NULL;
    }
    if (line.size > 0) {
        memcpy(out, line.data, line.size);
    }
    memcpy(out + line.size, "\n", 2);
    return out;
}

static int take_pair(void *user, const char *section, const char *name, const char *value) {
    struct reading *reading = user;
    if (!take_value(reading, section, name, slice_trim(slice_of(value)))) {
        err_prefix(reading->err, "%s:%u", reading->name, reading->line);
        reading->failed = true;
    }
    return !reading->failed;
}

static bool take_value(struct reading *reading, const char *section, const char *name,
                       struct slice value) {
    if (section[0] == '\0') {
        return err_set(reading->err, "%.64s: stands before the first [section]", name);
    }
    char full_name_storage[NAME_BYTES_MAX];
    struct buf full_name = buf_over(full_name_storage, sizeof full_name_storage);
    buf_append(&full_name, slice_of(section));
    buf_append_char(&full_name, '.');
    buf_append(&full_name, slice_of(name));
    enum conf_key key;
    if (!conf_key_find(buf_slice(&full_name), &key, reading->err)) {
        return err_prefix(reading->err, "%.*s", SLICE_ARG(buf_slice(&full_name)));
    }
    unsigned *line = &reading->conf->line[key];
    if (*line != CONF_LINE_DEFAULT) {
        return err_set(reading->err, "%s: stands on line %u, too; a key may stand once",
                       conf_key_name(key), *line);
    }
    *line = reading->line;
    return set_value(reading->conf, key, value, reading->err);
}

static bool apply_overrides(struct conf *conf, const struct conf_source *source, struct err *err) {
    for (size_t i = 0; source != NULL && i < source->override_count; i++) {
        if (!apply_override(conf, slice_of(source->overrides[i]), err)) {
            return err_prefix(err, "-o");
        }
    }
    return true;
}

static bool apply_override(struct conf *conf, struct slice override, struct err *err) {
    struct slice value = override;
    struct slice name = slice_split(&value, '=');
    bool has_value = name.size < override.size;
    name = slice_trim(name);
    enum conf_key key;
    if (!conf_key_find(name, &key, err)) {
        return err_prefix(err, "%.*s", SLICE_ARG(slice_first(name, NAME_BYTES_MAX)));
    }
    if (!has_value) {
        return err_set(err, "%s: no value; section.key=value is what is wanted",
                       conf_key_name(key));
    }
    conf->line[key] = CONF_LINE_OVERRIDE;
    return set_value(conf, key, slice_trim(value), err);
}

static bool set_value(struct conf *conf, enum conf_key key, struct slice value, struct err *err) {
    uint64_t number;
    if (!check_value(&key_table[key], value, &number, err)) {
        return err_prefix(err, "%s", conf_key_name(key));
    }
    free(conf->text[key]);
    conf->text[key] = copy_text(value);
    conf->number[key] = number;
    return true;
}

static char *copy_text(struct slice text) {
    char *copy = malloc(text.size + 1);
    ENSURE(copy != NULL);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    copy[text.size] = '\0';
    return copy;
}

static unsigned line_of(struct slice text, size_t offset) {
    unsigned line = 1;
    for (size_t i = 0; i < offset; i++) {
        line += text.data[i] == '\n';
    }
    return line;
}

static bool is_missing(const char *path) {
    return access(path, F_OK) != 0 && errno == ENOENT;
}
