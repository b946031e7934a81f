/*
 * link_test.h - what `brinco link test` found out, on its way to a screen: private to its files.
 */
#ifndef CMD_LINK_TEST_H
#define CMD_LINK_TEST_H

#include <jansson.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "decide/agent.h"
#include "decide/destination.h"
#include "decide/geo.h"
#include "decide/visitor.h"
#include "session.h"

struct campaign;
struct link;

enum { LINK_TEST_LANGUAGE_BYTES = 16 };

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* A tap that does not happen. */
struct trial {
    struct session *session;
    struct slice code;
    struct slice user_agent;
    char language_bytes[LINK_TEST_LANGUAGE_BYTES];
    struct slice language; /* as an edge takes it: es, es-MX */
    struct slice query;    /* as it was sent */
    union address address;
    bool has_address;
    struct geo_place place;
    uint64_t now_s;
    bool has_share;
    unsigned share;
    bool is_share_missing; /* a rule asked for it */
    struct visitor_sharer sharer;
    bool has_sharer;
    struct link *link;
    struct campaign *campaign;
    struct campaign *default_campaign;
    struct agent agent;
    struct destination destination;
    json_t *warnings;
};

/* One more sentence on what is odd. */
void link_test_warn(struct trial *trial, const char *format, ...) PRINTF_LIKE(2, 3);
/* All that is odd about link and campaign, once it is decided. */
void link_test_warn_of_all(struct trial *trial);

/* All of it as one JSON object, the caller's. */
json_t *link_test_report(struct trial *trial);

/* For people, on stdout. report: as link_test.c makes it, which is what --json prints. */
void link_test_show(json_t *report);

/* The User-Agent that --as NAME stands for; NULL: there is no such name. */
const char *link_test_agent(const char *name);

/* "android, iphone, ...". */
const char *link_test_agent_names(void);

#endif
