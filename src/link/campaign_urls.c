/*
 * campaign_urls.c - URLs of Google Play and the App Store.
 *
 * Play hands an app all that stands in `referrer`, so a code and a click's token go there. The App
 * Store tells nobody which tap led to an install, and shows a ct only when some people came by it:
 * so ct names the campaign and never a person.
 *
 * Everything in them was checked, so that they are templates that template_check() lets pass.
 */
#include "campaign_urls.h"

#include "base/buf.h"
#include "base/defs.h"
#include "field_app.h"
#include "link/campaign.h"

struct slice campaign_play_url(const struct campaign *campaign, struct buf *out) {
    struct slice package = campaign->text[CAMPAIGN_FIELD_ANDROID_PACKAGE];
    if (package.size == 0) {
        return SLICE_EMPTY;
    }
    buf_append(out, SLICE("https://play.google.com/store/apps/details?id="));
    buf_append(out, package);
    buf_append(out, SLICE("&referrer={referrer}"));
    ENSURE(!out->overflowed);
    return buf_slice(out);
}

/* The campaign's own id where nothing else is said, and it is not too long. */
static struct slice ct_of(const struct campaign *campaign) {
    struct slice ct = campaign->text[CAMPAIGN_FIELD_IOS_CAMPAIGN];
    if (ct.size == 0 && app_check_ios_campaign(campaign->id, NULL)) {
        ct = campaign->id;
    }
    return ct;
}

struct slice campaign_app_store_url(const struct campaign *campaign, struct buf *out) {
    struct slice number = app_number(campaign->text[CAMPAIGN_FIELD_IOS_APP_ID]);
    struct slice provider = campaign->text[CAMPAIGN_FIELD_IOS_PROVIDER];
    struct slice ct = ct_of(campaign);
    if (number.size == 0) {
        return SLICE_EMPTY;
    }
    if (provider.size > 0 && ct.size > 0) {
        buf_append(out, SLICE("https://apps.apple.com/app/apple-store/id"));
        buf_append(out, number);
        buf_append(out, SLICE("?pt="));
        buf_append(out, provider);
        buf_append(out, SLICE("&ct="));
        buf_append_percent(out, ct);
        buf_append(out, SLICE("&mt=8"));
    } else {
        buf_append(out, SLICE("https://apps.apple.com/app/id"));
        buf_append(out, number);
        buf_append(out, SLICE("?mt=8"));
    }
    ENSURE(!out->overflowed);
    return buf_slice(out);
}
