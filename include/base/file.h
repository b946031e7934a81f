/*
 * base/file.h - small whole files, and directories.
 *
 * For configuration, secrets and the like; journals have code of their own. Every failure is
 * a sentence that names the path and what the kernel said.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/defs.h"
#include "base/slice.h"

struct buf;
struct err;

enum { FILE_PATH_MAX = 4096 };

/* Appends the whole file to out (whose limit bounds it), or nothing. A directory, a device, or
 * a file larger than the limit is refused. */
MUST_CHECK bool file_read(const char *path, struct buf *out, struct err *err);

/* Writes a new file beside path, with exactly this mode whatever the umask, syncs it, and
 * renames it over path: never half a file. */
MUST_CHECK bool file_write_atomically(const char *path, struct slice content, unsigned mode,
                                      struct err *err);

/* Like the above, but leaves a file that is already there alone and then reports success:
 * two processes that start together agree on one content. */
MUST_CHECK bool file_create_once(const char *path, struct slice content, unsigned mode,
                                 struct err *err);

/* mkdir -p. */
MUST_CHECK bool file_make_directory(const char *path, unsigned mode, struct err *err);

#endif
