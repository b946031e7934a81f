/*
 * tap_pages.c - see tap_pages.h.
 */
#include "tap_pages.h"

#include "click/token.h"
#include "decide/destination.h"
#include "edge_worker.h"
#include "link/campaign.h"
#include "link/code.h"
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

/* What the page's buttons lead to, and the page itself. */
static void show(const struct tap_page *page, enum page_name name, struct slice token,
                 struct page_values *values) {
    static const struct slice none = SLICE_EMPTY;
    const struct campaign *campaign = page->destination->campaign;
    struct rendered chosen, android, ios, web;
    render(page, page->destination->template, token, &chosen);
    render(page, campaign ? campaign->template[CAMPAIGN_FIELD_ANDROID] : none, token, &android);
    render(page, campaign ? campaign->template[CAMPAIGN_FIELD_IOS] : none, token, &ios);
    render(page, campaign ? campaign->template[CAMPAIGN_FIELD_WEB] : none, token, &web);
    values->code = page->code;
    values->campaign = campaign;
    values->is_https = page->is_https;
    values->href = chosen.url;
    values->android_href = android.url;
    values->ios_href = ios.url;
    values->web_href = web.url;
    values->state = page->destination->page;
    values->outcome = page->destination->outcome;
    pages_show(page->context, name, values);
}

void tap_page_show(const struct tap_page *page) {
    enum destination_page which = page->destination->page;
    struct page_values values = {.has_qr = which == PAGE_DESKTOP_QR};
    char token[TOKEN_SIZE];
    if (which == PAGE_NOT_FOUND && page->link == NULL && code_is_mistyped(page->code)) {
        values = (struct page_values){.code = page->code, .is_https = page->is_https};
        pages_show(page->context, PAGE_NAME_MISTYPED, &values);
        return;
    }
    token_make(page->context->worker->tokens, page->id, page->code, token);
    show(page, pages_name_of(which), slice_make(token, sizeof(token)), &values);
}

void tap_page_inspect(const struct tap_page *page) {
    static const struct slice no_token = SLICE("00000000000000000000000000000000");
    struct page_values values = {0};
    if (page->destination->page == PAGE_NOT_FOUND || page->destination->page == PAGE_BUSY) {
        tap_page_show(page);
        return;
    }
    show(page, PAGE_NAME_INSPECT, no_token, &values);
}
