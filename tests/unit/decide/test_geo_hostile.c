/*
 * test_geo_hostile.c - databases that are cut short, damaged, or made to do harm: refused, or used
 * without a crash, a leak or a look-up that takes long.
 */
#include "geo_files.h"

#include <time.h>

#include "geo_check.h"

static const char cities[] = "tests/data/geo/cities.txt";

static struct geo_files files;
static struct geo_image good;

static int set_up(void **state) {
    (void)state;
    geo_files_set_up(&files);
    geo_make(files.path, "", cities);
    good = geo_read(files.path);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    free(good.data);
    geo_files_tear_down(&files);
    return 0;
}

/* Whether it is refused; if not, looks up in it. */
static bool is_refused(const uint8_t *data, size_t size) {
    struct err err = {{0}};
    geo_write(files.path, data, size);
    struct geo *geo = geo_open(files.path, &err);
    if (geo == NULL) {
        assert_true(err.text[0] != '\0');
        return true;
    }
    geo_look_around(geo);
    geo_unref(&geo);
    return false;
}

static void every_truncation_is_refused(void **state) {
    (void)state;
    for (size_t size = 0; size < good.size; size++) {
        assert_true(is_refused(good.data, size));
    }
    assert_false(is_refused(good.data, good.size));
}

/* As left by a copy that went wrong: the beginning is missing, or the end is another file's. */
static void pieces_are_refused(void **state) {
    (void)state;
    for (size_t offset = 1; offset < good.size; offset += 7) {
        (void)is_refused(good.data + offset, good.size - offset);
    }
    assert_true(is_refused(good.data + good.size / 2, good.size - good.size / 2));
}

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void flipped_bytes_crash_nothing(void **state) {
    (void)state;
    uint64_t random = 88172645463325252u;
    unsigned refused = 0;
    enum { VARIANTS = 4000 };
    uint8_t *copy = malloc(good.size);
    for (unsigned i = 0; i < VARIANTS; i++) {
        memcpy(copy, good.data, good.size);
        unsigned flips = 1 + i % 4;
        for (unsigned j = 0; j < flips; j++) {
            copy[next_random(&random) % good.size] ^= (uint8_t)(1 + next_random(&random) % 255);
        }
        refused += is_refused(copy, good.size);
    }
    free(copy);
    /* Most bytes are the tree's or lengths; a flipped letter of a name is nobody's business. */
    assert_in_range(refused, VARIANTS / 10, VARIANTS - 1);
}

static void every_byte_takes_every_bit_flip(void **state) {
    (void)state;
    for (size_t i = 0; i < good.size; i++) {
        good.data[i] ^= (uint8_t)(1U << (i % 8));
        (void)is_refused(good.data, good.size);
        good.data[i] ^= (uint8_t)(1U << (i % 8));
        good.data[i] ^= 0xff;
        (void)is_refused(good.data, good.size);
        good.data[i] ^= 0xff;
    }
}

/* ── Databases made by hand ── */

static void put(struct geo_image *image, const void *bytes, size_t size) {
    if (image->capacity - image->size < size) {
        image->capacity = 2 * (image->size + size);
        image->data = realloc(image->data, image->capacity);
    }
    memcpy(image->data + image->size, bytes, size);
    image->size += size;
}

#define PUT(image, literal) put(image, literal, sizeof(literal) - 1)

static void put_u32(struct geo_image *image, uint32_t value) {
    uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                       (uint8_t)value};
    put(image, bytes, sizeof bytes);
}

/* One node of 32-bit records, both leading to the byte `record` of the data. */
static void put_tree(struct geo_image *image, uint32_t record) {
    put_u32(image, 1 + 16 + record);
    put_u32(image, 1 + 16 + record);
    put(image, (uint8_t[16]){0}, 16);
}

/* An array of one language, "en". */
#define LANGUAGES                                                                                  \
    "\x01\x04\x42"                                                                                 \
    "en"

