/*
 * reconcile_sources.c - which streams there are, and which journals are at hand.
 *
 * Streams are named by the set that shippers announce them in; journals by the data directories
 * given. A directory of a worker usually has one stream; one more for each edge.id that it once
 * had. Nothing in either is trusted to be well-formed.
 *
 * Limits    RECON_STREAMS_MAX streams.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "click/journal_reader.h"
#include "reconcile_private.h"
#include "redis/pipe.h"
#include "redis/reply.h"

enum { PATH_BYTES = 4096, TALLY_NAMES_MAX = 64 };

static const struct slice stream_infix = {"clicks:", sizeof("clicks:") - 1};

static struct recon_stream *find(struct reconciliation *recon, struct slice name) {
    for (size_t i = 0; i < recon->stream_count; i++) {
        if (slice_equal(slice_of(recon->streams[i].name), name)) {
            return &recon->streams[i];
        }
    }
    return NULL;
}

/* EDGE:WORKER; NULL: there are too many, or it is none. */
static struct recon_stream *add(struct reconciliation *recon, struct slice name) {
    struct recon_stream *stream = find(recon, name);
    struct slice worker = name;
    struct slice edge = slice_split(&worker, ':');
    uint64_t number;
    char bytes[RECON_KEY_BYTES_MAX];
    struct buf key = buf_over(bytes, sizeof(bytes));
    if (stream != NULL) {
        return stream;
    }
    if (recon->stream_count == RECON_STREAMS_MAX || edge.size >= sizeof(stream->edge_id) ||
        !slice_to_u64(worker, UINT32_MAX, &number) || memchr(name.data, '\0', name.size) != NULL) {
        return NULL;
    }
    stream = &recon->streams[recon->stream_count++];
    stream->worker = (uint32_t)number;
    memcpy(stream->name, name.data, name.size);
    memcpy(stream->edge_id, edge.data, edge.size);
    stats_key(&key, recon->options->source->key_prefix, "clicks:");
    buf_append(&key, name);
    stream->key = strndup(key.data, key.size);
    ENSURE(stream->key != NULL && !key.overflowed);
    buf_init(&stream->hole_payloads, (size_t)64 * 1024 * 1024);
    return stream;
}

struct slice recon_stream_name(const struct reconciliation *recon, struct slice key) {
    struct slice prefix = recon->options->source->key_prefix;
    struct slice rest = slice_from(key, prefix.size);
    struct slice name = slice_from(rest, stream_infix.size);
    bool is_one = slice_starts_with(key, prefix) && slice_starts_with(rest, stream_infix) &&
                  name.size > 0 && name.size < RECON_NAME_BYTES &&
                  memchr(name.data, ':', name.size) != NULL;
    return is_one ? name : SLICE_EMPTY;
}

static void add_announced(struct reconciliation *recon, struct slice key) {
    struct slice name = recon_stream_name(recon, key);
    struct recon_stream *stream = name.size > 0 ? add(recon, name) : NULL;
    if (stream == NULL) {
        recon_blame(recon, "stream_unknown",
                    &(struct recon_place){.stream = -1, .key = SLICE("streams"), .field = key},
                    "streams names \"%.*s\", which is no stream of an edge, or one too many",
                    SLICE_ARG(slice_first(key, 120)));
        return;
    }
    stream->is_announced = true;
}

/* Of whom anything was counted, whether or not they are announced any more. */
static void add_counted(struct reconciliation *recon, struct slice field) {
    struct slice name = recon_stream_name(recon, slice_split(&field, '\t'));
    if (name.size > 0) {
        add(recon, name);
    }
}

static bool read_names(struct reconciliation *recon, const char *command, struct slice key,
                       void (*each)(struct reconciliation *recon, struct slice name),
                       struct err *err) {
    const struct redis_reply *reply = redis_pipe_command(
        recon->options->source->pipe, 2, (const struct slice[]){slice_of(command), key}, err);
    if (reply == NULL) {
        return false;
    }
    if (redis_reply_is_error(reply)) {
        return err_set(err, "%.*s: Redis says: %.*s", SLICE_ARG(key),
                       SLICE_ARG(redis_reply_text(reply)));
    }
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        each(recon, redis_reply_text(redis_reply_at(reply, i)));
    }
    return true;
}

static bool read_announced(struct reconciliation *recon, struct err *err) {
    static const char *const names[] = {"streams", "mark", "stats:total", "stats:streams"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        char bytes[RECON_KEY_BYTES_MAX];
        struct buf key = buf_over(bytes, sizeof(bytes));
        if (i + 1 < ARRAY_COUNT(names)) {
            stats_key(&key, recon->options->source->key_prefix, names[i]);
        } else {
            stats_key_day(&key, recon->options->source->key_prefix, names[i], recon->day);
        }
        if (!read_names(recon, i == 0 ? "SMEMBERS" : "HKEYS", buf_slice(&key),
                        i == 0 ? add_announced : add_counted, err)) {
            return false;
        }
    }
    return true;
}

/* --- journals ------------------------------------------------------------------------------- */

