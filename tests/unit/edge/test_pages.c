/*
 * Whole answers: fields, languages, hostile values, and what happens when a page is too long.
 */
#include "pages_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "http/request.h"
#include "link/campaign.h"
#include "page_bind.h"

#define HEAD_OF(host, more)                                                                        \
    "GET /AB12CD HTTP/1.1\r\nHost: " host "\r\nUser-Agent: x\r\n" more "\r\n"

#define HOSTILE "\"><script>alert('1')</script>&amp;%3Cb%3E \xE2\x80\xAE{{title}}"

static struct campaign *hostile_campaign(void) {
    struct slice values[CAMPAIGN_FIELD_COUNT] = {
        [CAMPAIGN_FIELD_NAME] = SLICE(HOSTILE),
        [CAMPAIGN_FIELD_OG_TITLE] = SLICE(HOSTILE),
        [CAMPAIGN_FIELD_OG_DESCRIPTION] = SLICE(HOSTILE),
        [CAMPAIGN_FIELD_OG_IMAGE] = SLICE("https://x.mx/a?b=1&c='d'"),
        [CAMPAIGN_FIELD_SCHEMES] = SLICE("mybank"),
    };
    struct campaign *campaign = campaign_create(SLICE("spring"), values, SLICE_EMPTY);
    assert_non_null(campaign);
    return campaign;
}

static unsigned count_of(const char *text, const char *part) {
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++) {
        count++;
    }
    return count;
}

static struct page_values all_values(const struct campaign *campaign) {
    return (struct page_values){.code = SLICE("AB12CD"),
                                .campaign = campaign,
                                .is_https = true,
                                .href = SLICE("mybank://open?a=1&b=%22'\"><b>"),
                                .android_href = SLICE("https://play.google.com/x?a=1&b='2'"),
                                .ios_href = SLICE("javascript:alert(1)"),
                                .web_href = SLICE("https://www.example.mx/"),
                                .has_qr = true};
}

static void test_every_page_has_its_status_and_the_fields_that_keep_it_harmless(void **state) {
    struct fixture *fixture = *state;
    for (enum page_name page = 0; page < PAGE_NAME_COUNT; page++) {
        char status[32];
        const char *html;
        pages_show(fixture_request(fixture, HEAD_OF("go.example.mx", "")), page, NULL);
        const char *answer = fixture_answer(fixture, &html);
        snprintf(status, sizeof(status), "HTTP/1.1 %u ", (unsigned)page_status(page));
        assert_ptr_equal(strstr(answer, status), answer);
        assert_holds(answer, "\r\nCache-Control: private, no-store\r\n");
        assert_holds(answer, "\r\nContent-Type: text/html; charset=utf-8\r\n");
        assert_holds(answer, "\r\nX-Content-Type-Options: nosniff\r\n");
        assert_holds(answer, "\r\nReferrer-Policy: no-referrer\r\n");
        assert_holds(answer, "\r\nContent-Language: es\r\n");
        assert_holds(answer, "\r\nVary: Accept-Language\r\n");
        assert_holds(answer, "\r\nContent-Security-Policy: default-src 'none'; "
                             "style-src 'sha256-");
        assert_holds(answer, "; img-src 'self' https:; base-uri 'none'; form-action 'none'; "
                             "frame-ancestors 'none'\r\n");
        bool is_error = page_status(page) >= 400;
        assert_int_equal(strstr(answer, "\r\nX-Robots-Tag: noindex\r\n") != NULL,
                         is_error || page == PAGE_NAME_INSPECT);
        assert_int_equal(strstr(answer, "\r\nRetry-After: 1\r\n") != NULL, page == PAGE_NAME_BUSY);
    }
}

