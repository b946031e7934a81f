/*
 * click/identity.h - who this edge is, and the secret that signs for it.
 *
 * `edge-id` and `secret` under data.dir are made once and then kept; several edges of one
 * system share a secret by copying the file. data.dir is locked, so that two processes cannot
 * write the same journals.
 */
#ifndef CLICK_IDENTITY_H
#define CLICK_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"

struct err;

enum { IDENTITY_SECRET_BYTES = 32, IDENTITY_EDGE_BYTES_MAX = 64 };

struct identity {
    char edge_id[IDENTITY_EDGE_BYTES_MAX + 1]; /* A-Z a-z 0-9 - _ */
    uint8_t secret[IDENTITY_SECRET_BYTES];
    bool has_secret; /* always, but after identity_share() */
    int lock_fd;     /* -1: not locked */
};

/* Makes data_dir and the files where missing (secret: mode 0600) and takes the lock.
 * configured_edge_id: edge.id; when not empty it is used, and edge-id is left alone. False and
 * err when a file is unreadable, of the wrong size or readable by others, or the lock is held. */
MUST_CHECK bool identity_open(const char *data_dir, struct slice configured_edge_id,
                              struct identity *identity, struct err *err);

/* Reads data_dir's secret, for those who check what edges signed: makes nothing, takes no lock.
 * False and err when there is none, or as above. The caller wipes it. */
MUST_CHECK bool identity_read_secret(const char *data_dir, uint8_t secret[IDENTITY_SECRET_BYTES],
                                     struct err *err);

/* The same without the lock, for a process that writes no journal of clicks, beside one that does
 * or not. A secret that is missing is not made: it would be another one than that of the edges, and
 * all that they have signed would look forged. */
MUST_CHECK bool identity_share(const char *data_dir, struct slice configured_edge_id,
                               struct identity *identity, struct err *err);

/* Releases the lock and wipes the secret. */
void identity_close(struct identity *identity);

#endif