static bool add_journal(struct reconciliation *recon, const char *directory, const char *edge_id,
                        uint32_t worker, const char *tally_name) {
    char name[RECON_NAME_BYTES];
    snprintf(name, sizeof(name), "%s:%" PRIu32, edge_id, worker);
    struct recon_stream *stream = add(recon, slice_of(name));
    if (stream == NULL) {
        return false;
    }
    if (stream->directory != NULL && strcmp(stream->directory, directory) != 0) {
        recon_blame(recon, "journal_twice",
                    &(struct recon_place){.stream = -1, .key = slice_of(directory)},
                    "%s and %s are both the journal of %s", stream->directory, directory, name);
        return true;
    }
    if (stream->directory == NULL) {
        stream->directory = strdup(directory);
        ENSURE(stream->directory != NULL);
    }
    if (tally_name != NULL) {
        snprintf(stream->tally_name, sizeof(stream->tally_name), "%s", tally_name);
    }
    return true;
}

static bool add_tally(struct reconciliation *recon, const char *directory, const char *name,
                      struct err *err) {
    struct tally_view *view = malloc(sizeof(*view));
    ENSURE(view != NULL);
    struct err reason;
    enum tally_read_result result = tally_read(directory, name, view, &reason);
    bool is_good = true;
    switch (result) {
    case TALLY_READ:
        is_good = add_journal(recon, directory, view->edge_id, view->worker, name) ||
                  err_set(err, "%s: more than %d streams", directory, RECON_STREAMS_MAX);
        break;
    case TALLY_ABSENT:
        break;
    case TALLY_DAMAGED:
        recon_blame(recon, "tally_damaged",
                    &(struct recon_place){.stream = -1, .key = slice_of(directory)}, "%s",
                    reason.text);
        break;
    case TALLY_FAILED:
        is_good = err_set(err, "%s", reason.text);
        break;
    }
    free(view);
    return is_good;
}

/* The streams that the segments' headers name. */
static bool add_segments(struct reconciliation *recon, const char *directory, struct err *err) {
    struct journal_segment *segments;
    size_t count;
    if (!journal_list(directory, &segments, &count, err)) {
        return false;
    }
    bool is_good = true;
    for (size_t i = 0; i < count && is_good; i++) {
        bool is_news = i == 0 || segments[i].worker != segments[i - 1].worker ||
                       strcmp(segments[i].edge_id, segments[i - 1].edge_id) != 0;
        if (segments[i].header_is_valid && is_news) {
            is_good =
                add_journal(recon, directory, segments[i].edge_id, segments[i].worker, NULL) ||
                err_set(err, "%s: more than %d streams", directory, RECON_STREAMS_MAX);
        }
    }
    free(segments);
    return is_good;
}

/* One worker's directory: its segments, its tally, and those of other edge ids. */
static bool add_directory(struct reconciliation *recon, const char *directory, struct err *err) {
    if (!add_segments(recon, directory, err) || !add_tally(recon, directory, TALLY_FILE, err)) {
        return false;
    }
    DIR *stream = opendir(directory);
    if (stream == NULL) {
        return err_set(err, "%s: %s", directory, strerror(errno));
    }
    bool is_good = true;
    unsigned names = 0;
    for (const struct dirent *entry;
         is_good && names < TALLY_NAMES_MAX && (entry = readdir(stream)) != NULL;) {
        if (strncmp(entry->d_name, TALLY_OTHER_BEGIN, sizeof(TALLY_OTHER_BEGIN) - 1) == 0 &&
            strlen(entry->d_name) < RECON_NAME_BYTES) {
            is_good = add_tally(recon, directory, entry->d_name, err);
            names++;
        }
    }
    closedir(stream);
    return is_good;
}

static bool is_worker_name(const char *name) {
    return name[0] >= '0' && name[0] <= '9' && name[1] >= '0' && name[1] <= '9' && name[2] == '\0';
}

static bool add_data_directory(struct reconciliation *recon, const char *data, struct err *err) {
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/journal", data);
    DIR *stream = opendir(path);
    if (stream == NULL && errno == ENOENT) {
        return true; /* nobody answers taps here */
    }
    if (stream == NULL) {
        return err_set(err, "%s: %s", path, strerror(errno));
    }
    bool is_good = true;
    for (const struct dirent *entry; is_good && (entry = readdir(stream)) != NULL;) {
        if (is_worker_name(entry->d_name)) {
            snprintf(path, sizeof(path), "%s/journal/%s", data, entry->d_name);
            is_good = add_directory(recon, path, err);
        }
    }
    closedir(stream);
    return is_good;
}

static int compare(const void *left, const void *right) {
    return strcmp(((const struct recon_stream *)left)->name,
                  ((const struct recon_stream *)right)->name);
}

bool recon_find_streams(struct reconciliation *recon, struct err *err) {
    const struct reconcile_options *options = recon->options;
    recon->streams = calloc(RECON_STREAMS_MAX, sizeof(*recon->streams));
    ENSURE(recon->streams != NULL);
    if (!recon->has_no_streams && !read_announced(recon, err)) {
        return false;
    }
    for (size_t i = 0; i < options->data_directory_count; i++) {
        if (!add_data_directory(recon, options->data_directories[i], err)) {
            return false;
        }
    }
    qsort(recon->streams, recon->stream_count, sizeof(*recon->streams), compare);
    for (size_t i = 0; i < recon->stream_count; i++) {
        recon->streams[i].index = (int)i;
    }
    return true;
}
