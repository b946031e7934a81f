/* apply.h: batches in a real Redis, written whole, in parts, once, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "apply_fixture.h"

enum { TAPS = 6000 };

static void every_rollup_gets_its_numbers(void **state) {
    struct bench *b = *state;
    take_tap(b->fold, 1, &(struct tap){.visitor = 1});
    take_tap(b->fold, 2, &(struct tap){.visitor = 2});
    take_tap(b->fold, 3, &(struct tap){.visitor = 1, .code = "EF34GH"});
    take_tap(b->fold, 4, &(struct tap){.kind = "preview"});
    take_tap(b->fold, 5, &(struct tap){.code = "no", .campaign = "", .outcome = "not_found"});
    take_tap(b->fold, 6, &(struct tap){.kind = "nonsense"});
    assert_int_equal(bench_apply(b, NULL), APPLY_DONE);
    assert_int_equal(b->outcome.damaged, 0);
    assert_int_equal(b->outcome.folded, 0);
    expect_text(b, "HGET brinco:mark " STREAM, SLICE("1795284000000-6"));
    expect_text(b, "GET brinco:stats:zone", SLICE("America/Mexico_City"));
    expect_text(b, "HGET brinco:stats:total " STREAM, SLICE("6"));
    expect_text(b, "HGET brinco:stats:streams:" DAY " " STREAM, SLICE("6"));
    expect_text(b, "HGET brinco:stats:streams:" DAY " " STREAM "\tmalformed", SLICE("1"));
    expect_text(b, "HGET brinco:stats:index:" DAY " spring\t0", SLICE("3"));
    expect_text(b, "HGET brinco:stats:index:" DAY " spring\t1", SLICE("1"));
    expect_text(b, "HGET brinco:stats:index:" DAY " \t0", SLICE("1"));
    expect_text(b, "HGET brinco:stats:all:" DAY " -000MX\tCMX\tchrome\t\tes-MX\t\t", SLICE("3"));
    expect_text(b, "HGET brinco:stats:all:" DAY " -080MX\tCMX\tchrome\t\tes-MX\t\t", SLICE("1"));
    expect_text(b, "HGET brinco:stats:all:" DAY ":h m100MX\tCMX\tchrome\t\tes-MX\t\t", SLICE("1"));
    expect_text(b, "HGET brinco:stats:campaign:spring:" DAY " -000MX\tCMX\tchrome\t\tes-MX\t\t",
                SLICE("3"));
    expect_text(b, "HGET brinco:stats:campaign:spring:" DAY ":h m000MX\tCMX\tchrome\t\tes-MX\t\t",
                SLICE("3"));
    expect_text(b, "HGET brinco:stats:link:AB12CD:" DAY " m000MX\tCMX\tchrome\t\tes-MX\t\t",
                SLICE("2"));
    expect_text(b, "HGET brinco:stats:link:AB12CD:" DAY " =spring", SLICE("2"));
    expect_number(b, "HLEN brinco:stats:link:AB12CD:" DAY, 4); /* two cells, = and @ */
    expect_number(b, "EXISTS brinco:stats:link:no:" DAY, 0);
    expect_number(b, "PFCOUNT brinco:unique:all:" DAY, 3); /* visitor 0 tapped what is no link */
    expect_number(b, "PFCOUNT brinco:unique:campaign:spring:" DAY, 2);
    expect_text(b, "ZSCORE brinco:top:all:" DAY " AB12CD\tspring", SLICE("2"));
    expect_text(b, "ZSCORE brinco:top:campaign:spring:" DAY " EF34GH", SLICE("1"));
    expect_number(b, "EXISTS brinco:pending", 0);
}

static void batches_add_up(void **state) {
    struct bench *b = *state;
    for (uint64_t i = 0; i < 5; i++) {
        assert_int_equal(bench_tap(b, &(struct tap){.visitor = i}), APPLY_DONE);
    }
    expect_text(b, "HGET brinco:stats:total " STREAM, SLICE("5"));
    expect_text(b, "HGET brinco:stats:all:" DAY " -000MX\tCMX\tchrome\t\tes-MX\t\t", SLICE("5"));
    expect_text(b, "HGET brinco:stats:link:AB12CD:" DAY " m000MX\tCMX\tchrome\t\tes-MX\t\t",
                SLICE("5"));
    expect_text(b, "ZSCORE brinco:top:all:" DAY " AB12CD\tspring", SLICE("5"));
}

