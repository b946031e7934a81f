/* passthrough.h: what of a query goes on, and what never does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "link/campaign.h"
#include "link/template.h"
#include "passthrough.h"

enum { OUT_BYTES = 64 * 1024 };

#define HOLE "HOLEHOLEHOLEHOLEHOLEHOLEHOLEHOLE" /* of TEMPLATE_CLICK_BYTES */

static char bytes[OUT_BYTES];
static size_t hole;
static size_t dropped;

/* "Location: URL", with what of the query goes on. */
static const char *pass(const char *list, const char *url, struct slice query) {
    struct campaign campaign = {.passthrough = PASSTHROUGH_LIST};
    struct buf out = buf_over(bytes, sizeof(bytes) - 1);
    if (strcmp(list, "all") == 0) {
        campaign.passthrough = PASSTHROUGH_ALL;
    }
    campaign.text[CAMPAIGN_FIELD_PASSTHROUGH] = slice_of(list);
    buf_append(&out, SLICE("Location: "));
    const struct passthrough passthrough = {
        .campaign = &campaign, .query = query, .url_at = out.size};
    buf_append(&out, slice_of(url));
    dropped = passthrough_append(&passthrough, &out, &hole);
    assert_false(out.overflowed);
    out.data[out.size] = '\0';
    return bytes + strlen("Location: ");
}

static void expect(const char *list, const char *url, const char *query, const char *expected) {
    hole = SIZE_MAX;
    assert_string_equal(pass(list, url, slice_of(query)), expected);
    assert_int_equal(hole, SIZE_MAX);
}

static void all_go_on_but_the_source(void **state) {
    (void)state;
    expect("all", "https://a.mx/", "", "https://a.mx/");
    expect("all", "https://a.mx/", "a=1", "https://a.mx/?a=1");
    expect("all", "https://a.mx/?x=1", "a=1&b", "https://a.mx/?x=1&a=1&b");
    expect("all", "https://a.mx/?", "a=1", "https://a.mx/?a=1");
    expect("all", "https://a.mx/?x=1&", "a=1", "https://a.mx/?x=1&a=1");
    expect("all", "https://a.mx/", "s=qr&a=1&s=2&%73=3", "https://a.mx/?a=1");
    expect("all", "https://a.mx/", "s=qr", "https://a.mx/");
    expect("all", "https://a.mx/", "&&=1&a=", "https://a.mx/?a=");
    expect("all", "https://a.mx/", "a=1&a=2", "https://a.mx/?a=1&a=2");
    assert_int_equal(dropped, 0);
}

static void of_a_list_only_what_it_names(void **state) {
    (void)state;
    expect("utm_source gclid", "https://a.mx/", "gclid=7&fbclid=8&utm_source=x&UTM_SOURCE=y",
           "https://a.mx/?gclid=7&utm_source=x");
    expect("utm_source", "https://a.mx/", "utm%5Fsource=x", "https://a.mx/?utm%5Fsource=x");
    expect("s", "https://a.mx/", "s=1", "https://a.mx/");
}

static void what_the_campaign_says_is_never_replaced(void **state) {
    (void)state;
    expect("all", "https://a.mx/?code=AB&c=", "code=ZZ&c=1&d=2", "https://a.mx/?code=AB&c=&d=2");
    expect("all", "https://a.mx/?code=AB", "%63ode=ZZ&c%6Fde=Y", "https://a.mx/?code=AB");
    expect("all", "https://a.mx/?c%6Fde=AB", "code=ZZ", "https://a.mx/?c%6Fde=AB");
}

static void it_stands_before_the_fragment(void **state) {
    (void)state;
    expect("all", "https://a.mx/p#top", "a=1", "https://a.mx/p?a=1#top");
    expect("all", "https://a.mx/p?b=2#a=1?x", "a=1", "https://a.mx/p?b=2&a=1#a=1?x");
}

static void what_may_not_stand_there_is_encoded(void **state) {
    (void)state;
    expect("all", "https://a.mx/", "a=\"<>\\^`{|}", "https://a.mx/?a=%22%3C%3E%5C%5E%60%7B%7C%7D");
    expect("all", "https://a.mx/", "a=%41%zz%4", "https://a.mx/?a=%41%25zz%254");
    expect("all", "https://a.mx/", "a=\xc3\xb1", "https://a.mx/?a=%C3%B1");
    expect("all", "https://a.mx/", "a=1+2:@/?!$'()*,;=", "https://a.mx/?a=1+2:@/?!$'()*,;=");
    hole = SIZE_MAX;
    assert_string_equal(pass("all", "https://a.mx/", SLICE("a=\0x")), "https://a.mx/?a=%00x");
}

