/*
 * tap_load_options.c - the command line of tap_load.
 *
 * Options are a table: name, where the value goes, what is allowed. It only ever sends to
 * 127.0.0.0/8: a load generator that can be pointed at strangers will be.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "tap_load.h"

const char load_options_help[] =
    "usage: tap_load --port N [option ...]\n"
    "\n"
    "Taps a server on this machine and says, as JSON, what came back and how long it took.\n"
    "\n"
    "  --port N             where the server listens\n"
    "  --address A          of 127.0.0.0/8 (127.0.0.1)\n"
    "  --rate R             open loop: so many taps a second, on a schedule that is fixed\n"
    "                       beforehand; latency counts from when a tap was due, sent or not.\n"
    "                       Without it, closed loop: the next tap follows the answer\n"
    "  --schedule S         poisson (default) or constant\n"
    "  --connections N      that carry taps (64), in turn\n"
    "  --in-flight N        closed loop: taps at once over all of them (as many as connections)\n"
    "  --idle N             further connections that are opened, tapped once and left alone (0)\n"
    "  --close              a connection a tap\n"
    "  --seconds S          how long is measured (5, at most 600)\n"
    "  --warm-up S          taps before that which are not measured (0)\n"
    "  --taps N             ends after so many taps (no such limit)\n"
    "  --cut S,S            seconds at which another part begins, with latencies of its own\n"
    "  --code C             what to tap (AB12CD)\n"
    "  --code-pattern P     with %0Nd for a number of N digits, and\n"
    "  --count N            how many: each tap has another one, in an order that looks random\n"
    "  --first N            begins with the code that an earlier run would have had at tap N (0)\n"
    "  --codes FILE         the same with the lines of a file\n"
    "  --head FILE          of a request, with %CODE% in it\n"
    "  --expect STATUS      (302)\n"
    "  --timeout-ms N       an answer that takes longer is none (2000)\n"
    "  --seed N             of schedule and order (1)\n"
    "  --hold               says \"ready\" when all connections are open, waits for a line on\n"
    "                       stdin, and at the end for the end of stdin before it closes them\n"
    "\n"
    "example: tap_load --port 8080 --rate 20000 --connections 200 --seconds 10 --warm-up 2\n"
    "\n"
    "Exits with 0 when every tap was answered as expected, with 1 when one was not or idle\n"
    "connections were lost, with 2 when it could not begin.\n";

enum kind { FLAG, NUMBER, DECIMAL, TEXT, ADDRESS, SCHEDULE, CUTS };

struct row {
    const char *name;
    enum kind kind;
    size_t offset;
    double minimum;
    double maximum;
};

/* Where each kind of value is kept while the command line is read. */
struct raw {
    bool closes, holds, is_constant;
    double port, rate, connections, in_flight, idle, seconds, warm_up, taps, count, first, expect,
        timeout_ms, seed;
    double cut_s[TAP_LOAD_CUTS_MAX];
    unsigned cut_count;
    const char *code, *pattern, *codes, *head;
    struct in_addr address;
};

static const struct row rows[] = {
    {"--port", NUMBER, offsetof(struct raw, port), 1, 65535},
    {"--address", ADDRESS, offsetof(struct raw, address), 0, 0},
    {"--rate", DECIMAL, offsetof(struct raw, rate), 0.1, TAP_LOAD_RATE_MAX},
    {"--schedule", SCHEDULE, offsetof(struct raw, is_constant), 0, 0},
    {"--connections", NUMBER, offsetof(struct raw, connections), 1, TAP_LOAD_CONNECTIONS_MAX},
    {"--in-flight", NUMBER, offsetof(struct raw, in_flight), 1, TAP_LOAD_CONNECTIONS_MAX},
    {"--idle", NUMBER, offsetof(struct raw, idle), 0, TAP_LOAD_CONNECTIONS_MAX - 1},
    {"--close", FLAG, offsetof(struct raw, closes), 0, 0},
    {"--seconds", DECIMAL, offsetof(struct raw, seconds), 0.001, TAP_LOAD_SECONDS_MAX},
    {"--warm-up", DECIMAL, offsetof(struct raw, warm_up), 0, TAP_LOAD_SECONDS_MAX},
    {"--taps", NUMBER, offsetof(struct raw, taps), 1, 1e12},
    {"--cut", CUTS, 0, 0.001, TAP_LOAD_SECONDS_MAX},
    {"--code", TEXT, offsetof(struct raw, code), 0, 0},
    {"--code-pattern", TEXT, offsetof(struct raw, pattern), 0, 0},
    {"--count", NUMBER, offsetof(struct raw, count), 1, TAP_LOAD_CODES_MAX},
    {"--first", NUMBER, offsetof(struct raw, first), 0, 1e12},
    {"--codes", TEXT, offsetof(struct raw, codes), 0, 0},
    {"--head", TEXT, offsetof(struct raw, head), 0, 0},
    {"--expect", NUMBER, offsetof(struct raw, expect), 100, 599},
    {"--timeout-ms", NUMBER, offsetof(struct raw, timeout_ms), 1, 60000},
    {"--seed", NUMBER, offsetof(struct raw, seed), 0, 1e9},
    {"--hold", FLAG, offsetof(struct raw, holds), 0, 0},
};

static bool read_number(const struct row *row, const char *text, double *value, struct err *err) {
    char *end = NULL;
    *value = strtod(text, &end);
    bool is_number =
        end != text && *end == '\0' && *value >= row->minimum && *value <= row->maximum;
    if (row->kind == NUMBER && is_number) {
        is_number = *value == (double)(uint64_t)*value;
    }
    return is_number || err_set(err, "%s: %s is not within %.15g and %.15g", row->name, text,
                                row->minimum, row->maximum);
}

