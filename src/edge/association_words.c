/*
 * association_words.c - what is in Redis may be anything: so each word is held against the rule of
 * its campaign's field (link/campaign.h), word by word, since one that makes no sense does not take
 * the others with it.
 */
#include "association_words.h"

#include "association_apps.h"
#include "base/err.h"
#include "link/campaign.h"

static bool suits(enum campaign_field field, struct slice word, size_t bytes_max) {
    struct err err;
    return word.size > 0 && word.size <= bytes_max &&
           campaign_field_read(field, word, SLICE_EMPTY, SLICE_EMPTY, &err);
}

bool association_is_package(struct slice word) {
    return suits(CAMPAIGN_FIELD_ANDROID_PACKAGE, word, ASSOCIATION_PACKAGE_BYTES_MAX);
}

bool association_is_fingerprint(struct slice word) {
    return suits(CAMPAIGN_FIELD_ANDROID_FINGERPRINTS, word, ASSOCIATION_FINGERPRINT_BYTES);
}

/* The field holds the App Store's number as well, which has no dot. */
bool association_is_app_id(struct slice word) {
    return slice_find(word, SLICE(".")) != SIZE_MAX &&
           suits(CAMPAIGN_FIELD_IOS_APP_ID, word, ASSOCIATION_APP_ID_BYTES_MAX);
}
