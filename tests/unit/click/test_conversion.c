/*
 * test_conversion.c - the record of what was done in the app, there and back, in both forms.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "click/conversion.h"

enum { FIELDS_MAX = 32, VALUES_BYTES = 4096 };

static struct conversion example(void) {
    struct conversion conversion = {
        .at_ms = 1767225600123,
        .proof = CONVERSION_FORGED,
        .has_click_id = true,
        .happened_ms = 1767225500000,
        .install_begin_ms = 1767225400000,
        .referrer_click_ms = 1767225300000,
        .value = 150000,
        .text =
            {
                [CONVERSION_TEXT_EVENT] = SLICE("first_loan"),
                [CONVERSION_TEXT_CODE] = SLICE("AB12CD"),
                [CONVERSION_TEXT_CLICK] = SLICE("AVY-OrXT1nZMYe-5kwK9Ww0123456789"),
                [CONVERSION_TEXT_CURRENCY] = SLICE("MXN"),
                [CONVERSION_TEXT_USER] = SLICE("u\"1"),
                [CONVERSION_TEXT_KEY] = SLICE("loan-77"),
                [CONVERSION_TEXT_REPORTER] = SLICE("core"),
            },
    };
    assert_true(ulid_parse(SLICE("01ARZ3NDEKTSV4RRFFQ69G5FAV"), &conversion.id));
    assert_true(ulid_parse(SLICE("01BX5ZZKBKACTAV9WEVGEMMVRZ"), &conversion.click_id));
    return conversion;
}

static struct conversion bare(void) {
    struct conversion conversion = {.at_ms = 5, .happened_ms = 5, .proof = CONVERSION_UNVERIFIED};
    conversion.text[CONVERSION_TEXT_EVENT] = SLICE("install");
    return conversion;
}

static void assert_same(const struct conversion *a, const struct conversion *b) {
    assert_int_equal(a->at_ms, b->at_ms);
    assert_memory_equal(a->id.bytes, b->id.bytes, ULID_BYTES);
    assert_int_equal(a->proof, b->proof);
    assert_int_equal(a->has_click_id, b->has_click_id);
    assert_memory_equal(a->click_id.bytes, b->click_id.bytes, ULID_BYTES);
    assert_int_equal(a->happened_ms, b->happened_ms);
    assert_int_equal(a->install_begin_ms, b->install_begin_ms);
    assert_int_equal(a->referrer_click_ms, b->referrer_click_ms);
    assert_int_equal(a->value, b->value);
    for (size_t i = 0; i < CONVERSION_TEXT_COUNT; i++) {
        assert_true(slice_equal(a->text[i], b->text[i]));
    }
}

/* A copy of exactly that size on the heap: a sanitizer sees a byte read beyond it. */
static bool decodes(const uint8_t *bytes, size_t size) {
    char *copy = malloc(size + (size == 0));
    struct conversion conversion;
    memcpy(copy, bytes, size);
    bool is_good = conversion_decode(slice_make(copy, size), &conversion);
    free(copy);
    return is_good;
}

/* Journals are read by later versions: these bytes never change. */
static void test_payload_is_byte_for_byte_as_described(void **state) {
    (void)state;
    struct conversion conversion = example();
    uint8_t out[CONVERSION_PAYLOAD_BYTES_MAX];
    size_t size = conversion_encode(&conversion, out);
    static const uint8_t head[] = {
        0x7B, 0xA8, 0xDA, 0x76, 0x9B, 0x01, 0x00, 0x00, 1,    2,    1,    0,    /* at ... zero */
        0x01, 0x56, 0x3E, 0x3A, 0xB5, 0xD3, 0xD6, 0x76, 0x4C, 0x61, 0xEF, 0xB9, /* id */
        0x93, 0x02, 0xBD, 0x5B,                                                 /* id */
    };
    static const uint8_t value[] = {0xF0, 0x49, 0x02, 0, 0, 0, 0, 0, 10, 'f', 'i'};
    assert_memory_equal(out, head, sizeof(head));
    assert_memory_equal(out + 28, conversion.click_id.bytes, ULID_BYTES);
    assert_memory_equal(out + 68, value, sizeof(value));
    assert_int_equal(size, 76 + 7 + 10 + 6 + 32 + 3 + 3 + 7 + 4);
}

