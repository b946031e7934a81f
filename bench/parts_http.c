/*
 * parts_http.c - parsing heads, reading their fields, and writing a redirect.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/defs.h"
#include "http/parse.h"
#include "http/request.h"
#include "http/response.h"
#include "parts.h"

enum { OUT_BYTES = 8192, SOME_TIME_S = 1800000000 };

/* SMALL and PHONE of bench/rig/heads.py. */
#define SMALL_HEAD                                                                                 \
    "GET /AB12CD HTTP/1.1\r\n"                                                                     \
    "Host: go.example.mx\r\n"                                                                      \
    "User-Agent: Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like "        \
    "Gecko) Chrome/126.0.0.0 Mobile Safari/537.36\r\n"                                             \
    "Accept-Language: es-MX,es;q=0.9\r\n\r\n"

#define PHONE_HEAD                                                                                 \
    "GET /AB12CD HTTP/1.1\r\n"                                                                     \
    "Host: go.example.mx\r\n"                                                                      \
    "Connection: keep-alive\r\n"                                                                   \
    "sec-ch-ua: \"Not/A)Brand\";v=\"8\", \"Chromium\";v=\"126\", \"Google Chrome\";v=\"126\"\r\n"  \
    "sec-ch-ua-mobile: ?1\r\n"                                                                     \
    "sec-ch-ua-platform: \"Android\"\r\n"                                                          \
    "Upgrade-Insecure-Requests: 1\r\n"                                                             \
    "User-Agent: Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like "              \
    "Gecko) Chrome/126.0.0.0 Mobile Safari/537.36\r\n"                                             \
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;"     \
    "q=0.8\r\n"                                                                                    \
    "Sec-Fetch-Site: none\r\n"                                                                     \
    "Sec-Fetch-Mode: navigate\r\n"                                                                 \
    "Sec-Fetch-User: ?1\r\n"                                                                       \
    "Sec-Fetch-Dest: document\r\n"                                                                 \
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"                                                 \
    "Accept-Language: es-MX,es;q=0.9\r\n\r\n"

/* The input lies on the heap, exactly as long as it is. */
struct input {
    char *bytes;
    struct slice head;
};

static void *begin_input(const char *text) {
    struct input *input = parts_allocate(sizeof(*input));
    size_t size = strlen(text);
    input->bytes = parts_allocate(size);
    memcpy(input->bytes, text, size);
    input->head = slice_make(input->bytes, size);
    return input;
}

static void *begin_small(const struct parts_options *options) {
    (void)options;
    return begin_input(SMALL_HEAD);
}

static void *begin_phone(const struct parts_options *options) {
    (void)options;
    return begin_input(PHONE_HEAD);
}

static void end_input(void *state) {
    struct input *input = state;
    free(input->bytes);
    free(input);
}

static void run_parse(void *state, uint64_t count) {
    struct input *input = state;
    struct http_request request;
    for (uint64_t i = 0; i < count; i++) {
        ENSURE(http_parse(input->head, &request) == HTTP_PARSE_DONE);
        parts_use(request.head_bytes);
    }
}

static void *begin_language(const struct parts_options *options) {
    (void)options;
    return begin_input("es-MX,es;q=0.9");
}

static void run_language(void *state, uint64_t count) {
    struct input *input = state;
    char language[16];
    for (uint64_t i = 0; i < count; i++) {
        parts_use(http_preferred_language(input->head, language, sizeof(language)));
    }
}

static void *begin_referrer(const struct parts_options *options) {
    (void)options;
    return begin_input("https://l.instagram.com/?u=https%3A%2F%2Fgo.example.mx%2FAB12CD&e=AT0");
}

static void run_referrer(void *state, uint64_t count) {
    struct input *input = state;
    char host[253];
    for (uint64_t i = 0; i < count; i++) {
        parts_use(http_referer_host(input->head, host, sizeof(host)));
    }
}

struct reply {
    struct http_date date;
    char out[OUT_BYTES];
};

static void *begin_reply(const struct parts_options *options) {
    struct reply *reply = parts_allocate(sizeof(*reply));
    (void)options;
    http_date_set(&reply->date, UINT64_C(1000) * SOME_TIME_S);
    return reply;
}

/* What stands around the Location. */
static void run_reply(void *state, uint64_t count) {
    struct reply *reply = state;
    for (uint64_t i = 0; i < count; i++) {
        struct buf out = buf_over(reply->out, sizeof(reply->out));
        bool is_whole = http_redirect_begin(&out, &reply->date) && http_redirect_end(&out, true, 1);
        ENSURE(is_whole);
        parts_use(out.size);
    }
}

const struct part parts_of_http[] = {
    {"parse-small", "parse a head of 3 fields", 0, begin_small, run_parse, NULL, end_input},
    {"parse-phone", "parse a telephone's head of 14 fields", 0, begin_phone, run_parse, NULL,
     end_input},
    {"language", "the language preferred in es-MX,es;q=0.9", 0, begin_language, run_language, NULL,
     end_input},
    {"referrer", "the host of a Referer", 0, begin_referrer, run_referrer, NULL, end_input},
    {"reply", "a redirect's head around its Location", 0, begin_reply, run_reply, NULL, free},
    {0},
};
