/*
 * link/rules.h - a campaign's field `rules`: who is sent elsewhere. An ordered list, the first rule
 * that fits decides; where none does, the campaign's platform templates do (decide/destination.h).
 *
 * In Redis it is a JSON array of objects; every member but "to" may be left out, and all that are
 * there must fit:
 *
 *   [{"name": "mexico-ios", "platform": "ios", "os_version": ">=16.4", "country": ["MX", "CO"],
 *     "region": "MX-CMX", "language": ["es"], "in_app": "instagram",
 *     "query": {"ab": "1", "x": null}, "from": "2026-12-01T00:00:00-06:00", "until": 1767225600,
 *     "hours": "09:00-18:00", "days": "mon-fri", "weight": 50, "to": "https://example.mx/{code}"}]
 *
 *   name         A-Z a-z 0-9 - _, RULE_NAME_BYTES_MAX; left out: "rule-N", N from 1; no two rules
 *                have the same
 *   platform     of base/vocabulary.h: android ios windows macos linux other
 *   os_version   "16", "16.4", ">=16.4", "<17", "14-16" (both ends included, 16 means all of 16.x)
 *   country      ISO 3166-1 alpha-2
 *   region       ISO 3166-2, with or without its country ("CMX", "MX-CMX")
 *   language     "es" fits es and es-MX, "es-MX" that alone, "*" any that is stated. A tap's
 *                language has no other parts (http/request.h), so a range with a script or a
 *                variant ("zh-Hant") would never fit: it is refused when it is written
 *   in_app       containers as in a click's in_app; "any" a container, "none" no container
 *   query        a parameter of the tapped link: its value, decoded; null: any value
 *   from, until  RFC 3339 or Unix seconds; from is the first second that fits, until the first
 *                that does not
 *   hours, days  of stats.timezone; hours may go over midnight; mon tue wed thu fri sat sun, or
 *                "mon-fri": of a time window over midnight, each day's own part counts
 *   weight       1 to 100, per cent of the visitors (A/B): a visitor is a number from 0 to 99 per
 *                campaign, and the same one as long as address and browser are the same; rules
 *                whose other conditions fit take their shares one after the other, so 30, 30 and 40
 *                share out everybody, and what goes beyond 100 is never reached
 *   to           a template (link/template.h), or one of: android ios web fallback desktop
 *
 * platform, country, region, language, in_app and days are a string, or an array of them of which
 * one must fit.
 *
 * Threads   Pure functions; a struct rules is immutable.
 * Limits    RULES_MAX rules, RULES_BYTES_MAX of JSON, RULE_WORDS_MAX words or parameters a
 *           condition, of RULE_WORD_BYTES_MAX each.
 */
#ifndef LINK_RULES_H
#define LINK_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct buf;
struct err;

enum {
    RULES_MAX = 32,
    RULES_BYTES_MAX = 16 * 1024,
    RULE_NAME_BYTES_MAX = 32,
    RULE_WORDS_MAX = 64,
    RULE_WORD_BYTES_MAX = 64,
    RULE_MINUTES_A_DAY = 24 * 60,
};

enum rule_target {
    RULE_TO_URL, /* the rule's own template */
    RULE_TO_ANDROID,
    RULE_TO_IOS,
    RULE_TO_WEB,
    RULE_TO_FALLBACK,
    RULE_TO_DESKTOP, /* the desktop page */
};

/* What a word list holds is compared without regard to case. */
struct rule_words {
    const struct slice *word;
    size_t count; /* 0: no condition */
};

struct rule_parameter {
    struct slice name;
    struct slice value;
    bool any_value;
};

struct rule {
    struct slice name;
    unsigned platforms;      /* 1 << enum tap_platform; 0: no condition */
    bool has_os_version;     /* then an unknown one (0) does not fit */
    uint32_t os_version_min; /* major << 16 | minor << 8 | patch, both included */
    uint32_t os_version_max;
    struct rule_words countries;
    struct rule_words regions;
    struct rule_words languages;
    struct rule_words in_app;
    const struct rule_parameter *parameters;
    size_t parameter_count;
    uint64_t from_s;  /* Unix time; 0: no condition */
    uint64_t until_s; /* UINT64_MAX: no condition */
    bool has_hours;
    uint16_t minute_from;  /* of the day; from > until: over midnight */
    uint16_t minute_until; /* the first that does not fit; up to RULE_MINUTES_A_DAY */
    uint8_t days;          /* 1 << day, Monday is 0; 0: no condition */
    uint8_t weight;        /* per cent; 0: no condition */
    enum rule_target target;
    struct slice template; /* of RULE_TO_URL: compiled (link/template.h) */
    struct slice text;     /* `to` as written */
};

struct rules {
    const struct rule *rule;
    size_t count;
};

/* What rules are read with: schemes as in template_check(), hosts as in hosts_allow(). */
struct rules_terms {
    struct slice campaign; /* whose id templates are compiled for; may be empty */
    struct slice schemes;
    struct slice hosts;
    bool is_written; /* refuse, too, what is read without harm and should not be written */
};

/* Reads the field. One heap object; NULL and err (may be NULL), which names the rule and the
 * member, and what is allowed, when it makes no sense. */
struct rules *rules_create(struct slice json, const struct rules_terms *terms, struct err *err);
void rules_destroy(struct rules **rules);

/* Appends the JSON on one line as it is stored: members in the order above, no spaces; never longer
 * than what was read. False, and nothing appended: as above. */
bool rules_normalize(struct slice json, const struct rules_terms *terms, struct buf *out,
                     struct err *err);

#endif
