/*
 * test_write.c - what is written can be read again, shows no password, and is what stands in
 * conf/brinco.conf.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "conf/conf.h"
#include "key.h"

enum { OUTPUT_BYTES_MAX = 1024 * 1024 };

static struct conf *read_text(struct slice text) {
    struct conf_source source = {0};
    struct err err = {0};
    struct conf *conf = conf_read_text(text, "test.conf", &source, &err);
    assert_string_equal(err.text, "");
    return conf;
}

static bool holds(const struct buf *out, const char *text) {
    return slice_find(buf_slice(out), slice_of(text)) != SIZE_MAX;
}

static void what_is_written_reads_the_same(void **state) {
    (void)state;
    struct conf *conf =
        read_text(SLICE("[serve]\nroles = api,edge\n[data]\ndir = a b ; c\n"
                        "[edge]\nid = e1\nlisten = [::]:0 a:1\n[log]\nlevel = error\n"
                        "[redis]\nurl = unix:///run/redis.sock?db=3\nprefix =\n"));
    struct buf out;
    buf_init(&out, OUTPUT_BYTES_MAX);
    conf_write(conf, &out);
    assert_false(out.overflowed);
    struct conf *again = read_text(buf_slice(&out));
    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        assert_string_equal(again->text[i], conf->text[i]);
        assert_int_equal(again->number[i], conf->number[i]);
    }
    conf_destroy(&conf);
    conf_destroy(&again);
    buf_fini(&out);
}

static void every_key_stands_with_its_prose(void **state) {
    (void)state;
    struct buf out;
    buf_init(&out, OUTPUT_BYTES_MAX);
    conf_write(NULL, &out);
    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        assert_true(holds(&out, key_table[i].prose));
    }
    assert_true(holds(&out, "\n; Allowed: 0 to 64 threads.\n; Default: 0. A change needs a "
                            "restart.\nworkers = 0\n"));
    assert_true(holds(&out, "\n; Default: empty. A change is applied by SIGHUP.\nhome_url =\n"));
    buf_fini(&out);
}

static void the_file_in_the_tree_is_what_is_written(void **state) {
    (void)state;
    struct buf file, out;
    struct err err = {0};
    buf_init(&file, CONF_FILE_BYTES_MAX);
    buf_init(&out, OUTPUT_BYTES_MAX);
    assert_true(file_read(CONF_DEFAULT_PATH, &file, &err)); /* tests run in the tree's root */
    conf_write(NULL, &out);
    /* Stale? `brinco config --defaults >conf/brinco.conf` makes it anew. */
    assert_true(slice_equal(buf_slice(&file), buf_slice(&out)));
    buf_fini(&file);
    buf_fini(&out);
}

static void assert_masked(const char *url, const char *shown) {
    struct buf text, out;
    buf_init(&text, OUTPUT_BYTES_MAX);
    buf_init(&out, OUTPUT_BYTES_MAX);
    buf_printf(&text, "[redis]\nurl = %s\n", url);
    struct conf *conf = read_text(buf_slice(&text));
    conf_write_value(conf, CONF_redis_url, &out);
    assert_true(slice_equal(buf_slice(&out), slice_of(shown)));
    bool is_masked = strcmp(url, shown) != 0;

    buf_clear(&out);
    conf_write(conf, &out);
    assert_true(holds(&out, shown));
    assert_int_equal(holds(&out, "; The password is not shown"), is_masked);
    assert_false(holds(&out, "s3cr3t"));
    buf_clear(&out);
    conf_write_json(conf, &out);
    assert_false(holds(&out, "s3cr3t"));
    conf_destroy(&conf);
    buf_fini(&text);
    buf_fini(&out);
}

static void a_password_is_never_written(void **state) {
    (void)state;
    assert_masked("redis://:s3cr3t@host:1/0", "redis://:***@host:1/0");
    assert_masked("redis://user:s3cr3t@host", "redis://user:***@host");
    assert_masked("redis://user:s3cr3t@s3cr3t/s3cr3t:@host", "redis://user:***@host");
    assert_masked("unix://user:s3cr3t@/run/redis.sock", "unix://user:***@/run/redis.sock");
    assert_masked("redis://user@host:1", "redis://user@host:1");
    assert_masked("redis://host:6379/0", "redis://host:6379/0");
    assert_masked("unix:///run/a:b@c.sock", "unix:///run/a:b@c.sock");
}

static void json_is_one_object_with_every_key(void **state) {
    (void)state;
    struct buf out;
    buf_init(&out, OUTPUT_BYTES_MAX);
    conf_write_json(NULL, &out);
    assert_true(slice_starts_with(buf_slice(&out), SLICE("{\"serve.roles\":{\"value\":\"edge ")));
    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        assert_true(holds(&out, key_table[i].full_name));
    }
    assert_true(holds(&out,
                      "\"edge.workers\":{\"value\":\"0\",\"default\":\"0\",\"allowed\":\"0 to "
                      "64 threads\",\"meaning\":\"Worker threads; 0: one a core.\","
                      "\"reloadable\":false}"));
    buf_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_reads_the_same),
        cmocka_unit_test(every_key_stands_with_its_prose),
        cmocka_unit_test(the_file_in_the_tree_is_what_is_written),
        cmocka_unit_test(a_password_is_never_written),
        cmocka_unit_test(json_is_one_object_with_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
