/*
 * QR codes: what may be asked for, what is drawn, and the limits. That they can be read is seen by
 * tests/e2e/test_qr.py.
 */
#include "pages_fixture.h"

#include "qr.h"

#define QUERY(query) "GET /AB12CD/qr.png?" query " HTTP/1.1\r\nHost: go.example.mx\r\n\r\n"

static void assert_query(const char *query, unsigned size, unsigned margin, enum qr_level level) {
    struct qr_options options;
    struct err err = {""};
    assert_true(qr_read_query(slice_of(query), &options, &err));
    assert_int_equal(options.size, size);
    assert_int_equal(options.margin, margin);
    assert_int_equal(options.level, level);
}

static void test_what_a_query_may_ask_for(void **state) {
    (void)state;
    assert_query("", 512, 4, QR_LEVEL_M);
    assert_query("size=64", 64, 4, QR_LEVEL_M);
    assert_query("size=1024&margin=0&level=L", 1024, 0, QR_LEVEL_L);
    assert_query("level=H&margin=16", 512, 16, QR_LEVEL_H);
    assert_query("level=Q", 512, 4, QR_LEVEL_Q);
}

static void test_anything_else_is_refused_with_a_sentence(void **state) {
    (void)state;
    static const struct {
        const char *query;
        const char *sentence;
    } rows[] = {
        {"size=63", "size: a number of pixels from 64 to 1024"},
        {"size=1025", "size: a number of pixels from 64 to 1024"},
        {"size=", "size: a number of pixels from 64 to 1024"},
        {"size=-64", "size: a number of pixels from 64 to 1024"},
        {"size=99999999999999999999", "size: a number of pixels from 64 to 1024"},
        {"size", "size: a number of pixels from 64 to 1024"},
        {"margin=17", "margin: a number of modules from 0 to 16"},
        {"margin=x", "margin: a number of modules from 0 to 16"},
        {"level=m", "level: L, M, Q or H"},
        {"level=MM", "level: L, M, Q or H"},
        {"level=", "level: L, M, Q or H"},
        {"colour=red", "only size, margin and level may be asked for"},
        {"size=64&&", "only size, margin and level may be asked for"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct qr_options options;
        struct err err = {""};
        assert_false(qr_read_query(slice_of(rows[i].query), &options, &err));
        assert_string_equal(err.text, rows[i].sentence);
    }
}

static void test_the_answer(void **state) {
    struct fixture *fixture = *state;
    const char *content;
    qr_respond(fixture_request(fixture, QUERY("size=64")), SLICE("AB12CD"), QR_PNG, true);
    const char *answer = fixture_answer(fixture, &content);
    assert_holds(answer, "HTTP/1.1 200 OK\r\n");
    assert_holds(answer, "\r\nContent-Type: image/png\r\n");
    assert_holds(answer, "\r\nCache-Control: public, max-age=3600\r\n");
    assert_holds(answer, "\r\nContent-Security-Policy: default-src 'none'; ");
    assert_memory_equal(content, "\x89PNG\r\n\x1A\n", 8);
    assert_memory_equal(content + 12, "IHDR\0\0\0\x40\0\0\0\x40\1\0",
                        14); /* 64 x 64, a bit, grey */

    qr_respond(fixture_request(fixture, QUERY("size=300&margin=2")), SLICE("AB12CD"), QR_SVG, true);
    answer = fixture_answer(fixture, &content);
    assert_holds(answer, "\r\nContent-Type: image/svg+xml\r\n");
    assert_holds(content, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"300\" height=\"300\" "
                          "viewBox=\"0 0 33 33\""); /* version 3 and twice the margin */
    assert_holds(content, "M2 2.5m0 0h7m");         /* the finder pattern's first row */

    qr_respond(fixture_request(fixture, "HEAD /A/qr.svg HTTP/1.1\r\nHost: x\r\n\r\n"), SLICE("A"),
               QR_SVG, true);
    answer = fixture_answer(fixture, &content);
    assert_holds(answer, "HTTP/1.1 200 OK\r\n");
    assert_string_equal(content, "");
}

static void test_refusals_are_answered(void **state) {
    struct fixture *fixture = *state;
    const char *content;
    qr_respond(fixture_request(fixture, QUERY("size=1")), SLICE("AB12CD"), QR_PNG, true);
    assert_holds(fixture_answer(fixture, &content), "HTTP/1.1 400 Bad Request\r\n");
    assert_string_equal(content, "size: a number of pixels from 64 to 1024\n");
    qr_respond(fixture_request(fixture, "GET /A/qr.svg HTTP/1.0\r\n\r\n"), SLICE("A"), QR_SVG,
               true);
    assert_holds(fixture_answer(fixture, &content), "HTTP/1.1 400 Bad Request\r\n");
    assert_holds(content, "Host: a QR code needs");
    qr_respond(fixture_request(fixture, "GET /A/qr.svg HTTP/1.1\r\nHost: a'b\r\n\r\n"), SLICE("A"),
               QR_SVG, true);
    assert_holds(fixture_answer(fixture, &content), "HTTP/1.1 400 Bad Request\r\n");
}

/* The largest symbol there can be, in all sizes: what does not fit is refused, the rest is sent. */
static void test_the_largest_link_fits_or_is_refused(void **state) {
    struct fixture *fixture = *state;
    char head[400];
    char host[QR_HOST_BYTES_MAX + 1];
    char code[65];
    memset(host, 'h', QR_HOST_BYTES_MAX);
    host[QR_HOST_BYTES_MAX] = '\0';
    memset(code, 'C', 64);
    code[64] = '\0';
    static const struct {
        const char *query;
        unsigned status;
    } rows[] = {{"size=1024&level=H&margin=16", 200},
                {"size=1024&level=L&margin=0", 200},
                {"size=125&level=H&margin=16", 200},
                {"size=124&level=H&margin=16", 400},
                {"size=64&level=L&margin=0", 400}};
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        const char *content;
        char status[32];
        snprintf(head, sizeof(head), "GET /x?%s HTTP/1.1\r\nHost: %s\r\n\r\n", rows[i / 2].query,
                 host);
        qr_respond(fixture_request(fixture, head), slice_of(code), i % 2 == 0 ? QR_SVG : QR_PNG,
                   true);
        snprintf(status, sizeof(status), "HTTP/1.1 %u ", rows[i / 2].status);
        assert_holds(fixture_answer(fixture, &content), status);
        if (rows[i / 2].status == 400) {
            assert_holds(content, "are too few for the ");
        }
    }
}

static void test_a_full_buffer_is_left_as_it_was(void **state) {
    (void)state;
    const struct qr_options options = {.size = 512, .margin = 4, .level = QR_LEVEL_M};
    static char bytes[16 * 1024];
    for (size_t room = 0; room < 700; room += 50) {
        struct err err = {""};
        struct buf out = buf_over(bytes, 1 + room);
        buf_append_char(&out, '!');
        bool is_svg = room % 100 == 0;
        bool fits = is_svg
                        ? qr_svg(SLICE("https://go.example.mx/AB12CD?s=qr"), &options, &out, &err)
                        : qr_png(SLICE("https://go.example.mx/AB12CD?s=qr"), &options, &out, &err);
        assert_int_equal(out.size > 1, fits);
        assert_int_equal(err.text[0] == '\0', fits);
    }
}

static int set_up(void **state) {
    *state = fixture_create("");
    return 0;
}

static int tear_down(void **state) {
    fixture_destroy(*state);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_query_may_ask_for),
        cmocka_unit_test(test_anything_else_is_refused_with_a_sentence),
        TEST(test_the_answer),
        TEST(test_refusals_are_answered),
        TEST(test_the_largest_link_fits_or_is_refused),
        cmocka_unit_test(test_a_full_buffer_is_left_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