static void a_hole_moves_with_what_it_stands_in(void **state) {
    (void)state;
    const char *in_query = "https://a.mx/?t=" HOLE "#x";
    const char *in_fragment = "https://a.mx/?t=x#" HOLE;
    size_t at = strlen("Location: https://a.mx/?t=");
    hole = at;
    assert_string_equal(pass("all", in_query, SLICE("a=1")),
                        "https://a.mx/?t=00000000000000000000000000000000&a=1#x");
    assert_int_equal(hole, at);
    hole = at + strlen("x#");
    assert_string_equal(pass("all", in_fragment, SLICE("a=1")),
                        "https://a.mx/?t=x&a=1#00000000000000000000000000000000");
    assert_int_equal(hole, at + strlen("x#") + strlen("&a=1"));
}

/* What an earlier answer left where the token is yet to come is read by nobody. */
static void what_stands_in_a_hole_is_no_query(void **state) {
    (void)state;
    static const char *const left[] = {
        "#aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&",
        "&a=1&b=2&a=1&b=2&a=1&b=2&a=1&b=2", "????????????????????????????????"};
    for (size_t i = 0; i < ARRAY_COUNT(left); i++) {
        char url[128];
        snprintf(url, sizeof(url), "https://a.mx/?c=%s", left[i]);
        hole = strlen("Location: https://a.mx/?c=");
        assert_string_equal(pass("all", url, SLICE("a=1&b=2")),
                            "https://a.mx/?c=00000000000000000000000000000000&a=1&b=2");
    }
}

/* As generous readers of queries take names. */
static void names_that_somebody_takes_for_the_campaigns_are_left_out(void **state) {
    (void)state;
    expect("all", "https://a.mx/?code=AB", "+code=1&%20code=2&code%00x=3&code[]=4&code%5B1%5D=5",
           "https://a.mx/?code=AB");
    expect("all", "https://a.mx/?my%20name=AB", "my+name=1&my%20name=2",
           "https://a.mx/?my%20name=AB");
    expect("all", "https://a.mx/", "list[]=1&list[]=2", "https://a.mx/?list%5B%5D=1&list%5B%5D=2");
}

static void what_goes_beyond_a_limit_is_left_out_and_counted(void **state) {
    (void)state;
    char query[8192];
    struct buf many = buf_over(query, sizeof(query));
    for (int i = 0; i < PASSTHROUGH_PARAMETERS_MAX + 3; i++) {
        buf_printf(&many, "%sp%d=1", i > 0 ? "&" : "", i);
    }
    hole = SIZE_MAX;
    const char *url = pass("all", "https://a.mx/", buf_slice(&many));
    assert_int_equal(dropped, 3);
    assert_null(strstr(url, "p64=1"));
    assert_non_null(strstr(url, "p63=1"));

    memset(query, 'x', sizeof(query));
    memcpy(query, "a=", 2);
    query[6000] = '&';
    query[6001] = 'b';
    url = pass("all", "https://a.mx/", slice_make(query, 6002));
    assert_string_equal(url, "https://a.mx/?b");
    assert_int_equal(dropped, 1);

    memset(query, 'n', PASSTHROUGH_NAME_BYTES_MAX + 1);
    url = pass("all", "https://a.mx/", slice_make(query, PASSTHROUGH_NAME_BYTES_MAX + 1));
    assert_string_equal(url, "https://a.mx/");
    assert_int_equal(dropped, 1);
}

static void a_url_is_never_longer_than_a_location(void **state) {
    (void)state;
    char url[LOCATION_BYTES_MAX + 1];
    char query[3000];
    memset(url, 'u', sizeof(url) - 1);
    memcpy(url, "https://a.mx/", 13);
    url[sizeof(url) - 1] = '\0';
    for (size_t cut = 1; cut < LOCATION_BYTES_MAX - 100; cut += 97) {
        url[LOCATION_BYTES_MAX - cut] = '\0';
        for (size_t size = 1; size < sizeof(query); size = size * 2 + 1) {
            memset(query, '<', size);
            query[0] = 'q';
            hole = SIZE_MAX;
            assert_true(strlen(pass("all", url, slice_make(query, size))) <= LOCATION_BYTES_MAX);
        }
        url[LOCATION_BYTES_MAX - cut] = 'u';
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_go_on_but_the_source),
        cmocka_unit_test(of_a_list_only_what_it_names),
        cmocka_unit_test(what_the_campaign_says_is_never_replaced),
        cmocka_unit_test(it_stands_before_the_fragment),
        cmocka_unit_test(what_may_not_stand_there_is_encoded),
        cmocka_unit_test(a_hole_moves_with_what_it_stands_in),
        cmocka_unit_test(what_stands_in_a_hole_is_no_query),
        cmocka_unit_test(names_that_somebody_takes_for_the_campaigns_are_left_out),
        cmocka_unit_test(what_goes_beyond_a_limit_is_left_out_and_counted),
        cmocka_unit_test(a_url_is_never_longer_than_a_location),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
