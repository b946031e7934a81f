/*
 * fuzz_link_template.c - whatever passes the check renders to a harmless Location, and both
 * compiled forms to what a plain search for braces makes of the text.
 *
 * Input: the list of schemes, a line break, the template; without a line break the whole is the
 * template and any scheme goes. Rendered with the longest and nastiest values there can be. What a
 * list of hosts allows, it allows as it is rendered.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/defs.h"
#include "base/err.h"
#include "link/code.h"
#include "link/hosts.h"
#include "link/template.h"
#include "scheme.h"
#include "template_store.h"

static const char code[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char owner[] = "\"<>\\^`{|}%[] \r\n\x7F#?/@:&=+'();javascript:\xC3\xB1\xE2\x82\xAC"
                            "\xF0\x9F\x98\x80\xFF\xFE{code}{referrer}%0d%0aSet-Cookie:x=y;../..//"
                            "https://evil.example/aaaaaaaaa";

_Static_assert(sizeof(code) - 1 == CODE_BYTES_MAX, "the longest code");
_Static_assert(sizeof(owner) - 1 <= OWNER_BYTES_MAX, "an owner is no longer");

/* scheme://authority: no placeholder may reach into it. */
static struct slice origin_of(struct slice url) {
    size_t end = slice_find(url, SLICE("://")) + 3;
    while (end < url.size && memchr("/?#", url.data[end], 3) == NULL) {
        end++;
    }
    return slice_first(url, end);
}

static void assert_harmless(struct slice location) {
    for (size_t i = 0; i < location.size; i++) {
        char c = location.data[i];
        ENSURE(c > 0x20 && c < 0x7F && memchr("\"<>\\^`{|}", c, 9) == NULL);
    }
}

/* Placeholder by placeholder, as link/template.h describes them. */
static void render_text(struct slice text, const struct template_values *values, struct buf *out) {
    while (text.size > 0) {
        struct slice plain = slice_split(&text, '{');
        buf_append(out, plain);
        struct slice name = slice_split(&text, '}');
        if (slice_equal(name, SLICE("code"))) {
            buf_append(out, values->code);
        } else if (slice_equal(name, SLICE("campaign"))) {
            buf_append(out, values->campaign);
        } else if (slice_equal(name, SLICE("owner"))) {
            buf_append_percent(out, values->owner);
        } else if (slice_equal(name, SLICE("click"))) {
            buf_append(out, values->click);
        } else if (slice_equal(name, SLICE("referrer"))) {
            buf_append(out, SLICE("utm_source%3Dbrinco%26utm_medium%3Dreferral%26utm_campaign%3D"));
            buf_append(out, values->campaign);
            buf_append(out, SLICE("%26utm_content%3D"));
            buf_append(out, values->code);
            buf_append(out, SLICE("%26click%3D"));
            buf_append(out, values->click);
        }
    }
}

/* Compiled for the campaign, or for any (empty); the token given or filled in. */
static void render_compiled(struct slice text, struct slice campaign,
                            const struct template_values *values, struct buf *out) {
    char compiled[TEMPLATE_COMPILED_BYTES_MAX];
    size_t size = template_compile(text, campaign, compiled);
    struct slice template = slice_make(compiled, size);
    struct template_values open = *values;
    if (template_click_count(template) <= 1) {
        open.click = SLICE_EMPTY;
    }
    size_t click_at = 0;
    bool fits = template_render_open(template, &open, out, &click_at);
    ENSURE(fits);
    ENSURE((click_at != SIZE_MAX) == (template_click_count(template) == 1));
    if (click_at != SIZE_MAX) {
        memcpy(out->data + click_at, values->click.data, TEMPLATE_CLICK_BYTES);
    }
}

static void render(struct slice text, const struct template_values *values) {
    char storage[3][LOCATION_BYTES_MAX];
    struct buf out = buf_over(storage[0], LOCATION_BYTES_MAX);
    struct buf own = buf_over(storage[1], LOCATION_BYTES_MAX);
    struct buf any = buf_over(storage[2], LOCATION_BYTES_MAX);
    render_text(text, values, &out);
    ENSURE(!out.overflowed);
    render_compiled(text, values->campaign, values, &own);
    render_compiled(text, SLICE_EMPTY, values, &any);
    struct slice location = buf_slice(&out);
    ENSURE(slice_equal(location, buf_slice(&own)) && slice_equal(location, buf_slice(&any)));
    assert_harmless(location);
    ENSURE(slice_equal(origin_of(text), origin_of(location)));
    ENSURE(memchr(origin_of(location).data, '@', origin_of(location).size) == NULL);
}

/* A code that is also a scheme, or "Intent", would be a way around the list. */
static void check_hosts(struct slice text, struct slice word) {
    const struct slice hosts = SLICE("example.mx *.example.org");
    char storage[LOCATION_BYTES_MAX];
    struct buf out = buf_over(storage, sizeof(storage));
    struct err err = {{0}};
    bool is_allowed = hosts_allow(hosts, text, &err);
    ENSURE(is_allowed == (err.text[0] == '\0') && strpbrk(err.text, "\r\n") == NULL);
    const struct template_values values = {.code = word,
                                           .campaign = word,
                                           .owner = word,
                                           .click = slice_make(code, TEMPLATE_CLICK_BYTES)};
    render_compiled(text, word, &values, &out);
    if (is_allowed && out.size <= TEMPLATE_BYTES_MAX) {
        ENSURE(hosts_allow(hosts, buf_slice(&out), NULL));
    }
}

static void check_store(struct slice text) {
    struct err err = {{0}};
    bool is_good = template_store_check(text, &err);
    ENSURE(is_good == (err.text[0] == '\0') && is_good == template_store_check(text, NULL));
    char compiled[TEMPLATE_COMPILED_BYTES_MAX];
    size_t size = template_compile(text, SLICE_EMPTY, compiled);
    bool is_store = template_compiled_store(slice_make(compiled, size)) != TEMPLATE_NO_STORE;
    ENSURE(is_good || is_store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice text = slice_make((const char *)data, size);
    struct slice schemes = SLICE("*");
    if (size > 0 && memchr(data, '\n', size) != NULL) {
        schemes = slice_split(&text, '\n');
    }
    struct err err = {{0}};
    bool passes = template_check(text, schemes, &err);
    ENSURE(passes == template_check(text, schemes, NULL));
    if (!passes) {
        ENSURE(err.text[0] != '\0' && strpbrk(err.text, "\r\n") == NULL);
        return 0;
    }
    ENSURE(template_scheme_is_allowed(text, schemes) && !scheme_is_dangerous(scheme_of(text)));
    render(text, &(struct template_values){
                     .code = slice_make(code, CODE_BYTES_MAX),
                     .campaign = slice_make(code, CODE_BYTES_MAX),
                     .owner = slice_make(owner, sizeof(owner) - 1),
                     .click = slice_make(code, TEMPLATE_CLICK_BYTES),
                 });
    render(text, &(struct template_values){.code = slice_make(code, 1),
                                           .click = slice_make(code, TEMPLATE_CLICK_BYTES)});
    check_hosts(text, SLICE("https"));
    check_hosts(text, SLICE("Intent"));
    check_hosts(text, SLICE("url"));
    check_store(text);
    return 0;
}
