/*
 * test_cmd.c - words and options: where they may stand, and what is refused; what a configuration
 * must hold beyond what conf/ knows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "capture.h"
#include "cmd.h"
#include "conf/conf.h"

enum { ARGUMENTS_MAX = 2 * CMD_OVERRIDES_MAX + 8 };

static const struct cmd_option options[] = {{"limit", true}, {"all", false}, {NULL, false}};
enum { OPTION_LIMIT, OPTION_ALL };

static const struct cmd_syntax syntax = {.name = "test run",
                                         .help = "Help on test run.\n",
                                         .options = options,
                                         .operands_min = 1,
                                         .operands_max = 2,
                                         .json = true};

/* An argv of a test, cut out of one line at its spaces; '' is an empty argument. */
struct arguments {
    char text[1024];
    char *argv[ARGUMENTS_MAX + 1];
    struct cmd cmd;
};

static const struct cmd *cut(struct arguments *arguments, const char *line) {
    snprintf(arguments->text, sizeof arguments->text, "%s", line);
    int count = 0;
    for (char *word = strtok(arguments->text, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(count < ARGUMENTS_MAX);
        arguments->argv[count++] = strcmp(word, "''") == 0 ? word + 2 : word;
    }
    arguments->argv[count] = NULL;
    arguments->cmd = (struct cmd){.argc = count, .argv = arguments->argv};
    return &arguments->cmd;
}

static void assert_usage(const char *arguments_line, const char *sentence) {
    struct arguments arguments;
    struct cmd_line line;
    struct capture capture;
    int status = -1;
    capture_begin(&capture, STDERR_FILENO);
    bool parsed = cmd_parse(cut(&arguments, arguments_line), &syntax, &line, &status);
    capture_end(&capture);
    assert_false(parsed);
    assert_int_equal(status, CMD_USAGE);
    assert_string_equal(capture.text, sentence);
}

static void options_stand_before_or_after_operands(void **state) {
    (void)state;
    const char *lines[] = {"run --limit 5 -c f.conf A --json B -o a.b=c",
                           "run A B -c f.conf -o a.b=c --json --limit=5",
                           "run --json --config=f.conf --option=a.b=c --limit 5 A B"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct arguments arguments;
        struct cmd_line line;
        int status;
        assert_true(cmd_parse(cut(&arguments, lines[i]), &syntax, &line, &status));
        assert_string_equal(line.config, "f.conf");
        assert_int_equal(line.override_count, 1);
        assert_string_equal(line.overrides[0], "a.b=c");
        assert_string_equal(line.value[OPTION_LIMIT], "5");
        assert_null(line.value[OPTION_ALL]);
        assert_true(line.json);
        assert_int_equal(line.operand_count, 2);
        assert_string_equal(line.operands[0], "A");
        assert_string_equal(line.operands[1], "B");
    }
}

static void the_last_of_an_option_wins_and_overrides_add_up(void **state) {
    (void)state;
    struct arguments arguments;
    struct cmd_line line;
    int status;
    assert_true(cmd_parse(cut(&arguments, "run A --limit 1 --limit '' --all -o a=1 -o b=2"),
                          &syntax, &line, &status));
    assert_string_equal(line.value[OPTION_LIMIT], "");
    assert_string_equal(line.value[OPTION_ALL], "");
    assert_int_equal(line.override_count, 2);
    assert_string_equal(line.overrides[1], "b=2");
    assert_null(line.config);
    assert_false(line.json);
}

static void behind_two_dashes_all_are_operands(void **state) {
    (void)state;
    struct arguments arguments;
    struct cmd_line line;
    int status;
    assert_true(cmd_parse(cut(&arguments, "run --all -- -AB --json"), &syntax, &line, &status));
    assert_int_equal(line.operand_count, 2);
    assert_string_equal(line.operands[0], "-AB");
    assert_false(line.json);
}

static void a_usage_error_is_one_line_that_says_where_help_is(void **state) {
    (void)state;
    assert_usage("run", "brinco test run: an argument is missing; see brinco test run --help\n");
    assert_usage("run A B C",
                 "brinco test run: \"C\" is one argument too many; see brinco test run --help\n");
    assert_usage("run A --colour",
                 "brinco test run: there is no option --colour; see brinco test run --help\n");
    assert_usage("run A -x",
                 "brinco test run: there is no option -x; see brinco test run --help\n");
    assert_usage("run A --json -xy",
                 "brinco test run: there is no option -x; see brinco test run --help\n");
    assert_usage("run A --limit",
                 "brinco test run: --limit needs a value; see brinco test run --help\n");
    assert_usage("run A -c", "brinco test run: -c needs a value; see brinco test run --help\n");
    assert_usage("run A --all=1", "brinco test run: --all=1: this option takes no value; see "
                                  "brinco test run --help\n");
}

static void json_is_unknown_to_what_has_none(void **state) {
    (void)state;
    static const struct cmd_syntax plain = {.name = "plain", .help = "", .operands_max = INT_MAX};
    struct arguments arguments;
    struct cmd_line line;
    struct capture capture;
    int status;
    capture_begin(&capture, STDERR_FILENO);
    bool parsed = cmd_parse(cut(&arguments, "plain --json"), &plain, &line, &status);
    capture_end(&capture);
    assert_false(parsed);
    assert_string_equal(capture.text,
                        "brinco plain: there is no option --json; see brinco plain --help\n");
}

static void overrides_are_held_to_their_number(void **state) {
    (void)state;
    static char override[] = "-oa.b=c", word[] = "run", operand[] = "A";
    char *argv[CMD_OVERRIDES_MAX + 4] = {word, operand};
    for (int i = 0; i <= CMD_OVERRIDES_MAX; i++) {
        argv[2 + i] = override;
    }
    struct cmd_line line;
    struct capture capture;
    int status;
    struct cmd cmd = {.argc = 2 + CMD_OVERRIDES_MAX, .argv = argv};
    assert_true(cmd_parse(&cmd, &syntax, &line, &status));
    assert_int_equal(line.override_count, CMD_OVERRIDES_MAX);
    cmd.argc++;
    capture_begin(&capture, STDERR_FILENO);
    bool parsed = cmd_parse(&cmd, &syntax, &line, &status);
    capture_end(&capture);
    assert_false(parsed);
    assert_int_equal(status, CMD_USAGE);
    assert_string_equal(capture.text,
                        "brinco test run: -o more than 64 times; see brinco test run --help\n");
}

static void help_is_printed_and_is_no_error(void **state) {
    (void)state;
    const char *lines[] = {"run --help", "run A -h", "run --limit 1 A B --help"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct arguments arguments;
        struct cmd_line line;
        struct capture capture;
        int status = -1;
        capture_begin(&capture, STDOUT_FILENO);
        bool parsed = cmd_parse(cut(&arguments, lines[i]), &syntax, &line, &status);
        capture_end(&capture);
        assert_false(parsed);
        assert_int_equal(status, CMD_OK);
        assert_string_equal(capture.text, "Help on test run.\n");
    }
}

/* What a dispatched command was given, as one line. */
static int echo(const struct cmd *cmd) {
    for (int i = 0; i < cmd->argc; i++) {
        printf("%s%s", i > 0 ? " " : "", cmd->argv[i]);
    }
    return 1;
}

static void assert_dispatched(const char *line, int status, const char *out, const char *err) {
    static const struct cmd_verb verbs[] = {{"run", echo}, {"get", echo}, {NULL, NULL}};
    static const struct cmd_group group = {.name = "test", .help = "All.\n", .verbs = verbs};
    struct arguments arguments;
    struct capture capture_out, capture_err;
    capture_begin(&capture_out, STDOUT_FILENO);
    capture_begin(&capture_err, STDERR_FILENO);
    int found = cmd_dispatch(cut(&arguments, line), &group);
    capture_end(&capture_err);
    capture_end(&capture_out);
    assert_int_equal(found, status);
    assert_string_equal(capture_out.text, out);
    assert_string_equal(capture_err.text, err);
}

static void a_word_picks_a_command_and_options_follow_it(void **state) {
    (void)state;
    assert_dispatched("test run A -x", 1, "run A -x", "");
    assert_dispatched("test -c f --json -o run=get get A", 1, "get -c f --json -o run=get A", "");
    assert_dispatched("test --help run", 1, "run --help", "");
}

static void a_word_that_is_missing_or_unknown_is_said(void **state) {
    (void)state;
    assert_dispatched("test", CMD_USAGE, "",
                      "brinco test: a command is missing; see brinco test --help\n");
    assert_dispatched("test -c run", CMD_USAGE, "",
                      "brinco test: a command is missing; see brinco test --help\n");
    assert_dispatched("test rum A", CMD_USAGE, "",
                      "brinco test: there is no command \"rum\"; see brinco test --help\n");
    assert_dispatched("test -h", CMD_OK, "All.\n", "");
}

static void help_is_a_word_too(void **state) {
    (void)state;
    assert_dispatched("test help", CMD_OK, "All.\n", "");
    assert_dispatched("test -c f help", CMD_OK, "All.\n", "");
    assert_dispatched("test help run", 1, "run --help", "");
    assert_dispatched("test help rum", CMD_USAGE, "",
                      "brinco test: there is no command \"rum\"; see brinco test --help\n");
    assert_dispatched("test run help", 1, "run help", "");
}

/* The file holds text (NULL: nothing) and expected follows its name; NULL: all is allowed. Without
 * text it is the whole sentence. */
static void assert_conf(const char *text, const char *override, const char *expected) {
    char path[] = "/tmp/brinco-test-cmd-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    size_t size = text != NULL ? strlen(text) : 0;
    assert_int_equal(write(fd, text != NULL ? text : "", size), size);
    close(fd);
    const struct conf_source source = {
        .path = path, .overrides = &override, .override_count = override != NULL};
    struct err err = {0};
    struct conf *conf = cmd_read_conf(&source, &err);
    unlink(path);
    assert_int_equal(conf != NULL, expected == NULL);
    conf_destroy(&conf);
    if (expected != NULL) {
        char whole[512];
        snprintf(whole, sizeof whole, "%s%s", text != NULL ? path : "", expected);
        assert_string_equal(err.text, whole);
    }
}

static void a_value_that_only_other_rooms_can_refuse_is_named_with_its_place(void **state) {
    (void)state;
    const char zone[] = "\"Nope/Zone\" is not in the zone database (/usr/share/zoneinfo): allowed "
                        "is a name like America/Mexico_City; is tzdata installed?";
    char expected[256];
    assert_conf("[redis]\n\nurl = redis://h/99x\n", NULL,
                ":3: redis.url: the database of a Redis URL is a number from 0 to 65535");
    assert_conf(NULL, "redis.url=redis://h:0",
                "-o: redis.url: the port of a Redis URL is a number from 1 to 65535");
    snprintf(expected, sizeof expected, ":2: stats.timezone: %s", zone);
    assert_conf("[stats]\ntimezone = Nope/Zone\n", NULL, expected);
    snprintf(expected, sizeof expected, "-o: stats.timezone: %s", zone);
    assert_conf(NULL, "stats.timezone=Nope/Zone", expected);
    assert_conf("[stats]\ntimezone = Nope/Zone\n", "stats.timezone=Europe/Madrid", NULL);
    assert_conf("[redis]\nurl = redis://u:p@h:1/2\n", NULL, NULL);
}

static void a_masked_password_is_not_taken_for_one(void **state) {
    (void)state;
    const char sentence[] = "redis.url: the password is masked: write the real one instead of ***";
    char expected[256];
    snprintf(expected, sizeof expected, ":2: %s", sentence);
    assert_conf("[redis]\nurl = redis://u:***@h/2\n", NULL, expected);
    assert_conf("[redis]\nurl = unix://:***@/run/redis.sock?db=2\n", NULL, expected);
    snprintf(expected, sizeof expected, "-o: %s", sentence);
    assert_conf(NULL, "redis.url=redis://:***@h", expected);
    /* A password that is really so, and some that are only alike. */
    assert_conf("[redis]\nurl = redis://u:%2A%2A%2A@h/2\n", NULL, NULL);
    assert_conf("[redis]\nurl = redis://u:****@h/2\n", NULL, NULL);
    assert_conf("[redis]\nurl = redis://***:p@h/2\n", NULL, NULL);
    assert_conf("[redis]\nurl = unix:///run/a:***@b\n", NULL, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_before_or_after_operands),
        cmocka_unit_test(the_last_of_an_option_wins_and_overrides_add_up),
        cmocka_unit_test(behind_two_dashes_all_are_operands),
        cmocka_unit_test(a_usage_error_is_one_line_that_says_where_help_is),
        cmocka_unit_test(json_is_unknown_to_what_has_none),
        cmocka_unit_test(overrides_are_held_to_their_number),
        cmocka_unit_test(help_is_printed_and_is_no_error),
        cmocka_unit_test(a_word_picks_a_command_and_options_follow_it),
        cmocka_unit_test(a_word_that_is_missing_or_unknown_is_said),
        cmocka_unit_test(help_is_a_word_too),
        cmocka_unit_test(a_value_that_only_other_rooms_can_refuse_is_named_with_its_place),
        cmocka_unit_test(a_masked_password_is_not_taken_for_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
