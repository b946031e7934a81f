/*
 * test_conf.c - reading a configuration: where an error is said to be, what wins over what, and
 * what a reload can apply.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "conf/conf.h"
#include "key.h"

static struct conf *read_text(const char *text, struct err *err) {
    struct conf_source source = {0};
    *err = (struct err){0};
    return conf_read_text(slice_of(text), "test.conf", &source, err);
}

static void assert_refused(const char *text, const char *sentence) {
    struct err err;
    struct conf *conf = read_text(text, &err);
    assert_null(conf);
    assert_string_equal(err.text, sentence);
}

static void assert_read(const char *text, enum conf_key key, const char *value) {
    struct err err;
    struct conf *conf = read_text(text, &err);
    assert_string_equal(err.text, "");
    assert_non_null(conf);
    assert_string_equal(conf->text[key], value);
    conf_destroy(&conf);
    assert_null(conf);
}

static void an_empty_text_gives_the_defaults(void **state) {
    (void)state;
    struct err err;
    struct conf *conf = read_text("", &err);
    assert_non_null(conf);
    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        assert_string_equal(conf->text[i], key_table[i].preset);
    }
    assert_int_equal(conf->number[CONF_serve_roles],
                     CONF_ROLE_EDGE | CONF_ROLE_COLLECTOR | CONF_ROLE_API);
    assert_int_equal(conf->number[CONF_redis_timeout_ms], 50);
    assert_int_equal(conf->number[CONF_cache_max_mb], 256);
    assert_string_equal(conf->text[CONF_stats_timezone], "America/Mexico_City");
    conf_destroy(&conf);
}

static void an_error_names_file_line_key_and_what_is_allowed(void **state) {
    (void)state;
    assert_refused("; comment\n\n[edge]\n# comment\n  workers = 65\n",
                   "test.conf:5: edge.workers: \"65\" is not allowed; allowed: 0 to 64 threads");
    assert_refused("[edge]\r\nworkers =\r\n",
                   "test.conf:2: edge.workers: it may not be empty; allowed: 0 to 64 threads");
    assert_refused("[log]\nlevel = x\x01\x1by\n",
                   "test.conf:2: log.level: \"x??y\" is not allowed; allowed: one of debug, info, "
                   "warn, error");
}

static void a_refused_redis_url_is_not_repeated(void **state) {
    (void)state;
    struct err err;
    assert_null(read_text("[redis]\nurl = rediss://:secret@host\n", &err));
    assert_null(strstr(err.text, "secret"));
    const char *overrides[] = {"redis.url=tcp://:secret@host"};
    struct conf_source source = {.overrides = overrides, .override_count = 1};
    assert_null(conf_read_text(SLICE_EMPTY, "test.conf", &source, &err));
    assert_null(strstr(err.text, "secret"));
    assert_non_null(strstr(err.text, "-o: redis.url: "));
}

static void an_unknown_key_suggests_the_nearest(void **state) {
    (void)state;
    assert_refused("[edge]\nlisten = a:1\nworker = 2\n",
                   "test.conf:3: edge.worker: unknown key; did you mean edge.workers?");
    assert_refused("[egde]\nlisten = a:1\n",
                   "test.conf:2: egde.listen: unknown key; did you mean edge.listen?");
    assert_refused("[zebra]\nstripes = 4\n", "test.conf:2: zebra.stripes: unknown key; `brinco "
                                             "config` lists all there are");
}

static void a_key_may_stand_once(void **state) {
    (void)state;
    assert_refused("[edge]\nworkers = 1\n[log]\nlevel = info\n[edge]\nworkers = 1\n",
                   "test.conf:6: edge.workers: stands on line 2, too; a key may stand once");
}

static void a_section_may_be_opened_again(void **state) {
    (void)state;
    assert_read("[edge]\nworkers = 1\n[log]\nlevel = warn\n[edge]\nid = a\n", CONF_edge_id, "a");
}

static void a_line_that_is_nothing_is_refused(void **state) {
    (void)state;
    assert_refused("[edge]\nworkers\n",
                   "test.conf:2: neither [section], name = value, nor a comment");
    assert_refused("[edge\nworkers = 1\n",
                   "test.conf:1: neither [section], name = value, nor a comment");
    assert_refused("workers = 1\n", "test.conf:1: workers: stands before the first [section]");
}

static void a_nul_byte_is_refused_with_its_line(void **state) {
    (void)state;
    static const char text[] = "[edge]\n\nid = a\0b\n";
    struct conf_source source = {0};
    struct err err = {0};
    assert_null(conf_read_text(slice_make(text, sizeof text - 1), "test.conf", &source, &err));
    assert_string_equal(err.text, "test.conf:3: a NUL byte; this is not a text file");
}

/* A comment line of this size, which has no limit but that of lines, and a line behind it. */
static struct conf *read_line_of(size_t size, struct err *err) {
    struct buf text;
    buf_init(&text, CONF_FILE_BYTES_MAX);
    for (size_t i = 0; i < size; i++) {
        buf_append_char(&text, ';');
    }
    buf_append(&text, SLICE("\r\n[edge]\nid = a\n"));
    *err = (struct err){0};
    struct conf_source source = {0};
    struct conf *conf = conf_read_text(buf_slice(&text), "test.conf", &source, err);
    buf_fini(&text);
    return conf;
}

