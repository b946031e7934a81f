/*
 * association_words.c - as a campaign's fields are checked (link/campaign.h), for what is in Redis
 * may be anything.
 */
#include "association_words.h"

#include "association_apps.h"

enum { TEAM_BYTES = 10 };

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Two parts or more, each a letter and then letters, digits and underscores. */
bool association_is_package(struct slice word) {
    size_t dots = 0;
    bool begins = true;
    if (word.size > ASSOCIATION_PACKAGE_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < word.size; i++) {
        char c = word.data[i];
        bool is_dot = c == '.';
        bool is_allowed = begins ? is_letter(c) : is_dot || is_letter(c) || is_digit(c) || c == '_';
        if (!is_allowed) {
            return false;
        }
        dots += is_dot;
        begins = is_dot;
    }
    return dots > 0 && !begins;
}

/* 32 bytes in hexadecimal, colons between. */
bool association_is_fingerprint(struct slice word) {
    for (size_t i = 0; i < word.size; i++) {
        char c = slice_lower_char(word.data[i]);
        bool is_right = i % 3 == 2 ? c == ':' : is_digit(c) || (c >= 'a' && c <= 'f');
        if (!is_right) {
            return false;
        }
    }
    return word.size == ASSOCIATION_FINGERPRINT_BYTES;
}

/* Ten of the team, a dot, and the bundle: parts between dots, none of them empty. */
bool association_is_app_id(struct slice word) {
    if (word.size < TEAM_BYTES + 2 || word.size > ASSOCIATION_APP_ID_BYTES_MAX ||
        word.data[TEAM_BYTES] != '.') {
        return false;
    }
    for (size_t i = 0; i < word.size; i++) {
        char c = word.data[i];
        bool is_team = (c >= 'A' && c <= 'Z') || is_digit(c);
        bool is_bundle = is_letter(c) || is_digit(c) || c == '-' || c == '.';
        if (i < TEAM_BYTES ? !is_team : !is_bundle) {
            return false;
        }
    }
    return word.data[word.size - 1] != '.' && slice_find(word, SLICE("..")) == SIZE_MAX;
}
