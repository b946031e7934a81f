/*
 * fuzz_http_parse.c - the request parser against its promises and against another parser.
 *
 * Promises: no crash; every slice lies inside the input; a request cut anywhere gives MORE or
 * the verdict of the whole; http_head_end() never asks for a parse that then wants more.
 *
 * Differential: what we accept, http-parser 2.9.4 (https://github.com/nodejs/http-parser) must
 * accept too and understand as we do. The other direction proves nothing, since we are stricter.
 * Where the two differ on purpose or by a known weakness of http-parser, the code says why.
 *
 * Input: two bytes that say where to cut, then the request.
 */
#include <stdlib.h>

#include "base/defs.h"
#include "http/parse.h"

/* The other parser's header has an enum of the same name with members of the same names. */
#define http_method their_method
#define HTTP_GET    THEIR_GET
#define HTTP_HEAD   THEIR_HEAD
#include <http_parser.h>
#undef http_method
#undef HTTP_GET
#undef HTTP_HEAD

/* What http-parser makes of a head. */
struct theirs {
    struct slice url;
    struct slice name;  /* of the field at hand */
    struct slice value; /* of the field at hand */
    struct slice host;
    unsigned fields;
    bool in_value;
    bool complete;
    bool keep_alive;
    bool has_body;
    bool connection_unclear; /* a Connection that it is known to misread */
    bool encoding_unclear;   /* a Transfer-Encoding that it is known to misread */
    bool encoding_imagined;  /* it takes another field for Transfer-Encoding */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct slice input, struct slice part) {
    ENSURE(part.size == 0 ||
           (part.data >= input.data && part.data + part.size <= input.data + input.size));
}

static void check_request(struct slice input, const struct http_request *request) {
    ENSURE(request->head_bytes <= input.size && request->head_bytes <= HTTP_HEAD_BYTES_MAX);
    struct slice head = slice_first(input, request->head_bytes);
    const struct slice parts[] = {
        request->target,  request->path,          request->query,
        request->host,    request->user_agent,    request->accept_language,
        request->referer, request->forwarded_for, request->forwarded_proto};
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        check_inside(head, parts[i]);
        for (size_t at = 0; at < parts[i].size; at++) {
            char c = parts[i].data[at];
            ENSURE(c != '\r' && c != '\n' && c != '\0');
        }
    }
    ENSURE(slice_equal(slice_from(head, head.size - 4), SLICE("\r\n\r\n")));
    ENSURE(request->target.size > 0 && request->target.size <= HTTP_LINE_BYTES_MAX);
    ENSURE(request->host.size > 0 || request->minor_version == 0);
    ENSURE(request->minor_version <= 1);
    if (request->method != HTTP_OTHER) {
        ENSURE(request->path.size > 0 && request->path.data[0] == '/');
    }
    ENSURE(request->path_escaped ==
           (request->path.size > 0 && memchr(request->path.data, '%', request->path.size) != NULL));
    ENSURE(http_head_end(input, 0));
}

/* Parses a copy that ends where its memory ends. */
static enum http_parse_result parse_first(struct slice input, size_t size) {
    char *copy = malloc(size > 0 ? size : 1);
    ENSURE(copy != NULL);
    if (size > 0) {
        memcpy(copy, input.data, size);
    }
    struct slice part = slice_make(copy, size);
    struct http_request request;
    enum http_parse_result result = http_parse(part, &request);
    if (result == HTTP_PARSE_DONE) {
        check_request(part, &request);
    }
    ENSURE(result != HTTP_PARSE_MORE || !http_head_end(part, 0));
    free(copy);
    return result;
}

/* As a connection does it, in two pieces: the second waits for the end of the head, so an error in
 * it may be told later than it could be, but what is told is the verdict on the whole. */
static void check_in_two(struct slice input, size_t cut, enum http_parse_result whole) {
    enum http_parse_result result = parse_first(input, cut);
    ENSURE(result == HTTP_PARSE_MORE || result == whole);
    if (result != HTTP_PARSE_MORE) {
        return;
    }
    bool end = http_head_end(input, cut);
    ENSURE(end == http_head_end(input, 0)); /* the first piece had none */
    ENSURE(end || whole != HTTP_PARSE_DONE);
    ENSURE(!end || whole != HTTP_PARSE_MORE);
}

