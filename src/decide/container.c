/*
 * container.c - the table of decide/container.h: one row a platform and app.
 *
 * Sources   https://github.com/shalanah/inapp-debugger, which tells what a tapped link with another
 *   scheme did in which app (Android on November 7th, iOS on October 16th, 2024);
 *   https://help.branch.io/developer-hub/docs/ios-troubleshooting, for X on iOS;
 *   https://developer.chrome.com/docs/android/intents, for intent: URLs and their fallback;
 *   https://simonmarquis.github.io/Android-App-Linking/play-store-url, for browsers in apps
 *   that keep Google Play's https links to themselves.
 * None of them tried a redirect to an intent: URL, nor every store's link: what the rows call
 * confirmed is what they tried.
 *
 * To change a row, change it in docs/in-app-browsers.md, too: a test compares them.
 */
#include "decide/container.h"

#include "base/defs.h"

#define ROW(platform, in_app, way, confirmed, reason)                                              \
    {                                                                                              \
        TAP_PLATFORM_##platform, {in_app, sizeof(in_app) - 1}, CONTAINER_##way, confirmed, {       \
            reason, sizeof(reason) - 1                                                             \
        }                                                                                          \
    }

#define INTENT_GETS_OUT                                                                            \
    "Its web view may keep Google Play's https links to itself; intent: links get out of it."
#define DEFAULT_BROWSER                                                                            \
    "It opens links in a tab of the phone's browser, which hands store links to Google Play."
#define SCHEMES_GET_OUT "Links to other apps get out of it; the App Store's were not tried."

/* clang-format off */
const struct container containers[] = {
    ROW(ANDROID, "facebook",  INTENT, true,  INTENT_GETS_OUT),
    ROW(ANDROID, "instagram", INTENT, true,  INTENT_GETS_OUT),
    ROW(ANDROID, "messenger", INTENT, true,  INTENT_GETS_OUT),
    ROW(ANDROID, "threads",   INTENT, true,  INTENT_GETS_OUT),
    ROW(ANDROID, "telegram",  INTENT, true,  INTENT_GETS_OUT),
    ROW(ANDROID, "line",      INTENT, true,  INTENT_GETS_OUT),
    ROW(ANDROID, "tiktok",    BUTTON, true,
        "intent: links are not dependable in it; a page leaves the choice to the person."),
    ROW(ANDROID, "wechat",    BUTTON, true,
        "intent: links do not work in it; from a page its menu leads to a browser."),
    ROW(ANDROID, "snapchat",  DIRECT, true,  DEFAULT_BROWSER),
    ROW(ANDROID, "linkedin",  DIRECT, true,  DEFAULT_BROWSER),
    ROW(ANDROID, "twitter",   DIRECT, true,  DEFAULT_BROWSER),
    ROW(ANDROID, "google",    DIRECT, true,  DEFAULT_BROWSER),
    ROW(ANDROID, "whatsapp",  DIRECT, false,
        "It opens links in the phone's browser; what its web view does was not tried."),

    ROW(IOS, "twitter",   BUTTON, true,
        "Redirects to apps do not leave its browser; a page with a button is what Branch advises."),
    ROW(IOS, "wechat",    BUTTON, true,
        "Links to other apps do not work in it; from a page its menu leads to a browser."),
    ROW(IOS, "tiktok",    BUTTON, false,
        "Of links to other apps only some get out of it; the App Store's were not tried."),
    ROW(IOS, "snapchat",  BUTTON, false,
        "Links to other apps do not get out of it; the App Store's were not tried."),
    ROW(IOS, "facebook",  DIRECT, false, SCHEMES_GET_OUT),
    ROW(IOS, "instagram", DIRECT, false, SCHEMES_GET_OUT),
    ROW(IOS, "messenger", DIRECT, false, SCHEMES_GET_OUT),
    ROW(IOS, "threads",   DIRECT, false, SCHEMES_GET_OUT),
    ROW(IOS, "telegram",  DIRECT, false, SCHEMES_GET_OUT),
    ROW(IOS, "line",      DIRECT, false, SCHEMES_GET_OUT),
    ROW(IOS, "linkedin",  DIRECT, false, SCHEMES_GET_OUT),
    ROW(IOS, "google",    DIRECT, false, SCHEMES_GET_OUT),
    ROW(IOS, "whatsapp",  DIRECT, false,
        "What its browser does with store links was not tried."),
};
/* clang-format on */

const size_t container_count = ARRAY_COUNT(containers);

const struct container *container_find(enum tap_platform platform, struct slice in_app) {
    if (in_app.size == 0) {
        return NULL;
    }
    for (size_t i = 0; i < container_count; i++) {
        struct slice name = containers[i].in_app;
        if (containers[i].platform == platform && name.size == in_app.size &&
            name.data[0] == in_app.data[0] && slice_equal(name, in_app)) {
            return &containers[i];
        }
    }
    return NULL;
}

struct slice container_way_name(enum container_way way) {
    switch (way) {
    case CONTAINER_DIRECT:
        return SLICE("direct");
    case CONTAINER_INTENT:
        return SLICE("intent");
    case CONTAINER_BUTTON:
        return SLICE("button");
    }
    ENSURE((unsigned)way <= CONTAINER_BUTTON);
    return SLICE_EMPTY;
}
