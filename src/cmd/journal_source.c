/*
 * journal_source.c - finds journals, and walks through one segment after the other.
 *
 * Threads   The main thread.
 * Limits    SOURCES_MAX journals.
 */
#include "journal_source.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "conf/conf.h"

enum { SOURCES_MAX = 4096, PROGRESS_INTERVAL_NS = 200 * 1000 * 1000, PROGRESS_RECORDS = 4096 };

struct journal_walk {
    const struct journal_source *source;
    struct journal_reader *reader;
    struct journal_segment *segment; /* as the directory was listed last */
    size_t count;
    size_t shown;    /* how many of them the view has seen */
    uint32_t number; /* the walk begins here */
    struct journal_segment current;
    bool has_terminal;
    bool has_progress; /* it stands on the terminal */
    uint64_t records;
    uint64_t next_ns; /* when progress is drawn next */
};

static bool add(struct journal_sources *sources, const char *directory, uint32_t only_segment,
                struct err *err) {
    if (sources->count == SOURCES_MAX) {
        return err_set(err, "more than %d journals", SOURCES_MAX);
    }
    size_t size = (sources->count + 1) * sizeof(*sources->source);
    struct journal_source *grown = realloc(sources->source, size);
    char *kept = strdup(directory);
    ENSURE(grown != NULL && kept != NULL);
    sources->source = grown;
    sources->source[sources->count++] =
        (struct journal_source){.directory = kept, .only_segment = only_segment};
    return true;
}

/* The number that the last part of a path is, or UINT32_MAX. */
static uint32_t number_of(const char *path) {
    struct slice name = slice_of(path);
    while (name.size > 1 && name.data[name.size - 1] == '/') {
        name.size--;
    }
    for (size_t i = name.size; i > 0; i--) {
        if (name.data[i - 1] == '/') {
            name = slice_from(name, i);
            break;
        }
    }
    uint64_t number;
    return slice_to_u64(name, UINT32_MAX, &number) ? (uint32_t)number : UINT32_MAX;
}

/* Adds a directory when it holds segments; *is_one says whether it does. */
static bool add_journal(struct journal_sources *sources, const char *directory,
                        uint32_t only_segment, bool *is_one, struct err *err) {
    struct journal_segment *segment;
    size_t count;
    if (!journal_list(directory, &segment, &count, err)) {
        return false;
    }
    *is_one = count > 0;
    bool is_good = !*is_one || add(sources, directory, only_segment, err);
    if (*is_one && is_good) {
        uint32_t worker = number_of(directory);
        for (size_t i = 0; i < count && worker == UINT32_MAX; i++) {
            worker = segment[i].header_is_valid ? segment[i].worker : worker;
        }
        sources->source[sources->count - 1].worker = worker;
    }
    free(segment);
    return is_good;
}

static int compare_sources(const void *left, const void *right) {
    const struct journal_source *a = left;
    const struct journal_source *b = right;
    return strcmp(a->directory, b->directory);
}

/* The journals in the directories of a directory; one that cannot be listed hides no other. */
static bool add_each(struct journal_sources *sources, const char *directory, struct err *err) {
    DIR *stream = opendir(directory);
    if (stream == NULL) {
        return err_set(err, "%s: %s", directory, strerror(errno));
    }
    size_t first = sources->count;
    for (const struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        char path[FILE_PATH_MAX];
        struct stat status;
        int size = snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        if (entry->d_name[0] != '.' && size > 0 && (size_t)size < sizeof(path) &&
            stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
            bool is_one;
            if (!add_journal(sources, path, 0, &is_one, err)) {
                fprintf(stderr, "brinco journal: %s\n", err->text);
                sources->has_odd = true;
            }
        }
    }
    closedir(stream);
    if (sources->count > first) {
        qsort(sources->source + first, sources->count - first, sizeof(*sources->source),
              compare_sources);
    }
    return true;
}

/* NNNNNNNN.log in some directory. */
static bool add_file(struct journal_sources *sources, const char *path, struct err *err) {
    char directory[FILE_PATH_MAX];
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    uint64_t number = 0;
    bool is_named = strlen(name) == 12 && strcmp(name + 8, ".log") == 0 &&
                    slice_to_u64(slice_make(name, 8), 99999999, &number) && number > 0;
    if (!is_named || strlen(path) >= sizeof(directory)) {
        return err_set(err, "%s: segments are called NNNNNNNN.log", path);
    }
    size_t size = slash == NULL ? 0 : (size_t)(slash - path);
    memcpy(directory, path, size);
    directory[size] = '\0';
    if (size == 0) {
        snprintf(directory, sizeof(directory), "%s", slash == NULL ? "." : "/");
    }
    bool is_one;
    return add_journal(sources, directory, (uint32_t)number, &is_one, err);
}

