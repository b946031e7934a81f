/*
 * tap_load.c - taps for benchmarks: what wrk cannot do.
 *
 *   tap_load --port N [--rate R] [--connections N] [--idle N] [--code-pattern A%07d --count N] ...
 *
 * Open loop, free of coordinated omission: taps are due on a schedule that is fixed beforehand, and
 * a latency counts from when its tap was due, also when every connection was still busy then. So a
 * server that stands still for a second is charged with all taps of that second, and not with one a
 * connection. Closed loop, idle connections beside the busy ones, another code each tap: see
 * load_options_help.
 *
 * Its own faults show, too: late_us is how long after it was due (or after a connection came free,
 * if that was later) a tap was sent. With a Poisson schedule these are samples of how late the
 * generator notices anything at all, answers included: where they are not much smaller than the
 * latencies, it is not the server that was measured, and generator_at_fault says so.
 *
 * Threads   One.
 * Limits    Connections, codes, taps, time: tap_load.h. Only 127.0.0.0/8 is tapped.
 */
#include "tap_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

enum {
    STATUSES = 1000,
    PARTS_MAX = TAP_LOAD_CUTS_MAX + 1,
    OPENING_IN_FLIGHT = 64,
    OPENING_SECONDS_MAX = 60,
    LOOK_NS = 20 * 1000 * 1000, /* the loop turns at least so often */
    AT_FAULT_NS = 200 * 1000,   /* being late by less is not worth a word */
};

static const char *const failure_names[LOAD_FAILURE_COUNT] = {
    [LOAD_CONNECT] = "connect",     [LOAD_RESET] = "reset",     [LOAD_CLOSED] = "closed",
    [LOAD_MALFORMED] = "malformed", [LOAD_STATUS] = "status",   [LOAD_TIMED_OUT] = "timed_out",
    [LOAD_UNSENT] = "unsent",       [LOAD_UNASKED] = "unasked", [LOAD_IDLE_LOST] = "idle_lost"};

struct load {
    struct load_options options;
    struct load_conns *conns;
    struct load_conn **ring; /* free or closed, the one that is so for longest first */
    size_t ring_head;
    size_t ring_count;
    size_t in_flight;
    uint64_t begin_ns;
    uint64_t total_ns; /* of the schedule, warm-up included */
    struct load_schedule schedule;
    uint64_t taps;    /* all that were ever sent; numbers them */
    uint64_t opening; /* of them, before the schedule began */
    uint64_t sent;    /* measured from here on */
    uint64_t answered;
    uint64_t waited;  /* due while no connection was free */
    uint64_t last_ns; /* the last answer */
    uint64_t turn_max_ns;
    uint64_t failures[LOAD_FAILURE_COUNT]; /* of all phases */
    uint64_t status[STATUSES];
    struct load_histogram part[PARTS_MAX]; /* since due */
    struct load_histogram service;         /* since sent */
    struct load_histogram late;
};

static void push(struct load *load, struct load_conn *conn) {
    if (!conn->is_idle_one) {
        ENSURE(load->ring_count < load->options.connections);
        size_t at = (load->ring_head + load->ring_count++) % load->options.connections;
        load->ring[at] = conn;
    }
}

static struct load_conn *pop(struct load *load) {
    struct load_conn *conn = load->ring[load->ring_head];
    load->ring_head = (load->ring_head + 1) % load->options.connections;
    load->ring_count--;
    return conn;
}

static unsigned part_of(const struct load *load, uint64_t intended_ns) {
    uint64_t at_ns = intended_ns - load->begin_ns - load->options.warm_up_ns;
    unsigned part = 0;
    while (part < load->options.cut_count && at_ns >= load->options.cut_ns[part]) {
        part++;
    }
    return part;
}

static void add_latency(struct load *load, uint64_t intended_ns, uint64_t now_ns) {
    load_histogram_add(&load->part[part_of(load, intended_ns)], now_ns - intended_ns);
}

