/* click/queue.h over a real Redis: all of a batch or nothing, and never a hole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/redis_admin.h"
#include "base/clock.h"
#include "click/payload.h"
#include "click/queue.h"

enum { BASE_MS = 1700000000 };

#define STREAM "t:clicks:edge-1:7"

struct fixture {
    struct test_redis redis;
    struct redis_pipe *admin;
    struct queue *queue;
    struct err err;
};

static struct queue *new_queue(const struct test_redis *redis) {
    struct redis_url url = test_redis_url(redis);
    struct err err;
    struct queue *queue =
        queue_redis.create(&(struct queue_options){.url = &url, .key_prefix = SLICE("t:")}, &err);
    assert_non_null(queue);
    return queue;
}

/* Each test has a queue that is attached to an empty stream. */
static int set_up(void **state) {
    struct fixture *fixture = *state;
    struct queue_position last;
    fixture->admin = admin_open(&fixture->redis);
    admin_ask(fixture->admin, "FLUSHALL");
    fixture->queue = new_queue(&fixture->redis);
    enum queue_result result =
        queue_redis.attach(fixture->queue, SLICE("edge-1"), 7, &last, &fixture->err);
    return result != QUEUE_OK;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    queue_redis.destroy(&fixture->queue);
    redis_pipe_destroy(&fixture->admin);
    return fixture->queue != NULL;
}

static struct queue_position at(uint64_t sequence) {
    return (struct queue_position){BASE_MS + sequence / 3, sequence}; /* three a millisecond */
}

static bool add(struct fixture *fixture, uint64_t sequence, struct slice code) {
    struct click click = {.at_ms = at(sequence).at_ms, .version = CLICK_VERSION};
    click.text[CLICK_CODE] = code;
    click.visitor = 0xabc;
    return queue_redis.add(fixture->queue, at(sequence), &(union payload_record){.click = click});
}

static void add_range(struct fixture *fixture, uint64_t first, uint64_t last) {
    for (uint64_t i = first; i <= last; i++) {
        assert_true(add(fixture, i, SLICE("CODE")));
    }
}

static enum queue_result ship(struct fixture *fixture) {
    enum queue_result result = queue_redis.send(fixture->queue, &fixture->err);
    return result == QUEUE_OK ? queue_redis.wait(fixture->queue, &fixture->err) : result;
}

static struct queue_position attached(struct fixture *fixture) {
    struct queue_position last = {77, 77};
    assert_int_equal(queue_redis.attach(fixture->queue, SLICE("edge-1"), 7, &last, &fixture->err),
                     QUEUE_OK);
    return last;
}

static void assert_at(struct queue_position position, uint64_t sequence) {
    assert_int_equal(position.sequence, sequence);
    assert_int_equal(position.at_ms, sequence == 0 ? 0 : at(sequence).at_ms);
}

/* The stream has exactly the entries first..last, in order. */
static void assert_entries(struct fixture *fixture, uint64_t first, uint64_t last) {
    const struct redis_reply *reply = admin_ask(fixture->admin, "XRANGE " STREAM " - +");
    assert_int_equal(redis_reply_count(reply), last + 1 - first);
    for (uint64_t i = first; i <= last; i++) {
        char id[48];
        snprintf(id, sizeof(id), "%llu-%llu", (unsigned long long)at(i).at_ms,
                 (unsigned long long)i);
        const struct redis_reply *entry = redis_reply_at(reply, i - first);
        assert_true(slice_equal(redis_reply_text(redis_reply_at(entry, 0)), slice_of(id)));
    }
}

static void attaching_to_a_new_stream_announces_it(void **state) {
    struct fixture *fixture = *state;
    assert_at(attached(fixture), 0);
    const struct redis_reply *reply = admin_ask(fixture->admin, "SMEMBERS t:streams");
    assert_int_equal(redis_reply_count(reply), 1);
    assert_true(slice_equal(redis_reply_text(redis_reply_at(reply, 0)), SLICE(STREAM)));
}

static void a_batch_arrives_whole_and_in_order(void **state) {
    struct fixture *fixture = *state;
    add_range(fixture, 1, 100);
    assert_int_equal(ship(fixture), QUEUE_OK);
    add_range(fixture, 101, 103);
    assert_int_equal(ship(fixture), QUEUE_OK);
    assert_entries(fixture, 1, 103);
    assert_at(attached(fixture), 103);
}

