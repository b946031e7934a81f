/*
 * agent_version.h - which version of its system a User-Agent tells; private to decide/agent.
 *
 * Threads   A pure function.
 * Limits    The caller's of the string; a version is three numbers, up to 999, 255 and 255.
 */
#ifndef AGENT_VERSION_H
#define AGENT_VERSION_H

#include <stdint.h>

#include "base/slice.h"
#include "base/vocabulary.h"

/* As os_version of decide/agent.h. */
uint32_t agent_version(enum tap_platform platform, struct slice user_agent);

#endif
