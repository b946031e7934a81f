/*
 * destination.c - the table of decide/destination.h, row by row.
 *
 * What stands open is looked at first, the link before its campaign; then whether the link can be
 * believed, and whether it is used up; then the link's own URL, the campaign's rules, its desktop
 * page, the platform's template. Whatever finds nothing to lead to ends at the default campaign;
 * where that leads nowhere either, a campaign of an app still says where the app is to be had.
 *
 * A campaign whose status or times make no sense may have been meant to be closed: only its
 * fallback is used. A template that makes no sense reads as absent.
 *
 * A campaign without rules pays for them with one comparison, and a person in a plain browser for
 * containers with another. What is chosen is written to where it is wanted, once: it is eleven
 * words long, and every tap would copy them from hand to hand. What few taps come to is not
 * inlined.
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

#define COLD __attribute__((cold, noinline))

static enum standing standing_of(enum link_status status, uint64_t starts_at, uint64_t expires_at,
                                 uint64_t now_s);
static enum standing campaign_standing(const struct campaign *campaign, uint64_t now_s);
static bool campaign_is_doubtful(const struct campaign *campaign);
COLD static void closed(const struct destination_input *input, enum standing standing,
                        struct destination *chosen);
COLD static void used_up(const struct destination_input *input, struct destination *chosen);
COLD static void fall_back(const struct destination_input *input, struct destination *chosen);
COLD static void nowhere(const struct destination_input *input, struct destination *chosen);
COLD static void by_default(const struct destination_input *input, enum tap_outcome outcome,
                            enum destination_page otherwise, struct destination *chosen);
static void by_own_url(const struct destination_input *input, struct destination *chosen);
static bool by_campaign(const struct destination_input *input, struct destination *chosen);
/* Not inlined: it has a kilobyte of its own. */
__attribute__((noinline)) static bool by_rules(const struct destination_input *input,
                                               struct destination *chosen);
static bool by_target(const struct campaign *campaign, const struct rule *rule,
                      struct destination *chosen);
static bool to_desktop(const struct campaign *campaign, struct destination *chosen);
static bool to_stores(const struct campaign *campaign, struct destination *chosen);
static inline bool by_platform(const struct campaign *campaign, enum tap_platform platform,
                               struct destination *chosen);
__attribute__((noinline)) static void in_container(const struct destination_input *input,
                                                   struct destination *chosen);
static inline bool redirect(enum tap_outcome outcome, struct slice template,
                            const struct campaign *campaign, struct slice by,
                            struct destination *chosen);
static void show(enum tap_outcome outcome, enum destination_page page,
                 const struct campaign *campaign, struct destination *chosen);

static inline bool is_computer(enum tap_platform platform) {
    const unsigned computers =
        1U << TAP_PLATFORM_WINDOWS | 1U << TAP_PLATFORM_MACOS | 1U << TAP_PLATFORM_LINUX;
    return (computers & 1U << platform) != 0;
}

