/*
 * destination.c - the table of decide/destination.h, row by row.
 *
 * What stands open is looked at first, the link before its campaign; then whether the link can be
 * believed, and whether it is used up; then the link's own URL, the campaign's rules, its desktop
 * page, the platform's template. Whatever finds nothing to lead to ends at the default campaign.
 *
 * A campaign whose status or times make no sense may have been meant to be closed: only its
 * fallback is used. A template that makes no sense reads as absent.
 *
 * A campaign without rules pays for them with one comparison, and a person in a plain browser for
 * containers with another.
 *
 * Threads   Pure.
 */
#include "decide/destination.h"

#include "base/defs.h"
#include "decide/container.h"
#include "link/campaign.h"
#include "link/link.h"
#include "link/rules.h"
#include "link/template.h"
#include "rule_match.h"

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
static struct destination used_up(const struct destination_input *input);
static struct destination fall_back(const struct destination_input *input);
static struct destination by_default(const struct destination_input *input,
                                     enum tap_outcome outcome, enum destination_page otherwise);
static struct destination own_url(const struct destination_input *input, struct slice own);
static struct destination by_campaign(const struct destination_input *input);
/* Not inlined: it has a kilobyte of its own, and few campaigns have rules. */
__attribute__((noinline)) static struct destination by_rules(const struct destination_input *input);
static struct destination by_target(const struct campaign *campaign, const struct rule *rule);
static struct destination to_desktop(const struct campaign *campaign);
static struct destination by_platform(const struct campaign *campaign, enum tap_platform platform);
static struct destination in_container(const struct destination_input *input,
                                       struct destination chosen);
static struct destination redirect(enum tap_outcome outcome, struct slice template,
                                   const struct campaign *campaign, struct slice by);

/* Of a destination that is not there: a redirect to nothing. */
static inline bool leads_somewhere(const struct destination *destination) {
    return destination->template.size > 0 || destination->page != PAGE_NONE;
}

static inline bool is_computer(enum tap_platform platform) {
    const unsigned computers =
        1U << TAP_PLATFORM_WINDOWS | 1U << TAP_PLATFORM_MACOS | 1U << TAP_PLATFORM_LINUX;
    return (computers & 1U << platform) != 0;
}

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
    if (link_is_used_up(link)) {
        return used_up(input);
    }

    struct slice own = link_template(link);
    if (own.size > 0) {
        return own_url(input, own);
    }
    if (input->campaign != NULL) {
        struct destination chosen = by_campaign(input);
        if (leads_somewhere(&chosen)) {
            return in_container(input, chosen);
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
        return redirect(TAP_OUTCOME_FALLBACK, fallback, input->campaign, SLICE("fallback"));
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

static struct destination used_up(const struct destination_input *input) {
    struct slice fallback = campaign_fallback(input->campaign);
    if (fallback.size > 0) {
        return redirect(TAP_OUTCOME_FALLBACK, fallback, input->campaign, SLICE("fallback"));
    }
    return (struct destination){
        .outcome = TAP_OUTCOME_USED_UP, .page = PAGE_USED_UP, .campaign = input->campaign};
}

/* For a link or campaign that cannot be believed. */
static struct destination fall_back(const struct destination_input *input) {
    struct slice fallback = campaign_fallback(input->campaign);
    return fallback.size > 0
               ? redirect(TAP_OUTCOME_FALLBACK, fallback, input->campaign, SLICE("fallback"))
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
            return in_container(input, redirect(outcome, template, campaign, SLICE("default")));
        }
    }
    return (struct destination){
        .outcome = otherwise == PAGE_BUSY ? TAP_OUTCOME_UNRESOLVED : TAP_OUTCOME_NOT_FOUND,
        .page = otherwise,
        .campaign = input->reachable && input->link != NULL ? input->campaign : NULL,
    };
}

/* Whoever gave a link its own URL knows where it leads: in which app it is opened changes nothing.
 */
static struct destination own_url(const struct destination_input *input, struct slice own) {
    struct slice schemes =
        input->campaign ? input->campaign->text[CAMPAIGN_FIELD_SCHEMES] : SLICE_EMPTY;
    return template_compiled_is_allowed(own, schemes)
               ? redirect(TAP_OUTCOME_OVERRIDE, own, input->campaign, SLICE("url"))
               : fall_back(input);
}

static struct destination by_campaign(const struct destination_input *input) {
    const struct campaign *campaign = input->campaign;
    if (UNLIKELY(campaign->rules != NULL)) {
        struct destination chosen = by_rules(input);
        if (leads_somewhere(&chosen)) {
            return chosen;
        }
    }
    if (campaign->desktop != CAMPAIGN_DESKTOP_WEB && is_computer(input->platform)) {
        struct destination chosen = to_desktop(campaign);
        if (leads_somewhere(&chosen)) {
            return chosen;
        }
    }
    return by_platform(campaign, input->platform);
}

/* The first rule that fits and leads somewhere; else a redirect to nothing. */
static struct destination by_rules(const struct destination_input *input) {
    const struct rules *rules = input->campaign->rules;
    struct rule_match match;
    rule_match_begin(&match, input);
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->rule[i];
        if (!rule_match(&match, rule)) {
            continue;
        }
        struct destination chosen = by_target(input->campaign, rule);
        if (leads_somewhere(&chosen)) {
            chosen.by = SLICE("rule");
            chosen.rule = rule->name;
            return chosen;
        }
    }
    return (struct destination){.campaign = input->campaign};
}

