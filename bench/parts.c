/*
 * parts.c - what each stage of a tap costs by itself: nanoseconds of processor time, and
 * instructions for callgrind.
 *
 *   parts NAME [--rounds N] [--geo FILE]   one part: the median of RUNS runs of N operations
 *   parts --list                           all of them, with a line of prose each
 *   parts --cpu                            what this processor, or the one that valgrind makes
 *                                          up, lets libraries choose their code by
 *
 * For instructions, count what parts_measured() does and divide by the rounds:
 *
 *   valgrind --tool=callgrind --collect-atstart=no --toggle-collect=parts_measured \
 *       bench/parts token --once --rounds 2048
 *
 * which `bench/run --only parts` does for all of them. Toggling by the name of a function needs
 * nothing of valgrind in the program, so that what is counted and what is timed is one binary.
 * --once: a warm-up of WARM_UP operations, and one run.
 *
 * Whatever asks the kernel for chance gets the same bytes each time: getrandom() below takes the
 * C library's place, so that tables lie alike and searches in them take as many steps.
 *
 * Without --rounds, a run has as many operations as take RUN_NS.
 */
#include "parts.h"

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/slice.h"

enum {
    RUNS = 9,
    WARM_UP = 64,
    RUN_NS = 10 * 1000 * 1000,
    ROUNDS_MAX = 100 * 1000 * 1000,
    USAGE_EXIT = 2,
};

struct arguments {
    const char *name;
    uint64_t rounds; /* 0: as many as take RUN_NS */
    bool is_counted; /* --once: no timing, for callgrind */
    struct parts_options options;
};

void parts_measured(const struct part *part, void *state, uint64_t count);

static const struct part *const tables[] = {parts_of_http, parts_of_link, parts_of_decide,
                                            parts_of_click};

ssize_t getrandom(void *out, size_t size, unsigned flags) {
    uint64_t state = size;
    uint8_t *at = out;
    (void)flags;
    for (size_t i = 0; i < size; i++) {
        at[i] = (uint8_t)parts_random(&state);
    }
    return (ssize_t)size;
}

void *parts_allocate(size_t size) {
    void *memory = calloc(1, size);
    ENSURE(memory != NULL);
    return memory;
}

/* The name that callgrind is told; a function of its own in every build. */
__attribute__((noinline, noclone, used)) void parts_measured(const struct part *part, void *state,
                                                             uint64_t count) {
    part->run(state, count);
}

static const struct part *find(const char *name) {
    for (size_t t = 0; t < ARRAY_COUNT(tables); t++) {
        for (const struct part *part = tables[t]; part->name != NULL; part++) {
            if (strcmp(part->name, name) == 0) {
                return part;
            }
        }
    }
    return NULL;
}

static void list(void) {
    for (size_t t = 0; t < ARRAY_COUNT(tables); t++) {
        for (const struct part *part = tables[t]; part->name != NULL; part++) {
            printf("%-15s %s\n", part->name, part->what);
        }
    }
}

/* What glibc, libcrypto, libsodium and our own code choose by. */
static void print_cpu(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const struct {
        const char *name;
        bool is_there;
    } features[] = {
        {"ssse3", __builtin_cpu_supports("ssse3")},
        {"sse4.2", __builtin_cpu_supports("sse4.2")},
        {"avx", __builtin_cpu_supports("avx")},
        {"avx2", __builtin_cpu_supports("avx2")},
        {"bmi2", __builtin_cpu_supports("bmi2")},
        {"avx512vl", __builtin_cpu_supports("avx512vl")},
    };
    printf("x86-64");
    for (size_t i = 0; i < ARRAY_COUNT(features); i++) {
        printf("%s%s", features[i].is_there ? " " : "",
               features[i].is_there ? features[i].name : "");
    }
    printf("\n");
#else
    printf("other\n");
#endif
}

