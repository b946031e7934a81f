/*
 * fields.c - reads the fields, recognises those that matter and refuses those that could smuggle.
 *
 * This loop is where a hop's parse spends its time: a phone sends fourteen fields in 600 bytes. So
 * a field is two scans (scan.h), whose blocks of sixteen bytes check every byte while they look for
 * the end, and a name is looked up by its length, which leaves one or two words to compare with.
 *
 * Everything about the length of a body is strict to the letter (RFC 9112 section 6): what we, a
 * proxy before us and a server behind it could count differently is refused, even where the RFC
 * would let us repair it (a list of equal Content-Lengths, a Transfer-Encoding in HTTP/1.0).
 */
#include "fields.h"

#include "host.h"
#include "scan.h"

enum coding {
    CODING_NONE,
    CODING_OPEN,    /* Transfer-Encoding, but no "chunked" so far */
    CODING_CHUNKED, /* "chunked" was the last: nothing may follow */
};

struct line {
    struct slice name; /* a token */
    struct slice value;
    const char *next; /* where the line behind it begins */
};

/* A block, and the two bytes that may follow its last. */
enum { PLAIN_BYTES = SCAN_BLOCK + 2 };

enum seen {
    SEEN_HOST = 1,
    SEEN_CONTENT_LENGTH = 2,
    SEEN_CLOSE = 4,      /* Connection: close */
    SEEN_KEEP_ALIVE = 8, /* Connection: keep-alive */
};

/* What only several fields together, or their absence, can tell. */
struct fields {
    unsigned seen; /* of enum seen */
    enum coding coding;
};

static bool read_plain_line(const char *at, const char *last, struct line *line);
static const char *plain_end(const char *at, const char *last);
__attribute__((cold, noinline)) static enum http_parse_result
parse_line(const char *at, const char *end, struct line *line);
static struct slice trim(struct slice value);
static bool take(struct fields *fields, struct http_request *request, struct slice name,
                 struct slice value);
static bool take_host(struct fields *fields, struct http_request *request, struct slice value);
__attribute__((cold, noinline)) static bool
take_content_length(struct fields *fields, struct http_request *request, struct slice value);
__attribute__((cold, noinline)) static bool
take_transfer_encoding(struct fields *fields, struct http_request *request, struct slice value);
__attribute__((noinline)) static void take_connection(struct fields *fields, struct slice value);
static bool is_complete(const struct fields *fields, struct http_request *request);
static bool next_element(struct slice *rest, struct slice *element);
static struct slice first_token(struct slice value);

enum http_parse_result http_fields_parse(struct cursor in, struct http_request *request,
                                         const char **head_end) {
    const char *at = in.at;
    const char *last = cursor_left(&in) >= PLAIN_BYTES ? in.end - PLAIN_BYTES : at - 1;
    struct fields fields = {0};
    for (unsigned left = HTTP_FIELDS_MAX;; left--) {
        struct line line;
        if (UNLIKELY(at > last) || UNLIKELY(!read_plain_line(at, last, &line))) {
            if (in.end - at >= 2 && word_load2(at) == word_load2("\r\n")) {
                *head_end = at + 2;
                return is_complete(&fields, request) ? HTTP_PARSE_DONE : HTTP_PARSE_BAD;
            }
            struct line other;
            enum http_parse_result result = parse_line(at, in.end, &other);
            if (result != HTTP_PARSE_DONE) {
                return result;
            }
            line = other;
        }
        if (UNLIKELY(left == 0) && line.name.size > 0) {
            return HTTP_PARSE_HEAD_TOO_LARGE;
        }
        if (UNLIKELY(!take(&fields, request, line.name, line.value))) {
            return HTTP_PARSE_BAD;
        }
        at = line.next;
    }
}

/* A line as clients write it: a name of letters and '-', ": ", a value of VCHAR and SP with none
 * at either end, CRLF. False says nothing: parse_line() looks again. `at` is not behind `last`,
 * from which on PLAIN_BYTES may be read. 45 instructions where parse_line() takes 85. */
static inline bool read_plain_line(const char *at, const char *last, struct line *line) {
    size_t name_size = scan_first(scan_name_stops(at));
    if (UNLIKELY(word_load2(at + name_size) != word_load2(": "))) {
        if (name_size < SCAN_BLOCK || last - at < SCAN_BLOCK) {
            return false;
        }
        name_size += scan_first(scan_name_stops(at + SCAN_BLOCK));
        if (word_load2(at + name_size) != word_load2(": ")) {
            return false;
        }
    }
    const char *value = at + name_size + 2;
    const char *stop = plain_end(value, last);
    if (UNLIKELY(stop == NULL) || UNLIKELY(word_load2(stop) != word_load2("\r\n")) ||
        UNLIKELY((unsigned char)stop[-1] <= ' ')) {
        return false;
    }
    *line = (struct line){slice_make(at, name_size), slice_between(value, stop), stop + 2};
    return true;
}

