/*
 * link_test_report.c - what a tap that does not happen would have come to, as JSON.
 *
 * Threads   The main thread.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "credit/explain_words.h"
#include "link/campaign.h"
#include "link/link.h"
#include "link/template.h"
#include "link_test.h"

enum { LINE_BYTES_MAX = 512 };

#define EXAMPLE_TOKEN "EXAMPLE-click-token-EXAMPLE-0000"
_Static_assert(sizeof(EXAMPLE_TOKEN) - 1 == TEMPLATE_CLICK_BYTES, "it looks like a token");

/* --- telling -------------------------------------------------------------------------------- */

void link_test_warn(struct trial *trial, const char *format, ...) {
    char line[LINE_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    json_array_append_new(trial->warnings, json_string(line));
}

static void warn_of_faults(struct trial *trial, enum record_kind kind, unsigned faults) {
    const struct record_shape *shape = record_shape(kind);
    for (size_t i = 0; i < shape->count; i++) {
        if ((faults & 1U << i) != 0) {
            link_test_warn(trial,
                           "the %s's %s makes no sense, or is not allowed, and is passed over",
                           shape->noun, shape->names[i]);
        }
    }
}

static void warn_of_time(struct trial *trial, const char *noun, uint64_t starts_at,
                         uint64_t expires_at) {
    char at[CLOCK_RFC3339_BYTES];
    if (starts_at > trial->now_s) {
        clock_rfc3339(starts_at * 1000, at);
        link_test_warn(trial, "the %s starts at %s", noun, at);
    }
    if (expires_at != 0) {
        clock_rfc3339(expires_at * 1000, at);
        link_test_warn(trial,
                       expires_at <= trial->now_s ? "the %s expired at %s" : "the %s expires at %s",
                       noun, at);
    }
}

void link_test_warn_of_all(struct trial *trial) {
    const struct link *link = trial->link;
    const struct campaign *campaign = trial->campaign;
    if (link != NULL) {
        warn_of_faults(trial, RECORD_LINK, link_faults(link));
        warn_of_time(trial, "link", link_starts_at(link), link_expires_at(link));
        if (link_status(link) == LINK_PAUSED) {
            link_test_warn(trial, "the link is paused");
        }
        if (link_is_used_up(link)) {
            link_test_warn(trial, "the link's max_clicks are used up");
        }
    }
    if (campaign != NULL) {
        warn_of_faults(trial, RECORD_CAMPAIGN, campaign->faults);
        warn_of_time(trial, "campaign", campaign->starts_at, campaign->expires_at);
        if (campaign->status == LINK_PAUSED) {
            link_test_warn(trial, "the campaign is paused");
        }
    }
    if (trial->is_share_missing) {
        link_test_warn(
            trial, "a rule has a weight, and which visitor this is cannot be told: --share N, or "
                   "--ip where the secret under data.dir can be read; taken as 0");
    }
    if (trial->destination.campaign != NULL &&
        trial->destination.campaign->passthrough != PASSTHROUGH_NONE && trial->query.size > 0 &&
        !destination_is_store(&trial->destination)) {
        link_test_warn(
            trial, "the campaign passes the query on (passthrough): an edge adds it to this URL");
    }
}

static const char *page_name(enum destination_page page) {
    switch (page) {
    case PAGE_NONE:
        return "";
    case PAGE_NOT_FOUND:
        return "not_found";
    case PAGE_PAUSED:
        return "paused";
    case PAGE_NOT_STARTED:
        return "not_started";
    case PAGE_EXPIRED:
        return "expired";
    case PAGE_BUSY:
        return "busy";
    case PAGE_USED_UP:
        return "used_up";
    case PAGE_DESKTOP:
        return "desktop";
    case PAGE_DESKTOP_QR:
        return "desktop, with a QR code";
    case PAGE_OPEN:
        return "open: one button that leads there";
    }
    return "";
}

static json_t *text(struct slice value) {
    json_t *string = value.size > 0 ? json_stringn(value.data, value.size) : json_string("");
    return string != NULL ? string : json_string("?");
}

/* As the click would say it: BY[:RULE][+CONTAINER]. */
static void append_rule(const struct destination *destination, struct buf *out) {
    buf_append(out, destination->by);
    if (destination->rule.size > 0) {
        buf_append_char(out, ':');
        buf_append(out, destination->rule);
    }
    if (destination->container.size > 0) {
        buf_append_char(out, '+');
        buf_append(out, destination->container);
    }
}

static json_t *url_of(const struct trial *trial) {
    const struct destination *destination = &trial->destination;
    char bytes[LOCATION_BYTES_MAX];
    struct buf url = buf_over(bytes, sizeof(bytes));
    size_t click_at;
    const struct template_values values = {
        .code = trial->code,
        .campaign = destination->campaign != NULL ? destination->campaign->id : SLICE_EMPTY,
        .owner = trial->link != NULL ? link_owner(trial->link) : SLICE_EMPTY,
        .click = SLICE(EXAMPLE_TOKEN)};
    bool is_url = destination->template.size > 0 &&
                  template_render_open(destination->template, &values, &url, &click_at);
    return is_url ? text(buf_slice(&url)) : json_string("");
}

static json_t *version_of(uint32_t version) {
    char text_bytes[32] = "";
    if (version != 0) {
        snprintf(text_bytes, sizeof(text_bytes), "%u.%u.%u", version >> 16, version >> 8 & 0xFF,
                 version & 0xFF);
    }
    return json_string(text_bytes);
}

static void tell_who(const struct trial *trial, json_t *told, json_t *why) {
    static const char *const kinds[] = {
        [AGENT_PERSON] = "human", [AGENT_PREVIEW] = "preview", [AGENT_BOT] = "bot"};
    const struct agent *agent = &trial->agent;
    char bytes[LINE_BYTES_MAX];
    struct buf line = buf_over(bytes, sizeof(bytes));
    explain_kind(slice_of(kinds[agent->class]), agent->rule, agent->in_app, &line);
    json_object_set_new(told, "kind", json_string(kinds[agent->class]));
    json_object_set_new(why, "kind", text(buf_slice(&line)));
    json_object_set_new(told, "agent", text(agent->rule));
    json_object_set_new(told, "platform", json_string(tap_platform_name(agent->platform)));
    json_object_set_new(told, "os_version", version_of(agent->os_version));
    json_object_set_new(told, "browser", text(agent->browser));
    json_object_set_new(told, "in_app", text(agent->in_app));
    json_object_set_new(told, "country", text(geo_country(&trial->place)));
    json_object_set_new(told, "region", text(geo_region(&trial->place)));
    json_object_set_new(told, "language", text(trial->language));
}

static void tell_where(const struct trial *trial, json_t *told, json_t *why) {
    const struct destination *destination = &trial->destination;
    const char *outcome = tap_outcome_name(destination->outcome);
    bool is_preview = trial->agent.class == AGENT_PREVIEW && destination->template.size > 0;
    char bytes[LINE_BYTES_MAX];
    struct buf line = buf_over(bytes, sizeof(bytes));
    explain_outcome(slice_of(outcome), &line);
    json_object_set_new(told, "outcome", json_string(outcome));
    json_object_set_new(why, "outcome", text(buf_slice(&line)));
    buf_clear(&line);
    append_rule(destination, &line);
    json_object_set_new(told, "rule", text(buf_slice(&line)));
    char rule_bytes[LINE_BYTES_MAX];
    struct buf rule = buf_over(rule_bytes, sizeof(rule_bytes));
    explain_rule(buf_slice(&line), trial->agent.in_app, &rule);
    json_object_set_new(why, "rule", text(buf_slice(&rule)));
    json_object_set_new(told, "page",
                        json_string(is_preview ? "preview" : page_name(destination->page)));
    json_object_set_new(told, "url", url_of(trial));
    json_object_set_new(
        told, "campaign",
        text(destination->campaign != NULL ? destination->campaign->id : SLICE_EMPTY));
}

json_t *link_test_report(struct trial *trial) {
    json_t *told = json_object();
    json_t *why = json_object();
    json_object_set_new(told, "code", text(trial->code));
    json_object_set_new(told, "at", json_integer((json_int_t)trial->now_s));
    tell_who(trial, told, why);
    tell_where(trial, told, why);
    json_object_set_new(told, "share",
                        trial->has_share ? json_integer((json_int_t)trial->share) : json_null());
    json_object_set_new(told, "why", why);
    json_object_set(told, "warnings", trial->warnings);
    return told;
}
