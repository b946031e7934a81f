/* apply.h: people, first codes and lists at their limits, and the small scripts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "apply_fixture.h"
#include "stats/keys.h"

#define LINK "brinco:stats:link:AB12CD:" DAY

/* ---- people ---- */

static void a_link_lists_eight_visitors_and_counts_more(void **state) {
    struct bench *b = *state;
    for (uint64_t i = 1; i <= STATS_PEOPLE_MAX; i++) {
        bench_tap(b, &(struct tap){.visitor = i});
        bench_tap(b, &(struct tap){.visitor = i}); /* again: the same person */
        expect_number(b, "HSTRLEN " LINK " @", (int64_t)i * STATS_VISITOR_BYTES);
    }
    expect_number(b, "EXISTS brinco:unique:link:AB12CD:" DAY, 0);
    bench_tap(b, &(struct tap){.visitor = 9});
    expect_text(b, "HGET " LINK " @", SLICE("H"));
    expect_number(b, "PFCOUNT brinco:unique:link:AB12CD:" DAY, 9);
    bench_tap(b, &(struct tap){.visitor = 10});
    expect_text(b, "HGET " LINK " @", SLICE("H"));
    expect_number(b, "PFCOUNT brinco:unique:link:AB12CD:" DAY, 10);
    expect_text(b, "HGET " LINK " =spring", SLICE("18"));
}

static void many_visitors_at_once_are_counted_at_once(void **state) {
    struct bench *b = *state;
    for (uint64_t i = 0; i < 500; i++) {
        take_tap(b->fold, i + 1, &(struct tap){.visitor = i % 20});
    }
    bench_apply(b, NULL);
    expect_text(b, "HGET " LINK " @", SLICE("H"));
    expect_number(b, "PFCOUNT brinco:unique:link:AB12CD:" DAY, 20);
    expect_number(b, "PFCOUNT brinco:unique:all:" DAY, 20);
}

static void a_visitor_is_eight_bytes_big_endian(void **state) {
    struct bench *b = *state;
    bench_tap(b, &(struct tap){.visitor = UINT64_C(0x4142434445464748)});
    expect_text(b, "HGET " LINK " @", SLICE("ABCDEFGH"));
    expect_number(b, "PFADD brinco:unique:all:" DAY " ABCDEFGH", 0);
}

/* Who is left out because nothing would change, changes nothing: batches of visitors with and
 * without that memory make the same sets, exactly. */
static void remembering_people_changes_no_number(void **state) {
    struct bench *b = *state;
    char without[41], with[41];
    for (int turn = 0; turn < 2; turn++) {
        struct fold_people *people = turn == 1 ? fold_people_create() : NULL;
        uint64_t visitor = 0;
        admin_ask(b->admin, "FLUSHALL");
        b->mark = (struct apply_mark){0};
        for (int batch = 0; batch < 30; batch++) {
            for (uint64_t i = 0; i < 2000; i++) {
                char code[16];
                visitor = visitor * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                snprintf(code, sizeof(code), "c%lu", (unsigned long)(i % 20 * (i % 20)));
                take_tap(b->fold, b->mark.id.sequence + i + 1,
                         &(struct tap){.visitor = (visitor >> 20) % 30000, .code = code});
            }
            assert_int_equal(bench_apply(b, people), APPLY_DONE);
        }
        bench_digest(b, "brinco:", turn == 0 ? without : with);
        fold_people_destroy(&people);
    }
    assert_string_equal(without, with);
}

/* ---- the first codes ---- */

