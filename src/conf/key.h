/*
 * key.h - the rows of conf/keys.h as data, for the code that reads, checks and writes them.
 */
#ifndef CONF_KEY_H
#define CONF_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "conf/conf.h"

enum key_kind {
    KEY_NUMBER,
    KEY_CHOICE,
    KEY_CHOICES,
    KEY_NAME,
    KEY_PREFIX,
    KEY_ZONE,
    KEY_PATH,
    KEY_WEB_URL,
    KEY_REDIS_URL,
    KEY_ADDRESSES,
    KEY_NETWORKS,
    KEY_HOSTS,
};

struct key {
    const char *section;
    const char *name;
    const char *full_name; /* section.name */
    const char *preset;    /* the default, as a value is written */
    uint64_t minimum;
    uint64_t maximum;
    const char *unit;
    const char *prose;
    enum key_kind kind;
    bool reloadable;
};

/* In the order of the table, which is that of enum conf_key. */
extern const struct key key_table[CONF_KEY_COUNT];

/* Cuts the next word off *rest, which spaces, tabs or commas separate. False at the end. */
bool key_next_word(struct slice *rest, struct slice *word);

/* Index of the word among those that unit lists, or UINT64_MAX. */
uint64_t key_choice(const struct key *key, struct slice word);

#endif
