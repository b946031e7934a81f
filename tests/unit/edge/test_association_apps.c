/*
 * The two documents that follow from what campaigns name: united, sorted, bounded, and JSON
 * whatever stands in the fields.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "association_apps.h"
#include "association_document.h"
#include "base/buf.h"
#include "base/defs.h"
#include "link/campaign.h"

#define HANDLE_URLS "\"relation\":[\"delegate_permission/common.handle_all_urls\"]"

/* A fingerprint all of whose bytes are this one. */
static const char *fingerprint(unsigned byte) {
    static char texts[4][ASSOCIATION_FINGERPRINT_BYTES + 1];
    static size_t turn;
    char *text = texts[turn++ % ARRAY_COUNT(texts)];
    for (size_t i = 0; i < 32; i++) {
        snprintf(text + 3 * i, 4, i == 31 ? "%02X" : "%02X:", byte);
    }
    return text;
}

static bool put(struct association_apps *apps, const char *id, const char *package,
                const char *fingerprints, const char *app_ids) {
    const struct association_names names = {slice_of(package), slice_of(fingerprints),
                                            slice_of(app_ids)};
    return association_apps_put(apps, slice_of(id), &names);
}

/* The document as text, checked to be JSON of its kind. */
static const char *document(const struct association_apps *apps, enum association_file file,
                            struct association_tally *tally) {
    static char text[ASSOCIATION_BYTES_MAX + 1];
    struct buf out;
    buf_init(&out, ASSOCIATION_BYTES_MAX);
    struct association_tally found = file == ASSOCIATION_ANDROID
                                         ? association_write_android(apps, &out)
                                         : association_write_apple(apps, &out);
    struct association_document *read = association_document_create(file, buf_slice(&out), NULL);
    assert_non_null(read);
    association_document_unref(&read);
    memcpy(text, out.data, out.size);
    text[out.size] = '\0';
    buf_fini(&out);
    if (tally != NULL) {
        *tally = found;
    }
    return text;
}

static const char *android(const struct association_apps *apps) {
    return document(apps, ASSOCIATION_ANDROID, NULL);
}

static const char *apple(const struct association_apps *apps) {
    return document(apps, ASSOCIATION_APPLE, NULL);
}

static size_t count_of(const char *text, const char *part) {
    size_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        count++;
    }
    return count;
}

static void without_apps_the_documents_are_empty(void **state) {
    (void)state;
    struct association_apps *apps = association_apps_create();
    assert_string_equal(android(apps), "[]\n");
    assert_string_equal(apple(apps), "{\"applinks\":{\"details\":[]}}\n");
    association_apps_destroy(&apps);
    assert_null(apps);
}

static void a_package_unites_the_fingerprints_of_its_campaigns(void **state) {
    (void)state;
    struct association_apps *apps = association_apps_create();
    char two[2 * ASSOCIATION_FINGERPRINT_BYTES + 2];
    snprintf(two, sizeof(two), "%s %s", fingerprint(0xCC), fingerprint(0xAA));
    assert_true(put(apps, "b", "mx.example.app", two, ""));
    assert_true(put(apps, "a", "mx.example.app", fingerprint(0xBB), ""));
    assert_true(put(apps, "c", "mx.example.app", fingerprint(0xAA), ""));
    assert_true(put(apps, "d", "ar.example", fingerprint(0xDD), ""));
    char expected[2048];
    snprintf(expected, sizeof(expected),
             "[\n{" HANDLE_URLS ",\"target\":{\"namespace\":\"android_app\","
             "\"package_name\":\"ar.example\",\"sha256_cert_fingerprints\":[\"%s\"]}},\n"
             "{" HANDLE_URLS ",\"target\":{\"namespace\":\"android_app\","
             "\"package_name\":\"mx.example.app\",\"sha256_cert_fingerprints\":[\"%s\",\"%s\","
             "\"%s\"]}}\n]\n",
             fingerprint(0xDD), fingerprint(0xAA), fingerprint(0xBB), fingerprint(0xCC));
    assert_string_equal(android(apps), expected);
    assert_string_equal(apple(apps), "{\"applinks\":{\"details\":[]}}\n");
    association_apps_destroy(&apps);
}