static void the_first_codes_are_exact_and_bounded(void **state) {
    enum { CODES = STATS_TOP_MAX + 200 };
    struct bench *b = *state;
    for (uint64_t round = 0; round < 3; round++) {
        uint64_t sequence = b->mark.id.sequence;
        for (uint64_t i = 0; i < CODES; i++) {
            char code[16];
            snprintf(code, sizeof(code), "c%lu", (unsigned long)i);
            for (uint64_t taps = 0; taps < (round == 2 && i < 300 ? 5 : 1); taps++) {
                take_tap(b->fold, ++sequence, &(struct tap){.visitor = i, .code = code});
            }
        }
        bench_apply(b, NULL);
    }
    expect_number(b, "ZCARD brinco:top:all:" DAY, STATS_TOP_MAX);
    expect_number(b, "ZCARD brinco:top:campaign:spring:" DAY, STATS_TOP_MAX);
    expect_number(b, "ZCOUNT brinco:top:all:" DAY " 7 7", 300);
    expect_number(b, "ZCOUNT brinco:top:campaign:spring:" DAY " 3 3", STATS_TOP_MAX - 300);
    /* One that was not among them, and now is. */
    for (int i = 0; i < 10; i++) {
        bench_tap(b, &(struct tap){.code = "late"});
    }
    expect_text(b, "ZSCORE brinco:top:all:" DAY " late\tspring", SLICE("10"));
    expect_number(b, "ZREVRANK brinco:top:campaign:spring:" DAY " late", 0);
    expect_number(b, "ZCARD brinco:top:all:" DAY, STATS_TOP_MAX);
}

/* ---- lists ---- */

/* Taps with a source of their own each, of one campaign, in batches. */
static void spam(struct bench *b, uint64_t taps, const char *country) {
    for (uint64_t i = 0; i < taps;) {
        uint64_t sequence = b->mark.id.sequence;
        for (uint64_t j = 0; j < 2000 && i < taps; i++, j++) {
            char source[32];
            snprintf(source, sizeof(source), "spam-%lu-%s", (unsigned long)i, country);
            take_tap(b->fold, ++sequence,
                     &(struct tap){
                         .source = source, .country = country, .campaign = "spam", .code = "SPAM"});
        }
        assert_int_equal(bench_apply(b, NULL), APPLY_DONE);
    }
}

static int64_t length(struct bench *b, const char *key) {
    char words[128];
    snprintf(words, sizeof(words), "HLEN %s", key);
    return redis_reply_integer(admin_ask(b->admin, words));
}

static void spam_fills_its_own_lists_and_costs_nobody_a_country(void **state) {
    struct bench *b = *state;
    bench_tap(b, &(struct tap){.source = "flyer"});
    spam(b, 60000, "MX");
    assert_in_range(length(b, "brinco:stats:link:SPAM:" DAY), 1000, 1010);
    assert_in_range(length(b, "brinco:stats:campaign:spam:" DAY), 5000, 5010);
    assert_in_range(length(b, "brinco:stats:campaign:spam:" DAY ":h"), 24000, 24010);
    assert_in_range(length(b, "brinco:stats:all:" DAY), 10000, 10010);
    assert_in_range(length(b, "brinco:stats:all:" DAY ":h"), 48000, 48010);
    expect_text(b, "HGET brinco:stats:campaign:spam:" DAY " -000MX\tCMX\tchrome\t\tes-MX\t\t\1",
                SLICE("55000"));
    expect_text(b, "HGET brinco:stats:index:" DAY " spam\t0", SLICE("60000"));
    expect_text(b, "HGET brinco:stats:index:" DAY " \1", SLICE("50001")); /* of the whole's lists */

    /* Others, in other campaigns and countries, are counted as ever. */
    bench_tap(b, &(struct tap){.source = "flyer"});
    bench_tap(b,
              &(struct tap){.country = "GT", .region = "GU", .campaign = "spam", .code = "SPAM"});
    expect_text(b,
                "HGET brinco:stats:campaign:spring:" DAY " -000MX\tCMX\tchrome\t\tes-MX\t\tflyer",
                SLICE("2"));
    expect_text(b, "HGET brinco:stats:campaign:spam:" DAY " -000GT\tGU\tchrome\t\tes-MX\t\t",
                SLICE("1"));
    expect_text(b, "HGET brinco:stats:all:" DAY " -000GT\tGU\tchrome\t\tes-MX\t\t", SLICE("1"));
}

