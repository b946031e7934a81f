/*
 * geo_files.h - a temporary directory with databases in it, for test_geo*.c.
 */
#ifndef GEO_FILES_H
#define GEO_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "decide/geo.h"

struct geo_files {
    char directory[64];
    char path[128]; /* of the database that most tests use */
};

/* The bytes of a database being put together or damaged. */
struct geo_image {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

static inline void geo_files_set_up(struct geo_files *files) {
    snprintf(files->directory, sizeof files->directory, "/tmp/brinco-geo-XXXXXX");
    assert_non_null(mkdtemp(files->directory));
    snprintf(files->path, sizeof files->path, "%s/geo.mmdb", files->directory);
}

static inline void geo_files_tear_down(const struct geo_files *files) {
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", files->directory);
    assert_int_equal(system(command), 0);
}

/* Runs tests/tools/make-mmdb on a file of text. The tests run in the root of the tree. */
static inline void geo_make(const char *path, const char *options, const char *text_path) {
    char command[512];
    snprintf(command, sizeof command, "perl tests/tools/make-mmdb %s '%s' < '%s'", options, path,
             text_path);
    if (system(command) != 0) {
        fail_msg("%s: failed; is libmaxmind-db-writer-perl installed?", command);
    }
}

static inline struct geo_image geo_read(const char *path) {
    struct geo_image image = {0};
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    image.size = (size_t)ftell(file);
    image.data = malloc(image.size);
    rewind(file);
    assert_int_equal(fread(image.data, 1, image.size, file), image.size);
    assert_int_equal(fclose(file), 0);
    return image;
}

static inline void geo_write(const char *path, const uint8_t *data, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Whoever is not IPv4 is IPv6. */
static inline struct geo_place geo_place_of(const struct geo *geo, const char *address) {
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
        return geo_find(geo, (struct sockaddr *)&v4);
    }
    assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
    return geo_find(geo, (struct sockaddr *)&v6);
}

static inline bool geo_is_code(const char *code, size_t size) {
    size_t length = strnlen(code, size);
    for (size_t i = 0; i < length; i++) {
        if (!(code[i] >= 'A' && code[i] <= 'Z') && !(code[i] >= '0' && code[i] <= '9')) {
            return false;
        }
    }
    return length < size;
}

/* Looks up addresses from all over, and asserts that only codes come out. */
static inline void geo_look_around(const struct geo *geo) {
    for (unsigned i = 0; i < 256; i++) {
        char text[64];
        snprintf(text, sizeof text, i % 2 ? "%u.%u.0.1" : "%02x%02x::1", i, i * 7 % 256);
        struct geo_place place = geo_place_of(geo, text);
        assert_true(geo_is_code(place.country, sizeof place.country));
        assert_true(geo_is_code(place.region, sizeof place.region));
    }
    static const char *const known[] = {"189.203.1.1",    "2806:10a0::1", "100.68.0.1",
                                        "::ffff:8.8.8.8", "192.0.2.200",  "2001:db8:1::1"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct geo_place place = geo_place_of(geo, known[i]);
        assert_true(geo_is_code(place.country, sizeof place.country));
        assert_true(geo_is_code(place.region, sizeof place.region));
    }
}

#endif
