/*
 * decide/agent.h - what a User-Agent says: person or machine, platform, browser, container.
 *
 * A table of tokens (src/decide/agent_table.c) that is easy to extend: a token, matched without
 * case anywhere in the string, and what it means. The strings lie as they please; the table's
 * order of precedence, and why, is told there.
 *
 * Threads   A struct agents is immutable and shared by all workers; an agent_cache belongs to
 *           one.
 * Limits    AGENT_BYTES_MAX of the string are looked at; an agent_cache holds
 *           AGENT_CACHE_ENTRIES strings of up to 310 bytes in 768 KiB.
 */
#ifndef DECIDE_AGENT_H
#define DECIDE_AGENT_H

#include <stdint.h>

#include "base/slice.h"
#include "base/vocabulary.h"

enum { AGENT_BYTES_MAX = 512, AGENT_CACHE_ENTRIES = 2048 };

enum agent_class {
    AGENT_PERSON,
    AGENT_PREVIEW, /* gets the preview page */
    AGENT_BOT,     /* gets the same answer as a person */
};

/* The slices are static: they outlive everything. Empty: not known. */
struct agent {
    enum agent_class class;
    enum tap_platform platform;
    uint32_t os_version;  /* major << 16 | minor << 8 | patch; 0: not known, as behind Chrome's
                             "Android 10; K" and macOS 10.15.7, which stand for all later ones.
                             Windows 10.0 is 11, too. Of iOS 26 Safari and some apps tell the
                             truth, others say 18.x */
    struct slice browser; /* chrome, safari, firefox, edge, samsung, opera, ...; for machines
                             what they are: whatsapp, googlebot, curl, ... */
    struct slice in_app;  /* whatsapp, facebook, instagram, tiktok, ...: a browser in an app */
    struct slice rule;    /* the table's token that decided the class; "(empty)", "(unknown)";
                             empty for a person */
};

struct visitor_salt;
struct agents; /* the table, compiled */

struct agents *agents_create(void);
void agents_destroy(struct agents **agents);

/* An empty User-Agent is a bot: browsers always send one. So is one that names neither a platform
 * nor a browser nor an app: browsers name two of them. */
struct agent agents_classify(const struct agents *agents, struct slice user_agent);

/* Remembers what the last strings were, since most taps come from few of them, and what a visitor's
 * hash wants to know of them. */
struct agent_cache;

/* What is known of a string. */
struct agent_sighting {
    struct agent agent;
    uint64_t visitor_text; /* visitor_text_hash() of the string */
};

/* seed: random, for the cache alone. */
struct agent_cache *agent_cache_create(const struct agents *agents, uint64_t seed);
void agent_cache_destroy(struct agent_cache **cache);

/* With another day's salt than the last time, everything remembered is forgotten first. What is
 * returned is valid until the next call. */
const struct agent_sighting *agent_cache_see(struct agent_cache *cache, struct slice user_agent,
                                             const struct visitor_salt *salt);

/* Since the creation: strings that were classified. Whatever else was asked was a hit. */
uint64_t agent_cache_misses(const struct agent_cache *cache);

#endif
