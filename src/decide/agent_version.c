/*
 * agent_version.c - finds the numbers behind "Android 14", "iPhone OS 17_4_1", "Windows NT 10.0".
 *
 * What stands before each number is compared with the few words that the platform tells its version
 * behind. Numbers are found eight bytes at a time, for a string is mostly letters, and the first
 * that is a version ends the search: for the 117 bytes of Chrome that is 380 instructions, behind
 * the 1,450 of its classification, and 940 where the search goes on to the end.
 *
 * Some tell what is not so. Chrome on Android says "Android 10; K" whatever it runs on
 * (https://www.chromium.org/updates/ua-reduction/), and so do the apps built on it; browsers on
 * macOS 11 and later say 10_15_7, Firefox 10.15. That says nothing, so it counts for nothing: a
 * rule for old systems would take in all new ones. Some say the truth further on: Telegram "Android
 * 15", Instagram "Android (34/14". An old Android 10 gives its model instead of the K. Windows 11
 * says 10.0, as Windows 10 does, and nothing else tells them apart. Safari on iOS 26 says "iPhone
 * OS 18_6" or "18_7" and the truth in "Version/26.2" (https://nielsleenheer.com/
 * articles/2025/the-user-agent-string-of-safari-on-ios-26-and-macos-26); apps say it as "iOS 26_2"
 * or "FBSV/26.2". So where that version is met the search goes on to the end, and the largest
 * counts.
 *
 * Threads   A pure function.
 */
#include "agent_version.h"

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/defs.h"

enum {
    ANDROID_FROZEN = 10,
    IOS_FROZEN = 18,
    MACOS_FROZEN = 10 << 16 | 15 << 8,
    MACOS_FROZEN_PATCH = 7,
    DIGITS_MAX = 3,
    PART_MAX = 255, /* of what follows the major version */
};

static uint32_t version_at(enum tap_platform platform, struct slice text, size_t begin);
static bool is_frozen(enum tap_platform platform, uint32_t version);

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* 0x80 in every byte of 0x30 to 0x3f, which the digits are among, with none of these before it.
 * carry: whether the word before ended with one. */
static inline uint64_t runs_begin(uint64_t word, uint64_t *carry) {
    const uint64_t low_bits = 0x7f7f7f7f7f7f7f7fU;
    uint64_t other = (word & 0xf0f0f0f0f0f0f0f0U) ^ 0x3030303030303030U;
    uint64_t digits = ~(((other & low_bits) + low_bits) | other | low_bits);
    uint64_t begins = digits & ~(digits << 8 | *carry);
    *carry = digits >> 56;
    return begins;
}

/* The eight bytes at at, the first the lowest; zeros behind the end. */
static inline uint64_t word_at(struct slice text, size_t at) {
    uint64_t word = 0;
    if (LIKELY(text.size - at >= sizeof word)) {
        memcpy(&word, text.data + at, sizeof word);
    } else {
        memcpy(&word, text.data + at, text.size - at);
    }
    return le64toh(word);
}

uint32_t agent_version(enum tap_platform platform, struct slice user_agent) {
    if (platform == TAP_PLATFORM_OTHER || platform == TAP_PLATFORM_LINUX) {
        return 0; /* nobody tells */
    }
    uint32_t largest = 0;
    uint64_t carry = 0;
    for (size_t at = 0; at < user_agent.size; at += sizeof carry) {
        uint64_t begins = runs_begin(word_at(user_agent, at), &carry);
        for (; begins != 0; begins &= begins - 1) {
            size_t begin = at + (size_t)__builtin_ctzll(begins) / 8;
            char before = begin > 0 ? user_agent.data[begin - 1] : '\0';
            if (before != ' ' && before != '/' && before != '(') {
                continue;
            }
            uint32_t version = version_at(platform, user_agent, begin);
            largest = version > largest ? version : largest;
            if (version != 0 && !is_frozen(platform, version)) {
                return largest;
            }
        }
    }
    return largest;
}

/* Only behind what may be frozen the search goes on. */
static bool is_frozen(enum tap_platform platform, uint32_t version) {
    uint32_t major = version >> 16;
    return (platform == TAP_PLATFORM_ANDROID && major == ANDROID_FROZEN) ||
           (platform == TAP_PLATFORM_IOS && major == IOS_FROZEN);
}

/* Without case. Backwards, for most of what is compared differs in the last letter or the one
 * before.
 */
static bool stands_behind(struct slice text, size_t begin, struct slice word) {
    if (begin < word.size) {
        return false;
    }
    const char *at = text.data + begin;
    size_t left = word.size;
    while (left > 0 && slice_lower_char(*--at) == word.data[left - 1]) {
        left--;
    }
    return left == 0;
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

/* "Android 10; K)", or "; K; wv)": what is frozen names no model, either. */
static uint32_t read_android(struct slice text, size_t at) {
    uint32_t version = read_version(text, at);
    struct slice behind = slice_first(slice_from(text, at), 6);
    bool is_reduced = version == (uint32_t)ANDROID_FROZEN << 16 && behind.size == 6 &&
                      slice_equal_nocase(slice_first(behind, 5), SLICE("10; k")) &&
                      (behind.data[5] == ')' || behind.data[5] == ';');
    return is_reduced ? 0 : version;
}

static uint32_t read_macos(struct slice text, size_t at) {
    uint32_t version = read_version(text, at);
    return version == MACOS_FROZEN || version == (MACOS_FROZEN | MACOS_FROZEN_PATCH) ? 0 : version;
}

static uint32_t version_at(enum tap_platform platform, struct slice text, size_t begin) {
    switch (platform) {
    case TAP_PLATFORM_ANDROID:
        return stands_behind(text, begin, SLICE("android "))    ? read_android(text, begin)
               : stands_behind(text, begin, SLICE("android (")) ? read_behind_interface(text, begin)
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
        return stands_behind(text, begin, SLICE("mac os x ")) ? read_macos(text, begin) : 0;
    case TAP_PLATFORM_LINUX:
    case TAP_PLATFORM_OTHER:
    case TAP_PLATFORM_COUNT:
        break;
    }
    return 0;
}
