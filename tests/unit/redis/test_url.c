/* redis/url.h: what is accepted, what is refused, and that no password leaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "redis/url.h"

static struct redis_url parsed(const char *text) {
    struct redis_url url;
    struct err err = {0};
    if (!redis_url_parse(slice_of(text), &url, &err)) {
        fail_msg("%s: %s", text, err.text);
    }
    return url;
}

static void refused(const char *text, const char *why) {
    struct redis_url url;
    struct err err = {0};
    if (redis_url_parse(slice_of(text), &url, &err)) {
        fail_msg("%s was accepted", text);
    }
    if (strstr(err.text, why) == NULL) {
        fail_msg("%s: '%s' does not say '%s'", text, err.text, why);
    }
    assert_null(strstr(err.text, "hunter2"));
}

static void tcp_with_defaults(void **state) {
    (void)state;
    struct redis_url url = parsed("redis://127.0.0.1");
    assert_string_equal(url.host, "127.0.0.1");
    assert_string_equal(url.socket_path, "");
    assert_string_equal(url.password, "");
    assert_int_equal(url.port, 6379);
    assert_int_equal(url.db, 0);
    assert_int_equal(parsed("redis://h/").db, 0);
}

static void tcp_with_everything(void **state) {
    (void)state;
    struct redis_url url = parsed("redis://edge:p%40ss%3aw%2Ford@redis.example.mx:6380/3");
    assert_string_equal(url.host, "redis.example.mx");
    assert_string_equal(url.user, "edge");
    assert_string_equal(url.password, "p@ss:w/ord");
    assert_int_equal(url.port, 6380);
    assert_int_equal(url.db, 3);
}

static void password_without_user(void **state) {
    (void)state;
    struct redis_url url = parsed("redis://:hunter2@h:1");
    assert_string_equal(url.user, "");
    assert_string_equal(url.password, "hunter2");
    /* The last @ ends the password, as people write them unencoded. */
    assert_string_equal(parsed("redis://:hun@ter2@h:1").password, "hun@ter2");
}

static void ipv6_in_brackets(void **state) {
    (void)state;
    char text[300];
    struct redis_url url = parsed("redis://[2001:db8::1]:7000/15");
    assert_string_equal(url.host, "2001:db8::1");
    assert_int_equal(url.port, 7000);
    assert_int_equal(url.db, 15);
    assert_int_equal(parsed("redis://[::1]").port, 6379);
    redis_url_describe(&url, text, sizeof(text));
    assert_string_equal(text, "[2001:db8::1]:7000");
}

static void unix_socket(void **state) {
    (void)state;
    char text[300];
    struct redis_url url = parsed("unix:///run/redis/redis.sock?db=2");
    assert_string_equal(url.socket_path, "/run/redis/redis.sock");
    assert_string_equal(url.host, "");
    assert_int_equal(url.db, 2);
    url = parsed("unix://edge:hunter2@/run/a%20b");
    assert_string_equal(url.socket_path, "/run/a b");
    assert_string_equal(url.user, "edge");
    assert_string_equal(url.password, "hunter2");
    redis_url_describe(&url, text, sizeof(text));
    assert_string_equal(text, "/run/a b");
}

static void description_has_no_credentials_and_fits(void **state) {
    (void)state;
    char text[300];
    char small[6];
    struct redis_url url = parsed("redis://edge:hunter2@h:6380/1");
    redis_url_describe(&url, text, sizeof(text));
    assert_string_equal(text, "h:6380");
    redis_url_describe(&url, small, sizeof(small));
    assert_string_equal(small, "h:638");
}

static void malformed_is_refused_without_the_password(void **state) {
    (void)state;
    refused("", "redis://");
    refused("http://h", "redis://");
    refused("redis:/h", "redis://");
    refused("rediss://h", "redis://");
    refused("redis://", "host");
    refused("redis://:6379", "host");
    refused("redis:///0", "host");
    refused("redis://h o", "spaces");
    refused("redis://h\n", "spaces");
    refused("redis://h\\x", "host");
    refused("redis://a:hunter2@:1", "host");
    refused("redis://h:", "port");
    refused("redis://h:0", "port");
    refused("redis://h:65536", "port");
    refused("redis://h:6379x", "port");
    refused("redis://h:1:2", "port");
    refused("redis://h/-1", "database");
    refused("redis://h/65536", "database");
    refused("redis://h/0/1", "database");
    refused("redis://hunter2@h", "user:password");
    refused("redis://edge:@h", "password");
    refused("redis://:hunter2%4@h", "password");
    refused("redis://:hunter2%zz@h", "password");
    refused("redis://:hunter2%00@h", "password");
    refused("redis://%:hunter2@h", "user");
    refused("redis://[::1", "IPv6");
    refused("redis://[::1]x", "IPv6");
    refused("redis://[]", "host");
    refused("unix://relative", "absolute");
    refused("unix://", "absolute");
    refused("unix:///", "absolute");
    refused("unix:///s?x=1", "db=N");
    refused("unix:///s?db=", "database");
    refused("unix:///s?db=1&x", "database");
}

static void parts_that_do_not_fit_are_refused(void **state) {
    (void)state;
    char text[800];
    char part[400];
    memset(part, 'a', sizeof(part));

    snprintf(text, sizeof(text), "redis://%.255s", part);
    assert_int_equal(strlen(parsed(text).host), 255);
    snprintf(text, sizeof(text), "redis://%.256s", part);
    refused(text, "255");
    snprintf(text, sizeof(text), "redis://%.127s:x@h", part);
    assert_int_equal(strlen(parsed(text).user), 127);
    snprintf(text, sizeof(text), "redis://%.128s:x@h", part);
    refused(text, "127");
    snprintf(text, sizeof(text), "redis://:%.255s@h", part);
    assert_int_equal(strlen(parsed(text).password), 255);
    snprintf(text, sizeof(text), "redis://:%.256s@h", part);
    refused(text, "255");
    snprintf(text, sizeof(text), "unix:///%.106s", part);
    assert_int_equal(strlen(parsed(text).socket_path), 107);
    snprintf(text, sizeof(text), "unix:///%.107s", part);
    refused(text, "107");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp_with_defaults),
        cmocka_unit_test(tcp_with_everything),
        cmocka_unit_test(password_without_user),
        cmocka_unit_test(ipv6_in_brackets),
        cmocka_unit_test(unix_socket),
        cmocka_unit_test(description_has_no_credentials_and_fits),
        cmocka_unit_test(malformed_is_refused_without_the_password),
        cmocka_unit_test(parts_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
