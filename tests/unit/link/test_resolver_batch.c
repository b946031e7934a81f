/*
 * The resolver and batches: what is asked together leaves together, and what is answered together
 * ends with one on_batch_end().
 */
#include "resolver_fixture.h"

enum { TAPS = 40 };

/* Reads from its clients' sockets that Redis has made. */
static unsigned long reads(struct fixture *it) {
    struct err err;
    struct slice words[2] = {SLICE("INFO"), SLICE("stats")};
    const struct redis_reply *reply = redis_pipe_command(it->pipe, 2, words, &err);
    assert_non_null(reply);
    struct slice text = redis_reply_text(reply);
    size_t at = slice_find(text, SLICE("total_reads_processed:"));
    assert_true(at != SIZE_MAX);
    return strtoul(text.data + at + 22, NULL, 10);
}

static void find_all(struct fixture *it, struct tap taps[TAPS]) {
    for (unsigned i = 0; i < TAPS; i++) {
        char code[16];
        (void)snprintf(code, sizeof(code), "code%u", i);
        taps[i] = (struct tap){0};
        assert_int_equal(find(it, code, &taps[i]), RESOLVE_PENDING);
    }
}

static void a_flush_sends_all_look_ups_in_one_piece_and_calls_nobody(void **state) {
    (void)state;
    struct fixture it;
    struct tap taps[TAPS];
    begin(&it);
    redis(&it, "CONFIG RESETSTAT");
    unsigned long before = reads(&it);
    find_all(&it, taps);
    assert_int_equal(hmgets(&it), 0);
    resolver_flush(it.resolver); /* the loop does not turn here */
    while (hmgets(&it) < TAPS) {
        before++;
    }
    assert_int_equal(reads(&it), before + 4); /* theirs, ours: the last hmgets() and the first */
    assert_int_equal(it.called, 0);
    resolver_flush(it.resolver); /* nothing to do */
    WAIT_FOR(&it, it.called == TAPS);
    end(&it);
}

static void without_a_flush_look_ups_leave_when_the_loop_turns(void **state) {
    (void)state;
    struct fixture it;
    struct tap taps[TAPS];
    begin(&it);
    find_all(&it, taps);
    WAIT_FOR(&it, it.called == TAPS);
    end(&it);
}

static void a_batch_ends_once_after_all_that_one_read_answers(void **state) {
    (void)state;
    struct fixture it;
    struct tap taps[TAPS];
    begin(&it);
    assert_int_equal(it.batches, 0);
    find_all(&it, taps);
    resolver_flush(it.resolver);
    (void)hmgets(&it); /* Redis has answered all of them by now, or is about to */
    WAIT_FOR(&it, it.called == TAPS);
    assert_in_range(it.batches, 1, 2);
    unsigned batches = it.batches;
    pump(&it, 20);
    assert_int_equal(it.batches, batches); /* none without waiters */
    assert_int_equal(find(&it, "code0", &taps[0]), RESOLVE_DONE);
    assert_int_equal(it.batches, batches);
    end(&it);
}

static void a_batch_ends_when_redis_does_not_answer_and_at_the_end(void **state) {
    (void)state;
    struct fixture it;
    struct tap taps[TAPS];
    begin(&it);
    test_redis_freeze(&it.redis);
    find_all(&it, taps);
    WAIT_FOR(&it, it.called == TAPS);
    assert_int_equal(it.batches, 1);
    assert_int_equal(taps[0].result, RESOLVE_UNREACHABLE);
    test_redis_thaw(&it.redis);
    WAIT_FOR(&it, resolver_is_connected(it.resolver));
    unsigned batches = it.batches;
    find_all(&it, taps);
    resolver_destroy(&it.resolver);
    assert_int_equal(it.called, 2 * TAPS);
    assert_int_equal(it.batches, batches + 1);
    make_resolver(&it, "", 1 << 20);
    end(&it);
}

static void a_flush_into_a_closed_connection_is_found_by_the_loop(void **state) {
    (void)state;
    struct fixture it;
    struct tap taps[TAPS];
    begin(&it);
    redis(&it, "CLIENT KILL TYPE normal SKIPME yes");
    find_all(&it, taps);
    resolver_flush(it.resolver);
    assert_int_equal(it.called, 0);
    WAIT_FOR(&it, it.called == TAPS); /* asked again when it is back */
    assert_int_equal(taps[0].result, RESOLVE_DONE);
    end(&it);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flush_sends_all_look_ups_in_one_piece_and_calls_nobody),
        cmocka_unit_test(without_a_flush_look_ups_leave_when_the_loop_turns),
        cmocka_unit_test(a_batch_ends_once_after_all_that_one_read_answers),
        cmocka_unit_test(a_batch_ends_when_redis_does_not_answer_and_at_the_end),
        cmocka_unit_test(a_flush_into_a_closed_connection_is_found_by_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