/* A field is complete: keeps what is compared. */
static void end_field(struct theirs *theirs) {
    theirs->in_value = false;
    struct slice value = slice_trim(theirs->value);
    if (slice_equal_nocase(theirs->name, SLICE("host"))) {
        theirs->host = value;
    }
    if (slice_equal_nocase(theirs->name, SLICE("proxy-connection"))) {
        /* Nothing that any RFC knows; http-parser takes it for Connection. */
        theirs->connection_unclear = true;
    }
    const struct slice encoding = SLICE("transfer-encoding");
    if (theirs->name.size > encoding.size &&
        slice_equal_nocase(slice_first(theirs->name, encoding.size), encoding)) {
        /* It takes a name for Transfer-Encoding before it has ended: then it forgets a "chunked"
         * that came before, and refuses a Content-Length beside it. */
        theirs->encoding_imagined = true;
    }
    if (slice_equal_nocase(theirs->name, encoding)) {
        /* http-parser sees no "chunked" before a tab, nor after an element that begins with 'c'
         * or is empty, since it loses the comma there. */
        theirs->encoding_unclear |= memchr(theirs->value.data, '\t', theirs->value.size) != NULL;
        struct slice rest = value;
        while (rest.size > 0) {
            struct slice coding = slice_trim(slice_split(&rest, ','));
            theirs->encoding_unclear |= rest.size > 0 && (coding.data[0] | 0x20) == 'c';
        }
    }
    if (!slice_equal_nocase(theirs->name, SLICE("connection"))) {
        return;
    }
    /* The same for the options of Connection; it takes none of a list behind an empty one, or one
     * that does not begin as a token does. */
    struct slice rest = value;
    while (rest.size > 0) {
        struct slice option = slice_trim(slice_split(&rest, ','));
        bool known = slice_equal_nocase(option, SLICE("close")) ||
                     slice_equal_nocase(option, SLICE("keep-alive")) ||
                     slice_equal_nocase(option, SLICE("upgrade"));
        theirs->connection_unclear |= option.size == 0 ||
                                      strchr("\"(),/:;<=>?@[\\]{}", option.data[0]) != NULL ||
                                      (unsigned char)option.data[0] >= 0x7F ||
                                      (!known && strchr("cku", option.data[0] | 0x20) != NULL);
    }
    theirs->connection_unclear |=
        theirs->value.size > 0 && memchr(theirs->value.data, '\t', theirs->value.size) != NULL;
}

/* Data comes in one piece, since the head is given in one piece. */
static int on_url(http_parser *parser, const char *at, size_t size) {
    ((struct theirs *)parser->data)->url = slice_make(at, size);
    return 0;
}

static int on_name(http_parser *parser, const char *at, size_t size) {
    struct theirs *theirs = parser->data;
    if (theirs->in_value) {
        end_field(theirs);
    }
    theirs->name = slice_make(at, size);
    theirs->fields++;
    return 0;
}

static int on_value(http_parser *parser, const char *at, size_t size) {
    struct theirs *theirs = parser->data;
    theirs->value = slice_make(at, size);
    theirs->in_value = true;
    return 0;
}

static int on_head(http_parser *parser) {
    struct theirs *theirs = parser->data;
    if (theirs->in_value) {
        end_field(theirs);
    }
    theirs->complete = true;
    theirs->keep_alive = http_should_keep_alive(parser) != 0;
    theirs->has_body = (parser->flags & F_CHUNKED) != 0 ||
                       (parser->content_length > 0 && parser->content_length != UINT64_MAX);
    return 1; /* no body, please */
}

/* Lines of the head that hold a field: nothing that we accept is folded. */
static unsigned count_fields(struct slice head) {
    unsigned lines = 0;
    bool begun = false;
    while (head.size > 0) {
        struct slice line = slice_split(&head, '\n');
        begun |= line.size > 1; /* an empty line before the request is not counted */
        lines += begun ? 1 : 0;
    }
    return lines - 2;
}

