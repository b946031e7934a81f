/*
 * Links: fields in, accessors out, and a bit for whatever makes no sense.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/err.h"
#include "link/link.h"
#include "link/template.h"
#include "link_layout.h"

static struct link *with(enum link_field field, struct slice value) {
    struct slice values[LINK_FIELD_COUNT] = {{NULL, 0}};
    values[field] = value;
    return link_create(values, SLICE_EMPTY);
}

/* Whether the value makes sense there; both ways of asking must agree. */
static bool is_good(enum link_field field, struct slice value) {
    struct link *link = with(field, value);
    bool good = link_faults(link) == 0;
    assert_true(good || link_faults(link) == 1U << field);
    link_destroy(&link);
    assert_null(link);
    struct err err = {{0}};
    assert_int_equal(link_field_check(field, value, SLICE("*"), SLICE_EMPTY, &err), good);
    assert_true(good ||
                strncmp(err.text, link_field_name(field), strlen(link_field_name(field))) == 0);
    return good;
}

static void a_full_link_reads_back(void **state) {
    (void)state;
    const struct slice values[LINK_FIELD_COUNT] = {
        [LINK_FIELD_CAMPAIGN] = SLICE("spring"),
        [LINK_FIELD_OWNER] = SLICE("Ana L\xC3\xB3pez"),
        [LINK_FIELD_URL] = SLICE("bank://invite?c={code}"),
        [LINK_FIELD_STATUS] = SLICE("paused"),
        [LINK_FIELD_STARTS_AT] = SLICE("1700000000"),
        [LINK_FIELD_EXPIRES_AT] = SLICE("253402300799"),
        [LINK_FIELD_CREATED_AT] = SLICE("1"),
    };
    struct link *link = link_create(values, SLICE_EMPTY);
    struct link *copy = link_copy(link);
    assert_int_equal(link_bytes(link), link_bytes(copy));
    link_destroy(&link);
    assert_int_equal(link_faults(copy), 0);
    assert_true(slice_equal(link_campaign(copy), SLICE("spring")));
    assert_true(slice_equal(link_owner(copy), SLICE("Ana L\xC3\xB3pez")));
    char compiled[TEMPLATE_COMPILED_BYTES_MAX];
    size_t size = template_compile(values[LINK_FIELD_URL], SLICE_EMPTY, compiled);
    assert_true(slice_equal(link_template(copy), slice_make(compiled, size)));
    assert_int_equal(link_status(copy), LINK_PAUSED);
    assert_int_equal(link_starts_at(copy), 1700000000);
    assert_int_equal(link_expires_at(copy), 253402300799);
    assert_int_equal(link_created_at(copy), 1);
    link_destroy(&copy);
}

static void any_set_of_times_reads_back(void **state) {
    (void)state;
    for (unsigned set = 0; set < 8; set++) {
        struct slice values[LINK_FIELD_COUNT] = {[LINK_FIELD_OWNER] = SLICE("o")};
        values[LINK_FIELD_STARTS_AT] = (set & 1) != 0 ? SLICE("11") : SLICE_EMPTY;
        values[LINK_FIELD_EXPIRES_AT] = (set & 2) != 0 ? SLICE("22") : SLICE_EMPTY;
        values[LINK_FIELD_CREATED_AT] = (set & 4) != 0 ? SLICE("33") : SLICE_EMPTY;
        struct link *link = link_create(values, SLICE_EMPTY);
        assert_int_equal(link_starts_at(link), (set & 1) != 0 ? 11 : 0);
        assert_int_equal(link_expires_at(link), (set & 2) != 0 ? 22 : 0);
        assert_int_equal(link_created_at(link), (set & 4) != 0 ? 33 : 0);
        assert_true(slice_equal(link_owner(link), SLICE("o")));
        link_destroy(&link);
    }
}

static void nothing_is_an_active_link_without_limits(void **state) {
    (void)state;
    struct link *link = with(LINK_FIELD_STATUS, slice_make("", 0));
    assert_int_equal(link_faults(link), 0);
    assert_int_equal(link_status(link), LINK_ACTIVE);
    assert_int_equal(link_starts_at(link) + link_expires_at(link) + link_created_at(link), 0);
    assert_int_equal(link_campaign(link).size + link_owner(link).size + link_template(link).size,
                     0);
    link_destroy(&link);
}