static void on_answer(void *argument, struct load_conn *conn, uint64_t now_ns) {
    struct load *load = argument;
    load->in_flight--;
    push(load, conn);
    if (conn->tap.phase == LOAD_MEASURED) {
        load->answered++;
        load->status[conn->status]++;
        load->last_ns = now_ns;
        add_latency(load, conn->tap.intended_ns, now_ns);
        load_histogram_add(&load->service, now_ns - conn->tap.sent_ns);
    }
}

static void on_failure(void *argument, struct load_conn *conn, enum load_failure failure) {
    struct load *load = argument;
    load->failures[failure]++;
    if (failure == LOAD_UNASKED || failure == LOAD_IDLE_LOST) {
        return; /* it was free, and stays where it is */
    }
    load->in_flight--;
    push(load, conn);
    if (conn->tap.phase == LOAD_MEASURED && failure == LOAD_STATUS) {
        load->status[conn->status]++;
    } else if (conn->tap.phase == LOAD_MEASURED && failure == LOAD_TIMED_OUT) {
        add_latency(load, conn->tap.intended_ns, clock_monotonic_ns());
    }
}

static void send_tap(struct load *load, struct load_conn *conn, uint64_t intended_ns) {
    struct load_tap tap = {.number = load->options.first + load->taps++,
                           .intended_ns = intended_ns};
    if (load->begin_ns > 0) {
        bool is_warm_up = intended_ns - load->begin_ns < load->options.warm_up_ns;
        tap.phase = is_warm_up ? LOAD_WARM_UP : LOAD_MEASURED;
    }
    load->in_flight++;
    load->sent += tap.phase == LOAD_MEASURED;
    load_conns_send(load->conns, conn, tap);
}

static bool has_taps_left(const struct load *load) {
    return load->options.taps_max == 0 || load->taps - load->opening < load->options.taps_max;
}

/* What was due by now and finds a connection. False: the schedule is at its end. */
static bool send_due(struct load *load, uint64_t now_ns) {
    while (load->ring_count > 0) {
        uint64_t intended_ns = load->begin_ns + load->schedule.next_ns;
        if (load->schedule.next_ns >= load->total_ns || !has_taps_left(load)) {
            return false;
        }
        if (intended_ns > now_ns) {
            break;
        }
        struct load_conn *conn = pop(load);
        bool has_waited = conn->free_ns > intended_ns;
        uint64_t from_ns = has_waited ? conn->free_ns : intended_ns;
        send_tap(load, conn, intended_ns);
        now_ns = conn->tap.sent_ns;
        if (conn->tap.phase == LOAD_MEASURED) {
            load->waited += has_waited;
            load_histogram_add(&load->late, now_ns - from_ns);
        }
        load_schedule_advance(&load->schedule);
    }
    return true;
}

/* As many as may be under way at once. False: the time is over. */
static bool send_next(struct load *load, uint64_t now_ns) {
    while (load->ring_count > 0 && load->in_flight < load->options.in_flight) {
        if (now_ns >= load->begin_ns + load->total_ns || !has_taps_left(load)) {
            return false;
        }
        struct load_conn *conn = pop(load);
        send_tap(load, conn, now_ns);
        now_ns = clock_monotonic_ns();
    }
    return now_ns < load->begin_ns + load->total_ns;
}

/* One turn of the loop. */
static void turn(struct load *load, uint64_t wait_ns) {
    uint64_t woke_ns;
    load_conns_wait(load->conns, wait_ns, &woke_ns);
    if (woke_ns > load->options.timeout_ns) {
        load_conns_give_up(load->conns, woke_ns - load->options.timeout_ns);
    }
}

static uint64_t wait_of(const struct load *load, uint64_t now_ns, bool is_sending) {
    uint64_t next_ns = load->begin_ns + load->schedule.next_ns;
    if (!is_sending || load->options.rate <= 0 || load->ring_count == 0) {
        return LOOK_NS;
    }
    uint64_t wait_ns = next_ns > now_ns ? next_ns - now_ns : 0;
    return wait_ns < LOOK_NS ? wait_ns : LOOK_NS;
}

