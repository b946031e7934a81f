/*
 * stats_private.h - what `brinco stats` and its words share.
 */
#ifndef CMD_STATS_PRIVATE_H
#define CMD_STATS_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "stats/query.h"
#include "table.h"

struct buf;
struct cmd;
struct cmd_line;
struct session;
struct stats_freshness;
struct stats_report;
struct stats_top;

/* Of an answer on stdout, whatever its form. */
enum { STATS_OUTPUT_BYTES_MAX = 256 * 1024 * 1024 };

/* "brinco stats top", "brinco stats live". */
int stats_top(const struct cmd *cmd);
int stats_live(const struct cmd *cmd);

/* Where the numbers are, at this moment. */
struct stats_source stats_source_of(const struct session *session);

/* Sets a choice that may not have been given (NULL). False after having said why. */
MUST_CHECK bool stats_choose(const struct cmd_line *line, struct stats_query *query,
                             const char *name, const char *value);

/* stats_query_finish(); false after having said why. */
MUST_CHECK bool stats_finish(const struct session *session, struct stats_query *query,
                             const struct stats_source *source);

/* Says why there is no answer and returns the exit status. */
int stats_refuse(const struct session *session, const struct stats_query *query,
                 enum stats_result result, const char *reason);

/* Says on stderr that the numbers may still grow, if so: whatever the form, a script sees it. */
void stats_warn(const struct cmd_line *line, const struct stats_freshness *freshness);

/* Writes it to stdout and frees it. */
void stats_print(struct buf *out);

/* stats_show.c: for people. */
/* The funnel, when anything was converted. */
void stats_show_funnel(const struct stats_report *report, struct buf *out);

void stats_show_report(const struct stats_report *report, const struct table_style *style,
                       struct buf *out);
void stats_show_top(const struct stats_top *top, const struct table_style *style, struct buf *out);

/* One line with its line break when the numbers may still grow; nothing when they are complete. */
void stats_show_warning(const struct stats_freshness *freshness, struct buf *out);

#endif
