/*
 * rule_match.c - the conditions of link/rules.h, one after the other, the cheap ones first.
 *
 * Everything of a tap is whatever somebody cared to send: languages and regions are compared, never
 * taken apart; a query is read as browsers read forms (https://url.spec.whatwg.org/
 * #urlencoded-parsing), where '+' is a space and a percent sign that begins nothing is itself.
 *
 * Threads   Pure, but for what it is given to ask.
 */
#include "rule_match.h"

#include "link/rules.h"

static bool fits_words(const struct destination_input *input, const struct rule *rule);
static bool fits_time(struct rule_match *it, const struct rule *rule);
static bool fits_query(struct rule_match *it, const struct rule *rule);
static bool fits_share(struct rule_match *it, const struct rule *rule);
static bool has_word(struct rule_words words,
                     bool (*fits)(const struct destination_input *input, struct slice word),
                     const struct destination_input *input);
static bool fits_country(const struct destination_input *input, struct slice word);
static bool fits_region(const struct destination_input *input, struct slice word);
static bool fits_language(const struct destination_input *input, struct slice range);
static bool fits_in_app(const struct destination_input *input, struct slice word);
static void read_parameters(struct rule_match *it);
static bool has_parameter(const struct rule_match *it, const struct rule_parameter *wanted);
static bool equals_decoded(struct slice encoded, struct slice plain);

bool rule_match(struct rule_match *it, const struct rule *rule) {
    const struct destination_input *input = it->input;
    if (rule->platforms != 0 && (rule->platforms & 1U << input->platform) == 0) {
        return false;
    }
    if (rule->has_os_version &&
        (input->os_version == 0 || input->os_version < rule->os_version_min ||
         input->os_version > rule->os_version_max)) {
        return false;
    }
    return fits_words(input, rule) && fits_time(it, rule) && fits_query(it, rule) &&
           fits_share(it, rule);
}

static bool fits_words(const struct destination_input *input, const struct rule *rule) {
    return has_word(rule->countries, fits_country, input) &&
           has_word(rule->regions, fits_region, input) &&
           has_word(rule->languages, fits_language, input) &&
           has_word(rule->in_app, fits_in_app, input);
}

/* Of a window over midnight each day's own part counts: "fri", from 22:00 until 02:00, is Friday
 * before two and from ten on. */
static bool fits_time(struct rule_match *it, const struct rule *rule) {
    uint64_t now_s = it->input->now_s;
    if (now_s < rule->from_s || now_s >= rule->until_s) {
        return false;
    }
    if (!rule->has_hours && rule->days == 0) {
        return true;
    }
    if (!it->has_wall) {
        struct clock_local local = {0};
        it->wall = clock_wall_of(it->input->local != NULL ? it->input->local : &local, now_s);
        it->has_wall = true;
    }
    if (rule->days != 0 && (rule->days & 1U << it->wall.weekday) == 0) {
        return false;
    }
    unsigned minute = it->wall.minute;
    return !rule->has_hours || (rule->minute_from <= rule->minute_until
                                    ? minute >= rule->minute_from && minute < rule->minute_until
                                    : minute >= rule->minute_from || minute < rule->minute_until);
}

static bool fits_query(struct rule_match *it, const struct rule *rule) {
    if (rule->parameter_count == 0) {
        return true;
    }
    if (!it->has_parameters) {
        read_parameters(it);
    }
    for (size_t i = 0; i < rule->parameter_count; i++) {
        if (!has_parameter(it, &rule->parameters[i])) {
            return false;
        }
    }
    return true;
}

static bool fits_share(struct rule_match *it, const struct rule *rule) {
    const struct destination_share *share = it->input->share;
    if (rule->weight == 0) {
        return true;
    }
    if (share == NULL) {
        return false;
    }
    if (!it->has_share) {
        it->share = share->share(share->argument);
        it->has_share = true;
    }
    unsigned first = it->taken;
    it->taken += rule->weight;
    return it->share >= first && it->share < it->taken;
}