static void a_line_is_never_cut_short(void **state) {
    (void)state;
    struct err err;
    struct conf *conf = read_line_of(CONF_LINE_BYTES_MAX, &err);
    assert_non_null(conf);
    assert_string_equal(conf->text[CONF_edge_id], "a");
    conf_destroy(&conf);
    assert_null(read_line_of(CONF_LINE_BYTES_MAX + 1, &err));
    assert_string_equal(err.text, "test.conf:1: the line is longer than 4224 bytes");
}

static void values_are_trimmed_and_otherwise_kept(void **state) {
    (void)state;
    assert_read("[data]\ndir =  \t a b ; c # d \t \r\n", CONF_data_dir, "a b ; c # d");
    assert_read("\xef\xbb\xbf[data]\ndir=x", CONF_data_dir, "x");
    assert_read("[data]\n   dir = x\n", CONF_data_dir, "x");
    assert_read("[edge]\nhome_url = https://a/?b=c;d=e\n", CONF_edge_home_url,
                "https://a/?b=c;d=e");
}

static void the_last_override_wins(void **state) {
    (void)state;
    const char *overrides[] = {"edge.workers=2", "edge.id=", " edge.workers = 3 "};
    struct conf_source source = {.overrides = overrides, .override_count = 3};
    struct err err = {0};
    struct conf *conf =
        conf_read_text(SLICE("[edge]\nworkers = 1\nid = a\n"), "test.conf", &source, &err);
    assert_non_null(conf);
    assert_int_equal(conf->number[CONF_edge_workers], 3);
    assert_string_equal(conf->text[CONF_edge_workers], "3");
    assert_string_equal(conf->text[CONF_edge_id], "");
    conf_destroy(&conf);
}

static void assert_override_refused(const char *override, const char *sentence) {
    struct conf_source source = {.overrides = &override, .override_count = 1};
    struct err err = {0};
    assert_null(conf_read_text(SLICE_EMPTY, "test.conf", &source, &err));
    assert_string_equal(err.text, sentence);
}

static void an_override_is_checked_like_a_line(void **state) {
    (void)state;
    assert_override_refused("edge.workers=x", "-o: edge.workers: \"x\" is not allowed; allowed: "
                                              "0 to 64 threads");
    assert_override_refused("edge.workers",
                            "-o: edge.workers: no value; section.key=value is what is wanted");
    assert_override_refused("workers=1", "-o: workers: unknown key; did you mean edge.workers?");
    assert_override_refused("", "-o: : unknown key; `brinco config` lists all there are");
}

static void assert_place(const struct conf *conf, enum conf_key key, const char *sentence) {
    struct err err = {0};
    err_set(&err, "bad");
    assert_false(conf_refuse(conf, key, &err));
    assert_string_equal(err.text, sentence);
}

static void where_a_value_comes_from_is_remembered(void **state) {
    (void)state;
    const char *overrides[] = {"edge.workers=2", "edge.workers=3"};
    struct conf_source source = {.overrides = overrides, .override_count = 2};
    struct err err = {0};
    struct conf *conf = conf_read_text(SLICE("[edge]\nworkers = 1\n\nid = a\n[log]\nlevel=warn"),
                                       "test.conf", &source, &err);
    assert_non_null(conf);
    assert_place(conf, CONF_edge_workers, "-o: edge.workers: bad");
    assert_place(conf, CONF_edge_id, "test.conf:4: edge.id: bad");
    assert_place(conf, CONF_log_level, "test.conf:6: log.level: bad");
    assert_place(conf, CONF_redis_url, "the default of redis.url: bad");
    conf_destroy(&conf);
}

