/*
 * rules_words.c - conditions that are words: a string, or several of which one must fit.
 */
#include <jansson.h>
#include <string.h>

#include "base/defs.h"
#include "base/err.h"
#include "base/vocabulary.h"
#include "rules_private.h"

enum { DAYS = 7 };

struct slice rules_text_of(const json_t *value) {
    return slice_make(json_string_value(value), json_string_length(value));
}

static size_t word_count(const json_t *value) {
    return json_is_array(value) ? json_array_size(value) : 1;
}

/* SLICE_EMPTY when it is no string, or a long one. */
static struct slice word_at(const json_t *value, size_t index) {
    const json_t *word = json_is_array(value) ? json_array_get(value, index) : value;
    struct slice text = rules_text_of(word);
    return json_is_string(word) && text.size <= RULE_WORD_BYTES_MAX ? text : SLICE_EMPTY;
}

/* A string, or several; each is a word. allowed ends the sentence. */
static bool check_words(const json_t *value, bool (*is_word)(struct slice word),
                        const char *allowed, struct err *err) {
    size_t count = word_count(value);
    bool is_good = count > 0 && count <= RULE_WORDS_MAX;
    for (size_t i = 0; is_good && i < count; i++) {
        struct slice word = word_at(value, i);
        is_good = word.size > 0 && is_word(word);
    }
    return is_good ||
           err_set(err, "allowed are %s, or an array of up to %d of them", allowed, RULE_WORDS_MAX);
}

static void take_words(const json_t *value, struct rules_packer *packer, struct rule_words *words) {
    size_t count = word_count(value);
    struct slice *word = rules_take(packer, count * sizeof(*word));
    for (size_t i = 0; i < count; i++) {
        struct slice text = rules_take_text(packer, word_at(value, i));
        if (word != NULL) {
            word[i] = text;
        }
    }
    *words = (struct rule_words){word, count};
}

static unsigned platform_bit(struct slice word) {
    for (unsigned i = 0; i < TAP_PLATFORM_COUNT; i++) {
        if (slice_equal(word, slice_of(tap_platform_name((enum tap_platform)i)))) {
            return 1U << i;
        }
    }
    return 0;
}

static bool is_platform(struct slice word) {
    return platform_bit(word) != 0;
}

bool rules_read_platform(const json_t *value, struct rules_place *place) {
    if (!check_words(value, is_platform, "android, ios, windows, macos, linux and other",
                     place->reader->err)) {
        return false;
    }
    for (size_t i = 0; i < word_count(value); i++) {
        place->rule->platforms |= platform_bit(word_at(value, i));
    }
    return true;
}

static bool is_letter(char c) {
    return slice_lower_char(c) >= 'a' && slice_lower_char(c) <= 'z';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_letter_or_digit(char c) {
    return is_letter(c) || is_digit(c);
}

static bool consists_of(struct slice word, bool (*is_allowed)(char c)) {
    size_t i = 0;
    while (i < word.size && is_allowed(word.data[i])) {
        i++;
    }
    return i == word.size;
}

static bool is_country(struct slice word) {
    return word.size == 2 && consists_of(word, is_letter);
}

static bool is_region(struct slice word) {
    struct slice rest = word;
    struct slice country = slice_split(&rest, '-');
    struct slice region = country.size == word.size ? word : rest;
    return (country.size == word.size || is_country(country)) && region.size >= 1 &&
           region.size <= 3 && consists_of(region, is_letter_or_digit);
}

/* RFC 4647 section 2.1. */
static bool is_language(struct slice word) {
    if (slice_equal(word, SLICE("*"))) {
        return true;
    }
    struct slice rest = word;
    struct slice part = slice_split(&rest, '-');
    bool is_good = consists_of(part, is_letter) && word.data[word.size - 1] != '-';
    while (is_good && part.size >= 1 && part.size <= 8 && rest.size > 0) {
        part = slice_split(&rest, '-');
        is_good = consists_of(part, is_letter_or_digit);
    }
    return is_good && part.size >= 1 && part.size <= 8;
}

static bool is_of_container(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool is_container(struct slice word) {
    return consists_of(word, is_of_container);
}

bool rules_read_country(const json_t *value, struct rules_place *place) {
    if (!check_words(value, is_country, "two letters of ISO 3166-1, like MX", place->reader->err)) {
        return false;
    }
    take_words(value, place->reader->packer, &place->rule->countries);
    return true;
}

bool rules_read_region(const json_t *value, struct rules_place *place) {
    if (!check_words(value, is_region, "codes of ISO 3166-2, like CMX or MX-CMX",
                     place->reader->err)) {
        return false;
    }
    take_words(value, place->reader->packer, &place->rule->regions);
    return true;
}

/* What a tap's language can begin with (http_preferred_language()). */
static bool is_told_language(struct slice word) {
    struct slice region = word;
    struct slice primary = slice_split(&region, '-');
    bool is_good = primary.size >= 2 && primary.size <= 3 && consists_of(primary, is_letter);
    if (!is_good || primary.size == word.size) {
        return is_good || slice_equal(word, SLICE("*"));
    }
    return (region.size == 2 && consists_of(region, is_letter)) ||
           (region.size == 3 && consists_of(region, is_digit));
}

bool rules_read_language(const json_t *value, struct rules_place *place) {
    if (place->reader->terms->is_written &&
        !check_words(value, is_told_language,
                     "languages like es, es-MX and es-419 (without script or variant: nothing else "
                     "is known of a tap), * for any that is stated",
                     place->reader->err)) {
        return false;
    }
    if (!check_words(value, is_language, "languages like es or es-MX", place->reader->err)) {
        return false;
    }
    take_words(value, place->reader->packer, &place->rule->languages);
    return true;
}

bool rules_read_in_app(const json_t *value, struct rules_place *place) {
    if (!check_words(value, is_container, "any, none, and names of apps like instagram",
                     place->reader->err)) {
        return false;
    }
    take_words(value, place->reader->packer, &place->rule->in_app);
    return true;
}

static size_t day_of(struct slice text) {
    static const char *const names[DAYS] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    size_t day = 0;
    while (day < DAYS && !slice_equal_nocase(text, slice_of(names[day]))) {
        day++;
    }
    return day;
}

/* "mon" or "fri-mon" as a set of days; 0: it is neither. */
static unsigned days_of(struct slice text) {
    struct slice rest = text;
    size_t day = day_of(slice_split(&rest, '-'));
    size_t last = slice_find(text, SLICE("-")) == SIZE_MAX ? day : day_of(rest);
    if (day == DAYS || last == DAYS) {
        return 0;
    }
    unsigned days = 1U << day;
    while (day != last) {
        day = (day + 1) % DAYS;
        days |= 1U << day;
    }
    return days;
}

static bool is_days(struct slice text) {
    bool is_good = true;
    while (is_good && text.size > 0) {
        struct slice word = slice_split(&text, ' ');
        is_good = word.size == 0 || days_of(word) != 0;
    }
    return is_good;
}

bool rules_read_days(const json_t *value, struct rules_place *place) {
    if (!check_words(value, is_days, "mon tue wed thu fri sat sun and mon-fri",
                     place->reader->err)) {
        return false;
    }
    for (size_t i = 0; i < word_count(value); i++) {
        struct slice text = word_at(value, i);
        while (text.size > 0) {
            struct slice word = slice_split(&text, ' ');
            place->rule->days |= (uint8_t)(word.size > 0 ? days_of(word) : 0);
        }
    }
    return place->rule->days != 0 || err_set(place->reader->err, "there is no day in it");
}
