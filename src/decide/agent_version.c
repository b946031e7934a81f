/*
 * agent_version.c - finds the numbers behind "Android 14", "iPhone OS 17_4_1", "Windows NT 10.0".
 *
 * A version begins with a digit behind a space, a slash or a parenthesis. There are some fifteen of
 * these in a string; what stands before each is compared with the few words that the platform tells
 * its version behind.
 *
 * Two of them tell less than they know. Chrome on Android says "Android 10" whatever it runs on
 * (https://www.chromium.org/updates/ua-reduction/), and so do the apps built on it, some of
 * which say the truth further on: Telegram "Android 15", Instagram "Android (34/14". Safari on iOS
 * 26 says "iPhone OS 18_6" or "18_7" and the truth in "Version/26.2"
 * (https://webkit.org/blog/17333/webkit-features-in-safari-26-0/); apps say it as "iOS 26_2" or
 * "FBSV/26.2". So where that version is met the search goes on to the end, and the largest counts.
 *
 * Threads   A pure function.
 */
#include "agent_version.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    ANDROID_FROZEN = 10,
    IOS_FROZEN = 18,
    DIGITS_MAX = 3,
    PART_MAX = 255, /* of what follows the major version */
};

static uint32_t version_at(enum tap_platform platform, struct slice text, size_t begin);
static bool is_frozen(enum tap_platform platform, uint32_t version);

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

uint32_t agent_version(enum tap_platform platform, struct slice user_agent) {
    if (platform == TAP_PLATFORM_OTHER || platform == TAP_PLATFORM_LINUX) {
        return 0; /* nobody tells */
    }
    uint32_t largest = 0;
    for (size_t i = 1; i < user_agent.size; i++) {
        char before = user_agent.data[i - 1];
        if (!is_digit(user_agent.data[i]) || (before != ' ' && before != '/' && before != '(')) {
            continue;
        }
        uint32_t version = version_at(platform, user_agent, i);
        if (version != 0 && !is_frozen(platform, version)) {
            return version > largest ? version : largest;
        }
        largest = version > largest ? version : largest;
    }
    return largest;
}

/* Only in what may be frozen the search goes on: whatever ends it is the largest or as good. */
static bool is_frozen(enum tap_platform platform, uint32_t version) {
    uint32_t major = version >> 16;
    return (platform == TAP_PLATFORM_ANDROID && major == ANDROID_FROZEN) ||
           (platform == TAP_PLATFORM_IOS && major == IOS_FROZEN);
}

static bool stands_behind(struct slice text, size_t begin, struct slice word) {
    return begin >= word.size &&
           slice_equal_nocase(slice_make(text.data + begin - word.size, word.size), word);
}

/* Digits from *at on; false when there are none or too many. */
static bool read_number(struct slice text, size_t *at, uint32_t *number) {
    size_t begin = *at;
    *number = 0;
    while (*at < text.size && is_digit(text.data[*at])) {
        if (*at - begin == DIGITS_MAX) {
            return false;
        }
        *number = *number * 10 + (uint32_t)(text.data[*at] - '0');
        (*at)++;
    }
    return *at > begin;
}

/* "17", "17.4", "17_4_1" from at on; 0 when it is no version. */
static uint32_t read_version(struct slice text, size_t at) {
    uint32_t version;
    if (!read_number(text, &at, &version)) {
        return 0;
    }
    version <<= 16;
    for (unsigned shift = 8;; shift -= 8) {
        uint32_t part;
        bool goes_on = at < text.size && (text.data[at] == '.' || text.data[at] == '_');
        at++;
        if (!goes_on || !read_number(text, &at, &part)) {
            return version;
        }
        version |= (part > PART_MAX ? PART_MAX : part) << shift;
        if (shift == 0) {
            return version;
        }
    }
}

/* Instagram's "Android (34/14; ...": the interface's number, then the version. */
static uint32_t read_behind_interface(struct slice text, size_t at) {
    uint32_t interface;
    bool is_there = read_number(text, &at, &interface) && at < text.size && text.data[at] == '/';
    return is_there ? read_version(text, at + 1) : 0;
}

static uint32_t version_at(enum tap_platform platform, struct slice text, size_t begin) {
    switch (platform) {
    case TAP_PLATFORM_ANDROID:
        if (stands_behind(text, begin, SLICE("android "))) {
            return read_version(text, begin);
        }
        return stands_behind(text, begin, SLICE("android (")) ? read_behind_interface(text, begin)
                                                              : 0;
    case TAP_PLATFORM_IOS:
        return stands_behind(text, begin, SLICE("os ")) ||
                       stands_behind(text, begin, SLICE("version/")) ||
                       stands_behind(text, begin, SLICE("fbsv/"))
                   ? read_version(text, begin)
                   : 0;
    case TAP_PLATFORM_WINDOWS:
        return stands_behind(text, begin, SLICE("windows nt ")) ? read_version(text, begin) : 0;
    case TAP_PLATFORM_MACOS:
        return stands_behind(text, begin, SLICE("mac os x ")) ? read_version(text, begin) : 0;
    case TAP_PLATFORM_LINUX:
    case TAP_PLATFORM_OTHER:
    case TAP_PLATFORM_COUNT:
        break;
    }
    return 0;
}
