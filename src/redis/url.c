/*
 * redis/url.c - taking the value of redis.url apart.
 *
 * One pass from left to right over a slice. The part between "//" and the last '@' before the
 * place is the user information (RFC 3986 section 3.2.1); its two halves are percent-decoded
 * after they were cut apart, so that an encoded ':' or '@' is an ordinary character. No message
 * quotes the text as a whole, because the password stands in it: messages name the part.
 *
 * Limits    The sizes of struct redis_url's members; longer parts are refused, never cut.
 */
#include "redis/url.h"

#include <stdio.h>

#include "base/err.h"

enum { URL_PORT_DEFAULT = 6379, URL_DB_MAX = 65535 };

static bool parse_userinfo(struct slice *rest, struct redis_url *url, struct err *err);
static bool parse_tcp(struct slice rest, struct redis_url *url, struct err *err);
static bool parse_unix(struct slice rest, struct redis_url *url, struct err *err);

bool redis_url_parse(struct slice text, struct redis_url *url, struct err *err) {
    static const struct slice tcp = SLICE("redis://");
    static const struct slice local = SLICE("unix://");

    *url = (struct redis_url){.port = URL_PORT_DEFAULT};
    bool is_tcp = slice_starts_with(text, tcp);
    if (!is_tcp && !slice_starts_with(text, local)) {
        return err_set(err, "a Redis URL begins with redis:// or unix://");
    }
    struct slice rest = slice_from(text, is_tcp ? tcp.size : local.size);
    for (size_t i = 0; i < rest.size; i++) {
        unsigned char c = (unsigned char)rest.data[i];
        if (c <= ' ' || c == 0x7f) {
            return err_set(err, "a Redis URL holds no spaces or control characters");
        }
    }
    if (!parse_userinfo(&rest, url, err)) {
        return false;
    }
    return is_tcp ? parse_tcp(rest, url, err) : parse_unix(rest, url, err);
}