/* Languages are what clients say, too: then region, browser, app and language are given up, and the
 * country when there are too many of these. No hash grows beyond half more than its limit, but for
 * what the vocabularies allow. */
static void every_list_is_bounded_and_no_tap_is_lost(void **state) {
    enum { TAPS = 4000 };
    struct bench *b = *state;
    for (uint64_t i = 0; i < TAPS;) {
        uint64_t sequence = b->mark.id.sequence;
        for (uint64_t j = 0; j < 400; i++, j++) {
            char language[32], country[32];
            snprintf(language, sizeof(language), "l%lu", (unsigned long)i);
            snprintf(country, sizeof(country), "C%lu", (unsigned long)(i / 2));
            take_tap(b->fold, ++sequence, &(struct tap){.language = language, .country = country});
        }
        assert_int_equal(bench_apply(b, NULL), APPLY_DONE);
    }
    assert_in_range(length(b, LINK), 1500, 1510);
    expect_text(b, "HGET " LINK " =spring", SLICE("4000"));
    const struct redis_reply *all = admin_ask(b->admin, "HGETALL " LINK);
    uint64_t sum = 0, without_country = 0;
    for (size_t i = 0; i + 1 < redis_reply_count(all); i += 2) {
        struct cell cell;
        uint64_t count = 0;
        if (cell_decode(redis_reply_text(redis_reply_at(all, i)), &cell)) {
            assert_true(
                slice_to_u64(redis_reply_text(redis_reply_at(all, i + 1)), UINT64_MAX, &count));
            sum += count;
            without_country += slice_equal(cell.text[CELL_COUNTRY], SLICE("\1")) ? count : 0;
        }
    }
    assert_int_equal(sum, TAPS);
    assert_in_range(without_country, 1000, TAPS - 1500);
}

/* ---- the small scripts ---- */

static struct apply_answer call(struct bench *b, enum apply_script script,
                                const struct slice *arguments) {
    struct apply_answer answer;
    if (apply_call(b->apply, script, arguments, &answer, &b->err) != APPLY_DONE) {
        fail_msg("%s", b->err.text);
    }
    return answer;
}

static void add_entries(struct bench *b, uint64_t first_ms, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        char words[96];
        snprintf(words, sizeof(words), "XADD " STREAM " %lu-%lu a b", (unsigned long)(first_ms + i),
                 (unsigned long)(i + 1));
        assert_false(redis_reply_is_error(admin_ask(b->admin, words)));
    }
}

static int64_t trim(struct bench *b, const char *before_ms) {
    struct slice arguments[] = {SLICE("brinco:"), SLICE(STREAM), slice_of(before_ms),
                                SLICE("100000")};
    return call(b, APPLY_TRIM, arguments).number;
}

static void only_what_is_counted_and_old_is_trimmed(void **state) {
    struct bench *b = *state;
    add_entries(b, 1000, 1000);
    assert_int_equal(trim(b, "999999"), 0); /* nothing is counted */
    admin_ask(b->admin, "HSET brinco:mark " STREAM " nonsense");
    assert_int_equal(trim(b, "999999"), 0);
    admin_ask(b->admin, "HSET brinco:mark " STREAM " 1500-501");
    assert_int_equal(trim(b, "1000"), 0); /* nothing is old */
    assert_in_range(trim(b, "1300"), 200, 300);
    assert_in_range(trim(b, "999999"), 200, 300);
    expect_number(b, "XLEN " STREAM, 500); /* whole nodes of a hundred */
    const struct redis_reply *first =
        admin_ask(b->admin, "XRANGE " STREAM " 1500-501 1500-501 COUNT 1");
    assert_int_equal(redis_reply_count(first), 1);
}