static bool read_cuts(const struct row *row, const char *text, struct raw *raw, struct err *err) {
    struct slice rest = slice_of(text);
    while (rest.size > 0) {
        char word[32];
        struct slice part = slice_split(&rest, ',');
        snprintf(word, sizeof(word), "%.*s", SLICE_ARG(part));
        if (raw->cut_count == TAP_LOAD_CUTS_MAX) {
            return err_set(err, "--cut: at most %d", TAP_LOAD_CUTS_MAX);
        }
        double *cut_s = &raw->cut_s[raw->cut_count];
        if (!read_number(row, word, cut_s, err)) {
            return false;
        }
        if (raw->cut_count > 0 && *cut_s <= cut_s[-1]) {
            return err_set(err, "--cut: %s is not after the one before", word);
        }
        raw->cut_count++;
    }
    return true;
}

static bool read_value(const struct row *row, const char *text, struct raw *raw, struct err *err) {
    void *to = (char *)raw + row->offset;
    switch (row->kind) {
    case FLAG:
        *(bool *)to = true;
        return true;
    case NUMBER:
    case DECIMAL:
        return read_number(row, text, to, err);
    case TEXT:
        *(const char **)to = text;
        return true;
    case ADDRESS:
        if (inet_pton(AF_INET, text, to) != 1 ||
            ntohl(((struct in_addr *)to)->s_addr) >> 24 != 127) {
            return err_set(err, "--address: %s is not of 127.0.0.0/8, the only one allowed", text);
        }
        return true;
    case SCHEDULE:
        *(bool *)to = strcmp(text, "constant") == 0;
        return *(bool *)to || strcmp(text, "poisson") == 0 ||
               err_set(err, "--schedule: poisson or constant, not %s", text);
    case CUTS:
        return read_cuts(row, text, raw, err);
    }
    return false;
}

static bool read_all(int argc, char **argv, struct raw *raw, struct err *err) {
    for (int i = 1; i < argc; i++) {
        const struct row *row = NULL;
        for (size_t j = 0; j < ARRAY_COUNT(rows); j++) {
            row = strcmp(argv[i], rows[j].name) == 0 ? &rows[j] : row;
        }
        if (strcmp(argv[i], "--help") == 0) {
            return false;
        }
        if (row == NULL) {
            return err_set(err, "there is no option %s; see --help", argv[i]);
        }
        if (row->kind != FLAG && i + 1 == argc) {
            return err_set(err, "%s needs a value", argv[i]);
        }
        if (!read_value(row, row->kind == FLAG ? "" : argv[++i], raw, err)) {
            return false;
        }
    }
    return raw->port > 0 || err_set(err, "--port is missing; see --help");
}

static uint64_t ns_of(double seconds) {
    return (uint64_t)(seconds * (double)TAP_LOAD_NS_PER_S);
}

static bool check(const struct raw *raw, struct err *err) {
    if (raw->connections + raw->idle > TAP_LOAD_CONNECTIONS_MAX) {
        return err_set(err, "--connections and --idle: at most %d together",
                       TAP_LOAD_CONNECTIONS_MAX);
    }
    if (raw->seconds + raw->warm_up > TAP_LOAD_SECONDS_MAX) {
        return err_set(err, "--seconds and --warm-up: at most %d together", TAP_LOAD_SECONDS_MAX);
    }
    if (raw->rate > 0 && raw->in_flight > 0) {
        return err_set(err, "--in-flight is for a closed loop, --rate for an open one");
    }
    int sources = (raw->code != NULL) + (raw->pattern != NULL) + (raw->codes != NULL);
    if (sources > 1) {
        return err_set(err, "one of --code, --code-pattern and --codes");
    }
    return (raw->pattern != NULL) == (raw->count > 0) ||
           err_set(err, "--code-pattern and --count belong together");
}

bool load_options_parse(int argc, char **argv, struct load_options *options, struct err *err) {
    struct raw raw = {.connections = 64,
                      .seconds = 5,
                      .expect = 302,
                      .timeout_ms = 2000,
                      .seed = 1,
                      .address.s_addr = htonl(INADDR_LOOPBACK)};
    if (!read_all(argc, argv, &raw, err) || !check(&raw, err)) {
        return false;
    }
    const char *code = raw.code != NULL ? raw.code : "AB12CD";
    *options = (struct load_options){
        .address = {.sin_family = AF_INET,
                    .sin_port = htons((uint16_t)raw.port),
                    .sin_addr = raw.address},
        .connections = (uint32_t)raw.connections,
        .idle = (uint32_t)raw.idle,
        .in_flight = (uint32_t)(raw.in_flight > 0 ? raw.in_flight : raw.connections),
        .rate = raw.rate,
        .is_constant = raw.is_constant,
        .measure_ns = ns_of(raw.seconds),
        .warm_up_ns = ns_of(raw.warm_up),
        .timeout_ns = ns_of(raw.timeout_ms / 1000),
        .taps_max = (uint64_t)raw.taps,
        .cut_count = raw.cut_count,
        .expect = (unsigned)raw.expect,
        .closes = raw.closes,
        .holds = raw.holds,
        .seed = (uint64_t)raw.seed,
        .code = raw.pattern != NULL ? raw.pattern : code,
        .count = raw.pattern != NULL ? (uint64_t)raw.count : 1,
        .first = (uint64_t)raw.first,
        .codes_path = raw.codes,
        .head_path = raw.head,
    };
    for (unsigned i = 0; i < raw.cut_count; i++) {
        options->cut_ns[i] = ns_of(raw.cut_s[i]);
    }
    return true;
}
