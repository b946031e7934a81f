/*
 * page_bind.c - the values of a page, one group after the other.
 */
#include "page_bind.h"

#include <stdio.h>

#include "base/defs.h"
#include "http/request.h"
#include "link/campaign.h"
#include "link/template.h"

enum { LANGUAGE_BYTES = 16 };

static void put(struct page_bound *bound, enum page_value value, struct slice text) {
    bound->bindings.value[value] = text;
}

static void put_flag(struct page_bound *bound, enum page_value value, bool is_there) {
    put(bound, value, is_there ? SLICE("1") : SLICE_EMPTY);
}

static struct slice text_of(const struct campaign *campaign, enum campaign_field field) {
    return campaign == NULL ? SLICE_EMPTY : campaign->text[field];
}

static struct slice first_of(struct slice a, struct slice b) {
    return a.size > 0 ? a : b;
}

/* --- languages, hosts and addresses --------------------------------------------------------- */

bool page_is_english(struct slice accept_language) {
    char language[LANGUAGE_BYTES];
    unsigned english = http_language_weight(accept_language, SLICE("en"));
    unsigned spanish = http_language_weight(accept_language, SLICE("es"));
    if (english != spanish) {
        return english > spanish;
    }
    size_t size = http_preferred_language(accept_language, language, sizeof(language));
    return english > 0 && size >= 2 && memcmp(language, "en", 2) == 0 &&
           (size == 2 || language[2] == '-');
}

