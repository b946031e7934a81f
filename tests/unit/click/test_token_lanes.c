/*
 * test_token_lanes.c - many click tokens at once: every way there is of making them, each one
 * held against OpenSSL's own HMAC, in batches of every size and shape.
 */
#include "token_fixture.h"

#include "token_lanes.h"

enum { JOBS_MAX = 65, GUARD = 0x5A };

/* Jobs of one batch: the codes are exact copies on the heap, so that a sanitizer sees who reads
 * beyond; a token begins at any address, and what stands around it must stay. */
struct bench {
    struct token_job jobs[JOBS_MAX];
    size_t count;
    char *codes[JOBS_MAX];
    char room[JOBS_MAX][TOKEN_SIZE + 40];
};

static void bench_add(struct bench *bench, struct ulid id, struct slice code) {
    size_t i = bench->count++;
    assert_true(i < JOBS_MAX);
    bench->codes[i] = malloc(code.size > 0 ? code.size : 1);
    assert_non_null(bench->codes[i]);
    if (code.size > 0) {
        memcpy(bench->codes[i], code.data, code.size);
    }
    memset(bench->room[i], GUARD, sizeof(bench->room[i]));
    bench->jobs[i] = (struct token_job){
        .id = id,
        .code = slice_make(bench->codes[i], code.size),
        .token = bench->room[i] + 1 + i % 32,
    };
}

static void assert_untouched(const char *from, const char *to) {
    for (; from < to; from++) {
        assert_int_equal(*from, GUARD);
    }
}

/* Makes them, checks every one, and empties the bench. */
static void bench_check(struct bench *bench, const struct token_key *key) {
    token_make_all(key, bench->jobs, bench->count);
    for (size_t i = 0; i < bench->count; i++) {
        const struct token_job *job = &bench->jobs[i];
        char expected[TOKEN_SIZE];
        reference(&job->id, job->code, expected);
        assert_memory_equal(job->token, expected, TOKEN_SIZE);

        struct ulid found = {{0}};
        assert_true(token_verify(key, slice_make(job->token, TOKEN_SIZE), job->code, &found));
        assert_memory_equal(found.bytes, job->id.bytes, ULID_BYTES);

        assert_untouched(bench->room[i], job->token);
        assert_untouched(job->token + TOKEN_SIZE, bench->room[i] + sizeof(bench->room[i]));
        free(bench->codes[i]);
    }
    bench->count = 0;
}

/* Runs check with a key for every way: one by one, every kind of lanes that this processor has,
 * for any number of tokens, and the choice that a server makes. */
static void with_every_way(void (*check)(const struct token_key *key)) {
    struct token_key key;
    token_key_init(&key, secret, sizeof(secret));
    check(&key);
    key.lanes = NULL;
    key.lanes_count_min = SIZE_MAX;
    check(&key);
    key.lanes_count_min = 1;
    for (key.lanes = token_lanes_all; key.lanes->name != NULL; key.lanes++) {
        if (token_lanes_runs(key.lanes)) {
            print_message("           %s\n", key.lanes->name);
            check(&key);
        }
    }
}

static void check_every_count(const struct token_key *key) {
    struct bench bench = {.count = 0};
    for (size_t count = 0; count <= 20; count++) {
        for (size_t i = 0; i < count; i++) {
            bench_add(&bench, id_of((uint8_t)(7 * i + count)), code_of(6));
        }
        bench_check(&bench, key);
    }
}

static void test_every_count_of_tokens(void **state) {
    (void)state;
    with_every_way(check_every_count);
}

static void check_sizes_mixed(const struct token_key *key) {
    struct bench bench = {.count = 0};
    for (size_t step = 1; step <= 64; step++) {
        if (step % 5 == 0 || step % 13 == 0) {
            continue; /* not all 65 sizes would come */
        }
        for (size_t i = 0; i < 65; i++) {
            bench_add(&bench, id_of((uint8_t)(i + step)), code_of(i * step % 65));
        }
        bench_check(&bench, key);
    }
}

static void test_codes_of_every_size_in_one_batch(void **state) {
    (void)state;
    with_every_way(check_sizes_mixed);
}

static void check_every_lane(const struct token_key *key) {
    struct bench bench = {.count = 0};
    for (size_t size = 0; size <= TOKEN_LANES_CODE_BYTES_MAX + 1; size++) {
        for (size_t odd = 0; odd < TOKEN_BATCH; odd++) {
            for (size_t i = 0; i < TOKEN_BATCH; i++) {
                bench_add(&bench, id_of((uint8_t)(31 * i + size)), code_of(i == odd ? size : 6));
            }
            bench_check(&bench, key);
        }
    }
}