static void test_decoding_gives_back_what_was_encoded(void **state) {
    (void)state;
    for (int proof = 0; proof < CONVERSION_PROOF_COUNT; proof++) {
        struct conversion full = example();
        struct conversion empty = bare();
        const struct conversion *both[] = {&full, &empty};
        full.proof = empty.proof = (enum conversion_proof)proof;
        for (size_t i = 0; i < 2; i++) {
            uint8_t out[CONVERSION_PAYLOAD_BYTES_MAX];
            struct conversion back;
            size_t size = conversion_encode(both[i], out);
            assert_true(conversion_decode(slice_make((const char *)out, size), &back));
            assert_same(both[i], &back);
        }
    }
}

static void test_the_longest_texts_fit(void **state) {
    (void)state;
    char text[CONVERSION_TEXT_BYTES_MAX];
    uint8_t out[CONVERSION_PAYLOAD_BYTES_MAX];
    struct conversion conversion = example();
    struct conversion back;
    memset(text, 'x', sizeof(text));
    for (size_t i = CONVERSION_TEXT_CODE; i < CONVERSION_TEXT_COUNT; i++) {
        conversion.text[i] = slice_make(text, sizeof(text));
    }
    size_t size = conversion_encode(&conversion, out);
    assert_true(size <= sizeof(out));
    assert_true(conversion_decode(slice_make((const char *)out, size), &back));
    assert_same(&conversion, &back);
}

static void test_truncated_and_prolonged_payloads_are_refused(void **state) {
    (void)state;
    struct conversion conversion = example();
    uint8_t out[CONVERSION_PAYLOAD_BYTES_MAX] = {0};
    size_t size = conversion_encode(&conversion, out);
    for (size_t cut = 0; cut < size; cut++) {
        assert_false(decodes(out, cut));
    }
    assert_true(decodes(out, size));
    assert_false(decodes(out, size + 1));
}

static void test_bytes_that_are_never_written_are_refused(void **state) {
    (void)state;
    static const struct {
        size_t offset;
        int first, last; /* what is allowed */
    } bytes[] = {{8, 1, 1}, {9, 0, CONVERSION_PROOF_COUNT - 1}, {11, 0, 0}, {75, 0, 127}};
    struct conversion conversion = example();
    uint8_t out[CONVERSION_PAYLOAD_BYTES_MAX];
    size_t size = conversion_encode(&conversion, out);
    for (size_t i = 0; i < ARRAY_COUNT(bytes); i++) {
        uint8_t kept = out[bytes[i].offset];
        for (int value = 0; value < 256; value++) {
            out[bytes[i].offset] = (uint8_t)value;
            assert_int_equal(decodes(out, size), value >= bytes[i].first && value <= bytes[i].last);
        }
        out[bytes[i].offset] = kept;
    }
    out[10] = 0; /* has no click id, and there is one */
    assert_false(decodes(out, size));
    memset(out + 28, 0, ULID_BYTES);
    assert_true(decodes(out, size));
    out[10] = 2;
    assert_false(decodes(out, size));
}

static void test_what_must_not_be_in_a_conversion_is_refused(void **state) {
    (void)state;
    struct conversion conversion = example();
    uint8_t out[CONVERSION_PAYLOAD_BYTES_MAX];
    size_t size = conversion_encode(&conversion, out);
    uint8_t *event = out + 76 + 1;
    event[0] = 'F'; /* no name of an event */
    assert_false(decodes(out, size));
    event[0] = 'f';
    assert_true(decodes(out, size));

    /* A value without a currency: what is behind it moves up. */
    size_t currency = 76 + 1 + 10 + 1 + 6 + 1 + 32;
    out[currency] = 0;
    memmove(out + currency + 1, out + currency + 4, size - currency - 4);
    assert_false(decodes(out, size - 3));
    memset(out + 68, 0, 8);
    assert_true(decodes(out, size - 3));
}

/* ---- fields ---- */

struct seen {
    struct slice name[FIELDS_MAX];
    struct slice value[FIELDS_MAX];
    size_t count;
    char bytes[VALUES_BYTES];
    size_t size;
};

