/*
 * tap_pages.c - see tap_pages.h.
 */
#include "tap_pages.h"

#include "click/token.h"
#include "decide/destination.h"
#include "edge_worker.h"
#include "link/campaign.h"
#include "link/code.h"
#include "link/link.h"
#include "link/template.h"
#include "pages.h"
#include "route.h"

/* A URL of a page: rendered, with its token. */
struct rendered {
    char bytes[LOCATION_BYTES_MAX];
    struct slice url;
};

static void render(const struct tap_page *page, struct slice template, struct slice token,
                   struct rendered *rendered) {
    const struct template_values values = {
        .code = page->code, .campaign = page->campaign_id, .owner = page->owner, .click = token};
    struct buf out = buf_over(rendered->bytes, sizeof(rendered->bytes));
    size_t hole = SIZE_MAX;
    rendered->url = SLICE_EMPTY;
    if (template.size > 0 && template_render_open(template, &values, &out, &hole)) {
        rendered->url = buf_slice(&out);
    }
}

/* What its buttons lead to. */
struct targets {
    struct slice android;
    struct slice ios;
    struct slice web;
};

static void show(const struct tap_page *page, enum page_name name, struct slice token,
                 const struct targets *targets, struct page_values *values) {
    struct rendered chosen, android, ios, web;
    render(page, page->destination->template, token, &chosen);
    render(page, targets->android, token, &android);
    render(page, targets->ios, token, &ios);
    render(page, targets->web, token, &web);
    values->code = page->code;
    values->campaign = page->destination->campaign;
    values->is_https = page->is_https;
    values->href = chosen.url;
    values->android_href = android.url;
    values->ios_href = ios.url;
    values->web_href = web.url;
    values->outcome = page->destination->outcome;
    pages_show(page->context, name, values);
}

void tap_page_show(const struct tap_page *page) {
    enum destination_page which = page->destination->page;
    const struct campaign *campaign = page->destination->campaign;
    struct page_values values = {.has_qr = which == PAGE_DESKTOP_QR, .state = which};
    struct targets targets = {0};
    char token[TOKEN_SIZE];
    if (which == PAGE_NOT_FOUND && page->link == NULL && code_is_mistyped(page->code)) {
        values = (struct page_values){.code = page->code, .is_https = page->is_https};
        pages_show(page->context, PAGE_NAME_MISTYPED, &values);
        return;
    }
    if (campaign != NULL) {
        targets = (struct targets){.android = campaign->template[CAMPAIGN_FIELD_ANDROID],
                                   .ios = campaign->template[CAMPAIGN_FIELD_IOS],
                                   .web = campaign->template[CAMPAIGN_FIELD_WEB]};
    }
    token_make(page->context->worker->tokens, page->id, page->code, token);
    show(page, pages_name_of(which), slice_make(token, sizeof(token)), &targets, &values);
}

/* --- CODE+ ---------------------------------------------------------------------------------- */

/* Where the same tap would lead on such a device, in a browser of its own. */
static struct slice target_on(const struct tap_page *page, enum tap_platform platform) {
    struct destination_input input = *page->input;
    struct destination destination;
    input.os_version = input.platform == platform ? input.os_version : 0;
    input.platform = platform;
    input.in_app = SLICE_EMPTY;
    destination_choose(&input, &destination);
    return destination.template;
}

/* Of what is open now: NONE. */
static enum destination_page closed_by(enum link_status status, uint64_t starts_at,
                                       uint64_t expires_at, uint64_t now_s) {
    if (status == LINK_PAUSED) {
        return PAGE_PAUSED;
    }
    if (now_s < starts_at) {
        return PAGE_NOT_STARTED;
    }
    return expires_at != 0 && now_s >= expires_at ? PAGE_EXPIRED : PAGE_NONE;
}

/* Why a tap gets a page, or its campaign's fallback. */
static enum destination_page state_of(const struct tap_page *page) {
    const struct link *link = page->link;
    const struct campaign *campaign = page->input->campaign;
    enum destination_page state = page->destination->page;
    if (page->destination->outcome != TAP_OUTCOME_FALLBACK || link == NULL) {
        return state;
    }
    uint64_t now_s = page->input->now_s;
    state = closed_by(link_status(link), link_starts_at(link), link_expires_at(link), now_s);
    if (state == PAGE_NONE && campaign != NULL) {
        state = closed_by(campaign->status, campaign->starts_at, campaign->expires_at, now_s);
    }
    return state == PAGE_NONE && link_is_used_up(link) ? PAGE_USED_UP : state;
}

void tap_page_inspect(const struct tap_page *page) {
    static const struct slice no_token = SLICE("00000000000000000000000000000000");
    if (page->destination->page == PAGE_NOT_FOUND || page->destination->page == PAGE_BUSY) {
        tap_page_show(page);
        return;
    }
    struct page_values values = {.state = state_of(page)};
    const struct targets targets = {.android = target_on(page, TAP_PLATFORM_ANDROID),
                                    .ios = target_on(page, TAP_PLATFORM_IOS),
                                    .web = target_on(page, TAP_PLATFORM_WINDOWS)};
    show(page, PAGE_NAME_INSPECT, no_token, &targets, &values);
}