/* Of this thread's processor time: what others do meanwhile is not ours. */
static uint64_t now_ns(void) {
    struct timespec now;
    ENSURE(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t run_ns(const struct part *part, void *state, uint64_t count) {
    uint64_t begin_ns = now_ns();
    parts_measured(part, state, count);
    uint64_t end_ns = now_ns();
    if (part->rest != NULL) {
        part->rest(state);
    }
    return end_ns - begin_ns;
}

static uint64_t limited(const struct part *part, uint64_t rounds) {
    uint64_t max = part->count_max == 0 ? ROUNDS_MAX : (part->count_max - WARM_UP) / (2 * RUNS);
    return rounds < 1 ? 1 : rounds < max ? rounds : max;
}

/* Doubled until a run is long enough to tell. */
static uint64_t calibrate(const struct part *part, void *state) {
    uint64_t rounds = WARM_UP;
    uint64_t left = part->count_max / 4;
    for (;;) {
        uint64_t ns = run_ns(part, state, rounds);
        if (ns * 2 > RUN_NS || rounds * 2 > limited(part, ROUNDS_MAX)) {
            return limited(part, rounds * RUN_NS / (ns + 1));
        }
        rounds *= 2;
        if (part->count_max != 0 && left < 2 * rounds) {
            return limited(part, rounds);
        }
        left -= part->count_max != 0 ? rounds : 0;
    }
}

static int by_size(const void *a, const void *b) {
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static void measure(const struct part *part, void *state, const struct arguments *arguments) {
    part->run(state, WARM_UP);
    if (part->rest != NULL) {
        part->rest(state);
    }
    if (arguments->is_counted) {
        parts_measured(part, state, limited(part, arguments->rounds));
        printf("%s rounds=%llu\n", part->name,
               (unsigned long long)limited(part, arguments->rounds));
        return;
    }
    double ns[RUNS];
    uint64_t rounds =
        arguments->rounds != 0 ? limited(part, arguments->rounds) : calibrate(part, state);
    for (size_t i = 0; i < RUNS; i++) {
        ns[i] = (double)run_ns(part, state, rounds) / (double)rounds;
    }
    qsort(ns, RUNS, sizeof(ns[0]), by_size);
    printf("%s ns=%.2f min=%.2f max=%.2f rounds=%llu\n", part->name, ns[RUNS / 2], ns[0],
           ns[RUNS - 1], (unsigned long long)rounds);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

static int run(const struct part *part, struct arguments *arguments) {
    const char *place = getenv("TMPDIR");
    char directory[256];
    snprintf(directory, sizeof(directory), "%s/brinco-parts-XXXXXX",
             place != NULL ? place : "/tmp");
    if (mkdtemp(directory) == NULL) {
        perror(directory);
        return 1;
    }
    arguments->options.directory = directory;
    void *state = part->begin(&arguments->options);
    if (state != NULL) {
        measure(part, state, arguments);
        part->end(state);
    }
    nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return state != NULL ? 0 : 1;
}

static int usage(FILE *out, int status) {
    fprintf(out, "usage: parts NAME [--rounds N] [--once] [--geo FILE]\n"
                 "       parts --list | --cpu\n"
                 "example: parts token --rounds 100000\n"
                 "  --once   one run without a clock, for callgrind (needs --rounds)\n");
    return status;
}

static bool read_arguments(int argc, char **argv, struct arguments *arguments) {
    for (int i = 1; i < argc; i++) {
        bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--rounds") == 0 && has_value) {
            if (!slice_to_u64(slice_of(argv[++i]), ROUNDS_MAX, &arguments->rounds)) {
                return false;
            }
        } else if (strcmp(argv[i], "--geo") == 0 && has_value) {
            arguments->options.geo = argv[++i];
        } else if (strcmp(argv[i], "--once") == 0) {
            arguments->is_counted = true;
        } else if (arguments->name == NULL && argv[i][0] != '-') {
            arguments->name = argv[i];
        } else {
            return false;
        }
    }
    return arguments->name != NULL && (!arguments->is_counted || arguments->rounds > 0);
}

int main(int argc, char **argv) {
    struct arguments arguments = {0};
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        list();
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--cpu") == 0) {
        print_cpu();
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        return usage(stdout, 0);
    }
    if (!read_arguments(argc, argv, &arguments)) {
        return usage(stderr, USAGE_EXIT);
    }
    const struct part *part = find(arguments.name);
    if (part == NULL) {
        fprintf(stderr, "parts: there is no '%s'; parts --list names them\n", arguments.name);
        return USAGE_EXIT;
    }
    return run(part, &arguments);
}
