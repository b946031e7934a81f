/*
 * fuzz_decide_geo.c - any bytes as a MaxMind DB: refused with a reason, or opened, and then every
 * look-up ends and gives codes, and the cache says the same, on a miss and on a hit. The cache is
 * one for all databases, as that of a worker is.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <netinet/in.h>

#include "base/err.h"
#include "decide/geo.h"
#include "decide/geo_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ensure_code(const char *code, size_t size) {
    size_t length = strnlen(code, size);
    ENSURE(length < size);
    for (size_t i = 0; i < length; i++) {
        ENSURE((code[i] >= 'A' && code[i] <= 'Z') || (code[i] >= '0' && code[i] <= '9'));
    }
}

static void look_up(struct geo_cache *cache, const struct geo *geo,
                    const struct sockaddr *address) {
    struct geo_place place = geo_find(geo, address);
    for (int round = 0; round < 2; round++) {
        ENSURE(memcmp(geo_cache_find(cache, geo, address), &place, sizeof place) == 0);
    }
    ensure_code(place.country, sizeof place.country);
    ensure_code(place.region, sizeof place.region);
    ENSURE(place.country[0] != '\0' || place.region[0] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct geo_cache *cache;
    if (cache == NULL) {
        cache = geo_cache_create();
    }
    int memory = memfd_create("fuzz", MFD_CLOEXEC);
    ENSURE(memory >= 0 && write(memory, data, size) == (ssize_t)size);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", memory);

    struct err err = {{0}};
    struct geo *geo = geo_open(path, &err);
    ENSURE((geo == NULL) == (err.text[0] != '\0'));
    for (unsigned i = 0; geo != NULL && i < 64; i++) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = i * 0x9e3779b9u};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        v6.sin6_addr.s6_addr[0] = (uint8_t)(i * 37);
        v6.sin6_addr.s6_addr[1] = (uint8_t)(i * 101);
        look_up(cache, geo, (struct sockaddr *)&v4);
        look_up(cache, geo, (struct sockaddr *)&v6);
        v4.sin_addr.s_addr ^= htonl(1); /* neighbours, which may share an answer or not */
        v6.sin6_addr.s6_addr[i % 8] ^= 1;
        look_up(cache, geo, (struct sockaddr *)&v4);
        look_up(cache, geo, (struct sockaddr *)&v6);
    }
    geo_unref(&geo);
    close(memory);
    return 0;
}