static bool is_of_host(char c) {
    char lower = slice_lower_char(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_' || c == ':' || c == '[' || c == ']';
}

struct slice page_host(struct slice host) {
    bool is_shown = host.size <= PAGE_HOST_BYTES_MAX;
    for (size_t i = 0; is_shown && i < host.size; i++) {
        is_shown = is_of_host(host.data[i]);
    }
    return is_shown ? host : SLICE_EMPTY;
}

static struct slice scheme_of(struct slice url) {
    struct slice rest = url;
    struct slice scheme = slice_split(&rest, ':');
    return scheme.size < url.size ? scheme : SLICE_EMPTY;
}

static bool is_word_of(struct slice list, struct slice word) {
    while (list.size > 0) {
        if (slice_equal_nocase(slice_split(&list, ' '), word)) {
            return true;
        }
    }
    return false;
}

bool page_url_is_allowed(struct slice url, struct slice schemes) {
    static const char usual[] = "https http intent";
    static const char never[] = "javascript data vbscript file blob about filesystem view-source";
    struct slice scheme = scheme_of(url);
    if (scheme.size == 0 || url.size > LOCATION_BYTES_MAX || is_word_of(slice_of(never), scheme)) {
        return false;
    }
    for (size_t i = 0; i < url.size; i++) {
        if (url.data[i] <= ' ' || url.data[i] > '~') {
            return false;
        }
    }
    for (size_t i = 0; i < scheme.size; i++) {
        if (!is_of_host(scheme.data[i]) && scheme.data[i] != '+') {
            return false;
        }
    }
    return is_word_of(slice_of(usual), scheme) || slice_equal(schemes, SLICE("*")) ||
           is_word_of(schemes, scheme);
}

static bool is_web(struct slice url) {
    return slice_equal_nocase(scheme_of(url), SLICE("https")) ||
           slice_equal_nocase(scheme_of(url), SLICE("http"));
}

/* Without user information; empty when the URL is not of the web. */
static struct slice host_of(struct slice url) {
    size_t begin = slice_find(url, SLICE("://"));
    if (!is_web(url) || begin == SIZE_MAX) {
        return SLICE_EMPTY;
    }
    struct slice host = slice_from(url, begin + 3);
    size_t size = 0;
    while (size < host.size && host.data[size] != '/' && host.data[size] != '?' &&
           host.data[size] != '#') {
        size++;
    }
    host = slice_first(host, size);
    size_t at = slice_find(host, SLICE("@"));
    return at == SIZE_MAX ? page_host(host) : SLICE_EMPTY;
}

static struct slice store_of(struct slice url) {
    struct slice scheme = scheme_of(url);
    struct slice host = host_of(url);
    if (slice_equal_nocase(host, SLICE("play.google.com")) ||
        slice_equal_nocase(scheme, SLICE("market")) ||
        (slice_equal_nocase(scheme, SLICE("intent")) &&
         slice_find(url, SLICE("package=com.android.vending")) != SIZE_MAX)) {
        return SLICE("Google Play");
    }
    if (slice_equal_nocase(host, SLICE("apps.apple.com")) ||
        slice_equal_nocase(host, SLICE("itunes.apple.com")) ||
        slice_equal_nocase(scheme, SLICE("itms-apps"))) {
        return SLICE("App Store");
    }
    return SLICE_EMPTY;
}

/* --- the groups ----------------------------------------------------------------------------- */

static void bind_language(struct page_bound *bound, struct slice accept_language) {
    bool is_english = page_is_english(accept_language);
    put(bound, PAGE_VALUE_OF_LANG, is_english ? SLICE("en") : SLICE("es"));
    put(bound, PAGE_VALUE_OF_LOCALE, is_english ? SLICE("en_US") : SLICE("es_MX"));
    put_flag(bound, PAGE_VALUE_OF_ES, !is_english);
    put_flag(bound, PAGE_VALUE_OF_EN, is_english);
    put_flag(bound, PAGE_VALUE_OF_UNASKED,
             http_language_weight(accept_language, SLICE("en")) == 0 &&
                 http_language_weight(accept_language, SLICE("es")) == 0);
}

static void bind_link(struct page_bound *bound, const struct page_values *values,
                      struct slice host) {
    struct buf url = buf_over(bound->url, sizeof(bound->url));
    struct buf link = buf_over(bound->link, sizeof(bound->link));
    struct buf qr = buf_over(bound->qr, sizeof(bound->qr));
    put(bound, PAGE_VALUE_OF_HOST, host);
    put(bound, PAGE_VALUE_OF_CODE, values->code);
    if (values->code.size == 0) {
        return;
    }
    buf_append_char(&link, '/');
    buf_append(&link, values->code);
    buf_append(&qr, buf_slice(&link));
    buf_append(&qr, SLICE("/qr.svg"));
    ENSURE(!link.overflowed && !qr.overflowed); /* a code has at most 64 bytes */
    put(bound, PAGE_VALUE_OF_LINK, buf_slice(&link));
    if (host.size == 0) {
        return;
    }
    buf_append(&url, values->is_https ? SLICE("https://") : SLICE("http://"));
    buf_append(&url, host);
    buf_append(&url, buf_slice(&link));
    ENSURE(!url.overflowed);
    put(bound, PAGE_VALUE_OF_URL, buf_slice(&url));
    put(bound, PAGE_VALUE_OF_QR, values->has_qr ? buf_slice(&qr) : SLICE_EMPTY);
}

/* How much a byte takes when it is escaped: as buf_append_html() does it. */
static size_t escaped_size(char c) {
    return c == '&' || c == '\'' ? 5 : c == '<' || c == '>' ? 4 : c == '"' ? 6 : 1;
}

static size_t escaped_sizes(struct slice s) {
    size_t size = 0;
    for (size_t i = 0; i < s.size; i++) {
        size += escaped_size(s.data[i]);
    }
    return size;
}

/* As many characters as fit, escaped. A byte that is not UTF-8 counts as one. */
static struct slice cut(struct slice s, size_t bytes_max) {
    size_t size = 0;
    size_t escaped = 0;
    while (size < s.size) {
        size_t character = slice_utf8_size(slice_from(s, size));
        character = character == 0 ? 1 : character;
        escaped += character == 1 ? escaped_size(s.data[size]) : character;
        if (escaped > bytes_max) {
            break;
        }
        size += character;
    }
    return slice_first(s, size);
}

static void bind_texts(struct page_bound *bound, const struct page_values *values,
                       struct slice host) {
    const struct campaign *campaign = values->campaign;
    struct slice name = text_of(campaign, CAMPAIGN_FIELD_NAME);
    struct slice image = text_of(campaign, CAMPAIGN_FIELD_OG_IMAGE);
    struct slice description = text_of(campaign, CAMPAIGN_FIELD_OG_DESCRIPTION);
    struct slice title = first_of(text_of(campaign, CAMPAIGN_FIELD_OG_TITLE), name);
    title = first_of(title, first_of(host, values->code));
    size_t image_size = escaped_sizes(image);
    if (!page_url_is_allowed(image, SLICE_EMPTY) || !is_web(image) ||
        image_size > PAGE_IMAGE_BYTES_MAX) {
        image = SLICE_EMPTY;
        image_size = 0;
    }
    bool is_long = image_size > PAGE_CARD_IMAGE_BYTES_MAX;
    put(bound, PAGE_VALUE_OF_CAMPAIGN, name);
    put(bound, PAGE_VALUE_OF_TITLE, title);
    put(bound, PAGE_VALUE_OF_DESCRIPTION, description);
    put(bound, PAGE_VALUE_OF_IMAGE, image);
    put(bound, PAGE_VALUE_OF_CARD_IMAGE, is_long ? SLICE_EMPTY : image);
    put(bound, PAGE_VALUE_OF_CARD_TITLE, cut(title, PAGE_CARD_TITLE_BYTES_MAX >> is_long));
    put(bound, PAGE_VALUE_OF_CARD_DESCRIPTION,
        cut(description, PAGE_CARD_DESCRIPTION_BYTES_MAX >> is_long));
}

static void bind_destinations(struct page_bound *bound, const struct page_values *values) {
    struct slice schemes = text_of(values->campaign, CAMPAIGN_FIELD_SCHEMES);
    const struct {
        enum page_value value;
        struct slice url;
    } all[] = {{PAGE_VALUE_OF_HREF, values->href},
               {PAGE_VALUE_OF_ANDROID_HREF, values->android_href},
               {PAGE_VALUE_OF_IOS_HREF, values->ios_href},
               {PAGE_VALUE_OF_WEB_HREF, values->web_href}};
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        bool is_allowed = page_url_is_allowed(all[i].url, schemes);
        put(bound, all[i].value, is_allowed ? all[i].url : SLICE_EMPTY);
    }
    struct slice href = bound->bindings.value[PAGE_VALUE_OF_HREF];
    put(bound, PAGE_VALUE_OF_DESTINATION, href);
    put(bound, PAGE_VALUE_OF_DESTINATION_HOST, host_of(href));
    put(bound, PAGE_VALUE_OF_STORE, store_of(href));
}

