/*
 * association_words.h - whether a word is what an association file may name.
 *
 * Threads   Pure functions.
 */
#ifndef EDGE_ASSOCIATION_WORDS_H
#define EDGE_ASSOCIATION_WORDS_H

#include <stdbool.h>

#include "base/slice.h"

/* A package of Android: mx.example.app. */
bool association_is_package(struct slice word);

/* A SHA-256: AA:BB:..., in whatever case. */
bool association_is_fingerprint(struct slice word);

/* TEAMID.BUNDLE; the number by which the App Store knows an app is none. */
bool association_is_app_id(struct slice word);

#endif
