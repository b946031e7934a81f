/*
 * nonsense.h - telling people about links and campaigns that make no sense: private to the room.
 *
 * Everything is counted, by reason, each time it is fetched; the log gets one line a minute for
 * each key, field and reason, with what is allowed, and how many lines were held back since.
 *
 * Limits    NONSENSE_REMEMBERED of them are remembered; one that takes another's place may be
 *           logged sooner. NONSENSE_LINES_MAX lines a minute in all.
 */
#ifndef NONSENSE_H
#define NONSENSE_H

#include <stdint.h>

#include "base/slice.h"

struct campaign;
struct link;
struct log;
struct metric_set;

enum nonsense_reason {
    NONSENSE_LINK_TYPE,      /* the key is no hash */
    NONSENSE_LINK_TOO_LARGE, /* the hash has more bytes than are read */
    NONSENSE_LINK_FIELD,     /* a field that makes no sense */
    NONSENSE_LINK_EMPTY,     /* neither campaign nor url */
    NONSENSE_CAMPAIGN_TYPE,  /* the key is no hash */
    NONSENSE_CAMPAIGN_TOO_LARGE,
    NONSENSE_CAMPAIGN_FIELD,   /* a field that makes no sense */
    NONSENSE_CAMPAIGN_MISSING, /* a link names a campaign that does not exist */
    NONSENSE_REASON_COUNT
};

enum { NONSENSE_REMEMBERED = 256, NONSENSE_LINES_MAX = 60 };

/* Zeroed but for log, metrics and hosts. */
struct nonsense {
    struct log *log;
    struct metric_set *metrics;
    struct slice hosts;      /* links.allowed_hosts */
    uint64_t minute_ends_ns; /* of lines */
    unsigned lines;
    uint64_t held_back;
    struct {
        uint64_t hash; /* of reason, key and field */
        uint64_t next_ns;
    } said[NONSENSE_REMEMBERED]; /* by its hash */
};

/* key: the code, or the id if the reason is a campaign's; field: its name, or ""; text: what is
 * wrong, for people. */
struct nonsense_case {
    enum nonsense_reason reason;
    struct slice key;
    const char *field;
    const char *text;
};

void nonsense_report(struct nonsense *nonsense, const struct nonsense_case *what);

/* Reports the fields of values that make no sense in what was created from them. */
void nonsense_report_link(struct nonsense *nonsense, struct slice code, const struct link *link,
                          const struct slice *values);
/* Reports a url whose scheme is neither https nor one of its campaign's (NULL: none). */
void nonsense_report_scheme(struct nonsense *nonsense, struct slice code, const struct link *link,
                            const struct campaign *campaign);
void nonsense_report_campaign(struct nonsense *nonsense, const struct campaign *campaign,
                              const struct slice *values);

#endif