static void put_metadata(struct geo_image *image, uint32_t node_count, const char *languages,
                         size_t languages_size) {
    PUT(image, "\xab\xcd\xef"
               "MaxMind.com"
               "\xe9");
    PUT(image, "\x4a"
               "node_count"
               "\xc4");
    put_u32(image, node_count);
    PUT(image, "\x4b"
               "record_size"
               "\xa1\x20");
    PUT(image, "\x4a"
               "ip_version"
               "\xa1\x06");
    PUT(image, "\x4d"
               "database_type"
               "\x41"
               "x");
    PUT(image, "\x49"
               "languages");
    put(image, languages, languages_size);
    PUT(image, "\x5b"
               "binary_format_major_version"
               "\xa1\x02");
    PUT(image, "\x5b"
               "binary_format_minor_version"
               "\xa0");
    PUT(image, "\x4b"
               "build_epoch"
               "\x04\x02\x65\x00\x00\x00");
    PUT(image, "\x4b"
               "description"
               "\xe1\x42"
               "en"
               "\x41"
               "x");
}

/* Opens it, looks around, and frees it. Returns the reason when it is refused, else "". */
static const char *finish(struct geo_image *image) {
    static struct err err;
    err.text[0] = '\0';
    geo_write(files.path, image->data, image->size);
    struct geo *geo = geo_open(files.path, &err);
    if (geo != NULL) {
        geo_look_around(geo);
    }
    geo_unref(&geo);
    free(image->data);
    *image = (struct geo_image){0};
    return err.text;
}

/* Of a database whose every address leads to this value. */
static const char *with_value(const void *value, size_t size) {
    struct geo_image image = {0};
    put_tree(&image, 0);
    put(&image, value, size);
    put_metadata(&image, 1, LANGUAGES, sizeof LANGUAGES - 1);
    return finish(&image);
}

#define WITH_VALUE(literal) with_value(literal, sizeof(literal) - 1)

#define COUNTRY_MX                                                                                 \
    "\xe1\x47"                                                                                     \
    "country"                                                                                      \
    "\xe1\x48"                                                                                     \
    "iso_code"                                                                                     \
    "\x42"                                                                                         \
    "MX"

static void expect_refusal(const char *reason, const char *expected) {
    if (strstr(reason, expected) == NULL) {
        fail_msg("\"%s\" instead of \"%s\"", reason, expected);
    }
}

static void a_database_made_by_hand_is_read(void **state) {
    (void)state;
    assert_string_equal(WITH_VALUE(COUNTRY_MX), "");
    struct geo_image image = {0};
    put_tree(&image, 0);
    PUT(&image, COUNTRY_MX);
    put_metadata(&image, 1, LANGUAGES, sizeof LANGUAGES - 1);
    geo_write(files.path, image.data, image.size);
    free(image.data);
    struct err err;
    struct geo *geo = geo_open(files.path, &err);
    assert_string_equal(geo_place_of(geo, "1.2.3.4").country, "MX");
    assert_string_equal(geo_place_of(geo, "ffff::1").country, "MX");
    geo_unref(&geo);
}

/* 536870912 nodes of 8 bytes are 0 bytes in 32 bits; one less and the separator wraps. */
static void a_node_count_that_overflows_32_bits_is_refused(void **state) {
    (void)state;
    static const uint32_t counts[] = {536870912,  536870911, 536870910, 0xffffffff,
                                      0x20000001, 2,         1000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct geo_image image = {0};
        put_tree(&image, 0);
        PUT(&image, COUNTRY_MX);
        put_metadata(&image, counts[i], LANGUAGES, sizeof LANGUAGES - 1);
        const char *reason = finish(&image);
        assert_true(reason[0] != '\0');
    }
    struct geo_image image = {0};
    put_tree(&image, 0);
    put_metadata(&image, 0, LANGUAGES, sizeof LANGUAGES - 1);
    expect_refusal(finish(&image), "empty");
}

static void records_that_lead_nowhere_are_refused(void **state) {
    (void)state;
    static const uint32_t records[] = {2, 16, 1000000, 0x7fffffff, 0xffffffff};
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        struct geo_image image = {0};
        put_u32(&image, 1);
        put_u32(&image, records[i]);
        put(&image, (uint8_t[16]){0}, 16);
        PUT(&image, COUNTRY_MX);
        put_metadata(&image, 1, LANGUAGES, sizeof LANGUAGES - 1);
        expect_refusal(finish(&image), "search tree");
    }
}