static void compare_targets(const struct http_request *request) {
    struct http_parser_url url;
    http_parser_url_init(&url);
    /* Its host has no percent-encoding, no sub-delims, and only '-', '.' and '_' beside letters and
     * digits: what it refuses is not compared. */
    if (http_parser_parse_url(request->target.data, request->target.size, 0, &url) != 0) {
        return;
    }
    struct slice part[UF_MAX];
    for (int i = 0; i < UF_MAX; i++) {
        bool set = (url.field_set & (1 << i)) != 0;
        part[i] =
            set ? slice_make(request->target.data + url.field_data[i].off, url.field_data[i].len)
                : SLICE_EMPTY;
    }
    ENSURE(slice_equal(request->path, part[UF_PATH].size > 0 ? part[UF_PATH] : SLICE("/")));
    ENSURE(slice_equal(request->query, part[UF_QUERY]));
    ENSURE(part[UF_FRAGMENT].size == 0 && part[UF_USERINFO].size == 0);
    if (part[UF_HOST].size > 0) {
        size_t bracket = request->host.data[0] == '[' ? 1 : 0;
        ENSURE(slice_starts_with(slice_from(request->host, bracket), part[UF_HOST]));
    }
}

static void compare_with_http_parser(struct slice head, const struct http_request *request) {
    static const http_parser_settings settings = {
        .on_url = on_url,
        .on_header_field = on_name,
        .on_header_value = on_value,
        .on_headers_complete = on_head,
    };
    struct theirs theirs = {0};
    http_parser parser;
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = &theirs;
    http_parser_execute(&parser, &settings, head.data, head.size);
    if (theirs.in_value) {
        end_field(&theirs); /* refused behind the last field, before on_head */
    }

    if (request->method == HTTP_OTHER) {
        /* It knows a list of methods and wants a URL; we answer 405 to any token and target. */
        if (!theirs.complete && (HTTP_PARSER_ERRNO(&parser) == HPE_INVALID_METHOD ||
                                 HTTP_PARSER_ERRNO(&parser) == HPE_INVALID_URL)) {
            return;
        }
        ENSURE(parser.method != THEIR_GET && parser.method != THEIR_HEAD);
    } else {
        ENSURE(parser.method == (request->method == HTTP_GET ? THEIR_GET : THEIR_HEAD));
        compare_targets(request);
    }
    if (theirs.encoding_imagined && HTTP_PARSER_ERRNO(&parser) == HPE_UNEXPECTED_CONTENT_LENGTH) {
        return;
    }
    ENSURE(theirs.complete);
    ENSURE(HTTP_PARSER_ERRNO(&parser) == HPE_OK);
    ENSURE(slice_equal(theirs.url, request->target));
    ENSURE(theirs.fields == count_fields(head));
    ENSURE(parser.http_major == 1 && (parser.http_minor == 0) == (request->minor_version == 0));
    if (request->method == HTTP_OTHER || request->target.data[0] == '/') {
        ENSURE(slice_equal(theirs.host, request->host));
    }
    if (!theirs.connection_unclear) {
        /* In HTTP/1.0 it lets keep-alive win over close; RFC 9112 section 9.3 has close first. */
        bool both = (parser.flags & F_CONNECTION_CLOSE) && (parser.flags & F_CONNECTION_KEEP_ALIVE);
        ENSURE(request->keep_alive == (theirs.keep_alive && !both));
    }
    if (!theirs.encoding_unclear && !theirs.encoding_imagined) {
        ENSURE(theirs.has_body == request->has_body);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) {
        return 0;
    }
    struct slice input = slice_make((const char *)data + 2, size - 2);
    size_t cut = ((size_t)data[0] << 8 | data[1]) % (input.size + 1);

    enum http_parse_result whole = parse_first(input, input.size);
    check_in_two(input, cut, whole);
    struct http_request request;
    if (http_parse(input, &request) == HTTP_PARSE_DONE) {
        compare_with_http_parser(slice_first(input, request.head_bytes), &request);
    }
    return 0;
}
