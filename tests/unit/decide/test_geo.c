/*
 * test_geo.c - look-ups in good databases, and files that are none.
 */
#include "geo_files.h"

#include <netinet/in.h>
#include <sys/un.h>
#include <time.h>

static const char cities[] = "tests/data/geo/cities.txt";

static struct geo_files files;

static int set_up(void **state) {
    (void)state;
    geo_files_set_up(&files);
    geo_make(files.path, "", cities);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    geo_files_tear_down(&files);
    return 0;
}

static struct geo *open_good(const char *path) {
    struct err err = {{0}};
    struct geo *geo = geo_open(path, &err);
    if (geo == NULL) {
        fail_msg("%s", err.text);
    }
    return geo;
}

static void assert_place(const struct geo *geo, const char *address, const char *country,
                         const char *region) {
    struct geo_place place = geo_place_of(geo, address);
    if (strcmp(place.country, country) != 0 || strcmp(place.region, region) != 0) {
        fail_msg("%s is in \"%s\"-\"%s\" instead of \"%s\"-\"%s\"", address, place.country,
                 place.region, country, region);
    }
}

static void assert_refused(const char *path, const char *why) {
    struct err err = {{0}};
    assert_null(geo_open(path, &err));
    if (strstr(err.text, why) == NULL || strstr(err.text, path) == NULL) {
        fail_msg("\"%s\" names not both %s and \"%s\"", err.text, path, why);
    }
}

static void assert_cities(const struct geo *geo) {
    assert_place(geo, "189.203.1.1", "MX", "CMX");
    assert_place(geo, "189.203.127.255", "MX", "CMX");
    assert_place(geo, "189.203.128.0", "MX", "MEX");
    assert_place(geo, "187.141.3.4", "MX", "JAL");
    assert_place(geo, "83.40.1.1", "ES", "MD");
    assert_place(geo, "8.8.8.8", "US", "CA");
    assert_place(geo, "8.8.9.8", "", "");
    assert_place(geo, "0.0.0.0", "", "");
    assert_place(geo, "255.255.255.255", "", "");
}

static void addresses_of_all_kinds_are_found(void **state) {
    (void)state;
    static const char *const options[] = {"--record-size=24", "--record-size=28",
                                          "--record-size=32"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        geo_make(files.path, options[i], cities);
        struct geo *geo = open_good(files.path);
        assert_cities(geo);
        assert_place(geo, "::ffff:189.203.1.1", "MX", "CMX");
        assert_place(geo, "::ffff:8.8.9.8", "", "");
        assert_place(geo, "2806:10a0::1", "MX", "NLE");
        assert_place(geo, "2806:10a0:ffff:ffff:ffff:ffff:ffff:ffff", "MX", "NLE");
        assert_place(geo, "2806:10a1::1", "", "");
        assert_place(geo, "2a02:9100::1", "ES", "");
        assert_place(geo, "::1", "", "");
        geo_unref(&geo);
        assert_null(geo);
    }
}

static void what_is_registered_stands_in_for_an_unknown_country(void **state) {
    (void)state;
    struct geo *geo = open_good(files.path);
    assert_place(geo, "203.0.113.5", "US", "");
    assert_place(geo, "198.51.100.5", "", "");
    assert_place(geo, "2001:db8:1::1", "MX", "");
    geo_unref(&geo);
}

static void only_codes_get_through(void **state) {
    (void)state;
    struct geo *geo = open_good(files.path);
    assert_place(geo, "192.0.2.1", "", "");
    assert_place(geo, "192.0.2.200", "MX", "");
    assert_place(geo, "100.64.0.1", "", "");
    assert_place(geo, "100.65.0.1", "", "");
    assert_place(geo, "100.66.0.1", "MX", "");
    assert_place(geo, "100.67.0.1", "GB", "E");
    assert_place(geo, "100.68.0.1", "FR", "75");
    geo_look_around(geo);
    geo_unref(&geo);
}

static void a_database_of_countries_has_no_regions(void **state) {
    (void)state;
    char text[160];
    snprintf(text, sizeof text, "%s/countries.txt", files.directory);
    static const char lines[] = "189.203.0.0/16 MX\n2806:10a0::/32 MX\n";
    geo_write(text, (const uint8_t *)lines, sizeof lines - 1);
    geo_make(files.path, "--type=Test-Country", text);
    struct geo *geo = open_good(files.path);
    assert_place(geo, "189.203.1.1", "MX", "");
    assert_place(geo, "2806:10a0::1", "MX", "");
    geo_unref(&geo);
}

