/*
 * field_app.c - packages, fingerprints, the App Store's numbers, and lists of names.
 *
 * Sizes are looked at before bytes, as in field.c.
 */
#include "field_app.h"

#include "base/defs.h"
#include "base/err.h"
#include "link/campaign.h"
#include "link/template.h"
#include "scheme.h"

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
    return slice_lower_char(c) >= 'a' && slice_lower_char(c) <= 'z';
}

static bool is_of_package(char c) {
    return is_letter(c) || is_digit(c) || c == '_';
}

static bool is_of_bundle(char c) {
    return is_letter(c) || is_digit(c) || c == '-' || c == '.';
}

static bool is_of_team(char c) {
    return is_digit(c) || (c >= 'A' && c <= 'Z');
}

static bool is_of_event(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_of_parameter(char c) {
    return is_of_bundle(c) || c == '_' || c == '~';
}

static bool consists_of(struct slice text, bool (*is_allowed)(char c)) {
    size_t i = 0;
    while (i < text.size && is_allowed(text.data[i])) {
        i++;
    }
    return i == text.size;
}

/* --- Android -------------------------------------------------------------------------------- */

bool app_check_package(struct slice value, struct err *err) {
    struct slice rest = slice_first(value, APP_PACKAGE_BYTES_MAX);
    size_t parts = 0;
    bool is_good = value.size <= APP_PACKAGE_BYTES_MAX && value.data[value.size - 1] != '.';
    while (is_good && rest.size > 0) {
        struct slice part = slice_split(&rest, '.');
        is_good = part.size > 0 && is_letter(part.data[0]) && consists_of(part, is_of_package);
        parts++;
    }
    return (is_good && parts >= 2) ||
           err_set(err,
                   "allowed is a package like mx.example.app, of %d bytes at most: parts of "
                   "letters, digits and _ that begin with a letter",
                   APP_PACKAGE_BYTES_MAX);
}

static bool is_hex_digit(char c) {
    return is_digit(c) || (slice_lower_char(c) >= 'a' && slice_lower_char(c) <= 'f');
}

static bool is_fingerprint(struct slice word) {
    bool is_good = word.size == APP_FINGERPRINT_BYTES;
    for (size_t i = 0; is_good && i < word.size; i++) {
        is_good = i % 3 == 2 ? word.data[i] == ':' : is_hex_digit(word.data[i]);
    }
    return is_good;
}

bool app_check_fingerprints(struct slice value, struct err *err) {
    bool is_good = value.size <= CAMPAIGN_TEXT_BYTES_MAX;
    size_t count = 0;
    while (is_good && value.size > 0) {
        struct slice word = slice_split(&value, ' ');
        count += word.size > 0;
        is_good = word.size == 0 || is_fingerprint(word);
    }
    return (is_good && count >= 1 && count <= APP_FINGERPRINTS_MAX) ||
           err_set(err,
                   "allowed are up to %d SHA-256 fingerprints, 32 bytes as AA:BB:CC:..., "
                   "separated by spaces",
                   APP_FINGERPRINTS_MAX);
}

/* --- the App Store -------------------------------------------------------------------------- */

static bool is_number(struct slice word, size_t digits_max) {
    return word.size >= 1 && word.size <= digits_max && consists_of(word, is_digit) &&
           word.data[0] != '0';
}

static bool is_app_name(struct slice word) {
    struct slice rest = word;
    struct slice team = slice_split(&rest, '.');
    return team.size == APP_TEAM_BYTES && consists_of(team, is_of_team) && rest.size >= 1 &&
           rest.size <= APP_BUNDLE_BYTES_MAX && consists_of(rest, is_of_bundle) &&
           rest.data[0] != '.' && rest.data[rest.size - 1] != '.' &&
           slice_find(rest, SLICE("..")) == SIZE_MAX;
}

bool app_check_ios_id(struct slice value, struct err *err) {
    bool is_good = value.size <= CAMPAIGN_TEXT_BYTES_MAX;
    size_t numbers = 0;
    size_t names = 0;
    while (is_good && value.size > 0) {
        struct slice word = slice_split(&value, ' ');
        bool has_number = is_number(word, APP_NUMBER_DIGITS_MAX);
        numbers += has_number;
        names += !has_number && word.size > 0;
        is_good = has_number || word.size == 0 || is_app_name(word);
    }
    return (is_good && numbers <= 1 && names <= 1 && numbers + names > 0) ||
           err_set(err, "allowed are the App Store's number (123456789) and "
                        "TEAMID.BUNDLE (ABCDE12345.mx.example.app), one of each, separated by a "
                        "space");
}

struct slice app_number(struct slice ios_id) {
    while (ios_id.size > 0) {
        struct slice word = slice_split(&ios_id, ' ');
        if (is_number(word, APP_NUMBER_DIGITS_MAX)) {
            return word;
        }
    }
    return SLICE_EMPTY;
}

bool app_check_provider(struct slice value, struct err *err) {
    return is_number(value, APP_PROVIDER_DIGITS_MAX) ||
           err_set(err, "allowed are up to %d digits, as App Store Connect gives them (pt)",
                   APP_PROVIDER_DIGITS_MAX);
}

static bool is_of_campaign(char c) {
    return is_letter(c) || is_digit(c) ||
           (c != '\0' && strchr(" []/\\-~+=<>:;,._'\"*&$%#@?!|()", c) != NULL);
}

bool app_check_ios_campaign(struct slice value, struct err *err) {
    return (value.size >= 1 && value.size <= APP_CAMPAIGN_BYTES_MAX &&
            consists_of(value, is_of_campaign) && value.data[0] != ' ' &&
            value.data[value.size - 1] != ' ') ||
           err_set(err,
                   "allowed are up to %d letters, digits, spaces (not at either end) and "
                   "[ ] / \\ - ~ + = < > : ; , . _ ' \" * & $ %% # @ ? ! | ( ): it names a "
                   "campaign, so it takes no placeholder",
                   APP_CAMPAIGN_BYTES_MAX);
}

/* --- names ---------------------------------------------------------------------------------- */

/* Words separated by spaces; whether each is one, and how many there are. */
static bool check_list(struct slice list, bool (*is_word)(struct slice word), size_t *count) {
    bool is_good = list.size <= CAMPAIGN_TEXT_BYTES_MAX;
    *count = 0;
    while (is_good && list.size > 0) {
        struct slice word = slice_split(&list, ' ');
        *count += word.size > 0;
        is_good = word.size == 0 || is_word(word);
    }
    return is_good && *count > 0;
}

static bool is_parameter(struct slice word) {
    return word.size <= APP_PARAMETER_BYTES_MAX && consists_of(word, is_of_parameter);
}

bool app_check_passthrough(struct slice value, struct err *err) {
    size_t count;
    if (slice_equal(value, SLICE("none")) || slice_equal(value, SLICE("all"))) {
        return true;
    }
    if (!check_list(value, is_parameter, &count) || count > APP_PARAMETERS_MAX) {
        return err_set(err,
                       "allowed are none, all, and up to %d names of parameters of A-Z a-z 0-9 "
                       "- . _ ~, separated by spaces",
                       APP_PARAMETERS_MAX);
    }
    while (value.size > 0) {
        if (slice_equal(slice_split(&value, ' '), SLICE("s"))) {
            return err_set(err, "s is logged as the source of a tap and never goes on");
        }
    }
    return true;
}

static bool is_event(struct slice word) {
    return word.size <= APP_EVENT_BYTES_MAX && word.data[0] >= 'a' && word.data[0] <= 'z' &&
           consists_of(word, is_of_event);
}

bool app_check_events(struct slice value, struct err *err) {
    size_t count;
    return (check_list(value, is_event, &count) && count <= APP_EVENTS_MAX) ||
           err_set(err,
                   "allowed are up to %d names of a-z 0-9 _, of %d bytes at most, that begin with "
                   "a letter, separated by spaces",
                   APP_EVENTS_MAX, APP_EVENT_BYTES_MAX);
}

/* --- webhooks ------------------------------------------------------------------------------- */

bool app_check_webhook(struct slice value, struct err *err) {
    if (value.size > CAMPAIGN_TEXT_BYTES_MAX) {
        return err_set(err, "longer than %d bytes", CAMPAIGN_TEXT_BYTES_MAX);
    }
    if (memchr(value.data, '{', value.size) != NULL ||
        memchr(value.data, '#', value.size) != NULL) {
        return err_set(err, "neither placeholders nor a # are allowed here");
    }
    bool is_http = slice_equal_nocase(scheme_of(value), SLICE("http"));
    return template_check(value, is_http ? SLICE("http") : SLICE_EMPTY, err);
}
