/*
 * agent_strings.h - a User-Agent as it was seen in logs or on its operator's page, and what it
 * is. The lists are agent_people.h and agent_machines.h: the first thing to extend with the table.
 */
#ifndef AGENT_STRINGS_H
#define AGENT_STRINGS_H

#include "base/vocabulary.h"
#include "decide/agent.h"

struct agent_string {
    enum agent_class class;
    enum tap_platform platform;
    const char *browser;
    const char *in_app;
    const char *text;
};

#endif
