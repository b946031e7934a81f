/*
 * conversions_find.h - what a report leaves to be looked up: whose token it is, and whether its
 * campaign has such an event.
 *
 * A token that comes without its code cannot be verified by itself. The click's code is in
 * credit:CLICKID, when the click has had a conversion before, else in the click's own entry
 * (stats/find.h). When neither is there, or Redis does not say, the report is taken as it is, and
 * judged when it is counted.
 *
 * An event that is not one of every campaign's is looked for in the campaign of its link, and, of a
 * click that is proven, in that of the click: links are moved, and a click stays where it was. One
 * that lists it is enough. Where that is not known, because there is no code or Redis does not say,
 * it is taken, too.
 *
 * Threads   Waits for Redis; one at a time a pipe.
 * Limits    FIND_CLICKS_MAX clicks and FIND_CLICKS_MS a request are looked for in streams.
 */
#ifndef API_CONVERSIONS_FIND_H
#define API_CONVERSIONS_FIND_H

#include "conversions_read.h"

struct call;

enum { FIND_CLICKS_MAX = 100, FIND_CLICKS_MS = 1000 };

/* Those in state REPORT_NEW whose proof is open. */
void report_find_codes(const struct call *call, struct report *reports, size_t count);

/* Those in state REPORT_NEW. False: *which has an event that no campaign of it lists. */
MUST_CHECK bool report_check_events(const struct call *call, struct report *reports, size_t count,
                                    size_t *which);

#endif
