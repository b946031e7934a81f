/*
 * base/vocabulary.h - the words that describe a tap.
 *
 * decide/ chooses them, click/ writes them, metrics label with them, stats count them: so
 * they stand below all of these. The names are what journal dumps, Redis streams and the API
 * show, and the numbers are what a journal stores: neither is ever changed or reused; new
 * words are added at the end.
 */
#ifndef BASE_VOCABULARY_H
#define BASE_VOCABULARY_H

/* What made the request. */
#define TAP_KINDS(X)                                                                               \
    X(HUMAN, "human")       /* a person followed the link */                                       \
    X(PREVIEW, "preview")   /* a messenger or network fetched a link preview */                    \
    X(BOT, "bot")           /* a crawler, monitor or HTTP library */                               \
    X(PREFETCH, "prefetch") /* a browser fetched ahead of a person */                              \
    X(HEAD, "head")         /* any HEAD request */

/* Where it was sent, or why not. */
#define TAP_OUTCOMES(X)                                                                            \
    X(PLAY_STORE, "play_store") /* the campaign's android template */                              \
    X(APP_STORE, "app_store")   /* the campaign's ios template */                                  \
    X(WEB, "web")               /* the campaign's web template */                                  \
    X(OVERRIDE, "override")     /* the link's own url */                                           \
    X(FALLBACK, "fallback")     /* the campaign's fallback: paused, expired, or nothing fits */    \
    X(DEFAULT, "default")       /* no such code: edge.default_campaign */                          \
    X(PAUSED, "paused")         /* 410: paused, or not yet started */                              \
    X(EXPIRED, "expired")       /* 410 */                                                          \
    X(NOT_FOUND, "not_found")   /* 404 */                                                          \
    X(UNRESOLVED, "unresolved") /* Redis could not be asked: default campaign, else 503 */         \
    X(DESKTOP, "desktop")       /* 200: the desktop page, with store links or a QR */              \
    X(USED_UP, "used_up")       /* 410: the link's max_clicks is reached, and no fallback */

#define TAP_PLATFORMS(X)                                                                           \
    X(ANDROID, "android")                                                                          \
    X(IOS, "ios")                                                                                  \
    X(WINDOWS, "windows")                                                                          \
    X(MACOS, "macos")                                                                              \
    X(LINUX, "linux")                                                                              \
    X(OTHER, "other")

#define TAP_KIND_ENUM(name, text)     TAP_KIND_##name,
#define TAP_OUTCOME_ENUM(name, text)  TAP_OUTCOME_##name,
#define TAP_PLATFORM_ENUM(name, text) TAP_PLATFORM_##name,

enum tap_kind { TAP_KINDS(TAP_KIND_ENUM) TAP_KIND_COUNT };
enum tap_outcome { TAP_OUTCOMES(TAP_OUTCOME_ENUM) TAP_OUTCOME_COUNT };
enum tap_platform { TAP_PLATFORMS(TAP_PLATFORM_ENUM) TAP_PLATFORM_COUNT };

/* Static strings; an argument beyond the enum is a bug. */
const char *tap_kind_name(enum tap_kind kind);
const char *tap_outcome_name(enum tap_outcome outcome);
const char *tap_platform_name(enum tap_platform platform);

#endif