static int64_t let_go(struct bench *b, const char *since_ms) {
    struct slice arguments[] = {SLICE("brinco:"), SLICE(STREAM), slice_of(since_ms)};
    return call(b, APPLY_FORGET, arguments).number;
}

static void a_stream_is_let_go_of_when_it_is_silent_and_counted(void **state) {
    struct bench *b = *state;
    add_entries(b, 1000, 10);
    admin_ask(b->admin, "SADD brinco:streams " STREAM);
    assert_int_equal(let_go(b, "5000"), 0); /* no mark */
    admin_ask(b->admin, "HSET brinco:mark " STREAM " 1008-9");
    assert_int_equal(let_go(b, "5000"), 0); /* one is not counted */
    admin_ask(b->admin, "HSET brinco:mark " STREAM " 1009-10");
    admin_ask(b->admin, "HSET brinco:pending " STREAM " x");
    assert_int_equal(let_go(b, "5000"), 0); /* nor is a batch that is half written */
    admin_ask(b->admin, "DEL brinco:pending");
    assert_int_equal(let_go(b, "1009"), 0); /* its last entry is not old enough */
    struct slice heard[] = {SLICE("HSET"), SLICE("brinco:heard"), SLICE(STREAM), SLICE("6000 up")};
    assert_non_null(redis_pipe_command(b->admin, 4, heard, &b->err));
    assert_int_equal(let_go(b, "5000"), 0); /* its edge was heard since */
    assert_int_equal(let_go(b, "7000"), 1);
    expect_number(b, "XLEN " STREAM, 0);
    expect_number(b, "EXISTS " STREAM, 1); /* its last id stays, */
    assert_true(redis_reply_is_error(admin_ask(b->admin, "XADD " STREAM " 1009-10 a b")));
    expect_text(b, "HGET brinco:mark " STREAM, SLICE("1009-10")); /* and its mark */
    expect_number(b, "SISMEMBER brinco:streams " STREAM, 0);
    expect_number(b, "HEXISTS brinco:heard " STREAM, 0);
    assert_int_equal(let_go(b, "7000"), 1); /* doing it twice is no harm */
}

static void a_stream_that_was_only_announced_is_let_go_of(void **state) {
    struct bench *b = *state;
    admin_ask(b->admin, "SADD brinco:streams " STREAM);
    assert_int_equal(let_go(b, "5000"), 0); /* perhaps a moment ago */
    struct slice heard[] = {SLICE("HSET"), SLICE("brinco:heard"), SLICE(STREAM), SLICE("4000 up")};
    assert_non_null(redis_pipe_command(b->admin, 4, heard, &b->err));
    assert_int_equal(let_go(b, "5000"), 1);
    expect_number(b, "EXISTS brinco:streams", 0);
    expect_number(b, "EXISTS " STREAM, 0);
}

static void the_hours_of_a_large_link_become_the_day(void **state) {
    struct bench *b = *state;
    struct slice arguments[] = {SLICE("brinco:"), SLICE("AB12CD"), SLICE(DAY)};
    for (uint64_t hour = 0; hour < 8; hour++) {
        for (uint64_t i = 0; i < 20; i++) {
            char source[16];
            snprintf(source, sizeof(source), "s%lu", (unsigned long)i);
            take_tap(b->fold, b->mark.id.sequence + i + 1,
                     &(struct tap){
                         .at_ms = noon_ms + hour * 3600 * 1000, .source = source, .visitor = i});
        }
        bench_apply(b, NULL);
    }
    expect_number(b, "HLEN " LINK, 8 * 20 + 2);
    expect_number(b, "SISMEMBER brinco:stats:large:" DAY " AB12CD", 1);
    int64_t expires =
        redis_reply_integer(admin_ask(b->admin, "EXPIRETIME brinco:stats:large:" DAY));
    expect_number(b, "EXPIRETIME " LINK, expires);
    assert_int_equal(call(b, APPLY_COMPACT, arguments).number, 7 * 20);
    for (int turn = 0; turn < 2; turn++) {
        expect_number(b, "HLEN " LINK, 20 + 2);
        expect_text(b, "HGET " LINK " -000MX\tCMX\tchrome\t\tes-MX\t\ts7", SLICE("8"));
        expect_text(b, "HGET " LINK " =spring", SLICE("160"));
        expect_text(b, "HGET " LINK " @", SLICE("H"));
        expect_number(b, "EXPIRETIME " LINK, expires);
        expect_number(b, "EXISTS brinco:stats:large:" DAY, 0);
        assert_int_equal(call(b, APPLY_COMPACT, arguments).number, 0); /* and once more */
    }
    /* What comes late is added the next time. */
    bench_tap(b, &(struct tap){.at_ms = noon_ms + 8 * 3600 * 1000, .source = "s7"});
    call(b, APPLY_COMPACT, arguments);
    expect_text(b, "HGET " LINK " -000MX\tCMX\tchrome\t\tes-MX\t\ts7", SLICE("9"));
}

