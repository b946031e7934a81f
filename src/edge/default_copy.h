/*
 * default_copy.h - the last good edge.default_campaign, on disk.
 *
 * Where taps go when Redis cannot be asked is itself kept in Redis. A process that starts while
 * Redis is away would have nowhere to send people; so a copy stands in <data.dir>/default-campaign,
 * written when it changed and read at the start.
 *
 * Threads   default_copy_take() on a worker's, all else on the main thread.
 * Limits    DEFAULT_COPY_BYTES_MAX; a larger campaign is not kept.
 */
#ifndef EDGE_DEFAULT_COPY_H
#define EDGE_DEFAULT_COPY_H

#include "base/slice.h"

struct campaign;
struct default_copy;
struct log;
struct resolver;

enum { DEFAULT_COPY_BYTES_MAX = 64 * 1024 };

/* Reads the file, if there is one. */
struct default_copy *default_copy_create(const char *data_dir, struct log *log);
void default_copy_destroy(struct default_copy **copy);

/* Gives the resolver what the file held, bound by hosts (links.allowed_hosts). Before the worker's
 * thread starts. */
void default_copy_seed(const struct default_copy *copy, struct resolver *resolver,
                       struct slice hosts);

/* Notes what the campaign (NULL: none known) is now. */
void default_copy_take(struct default_copy *copy, const struct campaign *campaign);

/* Writes the file when what was noted last differs from it. */
void default_copy_save(struct default_copy *copy);

#endif
