/*
 * redis/pipe.h - one blocking connection to Redis, for threads that have nothing else to do.
 *
 * The shipper and the command line append commands and then read the same number of replies.
 * Any failure closes the connection; pipe_connect() makes it anew.
 *
 * Threads   One at a time.
 * Limits    Connecting (looking the host up included), sending what is queued, and each reply
 *           take at most timeout_ms each. Replies are taken in while commands are sent, so a
 *           pipeline may be as long as the queue. A closed connection raises no SIGPIPE.
 *           redis_pipe_set_deadline() bounds all of that together.
 *           What was sent and not answered when a connection failed is not sent on behind
 *           our back: the kernel is told to drop it.
 */
#ifndef REDIS_PIPE_H
#define REDIS_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/slice.h"
#include "redis/reply.h"

struct err;
struct redis_pipe;
struct redis_url;

enum { REDIS_PIPE_QUEUE_BYTES_MAX = 256 * 1024 * 1024 };

struct redis_pipe *redis_pipe_create(const struct redis_url *url, uint32_t timeout_ms);
void redis_pipe_destroy(struct redis_pipe **pipe);

/* Connects, AUTHs and SELECTs; at once true when it is connected. err says where and why. */
MUST_CHECK bool redis_pipe_connect(struct redis_pipe *pipe, struct err *err);
/* From now on no wait goes on beyond this time of the monotonic clock, however much of timeout_ms
 * is left; 0: none but timeout_ms bounds them, as in the beginning. What has arrived is still read.
 */
void redis_pipe_set_deadline(struct redis_pipe *pipe, uint64_t deadline_ns);

bool redis_pipe_is_connected(const struct redis_pipe *pipe);
void redis_pipe_disconnect(struct redis_pipe *pipe);

/* Queues a command in memory; nothing is sent yet. False, and nothing queued, when not connected
 * or beyond REDIS_PIPE_QUEUE_BYTES_MAX. */
MUST_CHECK bool redis_pipe_append(struct redis_pipe *pipe, size_t argument_count,
                                  const struct slice *arguments);

/* Appends ready-made RESP of command_count commands, for those who write a lot of them. */
MUST_CHECK bool redis_pipe_append_resp(struct redis_pipe *pipe, struct slice resp,
                                       size_t command_count);

/* Sends what is queued without waiting for replies, for those who have other work until then.
 * False, disconnected and err set when that fails. */
MUST_CHECK bool redis_pipe_send(struct redis_pipe *pipe, struct err *err);

/* Sends what is queued, if anything, and reads the next reply; valid until the next call on
 * this pipe. NULL, disconnected and err set when there is none. Asking for more replies than
 * commands were appended is a bug. */
MUST_CHECK const struct redis_reply *redis_pipe_read(struct redis_pipe *pipe, struct err *err);

/* The same, but the reply as it came over the wire (RESP2), for those who read a lot of them:
 * whole, bounded by reply_bytes_max (more disconnects), borrowed until the next read on this pipe
 * (appending and sending leave it alone). Not parsed beyond finding its end. A bug while replies
 * are awaited of which redis_pipe_read() has read some: it may have taken in more than its own.
 * size 0, data NULL: there is none, as with NULL above. */
MUST_CHECK struct slice redis_pipe_read_raw(struct redis_pipe *pipe, size_t reply_bytes_max,
                                            struct err *err);

/* Append and read in one: for single commands with nothing else queued. */
MUST_CHECK const struct redis_reply *redis_pipe_command(struct redis_pipe *pipe,
                                                        size_t argument_count,
                                                        const struct slice *arguments,
                                                        struct err *err);

#endif