void redis_url_describe(const struct redis_url *url, char *text, size_t size) {
    if (url->socket_path[0] != '\0') {
        snprintf(text, size, "%s", url->socket_path);
    } else if (strchr(url->host, ':') != NULL) {
        snprintf(text, size, "[%s]:%u", url->host, (unsigned)url->port);
    } else {
        snprintf(text, size, "%s:%u", url->host, (unsigned)url->port);
    }
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

/* To a NUL-terminated string; what names the part for the message. */
static bool decode(struct slice from, char *to, size_t capacity, const char *what,
                   struct err *err) {
    size_t size = 0;
    for (size_t i = 0; i < from.size; i++) {
        char c = from.data[i];
        if (c == '%') {
            int high = i + 2 < from.size ? hex_digit(from.data[i + 1]) : -1;
            int low = i + 2 < from.size ? hex_digit(from.data[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0)) {
                return err_set(err, "the %s of a Redis URL has a %% without two hexadecimal digits",
                               what);
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (size + 1 >= capacity) {
            return err_set(err, "the %s of a Redis URL is longer than %zu bytes", what,
                           capacity - 1);
        }
        to[size++] = c;
    }
    to[size] = '\0';
    return true;
}

/* Cuts "[[user]:password@]" off the front of *rest. */
static bool parse_userinfo(struct slice *rest, struct redis_url *url, struct err *err) {
    size_t at = SIZE_MAX;
    for (size_t i = 0; i < rest->size && rest->data[i] != '/' && rest->data[i] != '?'; i++) {
        if (rest->data[i] == '@') {
            at = i;
        }
    }
    if (at == SIZE_MAX) {
        return true;
    }
    struct slice password = slice_first(*rest, at);
    *rest = slice_from(*rest, at + 1);
    if (memchr(password.data, ':', password.size) == NULL) {
        return err_set(err,
                       "what stands before the @ of a Redis URL is user:password or :password");
    }
    struct slice user = slice_split(&password, ':');
    if (!decode(user, url->user, sizeof(url->user), "user", err) ||
        !decode(password, url->password, sizeof(url->password), "password", err)) {
        return false;
    }
    if (url->user[0] != '\0' && url->password[0] == '\0') {
        return err_set(err, "a Redis URL that names a user also needs a password");
    }
    return true;
}

static bool parse_db(struct slice text, struct redis_url *url, struct err *err) {
    uint64_t db = 0;
    if (!slice_to_u64(text, URL_DB_MAX, &db)) {
        return err_set(err, "the database of a Redis URL is a number from 0 to %d", URL_DB_MAX);
    }
    url->db = (uint16_t)db;
    return true;
}

static bool parse_port(struct slice text, struct redis_url *url, struct err *err) {
    uint64_t port = 0;
    if (!slice_to_u64(text, UINT16_MAX, &port) || port == 0) {
        return err_set(err, "the port of a Redis URL is a number from 1 to 65535");
    }
    url->port = (uint16_t)port;
    return true;
}

static bool host_is_plausible(struct slice host, bool bracketed) {
    for (size_t i = 0; i < host.size; i++) {
        char c = host.data[i];
        bool alphanumeric =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool mark = c == '.' || c == '-' || c == '_' || (bracketed && (c == ':' || c == '%'));
        if (!alphanumeric && !mark) {
            return false;
        }
    }
    return host.size > 0;
}

/* host[:port][/db], with an IPv6 address in brackets. */
static bool parse_tcp(struct slice rest, struct redis_url *url, struct err *err) {
    bool has_db = rest.size > 0 && memchr(rest.data, '/', rest.size) != NULL;
    struct slice place = slice_split(&rest, '/');
    struct slice host;
    struct slice port = SLICE_EMPTY;
    bool bracketed = place.size > 0 && place.data[0] == '[';
    bool has_port = false;

    if (bracketed) {
        place = slice_from(place, 1);
        size_t close = slice_find(place, SLICE("]"));
        struct slice after = close == SIZE_MAX ? SLICE_EMPTY : slice_from(place, close + 1);
        if (close == SIZE_MAX || (after.size > 0 && after.data[0] != ':')) {
            return err_set(err, "an IPv6 address in a Redis URL is written [address]:port");
        }
        host = slice_first(place, close);
        has_port = after.size > 0;
        port = slice_from(after, 1);
    } else {
        has_port = place.size > 0 && memchr(place.data, ':', place.size) != NULL;
        port = place;
        host = slice_split(&port, ':');
    }
    if (!host_is_plausible(host, bracketed)) {
        return err_set(err, "a Redis URL names a host: redis://host:port/db");
    }
    if (host.size >= sizeof(url->host)) {
        return err_set(err, "the host of a Redis URL is longer than %zu bytes",
                       sizeof(url->host) - 1);
    }
    memcpy(url->host, host.data, host.size);
    url->host[host.size] = '\0';
    if (has_port && !parse_port(port, url, err)) {
        return false;
    }
    return !has_db || rest.size == 0 || parse_db(rest, url, err);
}

/* /path/to/socket[?db=N] */
static bool parse_unix(struct slice rest, struct redis_url *url, struct err *err) {
    bool has_query = rest.size > 0 && memchr(rest.data, '?', rest.size) != NULL;
    struct slice path = slice_split(&rest, '?');

    if (path.size < 2 || path.data[0] != '/') {
        return err_set(err, "a Unix socket in a Redis URL is an absolute path: unix:///path");
    }
    if (!decode(path, url->socket_path, sizeof(url->socket_path), "socket path", err)) {
        return false;
    }
    if (!has_query) {
        return true;
    }
    if (!slice_starts_with(rest, SLICE("db="))) {
        return err_set(err, "after the socket path of a Redis URL only ?db=N may follow");
    }
    return parse_db(slice_from(rest, 3), url, err);
}