static void an_entry_has_every_field_in_the_fixed_order(void **state) {
    static const char *const names[CLICK_FIELD_COUNT] = {
        "id",      "at",      "code",     "campaign", "owner",  "kind",     "outcome",
        "country", "region",  "platform", "browser",  "in_app", "language", "referrer",
        "source",  "visitor", "version",  "network",  "agent",  "rule",
    };
    struct fixture *fixture = *state;
    assert_true(add(fixture, 1, SLICE("A\r\n\0B")));
    assert_int_equal(ship(fixture), QUEUE_OK);
    const struct redis_reply *reply = admin_ask(fixture->admin, "XRANGE " STREAM " - +");
    const struct redis_reply *fields = redis_reply_at(redis_reply_at(reply, 0), 1);
    assert_int_equal(redis_reply_count(fields), 2 * CLICK_FIELD_COUNT);
    for (size_t i = 0; i < CLICK_FIELD_COUNT; i++) {
        struct slice name = redis_reply_text(redis_reply_at(fields, 2 * i));
        assert_true(slice_equal(name, slice_of(names[i])));
    }
    assert_true(slice_equal(redis_reply_text(redis_reply_at(fields, 3)), SLICE("1700000000")));
    assert_true(slice_equal(redis_reply_text(redis_reply_at(fields, 5)), SLICE("A\r\n\0B")));
    assert_true(slice_equal(redis_reply_text(redis_reply_at(fields, 11)), SLICE("human")));
    assert_true(
        slice_equal(redis_reply_text(redis_reply_at(fields, 31)), SLICE("0000000000000abc")));
}

/* The same queue, of another kind of payload: names and fields are its own. */
static void conversions_have_streams_of_their_own(void **state) {
    struct fixture *fixture = *state;
    struct redis_url url = test_redis_url(&fixture->redis);
    struct queue_position last = {1, 1};
    struct queue_options options = {
        .payload = &payload_conversions, .url = &url, .key_prefix = SLICE("t:")};
    struct queue *queue = queue_redis.create(&options, &fixture->err);
    union payload_record record = {.conversion = {.at_ms = at(1).at_ms, .happened_ms = 5}};
    record.conversion.text[CONVERSION_TEXT_EVENT] = SLICE("install");
    record.conversion.text[CONVERSION_TEXT_KEY] = SLICE("k 1");
    assert_int_equal(queue_redis.attach(queue, SLICE("edge-1"), 0, &last, &fixture->err), QUEUE_OK);
    assert_at(last, 0);
    assert_true(queue_redis.add(queue, at(1), &record));
    assert_int_equal(queue_redis.send(queue, &fixture->err), QUEUE_OK);
    assert_int_equal(queue_redis.wait(queue, &fixture->err), QUEUE_OK);
    queue_redis.destroy(&queue);

    const struct redis_reply *reply =
        admin_ask(fixture->admin, "XRANGE t:conversions:edge-1:0 - +");
    assert_int_equal(redis_reply_count(reply), 1);
    const struct redis_reply *fields = redis_reply_at(redis_reply_at(reply, 0), 1);
    assert_int_equal(redis_reply_count(fields), 2 * CONVERSION_FIELD_COUNT);
    assert_true(slice_equal(redis_reply_text(redis_reply_at(fields, 4)), SLICE("event")));
    assert_true(slice_equal(redis_reply_text(redis_reply_at(fields, 5)), SLICE("install")));
    assert_true(slice_equal(redis_reply_text(redis_reply_at(fields, 27)), SLICE("k 1")));
    reply = admin_ask(fixture->admin, "SMEMBERS t:conversion-streams");
    assert_int_equal(redis_reply_count(reply), 1);
    assert_true(
        slice_equal(redis_reply_text(redis_reply_at(reply, 0)), SLICE("t:conversions:edge-1:0")));
    reply = admin_ask(fixture->admin, "SISMEMBER t:streams t:conversions:edge-1:0");
    assert_int_equal(redis_reply_integer(reply), 0);
}