static bool add_operand(struct journal_sources *sources, const char *path, struct err *err) {
    struct stat status;
    if (stat(path, &status) != 0) {
        return err_set(err, "%s: %s", path, strerror(errno));
    }
    if (!S_ISDIR(status.st_mode)) {
        return add_file(sources, path, err);
    }
    bool is_one;
    return add_journal(sources, path, 0, &is_one, err) && (is_one || add_each(sources, path, err));
}

static bool add_configured(const struct cmd_line *line, struct journal_sources *sources,
                           struct err *err) {
    struct conf *conf = cmd_conf(line);
    if (conf == NULL) {
        return false; /* it said why */
    }
    char path[FILE_PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", conf->text[CONF_data_dir],
             sources->payload == &payload_clicks ? "journal" : "conversions");
    conf_destroy(&conf);
    return add_each(sources, path, err);
}

static void keep_worker(struct journal_sources *sources, uint64_t worker) {
    size_t kept = 0;
    for (size_t i = 0; i < sources->count; i++) {
        if (sources->source[i].worker == worker) {
            sources->source[kept++] = sources->source[i];
        } else {
            free(sources->source[i].directory);
        }
    }
    sources->count = kept;
}

bool journal_sources_find(const struct cmd_line *line, const struct journal_choice *choice,
                          struct journal_sources *sources, int *status) {
    const char *worker = choice->worker;
    *sources = (struct journal_sources){.payload = choice->are_conversions ? &payload_conversions
                                                                           : &payload_clicks};
    *status = CMD_USAGE;
    uint64_t wanted = 0;
    if (worker != NULL && !slice_to_u64(slice_of(worker), UINT32_MAX - 1, &wanted)) {
        cmd_usage(line, "--worker takes a number, not \"%.64s\"", worker);
        return false;
    }
    struct err err = {""};
    bool is_good = line->operand_count > 0 || add_configured(line, sources, &err);
    for (int i = 0; i < line->operand_count && is_good; i++) {
        is_good = add_operand(sources, line->operands[i], &err);
    }
    if (is_good && worker != NULL) {
        keep_worker(sources, wanted);
    }
    if (is_good && sources->count == 0) {
        err_set(&err, "there is no journal");
        *status = CMD_PARTIAL;
        is_good = false;
    }
    if (!is_good) {
        if (err.text[0] != '\0') {
            cmd_fail(line, "%s", err.text);
        }
        journal_sources_free(sources);
    }
    return is_good;
}

void journal_sources_free(struct journal_sources *sources) {
    for (size_t i = 0; i < sources->count; i++) {
        free(sources->source[i].directory);
    }
    free(sources->source);
    *sources = (struct journal_sources){.source = NULL};
}

static bool list_again(struct journal_walk *walk, struct err *err) {
    struct journal_segment *segment;
    size_t count;
    if (!journal_list(walk->source->directory, &segment, &count, err)) {
        return false;
    }
    free(walk->segment);
    walk->segment = segment;
    walk->count = count;
    return true;
}

/* Where a reader that wants this sequence has to begin. */
static uint32_t first_number(const struct journal_walk *walk, uint64_t first_sequence) {
    uint32_t number = walk->source->only_segment;
    for (size_t i = 0; i < walk->count && walk->source->only_segment == 0; i++) {
        const struct journal_segment *segment = &walk->segment[i];
        if (i == 0 || (segment->first_sequence != 0 && segment->first_sequence <= first_sequence)) {
            number = segment->number;
        }
    }
    return number;
}

struct journal_walk *journal_walk_open(const struct journal_source *source, uint64_t first_sequence,
                                       struct err *err) {
    struct journal_walk *walk = calloc(1, sizeof(*walk));
    ENSURE(walk != NULL);
    walk->source = source;
    walk->has_terminal = isatty(STDERR_FILENO) == 1;
    walk->next_ns = clock_monotonic_ns() + PROGRESS_INTERVAL_NS;
    if (list_again(walk, err)) {
        walk->number = first_number(walk, first_sequence);
        walk->reader = journal_reader_open(source->directory, walk->number, err);
    }
    if (walk->reader == NULL) {
        journal_walk_close(&walk);
    }
    return walk;
}