static void keys_expire_with_their_day(void **state) {
    struct bench *b = *state;
    const int64_t day_end_s = (int64_t)(noon_ms / 1000) + 12 * 3600;
    const int64_t day_s = day_end_s + RETAIN_DAYS * 86400, hours_s = day_end_s + 90 * 86400;
    for (uint64_t i = 0; i < 9; i++) {
        bench_tap(b, &(struct tap){.visitor = i});
    }
    expect_number(b, "EXPIRETIME brinco:stats:all:" DAY, day_s);
    expect_number(b, "EXPIRETIME brinco:stats:all:" DAY ":h", hours_s);
    expect_number(b, "EXPIRETIME brinco:stats:campaign:spring:" DAY, day_s);
    expect_number(b, "EXPIRETIME brinco:stats:campaign:spring:" DAY ":h", hours_s);
    expect_number(b, "EXPIRETIME brinco:stats:link:AB12CD:" DAY, day_s);
    expect_number(b, "EXPIRETIME brinco:unique:all:" DAY, day_s);
    expect_number(b, "EXPIRETIME brinco:unique:campaign:spring:" DAY, day_s);
    expect_number(b, "EXPIRETIME brinco:unique:link:AB12CD:" DAY, day_s);
    expect_number(b, "EXPIRETIME brinco:top:all:" DAY, day_s);
    expect_number(b, "EXPIRETIME brinco:top:campaign:spring:" DAY, day_s);
    expect_number(b, "EXPIRETIME brinco:stats:streams:" DAY, day_s);
    expect_number(b, "EXPIRETIME brinco:stats:index:" DAY, day_s);
    expect_number(b, "TTL brinco:mark", -1);
    expect_number(b, "TTL brinco:stats:total", -1);
}

static void another_mark_writes_nothing(void **state) {
    struct bench *b = *state;
    char before[41], after[41];
    bench_tap(b, &(struct tap){0});
    admin_ask(b->admin, "HSET brinco:mark " STREAM " 9-9");
    bench_digest(b, "brinco:", before);
    assert_int_equal(bench_tap(b, &(struct tap){0}), APPLY_OTHER_MARK);
    assert_string_equal(b->outcome.mark, "9-9");
    assert_string_equal(b->outcome.pending, "");
    bench_digest(b, "brinco:", after);
    assert_string_equal(before, after);
    admin_ask(b->admin, "FLUSHALL");
    assert_int_equal(bench_tap(b, &(struct tap){0}), APPLY_OTHER_MARK);
    assert_string_equal(b->outcome.mark, "");
    expect_number(b, "DBSIZE", 0);
}

static void another_zone_writes_nothing(void **state) {
    struct bench *b = *state;
    admin_ask(b->admin, "SET brinco:stats:zone Europe/Berlin");
    assert_int_equal(bench_tap(b, &(struct tap){0}), APPLY_OTHER_ZONE);
    assert_string_equal(b->outcome.zone, "Europe/Berlin");
    expect_number(b, "DBSIZE", 1);
}

static void scripts_that_redis_forgot_are_sent_again(void **state) {
    struct bench *b = *state;
    struct apply_answer answer;
    admin_ask(b->admin, "SCRIPT FLUSH");
    assert_int_equal(bench_tap(b, &(struct tap){0}), APPLY_DONE);
    admin_ask(b->admin, "SCRIPT FLUSH");
    struct slice arguments[] = {SLICE("brinco:"), SLICE(STREAM), SLICE("1"), SLICE("100")};
    assert_int_equal(apply_call(b->apply, APPLY_TRIM, arguments, &answer, &b->err), APPLY_DONE);
    expect_text(b, "HGET brinco:stats:total " STREAM, SLICE("1"));
}

static void out_of_memory_or_read_only_writes_nothing(void **state) {
    struct bench *b = *state;
    struct apply_mark before;
    char full[41], then[41];
    bench_tap(b, &(struct tap){0});
    before = b->mark;
    bench_digest(b, "brinco:", full);
    admin_ask(b->admin, "CONFIG SET maxmemory 1");
    assert_int_equal(bench_tap(b, &(struct tap){0}), APPLY_REFUSED);
    assert_non_null(strstr(b->err.text, "OOM"));
    admin_ask(b->admin, "CONFIG SET maxmemory 0");
    admin_ask(b->admin, "REPLICAOF 127.0.0.1 1");
    assert_int_equal(bench_tap(b, &(struct tap){0}), APPLY_REFUSED);
    assert_non_null(strstr(b->err.text, "READONLY"));
    admin_ask(b->admin, "REPLICAOF NO ONE");
    bench_digest(b, "brinco:", then);
    assert_string_equal(full, then);
    b->mark = before;
    assert_int_equal(bench_tap(b, &(struct tap){0}), APPLY_DONE);
    expect_text(b, "HGET brinco:stats:total " STREAM, SLICE("2"));
}