static void faults_read_as_absent_and_are_marked(void **state) {
    (void)state;
    const struct slice values[LINK_FIELD_COUNT] = {
        [LINK_FIELD_CAMPAIGN] = SLICE("spring sale"),
        [LINK_FIELD_OWNER] = SLICE("a\nb"),
        [LINK_FIELD_URL] = SLICE("javascript:alert(1)"),
        [LINK_FIELD_STATUS] = SLICE("Paused"),
        [LINK_FIELD_STARTS_AT] = SLICE("soon"),
        [LINK_FIELD_EXPIRES_AT] = SLICE("-1"),
        [LINK_FIELD_CREATED_AT] = SLICE("1.5"),
        [LINK_FIELD_MAX_CLICKS] = SLICE("many"),
        [LINK_FIELD_USED] = SLICE("-3"),
    };
    struct link *link = link_create(values, SLICE_EMPTY);
    /* used is the collector's: it mends it. */
    assert_int_equal(link_faults(link), ((1U << LINK_FIELD_COUNT) - 1) & ~(1U << LINK_FIELD_USED));
    assert_int_equal(link_status(link), LINK_ACTIVE);
    assert_int_equal(link_starts_at(link) + link_expires_at(link) + link_created_at(link), 0);
    assert_int_equal(link_campaign(link).size + link_owner(link).size + link_template(link).size,
                     0);
    link_destroy(&link);
}

static void a_link_is_used_up_when_as_many_are_counted(void **state) {
    (void)state;
    static const struct {
        const char *max_clicks;
        const char *used;
        bool is_used_up;
    } cases[] = {{"", "", false},     {"0", "5", false},
                 {"", "5", false},    {"5", "", false},
                 {"5", "4", false},   {"5", "5", true},
                 {"5", "6", true},    {"1000000000000", "1000000000000", true},
                 {"5", "many", false}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct slice values[LINK_FIELD_COUNT] = {[LINK_FIELD_CAMPAIGN] = SLICE("c"),
                                                       [LINK_FIELD_MAX_CLICKS] =
                                                           slice_of(cases[i].max_clicks),
                                                       [LINK_FIELD_USED] = slice_of(cases[i].used)};
        struct link *link = link_create(values, SLICE_EMPTY);
        assert_int_equal(link_is_used_up(link), cases[i].is_used_up);
        assert_true(slice_equal(link_campaign(link), SLICE("c")));
        link_destroy(&link);
    }
    assert_false(is_good(LINK_FIELD_MAX_CLICKS, SLICE("1000000000001")));
    assert_false(is_good(LINK_FIELD_MAX_CLICKS, SLICE("-1")));
    assert_false(is_good(LINK_FIELD_MAX_CLICKS, SLICE("1.5")));
}

static void owners_are_utf8_without_control_characters(void **state) {
    (void)state;
    assert_true(is_good(LINK_FIELD_OWNER, SLICE("u123 ~!")));
    assert_true(is_good(LINK_FIELD_OWNER, SLICE("\xC2\xA0\xE0\xA0\x80\xF0\x90\x80\x80")));
    assert_true(is_good(LINK_FIELD_OWNER, SLICE("\xED\x9F\xBF\xEF\xBF\xBF\xF4\x8F\xBF\xBF")));
    assert_false(is_good(LINK_FIELD_OWNER, SLICE("a\tb")));
    assert_false(is_good(LINK_FIELD_OWNER, SLICE("a\0b")));
    assert_false(is_good(LINK_FIELD_OWNER, SLICE("a\x7F")));
    assert_false(is_good(LINK_FIELD_OWNER, SLICE("\xC2\x85"))); /* NEL, a C1 control */
    assert_false(is_good(LINK_FIELD_OWNER, SLICE("\xC2")));
    assert_false(is_good(LINK_FIELD_OWNER, SLICE("\x80")));
    assert_false(is_good(LINK_FIELD_OWNER, SLICE("\xC0\xAF")));
    assert_false(is_good(LINK_FIELD_OWNER, SLICE("\xC1\xBF")));
    assert_false(is_good(LINK_FIELD_OWNER, SLICE("\xE0\x9F\xBF")));
    assert_false(is_good(LINK_FIELD_OWNER, SLICE("\xED\xA0\x80")));
    assert_false(is_good(LINK_FIELD_OWNER, SLICE("\xF0\x8F\xBF\xBF")));
    assert_false(is_good(LINK_FIELD_OWNER, SLICE("\xF4\x90\x80\x80")));
    assert_false(is_good(LINK_FIELD_OWNER, SLICE("\xF5\x80\x80\x80")));
    assert_false(is_good(LINK_FIELD_OWNER, SLICE("\xE2\x82\x28")));
    char text[129];
    memset(text, 'o', sizeof(text));
    assert_true(is_good(LINK_FIELD_OWNER, slice_make(text, 128)));
    assert_false(is_good(LINK_FIELD_OWNER, slice_make(text, 129)));
}