static void the_next_batch_is_filled_while_one_is_on_its_way(void **state) {
    struct fixture *fixture = *state;
    add_range(fixture, 1, 10);
    assert_int_equal(queue_redis.send(fixture->queue, &fixture->err), QUEUE_OK);
    add_range(fixture, 11, 30);
    assert_int_equal(queue_redis.wait(fixture->queue, &fixture->err), QUEUE_OK);
    assert_int_equal(ship(fixture), QUEUE_OK);
    assert_entries(fixture, 1, 30);
}

static void a_batch_has_a_limit_in_clicks(void **state) {
    struct fixture *fixture = *state;
    add_range(fixture, 1, QUEUE_BATCH_CLICKS_MAX);
    assert_false(add(fixture, QUEUE_BATCH_CLICKS_MAX + 1, SLICE("X")));
    assert_int_equal(ship(fixture), QUEUE_OK);
    assert_entries(fixture, 1, QUEUE_BATCH_CLICKS_MAX);
}

static void a_batch_has_a_limit_in_bytes(void **state) {
    struct fixture *fixture = *state;
    char text[CLICK_TEXT_BYTES_MAX];
    uint64_t sequence = 0;
    memset(text, 'x', sizeof(text));
    for (bool added = true; added;) {
        struct click click = {.at_ms = at(sequence + 1).at_ms, .version = CLICK_VERSION};
        for (size_t i = 0; i < CLICK_TEXT_COUNT; i++) {
            click.text[i] = slice_make(text, sizeof(text));
        }
        added = queue_redis.add(fixture->queue, at(sequence + 1),
                                &(union payload_record){.click = click});
        sequence += added;
    }
    assert_in_range(sequence, 120, 200); /* about 3 KB each */
    assert_int_equal(ship(fixture), QUEUE_OK);
    assert_entries(fixture, 1, sequence);
}

static void attaching_again_empties_both_batches(void **state) {
    struct fixture *fixture = *state;
    add_range(fixture, 1, 10);
    assert_int_equal(queue_redis.send(fixture->queue, &fixture->err), QUEUE_OK);
    add_range(fixture, 11, 20);
    attached(fixture); /* gives the answer up, too */
    assert_at(attached(fixture), 10);
    add_range(fixture, 11, 12);
    assert_int_equal(ship(fixture), QUEUE_OK);
    assert_entries(fixture, 1, 12);
}

static void contains_tells_what_the_stream_has(void **state) {
    struct fixture *fixture = *state;
    bool found = false;
    add_range(fixture, 1, 2);
    assert_int_equal(ship(fixture), QUEUE_OK);
    assert_int_equal(queue_redis.contains(fixture->queue, at(2), &found, &fixture->err), QUEUE_OK);
    assert_true(found);
    assert_int_equal(queue_redis.contains(fixture->queue, at(3), &found, &fixture->err), QUEUE_OK);
    assert_false(found);
}

static void a_key_of_another_type_is_refused_by_name(void **state) {
    struct fixture *fixture = *state;
    struct queue_position last;
    admin_ask(fixture->admin, "SET " STREAM " x");
    assert_int_equal(queue_redis.attach(fixture->queue, SLICE("edge-1"), 7, &last, &fixture->err),
                     QUEUE_REFUSED);
    assert_non_null(strstr(fixture->err.text, STREAM));
    assert_non_null(strstr(fixture->err.text, "WRONGTYPE"));
    admin_ask(fixture->admin, "DEL " STREAM);
    assert_at(attached(fixture), 0);
}

static void out_of_memory_takes_nothing_and_keeps_the_batch(void **state) {
    struct fixture *fixture = *state;
    add_range(fixture, 1, 5);
    assert_int_equal(ship(fixture), QUEUE_OK);
    admin_ask(fixture->admin, "CONFIG SET maxmemory 1");
    add_range(fixture, 6, 20);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ship(fixture), QUEUE_REFUSED);
        assert_non_null(strstr(fixture->err.text, "OOM"));
    }
    add_range(fixture, 21, 25); /* of the next batch */
    assert_int_equal(ship(fixture), QUEUE_REFUSED);
    admin_ask(fixture->admin, "CONFIG SET maxmemory 0");
    assert_int_equal(ship(fixture), QUEUE_OK);
    assert_entries(fixture, 1, 20);
    assert_int_equal(ship(fixture), QUEUE_OK);
    assert_entries(fixture, 1, 25);
}

