/*
 * tap_load.h - what the files of tap_load share: options, heads of requests, times, connections.
 *
 *   tap_load.c             main: the loop, when the next tap is due, the report
 *   tap_load_options.c     the command line
 *   tap_load_heads.c       the bytes of each request; which code comes next
 *   tap_load_times.c       the schedule, and histograms of latencies
 *   tap_load_conns.c       connections: opening, sending, reading answers, what can go wrong
 *
 * Threads   One.
 * Limits    All of TAP_LOAD_*; each is an error of the command line when it is passed.
 */
#ifndef TAP_LOAD_H
#define TAP_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "base/list.h"
#include "base/slice.h"

struct err;

enum {
    TAP_LOAD_CONNECTIONS_MAX = 20000, /* active and idle; loopback has 28,000 ports to offer */
    TAP_LOAD_CODES_MAX = 10 * 1000 * 1000,
    TAP_LOAD_SECONDS_MAX = 600,
    TAP_LOAD_RATE_MAX = 1000 * 1000,
    TAP_LOAD_CODE_BYTES_MAX = 64,
    TAP_LOAD_HEAD_BYTES_MAX = 16384,
    TAP_LOAD_CUTS_MAX = 7,
};

#define TAP_LOAD_NS_PER_S UINT64_C(1000000000)

struct load_options {
    struct sockaddr_in address; /* of 127.0.0.0/8 */
    uint32_t connections;       /* that carry taps */
    uint32_t idle;              /* that are opened, tapped once and left alone */
    uint32_t in_flight;         /* closed loop: taps at once, over all connections */
    double rate;                /* taps a second; 0: closed loop */
    bool is_constant;           /* one tap every 1/rate seconds; else Poisson */
    uint64_t measure_ns;
    uint64_t warm_up_ns;
    uint64_t timeout_ns; /* of one answer, and of what is open when the time is over */
    uint64_t taps_max;   /* 0: as many as the time allows */
    uint64_t cut_ns[TAP_LOAD_CUTS_MAX];
    unsigned cut_count;
    unsigned expect; /* status */
    bool closes;     /* a connection a tap */
    bool holds;      /* "ready" on stdout, then waits for a line on stdin */
    uint64_t seed;
    const char *code; /* with count: a pattern with one %0Nd */
    uint64_t count;
    uint64_t first;         /* number of the first tap, which chooses its code */
    const char *codes_path; /* NULL: code */
    const char *head_path;  /* NULL: a small head */
};

/* False, with err, when the arguments are not right; err is empty when help was asked for. */
MUST_CHECK bool load_options_parse(int argc, char **argv, struct load_options *options,
                                   struct err *err);
extern const char load_options_help[];

/* Requests, made without allocation: tap i gets code number permute(i). */
struct load_heads;

MUST_CHECK struct load_heads *load_heads_create(const struct load_options *options,
                                                struct err *err);
void load_heads_destroy(struct load_heads **heads);

/* Writes the head for the tap-th tap; its size. */
size_t load_heads_write(const struct load_heads *heads, uint64_t tap,
                        char out[TAP_LOAD_HEAD_BYTES_MAX]);

/* One to one from [0, count) to itself, in an order that looks random; another one for every
 * seed. Every count taps each code has come once. */
uint64_t load_permute(uint64_t index, uint64_t count, uint64_t seed);

/* When taps are due: fixed by rate and seed alone, whatever the server does. Times are from the
 * beginning of the schedule. */
struct load_schedule {
    uint64_t next_ns;
    double exact_ns;
    double gap_ns;
    bool is_constant;
    uint64_t state;
};

void load_schedule_init(struct load_schedule *schedule, const struct load_options *options);
void load_schedule_advance(struct load_schedule *schedule);

/* Counts of nanoseconds in log-linear buckets, as HdrHistogram has them: 128 buckets for every
 * power of two, so that a percentile is at most 1/128 too high. The maximum is exact. */
enum { LOAD_HISTOGRAM_BITS = 7, LOAD_HISTOGRAM_POWERS = 34 };

struct load_histogram {
    uint64_t count;
    uint64_t sum_ns;
    uint64_t max_ns;
    uint64_t bucket[(LOAD_HISTOGRAM_POWERS + 1) << LOAD_HISTOGRAM_BITS];
};

void load_histogram_add(struct load_histogram *histogram, uint64_t ns);
void load_histogram_merge(struct load_histogram *histogram, const struct load_histogram *other);

/* The smallest edge of a bucket that at least this share (0.5, 0.999) is not over; 0 when empty. */
uint64_t load_histogram_at(const struct load_histogram *histogram, double share);

enum load_failure {
    LOAD_CONNECT,   /* refused, or no port or descriptor left */
    LOAD_RESET,     /* the connection was reset */
    LOAD_CLOSED,    /* it was closed before the answer was complete */
    LOAD_MALFORMED, /* the answer is none, or more than one */
    LOAD_STATUS,    /* the answer has another status than the one expected */
    LOAD_TIMED_OUT, /* no answer in time */
    LOAD_UNSENT,    /* due, but no connection was free until the end */
    LOAD_UNASKED,   /* bytes that answer nothing; no tap failed */
    LOAD_IDLE_LOST, /* an idle connection was closed by the server; no tap failed */
    LOAD_FAILURE_COUNT,
};

enum load_phase { LOAD_OPENING, LOAD_WARM_UP, LOAD_MEASURED };

/* A tap on its way. */
struct load_tap {
    uint64_t number;
    uint64_t intended_ns; /* when it was due */
    uint64_t sent_ns;
    enum load_phase phase;
};

enum load_state { LOAD_IS_CLOSED, LOAD_IS_FREE, LOAD_IS_CONNECTING, LOAD_IS_WAITING };

struct load_conn {
    int fd;
    enum load_state state;
    bool is_idle_one; /* is never tapped again after its first tap */
    uint64_t free_ns; /* since when it is free */
    struct list_node busy;
    struct load_tap tap;
    char *kept; /* the beginning of an answer that came in pieces; NULL: nothing */
    size_t kept_size;
    unsigned status;
};

struct load_conns;

/* What becomes of a tap; the connection is free (or closed and can be used again) by then. */
struct load_events {
    void (*on_answer)(void *argument, struct load_conn *conn, uint64_t now_ns);
    void (*on_failure)(void *argument, struct load_conn *conn, enum load_failure failure);
    void *argument;
};

MUST_CHECK struct load_conns *load_conns_create(const struct load_options *options,
                                                const struct load_heads *heads,
                                                const struct load_events *events, struct err *err);
void load_conns_destroy(struct load_conns **conns);

/* Active ones first, then the idle ones. */
struct load_conn *load_conns_at(struct load_conns *conns, size_t index);

/* Opens the connection when it is closed, and sends. conn is free or closed. */
void load_conns_send(struct load_conns *conns, struct load_conn *conn, struct load_tap tap);

/* Waits at most so long for something to happen, then handles it. When it came back from waiting
 * is in *woke_ns. */
void load_conns_wait(struct load_conns *conns, uint64_t wait_ns, uint64_t *woke_ns);

/* Gives up on what was sent before this time. */
void load_conns_give_up(struct load_conns *conns, uint64_t before_ns);

#endif
