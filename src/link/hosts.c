/*
 * hosts.c - a list of hosts, and whether a URL's is in it.
 *
 * The list is searched as it was written: it is asked when something is written or fetched, not
 * at every tap.
 */
#include "link/hosts.h"

#include "base/buf.h"
#include "base/defs.h"
#include "base/err.h"
#include "link/template.h"
#include "scheme.h"

enum { HOST_BYTES_MAX = 253, LABEL_BYTES_MAX = 63 };

static bool is_host(struct slice host);
static bool is_listed(struct slice list, struct slice host);
static bool allow_intent(struct slice list, struct slice url, struct err *err);
static bool allow_intent_part(struct slice list, struct slice url, struct slice part,
                              struct err *err);

/* The next word; empty at the end. */
static struct slice next_word(struct slice *list) {
    size_t begin = 0;
    while (begin < list->size && memchr(" ,\t", list->data[begin], 3) != NULL) {
        begin++;
    }
    *list = slice_from(*list, begin);
    size_t size = 0;
    while (size < list->size && memchr(" ,\t", list->data[size], 3) == NULL) {
        size++;
    }
    struct slice word = slice_first(*list, size);
    *list = slice_from(*list, size);
    return word;
}

static bool is_wildcard(struct slice word) {
    return slice_starts_with(word, SLICE("*."));
}

bool hosts_check(struct slice list, struct err *err) {
    if (list.size > HOSTS_BYTES_MAX) {
        return err_set(err, "longer than %d bytes", HOSTS_BYTES_MAX);
    }
    size_t count = 0;
    for (;;) {
        struct slice word = next_word(&list);
        if (word.size == 0) {
            return true;
        }
        if (++count > HOSTS_MAX) {
            return err_set(err, "more than %d hosts", HOSTS_MAX);
        }
        if (!is_host(is_wildcard(word) ? slice_from(word, 2) : word)) {
            return err_set(err,
                           "\"%.*s\" is no host; allowed are names like example.mx, and "
                           "*.example.mx for all below one, separated by spaces or commas",
                           SLICE_ARG(slice_first(word, 64)));
        }
    }
}

/* Labels as in template_check(). */
static bool is_host(struct slice host) {
    if (host.size == 0 || host.size > HOST_BYTES_MAX) {
        return false;
    }
    while (host.data != NULL) {
        const char *dot = memchr(host.data, '.', host.size);
        size_t size = dot != NULL ? (size_t)(dot - host.data) : host.size;
        if (size == 0 || size > LABEL_BYTES_MAX) {
            return false;
        }
        for (size_t i = 0; i < size; i++) {
            char c = slice_lower_char(host.data[i]);
            if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') {
                return false;
            }
        }
        host = dot != NULL ? slice_make(dot + 1, host.size - size - 1) : SLICE_EMPTY;
    }
    return true;
}

/* What stands between // and path, without port and trailing dot. */
static struct slice host_of(struct slice url) {
    struct slice rest = slice_from(url, slice_find(url, SLICE("://")) + 3);
    size_t size = 0;
    while (size < rest.size && memchr("/?#", rest.data[size], 3) == NULL) {
        size++;
    }
    struct slice host = slice_first(rest, size);
    if (slice_starts_with(host, SLICE("["))) {
        size_t close = slice_find(host, SLICE("]"));
        return close == SIZE_MAX ? host : slice_first(host, close + 1);
    }
    host = slice_first(host, slice_find(host, SLICE(":")));
    if (host.size > 0 && host.data[host.size - 1] == '.') {
        host.size--;
    }
    return host;
}

static bool allow_host(struct slice list, struct slice host, struct err *err) {
    return is_listed(list, host) || err_set(err, "the host %.*s is not one of links.allowed_hosts",
                                            SLICE_ARG(slice_first(host, HOST_BYTES_MAX)));
}

static bool is_web(struct slice scheme) {
    return slice_equal_nocase(scheme, SLICE("https")) || slice_equal_nocase(scheme, SLICE("http"));
}

