/*
 * rules_read.c - one rule, member by member.
 *
 * A table names the members; each has a function that reads its value or says what is allowed.
 */
#include <jansson.h>
#include <string.h>

#include "base/clock.h"
#include "base/defs.h"
#include "base/err.h"
#include "field.h"
#include "link/code.h"
#include "link/hosts.h"
#include "link/template.h"
#include "rules_private.h"
#include "template_store.h"

enum { DATE_BYTES = 10, VERSION_MAJOR_MAX = 999, VERSION_PART_MAX = 255 };

static bool read_name(const json_t *value, struct rules_place *place);
static bool read_os_version(const json_t *value, struct rules_place *place);
static bool read_query(const json_t *value, struct rules_place *place);
static bool read_from(const json_t *value, struct rules_place *place);
static bool read_until(const json_t *value, struct rules_place *place);
static bool read_hours(const json_t *value, struct rules_place *place);
static bool read_weight(const json_t *value, struct rules_place *place);
static bool read_to(const json_t *value, struct rules_place *place);

static const struct {
    const char *name;
    bool (*read)(const json_t *value, struct rules_place *place);
} members[] = {
    {"name", read_name},
    {"platform", rules_read_platform},
    {"os_version", read_os_version},
    {"country", rules_read_country},
    {"region", rules_read_region},
    {"language", rules_read_language},
    {"in_app", rules_read_in_app},
    {"query", read_query},
    {"from", read_from},
    {"until", read_until},
    {"hours", read_hours},
    {"days", rules_read_days},
    {"weight", read_weight},
    {"to", read_to},
};

const char *rules_member_name(size_t index) {
    return index < ARRAY_COUNT(members) ? members[index].name : NULL;
}

static bool check_members(const json_t *object, struct err *err) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value) {
        bool is_known = false;
        for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
            is_known = is_known || strcmp(members[i].name, name) == 0;
        }
        if (!is_known) {
            return err_set(err,
                           "\"%.32s\": there is no such member; allowed: name, platform, "
                           "os_version, country, region, language, in_app, query, from, until, "
                           "hours, days, weight, to",
                           name);
        }
    }
    return true;
}

bool rules_read_one(struct rules_reader *reader, const json_t *object, struct rule *rule) {
    struct rules_place place = {reader, rule};
    rule->until_s = UINT64_MAX;
    if (!json_is_object(object)) {
        return err_set(reader->err, "allowed is an object: {\"country\": \"MX\", \"to\": \"web\"}");
    }
    if (!check_members(object, reader->err)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        const json_t *value = json_object_get(object, members[i].name);
        if (value != NULL && !members[i].read(value, &place)) {
            return err_prefix(reader->err, "%s", members[i].name);
        }
    }
    if (json_object_get(object, "to") == NULL) {
        return err_set(reader->err, "to: it is missing; " RULES_TO_ALLOWED);
    }
    return rule->from_s < rule->until_s ||
           err_set(reader->err, "until: it must be later than from");
}

static bool read_name(const json_t *value, struct rules_place *place) {
    struct slice text = rules_text_of(value);
    if (!json_is_string(value) || !code_is_valid(text) || text.size > RULE_NAME_BYTES_MAX) {
        return err_set(place->reader->err, "allowed are 1 to %d of A-Z a-z 0-9 - _",
                       RULE_NAME_BYTES_MAX);
    }
    place->rule->name = rules_take_text(place->reader->packer, text);
    return true;
}

/* --- versions ------------------------------------------------------------------------------- */