/* The first byte of a value that is neither VCHAR nor SP, or its first when that is SP; NULL when
 * none was found up to the block at `last`. Half of the values fit into the first block; of longer
 * ones, two blocks share a turn. */
static inline const char *plain_end(const char *at, const char *last) {
    if (UNLIKELY(at > last)) {
        return NULL;
    }
    unsigned stops = scan_value_begin_stops(at);
    if (stops != 0) {
        return at + (unsigned)__builtin_ctz(stops);
    }
    for (at += SCAN_BLOCK; last - at >= SCAN_BLOCK; at += 2 * SCAN_BLOCK) {
        stops = scan_value_stops(at) | scan_value_stops(at + SCAN_BLOCK) << SCAN_BLOCK;
        if (stops != 0) {
            return at + (unsigned)__builtin_ctz(stops);
        }
    }
    stops = at <= last ? scan_value_stops(at) : 0;
    return stops != 0 ? at + (unsigned)__builtin_ctz(stops) : NULL;
}

/* field-line CRLF, RFC 9112 section 5: no space before the colon, and a line that begins with one
 * (obs-fold) has no name. The empty line that ends the head is not for here, but may be cut. */
static enum http_parse_result parse_line(const char *at, const char *end, struct line *line) {
    const char *colon = scan_name(at, end);
    if (colon == end || (colon == at && *at == '\r' && end - at == 1)) {
        return HTTP_PARSE_MORE;
    }
    if (colon == at || *colon != ':') {
        return HTTP_PARSE_BAD;
    }
    struct cursor in = {scan_value(colon + 1, end), end};
    struct slice value = slice_between(colon + 1, in.at);
    enum http_parse_result result = cursor_line_end(&in);
    if (result == HTTP_PARSE_DONE) {
        *line = (struct line){slice_between(at, colon), trim(value), in.at};
    }
    return result;
}

/* Without OWS (RFC 9110 section 5.6.3): in a field value nothing but SP and HTAB is not above SP.
 * CRLF stands behind the value and a colon before it, so both may be looked at. One space and then
 * something is what is there; what is not a value ends the search. */
static inline struct slice trim(struct slice value) {
    const unsigned char *begin = (const unsigned char *)value.data;
    const unsigned char *stop = begin + value.size;
    if (LIKELY(*begin == ' ')) {
        begin++;
    }
    while (UNLIKELY(*begin <= ' ') && begin < stop) {
        begin++;
    }
    while (UNLIKELY(stop[-1] <= ' ') && begin < stop) {
        stop--;
    }
    return slice_between((const char *)begin, (const char *)stop);
}

/* The first of several counts; an empty value has a place in the input too. */
static inline void keep_first(struct slice *kept, struct slice value) {
    if (kept->data == NULL) {
        *kept = value;
    }
}

static inline bool take(struct fields *fields, struct http_request *request, struct slice name,
                        struct slice value) {
    switch (name.size) {
    case 0:
        return false;
    case 4:
        return !word_is(name, SLICE("host")) || take_host(fields, request, value);
    case 5:
        if (word_is(name, SLICE("x-moz"))) {
            request->prefetch |= word_is(value, SLICE("prefetch"));
        }
        return true;
    case 7:
        if (word_is(name, SLICE("referer"))) {
            keep_first(&request->referer, value);
        } else if (word_is(name, SLICE("purpose"))) {
            request->prefetch |= word_is(value, SLICE("prefetch"));
        }
        return true;
    case 9:
        if (word_is(name, SLICE("x-purpose"))) {
            request->prefetch |=
                word_is(value, SLICE("prefetch")) || word_is(value, SLICE("preview"));
        }
        return true;
    case 10:
        if (word_is(name, SLICE("user-agent"))) {
            keep_first(&request->user_agent, value);
        } else if (word_is(name, SLICE("connection"))) {
            if (word_is(value, SLICE("keep-alive"))) {
                fields->seen |= SEEN_KEEP_ALIVE; /* what almost every client says */
            } else if (word_is(value, SLICE("close"))) {
                fields->seen |= SEEN_CLOSE;
            } else {
                take_connection(fields, value);
            }
        }
        return true;
    case 11:
        if (word_is(name, SLICE("sec-purpose"))) {
            request->prefetch |= word_is(first_token(value), SLICE("prefetch"));
        }
        return true;
    case 14:
        return !word_is(name, SLICE("content-length")) ||
               take_content_length(fields, request, value);
    case 15:
        if (word_is(name, SLICE("accept-language"))) {
            keep_first(&request->accept_language, value);
        } else if (word_is(name, SLICE("x-forwarded-for"))) {
            request->forwarded_for = value;
        }
        return true;
    case 17:
        if (word_is(name, SLICE("x-forwarded-proto"))) {
            request->forwarded_proto = value;
            return true;
        }
        return !word_is(name, SLICE("transfer-encoding")) ||
               take_transfer_encoding(fields, request, value);
    default:
        return true;
    }
}

