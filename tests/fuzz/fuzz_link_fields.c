/*
 * fuzz_link_fields.c - links and campaigns from whatever a hash in Redis may hold.
 *
 * Input: one value a line, in the order of LINK_FIELDS and CAMPAIGN_FIELDS; both are made of the
 * same lines. What is kept must pass its check, what is marked must not.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/defs.h"
#include "base/err.h"
#include "link/campaign.h"
#include "link/code.h"
#include "link/link.h"
#include "link/template.h"
#include "link_layout.h"

static void read_lines(struct slice rest, struct slice *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        values[i] = slice_split(&rest, '\n');
    }
}

static void try_link(struct slice input) {
    struct slice values[LINK_FIELD_COUNT];
    read_lines(input, values, LINK_FIELD_COUNT);
    struct link *made = link_create(values, SLICE_EMPTY);
    struct link *link = link_copy(made);
    link_destroy(&made);
    for (unsigned i = 0; i < LINK_FIELD_COUNT; i++) {
        struct err err = {{0}};
        bool good = link_field_check((enum link_field)i, values[i], SLICE("*"), SLICE_EMPTY, &err);
        bool is_ours = i == LINK_FIELD_USED; /* brinco's own count is no fault of the link */
        ENSURE((good || is_ours) == ((link_faults(link) & 1U << i) == 0));
        ENSURE(good == (err.text[0] == '\0') && strpbrk(err.text, "\r\n") == NULL);
    }
    ENSURE(link_campaign(link).size == 0 || code_is_valid(link_campaign(link)));
    ENSURE(link_owner(link).size <= OWNER_BYTES_MAX);
    bool has_url = link_template(link).size > 0;
    ENSURE(!has_url || template_check(values[LINK_FIELD_URL], SLICE("*"), NULL));
    ENSURE(has_url || values[LINK_FIELD_URL].size == 0 ||
           (link_faults(link) & 1U << LINK_FIELD_URL) != 0);
    ENSURE(link_template(link).size <= values[LINK_FIELD_URL].size + 4);
    ENSURE(link_starts_at(link) <= 253402300799 && link_expires_at(link) <= 253402300799 &&
           link_created_at(link) <= 253402300799);
    link_destroy(&link);
}

static void try_campaign(struct slice input) {
    struct slice values[CAMPAIGN_FIELD_COUNT];
    read_lines(input, values, CAMPAIGN_FIELD_COUNT);
    struct campaign *campaign = campaign_create(SLICE("id"), values, SLICE_EMPTY);
    struct slice schemes = campaign->text[CAMPAIGN_FIELD_SCHEMES];
    for (unsigned i = 0; i < CAMPAIGN_FIELD_COUNT; i++) {
        struct err err = {{0}};
        bool good =
            campaign_field_read((enum campaign_field)i, values[i], schemes, SLICE_EMPTY, &err);
        ENSURE(good || !campaign_field_check((enum campaign_field)i, values[i], schemes,
                                             SLICE_EMPTY, NULL));
        ENSURE(good == ((campaign->faults & 1U << i) == 0));
        ENSURE(good == (err.text[0] == '\0') && strpbrk(err.text, "\r\n") == NULL);
        bool is_made_over = i == CAMPAIGN_FIELD_RULES || i == CAMPAIGN_FIELD_ANDROID_FINGERPRINTS;
        ENSURE(campaign->text[i].size == 0 || is_made_over ||
               slice_equal(campaign->text[i], values[i]));
    }
    const enum campaign_field templates[] = {CAMPAIGN_FIELD_ANDROID, CAMPAIGN_FIELD_IOS,
                                             CAMPAIGN_FIELD_WEB, CAMPAIGN_FIELD_FALLBACK,
                                             CAMPAIGN_FIELD_OG_IMAGE};
    for (size_t i = 0; i < ARRAY_COUNT(templates); i++) {
        struct slice text = campaign->text[templates[i]];
        ENSURE(text.size == 0 || template_check(text, schemes, NULL));
        bool may_be_made = (templates[i] == CAMPAIGN_FIELD_ANDROID &&
                            campaign->text[CAMPAIGN_FIELD_ANDROID_PACKAGE].size > 0) ||
                           (templates[i] == CAMPAIGN_FIELD_IOS &&
                            campaign->text[CAMPAIGN_FIELD_IOS_APP_ID].size > 0);
        ENSURE(templates[i] == CAMPAIGN_FIELD_OG_IMAGE || may_be_made ||
               (campaign->template[templates[i]].size == 0) == (text.size == 0));
    }
    campaign_destroy(&campaign);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice input = slice_make((const char *)data, size);
    try_link(input);
    try_campaign(input);
    return 0;
}
