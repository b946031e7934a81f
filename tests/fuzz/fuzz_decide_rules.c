/*
 * fuzz_decide_rules.c - taps as strangers send them, under rules that ask about everything.
 *
 * The input is lines: in_app, country, region, language, a rule's word, a parameter's name and
 * value, then the query to the end. Numbers are taken from the first line's bytes.
 *
 * Held true: no crash; a query is read as a plain decoder reads it that copies everything; a share
 * is asked for once at most; whatever is chosen is whole: a template or a page, by something.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/defs.h"
#include "decide/container.h"
#include "decide/destination.h"
#include "link/campaign.h"
#include "link/link.h"
#include "link/rules.h"
#include "rule_match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct asked {
    unsigned share;
    unsigned times;
};

static unsigned tell(void *argument) {
    struct asked *asked = argument;
    asked->times++;
    return asked->share;
}

static int hex(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Into memory of its own, so that a byte too many is seen. */
static struct slice decoded(struct slice text) {
    char *out = malloc(text.size + 1);
    ENSURE(out != NULL);
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '%' && i + 2 < text.size && hex(text.data[i + 1]) >= 0 &&
            hex(text.data[i + 2]) >= 0) {
            c = (char)(hex(text.data[i + 1]) * 16 + hex(text.data[i + 2]));
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        out[size++] = c;
    }
    return slice_make(out, size);
}

static bool is_one(struct slice encoded, struct slice plain) {
    struct slice text = decoded(encoded);
    bool equal = slice_equal(text, plain);
    free((void *)(uintptr_t)text.data);
    return equal;
}

static bool plainly_has(struct slice query, const struct rule_parameter *wanted) {
    for (size_t i = 0; i < RULE_MATCH_PARAMETERS_MAX && query.size > 0; i++) {
        struct slice value = slice_split(&query, '&');
        struct slice name = slice_split(&value, '=');
        if (is_one(name, wanted->name) && (wanted->any_value || is_one(value, wanted->value))) {
            return true;
        }
    }
    return false;
}

static void ensure_query(const struct destination_input *input, struct rule_parameter parameter) {
    for (int any = 0; any < 2; any++) {
        parameter.any_value = any == 1;
        struct rule rule = {.until_s = UINT64_MAX, .parameters = &parameter, .parameter_count = 1};
        struct rule_match match;
        rule_match_begin(&match, input);
        ENSURE(rule_match(&match, &rule) == plainly_has(input->query, &parameter));
    }
}

static void ensure_whole(const struct destination *chosen) {
    bool is_page = chosen->page != PAGE_NONE;
    ENSURE((chosen->template.size > 0) == (!is_page || chosen->page == PAGE_OPEN));
    ENSURE(chosen->campaign != NULL || chosen->template.size == 0);
    ENSURE((chosen->rule.size > 0) == slice_equal(chosen->by, SLICE("rule")));
    ENSURE(chosen->container.size == 0 || destination_is_store(chosen));
    ENSURE((chosen->by.size > 0) == (chosen->template.size > 0 || chosen->page == PAGE_DESKTOP ||
                                     chosen->page == PAGE_DESKTOP_QR));
}

/* Every condition, and rules that ask for one alone. */
static void choose(struct destination_input *input, struct rule_words words,
                   const struct rule_parameter *parameter, struct asked *asked) {
    struct rule rules[] = {
        {.name = SLICE("all"),
         .countries = words,
         .regions = words,
         .languages = words,
         .in_app = words,
         .parameters = parameter,
         .parameter_count = 1,
         .until_s = input->now_s,
         .weight = 1},
        {.name = SLICE("a"), .countries = words, .until_s = UINT64_MAX, .target = RULE_TO_IOS},
        {.name = SLICE("b"), .regions = words, .until_s = UINT64_MAX, .target = RULE_TO_ANDROID},
        {.name = SLICE("c"), .languages = words, .until_s = UINT64_MAX, .target = RULE_TO_DESKTOP},
        {.name = SLICE("d"), .in_app = words, .until_s = UINT64_MAX, .target = RULE_TO_FALLBACK},
        {.name = SLICE("e"),
         .until_s = UINT64_MAX,
         .has_hours = true,
         .minute_from = 600,
         .minute_until = 300,
         .days = 5,
         .weight = 40,
         .target = RULE_TO_WEB},
        {.name = SLICE("f"),
         .until_s = UINT64_MAX,
         .has_os_version = true,
         .os_version_min = 0x100000,
         .os_version_max = 0x12ffff,
         .weight = 50,
         .target = RULE_TO_ANDROID},
    };
    const struct rules list = {.rule = rules, .count = ARRAY_COUNT(rules)};
    struct slice values[CAMPAIGN_FIELD_COUNT] = {
        [CAMPAIGN_FIELD_ANDROID] = SLICE("https://play.google.com/store/apps/details?id=a.b"),
        [CAMPAIGN_FIELD_IOS] = SLICE("https://apps.apple.com/app/id1"),
        [CAMPAIGN_FIELD_WEB] = SLICE("https://example.com/{code}"),
    };
    struct campaign *campaign = campaign_create(SLICE("c"), values, SLICE_EMPTY);
    struct link *link = link_create(
        (const struct slice[LINK_FIELD_COUNT]){[LINK_FIELD_CAMPAIGN] = SLICE("c")}, SLICE_EMPTY);
    campaign->rules = &list;
    input->campaign = campaign;
    input->link = link;
    struct destination chosen;
    destination_choose(input, &chosen);
    ensure_whole(&chosen);
    ENSURE(asked->times <= 1);
    input->campaign = NULL;
    input->default_campaign = campaign;
    destination_choose(input, &chosen);
    ensure_whole(&chosen);
    ENSURE(asked->times <= 1); /* the default campaign's rules are not asked */
    link_destroy(&link);
    campaign_destroy(&campaign);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice rest = slice_make((const char *)data, size);
    struct slice in_app = slice_split(&rest, '\n');
    uint64_t number = 0;
    for (size_t i = 0; i < in_app.size; i++) {
        number = number * 31 + (unsigned char)in_app.data[i];
    }
    struct asked asked = {.share = (unsigned)(number % 100)};
    struct destination_share share = {.share = tell, .argument = &asked};
    struct clock_local local = {0};
    struct destination_input input = {
        .reachable = true,
        .platform = (enum tap_platform)(number % TAP_PLATFORM_COUNT),
        .os_version = (uint32_t)number & 0x1fffff,
        .in_app = in_app,
        .country = slice_split(&rest, '\n'),
        .region = slice_split(&rest, '\n'),
        .language = slice_split(&rest, '\n'),
        .share = &share,
        .local = number % 3 == 0 ? NULL : &local,
        .now_s = number,
    };
    struct slice word = slice_split(&rest, '\n');
    struct rule_parameter parameter = {.name = slice_split(&rest, '\n')};
    parameter.value = slice_split(&rest, '\n');
    input.query = rest;
    ensure_query(&input, parameter);
    choose(&input, (struct rule_words){.word = &word, .count = 1}, &parameter, &asked);
    return 0;
}