static void an_ipv4_database_knows_no_ipv6(void **state) {
    (void)state;
    char text[160];
    char command[512];
    snprintf(text, sizeof text, "%s/v4.txt", files.directory);
    snprintf(command, sizeof command, "grep -v :: %s > '%s'", cities, text);
    assert_int_equal(system(command), 0);
    geo_make(files.path, "--ip-version=4", text);
    struct geo *geo = open_good(files.path);
    assert_cities(geo);
    assert_place(geo, "::ffff:189.203.1.1", "MX", "CMX");
    assert_place(geo, "2806:10a0::1", "", "");
    geo_unref(&geo);
}

static void without_a_database_or_an_ip_address_the_place_is_empty(void **state) {
    (void)state;
    assert_place(NULL, "189.203.1.1", "", "");
    struct geo *geo = open_good(files.path);
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct geo_place place = geo_find(geo, (struct sockaddr *)&local);
    assert_string_equal(place.country, "");
    assert_string_equal(place.region, "");
    geo_unref(&geo);
}

static void it_says_what_it_is(void **state) {
    (void)state;
    char text[64];
    char expected[64];
    char short_text[8];
    geo_make(files.path, "--type=GeoLite2-City", cities);
    struct geo *geo = open_good(files.path);
    geo_describe(geo, text, sizeof text);
    time_t now = time(NULL);
    struct tm today;
    gmtime_r(&now, &today);
    strftime(expected, sizeof expected, "GeoLite2-City, built %Y-%m-%d", &today);
    assert_string_equal(text, expected);
    geo_describe(geo, short_text, sizeof short_text);
    assert_string_equal(short_text, "GeoLite");
    geo_describe(NULL, text, sizeof text);
    assert_string_equal(text, "none");
    geo_unref(&geo);
}

static void what_a_file_calls_itself_cannot_break_a_log(void **state) {
    (void)state;
    char text[128];
    geo_make(files.path, "\"--type=$(printf 'a\\nb\\033[1m%0100d')\"", cities);
    struct geo *geo = open_good(files.path);
    geo_describe(geo, text, sizeof text);
    assert_memory_equal(text, "a?b?[1m0000", 11);
    assert_non_null(strstr(text, "0, built 20"));
    geo_unref(&geo);
}

static void the_last_reference_frees(void **state) {
    (void)state;
    struct geo *geo = open_good(files.path);
    struct geo *another = geo_ref(geo);
    geo_unref(&geo);
    assert_null(geo);
    assert_place(another, "8.8.8.8", "US", "CA");
    geo_unref(&another);
    geo_unref(&another);
}

static void no_descriptor_is_kept(void **state) {
    (void)state;
    int before = dup(0);
    close(before);
    struct geo *geo = open_good(files.path);
    int after = dup(0);
    close(after);
    assert_int_equal(before, after);
    geo_unref(&geo);
    assert_refused("/dev/null", "regular");
    after = dup(0);
    close(after);
    assert_int_equal(before, after);
}

/* A mapping of the file itself would end this test with a SIGBUS. */
static void a_file_cut_short_under_an_open_database_is_harmless(void **state) {
    (void)state;
    struct geo *geo = open_good(files.path);
    assert_int_equal(truncate(files.path, 0), 0);
    assert_cities(geo);
    geo_look_around(geo);
    int file = open(files.path, O_WRONLY);
    assert_int_equal(write(file, "nonsense", 8), 8);
    close(file);
    assert_cities(geo);
    geo_unref(&geo);
}

static void what_is_no_database_is_refused_with_the_reason(void **state) {
    (void)state;
    char path[160];
    snprintf(path, sizeof path, "%s/missing", files.directory);
    assert_refused(path, "No such file");
    assert_refused(files.directory, "not a regular file");
    snprintf(path, sizeof path, "%s/pipe", files.directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_refused(path, "not a regular file");
    snprintf(path, sizeof path, "%s/empty", files.directory);
    geo_write(path, (const uint8_t *)"", 0);
    assert_refused(path, "0 bytes");
    assert_refused(cities, "not a MaxMind DB");
    snprintf(path, sizeof path, "%s/zeros", files.directory);
    assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
    assert_int_equal(truncate(path, 300000), 0);
    assert_refused(path, "not a MaxMind DB");
}

static void a_file_over_the_limit_is_refused_unread(void **state) {
    (void)state;
    char path[160];
    snprintf(path, sizeof path, "%s/large", files.directory);
    assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
    assert_int_equal(truncate(path, (off_t)GEO_FILE_BYTES_MAX + 1), 0);
    assert_refused(path, "allowed are 1 to 1073741824");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(addresses_of_all_kinds_are_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_registered_stands_in_for_an_unknown_country, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(only_codes_get_through, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_database_of_countries_has_no_regions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_ipv4_database_knows_no_ipv6, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_database_or_an_ip_address_the_place_is_empty,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_says_what_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_file_calls_itself_cannot_break_a_log, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_last_reference_frees, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_descriptor_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_cut_short_under_an_open_database_is_harmless, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_database_is_refused_with_the_reason, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_file_over_the_limit_is_refused_unread, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