/* One heading, a main part, the language and no scripts: what a screen reader holds on to. */
static void test_every_page_is_small_and_well_built_in_both_languages(void **state) {
    struct fixture *fixture = *state;
    struct campaign *campaign = hostile_campaign();
    const struct page_values values = all_values(campaign);
    for (enum page_name page = 0; page < PAGE_NAME_COUNT; page++) {
        for (int english = 0; english <= 1; english++) {
            const char *html;
            pages_show(fixture_request(fixture, english == 1
                                                    ? HEAD_OF("go.example.mx",
                                                              "Accept-Language: fr, en;q=0.3\r\n")
                                                    : HEAD_OF("go.example.mx", "")),
                       page, &values);
            fixture_answer(fixture, &html);
            assert_holds(html, english == 1 ? "<html lang=\"en\"" : "<html lang=\"es\"");
            assert_int_equal(count_of(html, "<h1"), 1);
            assert_int_equal(count_of(html, "<main"), 1);
            assert_int_equal(count_of(html, "<title>"), 1);
            assert_int_equal(count_of(html, "<img"), count_of(html, " alt=\""));
            assert_holds(html, "<meta name=\"color-scheme\" content=\"light dark\">");
            assert_in_range(strlen(html), 1000, 6 * 1024);
        }
    }
    campaign_destroy(&campaign);
}

static void test_hostile_values_stay_text(void **state) {
    struct fixture *fixture = *state;
    struct campaign *campaign = hostile_campaign();
    const struct page_values values = all_values(campaign);
    for (enum page_name page = 0; page < PAGE_NAME_COUNT; page++) {
        const char *html;
        pages_show(fixture_request(fixture, HEAD_OF("go.example.mx", "")), page, &values);
        fixture_answer(fixture, &html);
        assert_lacks(html, "<script");
        assert_lacks(html, "<b>");
        assert_lacks(html, "alert('");
        assert_lacks(html, "javascript:");
        assert_lacks(html, "='d'");
    }
    const char *html;
    pages_show(fixture_request(fixture, HEAD_OF("go.example.mx", "")), PAGE_NAME_PREVIEW, &values);
    fixture_answer(fixture, &html);
    assert_holds(html, "<meta property=\"og:title\" content=\"&quot;&gt;&lt;script&gt;alert(&#39;1"
                       "&#39;)&lt;/script&gt;&amp;amp;%3Cb%3E \xE2\x80\xAE{{title}}\">");
    assert_holds(html, "<meta property=\"og:image\" content=\"https://x.mx/a?b=1&amp;c=&#39;d"
                       "&#39;\">");
    pages_show(fixture_request(fixture, HEAD_OF("go.example.mx", "")), PAGE_NAME_OPEN, &values);
    fixture_answer(fixture, &html);
    assert_holds(html, "<a class=\"button\" href=\"mybank://open?a=1&amp;b=%22&#39;&quot;&gt;&lt;b"
                       "&gt;\">Continuar</a>");
    campaign_destroy(&campaign);
}

static void test_a_hostile_host_is_not_repeated(void **state) {
    struct fixture *fixture = *state;
    static const char *const heads[] = {HEAD_OF("a'b!$&(x)", ""), HEAD_OF("%3Cscript%3E", ""),
                                        "GET / HTTP/1.0\r\n\r\n"};
    const struct page_values values = {.code = SLICE("AB12CD"), .has_qr = true};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        const char *html;
        pages_show(fixture_request(fixture, heads[i]), PAGE_NAME_PREVIEW, &values);
        fixture_answer(fixture, &html);
        assert_lacks(html, "a&#39;b");
        assert_lacks(html, "%3C");
        assert_lacks(html, "og:url");
        assert_holds(html, "<meta property=\"og:title\" content=\"AB12CD\">");
    }
}

