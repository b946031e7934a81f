/*
 * campaigns.c - /v1/campaigns, as resources.
 */
#include "call.h"
#include "resource.h"

void call_campaign_get(const struct call *call, struct answer *answer) {
    resource_get(RECORD_CAMPAIGN, call, answer);
}

void call_campaign_put(const struct call *call, struct answer *answer) {
    resource_put(RECORD_CAMPAIGN, call, answer);
}

void call_campaign_patch(const struct call *call, struct answer *answer) {
    resource_patch(RECORD_CAMPAIGN, call, answer);
}

void call_campaign_delete(const struct call *call, struct answer *answer) {
    resource_delete(RECORD_CAMPAIGN, call, answer);
}

void call_campaign_post(const struct call *call, struct answer *answer) {
    resource_post(RECORD_CAMPAIGN, call, answer);
}

void call_campaigns_get(const struct call *call, struct answer *answer) {
    resource_list(RECORD_CAMPAIGN, call, answer);
}
