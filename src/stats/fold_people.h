/*
 * fold_people.h - which visitors Redis has not been told of yet.
 *
 * Adding a visitor to a HyperLogLog costs Redis about as much as everything else about a click,
 * and changes nothing once a day has seen some thousands: of a register only the largest value ever
 * counts. So the collector remembers the registers of the HyperLogLogs that it writes (Redis'
 * own: MurmurHash64A, 2^14 registers, P. Flajolet et al., "HyperLogLog", 2007) and leaves out
 * whoever would not change them. Redis' hash cannot change without making every stored
 * HyperLogLog worthless.
 *
 * What is remembered must never be more than what Redis has: whoever gets anything but a plain yes
 * from it calls fold_people_forget(). A set forgets by itself after FOLD_PEOPLE_FORGET_S, so that
 * one that is deleted by hand comes back.
 *
 * Threads   One at a time.
 * Limits    FOLD_PEOPLE_SETS_MAX sets of 16 KiB; those that are not used make room.
 */
#ifndef STATS_FOLD_PEOPLE_H
#define STATS_FOLD_PEOPLE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    FOLD_PEOPLE_SETS_MAX = 2048,
    FOLD_PEOPLE_FORGET_S = 600,
    FOLD_PEOPLE_REGISTERS = 1 << 14,
};

struct fold_people;
struct fold_people_set;

struct fold_people *fold_people_create(void);
void fold_people_destroy(struct fold_people **people);
void fold_people_forget(struct fold_people *people);

/* The set of this name (a hash of it). NULL when it is not there and may not be made, or all that
 * could make room are in use. */
struct fold_people_set *fold_people_find(struct fold_people *people, uint64_t name, bool may_make,
                                         uint64_t now_ns);

/* How many registers are set: at least so many different visitors were noted. */
uint32_t fold_people_count(const struct fold_people_set *set);

/* Notes the visitor; whether that changed the set. */
bool fold_people_note(struct fold_people_set *set, uint64_t visitor);

#endif
