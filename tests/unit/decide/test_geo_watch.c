/*
 * test_geo_watch.c - a database file that comes, goes and changes.
 */
#include "geo_files.h"

static const char cities[] = "tests/data/geo/cities.txt";

static struct geo_files files;
static struct geo_watch *watch;

static int set_up(void **state) {
    (void)state;
    geo_files_set_up(&files);
    watch = geo_watch_create(files.path);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    geo_watch_destroy(&watch);
    assert_null(watch);
    geo_files_tear_down(&files);
    return 0;
}

/* Writes a database that puts 189.203.0.0/16 into the country. */
static void make(const char *country) {
    char text[160];
    char line[64];
    snprintf(text, sizeof text, "%s/text", files.directory);
    int size = snprintf(line, sizeof line, "189.203.0.0/16 %s\n", country);
    geo_write(text, (const uint8_t *)line, (size_t)size);
    geo_make(files.path, "", text);
}

static void expect(enum geo_watch_result expected) {
    struct geo *geo = NULL;
    struct err err = {{0}};
    assert_int_equal(geo_watch_poll(watch, &geo, &err), expected);
    assert_int_equal(geo != NULL, expected == GEO_OPENED);
    assert_int_equal(err.text[0] != '\0', expected == GEO_FAILED);
    geo_unref(&geo);
}

static void expect_country(const char *country) {
    struct geo *geo = NULL;
    struct err err = {{0}};
    assert_int_equal(geo_watch_poll(watch, &geo, &err), GEO_OPENED);
    assert_string_equal(geo_place_of(geo, "189.203.1.1").country, country);
    geo_unref(&geo);
    expect(GEO_UNCHANGED);
}

static void the_first_poll_opens_and_the_next_sees_nothing_new(void **state) {
    (void)state;
    geo_make(files.path, "", cities);
    expect_country("MX");
    expect(GEO_UNCHANGED);
}

static void a_file_replaced_is_opened(void **state) {
    (void)state;
    make("MX");
    expect_country("MX");
    make("ES");
    expect_country("ES");
    make("ES");
    expect_country("ES");
}

static void a_file_rewritten_in_place_is_opened_even_with_its_old_time_and_size(void **state) {
    (void)state;
    make("ES");
    struct geo_image other = geo_read(files.path);
    make("MX");
    expect_country("MX");

    struct stat before;
    assert_int_equal(stat(files.path, &before), 0);
    assert_int_equal(before.st_size, other.size);
    usleep(20000); /* the kernel's file times tick every few milliseconds */
    geo_write(files.path, other.data, other.size);
    struct timespec times[2] = {before.st_atim, before.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, files.path, times, 0), 0);
    expect_country("ES");
    free(other.data);
}

static void a_missing_file_is_said_once_and_opened_when_it_comes(void **state) {
    (void)state;
    expect(GEO_FAILED);
    expect(GEO_UNCHANGED);
    expect(GEO_UNCHANGED);
    make("MX");
    expect_country("MX");
}

static void a_file_that_goes_is_said_once(void **state) {
    (void)state;
    make("MX");
    expect_country("MX");
    assert_int_equal(unlink(files.path), 0);
    expect(GEO_FAILED);
    expect(GEO_UNCHANGED);
    make("MX");
    expect_country("MX");
}

static void a_bad_file_is_said_once_a_change_and_the_old_database_stays(void **state) {
    (void)state;
    make("MX");
    struct geo *geo = NULL;
    struct err err;
    assert_int_equal(geo_watch_poll(watch, &geo, &err), GEO_OPENED);

    assert_int_equal(truncate(files.path, 100), 0);
    expect(GEO_FAILED);
    expect(GEO_UNCHANGED);
    assert_string_equal(geo_place_of(geo, "189.203.1.1").country, "MX");
    assert_int_equal(truncate(files.path, 99), 0);
    expect(GEO_FAILED);
    expect(GEO_UNCHANGED);
    make("ES");
    expect_country("ES");
    assert_string_equal(geo_place_of(geo, "189.203.1.1").country, "MX");
    geo_unref(&geo);
}

static void a_directory_in_its_place_is_a_failure(void **state) {
    (void)state;
    assert_int_equal(mkdir(files.path, 0700), 0);
    expect(GEO_FAILED);
    expect(GEO_UNCHANGED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_poll_opens_and_the_next_sees_nothing_new, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_file_replaced_is_opened, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_file_rewritten_in_place_is_opened_even_with_its_old_time_and_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_missing_file_is_said_once_and_opened_when_it_comes,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_goes_is_said_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bad_file_is_said_once_a_change_and_the_old_database_stays,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_directory_in_its_place_is_a_failure, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
