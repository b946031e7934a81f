/*
 * response.c - writes response heads.
 *
 * A redirect is what the hop answers with, so it is two copies around its Location, of sizes that
 * the compiler knows: no call of memcpy(). Any other answer is a list of pieces. Room is asked for
 * before the first byte is written; after that nothing can fail.
 *
 * The status line says HTTP/1.1 to everybody: a server names the highest version it speaks,
 * whatever the client's (RFC 9110 section 2.5).
 */
#include "http/response.h"

enum {
    SECONDS_PER_DAY = 86400,
    DAYS_PER_400_YEARS = 146097, /* the calendar repeats itself */
    DAYS_TO_1970 = 719468,       /* from 1 March of the year 0 */
};

/* 31 December 9999, 23:59:59: a later year has no four digits. */
static const uint64_t date_last_s = 253402300799;

static struct slice status_line(uint16_t status);
static struct slice connection_line(bool keep_alive, uint8_t minor_version);
static bool is_one_line(struct slice s);
static bool is_whole_lines(struct slice s);
static size_t format_decimal(size_t value, char out[static 20]);
static char *put(char *at, struct slice s);
static char *put_digits(char *at, unsigned value, unsigned digits);

#define REDIRECT_BEFORE_DATE    "HTTP/1.1 302 Found\r\nDate: "
#define REDIRECT_AFTER_DATE     "\r\nLocation: "
#define REDIRECT_AFTER_LOCATION "\r\nCache-Control: private, no-store\r\nContent-Length: 0\r\n"
#define CONNECTION_CLOSE        "Connection: close\r\n"
#define CONNECTION_KEEP_ALIVE   "Connection: keep-alive\r\n"

static struct slice date_slice(const struct http_date *date) {
    ENSURE(date->text[0] != '\0');
    return slice_make(date->text, HTTP_DATE_SIZE);
}

/* Of a size known where this is inlined. */
static inline bool append_fixed(struct buf *out, const char *data, size_t size) {
    if (UNLIKELY(out->capacity - out->size < size) && !buf_reserve(out, size)) {
        return false;
    }
    memcpy(out->data + out->size, data, size);
    out->size += size;
    return true;
}

bool http_redirect_begin(struct buf *out, const struct http_date *date) {
    ENSURE(date->text[0] != '\0');
    return append_fixed(out, date->redirect_begin, sizeof date->redirect_begin);
}

bool http_redirect_end(struct buf *out, bool keep_alive, uint8_t minor_version) {
    static const char usual[] = REDIRECT_AFTER_LOCATION "\r\n";
    static const char close[] = REDIRECT_AFTER_LOCATION CONNECTION_CLOSE "\r\n";
    static const char old[] = REDIRECT_AFTER_LOCATION CONNECTION_KEEP_ALIVE "\r\n";
    if (!keep_alive) {
        return append_fixed(out, close, sizeof close - 1);
    }
    if (UNLIKELY(minor_version == 0)) {
        return append_fixed(out, old, sizeof old - 1);
    }
    return append_fixed(out, usual, sizeof usual - 1);
}

bool http_respond_redirect(struct buf *out, struct slice location, bool keep_alive,
                           uint8_t minor_version, const struct http_date *date) {
    ENSURE(is_one_line(location));
    size_t size = out->size;
    if (http_redirect_begin(out, date) && buf_append(out, location) &&
        http_redirect_end(out, keep_alive, minor_version)) {
        return true;
    }
    out->size = size;
    return false;
}

bool http_respond(struct buf *out, const struct http_response *response) {
    const struct slice status = status_line(response->status);
    ENSURE(status.size > 0);
    ENSURE(is_one_line(response->content_type));
    ENSURE(is_one_line(response->cache_control));
    ENSURE(is_whole_lines(response->extra));

    /* The length that a 304 would announce is that of the 200 it stands for, which is not known
     * here (RFC 9110 section 8.6); content it must not have. */
    bool announces_content = response->status != 304;
    bool has_content = announces_content && response->content.size > 0;
    char length[20];
    const struct slice pieces[] = {
        status,
        SLICE("Date: "),
        date_slice(response->date),
        SLICE("\r\nCache-Control: "),
        response->cache_control.size > 0 ? response->cache_control : SLICE("no-store"),
        SLICE("\r\n"),
        has_content ? SLICE("Content-Type: ") : SLICE_EMPTY,
        has_content ? response->content_type : SLICE_EMPTY,
        has_content ? SLICE("\r\nX-Content-Type-Options: nosniff\r\n") : SLICE_EMPTY,
        announces_content ? SLICE("Content-Length: ") : SLICE_EMPTY,
        announces_content ? slice_make(length, format_decimal(response->content.size, length))
                          : SLICE_EMPTY,
        announces_content ? SLICE("\r\n") : SLICE_EMPTY,
        response->extra,
        connection_line(response->keep_alive, response->minor_version),
        SLICE("\r\n"),
        has_content && !response->head_only ? response->content : SLICE_EMPTY,
    };

    size_t size = 0;
    for (size_t i = 0; i < ARRAY_COUNT(pieces); i++) {
        size += pieces[i].size;
    }
    if (!buf_reserve(out, size)) {
        return false;
    }
    char *at = out->data + out->size;
    for (size_t i = 0; i < ARRAY_COUNT(pieces); i++) {
        at = put(at, pieces[i]);
    }
    out->size += size;
    return true;
}

