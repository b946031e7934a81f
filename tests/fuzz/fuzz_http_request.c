/*
 * fuzz_http_request.c - the readers of targets and fields, on any bytes.
 *
 * Beyond not crashing: results stay within their capacity and are made of the characters that
 * the rest of the program counts on (a referrer's host and a language go into statistics, an
 * address into trust decisions).
 *
 * Input: one byte for the capacity, then what every function gets.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>

#include "base/defs.h"
#include "http/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_decode(struct slice s, char *out, size_t capacity) {
    size_t size = http_percent_decode(s, out, capacity);
    if (size == SIZE_MAX) {
        return;
    }
    ENSURE(size <= capacity && size <= s.size);
    ENSURE((s.size - size) % 2 == 0); /* each sequence of three became one */
    if (memchr(s.data, '%', s.size) == NULL) {
        ENSURE(slice_equal(s, slice_make(out, size)));
    }
    /* In place it is the same. */
    char *copy = malloc(s.size);
    ENSURE(copy != NULL);
    memcpy(copy, s.data, s.size);
    ENSURE(http_percent_decode(slice_make(copy, s.size), copy, s.size) == size);
    ENSURE(slice_equal(slice_make(copy, size), slice_make(out, size)));
    free(copy);
}

static void check_query(struct slice s) {
    struct slice value;
    if (!http_query_find(s, SLICE("s"), &value)) {
        return;
    }
    ENSURE(value.size < s.size);
    ENSURE(value.size == 0 || (value.data > s.data && value.data[-1] == '=' &&
                               value.data + value.size <= s.data + s.size));
    ENSURE(value.size == 0 || memchr(value.data, '&', value.size) == NULL);
}

static void check_referer(struct slice s, char *out, size_t capacity) {
    size_t size = http_referer_host(s, out, capacity);
    ENSURE(size <= capacity && size <= 253 && size <= s.size);
    for (size_t i = 0; i < size; i++) {
        ENSURE(islower((unsigned char)out[i]) || isdigit((unsigned char)out[i]) || out[i] == '.' ||
               out[i] == '-');
    }
}

static void check_language(struct slice s, char *out, size_t capacity) {
    size_t size = http_preferred_language(s, out, capacity);
    ENSURE(size <= capacity && size <= 7);
    size_t primary = 0;
    while (primary < size && islower((unsigned char)out[primary])) {
        primary++;
    }
    ENSURE(size == 0 || primary == 2 || primary == 3);
    if (primary == size) {
        return;
    }
    ENSURE(out[primary] == '-');
    bool letters = size - primary == 3;
    ENSURE(letters || size - primary == 4);
    for (size_t i = primary + 1; i < size; i++) {
        ENSURE(letters ? isupper((unsigned char)out[i]) : isdigit((unsigned char)out[i]));
    }
}

static bool is_address(struct slice s) {
    char text[INET6_ADDRSTRLEN];
    if (s.size >= sizeof text) {
        return false;
    }
    memcpy(text, s.data, s.size);
    text[s.size] = '\0';
    struct in6_addr address;
    return strlen(text) == s.size &&
           (inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1);
}

static bool trusts_ten(struct slice address, const void *argument) {
    (void)argument;
    ENSURE(is_address(address));
    return slice_starts_with(address, SLICE("10."));
}

static void check_forwarded(struct slice s) {
    struct slice address;
    bool found = http_forwarded_client(s, trusts_ten, NULL, &address);
    ENSURE(found || !is_address(s)); /* one address alone is always a list */
    if (found) {
        ENSURE(is_address(address));
        ENSURE(address.data >= s.data && address.data + address.size <= s.data + s.size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) {
        return 0;
    }
    size_t capacity = data[0];
    struct slice s = slice_make((const char *)data + 1, size - 1);
    char *out = malloc(capacity > 0 ? capacity : 1);
    ENSURE(out != NULL);
    check_decode(s, out, capacity);
    check_query(s);
    check_referer(s, out, capacity);
    check_language(s, out, capacity);
    check_forwarded(s);
    free(out);
    return 0;
}
