/*
 * page_value.h - the names that templates may use, and what stands behind them.
 *
 *   TEXT   any text: escaped; in an address percent-encoded, behind the beginning of one
 *   URL    an address whose scheme was checked, or a path of ours: may be a whole address
 *   FLAG   only there or not there: for sections
 *
 * docs/pages.md tells what each means.
 */
#ifndef EDGE_PAGE_VALUE_H
#define EDGE_PAGE_VALUE_H

#include <stdbool.h>

#include "base/slice.h"

enum page_value_kind { PAGE_VALUE_TEXT, PAGE_VALUE_URL, PAGE_VALUE_FLAG };

/* clang-format off */
#define PAGE_VALUES(X)                                                                             \
    X(LANG, "lang", TEXT)                 /* es or en */                                           \
    X(LOCALE, "locale", TEXT)             /* es_MX or en_US */                                     \
    X(CODE, "code", TEXT)                                                                          \
    X(HOST, "host", TEXT)                                                                          \
    X(CAMPAIGN, "campaign", TEXT)         /* its name */                                           \
    X(TITLE, "title", TEXT)                                                                        \
    X(DESCRIPTION, "description", TEXT)                                                            \
    X(CARD_TITLE, "card_title", TEXT)     /* cut, so that all tags for previews are early */       \
    X(CARD_DESCRIPTION, "card_description", TEXT)                                                  \
    X(STORE, "store", TEXT)               /* Google Play, App Store, or nothing */                 \
    X(DESTINATION, "destination", TEXT)   /* href, to read */                                      \
    X(DESTINATION_HOST, "destination_host", TEXT)                                                  \
    X(OUTCOME, "outcome", TEXT)                                                                    \
    X(URL, "url", URL)                    /* https://HOST/CODE */                                  \
    X(IMAGE, "image", URL)                                                                         \
    X(CARD_IMAGE, "card_image", URL)      /* the image, unless it is too long to say twice */      \
    X(LINK, "link", URL)                  /* /CODE */                                              \
    X(HREF, "href", URL)                                                                           \
    X(ANDROID_HREF, "android_href", URL)                                                           \
    X(IOS_HREF, "ios_href", URL)                                                                   \
    X(WEB_HREF, "web_href", URL)                                                                   \
    X(QR, "qr", URL)                      /* /CODE/qr.svg */                                       \
    X(ES, "es", FLAG)                                                                              \
    X(EN, "en", FLAG)                                                                              \
    X(UNASKED, "unasked", FLAG)           /* es, and nobody asked for either */                    \
    X(WORKS, "works", FLAG)               /* what the link is like */                              \
    X(NOT_FOUND, "not_found", FLAG)                                                                \
    X(PAUSED, "paused", FLAG)                                                                      \
    X(NOT_STARTED, "not_started", FLAG)                                                            \
    X(EXPIRED, "expired", FLAG)                                                                    \
    X(USED_UP, "used_up", FLAG)                                                                    \
    X(BUSY, "busy", FLAG)                                                                          \
    X(TO_PLAY_STORE, "to_play_store", FLAG) /* what kind of destination it has */                  \
    X(TO_APP_STORE, "to_app_store", FLAG)                                                          \
    X(TO_DESKTOP, "to_desktop", FLAG)                                                              \
    X(TO_WEB, "to_web", FLAG)
/* clang-format on */

#define PAGE_VALUE_ENUM(name, text, kind) PAGE_VALUE_OF_##name,
enum page_value { PAGE_VALUES(PAGE_VALUE_ENUM) PAGE_VALUE_COUNT };

/* Empty: not there. A flag that is there is any text. */
struct page_bindings {
    struct slice value[PAGE_VALUE_COUNT];
};

const char *page_value_name(enum page_value value);
enum page_value_kind page_value_kind(enum page_value value);

/* PAGE_VALUE_COUNT when there is none of this name. */
enum page_value page_value_find(struct slice name);

#endif
