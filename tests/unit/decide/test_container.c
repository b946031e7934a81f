/*
 * test_container.c - the table of apps: that it is sound, and that docs/in-app-browsers.md is it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "agent_table.h"
#include "base/defs.h"
#include "decide/container.h"

static bool is_in_app(struct slice name) {
    for (size_t i = 0; i < agent_token_count; i++) {
        if (agent_tokens[i].fact == AGENT_FACT_IN_APP &&
            slice_equal(slice_of(agent_tokens[i].name), name)) {
            return true;
        }
    }
    return false;
}

static void every_row_can_be_met(void **state) {
    (void)state;
    assert_true(container_count > 0);
    for (size_t i = 0; i < container_count; i++) {
        const struct container *row = &containers[i];
        assert_true(row->platform == TAP_PLATFORM_ANDROID || row->platform == TAP_PLATFORM_IOS);
        if (!is_in_app(row->in_app)) {
            fail_msg("no User-Agent is ever said to be in \"%.*s\"", SLICE_ARG(row->in_app));
        }
        /* The first of the same kind. */
        assert_ptr_equal(container_find(row->platform, row->in_app), row);
    }
}

static void every_row_tells_why(void **state) {
    (void)state;
    for (size_t i = 0; i < container_count; i++) {
        struct slice reason = containers[i].reason;
        assert_in_range(reason.size, 20, 100);
        assert_int_equal(reason.data[reason.size - 1], '.');
        assert_int_equal(slice_find(reason, SLICE("|")), SIZE_MAX); /* it stands in a table */
    }
}

/* intent: is Android's; elsewhere it is an error page. */
static void intents_are_for_android_alone(void **state) {
    (void)state;
    for (size_t i = 0; i < container_count; i++) {
        assert_true(containers[i].way != CONTAINER_INTENT ||
                    containers[i].platform == TAP_PLATFORM_ANDROID);
    }
}

static void the_ways_that_were_tried(void **state) {
    (void)state;
    static const struct {
        enum tap_platform platform;
        const char *in_app;
        enum container_way way;
    } cases[] = {
        {TAP_PLATFORM_ANDROID, "instagram", CONTAINER_INTENT},
        {TAP_PLATFORM_ANDROID, "facebook", CONTAINER_INTENT},
        {TAP_PLATFORM_ANDROID, "tiktok", CONTAINER_BUTTON},
        {TAP_PLATFORM_ANDROID, "wechat", CONTAINER_BUTTON},
        {TAP_PLATFORM_ANDROID, "whatsapp", CONTAINER_DIRECT},
        {TAP_PLATFORM_IOS, "twitter", CONTAINER_BUTTON},
        {TAP_PLATFORM_IOS, "wechat", CONTAINER_BUTTON},
        {TAP_PLATFORM_IOS, "instagram", CONTAINER_DIRECT},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct container *row = container_find(cases[i].platform, slice_of(cases[i].in_app));
        assert_non_null(row);
        assert_int_equal(row->way, cases[i].way);
    }
}

static void what_is_not_in_the_table_is_not_found(void **state) {
    (void)state;
    assert_null(container_find(TAP_PLATFORM_ANDROID, SLICE_EMPTY));
    assert_null(container_find(TAP_PLATFORM_ANDROID, SLICE("nobody")));
    assert_null(container_find(TAP_PLATFORM_WINDOWS, SLICE("wechat")));
    assert_null(container_find(TAP_PLATFORM_OTHER, SLICE("facebook")));
}

static char *read_document(void) {
    FILE *file = fopen("docs/in-app-browsers.md", "re");
    if (file == NULL) {
        return NULL; /* not run from the project's root */
    }
    enum { ROOM = 64 * 1024 };
    char *text = malloc(ROOM);
    assert_non_null(text);
    size_t size = fread(text, 1, ROOM - 1, file);
    fclose(file);
    text[size] = '\0';
    return text;
}

static size_t count(const char *text, const char *what) {
    size_t times = 0;
    while ((text = strstr(text, what)) != NULL) {
        text += strlen(what);
        times++;
    }
    return times;
}

static void the_document_is_the_table(void **state) {
    (void)state;
    char *document = read_document();
    if (document == NULL) {
        skip();
    }
    for (size_t i = 0; i < container_count; i++) {
        const struct container *row = &containers[i];
        char line[512];
        snprintf(line, sizeof line, "\n| %s | %.*s | %.*s | %s | %.*s |\n",
                 tap_platform_name(row->platform), SLICE_ARG(row->in_app),
                 SLICE_ARG(container_way_name(row->way)), row->confirmed ? "yes" : "no",
                 SLICE_ARG(row->reason));
        if (strstr(document, line) == NULL) {
            fail_msg("docs/in-app-browsers.md lacks the line%s", line);
        }
    }
    assert_int_equal(count(document, "\n| android |") + count(document, "\n| ios |"),
                     container_count);
    free(document);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_can_be_met),
        cmocka_unit_test(every_row_tells_why),
        cmocka_unit_test(intents_are_for_android_alone),
        cmocka_unit_test(the_ways_that_were_tried),
        cmocka_unit_test(what_is_not_in_the_table_is_not_found),
        cmocka_unit_test(the_document_is_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