/* All tags for previews, at their longest: a fetcher that reads 4 KiB has seen them. */
static void test_the_tags_for_previews_are_early_whatever_the_lengths(void **state) {
    struct fixture *fixture = *state;
    static const char *const fillers[] = {"x", "&", "\"", "\xC3\xB1"};
    static const size_t images[] = {13, 300, 301, 900, 1024};
    char host[PAGE_HOST_BYTES_MAX + 1];
    char head[512];
    char code[65];
    memset(host, 'h', sizeof(host) - 1);
    host[sizeof(host) - 1] = '\0';
    memset(code, 'C', 64);
    code[64] = '\0';
    snprintf(head, sizeof(head), "GET /x HTTP/1.1\r\nHost: %s\r\n\r\n", host);
    for (size_t i = 0; i < 4 * 5; i++) {
        char text[CAMPAIGN_TEXT_BYTES_MAX + 1] = "";
        char image[CAMPAIGN_TEXT_BYTES_MAX + 1] = "https://x.mx/";
        size_t unit = strlen(fillers[i % 4]);
        for (size_t at = 0; at + unit <= CAMPAIGN_TEXT_BYTES_MAX; at += unit) {
            memcpy(text + at, fillers[i % 4], unit + 1);
        }
        memset(image + 13, i % 4 == 1 ? '&' : 'i', images[i / 4] - 13);
        struct slice fields[CAMPAIGN_FIELD_COUNT] = {
            [CAMPAIGN_FIELD_OG_TITLE] = slice_of(text),
            [CAMPAIGN_FIELD_OG_DESCRIPTION] = slice_of(text),
            [CAMPAIGN_FIELD_OG_IMAGE] = slice_of(image),
        };
        struct campaign *campaign = campaign_create(SLICE("spring"), fields, SLICE_EMPTY);
        const struct page_values values = {
            .code = slice_of(code), .campaign = campaign, .is_https = true};
        const char *html;
        pages_show(fixture_request(fixture, head), PAGE_NAME_PREVIEW, &values);
        fixture_answer(fixture, &html);
        const char *last = strstr(html, "<title>");
        assert_non_null(last);
        assert_in_range(last - html, 1000, PAGE_CARD_BYTES_MAX - 1);
        assert_int_equal(count_of(html, "property=\"og:"),
                         strstr(html, "og:image") != NULL ? 8 : 6);
        assert_holds(html, "name=\"twitter:title\"");
        assert_lacks(last, "<meta property");
        assert_lacks(last, "twitter:");
        campaign_destroy(&campaign);
    }
    assert_int_equal(metric_get(fixture->worker->metrics, EDGE_PAGES_TOO_LARGE), 0);
}

static void write_page(const char *folder, const char *name, const char *unit, size_t count) {
    char path[FILE_PATH_MAX];
    static char text[64 * 1024];
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s", unit);
    }
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_true(file_write_atomically(path, slice_make(text, size), 0600, NULL));
}

