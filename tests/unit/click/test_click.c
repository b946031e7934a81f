/*
 * test_click.c - the record of a tap, there and back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "click/click.h"

static struct click example(void) {
    struct click click = {
        .at_ms = 1767225600123,
        .version = CLICK_VERSION,
        .kind = TAP_KIND_PREVIEW,
        .outcome = TAP_OUTCOME_APP_STORE,
        .platform = TAP_PLATFORM_IOS,
        .visitor = 0x0123456789ABCDEF,
        .network = 0x1122334455667788,
        .text =
            {
                [CLICK_CODE] = SLICE("AB12CD"),
                [CLICK_CAMPAIGN] = SLICE("spring"),
                [CLICK_OWNER] = SLICE("ana"),
                [CLICK_COUNTRY] = SLICE("MX"),
                [CLICK_REGION] = SLICE("CMX"),
                [CLICK_BROWSER] = SLICE("safari"),
                [CLICK_IN_APP] = SLICE_EMPTY,
                [CLICK_LANGUAGE] = SLICE("es-MX"),
                [CLICK_REFERRER] = SLICE("example.mx"),
                [CLICK_SOURCE] = SLICE("a\"b"),
                [CLICK_AGENT] = SLICE("WhatsApp/"),
                [CLICK_RULE] = SLICE("rule:mx"),
            },
    };
    assert_true(ulid_parse(SLICE("01ARZ3NDEKTSV4RRFFQ69G5FAV"), &click.id));
    return click;
}

static void assert_same(const struct click *a, const struct click *b) {
    assert_int_equal(a->at_ms, b->at_ms);
    assert_memory_equal(a->id.bytes, b->id.bytes, ULID_BYTES);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->platform, b->platform);
    assert_int_equal(a->visitor, b->visitor);
    assert_int_equal(a->network, b->network);
    for (size_t i = 0; i < CLICK_TEXT_COUNT; i++) {
        assert_true(slice_equal(a->text[i], b->text[i]));
    }
}

/* Journals are read by later versions: these bytes never change. */
static void test_payload_is_byte_for_byte_as_described(void **state) {
    (void)state;
    struct click click = example();
    uint8_t out[CLICK_PAYLOAD_BYTES_MAX];
    size_t size = click_encode(&click, out);
    static const uint8_t head[] = {
        0x7B, 0xA8, 0xDA, 0x76, 0x9B, 0x01, 0x00, 0x00,                         /* at */
        2,    1,    1,    1,                                                    /* layout … */
        0x01, 0x56, 0x3E, 0x3A, 0xB5, 0xD3, 0xD6, 0x76, 0x4C, 0x61, 0xEF, 0xB9, /* id */
        0x93, 0x02, 0xBD, 0x5B,                                                 /* id */
        0xEF, 0xCD, 0xAB, 0x89, 0x67, 0x45, 0x23, 0x01,                         /* visitor */
        0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,                         /* network */
        6,    'A',  'B',  '1',  '2',  'C',  'D',                                /* code */
    };
    assert_memory_equal(out, head, sizeof(head));
    assert_int_equal(size, 44 + 12 + 6 + 6 + 3 + 2 + 3 + 6 + 0 + 5 + 10 + 3 + 9 + 7);
}

static void test_decoding_gives_back_what_was_encoded(void **state) {
    (void)state;
    struct click click = example();
    uint8_t out[CLICK_PAYLOAD_BYTES_MAX];
    size_t size = click_encode(&click, out);
    struct click back;
    assert_true(click_decode(slice_make((const char *)out, size), &back));
    assert_same(&click, &back);
}

static void test_every_kind_outcome_and_platform_survives(void **state) {
    (void)state;
    for (int kind = 0; kind < TAP_KIND_COUNT; kind++) {
        for (int outcome = 0; outcome < TAP_OUTCOME_COUNT; outcome++) {
            for (int platform = 0; platform < TAP_PLATFORM_COUNT; platform++) {
                struct click click = example();
                click.kind = (enum tap_kind)kind;
                click.outcome = (enum tap_outcome)outcome;
                click.platform = (enum tap_platform)platform;
                uint8_t out[CLICK_PAYLOAD_BYTES_MAX];
                struct click back;
                size_t size = click_encode(&click, out);
                assert_true(click_decode(slice_make((const char *)out, size), &back));
                assert_same(&click, &back);
            }
        }
    }
}

/* A copy of exactly that size on the heap: a sanitizer sees a byte read beyond it. */
static bool decodes(const uint8_t *bytes, size_t size) {
    char *copy = malloc(size + (size == 0));
    memcpy(copy, bytes, size);
    struct click click;
    bool is_good = click_decode(slice_make(copy, size), &click);
    free(copy);
    return is_good;
}