static void a_read_only_redis_takes_nothing(void **state) {
    struct fixture *fixture = *state;
    struct queue_position last;
    admin_ask(fixture->admin, "REPLICAOF 127.0.0.1 1");
    add_range(fixture, 1, 5);
    assert_int_equal(ship(fixture), QUEUE_REFUSED);
    if (strstr(fixture->err.text, "READONLY") == NULL) {
        fail_msg("'%s' does not say READONLY", fixture->err.text);
    }
    assert_int_equal(queue_redis.attach(fixture->queue, SLICE("edge-1"), 7, &last, &fixture->err),
                     QUEUE_REFUSED);
    admin_ask(fixture->admin, "REPLICAOF NO ONE");
    assert_at(attached(fixture), 0);
}

static void a_user_without_transactions_is_refused_before_anything_is_sent(void **state) {
    struct fixture *fixture = *state;
    struct redis_url url = test_redis_url(&fixture->redis);
    struct queue_position last;
    admin_ask(fixture->admin, "ACL SETUSER weak on >pw ~* +@all -multi");
    snprintf(url.user, sizeof(url.user), "weak");
    snprintf(url.password, sizeof(url.password), "pw");
    struct queue *queue = queue_redis.create(
        &(struct queue_options){.url = &url, .key_prefix = SLICE("t:")}, &fixture->err);
    assert_int_equal(queue_redis.attach(queue, SLICE("edge-1"), 7, &last, &fixture->err),
                     QUEUE_REFUSED);
    assert_non_null(strstr(fixture->err.text, "NOPERM"));
    queue_redis.destroy(&queue);
}

static void a_foreign_entry_is_a_conflict_and_takes_nothing(void **state) {
    struct fixture *fixture = *state;
    add_range(fixture, 1, 3);
    assert_int_equal(ship(fixture), QUEUE_OK);
    admin_ask(fixture->admin, "XADD " STREAM " 1700000003-0 f v");
    add_range(fixture, 4, 20);
    assert_int_equal(ship(fixture), QUEUE_CONFLICT);
    assert_int_equal(admin_do(&fixture->redis, "XLEN " STREAM), 4);
    struct queue_position last = attached(fixture);
    assert_int_equal(last.at_ms, 1700000003);
    assert_int_equal(last.sequence, 0);
}

/* The hole that must not be: Redis would take 4..6 gladly, and 1..3 never again. */
static void a_stream_that_was_deleted_is_a_conflict_and_takes_nothing(void **state) {
    static const char *const ways[] = {"DEL " STREAM, "FLUSHALL", "RENAME " STREAM " t:elsewhere"};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_COUNT(ways); i++) {
        assert_at(attached(fixture), 0);
        add_range(fixture, 1, 3);
        assert_int_equal(ship(fixture), QUEUE_OK);
        admin_ask(fixture->admin, ways[i]);
        add_range(fixture, 4, 6);
        assert_int_equal(ship(fixture), QUEUE_CONFLICT);
        assert_int_equal(admin_do(&fixture->redis, "EXISTS " STREAM), 0);
    }
    assert_at(attached(fixture), 0);
    add_range(fixture, 1, 6);
    assert_int_equal(ship(fixture), QUEUE_OK);
    assert_entries(fixture, 1, 6);
}

static void trimming_by_a_reader_is_no_conflict(void **state) {
    struct fixture *fixture = *state;
    for (uint64_t i = 0; i < 5; i++) {
        add_range(fixture, 10 * i + 1, 10 * i + 10);
        assert_int_equal(ship(fixture), QUEUE_OK);
        admin_ask(fixture->admin, "XTRIM " STREAM " MAXLEN 2");
    }
    admin_ask(fixture->admin, "XTRIM " STREAM " MAXLEN 0");
    add_range(fixture, 51, 60);
    assert_int_equal(ship(fixture), QUEUE_OK);
    assert_entries(fixture, 51, 60);
}

static void a_second_writer_of_the_same_entries_duplicates_nothing(void **state) {
    struct fixture *fixture = *state;
    struct fixture other = *fixture;
    other.queue = new_queue(&fixture->redis);
    assert_at(attached(&other), 0);
    add_range(fixture, 1, 50);
    add_range(&other, 1, 30);
    assert_int_equal(ship(fixture), QUEUE_OK);
    assert_int_equal(ship(&other), QUEUE_CONFLICT);
    assert_at(attached(&other), 50);
    assert_entries(fixture, 1, 50);
    queue_redis.destroy(&other.queue);
}