static void an_app_id_gets_one_detail_with_what_is_not_the_apps(void **state) {
    (void)state;
    struct association_apps *apps = association_apps_create();
    assert_true(put(apps, "a", "", "", "1234567890 ABCDE12345.mx.example.app"));
    assert_true(put(apps, "b", "", "", "ABCDE12345.mx.example.app"));
    assert_string_equal(
        apple(apps),
        "{\"applinks\":{\"apps\":[],\"details\":[\n{\"appIDs\":[\"ABCDE12345.mx.example.app\"],"
        "\"components\":[{\"/\":\"/*/*\",\"exclude\":true,\"comment\":\"more than a code\"},"
        "{\"/\":\"/*.*\",\"exclude\":true,\"comment\":\"files\"},"
        "{\"/\":\"/*+\",\"exclude\":true,\"comment\":\"where a code leads\"},"
        "{\"/\":\"/?*\",\"comment\":\"codes\"}],\"appID\":\"ABCDE12345.mx.example.app\","
        "\"paths\":[\"NOT /*/*\",\"NOT /*.*\",\"NOT /*+\",\"/?*\"]}\n]}}\n");
    assert_string_equal(android(apps), "[]\n");
    association_apps_destroy(&apps);
}

static void the_order_of_the_campaigns_does_not_show(void **state) {
    (void)state;
    char first[ASSOCIATION_BYTES_MAX + 1];
    struct association_apps *apps = association_apps_create();
    struct association_apps *other = association_apps_create();
    for (unsigned i = 0; i < 40; i++) {
        char id[8];
        char package[32];
        unsigned k = (i * 7) % 40;
        snprintf(id, sizeof(id), "c%02u", i);
        snprintf(package, sizeof(package), "mx.example.a%u", i % 9);
        assert_true(put(apps, id, package, fingerprint(i), ""));
        snprintf(id, sizeof(id), "c%02u", k);
        snprintf(package, sizeof(package), "mx.example.a%u", k % 9);
        assert_true(put(other, id, package, fingerprint(k), ""));
    }
    memcpy(first, android(apps), sizeof(first));
    assert_string_equal(first, android(other));
    assert_int_equal(count_of(first, "package_name"), 9);
    association_apps_destroy(&apps);
    association_apps_destroy(&other);
}

static void fingerprints_are_written_in_capitals_and_once(void **state) {
    (void)state;
    struct association_apps *apps = association_apps_create();
    char lower[ASSOCIATION_FINGERPRINT_BYTES + 1];
    snprintf(lower, sizeof(lower), "%s", fingerprint(0xAB));
    for (char *at = lower; *at != '\0'; at++) {
        *at = slice_lower_char(*at);
    }
    assert_true(put(apps, "a", "mx.example", lower, ""));
    assert_true(put(apps, "b", "mx.example", fingerprint(0xAB), ""));
    assert_int_equal(count_of(android(apps), fingerprint(0xAB)), 1);
    assert_int_equal(count_of(android(apps), "ab:ab"), 0);
    association_apps_destroy(&apps);
}