/* Letters, digits, '-' and '.' are a host in any order. */
static inline bool is_plain_host(struct slice value) {
    const char *stop = value.data + value.size;
    return value.size > 0 && scan_label(value.data, stop) == stop;
}

static bool take_host(struct fields *fields, struct http_request *request, struct slice value) {
    if ((fields->seen & SEEN_HOST) != 0 || !(is_plain_host(value) || http_host_is_valid(value))) {
        return false;
    }
    fields->seen |= SEEN_HOST;
    keep_first(&request->host, value); /* an absolute target's own comes first */
    return true;
}

static bool take_content_length(struct fields *fields, struct http_request *request,
                                struct slice value) {
    if ((fields->seen & SEEN_CONTENT_LENGTH) != 0 || fields->coding != CODING_NONE ||
        value.size == 0) {
        return false;
    }
    fields->seen |= SEEN_CONTENT_LENGTH;
    uint64_t length = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (!scan_is_digit(value.data[i])) {
            return false;
        }
        uint64_t digit = (uint64_t)(value.data[i] - '0');
        if (length > (INT64_MAX - digit) / 10) {
            return false; /* more than what is behind a proxy may be able to count */
        }
        length = length * 10 + digit;
    }
    request->has_body |= length > 0;
    return true;
}

/* RFC 9112 section 6.1: "chunked" once, and last. Codings are plain tokens here: none that is
 * registered has parameters, and "identity" was withdrawn by RFC 7230. */
static bool take_transfer_encoding(struct fields *fields, struct http_request *request,
                                   struct slice value) {
    if (request->minor_version == 0 || (fields->seen & SEEN_CONTENT_LENGTH) != 0) {
        return false;
    }
    request->has_body = true;
    struct slice coding;
    bool more;
    do {
        more = next_element(&value, &coding);
        if (fields->coding == CODING_CHUNKED || coding.size == 0 ||
            first_token(coding).size != coding.size || word_is(coding, SLICE("identity"))) {
            return false;
        }
        fields->coding = word_is(coding, SLICE("chunked")) ? CODING_CHUNKED : CODING_OPEN;
    } while (more);
    return true;
}

/* What we do not know (upgrade, names of fields) is nothing to us. */
static void take_connection(struct fields *fields, struct slice value) {
    struct slice option;
    bool more;
    do {
        more = next_element(&value, &option);
        fields->seen |= word_is(option, SLICE("keep-alive")) ? SEEN_KEEP_ALIVE : 0U;
        fields->seen |= word_is(option, SLICE("close")) ? SEEN_CLOSE : 0U;
    } while (more);
}

static inline bool is_complete(const struct fields *fields, struct http_request *request) {
    bool is_1_0 = request->minor_version == 0;
    if (fields->coding == CODING_OPEN) {
        return false; /* nobody could tell where the body ends: RFC 9112 section 6.3 */
    }
    request->keep_alive =
        (fields->seen & SEEN_CLOSE) == 0 && (!is_1_0 || (fields->seen & SEEN_KEEP_ALIVE) != 0);
    return is_1_0 || (fields->seen & SEEN_HOST) != 0;
}

/* Cuts the next element of a comma-separated list (RFC 9110 section 5.6.1) off, trimmed; it may be
 * empty. False when it was the last. */
static bool next_element(struct slice *rest, struct slice *element) {
    const char *begin = rest->data;
    const char *end = begin + rest->size;
    const char *comma = rest->size == 0 ? NULL : memchr(begin, ',', rest->size);
    const char *stop = comma != NULL ? comma : end;
    if (comma != NULL) {
        *rest = slice_make(comma + 1, (size_t)(end - comma - 1));
    }
    while (begin < stop && scan_is_space(*begin)) {
        begin++;
    }
    while (begin < stop && scan_is_space(stop[-1])) {
        stop--;
    }
    *element = slice_make(begin, (size_t)(stop - begin));
    return comma != NULL;
}

static struct slice first_token(struct slice value) {
    const char *end = scan_class(value.data, value.data + value.size, HTTP_CLASS_TOKEN);
    return slice_make(value.data, (size_t)(end - value.data));
}
