/*
 * link/code.h - what a code, and a campaign's id, may consist of, and the codes that we make.
 *
 * A made code has CODE_MADE_BYTES of CODE_ALPHABET: digits and capitals without 0 1 I L O. There
 * are 31 of them, a prime, and the last is the sum of the others, each times its place from 1,
 * modulo 31: every single wrong character and every two exchanged ones are found.
 */
#ifndef LINK_CODE_H
#define LINK_CODE_H

#include <stdbool.h>

#include "base/slice.h"

struct random;

enum { CODE_BYTES_MAX = 64 };

/* 1 to CODE_BYTES_MAX of A-Z a-z 0-9 - _. Campaign ids follow the same rule, so that both can
 * stand in a URL, a Play Store referrer and a Redis key as they are. */
bool code_is_valid(struct slice code);

#define CODE_ALPHABET "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
enum { CODE_MADE_BYTES = 7 };

/* Makes a code of random's bytes. */
void code_make(struct random *random, char code[CODE_MADE_BYTES + 1]);

/* Whether a code that is no link looks like a made one with a single mistake in it, so that its
 * reader can be told to look again. Seven letters and digits: with a wrong or exchanged character,
 * in lower case, or with one of 0 1 I L O. Eight of the alphabet: when one of them is too many.
 * Six: always, for one may be missing. */
bool code_is_mistyped(struct slice code);

#endif
