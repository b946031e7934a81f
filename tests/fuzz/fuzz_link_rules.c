/*
 * fuzz_link_rules.c - any bytes as a campaign's rules: either a sentence that names what is wrong
 * on one line, or rules within their limits whose stored form reads back as the same rules.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "link/campaign.h"
#include "link/rules.h"
#include "link/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct rules_terms terms = {.campaign = {"spring", 6}, .schemes = {"bank", 4}};

static void check_words(struct rule_words words) {
    ENSURE(words.count <= RULE_WORDS_MAX);
    for (size_t i = 0; i < words.count; i++) {
        ENSURE(words.word[i].size > 0 && words.word[i].size <= RULE_WORD_BYTES_MAX);
    }
}

static void check_rule(const struct rule *rule) {
    ENSURE(rule->name.size > 0 && rule->name.size <= RULE_NAME_BYTES_MAX);
    check_words(rule->countries);
    check_words(rule->regions);
    check_words(rule->languages);
    check_words(rule->in_app);
    ENSURE(rule->parameter_count <= RULE_WORDS_MAX);
    for (size_t i = 0; i < rule->parameter_count; i++) {
        ENSURE(rule->parameters[i].name.size > 0);
        ENSURE(rule->parameters[i].value.size <= RULE_WORD_BYTES_MAX);
    }
    ENSURE(!rule->has_os_version || rule->os_version_min <= rule->os_version_max);
    ENSURE(rule->from_s < rule->until_s && rule->weight <= 100 && rule->days <= 0x7F);
    ENSURE(!rule->has_hours || rule->minute_from != rule->minute_until);
    ENSURE((rule->target == RULE_TO_URL) == (rule->template.size > 0));
    if (rule->target == RULE_TO_URL) {
        char bytes[LOCATION_BYTES_MAX];
        struct buf url = buf_over(bytes, sizeof(bytes));
        size_t click_at;
        const struct template_values values = {.code = SLICE("AB"),
                                               .click = SLICE("0123456789abcdef0123456789abcdef")};
        ENSURE(template_check(rule->text, terms.schemes, NULL));
        ENSURE(template_render_open(rule->template, &values, &url, &click_at));
    }
}

static void check_words_equal(struct rule_words a, struct rule_words b) {
    ENSURE(a.count == b.count);
    for (size_t i = 0; i < a.count; i++) {
        ENSURE(slice_equal(a.word[i], b.word[i]));
    }
}

static void check_equal(const struct rule *a, const struct rule *b) {
    ENSURE(slice_equal(a->name, b->name) && slice_equal(a->text, b->text));
    ENSURE(slice_equal(a->template, b->template) && a->target == b->target);
    ENSURE(a->platforms == b->platforms && a->days == b->days && a->weight == b->weight);
    ENSURE(a->os_version_min == b->os_version_min && a->os_version_max == b->os_version_max);
    ENSURE(a->from_s == b->from_s && a->until_s == b->until_s);
    ENSURE(a->minute_from == b->minute_from && a->minute_until == b->minute_until);
    check_words_equal(a->countries, b->countries);
    check_words_equal(a->regions, b->regions);
    check_words_equal(a->languages, b->languages);
    check_words_equal(a->in_app, b->in_app);
    ENSURE(a->parameter_count == b->parameter_count);
}

static void check_rules(struct slice json, const struct rules *rules) {
    struct buf stored;
    buf_init(&stored, RULES_BYTES_MAX);
    ENSURE(rules->count <= RULES_MAX);
    ENSURE(rules_normalize(json, &terms, &stored, NULL) && stored.size <= json.size);
    ENSURE(memchr(stored.data, '\n', stored.size) == NULL);
    struct rules *again = rules_create(buf_slice(&stored), &terms, NULL);
    ENSURE(again != NULL && again->count == rules->count);
    for (size_t i = 0; i < rules->count; i++) {
        check_rule(&rules->rule[i]);
        check_equal(&rules->rule[i], &again->rule[i]);
    }
    rules_destroy(&again);
    buf_fini(&stored);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice json = slice_make((const char *)data, size);
    struct err err = {""};
    struct rules *rules = rules_create(json, &terms, &err);
    ENSURE((rules == NULL) == (err.text[0] != '\0') && strpbrk(err.text, "\r\n") == NULL);
    const struct slice values[CAMPAIGN_FIELD_COUNT] = {
        [CAMPAIGN_FIELD_RULES] = json, [CAMPAIGN_FIELD_SCHEMES] = terms.schemes};
    struct campaign *campaign = campaign_create(SLICE("spring"), values, SLICE_EMPTY);
    ENSURE((campaign->faults == 0) == (rules != NULL || size == 0));
    ENSURE((campaign->rules != NULL) == (rules != NULL));
    campaign_destroy(&campaign);
    if (rules != NULL) {
        check_rules(json, rules);
        rules_destroy(&rules);
    }
    return 0;
}
