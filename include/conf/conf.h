/*
 * conf/conf.h - the configuration, read and checked.
 *
 * An INI file, then `-o section.key=value` on top. An unknown key, a bad value or an unreadable
 * file is one sentence that names file, line, key and what is allowed; nothing is used then. A
 * struct conf is a plain value: reload makes a new one and compares.
 *
 *   ; a comment stands on a line of its own, behind ; or #
 *   [section]
 *   name = value
 *
 * A value is all that stands behind the = without the spaces around it: a ; in it is part of it,
 * nothing is quoted, no line continues another. A key stands once. Environment variables are
 * not read.
 *
 * Threads   conf_read() and conf_read_text() from one thread at a time (inih's settings are the
 *           process'); a struct conf may be read by any number.
 * Limits    A file of CONF_FILE_BYTES_MAX, a line of CONF_LINE_BYTES_MAX without its line end.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "conf/keys.h"

struct buf;
struct err;

enum {
    CONF_TEXT_BYTES_MAX = 4096,
    CONF_LINE_BYTES_MAX = CONF_TEXT_BYTES_MAX + 128,
    CONF_FILE_BYTES_MAX = 1024 * 1024,
};

#define CONF_DEFAULT_PATH "conf/brinco.conf"

#define CONF_KEY_ENUM(section, name, ...) CONF_##section##_##name,
enum conf_key { CONF_KEYS(CONF_KEY_ENUM) CONF_KEY_COUNT };

#define CONF_LINE_DEFAULT  0u       /* the value is the key's default */
#define CONF_LINE_OVERRIDE UINT_MAX /* it was given with -o */

/* What stands for a password in redis.url wherever that is shown. */
#define CONF_PASSWORD_MASK "***"

struct conf {
    uint64_t number[CONF_KEY_COUNT]; /* NUMBER; CHOICE: index of the word; CHOICES: bits */
    char *text[CONF_KEY_COUNT];      /* as written (or the default), never NULL; the conf's own */
    char *file;                      /* what was read, as messages name it */
    unsigned line[CONF_KEY_COUNT];   /* of file, from 1; or CONF_LINE_... */
};

#define CONF_ROLE_EDGE      1u /* bits of serve.roles, in the order of its choices */
#define CONF_ROLE_COLLECTOR 2u
#define CONF_ROLE_API       4u

/* Where the values come from. path NULL: CONF_DEFAULT_PATH, which may be missing; a path that is
 * given must be readable. overrides: "section.key=value", the last one wins. */
struct conf_source {
    const char *path;
    const char *const *overrides;
    size_t override_count;
};

/* NULL and err when something is not allowed. */
MUST_CHECK struct conf *conf_read(const struct conf_source *source, struct err *err);
void conf_destroy(struct conf **conf);

/* For those who use a value and find more wrong with it than conf/ could know. Puts before the
 * sentence in err what is meant: "conf/brinco.conf:12: redis.url: ", "-o: redis.url: " or "the
 * default of redis.url: ". Returns false. */
bool conf_refuse(const struct conf *conf, enum conf_key key, struct err *err);

/* For tests and the fuzzer: text instead of a file (source->path is not looked at); name stands
 * for the path in messages. */
MUST_CHECK struct conf *conf_read_text(struct slice text, const char *name,
                                       const struct conf_source *source, struct err *err);

/* The same as an INI file, every key with its prose, range and default before it: what `brinco
 * config` prints and conf/brinco.conf holds. conf NULL: the defaults. A password in redis.url is
 * written as CONF_PASSWORD_MASK, with a comment that says so. */
void conf_write(const struct conf *conf, struct buf *out);

/* One JSON object: {"edge.workers":{"value":"0","default":"0","allowed":…,"meaning":…,
 * "reloadable":false},…}. */
void conf_write_json(const struct conf *conf, struct buf *out);

/* One value as text, a password in redis.url as CONF_PASSWORD_MASK. */
void conf_write_value(const struct conf *conf, enum conf_key key, struct buf *out);

/* Keys whose values differ and that a reload cannot apply: returns how many, the first capacity
 * of them in keys. */
size_t conf_needs_restart(const struct conf *old_conf, const struct conf *new_conf,
                          enum conf_key *keys, size_t capacity);

/* "edge.listen". */
const char *conf_key_name(enum conf_key key);

/* False, with a sentence that suggests the nearest name, when no key is called so. */
MUST_CHECK bool conf_key_find(struct slice name, enum conf_key *key, struct err *err);

/* One address of an ADDRESSES value: host (or IPv6 without brackets) and port. */
struct conf_address {
    char host[256];
    uint16_t port; /* 0: any free one */
};

/* Cuts the next one off *rest. False at the end; a malformed list cannot be in a struct conf. */
MUST_CHECK bool conf_next_address(struct slice *rest, struct conf_address *address);

#endif