static void a_frozen_redis_is_unreachable_and_its_late_batch_does_no_harm(void **state) {
    struct fixture *fixture = *state;
    struct queue_position last;
    add_range(fixture, 1, 40);
    test_redis_freeze(&fixture->redis);
    uint64_t began_ns = clock_monotonic_ns();
    assert_int_equal(ship(fixture), QUEUE_UNREACHABLE);
    assert_true(clock_monotonic_ns() - began_ns < UINT64_C(4000000000));
    test_redis_thaw(&fixture->redis);
    last = attached(fixture);
    assert_true(last.sequence == 0 || last.sequence == 40); /* whichever, it is true from now on */
    add_range(fixture, last.sequence + 1, 60);
    enum queue_result result = ship(fixture);
    if (result == QUEUE_CONFLICT) {
        last = attached(fixture);
        add_range(fixture, last.sequence + 1, 60);
        result = ship(fixture);
    }
    assert_int_equal(result, QUEUE_OK);
    assert_entries(fixture, 1, 60);
}

static void nobody_there_is_unreachable(void **state) {
    struct redis_url url = {.socket_path = "/nonexistent/socket"};
    struct queue_position last;
    struct err err;
    (void)state;
    struct queue *queue = queue_redis.create(&(struct queue_options){.url = &url}, &err);
    assert_int_equal(queue_redis.attach(queue, SLICE("e"), 0, &last, &err), QUEUE_UNREACHABLE);
    assert_non_null(strstr(err.text, "/nonexistent/socket"));
    queue_redis.destroy(&queue);
}

static void a_prefix_that_is_too_long_is_refused(void **state) {
    struct redis_url url = {.socket_path = "/nonexistent/socket"};
    char prefix[300];
    struct err err;
    (void)state;
    memset(prefix, 'p', sizeof(prefix));
    assert_null(queue_redis.create(
        &(struct queue_options){.url = &url, .key_prefix = slice_make(prefix, sizeof(prefix))},
        &err));
    assert_non_null(strstr(err.text, "redis.prefix"));
}

static int start_redis(void **state) {
    static struct fixture fixture;
    test_redis_init(&fixture.redis);
    test_redis_start(&fixture.redis, NULL);
    *state = &fixture;
    return 0;
}

static int stop_redis(void **state) {
    struct fixture *fixture = *state;
    test_redis_fini(&fixture->redis);
    return 0;
}

#define WITH_QUEUE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_QUEUE(attaching_to_a_new_stream_announces_it),
        WITH_QUEUE(a_batch_arrives_whole_and_in_order),
        WITH_QUEUE(an_entry_has_every_field_in_the_fixed_order),
        WITH_QUEUE(conversions_have_streams_of_their_own),
        WITH_QUEUE(the_next_batch_is_filled_while_one_is_on_its_way),
        WITH_QUEUE(a_batch_has_a_limit_in_clicks),
        WITH_QUEUE(a_batch_has_a_limit_in_bytes),
        WITH_QUEUE(attaching_again_empties_both_batches),
        WITH_QUEUE(contains_tells_what_the_stream_has),
        WITH_QUEUE(a_key_of_another_type_is_refused_by_name),
        WITH_QUEUE(out_of_memory_takes_nothing_and_keeps_the_batch),
        WITH_QUEUE(a_read_only_redis_takes_nothing),
        WITH_QUEUE(a_user_without_transactions_is_refused_before_anything_is_sent),
        WITH_QUEUE(a_foreign_entry_is_a_conflict_and_takes_nothing),
        WITH_QUEUE(a_stream_that_was_deleted_is_a_conflict_and_takes_nothing),
        WITH_QUEUE(trimming_by_a_reader_is_no_conflict),
        WITH_QUEUE(a_second_writer_of_the_same_entries_duplicates_nothing),
        WITH_QUEUE(a_frozen_redis_is_unreachable_and_its_late_batch_does_no_harm),
        cmocka_unit_test(nobody_there_is_unreachable),
        cmocka_unit_test(a_prefix_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
