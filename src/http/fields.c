/*
 * fields.c - recognises the fields that matter and refuses those that could smuggle.
 *
 * A name is looked up by its length, which leaves one or two to compare with. Everything about
 * the length of a body is strict to the letter (RFC 9112 section 6): what we, a proxy before us
 * and a server behind it could count differently is refused, even where the RFC would let us
 * repair it (a list of equal Content-Lengths, a Transfer-Encoding in HTTP/1.0).
 */
#include "fields.h"

#include "host.h"
#include "scan.h"

static bool take_host(struct http_fields *fields, struct http_request *request, struct slice value);
static bool take_content_length(struct http_fields *fields, struct http_request *request,
                                struct slice value);
static bool take_transfer_encoding(struct http_fields *fields, struct http_request *request,
                                   struct slice value);
static void take_connection(struct http_fields *fields, struct slice value);
static bool next_element(struct slice *rest, struct slice *element);
static struct slice first_token(struct slice value);

static inline uint64_t load4(const char *at) {
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline uint64_t load8(const char *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Whether s is this word without regard to case. The word is a literal in lower case, of letters
 * and '-' alone and 4 to 24 of them; s holds no control byte but HTAB: then setting bit 5 makes
 * upper case lower and no other byte a letter or '-'. Compares words, which may overlap. */
static inline bool is(struct slice s, struct slice word) {
    if (s.size != word.size) {
        return false;
    }
    const uint64_t bit5 = 0x2020202020202020;
    const char *a = s.data;
    const char *b = word.data;
    if (word.size < 8) {
        size_t last = word.size - 4;
        return (((load4(a) | bit5) ^ (load4(b) | bit5)) |
                ((load4(a + last) | bit5) ^ (load4(b + last) | bit5))) == 0;
    }
    size_t last = word.size - 8;
    uint64_t different =
        ((load8(a) | bit5) ^ load8(b)) | ((load8(a + last) | bit5) ^ load8(b + last));
    if (word.size > 16) {
        different |= (load8(a + last / 2) | bit5) ^ load8(b + last / 2);
    }
    return different == 0;
}

/* The first of several counts; an empty value has a place in the input too. */
static inline void keep_first(struct slice *kept, struct slice value) {
    if (kept->data == NULL) {
        *kept = value;
    }
}

bool http_fields_take(struct http_fields *fields, struct http_request *request, struct slice name,
                      struct slice value) {
    switch (name.size) {
    case 4:
        return !is(name, SLICE("host")) || take_host(fields, request, value);
    case 5:
        if (is(name, SLICE("x-moz"))) {
            request->prefetch |= is(value, SLICE("prefetch"));
        }
        return true;
    case 7:
        if (is(name, SLICE("referer"))) {
            keep_first(&request->referer, value);
        } else if (is(name, SLICE("purpose"))) {
            request->prefetch |= is(value, SLICE("prefetch"));
        }
        return true;
    case 9:
        if (is(name, SLICE("x-purpose"))) {
            request->prefetch |= is(value, SLICE("prefetch")) || is(value, SLICE("preview"));
        }
        return true;
    case 10:
        if (is(name, SLICE("user-agent"))) {
            keep_first(&request->user_agent, value);
        } else if (is(name, SLICE("connection"))) {
            take_connection(fields, value);
        }
        return true;
    case 11:
        if (is(name, SLICE("sec-purpose"))) {
            request->prefetch |= is(first_token(value), SLICE("prefetch"));
        }
        return true;
    case 14:
        return !is(name, SLICE("content-length")) || take_content_length(fields, request, value);
    case 15:
        if (is(name, SLICE("accept-language"))) {
            keep_first(&request->accept_language, value);
        } else if (is(name, SLICE("x-forwarded-for"))) {
            request->forwarded_for = value;
        }
        return true;
    case 17:
        if (is(name, SLICE("x-forwarded-proto"))) {
            request->forwarded_proto = value;
            return true;
        }
        return !is(name, SLICE("transfer-encoding")) ||
               take_transfer_encoding(fields, request, value);
    default:
        return true;
    }
}

bool http_fields_end(const struct http_fields *fields, struct http_request *request) {
    if (request->minor_version >= 1 && !fields->host) {
        return false;
    }
    if (fields->coding == HTTP_CODING_OPEN) {
        return false; /* nobody could tell where the body ends: RFC 9112 section 6.3 */
    }
    request->keep_alive = !fields->close && (request->minor_version >= 1 || fields->keep_alive);
    return true;
}

static bool take_host(struct http_fields *fields, struct http_request *request,
                      struct slice value) {
    if (fields->host || !http_host_is_valid(value)) {
        return false;
    }
    fields->host = true;
    keep_first(&request->host, value); /* an absolute target's own comes first */
    return true;
}

static bool take_content_length(struct http_fields *fields, struct http_request *request,
                                struct slice value) {
    if (fields->content_length || fields->coding != HTTP_CODING_NONE || value.size == 0) {
        return false;
    }
    fields->content_length = true;
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
static bool take_transfer_encoding(struct http_fields *fields, struct http_request *request,
                                   struct slice value) {
    if (request->minor_version == 0 || fields->content_length) {
        return false;
    }
    request->has_body = true;
    struct slice coding;
    bool more;
    do {
        more = next_element(&value, &coding);
        if (fields->coding == HTTP_CODING_CHUNKED || coding.size == 0 ||
            first_token(coding).size != coding.size || is(coding, SLICE("identity"))) {
            return false;
        }
        fields->coding = is(coding, SLICE("chunked")) ? HTTP_CODING_CHUNKED : HTTP_CODING_OPEN;
    } while (more);
    return true;
}

/* What we do not know (upgrade, names of fields) is nothing to us. */
static void take_connection(struct http_fields *fields, struct slice value) {
    if (is(value, SLICE("keep-alive"))) {
        fields->keep_alive = true; /* what almost every client says */
        return;
    }
    struct slice option;
    bool more;
    do {
        more = next_element(&value, &option);
        fields->keep_alive |= is(option, SLICE("keep-alive"));
        fields->close |= is(option, SLICE("close"));
    } while (more);
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
