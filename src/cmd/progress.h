/*
 * progress.h - how far a long command is, on a terminal.
 *
 *   [###########             ]  46%  460,000 links, 231,000/s
 *
 * Where stderr is no terminal nothing is written. Times are monotonic nanoseconds, given by the
 * caller.
 */
#ifndef CMD_PROGRESS_H
#define CMD_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    bool on;
    bool visible;
    uint64_t started_ns;
    uint64_t next_ns;
};

struct progress_state {
    uint64_t done_bytes;
    uint64_t total_bytes; /* 0: not known; then there is no bar */
    uint64_t count;
    const char *noun; /* of what; NULL: links */
};

void progress_init(struct progress *progress, bool on, uint64_t now_ns);

/* Draws at most ten times a second. */
void progress_show(struct progress *progress, const struct progress_state *state, uint64_t now_ns);

/* Wipes it, so that a line can be written; the next show draws it again. */
void progress_clear(struct progress *progress);

/* What progress_show() draws, without the codes that move the cursor. */
void progress_format(const struct progress_state *state, uint64_t elapsed_ns, char *text,
                     size_t size);

#endif
