/*
 * geo_file.h - the database file on disk; private to decide/geo.
 */
#ifndef GEO_FILE_H
#define GEO_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/defs.h"

struct err;
struct geo;

/* What tells one content from another without reading it. The time is that of the inode's last
 * change, which tools that keep the modification time cannot set back. */
struct geo_identity {
    dev_t device;
    ino_t inode;
    off_t size;
    int64_t changed_ns;
};

/* False when there is no such file. */
bool geo_file_identify(const char *path, struct geo_identity *identity);

/* A copy of the file in memory, sealed: nobody can shrink, grow or write it. Returns its
 * descriptor, the caller's, or -1. *identity, when a file was opened, is of what was there
 * before it was read: a change meanwhile is seen as a change afterwards. */
MUST_CHECK int geo_file_copy(const char *path, struct geo_identity *identity, struct err *err);

/* geo_open(), which also tells what it opened. */
MUST_CHECK struct geo *geo_open_identified(const char *path, struct geo_identity *identity,
                                           struct err *err);

#endif
