/*
 * journal_verify.h - `brinco journal verify`, for cmd_journal() alone.
 */
#ifndef CMD_JOURNAL_VERIFY_H
#define CMD_JOURNAL_VERIFY_H

struct cmd;

int journal_verify(const struct cmd *cmd);

#endif