static bool has_word(struct rule_words words,
                     bool (*fits)(const struct destination_input *input, struct slice word),
                     const struct destination_input *input) {
    if (words.count == 0) {
        return true;
    }
    for (size_t i = 0; i < words.count; i++) {
        if (fits(input, words.word[i])) {
            return true;
        }
    }
    return false;
}

static bool fits_country(const struct destination_input *input, struct slice word) {
    return input->country.size > 0 && slice_equal_nocase(input->country, word);
}

/* "CMX", or "MX-CMX". */
static bool fits_region(const struct destination_input *input, struct slice word) {
    struct slice country = input->country;
    if (input->region.size == 0) {
        return false;
    }
    return slice_equal_nocase(input->region, word) ||
           (country.size > 0 && word.size > country.size + 1 && word.data[country.size] == '-' &&
            slice_equal_nocase(slice_first(word, country.size), country) &&
            slice_equal_nocase(slice_from(word, country.size + 1), input->region));
}

/* RFC 4647 section 3.3.1: a range fits a tag that it begins, up to a hyphen. */
static bool fits_language(const struct destination_input *input, struct slice range) {
    struct slice tag = input->language;
    if (tag.size == 0) {
        return false;
    }
    if (slice_equal(range, SLICE("*"))) {
        return true;
    }
    return tag.size >= range.size && slice_equal_nocase(slice_first(tag, range.size), range) &&
           (tag.size == range.size || tag.data[range.size] == '-');
}

static bool fits_in_app(const struct destination_input *input, struct slice word) {
    if (slice_equal_nocase(word, SLICE("any"))) {
        return input->in_app.size > 0;
    }
    if (slice_equal_nocase(word, SLICE("none"))) {
        return input->in_app.size == 0;
    }
    return input->in_app.size > 0 && slice_equal_nocase(input->in_app, word);
}

/* Empty ones count, too: a query may be nothing but separators. */
static void read_parameters(struct rule_match *it) {
    struct slice rest = it->input->query;
    size_t count = 0;
    for (; rest.size > 0 && count < RULE_MATCH_PARAMETERS_MAX; count++) {
        struct slice parameter = slice_split(&rest, '&');
        it->parameter[count].name = slice_split(&parameter, '=');
        it->parameter[count].value = parameter;
    }
    it->parameter_count = count;
    it->has_parameters = true;
}

static bool has_parameter(const struct rule_match *it, const struct rule_parameter *wanted) {
    for (size_t i = 0; i < it->parameter_count; i++) {
        if (equals_decoded(it->parameter[i].name, wanted->name) &&
            (wanted->any_value || equals_decoded(it->parameter[i].value, wanted->value))) {
            return true;
        }
    }
    return false;
}

/* -1: no hexadecimal digit. */
static int hex_value(char c) {
    char lower = slice_lower_char(c);
    return lower >= '0' && lower <= '9'   ? lower - '0'
           : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10
                                          : -1;
}

/* The byte that stands at *at, behind which *at is then. */
static char decode_at(struct slice encoded, size_t *at) {
    char c = encoded.data[(*at)++];
    if (c == '+') {
        return ' ';
    }
    if (c != '%' || encoded.size - *at < 2) {
        return c;
    }
    int high = hex_value(encoded.data[*at]);
    int low = hex_value(encoded.data[*at + 1]);
    if (high < 0 || low < 0) {
        return c;
    }
    *at += 2;
    return (char)(high * 16 + low);
}

static bool equals_decoded(struct slice encoded, struct slice plain) {
    size_t at = 0;
    size_t compared = 0;
    while (at < encoded.size && compared < plain.size) {
        if (decode_at(encoded, &at) != plain.data[compared]) {
            return false;
        }
        compared++;
    }
    return at == encoded.size && compared == plain.size;
}