void http_date_set(struct http_date *date, uint64_t unix_ms) {
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1 January 1970 was a Thursday */
    static const char months[] = "MarAprMayJunJulAugSepOctNovDecJanFeb";
    uint64_t unix_s = unix_ms / 1000;
    if (unix_s == date->unix_s && unix_s != 0) {
        return;
    }
    date->unix_s = unix_s;
    if (unix_s > date_last_s) {
        unix_s = date_last_s;
    }

    /* Years are counted from March here, so that the leap day is the last of a year and months
     * begin where 153 days are spread over five of them (31, 30, 31, 30, 31). */
    unsigned day = (unsigned)(unix_s / SECONDS_PER_DAY) + DAYS_TO_1970;
    unsigned day_of_era = day % DAYS_PER_400_YEARS;
    unsigned leap_days = day_of_era / 1460 - day_of_era / 36524 + day_of_era / 146096;
    unsigned year_of_era = (day_of_era - leap_days) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month = (5 * day_of_year + 2) / 153; /* 0: March */
    unsigned day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    unsigned year = day / DAYS_PER_400_YEARS * 400 + year_of_era + (month >= 10 ? 1 : 0);
    unsigned second = (unsigned)(unix_s % SECONDS_PER_DAY);

    char *at = put(date->redirect_begin, SLICE(REDIRECT_BEFORE_DATE));
    at = put(at, slice_make(days + unix_s / SECONDS_PER_DAY % 7 * 3, 3));
    at = put(at, SLICE(", "));
    at = put_digits(at, day_of_month, 2);
    at = put(at, SLICE(" "));
    at = put(at, slice_make(months + (size_t)month * 3, 3));
    at = put(at, SLICE(" "));
    at = put_digits(at, year, 4);
    at = put(at, SLICE(" "));
    at = put_digits(at, second / 3600, 2);
    at = put(at, SLICE(":"));
    at = put_digits(at, second / 60 % 60, 2);
    at = put(at, SLICE(":"));
    at = put_digits(at, second % 60, 2);
    at = put(at, SLICE(" GMT"));
    at = put(at, SLICE(REDIRECT_AFTER_DATE));
    ENSURE(at == date->redirect_begin + HTTP_REDIRECT_BEGIN_SIZE);
}

/* Empty for a status that response.h does not name. */
static struct slice status_line(uint16_t status) {
    switch (status) {
    case 200:
        return SLICE("HTTP/1.1 200 OK\r\n");
    case 302:
        return SLICE("HTTP/1.1 302 Found\r\n");
    case 304:
        return SLICE("HTTP/1.1 304 Not Modified\r\n");
    case 400:
        return SLICE("HTTP/1.1 400 Bad Request\r\n");
    case 404:
        return SLICE("HTTP/1.1 404 Not Found\r\n");
    case 405:
        return SLICE("HTTP/1.1 405 Method Not Allowed\r\n");
    case 408:
        return SLICE("HTTP/1.1 408 Request Timeout\r\n");
    case 410:
        return SLICE("HTTP/1.1 410 Gone\r\n");
    case 414:
        return SLICE("HTTP/1.1 414 URI Too Long\r\n");
    case 431:
        return SLICE("HTTP/1.1 431 Request Header Fields Too Large\r\n");
    case 503:
        return SLICE("HTTP/1.1 503 Service Unavailable\r\n");
    default:
        return SLICE_EMPTY;
    }
}

/* Only what differs from the client's default is said (RFC 9112 section 9.3). */
static struct slice connection_line(bool keep_alive, uint8_t minor_version) {
    if (!keep_alive) {
        return SLICE(CONNECTION_CLOSE);
    }
    return minor_version == 0 ? SLICE(CONNECTION_KEEP_ALIVE) : SLICE_EMPTY;
}

static bool is_one_line(struct slice s) {
    return s.size == 0 ||
           (memchr(s.data, '\r', s.size) == NULL && memchr(s.data, '\n', s.size) == NULL &&
            memchr(s.data, '\0', s.size) == NULL);
}

/* Lines that each end in CRLF; an empty one would end the head. */
static bool is_whole_lines(struct slice s) {
    while (s.size > 0) {
        struct slice rest = s;
        struct slice line = slice_split(&rest, '\n');
        if (line.size == s.size || line.size < 2 || line.data[line.size - 1] != '\r' ||
            !is_one_line(slice_first(line, line.size - 1))) {
            return false;
        }
        s = rest;
    }
    return true;
}

static size_t format_decimal(size_t value, char out[static 20]) {
    size_t digits = 1;
    for (size_t rest = value; rest >= 10; rest /= 10) {
        digits++;
    }
    for (size_t i = digits; i > 0; i--, value /= 10) {
        out[i - 1] = (char)('0' + value % 10);
    }
    return digits;
}

static char *put(char *at, struct slice s) {
    if (s.size > 0) {
        memcpy(at, s.data, s.size);
    }
    return at + s.size;
}

static char *put_digits(char *at, unsigned value, unsigned digits) {
    for (unsigned i = digits; i > 0; i--, value /= 10) {
        at[i - 1] = (char)('0' + value % 10);
    }
    return at + digits;
}