/* What cannot be added to is left as it is and named; everything else is counted, and once. */
static void damage_neither_stops_counting_nor_counts_twice(void **state) {
    static const struct {
        const char *damage;
        const char *where;
    } cases[] = {
        {"SET brinco:stats:link:AB12CD:" DAY " x", "brinco:stats:link:AB12CD:" DAY},
        {"HSET brinco:stats:link:AB12CD:" DAY " =spring x", "=spring"},
        {"HSET brinco:stats:link:AB12CD:" DAY " @ x", "@"},
        {"HSET brinco:stats:all:" DAY " -000MX\tCMX\tchrome\t\tes-MX\t\t 1.5", "-000MX"},
        {"SET brinco:stats:all:" DAY ":h x", "stats:all:" DAY ":h"},
        {"LPUSH brinco:top:all:" DAY " x", "top:all"},
        {"LPUSH brinco:unique:all:" DAY " x", "unique:all"},
        {"SET brinco:stats:index:" DAY " x", "stats:index"},
        {"SET brinco:stats:streams:" DAY " x", "stats:streams"},
        {"HSET brinco:stats:campaign:spring:" DAY " -000MX\tCMX\tchrome\t\tes-MX\t\t "
         "99999999999999999999",
         "campaign:spring"},
    };
    struct bench *b = *state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        admin_ask(b->admin, "FLUSHALL");
        b->mark = (struct apply_mark){0};
        bench_tap(b, &(struct tap){0});
        struct slice key = slice_of(cases[i].damage);
        if (!slice_starts_with(key, SLICE("HSET"))) {
            char del[128];
            slice_split(&key, ' ');
            struct slice name = slice_split(&key, ' ');
            snprintf(del, sizeof(del), "DEL %.*s", SLICE_ARG(name));
            admin_ask(b->admin, del);
        }
        assert_false(redis_reply_is_error(admin_ask(b->admin, cases[i].damage)));
        assert_int_equal(bench_tap(b, &(struct tap){.code = "EF34GH"}), APPLY_DONE);
        assert_int_equal(bench_tap(b, &(struct tap){0}), APPLY_DONE);
        assert_true(b->outcome.damaged > 0);
        if (strstr(b->outcome.where, cases[i].where) == NULL) {
            fail_msg("'%s' does not name %s", b->outcome.where, cases[i].where);
        }
        expect_text(b, "HGET brinco:mark " STREAM, SLICE("1795284000000-3"));
        expect_text(b, "HGET brinco:stats:total " STREAM, SLICE("3"));
        expect_text(b, "HGET brinco:stats:link:EF34GH:" DAY " m000MX\tCMX\tchrome\t\tes-MX\t\t",
                    SLICE("1"));
    }
}

/* Taps from .. to of many links, so that they need more than one part. */
static void fold_many(struct fold *fold, uint64_t from, uint64_t to) {
    for (uint64_t i = from; i < to; i++) {
        char code[16], region[16], campaign[16];
        snprintf(code, sizeof(code), "c%lu", (unsigned long)(i % 900));
        snprintf(region, sizeof(region), "R%lu", (unsigned long)(i * i % 31));
        snprintf(campaign, sizeof(campaign), "k%lu", (unsigned long)(i % 900 % 7));
        take_tap(fold, i + 1,
                 &(struct tap){.visitor = i * UINT64_C(0x9E3779B97F4A7C15) % 5000,
                               .code = code,
                               .region = region,
                               .campaign = campaign,
                               .kind = i % 11 == 0 ? "bot" : NULL,
                               .outcome = i % 13 == 0 ? "default" : NULL});
    }
}

static void a_batch_in_parts_is_the_same_as_many_small_ones(void **state) {
    struct bench *b = *state;
    char whole[41], pieces[41];
    fold_many(b->fold, 0, TAPS);
    assert_in_range(fold_parts(b->fold), 2, 100);
    assert_int_equal(bench_apply(b, NULL), APPLY_DONE);
    expect_number(b, "EXISTS brinco:pending", 0);
    bench_digest(b, "brinco:", whole);
    admin_ask(b->admin, "FLUSHALL");
    b->mark = (struct apply_mark){0};
    for (uint64_t i = 0; i < TAPS; i += 100) {
        fold_many(b->fold, i, i + 100);
        assert_int_equal(bench_apply(b, NULL), APPLY_DONE);
    }
    bench_digest(b, "brinco:", pieces);
    assert_string_equal(whole, pieces);
}