static void see(void *argument, struct slice name, struct slice value) {
    struct seen *seen = argument;
    assert_true(seen->count < FIELDS_MAX && seen->size + value.size <= VALUES_BYTES);
    memcpy(seen->bytes + seen->size, value.data != NULL ? value.data : "", value.size);
    seen->name[seen->count] = name;
    seen->value[seen->count++] = slice_make(seen->bytes + seen->size, value.size);
    seen->size += value.size;
}

static void show(const struct conversion *conversion, struct seen *seen) {
    *seen = (struct seen){.count = 0};
    conversion_fields(conversion, &(struct click_visitor){see, seen});
}

static bool reads(const struct seen *seen, struct conversion *conversion) {
    return conversion_from_fields(seen->name, seen->value, seen->count, conversion);
}

static void set(struct seen *seen, const char *name, const char *value) {
    for (size_t i = 0; i < seen->count; i++) {
        if (slice_equal(seen->name[i], slice_of(name))) {
            seen->value[i] = slice_of(value);
            return;
        }
    }
    fail_msg("no field %s", name);
}

static void test_fields_have_their_order_and_their_form(void **state) {
    (void)state;
    static const char *const expected[][2] = {
        {"id", "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
        {"at", "1767225600123"},
        {"event", "first_loan"},
        {"proof", "forged"},
        {"code", "AB12CD"},
        {"click", "AVY-OrXT1nZMYe-5kwK9Ww0123456789"},
        {"click_id", "01BX5ZZKBKACTAV9WEVGEMMVRZ"},
        {"happened_at", "1767225500000"},
        {"install_begin_at", "1767225400000"},
        {"referrer_click_at", "1767225300000"},
        {"value", "150000"},
        {"currency", "MXN"},
        {"user", "u\"1"},
        {"key", "loan-77"},
        {"reporter", "core"},
        {"version", "1"},
    };
    struct conversion conversion = example();
    struct seen seen;
    show(&conversion, &seen);
    assert_int_equal(seen.count, CONVERSION_FIELD_COUNT);
    assert_int_equal(seen.count, ARRAY_COUNT(expected));
    for (size_t i = 0; i < seen.count; i++) {
        assert_true(slice_equal(seen.name[i], slice_of(expected[i][0])));
        assert_true(slice_equal(seen.value[i], slice_of(expected[i][1])));
    }
}

static void test_what_is_not_known_is_an_empty_field(void **state) {
    (void)state;
    static const char *const empty[] = {"code",  "click",    "click_id", "install_begin_at",
                                        "value", "currency", "user",     "referrer_click_at"};
    struct conversion conversion = bare();
    struct seen seen;
    show(&conversion, &seen);
    assert_int_equal(seen.count, CONVERSION_FIELD_COUNT);
    for (size_t i = 0; i < ARRAY_COUNT(empty); i++) {
        size_t at = 0;
        while (!slice_equal(seen.name[at], slice_of(empty[i]))) {
            at++;
        }
        assert_int_equal(seen.value[at].size, 0);
    }
}

static void test_fields_are_read_back_in_any_order(void **state) {
    (void)state;
    struct conversion both[] = {example(), bare()};
    for (size_t k = 0; k < 2; k++) {
        struct seen seen;
        struct conversion back;
        show(&both[k], &seen);
        for (size_t i = 0; i < seen.count / 2; i++) {
            size_t other = seen.count - 1 - i;
            struct slice name = seen.name[i];
            struct slice value = seen.value[i];
            seen.name[i] = seen.name[other];
            seen.value[i] = seen.value[other];
            seen.name[other] = name;
            seen.value[other] = value;
        }
        see(&seen, SLICE("of_a_later_writer"), SLICE("x"));
        assert_true(reads(&seen, &back));
        assert_same(&both[k], &back);
    }
}

static void test_a_missing_time_is_that_of_the_report(void **state) {
    (void)state;
    struct conversion conversion = example();
    struct conversion back;
    struct seen seen;
    show(&conversion, &seen);
    set(&seen, "happened_at", "");
    assert_true(reads(&seen, &back));
    assert_int_equal(back.happened_ms, conversion.at_ms);
}

static void test_entries_that_make_no_sense_are_none(void **state) {
    (void)state;
    char long_text[CONVERSION_TEXT_BYTES_MAX + 2];
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    const char *const wrong[][2] = {
        {"id", ""},           {"id", "01ARZ3NDEKTSV4RRFFQ69G5FA"},
        {"at", ""},           {"at", "-1"},
        {"at", "1e3"},        {"event", ""},
        {"event", "Install"}, {"proof", ""},
        {"proof", "sure"},    {"version", ""},
        {"version", "0"},     {"version", "2"},
        {"value", "-5"},      {"value", "9223372036854775808"},
        {"value", ""},        {"currency", ""},
        {"click_id", "x"},    {"happened_at", "x"},
        {"user", long_text},  {"referrer_click_at", "99999999999999999999"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct conversion conversion = example();
        struct seen seen;
        show(&conversion, &seen);
        set(&seen, wrong[i][0], wrong[i][1]);
        if (reads(&seen, &conversion)) {
            fail_msg("%s=%s is taken", wrong[i][0], wrong[i][1]);
        }
    }
    struct conversion conversion = example();
    struct seen seen;
    show(&conversion, &seen);
    see(&seen, SLICE("event"), SLICE("signup"));
    assert_false(reads(&seen, &conversion)); /* twice */
    assert_false(conversion_from_fields(NULL, NULL, 0, &conversion));
}

static void test_names_of_events(void **state) {
    (void)state;
    static const char *const good[] = {"install", "a", "first_loan", "x9_",
                                       "abcdefghijklmnopqrstuvwxyz012345"};
    static const char *const bad[] = {"",    "Install", "9x", "_x",
                                      "a-b", "a b",     "ñ",  "abcdefghijklmnopqrstuvwxyz0123456"};
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        assert_true(conversion_event_is_name(slice_of(good[i])));
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(conversion_event_is_name(slice_of(bad[i])));
    }
}

static void test_json_is_one_object_or_nothing(void **state) {
    (void)state;
    struct conversion conversion = example();
    char storage[1024];
    struct buf out = buf_over(storage, sizeof(storage));
    assert_true(conversion_to_json(&conversion, &out));
    static const char expected[] =
        "{\"id\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\",\"at\":1767225600123,\"event\":\"first_loan\","
        "\"proof\":\"forged\",\"code\":\"AB12CD\","
        "\"click\":\"AVY-OrXT1nZMYe-5kwK9Ww0123456789\","
        "\"click_id\":\"01BX5ZZKBKACTAV9WEVGEMMVRZ\",\"happened_at\":\"1767225500000\","
        "\"install_begin_at\":\"1767225400000\",\"referrer_click_at\":\"1767225300000\","
        "\"value\":\"150000\",\"currency\":\"MXN\",\"user\":\"u\\\"1\",\"key\":\"loan-77\","
        "\"reporter\":\"core\",\"version\":1}";
    assert_true(slice_equal(buf_slice(&out), slice_of(expected)));
    for (size_t capacity = 0; capacity < sizeof(expected) - 1; capacity++) {
        struct buf small = buf_over(storage, capacity);
        assert_false(conversion_to_json(&conversion, &small));
        assert_int_equal(small.size, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_payload_is_byte_for_byte_as_described),
        cmocka_unit_test(test_decoding_gives_back_what_was_encoded),
        cmocka_unit_test(test_the_longest_texts_fit),
        cmocka_unit_test(test_truncated_and_prolonged_payloads_are_refused),
        cmocka_unit_test(test_bytes_that_are_never_written_are_refused),
        cmocka_unit_test(test_what_must_not_be_in_a_conversion_is_refused),
        cmocka_unit_test(test_fields_have_their_order_and_their_form),
        cmocka_unit_test(test_what_is_not_known_is_an_empty_field),
        cmocka_unit_test(test_fields_are_read_back_in_any_order),
        cmocka_unit_test(test_a_missing_time_is_that_of_the_report),
        cmocka_unit_test(test_entries_that_make_no_sense_are_none),
        cmocka_unit_test(test_names_of_events),
        cmocka_unit_test(test_json_is_one_object_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
