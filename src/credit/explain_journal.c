/*
 * explain_journal.c - see explain_journal.h.
 *
 * Threads   Reads files that a running brinco writes meanwhile (click/journal_reader.h).
 * Limits    JOURNALS_MAX directories; one segment is read to its end, and of others the first
 *           record.
 */
#include "explain_journal.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "click/click.h"
#include "click/journal_reader.h"

enum { JOURNALS_MAX = 4096, DAMAGES_MAX = 1000 };

/* The next record, damage passed over; false at the end, or when it cannot be read. */
static bool next_record(struct journal_reader *reader, struct journal_record *record) {
    struct journal_damage damage;
    struct err err;
    for (int i = 0; i < DAMAGES_MAX; i++) {
        switch (journal_reader_next(reader, record, &damage, &err)) {
        case JOURNAL_READ_RECORD:
            return true;
        case JOURNAL_READ_DAMAGED:
            break;
        case JOURNAL_READ_END:
        case JOURNAL_READ_FAILED:
            return false;
        }
    }
    return false;
}

/* When the segment's first record was written; UINT64_MAX: it has none. */
static uint64_t first_ms(const char *directory, const struct journal_segment *segment) {
    struct err err;
    struct journal_record record;
    uint64_t ms = UINT64_MAX;
    struct journal_reader *reader = journal_reader_open(directory, segment->number, &err);
    if (reader != NULL && next_record(reader, &record)) {
        ms = record.at_ms;
    }
    journal_reader_close(&reader);
    return ms;
}

/* The last segment that begins before the click's millisecond, else the first of all. */
static size_t find_segment(const char *directory, const struct journal_segment *segments,
                           size_t count, uint64_t ms) {
    size_t low = 0;
    size_t high = count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (first_ms(directory, &segments[middle]) < ms) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_it(const struct journal_record *record, const struct ulid *id, struct buf *json) {
    struct click click;
    return click_decode(record->payload, &click) &&
           memcmp(click.id.bytes, id->bytes, sizeof(id->bytes)) == 0 && click_to_json(&click, json);
}

static void note(const struct journal_segment *segments, size_t count,
                 const struct journal_record *record, struct journal_sighting *sighting) {
    sighting->segment = record->segment;
    sighting->sequence = record->sequence;
    for (size_t i = 0; i < count; i++) {
        if (segments[i].number == record->segment && segments[i].header_is_valid) {
            sighting->worker = segments[i].worker;
            snprintf(sighting->edge_id, sizeof(sighting->edge_id), "%s", segments[i].edge_id);
        }
    }
}

static bool search_one(const struct ulid *id, const struct journal_segment *segments, size_t count,
                       struct journal_sighting *sighting) {
    uint64_t ms = ulid_unix_ms(id);
    struct err err;
    struct journal_record record;
    bool is_found = false;
    size_t first = find_segment(sighting->directory, segments, count, ms);
    struct journal_reader *reader =
        journal_reader_open(sighting->directory, segments[first].number, &err);
    while (reader != NULL && !is_found && next_record(reader, &record) && record.at_ms <= ms) {
        is_found = record.at_ms == ms && is_it(&record, id, sighting->json);
    }
    if (is_found) {
        note(segments, count, &record, sighting);
    }
    journal_reader_close(&reader);
    return is_found;
}

static bool is_journal(const struct dirent *entry) {
    size_t size = strlen(entry->d_name);
    return size > 0 && strspn(entry->d_name, "0123456789") == size;
}

enum journal_search_result journal_search(const char *data_dir, const struct ulid *id,
                                          struct journal_sighting *sighting, size_t *journals,
                                          size_t *unreadable) {
    char root[EXPLAIN_DIRECTORY_BYTES / 2];
    bool is_found = false;
    *journals = 0;
    *unreadable = 0;
    snprintf(root, sizeof(root), "%s/journal", data_dir);
    DIR *directory = opendir(root);
    if (directory == NULL) {
        return JOURNAL_SEARCH_NO_JOURNALS;
    }
    const struct dirent *entry;
    while (!is_found && *journals < JOURNALS_MAX && (entry = readdir(directory)) != NULL) {
        struct journal_segment *segments = NULL;
        size_t count = 0;
        struct err err;
        if (!is_journal(entry)) {
            continue;
        }
        snprintf(sighting->directory, sizeof(sighting->directory), "%s/%s", root, entry->d_name);
        ++*journals;
        if (!journal_list(sighting->directory, &segments, &count, &err)) {
            ++*unreadable;
        } else if (count > 0) {
            is_found = search_one(id, segments, count, sighting);
        }
        free(segments);
    }
    closedir(directory);
    return is_found         ? JOURNAL_SEARCH_FOUND
           : *journals == 0 ? JOURNAL_SEARCH_NO_JOURNALS
                            : JOURNAL_SEARCH_NONE;
}