void journal_walk_close(struct journal_walk **walk) {
    if (*walk == NULL) {
        return;
    }
    journal_reader_close(&(*walk)->reader);
    free((*walk)->segment);
    free(*walk);
    *walk = NULL;
}

static void show_progress(struct journal_walk *walk) {
    if (++walk->records % PROGRESS_RECORDS != 0 || !walk->has_terminal) {
        return;
    }
    uint64_t now_ns = clock_monotonic_ns();
    if (now_ns < walk->next_ns) {
        return;
    }
    walk->next_ns = now_ns + PROGRESS_INTERVAL_NS;
    walk->has_progress = true;
    fprintf(stderr, "\r%s: segment %zu of %zu, %" PRIu64 " records\x1b[K", walk->source->directory,
            walk->shown, walk->count, walk->records);
}

static void hide_progress(struct journal_walk *walk) {
    if (walk->has_progress) {
        fputs("\r\x1b[K", stderr);
        walk->has_progress = false;
    }
}

/* Shows the listed segments up to this number that were not shown yet. */
static void show_up_to(struct journal_walk *walk, const struct journal_view *view,
                       uint32_t number) {
    while (walk->shown < walk->count && walk->segment[walk->shown].number <= number) {
        const struct journal_segment *segment = &walk->segment[walk->shown++];
        if (view->segment != NULL && segment->number >= walk->number) {
            hide_progress(walk);
            view->segment(view->argument, segment);
        }
    }
}

/* NULL: the directory was listed before it was there, or after it was deleted. */
static const struct journal_segment *find(const struct journal_walk *walk, uint32_t number) {
    for (size_t i = walk->count; i > 0; i--) {
        if (walk->segment[i - 1].number == number) {
            return &walk->segment[i - 1];
        }
    }
    return NULL;
}

/* Comes to a segment: the view has seen it, walk->current is what is listed of it. */
static bool enter(struct journal_walk *walk, const struct journal_view *view, uint32_t number,
                  struct err *err) {
    if (walk->current.number == number) {
        return true;
    }
    const struct journal_segment *segment = find(walk, number);
    if (segment == NULL) {
        uint32_t last = walk->shown > 0 ? walk->segment[walk->shown - 1].number : 0;
        if (!list_again(walk, err)) {
            return false;
        }
        walk->shown = 0;
        while (walk->shown < walk->count && walk->segment[walk->shown].number <= last) {
            walk->shown++;
        }
        segment = find(walk, number);
    }
    show_up_to(walk, view, number);
    walk->current = segment != NULL ? *segment : (struct journal_segment){.number = number};
    return true;
}

/* Shows what the reader has next. *is_end: nothing now. */
static bool step(struct journal_walk *walk, const struct journal_view *view, bool *is_end,
                 struct err *err) {
    uint32_t only = walk->source->only_segment;
    struct journal_record record = {.segment = 0};
    struct journal_damage damage = {.segment = 0};
    enum journal_read_result result = journal_reader_next(walk->reader, &record, &damage, err);
    uint32_t number = result == JOURNAL_READ_DAMAGED ? damage.segment : record.segment;
    *is_end =
        result == JOURNAL_READ_END || (result != JOURNAL_READ_FAILED && only != 0 && number > only);
    if (*is_end || result == JOURNAL_READ_FAILED) {
        return *is_end;
    }
    if (!enter(walk, view, number, err)) {
        return false;
    }
    if (result == JOURNAL_READ_DAMAGED && view->damage != NULL) {
        hide_progress(walk);
        view->damage(view->argument, &damage);
    }
    if (result == JOURNAL_READ_RECORD && view->progress) {
        show_progress(walk);
    }
    if (result == JOURNAL_READ_RECORD && view->record != NULL) {
        view->record(view->argument, &walk->current, &record);
    }
    return true;
}

bool journal_walk_on(struct journal_walk *walk, const struct journal_view *view, struct err *err) {
    bool is_end = false;
    bool is_good = true;
    while (is_good && !is_end) {
        is_good = step(walk, view, &is_end, err);
    }
    uint32_t only = walk->source->only_segment;
    if (is_good && walk->count > 0) {
        show_up_to(walk, view, only != 0 ? only : walk->segment[walk->count - 1].number);
    }
    hide_progress(walk);
    return is_good;
}
