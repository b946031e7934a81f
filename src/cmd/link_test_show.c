/*
 * link_test_show.c - a decision as lines of text, and the devices that have names.
 *
 * Threads   The main thread.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/slice.h"
#include "link_test.h"
#include "show.h"

enum { NAME_WIDTH = 12 };

#define ANDROID_CHROME                                                                             \
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) "
#define ANDROID_WEBVIEW                                                                            \
    "Mozilla/5.0 (Linux; Android 15; Pixel 9; wv) AppleWebKit/537.36 (KHTML, like Gecko) "         \
    "Version/4.0 Chrome/131.0.0.0 Mobile Safari/537.36 "
#define IPHONE                                                                                     \
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "    \
    "Gecko) "

/* Of each kind one, as such a device sends it. */
static const struct {
    const char *name;
    const char *user_agent;
} devices[] = {
    {"android", ANDROID_CHROME "Chrome/131.0.0.0 Mobile Safari/537.36"},
    {"iphone", IPHONE "Version/18.5 Mobile/15E148 Safari/604.1"},
    {"whatsapp", "WhatsApp/2.24.20.89 A"},
    {"desktop", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
                "Chrome/131.0.0.0 Safari/537.36"},
    {"mac", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like "
            "Gecko) Version/18.5 Safari/605.1.15"},
    {"instagram-android",
     ANDROID_WEBVIEW "Instagram 361.0.0.46.88 Android (35/15; 420dpi; "
                     "1080x2424; Google/google; Pixel 9; tokay; tokay; es_MX)"},
    {"instagram-iphone", IPHONE "Mobile/22F76 Instagram 361.0.0.35.82 (iPhone15,2; iOS 18_5; "
                                "es_MX; es; scale=3.00; 1179x2556)"},
    {"facebook-android", ANDROID_WEBVIEW "[FB_IAB/FB4A;FBAV/493.0.0.55.73;]"},
    {"facebook-iphone", IPHONE "Mobile/22F76 [FBAN/FBIOS;FBAV/493.0.0.37.101;FBDV/iPhone15,2;"
                               "FBSN/iOS;FBSV/18.5]"},
    {"googlebot", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
};

#define DEVICE_NAMES                                                                               \
    "android, iphone, whatsapp, desktop, mac, instagram-android, instagram-iphone, "               \
    "facebook-android, facebook-iphone, googlebot"

const char *link_test_agent(const char *name) {
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        if (strcmp(devices[i].name, name) == 0) {
            return devices[i].user_agent;
        }
    }
    return NULL;
}

const char *link_test_agent_names(void) {
    return DEVICE_NAMES;
}

static const char *text_of(json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

static void print_line(const char *name, const char *text) {
    if (text[0] != '\0') {
        printf("%-*s", NAME_WIDTH, name);
        show_clean(slice_of(text));
        putchar('\n');
    }
}

/* A word, and what it means. */
static void print_told(json_t *report, const char *name) {
    print_line(name, text_of(report, name));
    print_line("", text_of(json_object_get(report, "why"), name));
}

void link_test_show(json_t *report) {
    static const char *const found[] = {"platform", "os_version", "browser",  "in_app",
                                        "country",  "region",     "language", "page"};
    char at[CLOCK_RFC3339_BYTES];
    size_t index;
    json_t *warning;
    clock_rfc3339((uint64_t)json_integer_value(json_object_get(report, "at")) * 1000, at);
    print_line("code", text_of(report, "code"));
    print_line("at", at);
    print_told(report, "kind");
    for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
        print_line(found[i], text_of(report, found[i]));
    }
    print_told(report, "outcome");
    print_told(report, "rule");
    print_line("leads to", text_of(report, "url"));
    print_line("campaign", text_of(report, "campaign"));
    json_array_foreach(json_object_get(report, "warnings"), index, warning) {
        print_line("warning", json_string_value(warning));
    }
}
