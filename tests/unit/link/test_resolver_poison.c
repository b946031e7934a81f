/*
 * The resolver and what keeps others from being served: keys that are too large, connections that
 * are closed, a Redis that refuses to read, and nonsense that would drown other nonsense.
 */
#include "resolver_fixture.h"

enum { POISON_BYTES = 1100000 };

/* A field that is more than a reply may have. */
static void poison(struct fixture *it, const char *key, const char *field) {
    char *bytes = malloc(POISON_BYTES);
    assert_non_null(bytes);
    memset(bytes, 'y', POISON_BYTES);
    struct slice words[4] = {SLICE("HSET"), slice_of(key), slice_of(field),
                             slice_make(bytes, POISON_BYTES)};
    struct err err;
    const struct redis_reply *reply = redis_pipe_command(it->pipe, 4, words, &err);
    assert_non_null(reply);
    assert_false(redis_reply_is_error(reply));
    free(bytes);
}

static uint64_t hits(struct fixture *it) {
    return counted(it, LINK_LOOKUP_HIT) + counted(it, LINK_LOOKUP_MISS);
}

static void a_link_that_is_too_large_takes_no_other_down(void **state) {
    (void)state;
    enum { LINKS = 300 };
    struct fixture it;
    begin(&it);
    redis(&it, "HSET t:link:POISON url https://ok.mx/");
    poison(&it, "t:link:POISON", "owner");
    pump(&it, SEEN_MS); /* until that is heard of */
    redis(&it, "CONFIG RESETSTAT");
    struct tap *taps = calloc(2 * LINKS, sizeof(*taps));
    assert_non_null(taps);
    for (unsigned i = 0; i < LINKS; i++) {
        char code[16];
        (void)snprintf(code, sizeof(code), "n%u", i);
        (void)find(&it, code, &taps[2 * i]);
        (void)find(&it, "POISON", &taps[2 * i + 1]);
        if (i % 10 == 0) {
            turn(&it);
        }
    }
    WAIT_FOR(&it, counted(&it, LINK_FLIGHTS) == 0);
    for (unsigned i = 0; i < 2 * LINKS; i++) {
        assert_int_equal(taps[i].calls, 1);
        assert_int_equal(taps[i].result, RESOLVE_DONE);
        assert_false(taps[i].has_link);
    }
    assert_int_equal(counted(&it, LINK_NONSENSE_LINK_TOO_LARGE), 1); /* and remembered */
    assert_int_equal(hmgets(&it), LINKS + 1);
    assert_true(resolver_is_connected(it.resolver));
    free(taps);
    redis(&it, "HDEL t:link:POISON owner");
    WAIT_FOR(&it, resolve(&it, "POISON").has_link);
    end(&it);
}

static void a_campaign_that_is_too_large_is_missing(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    redis(&it, "HSET t:link:big campaign big owner ana");
    poison(&it, "t:campaign:big", "og_title");
    struct tap tap = resolve(&it, "big");
    assert_int_equal(tap.result, RESOLVE_DONE);
    assert_true(tap.has_link && !tap.has_campaign);
    assert_int_equal(counted(&it, LINK_NONSENSE_CAMPAIGN_TOO_LARGE), 1);
    assert_int_equal(find(&it, "big", &tap), RESOLVE_DONE); /* remembered */
    assert_true(resolver_is_connected(it.resolver));
    redis(&it, "HSET t:campaign:big og_title short");
    WAIT_FOR(&it, resolve(&it, "big").has_campaign);
    end(&it);
}

static void look_ups_at_and_after_a_kill_are_answered(void **state) {
    (void)state;
    enum { KILLS = 60 };
    struct fixture it;
    begin(&it);
    for (unsigned i = 0; i < KILLS; i++) {
        char code[16];
        struct tap at = {0};
        struct tap after = {0};
        pump(&it, 20);
        redis(&it, "CLIENT KILL TYPE normal SKIPME yes");
        (void)snprintf(code, sizeof(code), "at%u", i);
        assert_int_equal(find(&it, code, &at), RESOLVE_PENDING);
        step(&it); /* hears of the kill; the connection is not back */
        (void)snprintf(code, sizeof(code), "after%u", i);
        assert_int_equal(find(&it, code, &after), RESOLVE_PENDING);
        WAIT_FOR(&it, at.calls == 1 && after.calls == 1);
        assert_int_equal(at.result, RESOLVE_DONE);
        assert_int_equal(after.result, RESOLVE_DONE);
    }
    assert_true(counted(&it, LINK_FETCHES_RESUMED) > 0);
    assert_int_equal(counted(&it, LINK_LOOKUP_UNREACHABLE), 0);
    end(&it);
}

/* What the log has got to since it was looked at last. */
struct reading {
    int ends[2];
    struct log *log;
    char text[64 * 1024];
};

static void listen_to(struct fixture *it, struct reading *reading) {
    assert_int_equal(pipe(reading->ends), 0);
    reading->log = log_create(reading->ends[1], LOG_TEXT, LOG_WARN);
    it->resolver->log = reading->log;
    it->resolver->nonsense.log = reading->log;
}

static unsigned times(struct reading *reading, const char *what) {
    unsigned count = 0;
    for (const char *at = strstr(reading->text, what); at != NULL; at = strstr(at + 1, what)) {
        count++;
    }
    return count;
}