static void what_can_be_no_name_is_passed_over(void **state) {
    (void)state;
    static const char *const packages[] = {
        "",         "app",      ".mx.app", "mx..app",  "mx.app.",     "mx.1app", "mx.a pp",
        "mx.a\"pp", "mx.a\\pp", "mx.a-pp", "m\nx.app", "mx.\xC3\xA9", "1.mx",    "mx.app\"}},{\""};
    static const char *const app_ids[] = {
        "1234567890",         "ABCDE12345",         "ABCDE12345.",       "abcde12345.mx.app",
        "ABCDE1234.mx.app",   "ABCDE123456.mx.app", "ABCDE12345.mx_app", "ABCDE12345.mx\"app",
        "ABCDE12345.mx\\app", "ABCDE12345.mx\x01",  "ABCDE12345.*",      "ABCDE12345..mx.app",
        "ABCDE12345.mx..app", "ABCDE12345.mx.app."};
    struct association_apps *apps = association_apps_create();
    for (size_t i = 0; i < ARRAY_COUNT(packages); i++) {
        assert_true(put(apps, "a", packages[i], fingerprint(1), ""));
        assert_int_equal(association_apps_count(apps), 0);
    }
    for (size_t i = 0; i < ARRAY_COUNT(app_ids); i++) {
        assert_true(put(apps, "a", "", "", app_ids[i]));
        assert_int_equal(association_apps_count(apps), 0);
    }
    char wrong[ASSOCIATION_FINGERPRINT_BYTES + 2];
    for (size_t i = 0; i < ASSOCIATION_FINGERPRINT_BYTES; i++) {
        snprintf(wrong, sizeof(wrong), "%s", fingerprint(1));
        wrong[i] = 'G';
        assert_true(put(apps, "a", "mx.app", wrong, ""));
        assert_int_equal(association_apps_count(apps), 0);
    }
    snprintf(wrong, sizeof(wrong), "%sA", fingerprint(1));
    assert_true(put(apps, "a", "mx.app", wrong, ""));
    assert_true(put(apps, "b", "mx.app", "", ""));
    assert_int_equal(association_apps_count(apps), 0);
    association_apps_destroy(&apps);
}

static void names_have_a_longest_size(void **state) {
    (void)state;
    struct association_apps *apps = association_apps_create();
    char package[ASSOCIATION_PACKAGE_BYTES_MAX + 2];
    char app_id[ASSOCIATION_APP_ID_BYTES_MAX + 2];
    memset(package, 'a', sizeof(package));
    package[2] = '.';
    package[ASSOCIATION_PACKAGE_BYTES_MAX + 1] = '\0';
    memset(app_id, 'A', sizeof(app_id));
    app_id[10] = '.';
    app_id[ASSOCIATION_APP_ID_BYTES_MAX + 1] = '\0';
    assert_true(put(apps, "a", package, fingerprint(1), app_id));
    assert_int_equal(association_apps_count(apps), 0);
    package[ASSOCIATION_PACKAGE_BYTES_MAX] = '\0';
    app_id[ASSOCIATION_APP_ID_BYTES_MAX] = '\0';
    assert_true(put(apps, "a", package, fingerprint(1), app_id));
    assert_non_null(strstr(android(apps), package));
    assert_non_null(strstr(apple(apps), app_id));
    association_apps_destroy(&apps);
}

static void a_campaign_is_replaced_and_removed(void **state) {
    (void)state;
    struct association_apps *apps = association_apps_create();
    assert_true(put(apps, "a", "mx.one", fingerprint(1), ""));
    assert_true(put(apps, "a", "mx.two", fingerprint(1), ""));
    assert_int_equal(association_apps_count(apps), 1);
    assert_null(strstr(android(apps), "mx.one"));
    assert_non_null(strstr(android(apps), "mx.two"));
    association_apps_remove(apps, SLICE("b"));
    assert_int_equal(association_apps_count(apps), 1);
    assert_true(put(apps, "a", "", "", ""));
    assert_int_equal(association_apps_count(apps), 0);
    assert_true(put(apps, "a", "mx.two", fingerprint(1), ""));
    association_apps_remove(apps, SLICE("a"));
    assert_string_equal(android(apps), "[]\n");
    association_apps_destroy(&apps);
}