static void a_named_file_must_be_readable(void **state) {
    (void)state;
    struct conf_source source = {.path = "/nonexistent/brinco.conf"};
    struct err err = {0};
    assert_null(conf_read(&source, &err));
    assert_non_null(strstr(err.text, "/nonexistent/brinco.conf"));
    source.path = "/tmp";
    assert_null(conf_read(&source, &err));
    assert_non_null(strstr(err.text, "/tmp"));
}

static void a_file_over_its_limit_is_refused(void **state) {
    (void)state;
    char path[] = "/tmp/brinco-test-conf-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, CONF_FILE_BYTES_MAX + 1), 0);
    struct conf_source source = {.path = path};
    struct err err = {0};
    assert_null(conf_read(&source, &err));
    assert_non_null(strstr(err.text, path));
    assert_int_equal(ftruncate(fd, 0), 0);
    struct conf *conf = conf_read(&source, &err);
    assert_non_null(conf);
    conf_destroy(&conf);
    close(fd);
    unlink(path);
}

static void the_default_file_may_be_missing(void **state) {
    (void)state;
    char directory[] = "/tmp/brinco-test-conf-XXXXXX";
    assert_non_null(mkdtemp(directory));
    char *before = getcwd(NULL, 0);
    assert_int_equal(chdir(directory), 0);
    struct conf_source source = {0};
    struct err err = {0};
    struct conf *conf = conf_read(&source, &err);
    assert_non_null(conf);
    conf_destroy(&conf);
    assert_int_equal(mkdir("conf", 0700), 0);
    assert_int_equal(mkdir(CONF_DEFAULT_PATH, 0700), 0);
    assert_null(conf_read(&source, &err)); /* there, but a directory */
    assert_int_equal(rmdir(CONF_DEFAULT_PATH), 0);
    assert_int_equal(rmdir("conf"), 0);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(rmdir(directory), 0);
    free(before);
}

static void a_reload_reports_what_needs_a_restart(void **state) {
    (void)state;
    struct err err;
    struct conf *old_conf = read_text("", &err);
    struct conf *new_conf = read_text("[serve]\nroles = api edge,collector\n[log]\nlevel = warn\n"
                                      "[edge]\nworkers = 2\nlisten = a:1\n[cache]\nmax_mb = 0256\n",
                                      &err);
    assert_non_null(new_conf);
    enum conf_key keys[2] = {CONF_KEY_COUNT, CONF_KEY_COUNT};
    assert_int_equal(conf_needs_restart(old_conf, new_conf, keys, 2), 2);
    assert_int_equal(keys[0], CONF_edge_listen);
    assert_int_equal(keys[1], CONF_edge_workers);
    keys[1] = CONF_KEY_COUNT;
    assert_int_equal(conf_needs_restart(old_conf, new_conf, keys, 1), 2);
    assert_int_equal(keys[1], CONF_KEY_COUNT);
    assert_int_equal(conf_needs_restart(old_conf, old_conf, keys, 2), 0);
    conf_destroy(&old_conf);
    conf_destroy(&new_conf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_text_gives_the_defaults),
        cmocka_unit_test(an_error_names_file_line_key_and_what_is_allowed),
        cmocka_unit_test(a_refused_redis_url_is_not_repeated),
        cmocka_unit_test(an_unknown_key_suggests_the_nearest),
        cmocka_unit_test(a_key_may_stand_once),
        cmocka_unit_test(a_section_may_be_opened_again),
        cmocka_unit_test(a_line_that_is_nothing_is_refused),
        cmocka_unit_test(a_nul_byte_is_refused_with_its_line),
        cmocka_unit_test(a_line_is_never_cut_short),
        cmocka_unit_test(values_are_trimmed_and_otherwise_kept),
        cmocka_unit_test(the_last_override_wins),
        cmocka_unit_test(an_override_is_checked_like_a_line),
        cmocka_unit_test(where_a_value_comes_from_is_remembered),
        cmocka_unit_test(a_named_file_must_be_readable),
        cmocka_unit_test(a_file_over_its_limit_is_refused),
        cmocka_unit_test(the_default_file_may_be_missing),
        cmocka_unit_test(a_reload_reports_what_needs_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
