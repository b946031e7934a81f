/*
 * Every word of a click has a sentence, and a word of nobody's is shown as it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "base/vocabulary.h"
#include "credit/explain_words.h"
#include "link/checks.h"

static char bytes[2048];

static struct buf begin(void) {
    return buf_over(bytes, sizeof(bytes) - 1);
}

static const char *end(struct buf *out) {
    assert_false(out->overflowed);
    bytes[out->size] = '\0';
    return bytes;
}

static const char *of_kind(const char *kind, const char *agent, const char *in_app) {
    struct buf out = begin();
    explain_kind(slice_of(kind), slice_of(agent), slice_of(in_app), &out);
    return end(&out);
}

static const char *of_rule(const char *rule, const char *in_app) {
    struct buf out = begin();
    explain_rule(slice_of(rule), slice_of(in_app), &out);
    return end(&out);
}

static void no_word_of_ours_is_unknown(void **state) {
    (void)state;
    for (int i = 0; i < TAP_OUTCOME_COUNT; i++) {
        struct buf out = begin();
        explain_outcome(slice_of(tap_outcome_name((enum tap_outcome)i)), &out);
        assert_null(strstr(end(&out), "nothing is known"));
    }
    for (int i = 0; i < TAP_KIND_COUNT; i++) {
        assert_null(strstr(of_kind(tap_kind_name((enum tap_kind)i), "x", ""), "nothing is known"));
    }
    for (int i = 0; i < CHECK_REASON_COUNT; i++) {
        struct buf out = begin();
        explain_reason(slice_of(check_reason_name((enum check_reason)i)), &out);
        assert_null(strstr(end(&out), "nothing is known"));
    }
    static const char *const deciders[] = {"url", "rule",    "android",  "ios",
                                           "web", "desktop", "fallback", "default"};
    for (size_t i = 0; i < ARRAY_COUNT(deciders); i++) {
        assert_null(strstr(of_rule(deciders[i], ""), "nothing is known"));
    }
    static const char *const statuses[] = {"verified", "unverified", "forged", "waiting"};
    for (size_t i = 0; i < ARRAY_COUNT(statuses); i++) {
        struct buf out = begin();
        explain_status(slice_of(statuses[i]), &out);
        assert_null(strstr(end(&out), "nothing is known"));
    }
}

static void a_kind_says_what_it_was_known_by(void **state) {
    (void)state;
    assert_string_equal(of_kind("human", "", "instagram"),
                        "a person, by a browser's User-Agent, inside the app instagram: a click");
    assert_string_equal(of_kind("bot", "(empty)", ""),
                        "it sent no User-Agent, which browsers always do: a crawler, monitor or "
                        "HTTP library, never a click");
    assert_non_null(strstr(of_kind("bot", "(unknown)", ""), "neither a platform nor"));
    assert_non_null(strstr(of_kind("bot", "", ""), "by its User-Agent: "));
    assert_non_null(strstr(of_kind("preview", "whatsapp/", ""), "has \"whatsapp/\""));
}

static void a_rule_says_which_and_in_what_way(void **state) {
    (void)state;
    assert_string_equal(of_rule("rule:mx-ios", ""), "the campaign's rule \"mx-ios\" fitted first");
    assert_non_null(
        strstr(of_rule("rule:a+button", "tiktok"), "inside tiktok opens the store only"));
    assert_non_null(strstr(of_rule("android+intent", "instagram"), "as an intent: URL"));
    assert_non_null(strstr(of_rule("android+teleport", ""), "by way of \"teleport\""));
    assert_string_equal(of_rule("", ""), "nothing was chosen: an error page");
}

static void words_of_nobody_are_shown_cut(void **state) {
    (void)state;
    static char longest[1000];
    memset(longest, 'w', sizeof(longest) - 1);
    struct buf out = begin();
    explain_outcome(slice_of(longest), &out);
    assert_in_range(strlen(end(&out)), 80, 120);
    assert_string_equal(of_rule("magic:x", ""), "nothing is known of the word \"magic\"");
    assert_string_equal(of_kind("ghost", "", ""), "nothing is known of the word \"ghost\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_word_of_ours_is_unknown),
        cmocka_unit_test(a_kind_says_what_it_was_known_by),
        cmocka_unit_test(a_rule_says_which_and_in_what_way),
        cmocka_unit_test(words_of_nobody_are_shown_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