static void what_a_walk_does_not_meet_is_gone(void **state) {
    (void)state;
    struct association_apps *apps = association_apps_create();
    assert_true(put(apps, "a", "mx.one", fingerprint(1), ""));
    assert_true(put(apps, "b", "mx.two", fingerprint(1), ""));
    assert_true(put(apps, "c", "mx.three", fingerprint(1), ""));
    association_apps_begin_walk(apps);
    assert_true(put(apps, "b", "mx.two", fingerprint(1), ""));
    assert_true(put(apps, "d", "mx.four", fingerprint(1), ""));
    assert_int_equal(association_apps_count(apps), 4);
    association_apps_end_walk(apps);
    assert_int_equal(association_apps_count(apps), 2);
    assert_non_null(strstr(android(apps), "mx.two"));
    assert_non_null(strstr(android(apps), "mx.four"));
    association_apps_destroy(&apps);
}

/* What may be written into a campaign is what gets into the files, and nothing else. */
static void what_a_campaign_may_name_is_what_gets_into_the_files(void **state) {
    (void)state;
    static const char *const packages[] = {"mx.app",  "Mx.App_1", "a.b.c",    "mx",
                                           ".mx.app", "mx..app",  "mx.app.",  "mx.1a",
                                           "mx.a-b",  "_mx.app",  "mx.app_.", "mx._app"};
    static const char *const app_ids[] = {
        "ABCDE12345.mx.app", "ABCDE12345.mx",      "ABCDE12345.m",      "ABCDE12345.-",
        "ABCDE12345.mx-1.A", "ABCDE12345.",        "ABCDE12345..",      "ABCDE12345..mx",
        "ABCDE12345.mx.",    "ABCDE12345.mx..app", "ABCDE12345.mx_app", "abcde12345.mx.app",
        "ABCDE12345-mx.app", "ABCDE1234.mx.app",   "ABCDE123456.mx"};
    struct association_apps *apps = association_apps_create();
    for (size_t i = 0; i < ARRAY_COUNT(packages); i++) {
        assert_true(put(apps, "a", packages[i], fingerprint(1), ""));
        assert_int_equal(association_apps_count(apps),
                         campaign_field_check(CAMPAIGN_FIELD_ANDROID_PACKAGE, slice_of(packages[i]),
                                              SLICE_EMPTY, SLICE_EMPTY, NULL));
    }
    for (size_t i = 0; i < ARRAY_COUNT(app_ids); i++) {
        assert_true(put(apps, "a", "", "", app_ids[i]));
        assert_int_equal(association_apps_count(apps),
                         campaign_field_check(CAMPAIGN_FIELD_IOS_APP_ID, slice_of(app_ids[i]),
                                              SLICE_EMPTY, SLICE_EMPTY, NULL));
    }
    association_apps_destroy(&apps);
}

static void put_many(struct association_apps *apps, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        char id[16];
        snprintf(id, sizeof(id), "c%u", i);
        assert_true(put(apps, id, "mx.first", fingerprint(1), "ABCDE12345.mx.first"));
    }
}

static void a_second_app_is_there_behind_12000_campaigns_of_the_first(void **state) {
    (void)state;
    struct association_apps *apps = association_apps_create();
    put_many(apps, 12000);
    assert_true(put(apps, "other", "mx.second", fingerprint(2), "ABCDE12345.mx.second"));
    assert_int_equal(association_apps_count(apps), 12001);
    assert_int_equal(association_apps_refused(apps), 0);
    assert_int_equal(count_of(android(apps), "mx.first\""), 1);
    assert_int_equal(count_of(android(apps), "mx.second\""), 1);
    assert_non_null(strstr(apple(apps), "ABCDE12345.mx.second"));
    association_apps_remove(apps, SLICE("other"));
    assert_null(strstr(android(apps), "mx.second"));
    for (unsigned i = 0; i < 12000; i++) {
        char id[16];
        assert_true(i != 11999 || strstr(android(apps), "mx.first") != NULL);
        snprintf(id, sizeof(id), "c%u", i);
        association_apps_remove(apps, slice_of(id));
    }
    assert_string_equal(android(apps), "[]\n");
    association_apps_destroy(&apps);
}