static void test_a_page_that_comes_out_too_long_is_the_built_in_one(void **state) {
    (void)state;
    char folder[] = "/tmp/brinco-pages-XXXXXX";
    char text[CAMPAIGN_TEXT_BYTES_MAX + 1];
    assert_non_null(mkdtemp(folder));
    write_page(folder, "preview.html", "<p>{{description}}</p>", 60);
    struct fixture *fixture = fixture_create(folder);
    memset(text, '&', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct slice fields[CAMPAIGN_FIELD_COUNT] = {[CAMPAIGN_FIELD_OG_DESCRIPTION] = SLICE("short")};
    struct campaign *campaign = campaign_create(SLICE("spring"), fields, SLICE_EMPTY);
    const char *html;
    pages_preview(fixture_request(fixture, HEAD_OF("x", "")), SLICE("AB"), campaign, true);
    fixture_answer(fixture, &html);
    assert_ptr_equal(strstr(html, "<p>short</p><p>"), html);
    assert_int_equal(metric_get(fixture->worker->metrics, EDGE_PAGES_TOO_LARGE), 0);
    campaign_destroy(&campaign);

    fields[CAMPAIGN_FIELD_OG_DESCRIPTION] = slice_of(text);
    campaign = campaign_create(SLICE("spring"), fields, SLICE_EMPTY);
    pages_preview(fixture_request(fixture, HEAD_OF("x", "")), SLICE("AB"), campaign, true);
    fixture_answer(fixture, &html);
    assert_holds(html, "og:description");
    assert_int_equal(metric_get(fixture->worker->metrics, EDGE_PAGES_TOO_LARGE), 1);
    campaign_destroy(&campaign);
    fixture_destroy(fixture);
    char command[64];
    snprintf(command, sizeof(command), "%s/preview.html", folder);
    assert_int_equal(unlink(command), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* Four addresses of 4 KiB that all need escaping are more than a page. */
static void test_what_no_page_can_hold_is_said_in_a_sentence(void **state) {
    struct fixture *fixture = *state;
    static char url[4096];
    memset(url, '&', sizeof(url));
    memcpy(url, "https://x.mx/", 13);
    struct slice href = slice_make(url, sizeof(url));
    const struct page_values values = {.code = SLICE("AB12CD"),
                                       .href = href,
                                       .android_href = href,
                                       .ios_href = href,
                                       .web_href = href};
    const char *content;
    pages_show(fixture_request(fixture, HEAD_OF("x", "")), PAGE_NAME_INSPECT, &values);
    fixture_answer(fixture, &content);
    assert_string_equal(content, "this page is too long to be shown\n");
    assert_int_equal(metric_get(fixture->worker->metrics, EDGE_PAGES_TOO_LARGE), 1);
}

static void test_the_destinations_pages(void **state) {
    (void)state;
    assert_int_equal(pages_name_of(PAGE_NOT_FOUND), PAGE_NAME_NOT_FOUND);
    assert_int_equal(pages_name_of(PAGE_PAUSED), PAGE_NAME_PAUSED);
    assert_int_equal(pages_name_of(PAGE_NOT_STARTED), PAGE_NAME_NOT_STARTED);
    assert_int_equal(pages_name_of(PAGE_EXPIRED), PAGE_NAME_EXPIRED);
    assert_int_equal(pages_name_of(PAGE_BUSY), PAGE_NAME_BUSY);
    assert_int_equal(pages_name_of(PAGE_USED_UP), PAGE_NAME_USED_UP);
    assert_int_equal(pages_name_of(PAGE_DESKTOP), PAGE_NAME_DESKTOP);
    assert_int_equal(pages_name_of(PAGE_DESKTOP_QR), PAGE_NAME_DESKTOP);
    assert_int_equal(pages_name_of(PAGE_OPEN), PAGE_NAME_OPEN);
}

static void test_icon_and_robots_may_be_stored(void **state) {
    struct fixture *fixture = *state;
    const char *content;
    pages_favicon(fixture_request(fixture, HEAD_OF("x", "")));
    assert_holds(fixture_answer(fixture, &content), "\r\nContent-Type: image/x-icon\r\n");
    assert_holds(fixture->answer, "\r\nCache-Control: public, max-age=86400\r\n");
    assert_holds(fixture->answer, "\r\nContent-Length: 198\r\n");
    assert_memory_equal(content, "\0\0\1\0\1\0\20\20", 8);
    pages_robots(fixture_request(fixture, HEAD_OF("x", "")));
    fixture_answer(fixture, &content);
    assert_holds(content, "User-agent: *\nDisallow:\n");
    pages_robots(fixture_request(fixture, "HEAD /robots.txt HTTP/1.1\r\nHost: x\r\n\r\n"));
    fixture_answer(fixture, &content);
    assert_string_equal(content, "");
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
        TEST(test_every_page_has_its_status_and_the_fields_that_keep_it_harmless),
        TEST(test_every_page_is_small_and_well_built_in_both_languages),
        TEST(test_hostile_values_stay_text),
        TEST(test_a_hostile_host_is_not_repeated),
        TEST(test_the_tags_for_previews_are_early_whatever_the_lengths),
        cmocka_unit_test(test_a_page_that_comes_out_too_long_is_the_built_in_one),
        TEST(test_what_no_page_can_hold_is_said_in_a_sentence),
        cmocka_unit_test(test_the_destinations_pages),
        TEST(test_icon_and_robots_may_be_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