/* Layout 1: no network, ten texts from 36 on. */
static void test_payloads_of_the_first_layout_are_read(void **state) {
    (void)state;
    struct click click = example();
    uint8_t out[CLICK_PAYLOAD_BYTES_MAX];
    uint8_t first[CLICK_PAYLOAD_BYTES_MAX];
    size_t size = click_encode(&click, out) - 8 - (1 + 9) - (1 + 7);
    memcpy(first, out, 36);
    memcpy(first + 36, out + 44, size - 36);
    first[8] = 1;
    struct click back;
    assert_true(click_decode(slice_make((const char *)first, size), &back));
    click.network = 0;
    click.text[CLICK_AGENT] = click.text[CLICK_RULE] = SLICE_EMPTY;
    assert_same(&click, &back);
    for (size_t cut = 0; cut < size; cut++) {
        assert_false(click_decode(slice_make((const char *)first, cut), &back));
    }
    first[8] = CLICK_LAYOUT;
    assert_false(click_decode(slice_make((const char *)first, size), &back));
}

static void test_truncated_and_prolonged_payloads_are_refused(void **state) {
    (void)state;
    struct click click = example();
    uint8_t out[CLICK_PAYLOAD_BYTES_MAX] = {0};
    size_t size = click_encode(&click, out);
    for (size_t cut = 0; cut < size; cut++) {
        assert_false(decodes(out, cut));
    }
    assert_true(decodes(out, size));
    assert_false(decodes(out, size + 1));
}

static void test_other_versions_and_unknown_words_are_refused(void **state) {
    (void)state;
    static const struct {
        size_t offset;
        int count;
    } bytes[] = {{9, TAP_KIND_COUNT}, {10, TAP_OUTCOME_COUNT}, {11, TAP_PLATFORM_COUNT}};
    struct click click = example();
    uint8_t out[CLICK_PAYLOAD_BYTES_MAX];
    size_t size = click_encode(&click, out);
    for (int version = 0; version < 256; version++) {
        out[8] = (uint8_t)version;
        assert_int_equal(decodes(out, size), version == CLICK_LAYOUT);
    }
    out[8] = CLICK_LAYOUT;
    for (size_t i = 0; i < ARRAY_COUNT(bytes); i++) {
        uint8_t kept = out[bytes[i].offset];
        for (int value = 0; value < 256; value++) {
            out[bytes[i].offset] = (uint8_t)value;
            assert_int_equal(decodes(out, size), value < bytes[i].count);
        }
        out[bytes[i].offset] = kept;
    }
}

static struct slice kept_of(struct slice text, uint8_t out[CLICK_PAYLOAD_BYTES_MAX]) {
    struct click click = example();
    click.text[CLICK_SOURCE] = text;
    size_t size = click_encode(&click, out);
    struct click back;
    assert_true(click_decode(slice_make((const char *)out, size), &back));
    return back.text[CLICK_SOURCE];
}

static void test_a_long_text_is_cut_where_a_character_begins(void **state) {
    (void)state;
    static const struct slice characters[] = {SLICE("x"), SLICE("\xC3\xB1"), SLICE("\xE2\x82\xAC"),
                                              SLICE("\xF0\x9F\x98\x80")};
    uint8_t out[CLICK_PAYLOAD_BYTES_MAX];
    for (size_t i = 0; i < ARRAY_COUNT(characters); i++) {
        for (size_t shift = 0; shift < 4; shift++) {
            char text[400];
            memset(text, '.', sizeof(text));
            for (size_t at = shift; at + characters[i].size <= sizeof(text);) {
                memcpy(text + at, characters[i].data, characters[i].size);
                at += characters[i].size;
            }
            struct slice kept = kept_of(slice_make(text, sizeof(text)), out);
            size_t whole = (CLICK_TEXT_BYTES_MAX - shift) / characters[i].size;
            assert_int_equal(kept.size, shift + whole * characters[i].size);
            assert_memory_equal(kept.data, text, kept.size);
        }
    }
}

static void test_a_text_of_exactly_the_limit_is_whole(void **state) {
    (void)state;
    uint8_t out[CLICK_PAYLOAD_BYTES_MAX];
    char text[256];
    memset(text, 'x', sizeof(text));
    assert_int_equal(kept_of(slice_make(text, 255), out).size, 255);
    assert_int_equal(kept_of(slice_make(text, 256), out).size, 255);
    memset(text, 0x80, sizeof(text)); /* no character begins anywhere */
    assert_int_equal(kept_of(slice_make(text, 256), out).size, 255);
}

static void test_texts_of_every_size_are_copied_whole(void **state) {
    (void)state;
    uint8_t out[CLICK_PAYLOAD_BYTES_MAX];
    for (size_t size = 0; size <= CLICK_TEXT_BYTES_MAX; size++) {
        char *text = malloc(size + (size == 0)); /* exactly so long: a sanitizer sees more */
        for (size_t i = 0; i < size; i++) {
            text[i] = (char)('!' + i % 90);
        }
        struct slice kept = kept_of(slice_make(text, size), out);
        assert_int_equal(kept.size, size);
        assert_memory_equal(kept.data, text, size);
        free(text);
    }
}

