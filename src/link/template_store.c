/*
 * template_store.c - the parameters of which the stores make something.
 *
 * Names are decoded before they are compared, for whoever reads the URL does so.
 */
#include "template_store.h"

#include "base/defs.h"
#include "base/err.h"
#include "scheme.h"
#include "template_private.h"

/* --- which store ---------------------------------------------------------------------------- */

static bool is_any(struct slice text, const struct slice *words, size_t count) {
    size_t i = 0;
    while (i < count && !slice_equal_nocase(text, words[i])) {
        i++;
    }
    return i < count;
}

enum template_store template_store_of(struct slice scheme, struct slice behind) {
    static const struct slice with_hosts[] = {{"https", 5}, {"http", 4}, {"intent", 6}};
    static const struct slice app_store_schemes[] = {{"itms-apps", 9}, {"itms-appss", 10}};
    static const struct slice app_store_hosts[] = {{"apps.apple.com", 14},
                                                   {"itunes.apple.com", 16}};
    size_t size = 0;
    while (size < behind.size && memchr("/?#:", behind.data[size], 4) == NULL) {
        size++;
    }
    struct slice host = slice_first(behind, size);
    bool has_host = is_any(scheme, with_hosts, ARRAY_COUNT(with_hosts));
    if (slice_equal_nocase(scheme, SLICE("market")) ||
        (has_host && slice_equal_nocase(host, SLICE("play.google.com")))) {
        return TEMPLATE_GOOGLE_PLAY;
    }
    if (is_any(scheme, app_store_schemes, ARRAY_COUNT(app_store_schemes)) ||
        (has_host && is_any(host, app_store_hosts, ARRAY_COUNT(app_store_hosts)))) {
        return TEMPLATE_APP_STORE;
    }
    return TEMPLATE_NO_STORE;
}

/* --- parameters ----------------------------------------------------------------------------- */

static int hex_digit(char c) {
    c = slice_lower_char(c);
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte at *at, decoded, behind which *at is then. Two digits follow each percent sign. */
static char decoded_at(struct slice text, size_t *at) {
    char c = text.data[(*at)++];
    if (c == '%' && text.size - *at >= 2) {
        c = (char)(hex_digit(text.data[*at]) * 16 + hex_digit(text.data[*at + 1]));
        *at += 2;
    }
    return c;
}

static bool is_named(struct slice encoded, struct slice name) {
    size_t at = 0;
    size_t compared = 0;
    while (at < encoded.size && compared < name.size &&
           slice_lower_char(decoded_at(encoded, &at)) == name.data[compared]) {
        compared++;
    }
    return at == encoded.size && compared == name.size;
}

static size_t decoded_bytes(struct slice text) {
    size_t bytes = 0;
    for (size_t at = 0; at < text.size; bytes++) {
        (void)decoded_at(text, &at);
    }
    return bytes;
}

/* What a placeholder takes at worst, decoded once. */
static size_t worst_bytes(enum template_placeholder which) {
    switch (which) {
    case PLACEHOLDER_CODE:
    case PLACEHOLDER_CAMPAIGN:
        return CODE_BYTES_MAX;
    case PLACEHOLDER_OWNER:
        return OWNER_BYTES_MAX;
    case PLACEHOLDER_CLICK:
        return TEMPLATE_CLICK_BYTES;
    case PLACEHOLDER_REFERRER:
        return decoded_bytes(SLICE(REFERRER_HEAD REFERRER_CONTENT REFERRER_CLICK)) +
               (size_t)2 * CODE_BYTES_MAX + TEMPLATE_CLICK_BYTES;
    case PLACEHOLDER_COUNT:
        break;
    }
    ENSURE(which < PLACEHOLDER_COUNT);
    return 0;
}

/* Of a value as a link may render it at worst. */
static size_t decoded_worst(struct slice value) {
    size_t worst = 0;
    while (value.size > 0) {
        size_t plain = slice_first(value, slice_find(value, SLICE("{"))).size;
        worst += decoded_bytes(slice_first(value, plain));
        value = slice_from(value, plain);
        if (value.size > 0) {
            enum template_placeholder which = template_placeholder_at(value);
            worst += worst_bytes(which);
            value = slice_from(value, template_placeholder_bytes(which));
        }
    }
    return worst;
}

static bool check_ct(struct slice value, struct err *err) {
    return (slice_find(value, SLICE("{")) == SIZE_MAX &&
            decoded_bytes(value) <= TEMPLATE_CT_BYTES_MAX) ||
           err_set(err,
                   "ct takes no placeholder and at most %d characters: it names a campaign, and "
                   "ct never holds a person's code",
                   TEMPLATE_CT_BYTES_MAX);
}

static bool check_referrer(struct slice value, struct err *err) {
    size_t worst = decoded_worst(value);
    return worst <= REFERRER_BYTES_MAX ||
           err_set(err,
                   "referrer could take %zu bytes decoded, more than %d (a code or campaign may "
                   "take %d, an owner %d, a click %d, {referrer} %zu)",
                   worst, REFERRER_BYTES_MAX, CODE_BYTES_MAX, OWNER_BYTES_MAX, TEMPLATE_CLICK_BYTES,
                   worst_bytes(PLACEHOLDER_REFERRER));
}

bool template_store_check(struct slice text, struct err *err) {
    struct slice scheme = scheme_of(text);
    enum template_store store = template_store_of(scheme, slice_from(text, scheme.size + 3));
    struct slice query = slice_first(text, slice_find(text, SLICE("#")));
    slice_split(&query, '?');
    while (store != TEMPLATE_NO_STORE && query.size > 0) {
        struct slice value = slice_split(&query, '&');
        struct slice name = slice_split(&value, '=');
        if (store == TEMPLATE_APP_STORE && is_named(name, SLICE("ct")) && !check_ct(value, err)) {
            return false;
        }
        if (store == TEMPLATE_GOOGLE_PLAY && is_named(name, SLICE("referrer")) &&
            !check_referrer(value, err)) {
            return false;
        }
    }
    return true;
}
