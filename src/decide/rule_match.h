/*
 * rule_match.h - whether a rule fits a tap; private to decide/destination.
 *
 * What a condition asks for is worked out when the first rule asks, and once a tap: the visitor's
 * share, the parameters of the query, the time of day. So rules that ask for a country cost a
 * comparison each, and nobody else's work.
 *
 * Shares: rules with a weight whose other conditions fit take theirs one after the other. Of 30,
 * 30 and 40, the first fits the visitors 0 to 29, the second 30 to 59, the third 60 to 99. A rule
 * that leads nowhere, because its campaign has no such target, has taken its share all the same.
 *
 * Threads   A struct rule_match is its tap's.
 * Limits    RULE_MATCH_PARAMETERS_MAX parameters of a query are looked at; names and values as long
 *           as the request allows are compared without a copy, up to the first byte that differs.
 */
#ifndef RULE_MATCH_H
#define RULE_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/slice.h"
#include "decide/destination.h"

struct rule;

enum { RULE_MATCH_PARAMETERS_MAX = 32 };

struct rule_match {
    const struct destination_input *input;
    unsigned taken; /* shares that went to the rules before */
    unsigned share;
    bool has_share;
    bool has_wall;
    bool has_parameters;
    struct clock_wall wall;
    size_t parameter_count;
    struct {
        struct slice name;
        struct slice value;
    } parameter[RULE_MATCH_PARAMETERS_MAX]; /* as they were sent */
};

/* Leaves the parameters as they are: there is nothing to clear for those who have none. */
static inline void rule_match_begin(struct rule_match *it, const struct destination_input *input) {
    it->input = input;
    it->taken = 0;
    it->has_share = it->has_wall = it->has_parameters = false;
}

/* Call once for each rule, in their order. */
bool rule_match(struct rule_match *it, const struct rule *rule);

#endif
