/*
 * links.c - /v1/links, as resources.
 */
#include "call.h"
#include "resource.h"

void call_link_get(const struct call *call, struct answer *answer) {
    resource_get(RECORD_LINK, call, answer);
}

void call_link_put(const struct call *call, struct answer *answer) {
    resource_put(RECORD_LINK, call, answer);
}

void call_link_patch(const struct call *call, struct answer *answer) {
    resource_patch(RECORD_LINK, call, answer);
}

void call_link_delete(const struct call *call, struct answer *answer) {
    resource_delete(RECORD_LINK, call, answer);
}

void call_link_post(const struct call *call, struct answer *answer) {
    resource_post(RECORD_LINK, call, answer);
}

void call_links_get(const struct call *call, struct answer *answer) {
    resource_list(RECORD_LINK, call, answer);
}