static void times_are_decimal_seconds_up_to_the_year_9999(void **state) {
    (void)state;
    for (unsigned field = LINK_FIELD_STARTS_AT; field <= LINK_FIELD_CREATED_AT; field++) {
        assert_true(is_good((enum link_field)field, SLICE("0")));
        assert_true(is_good((enum link_field)field, SLICE("253402300799")));
        assert_false(is_good((enum link_field)field, SLICE("253402300800")));
        assert_false(is_good((enum link_field)field, SLICE("999999999999")));
        assert_false(is_good((enum link_field)field, SLICE("99999999999999999999999")));
        assert_false(is_good((enum link_field)field, SLICE(" 1")));
        assert_false(is_good((enum link_field)field, SLICE("1\n")));
        assert_false(is_good((enum link_field)field, SLICE("+1")));
        assert_false(is_good((enum link_field)field, SLICE("0x10")));
        assert_false(is_good((enum link_field)field, SLICE("2026-01-01")));
    }
}

static void huge_values_are_faults_of_every_field(void **state) {
    (void)state;
    size_t size = (size_t)8 << 20;
    char *huge = malloc(size);
    assert_non_null(huge);
    memset(huge, '1', size);
    for (unsigned field = 0; field < LINK_FIELD_USED; field++) {
        assert_false(is_good((enum link_field)field, slice_make(huge, size)));
    }
    struct link *link = with(LINK_FIELD_USED, slice_make(huge, size));
    assert_int_equal(link_faults(link), 0);
    link_destroy(&link);
    free(huge);
}

static void a_usual_link_fits_40_bytes(void **state) {
    (void)state;
    const struct slice values[LINK_FIELD_COUNT] = {
        [LINK_FIELD_CAMPAIGN] = SLICE("referral26"),
        [LINK_FIELD_OWNER] = SLICE("u123456789"),
        [LINK_FIELD_CREATED_AT] = SLICE("1767225600"),
    };
    struct link *link = link_create(values, SLICE_EMPTY);
    assert_true(link_bytes(link) <= 40);
    link_destroy(&link);
}

static void the_check_knows_the_schemes_of_the_campaign(void **state) {
    (void)state;
    struct err err = {{0}};
    struct slice url = SLICE("bank://invite");
    assert_true(link_field_check(LINK_FIELD_URL, url, SLICE("bank"), SLICE_EMPTY, &err));
    assert_false(link_field_check(LINK_FIELD_URL, url, SLICE_EMPTY, SLICE_EMPTY, &err));
    assert_string_equal(err.text, "url: the scheme bank is not allowed; allowed are https and what "
                                  "the campaign lists in its field schemes");
    assert_true(link_field_check(LINK_FIELD_URL, SLICE_EMPTY, SLICE_EMPTY, SLICE_EMPTY, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_link_reads_back),
        cmocka_unit_test(any_set_of_times_reads_back),
        cmocka_unit_test(nothing_is_an_active_link_without_limits),
        cmocka_unit_test(faults_read_as_absent_and_are_marked),
        cmocka_unit_test(a_link_is_used_up_when_as_many_are_counted),
        cmocka_unit_test(owners_are_utf8_without_control_characters),
        cmocka_unit_test(times_are_decimal_seconds_up_to_the_year_9999),
        cmocka_unit_test(huge_values_are_faults_of_every_field),
        cmocka_unit_test(a_usual_link_fits_40_bytes),
        cmocka_unit_test(the_check_knows_the_schemes_of_the_campaign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