static void compacting_leaves_what_it_does_not_understand(void **state) {
    struct bench *b = *state;
    struct slice arguments[] = {SLICE("brinco:"), SLICE("AB12CD"), SLICE(DAY)};
    admin_ask(b->admin, "SADD brinco:stats:large:" DAY " AB12CD");
    admin_ask(b->admin, "SET " LINK " x");
    assert_int_equal(call(b, APPLY_COMPACT, arguments).number, 0);
    expect_number(b, "EXISTS brinco:stats:large:" DAY, 0);
    admin_ask(b->admin, "DEL " LINK);
    admin_ask(b->admin, "HSET " LINK " a000x many abc 5 a000y 2 b000y 3");
    assert_int_equal(call(b, APPLY_COMPACT, arguments).number, 1);
    expect_text(b, "HGET " LINK " a000x", SLICE("many"));
    expect_text(b, "HGET " LINK " abc", SLICE("5"));
    expect_text(b, "HGET " LINK " -000y", SLICE("5"));
}

static void an_entry_too_large_to_read_is_found(void **state) {
    struct bench *b = *state;
    struct slice arguments[] = {SLICE(STREAM), SLICE("0-0"), SLICE("20")};
    assert_string_equal(call(b, APPLY_HUGE, arguments).text, "");
    admin_ask(b->admin, "XADD " STREAM " 5-1 a 0123456789012345678");
    assert_string_equal(call(b, APPLY_HUGE, arguments).text, "");
    admin_ask(b->admin, "XADD " STREAM " 5-2 a 01234567890123456789");
    assert_string_equal(call(b, APPLY_HUGE, arguments).text, "");
    arguments[1] = SLICE("5-1");
    assert_string_equal(call(b, APPLY_HUGE, arguments).text, "5-2");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BENCH_TEST(a_link_lists_eight_visitors_and_counts_more),
        BENCH_TEST(many_visitors_at_once_are_counted_at_once),
        BENCH_TEST(a_visitor_is_eight_bytes_big_endian),
        BENCH_TEST(remembering_people_changes_no_number),
        BENCH_TEST(the_first_codes_are_exact_and_bounded),
        BENCH_TEST(spam_fills_its_own_lists_and_costs_nobody_a_country),
        BENCH_TEST(every_list_is_bounded_and_no_tap_is_lost),
        BENCH_TEST(only_what_is_counted_and_old_is_trimmed),
        BENCH_TEST(a_stream_is_let_go_of_when_it_is_silent_and_counted),
        BENCH_TEST(a_stream_that_was_only_announced_is_let_go_of),
        BENCH_TEST(the_hours_of_a_large_link_become_the_day),
        BENCH_TEST(compacting_leaves_what_it_does_not_understand),
        BENCH_TEST(an_entry_too_large_to_read_is_found),
    };
    return cmocka_run_group_tests(tests, bench_start, bench_stop);
}
