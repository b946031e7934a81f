/*
 * rules_private.h - rules in three steps, so that a campaign can keep them in its own block:
 * private to the room.
 *
 *   rules_parse ──► JSON ──► rules_pack(NULL): is it good, how many bytes ──► rules_pack(memory)
 */
#ifndef RULES_PRIVATE_H
#define RULES_PRIVATE_H

#include <stddef.h>

#include "base/slice.h"
#include "link/rules.h"

struct buf;
struct err;
struct json_t;

/* Where the parts of a struct rules go, one behind the other; without memory they are counted. */
struct rules_packer {
    char *memory; /* aligned as for malloc(); NULL: counts */
    size_t used;
};

/* Aligned bytes; NULL while they are counted. */
void *rules_take(struct rules_packer *packer, size_t size);

/* A copy; the text itself while bytes are counted. */
struct slice rules_take_text(struct rules_packer *packer, struct slice text);

/* json_decref() it. NULL and err (may be NULL) when it is too long or no JSON array. */
struct json_t *rules_parse(struct slice json, struct err *err);

/* Checks it and returns how many bytes it takes; writes a struct rules there when memory is given,
 * which must have so many. 0 and err (may be NULL): it makes no sense. */
size_t rules_pack(const struct json_t *root, const struct rules_terms *terms, void *memory,
                  struct err *err);

/* What was checked, as it is stored. False when out is full. */
bool rules_dump(const struct json_t *root, struct buf *out);

/* rules_read.c: one rule. Its name is there already, for when it has none of its own. */
struct rules_reader {
    const struct rules_terms *terms;
    struct rules_packer *packer;
    struct err *err;
};
#define RULES_TO_ALLOWED                                                                           \
    "allowed are android, ios, web, fallback, desktop, and URLs like https://example.com/"
bool rules_read_one(struct rules_reader *reader, const struct json_t *object, struct rule *rule);

/* What the readers of single members read into, beside the value. */
struct rules_place {
    struct rules_reader *reader;
    struct rule *rule;
};

/* rules_words.c: a string's bytes, and the conditions that are words. */
struct slice rules_text_of(const struct json_t *value);
bool rules_read_platform(const struct json_t *value, struct rules_place *place);
bool rules_read_country(const struct json_t *value, struct rules_place *place);
bool rules_read_region(const struct json_t *value, struct rules_place *place);
bool rules_read_language(const struct json_t *value, struct rules_place *place);
bool rules_read_in_app(const struct json_t *value, struct rules_place *place);
bool rules_read_days(const struct json_t *value, struct rules_place *place);

/* The members of a rule, in the order in which they are stored; NULL ends them. */
const char *rules_member_name(size_t index);

#endif
