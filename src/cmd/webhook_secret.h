/*
 * webhook_secret.h - `brinco webhook secret`: what a receiver verifies signatures with.
 *
 * Threads   The main thread.
 */
#ifndef CMD_WEBHOOK_SECRET_H
#define CMD_WEBHOOK_SECRET_H

struct cmd;

int cmd_webhook_secret(const struct cmd *cmd);

#endif
