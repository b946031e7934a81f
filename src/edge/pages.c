/*
 * pages.c - the pages, and the short answers to what is no tap.
 */
#include "pages.h"

#include "edge_worker.h"
#include "http/response.h"
#include "link/campaign.h"
#include "route.h"

struct page_text {
    uint16_t status;
    const char *title_es;
    const char *text_es;
    const char *title_en;
    const char *text_en;
};

static const struct page_text *text_of(enum destination_page page) {
    static const struct page_text not_found = {
        404, "No encontramos este enlace", "Revisa que esté completo y bien escrito.",
        "We could not find this link", "Please check that it is complete and spelled correctly."};
    static const struct page_text paused = {
        410, "Este enlace está en pausa", "Quien lo compartió puede activarlo de nuevo.",
        "This link is paused", "Whoever shared it can turn it on again."};
    static const struct page_text not_started = {
        410, "Este enlace todavía no empieza", "Inténtalo de nuevo más tarde.",
        "This link has not started yet", "Please try again later."};
    static const struct page_text expired = {
        410, "Este enlace ya venció", "Pide uno nuevo a quien te lo compartió.",
        "This link has expired", "Please ask whoever shared it for a new one."};
    static const struct page_text busy = {
        503, "Un momento, por favor", "Inténtalo de nuevo en unos segundos.", "One moment, please",
        "Please try again in a few seconds."};
    switch (page) {
    case PAGE_NONE:
    case PAGE_DESKTOP:
    case PAGE_DESKTOP_QR:
    case PAGE_OPEN:
        break;
    case PAGE_USED_UP:
        return &expired;
    case PAGE_NOT_FOUND:
        return &not_found;
    case PAGE_PAUSED:
        return &paused;
    case PAGE_NOT_STARTED:
        return &not_started;
    case PAGE_EXPIRED:
        return &expired;
    case PAGE_BUSY:
        return &busy;
    }
    ENSURE(false && "a page that has a text");
    return NULL;
}

void pages_respond(struct request_context *context, uint16_t status, struct slice content_type,
                   struct slice content, struct slice extra) {
    struct http_response response = {
        .status = status,
        .keep_alive = context->keep_alive,
        .minor_version = context->request.minor_version,
        .head_only = context->request.method == HTTP_HEAD,
        .content_type = content_type,
        .content = content,
        .extra = extra,
        .date = &context->worker->date,
    };
    ENSURE(http_respond(context->out, &response));
}

static void respond_with_text(struct request_context *context, const struct page_text *text,
                              struct slice extra) {
    struct buf html = buf_over(context->worker->page_bytes, PAGE_BYTES_MAX);
    buf_printf(&html,
               "<!doctype html>\n<html lang=\"es\">\n<head>\n<meta charset=\"utf-8\">\n"
               "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
               "<meta name=\"robots\" content=\"noindex\">\n<title>%s</title>\n</head>\n<body>\n"
               "<h1>%s</h1>\n<p>%s</p>\n<div lang=\"en\">\n<h2>%s</h2>\n<p>%s</p>\n</div>\n"
               "</body>\n</html>\n",
               text->title_es, text->title_es, text->text_es, text->title_en, text->text_en);
    pages_respond(context, text->status, PAGE_HTML, buf_slice(&html), extra);
}

void pages_error(struct request_context *context, enum destination_page page) {
    respond_with_text(context, text_of(page),
                      page == PAGE_BUSY ? SLICE("Retry-After: 1\r\n") : SLICE_EMPTY);
}

void pages_mistyped(struct request_context *context) {
    static const struct page_text mistyped = {
        404, "Este enlace tiene un error de escritura",
        "Una letra o un número no coincide. Revísalo, o pídelo de nuevo a quien te lo compartió.",
        "This link has a typing mistake",
        "A letter or a digit is not right. Check the link, or ask for it again."};
    respond_with_text(context, &mistyped, SLICE_EMPTY);
}

void pages_method_not_allowed(struct request_context *context) {
    pages_respond(context, 405, PAGE_TEXT, SLICE("method not allowed: use GET or HEAD\n"),
                  SLICE("Allow: GET, HEAD\r\n"));
}

void pages_refusal(struct buf *out, uint16_t status, const struct http_date *date) {
    struct http_response response = {
        .status = status,
        .minor_version = 1,
        .content_type = PAGE_TEXT,
        .content = status == 414   ? SLICE("the request line is too long\n")
                   : status == 431 ? SLICE("the request head is too large\n")
                                   : SLICE("this is not a valid HTTP/1.1 request\n"),
        .date = date,
    };
    ENSURE(http_respond(out, &response));
}

static void append_meta(struct buf *html, const char *property, struct slice content) {
    if (content.size > 0) {
        buf_printf(html, "<meta property=\"%s\" content=\"", property);
        buf_append_html(html, content);
        buf_append(html, SLICE("\">\n"));
    }
}

static struct slice campaign_text(const struct campaign *campaign, enum campaign_field field) {
    return campaign == NULL ? SLICE_EMPTY : campaign->text[field];
}

void pages_preview(struct request_context *context, struct slice code,
                   const struct campaign *campaign, bool is_https) {
    struct slice host = context->request.host;
    struct slice title = campaign_text(campaign, CAMPAIGN_FIELD_OG_TITLE);
    struct slice description = campaign_text(campaign, CAMPAIGN_FIELD_OG_DESCRIPTION);
    title = title.size > 0 ? title : campaign_text(campaign, CAMPAIGN_FIELD_NAME);
    title = title.size > 0 ? title : slice_first(host, CAMPAIGN_TEXT_BYTES_MAX);

    char url_bytes[CAMPAIGN_TEXT_BYTES_MAX + 128];
    struct buf url = buf_over(url_bytes, sizeof(url_bytes));
    buf_append(&url, is_https ? SLICE("https://") : SLICE("http://"));
    buf_append(&url, slice_first(host, CAMPAIGN_TEXT_BYTES_MAX));
    buf_append_char(&url, '/');
    buf_append(&url, code);

    /* Some fetchers read little of a page: what they look for stands first. */
    struct buf html = buf_over(context->worker->page_bytes, PAGE_BYTES_MAX);
    buf_append(&html, SLICE("<!doctype html>\n<html prefix=\"og: https://ogp.me/ns#\">\n<head>\n"
                            "<meta charset=\"utf-8\">\n"));
    append_meta(&html, "og:title", title);
    append_meta(&html, "og:description", description);
    append_meta(&html, "og:image", campaign_text(campaign, CAMPAIGN_FIELD_OG_IMAGE));
    append_meta(&html, "og:url", buf_slice(&url));
    append_meta(&html, "og:type", SLICE("website"));
    buf_append(&html, SLICE("<title>"));
    buf_append_html(&html, title);
    buf_append(&html, SLICE("</title>\n</head>\n<body>\n<h1>"));
    buf_append_html(&html, title);
    buf_append(&html, SLICE("</h1>\n<p>"));
    buf_append_html(&html, description);
    buf_append(&html, SLICE("</p>\n</body>\n</html>\n"));
    ENSURE(!html.overflowed); /* the texts' limits, escaped, fit */
    pages_respond(context, 200, PAGE_HTML, buf_slice(&html), SLICE_EMPTY);
}