static void bind_state(struct page_bound *bound, const struct page_values *values) {
    enum destination_page state = values->state;
    enum tap_outcome outcome = values->outcome;
    bool works = state == PAGE_NONE || state == PAGE_DESKTOP || state == PAGE_DESKTOP_QR ||
                 state == PAGE_OPEN;
    put_flag(bound, PAGE_VALUE_OF_WORKS, works);
    put_flag(bound, PAGE_VALUE_OF_NOT_FOUND, state == PAGE_NOT_FOUND);
    put_flag(bound, PAGE_VALUE_OF_PAUSED, state == PAGE_PAUSED);
    put_flag(bound, PAGE_VALUE_OF_NOT_STARTED, state == PAGE_NOT_STARTED);
    put_flag(bound, PAGE_VALUE_OF_EXPIRED, state == PAGE_EXPIRED);
    put_flag(bound, PAGE_VALUE_OF_USED_UP, state == PAGE_USED_UP);
    put_flag(bound, PAGE_VALUE_OF_BUSY, state == PAGE_BUSY);
    put(bound, PAGE_VALUE_OF_OUTCOME,
        outcome < TAP_OUTCOME_COUNT ? slice_of(tap_outcome_name(outcome)) : SLICE_EMPTY);

    struct slice store = bound->bindings.value[PAGE_VALUE_OF_STORE];
    bool is_play_store = slice_equal(store, SLICE("Google Play"));
    bool is_desktop = state == PAGE_DESKTOP || state == PAGE_DESKTOP_QR;
    put_flag(bound, PAGE_VALUE_OF_TO_PLAY_STORE, works && is_play_store);
    put_flag(bound, PAGE_VALUE_OF_TO_APP_STORE, works && store.size > 0 && !is_play_store);
    put_flag(bound, PAGE_VALUE_OF_TO_DESKTOP, is_desktop);
    put_flag(bound, PAGE_VALUE_OF_TO_WEB, works && !is_desktop && store.size == 0);
}

void page_bind(struct page_bound *bound, const struct page_context *context) {
    static const struct page_values none = {.outcome = TAP_OUTCOME_COUNT};
    const struct page_values *values = context->values == NULL ? &none : context->values;
    struct slice host = page_host(context->host);
    bound->bindings = (struct page_bindings){0};
    bind_language(bound, context->accept_language);
    bind_link(bound, values, host);
    bind_texts(bound, values, host);
    bind_destinations(bound, values);
    bind_state(bound, values);
}