bool hosts_allow(struct slice list, struct slice url, struct err *err) {
    struct slice words = list;
    struct slice scheme = scheme_of(url);
    if (next_word(&words).size == 0) {
        return true;
    }
    if (is_web(scheme)) {
        return allow_host(list, host_of(url), err);
    }
    return !slice_equal_nocase(scheme, SLICE("intent")) || allow_intent(list, url, err);
}

static bool is_listed(struct slice list, struct slice host) {
    for (;;) {
        struct slice word = next_word(&list);
        if (word.size == 0) {
            return false;
        }
        if (slice_equal_nocase(word, host)) {
            return true;
        }
        struct slice below = slice_from(word, 1); /* ".example.mx" */
        if (is_wildcard(word) && host.size > below.size &&
            slice_equal_nocase(slice_from(host, host.size - below.size), below)) {
            return true;
        }
    }
}

static int hex_digit(char c) {
    c = slice_lower_char(c);
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A template's percent signs are followed by two digits. */
static void append_decoded(struct slice text, struct buf *out) {
    for (size_t i = 0; i < text.size; i++) {
        int high = text.data[i] == '%' && i + 2 < text.size ? hex_digit(text.data[i + 1]) : -1;
        if (high >= 0) {
            buf_append_char(out, (char)(high * 16 + hex_digit(text.data[i + 2])));
            i += 2;
        } else {
            buf_append_char(out, text.data[i]);
        }
    }
}

/*
 * intent://HOST/PATH#Intent;scheme=https;package=...;S.browser_fallback_url=URL;end: what the
 * browser opens when no app takes it is a web address as any other. Without a scheme in it, or with
 * one of an app's own, HOST is whatever that app makes of it.
 *
 * Read as Android's Intent.parseUri() does, which decodes names and values, and puts the scheme's
 * value and a colon before HOST: so what is no scheme could be a whole address. It also reads a
 * fragment of an older form, which nobody needs.
 */
static bool allow_intent(struct slice list, struct slice url, struct err *err) {
    static const struct slice head = {"#Intent;", 8};
    struct slice rest = slice_from(url, slice_find(url, SLICE("#")));
    if (rest.size > 0 && !slice_starts_with(rest, head)) {
        return err_set(err, "what follows the # of an intent: link must begin with Intent;");
    }
    rest = slice_from(rest, head.size);
    while (rest.size > 0) {
        if (!allow_intent_part(list, url, slice_split(&rest, ';'), err)) {
            return false;
        }
    }
    return true;
}

/* NAME=VALUE. A placeholder's value is whatever a link has: it may stand for no part of a name, and
 * for nothing of a scheme or host. */
static bool allow_intent_part(struct slice list, struct slice url, struct slice part,
                              struct err *err) {
    char name_bytes[TEMPLATE_BYTES_MAX];
    char value_bytes[TEMPLATE_BYTES_MAX];
    struct buf name_text = buf_over(name_bytes, sizeof(name_bytes));
    struct buf value_text = buf_over(value_bytes, sizeof(value_bytes));
    struct slice encoded = slice_split(&part, '=');
    if (slice_find(encoded, SLICE("{")) != SIZE_MAX) {
        return err_set(err, "names in an intent: link take no placeholder");
    }
    append_decoded(encoded, &name_text);
    append_decoded(part, &value_text);
    struct slice name = buf_slice(&name_text);
    struct slice value = buf_slice(&value_text);
    if (slice_equal_nocase(name, SLICE("scheme"))) {
        if (!scheme_is_well_formed(value)) {
            return err_set(err, "the scheme in an intent: link is none");
        }
        return !is_web(value) || allow_host(list, host_of(url), err);
    }
    /* "S." before it, or another letter where it is no text. */
    if (slice_equal_nocase(slice_from(name, 2), SLICE("browser_fallback_url"))) {
        return (template_check(value, SLICE_EMPTY, err) && allow_host(list, host_of(value), err)) ||
               err_prefix(err, "S.browser_fallback_url");
    }
    return true;
}
