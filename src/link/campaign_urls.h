/*
 * campaign_urls.h - the stores' URLs, made of an app's ids: private to the room.
 */
#ifndef CAMPAIGN_URLS_H
#define CAMPAIGN_URLS_H

#include "base/slice.h"

struct buf;
struct campaign;

enum { CAMPAIGN_URL_BYTES_MAX = 512 };

/* https://play.google.com/store/apps/details?id=PACKAGE&referrer={referrer}, a template; empty
 * without a package. out has room for CAMPAIGN_URL_BYTES_MAX. */
struct slice campaign_play_url(const struct campaign *campaign, struct buf *out);

/* https://apps.apple.com/app/apple-store/idNUMBER?pt=PROVIDER&ct=CAMPAIGN&mt=8; empty without a
 * number. pt and ct go together: without a provider, or with nothing that can be a ct,
 * https://apps.apple.com/app/idNUMBER?mt=8. */
struct slice campaign_app_store_url(const struct campaign *campaign, struct buf *out);

#endif
