/*
 * journal_source.h - the journals that a command is about, and a walk through one.
 *
 * Journals may be written by a running brinco meanwhile: a walk ends where they end now, and a
 * later walk_on() goes on from there.
 *
 * Threads   The main thread.
 */
#ifndef CMD_JOURNAL_SOURCE_H
#define CMD_JOURNAL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "click/journal_reader.h"
#include "click/payload.h"
#include "cmd.h"

/* One journal: a directory of segments, or a single one of them. */
struct journal_source {
    char *directory;
    uint32_t only_segment; /* 0: all */
    uint32_t worker;       /* as the directory is called, else as its headers say */
};

struct journal_sources {
    const struct payload_kind *payload; /* what is in them */
    struct journal_source *source;
    size_t count;
    bool has_odd; /* some could not be listed: they were named on stderr, the rest goes on */
};

/* Which are meant, by the command's options. */
struct journal_choice {
    const char *worker;   /* the text of --worker, or NULL */
    bool are_conversions; /* --conversions: of reports, not of clicks */
};

/* Those that the operands name (a journal, a directory of journals, a segment file), else all
 * under data.dir. False after having said why, with
 * *status; having none is CMD_PARTIAL. */
MUST_CHECK bool journal_sources_find(const struct cmd_line *line,
                                     const struct journal_choice *choice,
                                     struct journal_sources *sources, int *status);
void journal_sources_free(struct journal_sources *sources);

/* What a walk shows. Any may be NULL. Only record() may write to a terminal on which progress is
 * shown; before the others it is wiped away. */
struct journal_view {
    void (*segment)(void *argument, const struct journal_segment *segment);
    void (*record)(void *argument, const struct journal_segment *segment,
                   const struct journal_record *record);
    void (*damage)(void *argument, const struct journal_damage *damage);
    void *argument;
    bool progress; /* on stderr, where that is a terminal and the walk is long */
};

struct journal_walk;

/* first_sequence: begins at the last segment that begins at or below it; 0: at the first. */
MUST_CHECK struct journal_walk *journal_walk_open(const struct journal_source *source,
                                                  uint64_t first_sequence, struct err *err);
void journal_walk_close(struct journal_walk **walk);

/* Shows all that was not shown yet, up to the present end: a segment, its records in order and
 * what is damaged, then the next. False: the file system, see err. */
MUST_CHECK bool journal_walk_on(struct journal_walk *walk, const struct journal_view *view,
                                struct err *err);

/* "00000007.log" of the directory. */
#define JOURNAL_FILE_FORMAT "%s/%08" PRIu32 ".log"

#endif
