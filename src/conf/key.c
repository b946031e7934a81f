/*
 * key.c - the table of keys, and finding one by its name.
 *
 * A name that is not there gets the nearest one as a suggestion (Levenshtein distance), because
 * what is wrong with an unknown key is nearly always one letter or one underscore.
 *
 * Threads   Constant data and pure functions.
 * Limits    Names longer than NAME_BYTES_MAX get no suggestion.
 */
#include "key.h"

#include <string.h>

#include "base/err.h"

enum {
    NAME_BYTES_MAX = 48,
    SUGGESTION_DISTANCE_MAX = 5, /* beyond that a suggestion is a guess */
};

#define KEY_ROW(section_, name_, kind_, preset_, minimum_, maximum_, unit_, reloadable_, prose_)   \
    {                                                                                              \
        .section = #section_,                                                                      \
        .name = #name_,                                                                            \
        .full_name = #section_ "." #name_,                                                         \
        .preset = (preset_),                                                                       \
        .minimum = (minimum_),                                                                     \
        .maximum = (maximum_),                                                                     \
        .unit = (unit_),                                                                           \
        .prose = (prose_),                                                                         \
        .kind = KEY_##kind_,                                                                       \
        .reloadable = (reloadable_),                                                               \
    },

const struct key key_table[CONF_KEY_COUNT] = {CONF_KEYS(KEY_ROW)};

static const char *nearest(struct slice name);
static size_t distance(struct slice a, struct slice b);

const char *conf_key_name(enum conf_key key) {
    ENSURE((size_t)key < CONF_KEY_COUNT);
    return key_table[key].full_name;
}

bool conf_key_find(struct slice name, enum conf_key *key, struct err *err) {
    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        if (slice_equal(name, slice_of(key_table[i].full_name))) {
            *key = (enum conf_key)i;
            return true;
        }
    }
    const char *suggestion = nearest(name);
    if (suggestion != NULL) {
        return err_set(err, "unknown key; did you mean %s?", suggestion);
    }
    return err_set(err, "unknown key; `brinco config` lists all there are");
}

bool key_next_word(struct slice *rest, struct slice *word) {
    static const char separators[] = " \t,";
    size_t begin = 0;
    while (begin < rest->size && strchr(separators, rest->data[begin]) != NULL) {
        begin++;
    }
    size_t end = begin;
    while (end < rest->size && strchr(separators, rest->data[end]) == NULL) {
        end++;
    }
    *word = slice_first(slice_from(*rest, begin), end - begin);
    *rest = slice_from(*rest, end);
    return word->size > 0;
}

uint64_t key_choice(const struct key *key, struct slice word) {
    struct slice rest = slice_of(key->unit);
    struct slice candidate;
    for (uint64_t i = 0; key_next_word(&rest, &candidate); i++) {
        if (slice_equal(candidate, word)) {
            return i;
        }
    }
    return UINT64_MAX;
}

static const char *nearest(struct slice name) {
    if (name.size == 0 || name.size > NAME_BYTES_MAX) {
        return NULL;
    }
    /* Whoever forgot the section meant one of the names without it. */
    bool has_section = slice_find(name, SLICE(".")) != SIZE_MAX;
    const char *best = NULL;
    size_t best_distance = SUGGESTION_DISTANCE_MAX + 1;
    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        const char *candidate = has_section ? key_table[i].full_name : key_table[i].name;
        size_t steps = distance(name, slice_of(candidate));
        /* A name of which more than half must change is another name. */
        if (steps < best_distance && steps * 2 < name.size) {
            best = key_table[i].full_name;
            best_distance = steps;
        }
    }
    return best;
}

/* Row by row of the usual table; row[j] is the distance of a's beginning to b's first j bytes. */
static size_t distance(struct slice a, struct slice b) {
    size_t row[NAME_BYTES_MAX + 1];
    ENSURE(b.size <= NAME_BYTES_MAX);
    for (size_t j = 0; j <= b.size; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            size_t changed = diagonal + (a.data[i - 1] != b.data[j - 1]);
            size_t shifted = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = changed < shifted ? changed : shifted;
        }
    }
    return row[b.size];
}