/* Killed after each of its parts, and gone on with by somebody else. */
static void a_batch_that_is_half_written_is_finished_by_whoever_comes(void **state) {
    struct bench *b = *state;
    char whole[41];
    fold_many(b->fold, 0, TAPS);
    uint32_t parts = fold_parts(b->fold);
    struct entry_id last = fold_summary(b->fold)->last;
    bench_apply(b, NULL);
    bench_digest(b, "brinco:", whole);
    for (uint32_t written = 1; written < parts; written++) {
        char text[64], pending[64], resumed[41];
        char id[ENTRY_ID_BYTES];
        admin_ask(b->admin, "FLUSHALL");
        b->mark = (struct apply_mark){0};
        fold_many(b->fold, 0, TAPS);
        bench_pack(b, NULL);
        for (uint32_t i = 0; i < written; i++) {
            assert_int_equal(bench_send(b), APPLY_DONE);
        }
        expect_number(b, "HEXISTS brinco:mark " STREAM, 0);
        snprintf(pending, sizeof(pending), "%.*s %u %u", SLICE_ARG(entry_id_format(last, id)),
                 parts, written);
        snprintf(text, sizeof(text), "HGET brinco:pending " STREAM);
        expect_text(b, text, slice_of(pending));

        bench_close(b);
        bench_open(b, SLICE("brinco:"));
        assert_true(apply_mark_parse(SLICE_EMPTY, slice_of(pending), &b->mark));
        fold_many(b->fold, 0, TAPS);
        assert_int_equal(bench_apply(b, NULL), APPLY_DONE);
        bench_digest(b, "brinco:", resumed);
        assert_string_equal(whole, resumed);
    }
}

static void of_two_who_write_parts_one_is_told(void **state) {
    struct bench *b = *state;
    fold_many(b->fold, 0, TAPS);
    bench_pack(b, NULL);
    assert_int_equal(bench_send(b), APPLY_DONE);
    assert_int_equal(bench_send(b), APPLY_DONE);
    fold_clear(b->fold);
    fold_many(b->fold, 0, TAPS);
    bench_pack(b, NULL); /* from the beginning, as somebody who has not looked */
    assert_int_equal(bench_send(b), APPLY_OTHER_MARK);
    assert_string_equal(b->outcome.mark, "");
    assert_true(apply_mark_parse(SLICE_EMPTY, slice_of(b->outcome.pending), &b->mark));
    assert_int_equal(b->mark.written, 2);
    b->mark = (struct apply_mark){0}; /* nor may a batch of other entries come in between */
    assert_int_equal(bench_tap(b, &(struct tap){0}), APPLY_OTHER_MARK);
}

static void marks_are_read_as_we_write_them(void **state) {
    struct apply_mark mark;
    (void)state;
    assert_true(apply_mark_parse(SLICE_EMPTY, SLICE_EMPTY, &mark));
    assert_false(mark.has_id);
    assert_true(apply_mark_parse(SLICE("5-1"), SLICE("5-9 32 7"), &mark));
    assert_true(mark.has_id);
    assert_int_equal(mark.id.sequence, 1);
    assert_int_equal(mark.batch_last.sequence, 9);
    assert_int_equal(mark.parts, 32);
    assert_int_equal(mark.written, 7);
    static const char *const marks[] = {
        "5", "05-1", "5-1 ", "x", "5-1-1", "-", "99999999999999999999-1"};
    for (size_t i = 0; i < ARRAY_COUNT(marks); i++) {
        assert_false(apply_mark_parse(slice_of(marks[i]), SLICE_EMPTY, &mark));
    }
    static const char *const pending[] = {"5-9",      "5-9 32",   "5-9 32 0",  "5-9 32 32",
                                          "5-1 32 7", "4-9 32 7", "5-9 300 7", "5-9 32 7 ",
                                          "5-9 x 7",  "5-09 32 7"};
    for (size_t i = 0; i < ARRAY_COUNT(pending); i++) {
        assert_false(apply_mark_parse(SLICE("5-1"), slice_of(pending[i]), &mark));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BENCH_TEST(every_rollup_gets_its_numbers),
        BENCH_TEST(batches_add_up),
        BENCH_TEST(keys_expire_with_their_day),
        BENCH_TEST(another_mark_writes_nothing),
        BENCH_TEST(another_zone_writes_nothing),
        BENCH_TEST(scripts_that_redis_forgot_are_sent_again),
        BENCH_TEST(out_of_memory_or_read_only_writes_nothing),
        BENCH_TEST(damage_neither_stops_counting_nor_counts_twice),
        BENCH_TEST(a_batch_in_parts_is_the_same_as_many_small_ones),
        BENCH_TEST(a_batch_that_is_half_written_is_finished_by_whoever_comes),
        BENCH_TEST(of_two_who_write_parts_one_is_told),
        BENCH_TEST(marks_are_read_as_we_write_them),
    };
    return cmocka_run_group_tests(tests, bench_start, bench_stop);
}