void destination_choose(const struct destination_input *input, struct destination *chosen) {
    const struct link *link = input->link;
    if (UNLIKELY(!input->reachable)) {
        by_default(input, TAP_OUTCOME_UNRESOLVED, PAGE_BUSY, chosen);
        return;
    }
    if (UNLIKELY(link == NULL)) {
        by_default(input, TAP_OUTCOME_DEFAULT, PAGE_NOT_FOUND, chosen);
        return;
    }

    enum standing standing =
        standing_of(link_status(link), link_starts_at(link), link_expires_at(link), input->now_s);
    if (standing == STANDING_OPEN && input->campaign != NULL) {
        standing = campaign_standing(input->campaign, input->now_s);
    }
    if (standing != STANDING_OPEN) {
        closed(input, standing, chosen);
    } else if (link_faults(link) != 0 ||
               (input->campaign != NULL && campaign_is_doubtful(input->campaign))) {
        fall_back(input, chosen);
    } else if (link_is_used_up(link)) {
        used_up(input, chosen);
    } else if (link_template(link).size > 0) {
        by_own_url(input, chosen);
    } else if (input->campaign == NULL || !by_campaign(input, chosen)) {
        nowhere(input, chosen);
    } else if (UNLIKELY(input->in_app.size > 0)) {
        in_container(input, chosen);
    }
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

/* Where those go who may not go on. */
static bool to_fallback(const struct campaign *campaign, struct destination *chosen) {
    return campaign != NULL &&
           redirect(TAP_OUTCOME_FALLBACK, campaign->template[CAMPAIGN_FIELD_FALLBACK], campaign,
                    SLICE("fallback"), chosen);
}

static void closed(const struct destination_input *input, enum standing standing,
                   struct destination *chosen) {
    if (to_fallback(input->campaign, chosen)) {
        return;
    }
    switch (standing) {
    case STANDING_PAUSED:
        show(TAP_OUTCOME_PAUSED, PAGE_PAUSED, input->campaign, chosen);
        return;
    case STANDING_NOT_STARTED:
        show(TAP_OUTCOME_PAUSED, PAGE_NOT_STARTED, input->campaign, chosen);
        return;
    case STANDING_EXPIRED:
        show(TAP_OUTCOME_EXPIRED, PAGE_EXPIRED, input->campaign, chosen);
        return;
    case STANDING_OPEN:
        break;
    }
    ENSURE(standing != STANDING_OPEN);
}

static void used_up(const struct destination_input *input, struct destination *chosen) {
    if (!to_fallback(input->campaign, chosen)) {
        show(TAP_OUTCOME_USED_UP, PAGE_USED_UP, input->campaign, chosen);
    }
}

/* For a link or campaign that cannot be believed. */
static void fall_back(const struct destination_input *input, struct destination *chosen) {
    if (!to_fallback(input->campaign, chosen)) {
        by_default(input, TAP_OUTCOME_DEFAULT, PAGE_NOT_FOUND, chosen);
    }
}

/* Who has a phone that the app is not for, or none, wants to know of the one that it is for. */
static void nowhere(const struct destination_input *input, struct destination *chosen) {
    const struct campaign *campaign = input->campaign;
    by_default(input, TAP_OUTCOME_DEFAULT, PAGE_NOT_FOUND, chosen);
    if (chosen->page == PAGE_NOT_FOUND && campaign != NULL &&
        (campaign->text[CAMPAIGN_FIELD_ANDROID_PACKAGE].size > 0 ||
         campaign->text[CAMPAIGN_FIELD_IOS_APP_ID].size > 0)) {
        (void)to_stores(campaign, chosen);
    }
}

/* outcome is that of the redirect; without one, it follows from the page. */
static void by_default(const struct destination_input *input, enum tap_outcome outcome,
                       enum destination_page otherwise, struct destination *chosen) {
    const struct campaign *campaign = input->default_campaign;
    if (campaign != NULL) {
        bool usable = campaign_standing(campaign, input->now_s) == STANDING_OPEN &&
                      !campaign_is_doubtful(campaign);
        if (usable ? by_platform(campaign, input->platform, chosen)
                   : to_fallback(campaign, chosen)) {
            chosen->outcome = outcome;
            chosen->by = SLICE("default");
            in_container(input, chosen);
            return;
        }
    }
    show(otherwise == PAGE_BUSY ? TAP_OUTCOME_UNRESOLVED : TAP_OUTCOME_NOT_FOUND, otherwise,
         input->reachable && input->link != NULL ? input->campaign : NULL, chosen);
}

/* Whoever gave a link its own URL knows where it leads: in which app it is opened changes nothing.
 */
static void by_own_url(const struct destination_input *input, struct destination *chosen) {
    struct slice own = link_template(input->link);
    struct slice schemes =
        input->campaign ? input->campaign->text[CAMPAIGN_FIELD_SCHEMES] : SLICE_EMPTY;
    if (template_compiled_is_allowed(own, schemes)) {
        redirect(TAP_OUTCOME_OVERRIDE, own, input->campaign, SLICE("url"), chosen);
    } else {
        fall_back(input, chosen);
    }
}

/* All that follow are false when they lead nowhere. */
static bool by_campaign(const struct destination_input *input, struct destination *chosen) {
    const struct campaign *campaign = input->campaign;
    if (UNLIKELY(campaign->rules != NULL) && by_rules(input, chosen)) {
        return true;
    }
    if (UNLIKELY(campaign->desktop != CAMPAIGN_DESKTOP_WEB) && is_computer(input->platform) &&
        to_desktop(campaign, chosen)) {
        return true;
    }
    return by_platform(campaign, input->platform, chosen);
}

/* The first rule that fits and leads somewhere. */
static bool by_rules(const struct destination_input *input, struct destination *chosen) {
    const struct campaign *campaign = input->campaign;
    const struct rules *rules = campaign->rules;
    struct rule_match match;
    rule_match_begin(&match, input);
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->rule[i];
        if (rule_match(&match, rule) && by_target(campaign, rule, chosen)) {
            chosen->by = SLICE("rule");
            chosen->rule = rule->name;
            return true;
        }
    }
    return false;
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

static bool by_target(const struct campaign *campaign, const struct rule *rule,
                      struct destination *chosen) {
    const struct slice *template = campaign->template;
    const struct slice by = SLICE("rule");
    switch (rule->target) {
    case RULE_TO_URL:
        return redirect(outcome_of_url(rule->template), rule->template, campaign, by, chosen);
    case RULE_TO_ANDROID:
        return redirect(TAP_OUTCOME_PLAY_STORE, template[CAMPAIGN_FIELD_ANDROID], campaign, by,
                        chosen);
    case RULE_TO_IOS:
        return redirect(TAP_OUTCOME_APP_STORE, template[CAMPAIGN_FIELD_IOS], campaign, by, chosen);
    case RULE_TO_WEB:
        return redirect(TAP_OUTCOME_WEB, template[CAMPAIGN_FIELD_WEB], campaign, by, chosen);
    case RULE_TO_FALLBACK:
        return to_fallback(campaign, chosen);
    case RULE_TO_DESKTOP:
        return to_desktop(campaign, chosen);
    }
    ENSURE((unsigned)rule->target <= RULE_TO_DESKTOP);
    return false;
}

/* The campaign's template for computers, or a page; a rule may ask for it although the campaign
 * does not for everybody. */
static bool to_desktop(const struct campaign *campaign, struct destination *chosen) {
    if (campaign->desktop == CAMPAIGN_DESKTOP_TEMPLATE) {
        return redirect(TAP_OUTCOME_DESKTOP, campaign->desktop_template, campaign, SLICE("desktop"),
                        chosen);
    }
    return to_stores(campaign, chosen);
}

/* The page with links to the stores, where there is one to lead to. */
static bool to_stores(const struct campaign *campaign, struct destination *chosen) {
    if (campaign->template[CAMPAIGN_FIELD_ANDROID].size == 0 &&
        campaign->template[CAMPAIGN_FIELD_IOS].size == 0) {
        return false;
    }
    show(TAP_OUTCOME_DESKTOP,
         campaign->desktop == CAMPAIGN_DESKTOP_QR ? PAGE_DESKTOP_QR : PAGE_DESKTOP, campaign,
         chosen);
    chosen->by = SLICE("desktop");
    return true;
}

static inline bool by_platform(const struct campaign *campaign, enum tap_platform platform,
                               struct destination *chosen) {
    const struct slice *template = campaign->template;
    if (platform == TAP_PLATFORM_ANDROID &&
        redirect(TAP_OUTCOME_PLAY_STORE, template[CAMPAIGN_FIELD_ANDROID], campaign,
                 SLICE("android"), chosen)) {
        return true;
    }
    if (platform == TAP_PLATFORM_IOS &&
        redirect(TAP_OUTCOME_APP_STORE, template[CAMPAIGN_FIELD_IOS], campaign, SLICE("ios"),
                 chosen)) {
        return true;
    }
    return redirect(TAP_OUTCOME_WEB, template[CAMPAIGN_FIELD_WEB], campaign, SLICE("web"),
                    chosen) ||
           to_fallback(campaign, chosen);
}

/* Where the phone's own store is meant, and a browser within an app would show its web page: in
 * another way, if the table knows one. An intent: URL is there for the campaign's own template
 * alone. */
static void in_container(const struct destination_input *input, struct destination *chosen) {
    if (input->in_app.size == 0 || chosen->page != PAGE_NONE) {
        return;
    }
    enum template_store own = input->platform == TAP_PLATFORM_ANDROID ? TEMPLATE_GOOGLE_PLAY
                              : input->platform == TAP_PLATFORM_IOS   ? TEMPLATE_APP_STORE
                                                                      : TEMPLATE_NO_STORE;
    if (own == TEMPLATE_NO_STORE || template_compiled_store(chosen->template) != own) {
        return;
    }
    const struct container *container = container_find(input->platform, input->in_app);
    enum container_way way = container == NULL ? CONTAINER_DIRECT : container->way;
    const struct campaign *campaign = chosen->campaign;
    switch (way) {
    case CONTAINER_DIRECT:
        return;
    case CONTAINER_INTENT:
        if (campaign->intent.size > 0 &&
            chosen->template.data == campaign->template[CAMPAIGN_FIELD_ANDROID].data) {
            chosen->template = campaign->intent;
            chosen->container = container_way_name(way);
        }
        return;
    case CONTAINER_BUTTON:
        chosen->page = PAGE_OPEN;
        chosen->container = container_way_name(way);
        return;
    }
}

static inline bool redirect(enum tap_outcome outcome, struct slice template,
                            const struct campaign *campaign, struct slice by,
                            struct destination *chosen) {
    if (template.size == 0) {
        return false;
    }
    *chosen = (struct destination){
        .outcome = outcome,
        .template = template,
        .campaign = campaign,
        .by = by,
    };
    return true;
}

static void show(enum tap_outcome outcome, enum destination_page page,
                 const struct campaign *campaign, struct destination *chosen) {
    *chosen = (struct destination){.outcome = outcome, .page = page, .campaign = campaign};
}