/* What was due and could not even be sent in the time that an answer may take. */
static void count_unsent(struct load *load, uint64_t now_ns) {
    while (load->options.rate > 0 && load->schedule.next_ns < load->total_ns &&
           has_taps_left(load)) {
        uint64_t intended_ns = load->begin_ns + load->schedule.next_ns;
        load->failures[LOAD_UNSENT]++;
        load->taps++;
        if (load->schedule.next_ns >= load->options.warm_up_ns) {
            add_latency(load, intended_ns, now_ns);
        }
        load_schedule_advance(&load->schedule);
    }
}

static void run(struct load *load) {
    bool is_sending = true;
    load->opening = load->taps;
    load->begin_ns = clock_monotonic_ns();
    load->total_ns = load->options.warm_up_ns + load->options.measure_ns;
    uint64_t now_ns = load->begin_ns;
    uint64_t end_ns = load->begin_ns + load->total_ns + load->options.timeout_ns;
    if (load->options.rate > 0) {
        load_schedule_init(&load->schedule, &load->options);
        load_schedule_advance(&load->schedule);
    }
    while ((is_sending || load->in_flight > 0) && now_ns < end_ns + load->options.timeout_ns) {
        if (is_sending) {
            is_sending = load->options.rate > 0 ? send_due(load, now_ns) : send_next(load, now_ns);
            is_sending = is_sending && now_ns < end_ns;
        }
        uint64_t before_ns = clock_monotonic_ns();
        uint64_t turn_ns = before_ns - now_ns;
        load->turn_max_ns = turn_ns > load->turn_max_ns ? turn_ns : load->turn_max_ns;
        turn(load, wait_of(load, before_ns, is_sending));
        now_ns = clock_monotonic_ns();
    }
    count_unsent(load, now_ns);
}

/* Each with a tap: with TCP_DEFER_ACCEPT, a server does not see a connection before its first
 * byte. False when one could not be opened. */
static bool open_all(struct load *load, struct err *err) {
    size_t opened = load->options.closes ? load->options.connections : 0;
    size_t count = (size_t)load->options.connections + load->options.idle;
    uint64_t failed = 0;
    uint64_t end_ns = clock_monotonic_ns() + OPENING_SECONDS_MAX * TAP_LOAD_NS_PER_S;
    for (size_t i = 0; i < opened; i++) {
        push(load, load_conns_at(load->conns, i));
    }
    while ((opened < count || load->in_flight > 0) && failed == 0) {
        while (opened < count && load->in_flight < OPENING_IN_FLIGHT) {
            send_tap(load, load_conns_at(load->conns, opened++), clock_monotonic_ns());
        }
        turn(load, LOOK_NS);
        for (int i = 0; i < LOAD_FAILURE_COUNT; i++) {
            failed += load->failures[i];
            if (load->failures[i] > 0) {
                return err_set(err, "connection %zu of %zu could not be opened: %s",
                               opened - load->in_flight, count, failure_names[i]);
            }
        }
        if (clock_monotonic_ns() > end_ns) {
            return err_set(err, "after %d s, %zu of %zu connections are open", OPENING_SECONDS_MAX,
                           opened - load->in_flight, count);
        }
    }
    return true;
}

static double us(uint64_t ns) {
    return (double)ns / 1000;
}

static void print_times(const char *name, const struct load_histogram *histogram) {
    uint64_t mean_ns = histogram->count > 0 ? histogram->sum_ns / histogram->count : 0;
    printf("%s{\"count\": %llu, \"mean\": %.1f, \"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, "
           "\"p99.9\": %.1f, \"max\": %.1f}",
           name, (unsigned long long)histogram->count, us(mean_ns),
           us(load_histogram_at(histogram, 0.5)), us(load_histogram_at(histogram, 0.9)),
           us(load_histogram_at(histogram, 0.99)), us(load_histogram_at(histogram, 0.999)),
           us(histogram->max_ns));
}