static void test_a_code_of_every_size_in_every_lane(void **state) {
    (void)state;
    with_every_way(check_every_lane);
}

static void check_any_bytes(const struct token_key *key) {
    struct bench bench = {.count = 0};
    uint64_t number = 1;
    for (int round = 0; round < 100; round++) {
        for (size_t i = 0; i < 2 * TOKEN_BATCH; i++) {
            uint8_t bytes[ULID_BYTES + 24];
            for (size_t j = 0; j < sizeof(bytes); j++) {
                number = number * 6364136223846793005 + 1442695040888963407;
                bytes[j] = (uint8_t)(number >> 56);
            }
            struct ulid id;
            memcpy(id.bytes, bytes, ULID_BYTES);
            bench_add(&bench, id, slice_make((const char *)bytes + ULID_BYTES, bytes[0] % 24));
        }
        bench_check(&bench, key);
    }
}

static void test_ids_and_codes_of_any_bytes(void **state) {
    (void)state;
    with_every_way(check_any_bytes);
}

static void check_extreme_ids(const struct token_key *key) {
    struct bench bench = {.count = 0};
    for (size_t i = 0; i < TOKEN_BATCH; i++) {
        struct ulid id;
        memset(id.bytes, i % 2 == 0 ? 0x00 : 0xFF, ULID_BYTES);
        bench_add(&bench, id, code_of(i));
    }
    bench_check(&bench, key);
}

static void test_ids_of_zeros_and_of_ones(void **state) {
    (void)state;
    with_every_way(check_extreme_ids);
}

/* Made by Python's hmac and base64 from docs/formats.md. */
static const char known[TOKEN_BATCH][2][TOKEN_SIZE + 1] = {
    {"AB12CD", "ARIjNEVWZ3iJmqu8zd7vAB4kkwVitCMn"},
    {"abcdefg", "AhMkNUZXaHmKm6y9zt_wAQmn_uUMDRou"},
    {"AB12CDEF", "AxQlNkdYaXqLnK2-z-DxAoTPJ5M48jxq"},
    {"a", "BBUmN0hZanuMna6_0OHyA7KFPRdnwfKK"},
    {"0123456789abcde", "BRYnOElaa3yNnq_A0eLzBCPFG419HkIZ"},
    {"summer-festival-24x", "BhcoOUpbbH2On7DB0uP0Bdi_32aDHdRW"},
    {"x_y-", "BxgpOktcbX6PoLHC0-T1BtJc_kmNtfpX"},
    {"spring_2026-mx", "CBkqO0xdbn-QobLD1OX2Byn6m-MTlR23"},
};

static void check_known(const struct token_key *key) {
    struct token_job jobs[TOKEN_BATCH];
    char made[TOKEN_BATCH][TOKEN_SIZE];
    for (size_t i = 0; i < TOKEN_BATCH; i++) {
        jobs[i] = (struct token_job){
            .id = id_of((uint8_t)(i + 1)), .code = slice_of(known[i][0]), .token = made[i]};
    }
    token_make_all(key, jobs, TOKEN_BATCH);
    for (size_t i = 0; i < TOKEN_BATCH; i++) {
        assert_memory_equal(made[i], known[i][1], TOKEN_SIZE);
    }
}

static void test_known_tokens_never_change(void **state) {
    (void)state;
    with_every_way(check_known);
}

static void test_the_first_that_runs_is_chosen(void **state) {
    (void)state;
    size_t count_min = 0;
    const struct token_lanes *chosen = token_lanes_choose(&count_min);
    const struct token_lanes *lanes = token_lanes_all;
    while (lanes->name != NULL && !token_lanes_runs(lanes)) {
        lanes++;
    }
    if (lanes->name == NULL) {
        assert_null(chosen);
        assert_true(count_min == SIZE_MAX);
        return;
    }
    assert_ptr_equal(chosen, lanes);
    assert_true(count_min == lanes->count_min_with_sha || count_min == lanes->count_min_without);
    assert_in_range(lanes->count_min_with_sha, lanes->count_min_without, TOKEN_BATCH);
    assert_true(lanes->count_min_without > 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_count_of_tokens),
        cmocka_unit_test(test_codes_of_every_size_in_one_batch),
        cmocka_unit_test(test_a_code_of_every_size_in_every_lane),
        cmocka_unit_test(test_ids_and_codes_of_any_bytes),
        cmocka_unit_test(test_ids_of_zeros_and_of_ones),
        cmocka_unit_test(test_known_tokens_never_change),
        cmocka_unit_test(test_the_first_that_runs_is_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
