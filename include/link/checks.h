/*
 * link/checks.h - what makes a conversion look odd: reason codes, and a campaign's thresholds.
 *
 * A check only marks: what is marked counts as before, and the marks are counted beside it.
 *
 *   click_after_install   the click, or Google Play's referrer_click_at, is later than
 *                         install_begin_at by more than click_after_install_s (0): injected
 *   too_soon              the first conversion came less than too_soon_s (10) after the click
 *   too_late              more than too_late_s (604800, a week): for install only
 *   many_by_visitor       the click's visitor has more than many_by_visitor (3) of this event that
 *                         day, in this campaign
 *   many_by_network       its network has more than many_by_network (20)
 *   own_link              `user` is the link's owner: own_link (on)
 *
 * A campaign's field `checks` is words NAME=VALUE separated by spaces, with the names in brackets
 * above; off leaves a check out, and so does 0 but for the first. What is not named has its
 * default.
 *
 * Threads   Pure functions.
 */
#ifndef LINK_CHECKS_H
#define LINK_CHECKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct err;

/* Bits of a mask: numbers are stored, new ones at the end. */
#define CHECK_REASONS(X)                                                                           \
    X(CLICK_AFTER_INSTALL, "click_after_install")                                                  \
    X(TOO_SOON, "too_soon")                                                                        \
    X(TOO_LATE, "too_late")                                                                        \
    X(MANY_BY_VISITOR, "many_by_visitor")                                                          \
    X(MANY_BY_NETWORK, "many_by_network")                                                          \
    X(OWN_LINK, "own_link")

#define CHECK_REASON_ENUM(name, text) CHECK_##name,
enum check_reason { CHECK_REASONS(CHECK_REASON_ENUM) CHECK_REASON_COUNT };
const char *check_reason_name(enum check_reason reason);

/* UINT32_MAX: the check is off. */
struct checks {
    uint32_t click_after_install_s;
    uint32_t too_soon_s;
    uint32_t too_late_s;
    uint32_t many_by_visitor;
    uint32_t many_by_network;
    bool own_link;
};

/* An empty text gives the defaults. False and err, which says what is allowed, when it makes no
 * sense. */
bool checks_read(struct slice text, struct checks *checks, struct err *err);

#endif