static enum tap_outcome outcome_of_url(struct slice template) {
    switch (template_compiled_store(template)) {
    case TEMPLATE_GOOGLE_PLAY:
        return TAP_OUTCOME_PLAY_STORE;
    case TEMPLATE_APP_STORE:
        return TAP_OUTCOME_APP_STORE;
    case TEMPLATE_NO_STORE:
        break;
    }
    return TAP_OUTCOME_WEB;
}

/* A redirect to nothing when the campaign has no such target. */
static struct destination by_target(const struct campaign *campaign, const struct rule *rule) {
    const struct slice *template = campaign->template;
    const struct slice by = SLICE("rule");
    switch (rule->target) {
    case RULE_TO_URL:
        return redirect(outcome_of_url(rule->template), rule->template, campaign, by);
    case RULE_TO_ANDROID:
        return redirect(TAP_OUTCOME_PLAY_STORE, template[CAMPAIGN_FIELD_ANDROID], campaign, by);
    case RULE_TO_IOS:
        return redirect(TAP_OUTCOME_APP_STORE, template[CAMPAIGN_FIELD_IOS], campaign, by);
    case RULE_TO_WEB:
        return redirect(TAP_OUTCOME_WEB, template[CAMPAIGN_FIELD_WEB], campaign, by);
    case RULE_TO_FALLBACK:
        return redirect(TAP_OUTCOME_FALLBACK, template[CAMPAIGN_FIELD_FALLBACK], campaign, by);
    case RULE_TO_DESKTOP:
        return to_desktop(campaign);
    }
    ENSURE((unsigned)rule->target <= RULE_TO_DESKTOP);
    return (struct destination){.campaign = campaign};
}

/* The campaign's template for computers, or a page. One with links to the stores is there only
 * where there is a store; a rule may ask for it although the campaign does not for everybody. */
static struct destination to_desktop(const struct campaign *campaign) {
    bool has_store = campaign->template[CAMPAIGN_FIELD_ANDROID].size > 0 ||
                     campaign->template[CAMPAIGN_FIELD_IOS].size > 0;
    struct destination page = {
        .outcome = TAP_OUTCOME_DESKTOP, .campaign = campaign, .by = SLICE("desktop")};
    switch (campaign->desktop) {
    case CAMPAIGN_DESKTOP_TEMPLATE:
        return redirect(TAP_OUTCOME_DESKTOP, campaign->desktop_template, campaign,
                        SLICE("desktop"));
    case CAMPAIGN_DESKTOP_WEB:
    case CAMPAIGN_DESKTOP_PAGE:
        page.page = has_store ? PAGE_DESKTOP : PAGE_NONE;
        return page;
    case CAMPAIGN_DESKTOP_QR:
        page.page = has_store ? PAGE_DESKTOP_QR : PAGE_NONE;
        return page;
    }
    ENSURE((unsigned)campaign->desktop <= CAMPAIGN_DESKTOP_TEMPLATE);
    return page;
}

static struct destination by_platform(const struct campaign *campaign, enum tap_platform platform) {
    const struct slice *template = campaign->template;
    if (platform == TAP_PLATFORM_ANDROID && template[CAMPAIGN_FIELD_ANDROID].size > 0) {
        return redirect(TAP_OUTCOME_PLAY_STORE, template[CAMPAIGN_FIELD_ANDROID], campaign,
                        SLICE("android"));
    }
    if (platform == TAP_PLATFORM_IOS && template[CAMPAIGN_FIELD_IOS].size > 0) {
        return redirect(TAP_OUTCOME_APP_STORE, template[CAMPAIGN_FIELD_IOS], campaign,
                        SLICE("ios"));
    }
    return template[CAMPAIGN_FIELD_WEB].size > 0
               ? redirect(TAP_OUTCOME_WEB, template[CAMPAIGN_FIELD_WEB], campaign, SLICE("web"))
               : redirect(TAP_OUTCOME_FALLBACK, template[CAMPAIGN_FIELD_FALLBACK], campaign,
                          SLICE("fallback"));
}

/* Where the phone's own store is meant, and a browser within an app would show its web page: in
 * another way, if the table knows one. An intent: URL is there for the campaign's own template
 * alone. */
static struct destination in_container(const struct destination_input *input,
                                       struct destination chosen) {
    if (LIKELY(input->in_app.size == 0) || !chosen.is_store || chosen.page != PAGE_NONE) {
        return chosen;
    }
    enum template_store own = input->platform == TAP_PLATFORM_ANDROID ? TEMPLATE_GOOGLE_PLAY
                              : input->platform == TAP_PLATFORM_IOS   ? TEMPLATE_APP_STORE
                                                                      : TEMPLATE_NO_STORE;
    const struct container *container = container_find(input->platform, input->in_app);
    if (container == NULL || template_compiled_store(chosen.template) != own) {
        return chosen;
    }
    switch (container->way) {
    case CONTAINER_DIRECT:
        return chosen;
    case CONTAINER_INTENT:
        if (chosen.campaign->intent.size > 0 &&
            chosen.template.data == chosen.campaign->template[CAMPAIGN_FIELD_ANDROID].data) {
            chosen.template = chosen.campaign->intent;
            chosen.container = container_way_name(container->way);
        }
        return chosen;
    case CONTAINER_BUTTON:
        chosen.page = PAGE_OPEN;
        chosen.container = container_way_name(container->way);
        return chosen;
    }
    return chosen;
}

static struct destination redirect(enum tap_outcome outcome, struct slice template,
                                   const struct campaign *campaign, struct slice by) {
    return (struct destination){
        .outcome = outcome,
        .template = template,
        .campaign = campaign,
        .is_store = template.size > 0 && template_compiled_store(template) != TEMPLATE_NO_STORE,
        .by = by,
    };
}