/* Ends it, too. */
static void read_all(struct fixture *it, struct reading *reading) {
    it->resolver->log = NULL;
    it->resolver->nonsense.log = NULL;
    log_destroy(&reading->log);
    close(reading->ends[1]);
    size_t size = 0;
    ssize_t n;
    while ((n = read(reading->ends[0], reading->text + size, sizeof(reading->text) - 1 - size)) >
           0) {
        size += (size_t)n;
    }
    reading->text[size] = '\0';
    close(reading->ends[0]);
}

static void a_redis_that_refuses_reads_is_told_of_and_found_well_again(void **state) {
    (void)state;
    struct fixture it;
    struct reading reading;
    begin(&it);
    listen_to(&it, &reading);
    redis(&it, "ACL SETUSER default -hmget");
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(resolve(&it, "AB12").result, RESOLVE_UNREACHABLE);
    }
    assert_false(resolver_is_connected(it.resolver));
    assert_int_equal(counted(&it, LINK_FETCHES_REFUSED), 5);
    assert_int_equal(counted(&it, LINK_FETCHES_FAILED), 0);
    redis(&it, "ACL SETUSER default +hmget");
    WAIT_FOR(&it, resolver_is_connected(it.resolver)); /* without a tap */
    assert_true(resolve(&it, "AB12").has_link);
    read_all(&it, &reading);
    assert_int_equal(times(&reading, "redis_refuses_reads error="), 1);
    assert_int_equal(times(&reading, "NOPERM"), 1);
    end(&it);
}

static void a_refused_campaign_is_asked_for_again_without_a_tap(void **state) {
    (void)state;
    struct fixture it;
    begin(&it);
    resolver_destroy(&it.resolver);
    redis(&it, "ACL SETUSER default -hmget");
    make_resolver(&it, "spring", 1 << 20);
    WAIT_FOR(&it, resolver_is_tracking(it.resolver));
    WAIT_FOR(&it, counted(&it, LINK_FETCHES_REFUSED) > 0);
    assert_false(resolver_is_connected(it.resolver));
    redis(&it, "ACL SETUSER default +hmget");
    WAIT_FOR(&it, resolver_is_connected(it.resolver));
    assert_non_null(resolver_default_campaign(it.resolver));
    end(&it);
}

static void one_bad_link_does_not_silence_the_others(void **state) {
    (void)state;
    static struct reading reading;
    struct fixture it;
    begin(&it);
    listen_to(&it, &reading);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 20; i++) {
            char command[96];
            char code[16];
            (void)snprintf(command, sizeof(command), "HSET t:link:url%u campaign spring url %s", i,
                           round == 0 ? "javascript:x" : "javascript:y");
            redis(&it, command);
            (void)snprintf(command, sizeof(command),
                           "HSET t:link:at%u campaign spring starts_at %s", i,
                           round == 0 ? "abc" : "abd");
            redis(&it, command);
            pump(&it, 5);
            (void)snprintf(code, sizeof(code), "url%u", i);
            (void)resolve(&it, code);
            (void)snprintf(code, sizeof(code), "at%u", i);
            (void)resolve(&it, code);
        }
    }
    redis(&it, "HSET t:campaign:odd android javascript:x");
    redis(&it, "HSET t:link:odd campaign odd");
    redis(&it, "HSET t:link:lost campaign nowhere");
    (void)resolve(&it, "odd");
    (void)resolve(&it, "lost");
    assert_true(hits(&it) >= 42);
    read_all(&it, &reading);
    assert_true(times(&reading, "field=url") >= 20 - 3); /* two may share a place */
    assert_true(times(&reading, "field=starts_at") >= 20 - 3);
    assert_int_equal(times(&reading, "code=url7 field=url"), 1);
    assert_int_equal(times(&reading, "campaign_nonsense campaign=odd field=android"), 1);
    assert_int_equal(times(&reading, "campaign_nonsense campaign=nowhere"), 1);
    end(&it);
}

static void nonsense_has_60_lines_a_minute_and_what_is_over_is_counted(void **state) {
    (void)state;
    static struct reading reading;
    struct fixture it;
    begin(&it);
    listen_to(&it, &reading);
    for (unsigned i = 0; i < NONSENSE_LINES_MAX + 40; i++) {
        char code[16];
        (void)snprintf(code, sizeof(code), "c%u", i);
        nonsense_report(&it.resolver->nonsense,
                        &(struct nonsense_case){NONSENSE_LINK_TYPE, slice_of(code), "", "odd"});
    }
    assert_int_equal(counted(&it, LINK_NONSENSE_LINK_TYPE), NONSENSE_LINES_MAX + 40);
    assert_int_equal(it.resolver->nonsense.held_back, 40);
    it.resolver->nonsense.minute_ends_ns = 0; /* the next minute */
    nonsense_report(&it.resolver->nonsense,
                    &(struct nonsense_case){NONSENSE_LINK_TYPE, SLICE("next"), "", "odd"});
    read_all(&it, &reading);
    assert_int_equal(times(&reading, "link_nonsense"), NONSENSE_LINES_MAX + 1);
    assert_int_equal(times(&reading, "held_back=40"), 1);
    end(&it);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_that_is_too_large_takes_no_other_down),
        cmocka_unit_test(a_campaign_that_is_too_large_is_missing),
        cmocka_unit_test(look_ups_at_and_after_a_kill_are_answered),
        cmocka_unit_test(a_redis_that_refuses_reads_is_told_of_and_found_well_again),
        cmocka_unit_test(a_refused_campaign_is_asked_for_again_without_a_tap),
        cmocka_unit_test(one_bad_link_does_not_silence_the_others),
        cmocka_unit_test(nonsense_has_60_lines_a_minute_and_what_is_over_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