static void test_the_longest_click_fits_the_payload(void **state) {
    (void)state;
    char text[1000];
    memset(text, 'x', sizeof(text));
    struct click click = example();
    for (size_t i = 0; i < CLICK_TEXT_COUNT; i++) {
        click.text[i] = slice_make(text, sizeof(text));
    }
    uint8_t *out = malloc(CLICK_PAYLOAD_BYTES_MAX);
    size_t size = click_encode(&click, out);
    assert_int_equal(size, 44 + 12 * 256);
    assert_true(decodes(out, size));
    free(out);
}

static void collect(void *argument, struct slice name, struct slice value) {
    struct buf *out = argument;
    buf_append(out, name);
    buf_append_char(out, '=');
    buf_append(out, value);
    buf_append_char(out, ' ');
}

static void test_fields_come_in_their_fixed_order(void **state) {
    (void)state;
    struct click click = example();
    char storage[1024];
    struct buf out = buf_over(storage, sizeof(storage));
    click_fields(&click, &(struct click_visitor){collect, &out});
    struct slice expected =
        SLICE("id=01ARZ3NDEKTSV4RRFFQ69G5FAV at=1767225600123 code=AB12CD campaign=spring "
              "owner=ana kind=preview outcome=app_store country=MX region=CMX platform=ios "
              "browser=safari in_app= language=es-MX referrer=example.mx source=a\"b "
              "visitor=0123456789abcdef version=1 network=1122334455667788 agent=WhatsApp/ "
              "rule=rule:mx ");
    assert_true(slice_equal(buf_slice(&out), expected));
    size_t fields = 0;
    for (size_t i = 0; i < out.size; i++) {
        fields += out.data[i] == ' ';
    }
    assert_int_equal(fields, CLICK_FIELD_COUNT);
}

static void test_json_is_one_escaped_object(void **state) {
    (void)state;
    struct click click = example();
    click.text[CLICK_OWNER] = SLICE("a\n{\xFF");
    char storage[1024];
    struct buf out = buf_over(storage, sizeof(storage));
    assert_true(click_to_json(&click, &out));
    struct slice expected = SLICE(
        "{\"id\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\",\"at\":1767225600123,\"code\":\"AB12CD\","
        "\"campaign\":\"spring\",\"owner\":\"a\\n{\xEF\xBF\xBD\",\"kind\":\"preview\","
        "\"outcome\":\"app_store\",\"country\":\"MX\",\"region\":\"CMX\",\"platform\":\"ios\","
        "\"browser\":\"safari\",\"in_app\":\"\",\"language\":\"es-MX\",\"referrer\":\"example.mx\","
        "\"source\":\"a\\\"b\",\"visitor\":\"0123456789abcdef\",\"version\":1,"
        "\"network\":\"1122334455667788\",\"agent\":\"WhatsApp/\",\"rule\":\"rule:mx\"}");
    assert_true(slice_equal(buf_slice(&out), expected));
}

static void test_json_without_room_leaves_the_buffer_as_it_was(void **state) {
    (void)state;
    struct click click = example();
    char storage[1024];
    struct buf out = buf_over(storage, sizeof(storage));
    assert_true(click_to_json(&click, &out));
    size_t whole = out.size;
    for (size_t room = 0; room < whole; room++) {
        char *exact = malloc(room + 2);
        out = buf_over(exact, room + 1);
        buf_append_char(&out, '[');
        assert_false(click_to_json(&click, &out));
        assert_true(out.overflowed);
        assert_int_equal(out.size, 1);
        free(exact);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_payload_is_byte_for_byte_as_described),
        cmocka_unit_test(test_decoding_gives_back_what_was_encoded),
        cmocka_unit_test(test_every_kind_outcome_and_platform_survives),
        cmocka_unit_test(test_payloads_of_the_first_layout_are_read),
        cmocka_unit_test(test_truncated_and_prolonged_payloads_are_refused),
        cmocka_unit_test(test_other_versions_and_unknown_words_are_refused),
        cmocka_unit_test(test_a_long_text_is_cut_where_a_character_begins),
        cmocka_unit_test(test_a_text_of_exactly_the_limit_is_whole),
        cmocka_unit_test(test_texts_of_every_size_are_copied_whole),
        cmocka_unit_test(test_the_longest_click_fits_the_payload),
        cmocka_unit_test(test_fields_come_in_their_fixed_order),
        cmocka_unit_test(test_json_is_one_escaped_object),
        cmocka_unit_test(test_json_without_room_leaves_the_buffer_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