/* A tree that bites its tail is as deep as an address has bits, and then finds nothing. */
static void a_cycle_in_the_tree_ends(void **state) {
    (void)state;
    struct geo_image image = {0};
    put_u32(&image, 0);
    put_u32(&image, 0);
    put(&image, (uint8_t[16]){0}, 16);
    put_metadata(&image, 1, LANGUAGES, sizeof LANGUAGES - 1);
    assert_string_equal(finish(&image), "");
}

/* Skipping it, the library would overflow its stack. */
static void deep_nesting_is_refused(void **state) {
    (void)state;
    enum { DEPTH = 400000 };
    struct geo_image image = {0};
    put_tree(&image, 0);
    PUT(&image, "\xe2\x41"
                "a");
    for (unsigned i = 0; i < DEPTH; i++) {
        PUT(&image, "\x01\x04"); /* an array of one */
    }
    PUT(&image, "\x40");
    PUT(&image, "\x47"
                "country"
                "\xe1\x48"
                "iso_code"
                "\x42"
                "MX");
    put_metadata(&image, 1, LANGUAGES, sizeof LANGUAGES - 1);
    expect_refusal(finish(&image), "nesting");

    put_tree(&image, 0);
    for (unsigned i = 0; i < DEPTH; i++) {
        PUT(&image, "\xe1\x41"
                    "a"); /* a map of one */
    }
    PUT(&image, "\x40");
    put_metadata(&image, 1, LANGUAGES, sizeof LANGUAGES - 1);
    expect_refusal(finish(&image), "nesting");
}

enum { METADATA_MARKER_BYTES = 14 };

/* Each of so many arrays holds the next one twice, by pointers, which count from `begin`: entries
 * double at every level. */
static void put_bomb(struct geo_image *image, unsigned levels, unsigned begin) {
    for (unsigned i = 1; i <= levels; i++) {
        unsigned next = begin + i * 6;
        uint8_t high = (uint8_t)(0x20 | next >> 8);
        uint8_t low = (uint8_t)next;
        uint8_t array[] = {0x02, 0x04, high, low, high, low};
        put(image, array, sizeof array);
    }
    PUT(image, "\x40");
}

/* In the data, nobody follows pointers but those on the way to a country. */
static void a_bomb_of_pointers_in_the_data_is_harmless(void **state) {
    (void)state;
    struct geo_image image = {0};
    put_tree(&image, 0);
    put_bomb(&image, 15, 0);
    put_metadata(&image, 1, LANGUAGES, sizeof LANGUAGES - 1);
    assert_string_equal(finish(&image), "");
}

/* The library would expand it when it opens the file: thirty levels are a thousand million
 * entries in two hundred bytes. */