/* "16.4" is all from 16.4.0 to 16.4.255. */
static bool read_version(struct slice text, uint32_t *low, uint32_t *high) {
    static const uint32_t part_max[] = {VERSION_MAJOR_MAX, VERSION_PART_MAX, VERSION_PART_MAX};
    uint32_t shift = 16;
    *low = 0;
    *high = 0;
    if (text.size == 0 || text.data[text.size - 1] == '.') {
        return false;
    }
    for (size_t i = 0; i < ARRAY_COUNT(part_max) && text.size > 0; i++) {
        struct slice part = slice_split(&text, '.');
        uint64_t number;
        if (part.size > 3 || !slice_to_u64(part, part_max[i], &number)) {
            return false;
        }
        *low |= (uint32_t)number << shift;
        shift = shift > 0 ? shift - 8 : 0;
        *high = *low | (i == 0 ? 0xFFFFU : i == 1 ? 0xFFU : 0);
    }
    return text.size == 0;
}

static bool read_version_range(struct slice text, struct rule *rule) {
    uint32_t ignored;
    uint32_t low;
    if (slice_starts_with(text, SLICE(">="))) {
        rule->os_version_max = UINT32_MAX;
        return read_version(slice_from(text, 2), &rule->os_version_min, &ignored);
    }
    if (slice_starts_with(text, SLICE("<"))) {
        bool is_good = read_version(slice_from(text, 1), &low, &ignored) && low > 0;
        rule->os_version_min = 0;
        rule->os_version_max = is_good ? low - 1 : 0;
        return is_good;
    }
    struct slice rest = text;
    struct slice from = slice_split(&rest, '-');
    if (from.size == text.size) {
        return read_version(text, &rule->os_version_min, &rule->os_version_max);
    }
    return read_version(from, &rule->os_version_min, &ignored) &&
           read_version(rest, &ignored, &rule->os_version_max) &&
           rule->os_version_min <= rule->os_version_max;
}

static bool read_os_version(const json_t *value, struct rules_place *place) {
    place->rule->has_os_version = true;
    return (json_is_string(value) && read_version_range(rules_text_of(value), place->rule)) ||
           err_set(place->reader->err,
                   "allowed are 16, 16.4, >=16.4, <17, and 14-16 from the lower to the higher");
}

/* --- the tapped link ------------------------------------------------------------------------ */

static bool is_parameter(const char *name, size_t size, const json_t *value) {
    struct slice text = slice_make(name, size);
    bool is_name = size > 0 && field_check_text(text, RULE_WORD_BYTES_MAX, NULL);
    return is_name && (json_is_null(value) ||
                       (json_is_string(value) &&
                        field_check_text(rules_text_of(value), RULE_WORD_BYTES_MAX, NULL)));
}

static bool read_query(const json_t *value, struct rules_place *place) {
    struct rules_packer *packer = place->reader->packer;
    size_t count = json_object_size(value);
    const char *name;
    json_t *member;
    struct rule_parameter *parameter = rules_take(packer, count * sizeof(*parameter));
    bool is_good = json_is_object(value) && count > 0 && count <= RULE_WORDS_MAX;
    size_t i = 0;
    json_object_foreach((json_t *)value, name, member) {
        is_good = is_good && is_parameter(name, strlen(name), member);
        if (!is_good) {
            break;
        }
        struct slice key = rules_take_text(packer, slice_of(name));
        struct slice text =
            json_is_string(member) ? rules_take_text(packer, rules_text_of(member)) : SLICE_EMPTY;
        if (parameter != NULL) {
            parameter[i++] = (struct rule_parameter){key, text, json_is_null(member)};
        }
    }
    place->rule->parameters = parameter;
    place->rule->parameter_count = count;
    return is_good || err_set(place->reader->err,
                              "allowed is an object of up to %d parameters, like {\"ab\": \"1\", "
                              "\"x\": null}, of %d bytes at most",
                              RULE_WORDS_MAX, RULE_WORD_BYTES_MAX);
}

/* --- time ----------------------------------------------------------------------------------- */

