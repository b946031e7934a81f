/*
 * destination.c - the table of decide/destination.h, row by row.
 *
 * What stands open is looked at first, the link before its campaign; then whether the link can be
 * believed; then the link's own URL; then the platform's template. Whatever finds nothing to
 * redirect to ends at the default campaign.
 *
 * A campaign whose status or times make no sense may have been meant to be closed: only its
 * fallback is used. A template that makes no sense reads as absent.
 *
 * Threads   Pure.
 */
#include "decide/destination.h"

#include "base/defs.h"
#include "link/campaign.h"
#include "link/link.h"
#include "link/template.h"

enum standing {
    STANDING_OPEN,
    STANDING_PAUSED,
    STANDING_NOT_STARTED,
    STANDING_EXPIRED,
};

static enum standing standing_of(enum link_status status, uint64_t starts_at, uint64_t expires_at,
                                 uint64_t now_s);
static enum standing campaign_standing(const struct campaign *campaign, uint64_t now_s);
static bool campaign_is_doubtful(const struct campaign *campaign);
static struct destination closed(const struct destination_input *input, enum standing standing);
static struct destination fall_back(const struct destination_input *input);
static struct destination by_default(const struct destination_input *input,
                                     enum tap_outcome outcome, enum destination_page otherwise);
static struct destination by_platform(const struct campaign *campaign, enum tap_platform platform);
static struct destination redirect(enum tap_outcome outcome, struct slice template,
                                   const struct campaign *campaign);

struct destination destination_choose(const struct destination_input *input) {
    if (!input->reachable) {
        return by_default(input, TAP_OUTCOME_UNRESOLVED, PAGE_BUSY);
    }
    const struct link *link = input->link;
    if (link == NULL) {
        return by_default(input, TAP_OUTCOME_DEFAULT, PAGE_NOT_FOUND);
    }

    enum standing standing =
        standing_of(link_status(link), link_starts_at(link), link_expires_at(link), input->now_s);
    if (standing == STANDING_OPEN && input->campaign != NULL) {
        standing = campaign_standing(input->campaign, input->now_s);
    }
    if (standing != STANDING_OPEN) {
        return closed(input, standing);
    }
    if (link_faults(link) != 0 ||
        (input->campaign != NULL && campaign_is_doubtful(input->campaign))) {
        return fall_back(input);
    }

    struct slice own = link_template(link);
    if (own.size > 0) {
        struct slice schemes =
            input->campaign ? input->campaign->text[CAMPAIGN_FIELD_SCHEMES] : SLICE_EMPTY;
        return template_compiled_is_allowed(own, schemes)
                   ? redirect(TAP_OUTCOME_OVERRIDE, own, input->campaign)
                   : fall_back(input);
    }
    if (input->campaign != NULL) {
        struct destination chosen = by_platform(input->campaign, input->platform);
        if (chosen.template.size > 0) {
            return chosen;
        }
    }
    return by_default(input, TAP_OUTCOME_DEFAULT, PAGE_NOT_FOUND);
}

static enum standing standing_of(enum link_status status, uint64_t starts_at, uint64_t expires_at,
                                 uint64_t now_s) {
    if (status == LINK_PAUSED) {
        return STANDING_PAUSED;
    }
    if (now_s < starts_at) {
        return STANDING_NOT_STARTED;
    }
    if (expires_at != 0 && now_s >= expires_at) {
        return STANDING_EXPIRED;
    }
    return STANDING_OPEN;
}

static enum standing campaign_standing(const struct campaign *campaign, uint64_t now_s) {
    return standing_of(campaign->status, campaign->starts_at, campaign->expires_at, now_s);
}

/* Nobody can say whether it is open. */
static bool campaign_is_doubtful(const struct campaign *campaign) {
    const unsigned fields = 1U << CAMPAIGN_FIELD_STATUS | 1U << CAMPAIGN_FIELD_STARTS_AT |
                            1U << CAMPAIGN_FIELD_EXPIRES_AT;
    return (campaign->faults & fields) != 0;
}

static struct slice campaign_fallback(const struct campaign *campaign) {
    return campaign ? campaign->template[CAMPAIGN_FIELD_FALLBACK] : SLICE_EMPTY;
}

static struct destination closed(const struct destination_input *input, enum standing standing) {
    struct slice fallback = campaign_fallback(input->campaign);
    if (fallback.size > 0) {
        return redirect(TAP_OUTCOME_FALLBACK, fallback, input->campaign);
    }
    struct destination page = {.campaign = input->campaign};
    switch (standing) {
    case STANDING_PAUSED:
        page.outcome = TAP_OUTCOME_PAUSED;
        page.page = PAGE_PAUSED;
        return page;
    case STANDING_NOT_STARTED:
        page.outcome = TAP_OUTCOME_PAUSED;
        page.page = PAGE_NOT_STARTED;
        return page;
    case STANDING_EXPIRED:
        page.outcome = TAP_OUTCOME_EXPIRED;
        page.page = PAGE_EXPIRED;
        return page;
    case STANDING_OPEN:
        break;
    }
    ENSURE(standing != STANDING_OPEN);
    return page;
}

/* For a link or campaign that cannot be believed. */
static struct destination fall_back(const struct destination_input *input) {
    struct slice fallback = campaign_fallback(input->campaign);
    return fallback.size > 0 ? redirect(TAP_OUTCOME_FALLBACK, fallback, input->campaign)
                             : by_default(input, TAP_OUTCOME_DEFAULT, PAGE_NOT_FOUND);
}

/* outcome is that of the redirect; without one, it follows from the page. */
static struct destination by_default(const struct destination_input *input,
                                     enum tap_outcome outcome, enum destination_page otherwise) {
    const struct campaign *campaign = input->default_campaign;
    if (campaign != NULL) {
        bool usable = campaign_standing(campaign, input->now_s) == STANDING_OPEN &&
                      !campaign_is_doubtful(campaign);
        struct slice template =
            usable ? by_platform(campaign, input->platform).template : campaign_fallback(campaign);
        if (template.size > 0) {
            return redirect(outcome, template, campaign);
        }
    }
    return (struct destination){
        .outcome = otherwise == PAGE_BUSY ? TAP_OUTCOME_UNRESOLVED : TAP_OUTCOME_NOT_FOUND,
        .page = otherwise,
        .campaign = input->reachable && input->link != NULL ? input->campaign : NULL,
    };
}

static struct destination by_platform(const struct campaign *campaign, enum tap_platform platform) {
    struct slice store = SLICE_EMPTY;
    enum tap_outcome outcome = TAP_OUTCOME_WEB;
    if (platform == TAP_PLATFORM_ANDROID) {
        store = campaign->template[CAMPAIGN_FIELD_ANDROID];
        outcome = TAP_OUTCOME_PLAY_STORE;
    } else if (platform == TAP_PLATFORM_IOS) {
        store = campaign->template[CAMPAIGN_FIELD_IOS];
        outcome = TAP_OUTCOME_APP_STORE;
    }
    if (store.size > 0) {
        return redirect(outcome, store, campaign);
    }
    struct slice web = campaign->template[CAMPAIGN_FIELD_WEB];
    return web.size > 0 ? redirect(TAP_OUTCOME_WEB, web, campaign)
                        : redirect(TAP_OUTCOME_FALLBACK, campaign_fallback(campaign), campaign);
}

static struct destination redirect(enum tap_outcome outcome, struct slice template,
                                   const struct campaign *campaign) {
    return (struct destination){.outcome = outcome, .template = template, .campaign = campaign};
}