static bool put_app(struct association_apps *apps, unsigned number) {
    char id[16];
    char app_id[64];
    snprintf(id, sizeof(id), "n%u", number);
    snprintf(app_id, sizeof(app_id), "ABCDE12345.mx.a%u", number);
    return put(apps, id, "", "", app_id);
}

static void different_names_beyond_the_limit_are_counted_and_found_again(void **state) {
    (void)state;
    struct association_apps *apps = association_apps_create();
    for (unsigned i = 0; i < ASSOCIATION_NAMES_MAX; i++) {
        assert_true(put_app(apps, i));
    }
    assert_false(put_app(apps, ASSOCIATION_NAMES_MAX));
    assert_true(put(apps, "known", "", "", "ABCDE12345.mx.a7")); /* what is there takes no room */
    assert_int_equal(association_apps_refused(apps), 1);
    assert_false(association_apps_want_walk(apps));
    association_apps_remove(apps, SLICE("n7"));
    assert_false(association_apps_want_walk(apps)); /* "known" names it still */
    association_apps_remove(apps, SLICE("known"));
    assert_true(association_apps_want_walk(apps));
    assert_true(put_app(apps, ASSOCIATION_NAMES_MAX));
    association_apps_begin_walk(apps);
    association_apps_end_walk(apps);
    assert_true(put_app(apps, 1));
    assert_int_equal(association_apps_count(apps), 1);
    association_apps_destroy(&apps);
}

static void campaigns_beyond_the_limit_are_counted_and_found_again(void **state) {
    (void)state;
    struct association_apps *apps = association_apps_create();
    for (unsigned i = 0; i < ASSOCIATION_CAMPAIGNS_MAX; i++) {
        char id[16];
        snprintf(id, sizeof(id), "c%u", i);
        assert_true(put(apps, id, "mx.example", fingerprint(i % 3), ""));
    }
    assert_false(association_apps_want_walk(apps));
    assert_false(put(apps, "more", "mx.more", fingerprint(1), ""));
    assert_true(put(apps, "nothing", "", "", ""));
    assert_true(put(apps, "c1", "mx.example", fingerprint(4), ""));
    assert_int_equal(association_apps_count(apps), ASSOCIATION_CAMPAIGNS_MAX);
    assert_int_equal(association_apps_refused(apps), 1);
    assert_false(association_apps_want_walk(apps));
    association_apps_remove(apps, SLICE("c0"));
    assert_true(association_apps_want_walk(apps));
    association_apps_begin_walk(apps);
    assert_false(association_apps_want_walk(apps));
    assert_true(put(apps, "more", "mx.more", fingerprint(1), ""));
    association_apps_end_walk(apps);
    assert_int_equal(association_apps_count(apps), 1);
    association_apps_destroy(&apps);
}

static void a_document_that_is_full_is_whole_and_counts_what_is_left_out(void **state) {
    (void)state;
    struct association_apps *apps = association_apps_create();
    struct association_tally tally;
    enum { APPS = 600 };
    for (unsigned i = 0; i < APPS; i++) {
        char id[16];
        char package[32];
        char app_id[64];
        snprintf(id, sizeof(id), "c%u", i);
        snprintf(package, sizeof(package), "mx.example.a%03u", i);
        snprintf(app_id, sizeof(app_id), "ABCDE12345.mx.example.a%03u", i);
        assert_true(put(apps, id, package, fingerprint(i % 256), app_id));
    }
    const char *text = document(apps, ASSOCIATION_ANDROID, &tally);
    assert_true(tally.apps > 150);
    assert_int_equal(tally.apps + tally.left_out, APPS);
    assert_int_equal(count_of(text, "package_name"), tally.apps);
    assert_true(strlen(text) > ASSOCIATION_BYTES_MAX - 512);
    assert_non_null(strstr(text, "mx.example.a000"));
    text = document(apps, ASSOCIATION_APPLE, &tally);
    assert_true(tally.apps > 100);
    assert_int_equal(tally.apps + tally.left_out, APPS);
    assert_int_equal(count_of(text, "\"appID\""), tally.apps);
    assert_true(strlen(text) > ASSOCIATION_BYTES_MAX - 512);
    association_apps_destroy(&apps);
}