static uint64_t print_failures(const struct load *load) {
    uint64_t sum = 0;
    const char *comma = "";
    printf(", \"by_status\": {");
    for (unsigned i = 0; i < STATUSES; i++) {
        if (load->status[i] > 0) {
            printf("%s\"%u\": %llu", comma, i, (unsigned long long)load->status[i]);
            comma = ", ";
        }
    }
    printf("}, \"errors\": {");
    for (unsigned i = 0; i < LOAD_FAILURE_COUNT; i++) {
        printf("%s\"%s\": %llu", i > 0 ? ", " : "", failure_names[i],
               (unsigned long long)load->failures[i]);
        sum += load->failures[i];
    }
    printf(", \"all\": %llu}", (unsigned long long)sum);
    return sum;
}

/* One line of JSON; whether there was no failure. */
static bool report(const struct load *load) {
    struct load_histogram *all = calloc(1, sizeof(*all));
    struct rusage usage;
    ENSURE(all != NULL && getrusage(RUSAGE_SELF, &usage) == 0);
    for (unsigned i = 0; i <= load->options.cut_count; i++) {
        load_histogram_merge(all, &load->part[i]);
    }
    uint64_t from_ns = load->begin_ns + load->options.warm_up_ns;
    double seconds = load->last_ns > from_ns ? us(load->last_ns - from_ns) / 1e6 : 0;
    uint64_t late_ns = load_histogram_at(&load->late, 0.999);
    bool is_at_fault = late_ns > AT_FAULT_NS && late_ns > load_histogram_at(all, 0.999) / 2;
    printf("{\"sent\": %llu, \"answered\": %llu, \"opening\": %llu, \"taps\": %llu, "
           "\"seconds\": %.3f, \"rate\": %.1f, \"rate_asked\": %.1f, \"waited\": %llu",
           (unsigned long long)load->sent, (unsigned long long)load->answered,
           (unsigned long long)load->opening, (unsigned long long)load->taps, seconds,
           seconds > 0 ? (double)load->answered / seconds : 0, load->options.rate,
           (unsigned long long)load->waited);
    uint64_t failures = print_failures(load);
    print_times(", \"latency_us\": ", all);
    print_times(", \"service_us\": ", &load->service);
    print_times(", \"late_us\": ", &load->late);
    printf(", \"turn_us_max\": %.1f, \"preempted\": %ld, \"generator_at_fault\": %s, \"parts\": [",
           us(load->turn_max_ns), usage.ru_nivcsw, is_at_fault ? "true" : "false");
    for (unsigned i = 0; i <= load->options.cut_count; i++) {
        print_times(i > 0 ? ", " : "", &load->part[i]);
    }
    printf("]}\n");
    fflush(stdout);
    free(all);
    return failures == 0;
}

/* Until a line of stdin, or its end alone. */
static void hold(const struct load *load, bool until_end) {
    char byte = '\0';
    bool is_held = load->options.holds;
    while (is_held && read(STDIN_FILENO, &byte, 1) == 1) {
        is_held = until_end || byte != '\n';
    }
}

static int tap(struct load *load, struct err *err) {
    struct load_heads *heads = load_heads_create(&load->options, err);
    if (heads == NULL) {
        return 2;
    }
    struct load_events events = {on_answer, on_failure, load};
    int status = 2;
    load->conns = load_conns_create(&load->options, heads, &events, err);
    if (load->conns != NULL && open_all(load, err)) {
        if (load->options.holds) {
            printf("ready\n");
            fflush(stdout);
            hold(load, false);
        }
        run(load);
        status = report(load) ? 0 : 1;
        hold(load, true);
    }
    if (load->conns != NULL) {
        load_conns_destroy(&load->conns);
    }
    load_heads_destroy(&heads);
    return status;
}

int main(int argc, char **argv) {
    struct err err = {""};
    int status = 2;
    struct load *load = calloc(1, sizeof(*load));
    ENSURE(load != NULL);
    if (load_options_parse(argc, argv, &load->options, &err)) {
        load->ring = calloc(load->options.connections, sizeof(*load->ring));
        ENSURE(load->ring != NULL);
        status = tap(load, &err);
    } else if (err.text[0] == '\0') {
        printf("%s", load_options_help);
        status = 0;
    }
    if (err.text[0] != '\0') {
        fprintf(stderr, "tap_load: %s\n", err.text);
    }
    free(load->ring);
    free(load);
    return status;
}