/* A date alone would be a day of the zone that whoever reads it has. */
static bool read_time(const json_t *value, uint64_t *seconds, struct err *err) {
    struct slice text = rules_text_of(value);
    bool is_good = false;
    if (json_is_integer(value)) {
        *seconds = (uint64_t)json_integer_value(value);
        is_good = json_integer_value(value) >= 0;
    } else if (json_is_string(value)) {
        is_good = text.size > DATE_BYTES && clock_parse_time(text, seconds);
    }
    return (is_good && *seconds <= FIELD_SECONDS_MAX) ||
           err_set(err, "allowed are Unix seconds as an integer, and times of RFC 3339 like "
                        "2026-12-01T00:00:00-06:00");
}

static bool read_from(const json_t *value, struct rules_place *place) {
    return read_time(value, &place->rule->from_s, place->reader->err);
}

static bool read_until(const json_t *value, struct rules_place *place) {
    return read_time(value, &place->rule->until_s, place->reader->err);
}

/* HH:MM */
static bool read_minute(struct slice text, uint16_t *minute) {
    uint64_t hours;
    uint64_t minutes;
    if (text.size != 5 || text.data[2] != ':' || !slice_to_u64(slice_first(text, 2), 24, &hours) ||
        !slice_to_u64(slice_from(text, 3), 59, &minutes)) {
        return false;
    }
    *minute = (uint16_t)(hours * 60 + minutes);
    return *minute <= RULE_MINUTES_A_DAY;
}

static bool read_hours(const json_t *value, struct rules_place *place) {
    struct rule *rule = place->rule;
    struct slice rest = rules_text_of(value);
    struct slice from = slice_split(&rest, '-');
    rule->has_hours = true;
    return (json_is_string(value) && read_minute(from, &rule->minute_from) &&
            read_minute(rest, &rule->minute_until) && rule->minute_from < RULE_MINUTES_A_DAY &&
            rule->minute_from != rule->minute_until) ||
           err_set(place->reader->err, "allowed are two different times of a day, like 09:00-18:00 "
                                       "or 22:00-06:00");
}

/* --- what happens --------------------------------------------------------------------------- */

static bool read_weight(const json_t *value, struct rules_place *place) {
    json_int_t weight = json_integer_value(value);
    if (!json_is_integer(value) || weight < 1 || weight > 100) {
        return err_set(place->reader->err, "allowed are integers from 1 to 100");
    }
    place->rule->weight = (uint8_t)weight;
    return true;
}

static bool read_to(const json_t *value, struct rules_place *place) {
    static const struct {
        struct slice word;
        enum rule_target target;
    } targets[] = {
        {{"android", 7}, RULE_TO_ANDROID}, {{"ios", 3}, RULE_TO_IOS},
        {{"web", 3}, RULE_TO_WEB},         {{"fallback", 8}, RULE_TO_FALLBACK},
        {{"desktop", 7}, RULE_TO_DESKTOP},
    };
    struct rules_reader *reader = place->reader;
    struct rule *rule = place->rule;
    struct slice text = rules_text_of(value);
    if (!json_is_string(value)) {
        return err_set(reader->err, RULES_TO_ALLOWED);
    }
    rule->text = rules_take_text(reader->packer, text);
    for (size_t i = 0; i < ARRAY_COUNT(targets); i++) {
        if (slice_equal(text, targets[i].word)) {
            rule->target = targets[i].target;
            return true;
        }
    }
    if (slice_find(text, SLICE(":")) == SIZE_MAX) {
        return err_set(reader->err, RULES_TO_ALLOWED);
    }
    if (!template_check(text, reader->terms->schemes, reader->err) ||
        !hosts_allow(reader->terms->hosts, text, reader->err) ||
        (reader->terms->is_written && !template_store_check(text, reader->err))) {
        return false;
    }
    char compiled[TEMPLATE_COMPILED_BYTES_MAX];
    size_t size = template_compile(text, reader->terms->campaign, compiled);
    rule->target = RULE_TO_URL;
    rule->template = rules_take_text(reader->packer, slice_make(compiled, size));
    return true;
}