static void a_package_has_so_many_fingerprints_and_no_more(void **state) {
    (void)state;
    struct association_apps *apps = association_apps_create();
    struct association_tally tally;
    for (unsigned i = 0; i < ASSOCIATION_FINGERPRINTS_MAX + 7; i++) {
        char id[16];
        snprintf(id, sizeof(id), "c%u", i);
        assert_true(put(apps, id, "mx.example", fingerprint(i), ""));
    }
    const char *text = document(apps, ASSOCIATION_ANDROID, &tally);
    assert_int_equal(tally.apps, 1);
    assert_int_equal(tally.left_out, 7);
    assert_int_equal(count_of(text, ":"), 31 * ASSOCIATION_FINGERPRINTS_MAX + 5);
    association_apps_destroy(&apps);
}

static void only_json_of_the_right_kind_and_size_is_a_document(void **state) {
    (void)state;
    static const char *const wrong[] = {"", "[", "{}", "[] x", "\"x\"", "[\"\xFF\"]", "<html>"};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        assert_null(association_document_create(ASSOCIATION_ANDROID, slice_of(wrong[i]), NULL));
    }
    assert_null(association_document_create(ASSOCIATION_APPLE, SLICE("[]"), NULL));
    char *large = malloc(ASSOCIATION_BYTES_MAX + 1);
    assert_non_null(large);
    memset(large, ' ', ASSOCIATION_BYTES_MAX + 1);
    large[0] = '[';
    large[1] = ']';
    assert_null(association_document_create(ASSOCIATION_ANDROID,
                                            slice_make(large, ASSOCIATION_BYTES_MAX + 1), NULL));
    struct association_document *document = association_document_create(
        ASSOCIATION_ANDROID, slice_make(large, ASSOCIATION_BYTES_MAX), NULL);
    assert_non_null(document);
    struct association_document *second = association_document_ref(document);
    association_document_unref(&document);
    assert_null(document);
    assert_int_equal(association_document_text(second).size, ASSOCIATION_BYTES_MAX);
    association_document_unref(&second);
    association_document_unref(&second); /* nothing in it: nothing happens */
    free(large);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_apps_the_documents_are_empty),
        cmocka_unit_test(a_package_unites_the_fingerprints_of_its_campaigns),
        cmocka_unit_test(an_app_id_gets_one_detail_with_what_is_not_the_apps),
        cmocka_unit_test(the_order_of_the_campaigns_does_not_show),
        cmocka_unit_test(fingerprints_are_written_in_capitals_and_once),
        cmocka_unit_test(what_can_be_no_name_is_passed_over),
        cmocka_unit_test(names_have_a_longest_size),
        cmocka_unit_test(a_campaign_is_replaced_and_removed),
        cmocka_unit_test(what_a_walk_does_not_meet_is_gone),
        cmocka_unit_test(what_a_campaign_may_name_is_what_gets_into_the_files),
        cmocka_unit_test(a_second_app_is_there_behind_12000_campaigns_of_the_first),
        cmocka_unit_test(different_names_beyond_the_limit_are_counted_and_found_again),
        cmocka_unit_test(campaigns_beyond_the_limit_are_counted_and_found_again),
        cmocka_unit_test(a_document_that_is_full_is_whole_and_counts_what_is_left_out),
        cmocka_unit_test(a_package_has_so_many_fingerprints_and_no_more),
        cmocka_unit_test(only_json_of_the_right_kind_and_size_is_a_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
