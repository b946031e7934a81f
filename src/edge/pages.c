/*
 * pages.c - the pages, and the short answers to what is no tap.
 */
#include "pages.h"

#include "edge_metrics.h"
#include "edge_worker.h"
#include "http/response.h"
#include "page_bind.h"
#include "page_icon.h"
#include "page_set.h"
#include "page_template.h"
#include "route.h"

enum { FIELDS_BYTES_MAX = 640 }; /* a page's own response fields */

#define CACHE_NEVER SLICE("private, no-store")
#define CACHE_A_DAY SLICE("public, max-age=86400")

static const char robots[] =
    "# Everything may be visited: previews and search engines ask for links and for\n"
    "# /.well-known/ like anybody else. Machines are not counted as people.\n"
    "User-agent: *\n"
    "Disallow:\n";

struct answer {
    uint16_t status;
    struct slice content_type;
    struct slice content;
    struct slice extra;
    struct slice cache_control; /* empty: no-store */
};

static void answer_with(struct request_context *context, const struct answer *answer) {
    struct http_response response = {
        .status = answer->status,
        .keep_alive = context->keep_alive,
        .minor_version = context->request.minor_version,
        .head_only = context->request.method == HTTP_HEAD,
        .content_type = answer->content_type,
        .content = answer->content,
        .extra = answer->extra,
        .cache_control = answer->cache_control,
        .date = &context->worker->date,
    };
    ENSURE(http_respond(context->out, &response));
}

void pages_respond(struct request_context *context, uint16_t status, struct slice content_type,
                   struct slice content, struct slice extra) {
    answer_with(context, &(struct answer){.status = status,
                                          .content_type = content_type,
                                          .content = content,
                                          .extra = extra});
}

/* --- pages of templates --------------------------------------------------------------------- */

enum page_name pages_name_of(enum destination_page page) {
    switch (page) {
    case PAGE_NONE:
        break;
    case PAGE_NOT_FOUND:
        return PAGE_NAME_NOT_FOUND;
    case PAGE_PAUSED:
        return PAGE_NAME_PAUSED;
    case PAGE_NOT_STARTED:
        return PAGE_NAME_NOT_STARTED;
    case PAGE_EXPIRED:
        return PAGE_NAME_EXPIRED;
    case PAGE_BUSY:
        return PAGE_NAME_BUSY;
    case PAGE_USED_UP:
        return PAGE_NAME_USED_UP;
    case PAGE_DESKTOP:
    case PAGE_DESKTOP_QR:
        return PAGE_NAME_DESKTOP;
    case PAGE_OPEN:
        return PAGE_NAME_OPEN;
    }
    ENSURE(false && "a redirect has no page");
    return PAGE_NAME_NOT_FOUND;
}

/* Search engines shall find links, not what is wrong with them. */
static bool is_for_search(enum page_name page) {
    return page == PAGE_NAME_PREVIEW || page == PAGE_NAME_DESKTOP || page == PAGE_NAME_OPEN;
}

/* The template that fits; NULL when none does. What is too long for a page is counted. */
static const struct page_template *render(struct edge_worker *worker, enum page_name page,
                                          const struct page_bindings *bindings, struct buf *html) {
    const struct page_template *template = page_set_template(worker->pages, page);
    if (LIKELY(page_template_render(template, bindings, html))) {
        return template;
    }
    metric_add(worker->metrics, EDGE_PAGES_TOO_LARGE, 1);
    template = page_set_builtin(worker->pages, page);
    return page_template_render(template, bindings, html) ? template : NULL;
}

static void write_fields(struct buf *fields, enum page_name page,
                         const struct page_bindings *bindings, struct slice policy) {
    buf_append(fields, SLICE("Content-Language: "));
    buf_append(fields, bindings->value[PAGE_VALUE_OF_LANG]);
    buf_append(fields, SLICE("\r\nVary: Accept-Language\r\nContent-Security-Policy: "));
    buf_append(fields, policy);
    buf_append(fields, SLICE("\r\nReferrer-Policy: no-referrer\r\n"));
    if (!is_for_search(page)) {
        buf_append(fields, SLICE("X-Robots-Tag: noindex\r\n"));
    }
    if (page == PAGE_NAME_BUSY) {
        buf_append(fields, SLICE("Retry-After: 1\r\n"));
    }
    ENSURE(!fields->overflowed);
}

void pages_show(struct request_context *context, enum page_name page,
                const struct page_values *values) {
    const struct page_context known = {.values = values,
                                       .host = context->request.host,
                                       .accept_language = context->request.accept_language};
    struct buf html = buf_over(context->worker->page_bytes, PAGE_BYTES_MAX);
    char bytes[FIELDS_BYTES_MAX];
    struct buf fields = buf_over(bytes, sizeof(bytes));
    struct page_bound bound;
    page_bind(&bound, &known);
    const struct page_template *template = render(context->worker, page, &bound.bindings, &html);
    if (template == NULL) {
        pages_respond(context, page_status(page), PAGE_TEXT,
                      SLICE("this page is too long to be shown\n"), SLICE_EMPTY);
        return;
    }
    write_fields(&fields, page, &bound.bindings, page_template_policy(template));
    answer_with(context, &(struct answer){.status = page_status(page),
                                          .content_type = PAGE_HTML,
                                          .content = buf_slice(&html),
                                          .extra = buf_slice(&fields),
                                          .cache_control = CACHE_NEVER});
}

void pages_error(struct request_context *context, enum destination_page page) {
    pages_show(context, pages_name_of(page), NULL);
}

void pages_mistyped(struct request_context *context) {
    pages_show(context, PAGE_NAME_MISTYPED, NULL);
}

void pages_preview(struct request_context *context, struct slice code,
                   const struct campaign *campaign, bool is_https) {
    const struct page_values values = {.code = code, .campaign = campaign, .is_https = is_https};
    pages_show(context, PAGE_NAME_PREVIEW, &values);
}

/* --- short answers -------------------------------------------------------------------------- */

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

void pages_favicon(struct request_context *context) {
    answer_with(context, &(struct answer){.status = 200,
                                          .content_type = PAGE_ICON,
                                          .content = page_icon(),
                                          .cache_control = CACHE_A_DAY});
}

void pages_robots(struct request_context *context) {
    answer_with(context, &(struct answer){.status = 200,
                                          .content_type = PAGE_TEXT,
                                          .content = slice_make(robots, sizeof(robots) - 1),
                                          .cache_control = CACHE_A_DAY});
}