static void a_bomb_of_pointers_in_the_metadata_is_refused(void **state) {
    (void)state;
    static const struct {
        unsigned levels;
        const char *reason;
    } cases[] = {{15, "too large a value"}, {30, "nesting"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct geo_image image = {0};
        put_tree(&image, 0);
        PUT(&image, COUNTRY_MX);
        size_t begin = image.size + METADATA_MARKER_BYTES;
        put_metadata(&image, 1, "\x20\xa7", 2); /* a pointer to the metadata's end */
        assert_int_equal(image.size - begin, 0xa7);
        put_bomb(&image, cases[i].levels, 0xa7);
        clock_t before = clock();
        expect_refusal(finish(&image), cases[i].reason);
        assert_true(clock() - before < CLOCKS_PER_SEC);
    }
}

/* Entries that every look-up would have to skip. */
static void a_long_value_is_refused(void **state) {
    (void)state;
    struct geo_image image = {0};
    put_tree(&image, 0);
    PUT(&image, "\xe2\x41"
                "a"
                "\x1f\x04\x00\x00\x00"); /* an array of 65821 */
    for (unsigned i = 0; i < 65821; i++) {
        PUT(&image, "\x40");
    }
    PUT(&image, "\x47"
                "country"
                "\xe1\x48"
                "iso_code"
                "\x42"
                "MX");
    put_metadata(&image, 1, LANGUAGES, sizeof LANGUAGES - 1);
    expect_refusal(finish(&image), "too large a value");
}

static void broken_values_are_refused(void **state) {
    (void)state;
    expect_refusal(WITH_VALUE("\xe1\xa1\x05\x42MX"), "a key that is no text");
    expect_refusal(WITH_VALUE("\x20\x02\x20\x00"), "a pointer to a pointer");
    expect_refusal(WITH_VALUE("\x38\xff\xff\xff\xff"), "the end of the file");
    expect_refusal(WITH_VALUE("\x38\x7f\xff\xff\xff"), "the end of the file");
    expect_refusal(WITH_VALUE("\x5f\xff\xff\xff"), "the end of the file");
    expect_refusal(WITH_VALUE("\xff\xff\xff\xff"), "");
    expect_refusal(WITH_VALUE("\x00\xff"), "an unknown type");
    expect_refusal(WITH_VALUE("\x00\x09"), "an unknown type");
}

static void values_of_other_types_are_no_country(void **state) {
    (void)state;
    assert_string_equal(WITH_VALUE("\xe1\x47"
                                   "country"
                                   "\x42"
                                   "MX"),
                        "");
    assert_string_equal(WITH_VALUE("\xe1\x47"
                                   "country"
                                   "\xe1\x48"
                                   "iso_code"
                                   "\xa2\x4d\x58"),
                        "");
    assert_string_equal(WITH_VALUE("\x42"
                                   "MX"),
                        "");
    assert_string_equal(WITH_VALUE("\x00\x07"), "");
    assert_string_equal(WITH_VALUE("\xe0"), "");
    assert_string_equal(WITH_VALUE(COUNTRY_MX "\x42"), "");
}

static const char *with_languages(const void *value, size_t size) {
    struct geo_image image = {0};
    put_tree(&image, 0);
    PUT(&image, COUNTRY_MX);
    put_metadata(&image, 1, value, size);
    return finish(&image);
}

/* The library leaks on the first three. */
static void broken_metadata_is_refused(void **state) {
    (void)state;
    expect_refusal(with_languages("\x01\x04\xa1\x05", 4), "metadata");
    expect_refusal(with_languages("\x01\x04\xe0", 3), "metadata");
    expect_refusal(with_languages("\x01\x04\x5f\xff\xff\xff", 6), "metadata");
    expect_refusal(with_languages("\xe0", 1), "metadata");
    expect_refusal(with_languages("\x42"
                                  "en",
                                  3),
                   "metadata");
    assert_string_equal(with_languages("\x00\x04", 2), "");

    struct geo_image image = {0};
    put_tree(&image, 0);
    PUT(&image, "\xab\xcd\xef"
                "MaxMind.com");
    expect_refusal(finish(&image), "metadata");
    put_tree(&image, 0);
    PUT(&image, "\xab\xcd\xef"
                "MaxMind.com"
                "\xe0");
    expect_refusal(finish(&image), "metadata");
    put_tree(&image, 0);
    PUT(&image, "\xab\xcd\xef"
                "MaxMind.com"
                "\x42"
                "en");
    expect_refusal(finish(&image), "metadata");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(pieces_are_refused),
        cmocka_unit_test(flipped_bytes_crash_nothing),
        cmocka_unit_test(every_byte_takes_every_bit_flip),
        cmocka_unit_test(a_database_made_by_hand_is_read),
        cmocka_unit_test(a_node_count_that_overflows_32_bits_is_refused),
        cmocka_unit_test(records_that_lead_nowhere_are_refused),
        cmocka_unit_test(a_cycle_in_the_tree_ends),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(a_bomb_of_pointers_in_the_data_is_harmless),
        cmocka_unit_test(a_bomb_of_pointers_in_the_metadata_is_refused),
        cmocka_unit_test(a_long_value_is_refused),
        cmocka_unit_test(broken_values_are_refused),
        cmocka_unit_test(values_of_other_types_are_no_country),
        cmocka_unit_test(broken_metadata_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
