/*
 * association_apps.c - a sorted list of campaigns, and one of what they name, which is read across
 * when a document is made.
 *
 * What a campaign names is checked and cleaned when it is put, and kept as text, once for all that
 * name the same: its package, its fingerprints in capitals, its app ids, single spaces between. A
 * document is made of all of them
 * by collecting pairs (package, fingerprint) or app ids, sorting, and writing each once. So the
 * same campaigns give the same bytes, whatever the order in which they came.
 */
#include "association_apps.h"

#include <stdlib.h>
#include <string.h>

#include "association_words.h"
#include "base/buf.h"
#include "base/defs.h"

enum {
    ID_BYTES_MAX = 64,
    WORDS_MAX = 64,             /* of one field that are looked at */
    ITEM_BYTES_MAX = 16 * 1024, /* one statement, one detail */
    CLOSING_BYTES_MAX = 64,     /* what ends a document, a NUL of printf's included */
};

/* What campaigns name, with the texts behind it. */
struct names {
    struct slice package;
    struct slice fingerprints;
    struct slice app_ids;
    size_t references; /* of entries */
};

/* A campaign and its id behind it. */
struct entry {
    struct slice id;
    struct names *names;
    unsigned walk; /* in which it was put last */
};

struct association_apps {
    struct entry *entries[ASSOCIATION_CAMPAIGNS_MAX]; /* by id */
    size_t count;
    struct names *names[ASSOCIATION_NAMES_MAX]; /* by what is in them */
    size_t names_count;
    unsigned walk;
    size_t refused; /* since it began */
};

/* One thing to write: a package with one of its fingerprints, or an app id. */
struct item {
    struct slice app;
    struct slice fingerprint;
};

struct items {
    struct item *item;
    size_t count;
    size_t capacity;
};

static struct names *make_names(const struct association_names *names);
static struct entry *make_entry(struct slice id, struct names *names);
static size_t find(const struct association_apps *apps, struct slice id, bool *is_there);
static struct names *take_names(struct association_apps *apps, struct names *names);
static void release_names(struct association_apps *apps, struct names *names);
static void collect(const struct association_apps *apps, bool is_android, struct items *items);
static size_t statement(const struct items *items, size_t first, struct buf *out,
                        struct association_tally *tally);
static void detail(struct slice app_id, struct buf *out);

/* --- the campaigns -------------------------------------------------------------------------- */

struct association_apps *association_apps_create(void) {
    struct association_apps *apps = calloc(1, sizeof(*apps));
    ENSURE(apps != NULL);
    return apps;
}

void association_apps_destroy(struct association_apps **apps) {
    if (*apps == NULL) {
        return;
    }
    for (size_t i = 0; i < (*apps)->count; i++) {
        free((*apps)->entries[i]);
    }
    for (size_t i = 0; i < (*apps)->names_count; i++) {
        free((*apps)->names[i]);
    }
    free(*apps);
    *apps = NULL;
}

static int compare(struct slice a, struct slice b) {
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    return order != 0 ? order : a.size < b.size ? -1 : a.size > b.size;
}

static int compare_names(const struct names *a, const struct names *b) {
    int order = compare(a->package, b->package);
    order = order != 0 ? order : compare(a->fingerprints, b->fingerprints);
    return order != 0 ? order : compare(a->app_ids, b->app_ids);
}

static struct names *discard(struct names *names) {
    free(names);
    return NULL;
}

static void remove_at(struct association_apps *apps, size_t at) {
    release_names(apps, apps->entries[at]->names);
    free(apps->entries[at]);
    apps->count--;
    memmove(apps->entries + at, apps->entries + at + 1,
            (apps->count - at) * sizeof(apps->entries[0]));
}

bool association_apps_put(struct association_apps *apps, struct slice id,
                          const struct association_names *names) {
    ENSURE(id.size > 0 && id.size <= ID_BYTES_MAX);
    struct names *named = make_names(names);
    bool is_there;
    size_t at = find(apps, id, &is_there);
    if (is_there && (named == NULL || compare_names(named, apps->entries[at]->names) != 0)) {
        remove_at(apps, at); /* before there has to be room for what it names now */
        is_there = false;
    }
    if (named == NULL) {
        return true;
    }
    if (is_there) {
        free(named);
        apps->entries[at]->walk = apps->walk;
        return true;
    }
    named = apps->count < ASSOCIATION_CAMPAIGNS_MAX ? take_names(apps, named) : discard(named);
    if (named == NULL) {
        apps->refused++;
        return false;
    }
    memmove(apps->entries + at + 1, apps->entries + at,
            (apps->count - at) * sizeof(apps->entries[0]));
    apps->count++;
    apps->entries[at] = make_entry(id, named);
    apps->entries[at]->walk = apps->walk;
    return true;
}

void association_apps_remove(struct association_apps *apps, struct slice id) {
    bool is_there;
    size_t at = find(apps, id, &is_there);
    if (is_there) {
        remove_at(apps, at);
    }
}

void association_apps_begin_walk(struct association_apps *apps) {
    apps->walk++;
    apps->refused = 0;
}

void association_apps_end_walk(struct association_apps *apps) {
    size_t kept = 0;
    for (size_t i = 0; i < apps->count; i++) {
        if (apps->entries[i]->walk == apps->walk) {
            apps->entries[kept++] = apps->entries[i];
        } else {
            release_names(apps, apps->entries[i]->names);
            free(apps->entries[i]);
        }
    }
    apps->count = kept;
}

bool association_apps_want_walk(const struct association_apps *apps) {
    return apps->refused > 0 && apps->count < ASSOCIATION_CAMPAIGNS_MAX &&
           apps->names_count < ASSOCIATION_NAMES_MAX;
}

size_t association_apps_count(const struct association_apps *apps) {
    return apps->count;
}

size_t association_apps_refused(const struct association_apps *apps) {
    return apps->refused;
}

/* Where the campaign is, or where it belongs. */
static size_t find(const struct association_apps *apps, struct slice id, bool *is_there) {
    size_t low = 0;
    size_t high = apps->count;
    *is_there = false;
    while (low < high && !*is_there) {
        size_t middle = low + (high - low) / 2;
        int order = compare(apps->entries[middle]->id, id);
        *is_there = order == 0;
        if (order == 0) {
            low = middle;
        } else if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Where such names are, or where they belong. */
static size_t find_names(const struct association_apps *apps, const struct names *names,
                         bool *is_there) {
    size_t low = 0;
    size_t high = apps->names_count;
    *is_there = false;
    while (low < high && !*is_there) {
        size_t middle = low + (high - low) / 2;
        int order = compare_names(apps->names[middle], names);
        *is_there = order == 0;
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return *is_there ? high : low;
}

/* One more reference to these, or to the same that are there; NULL: there is no room. */
static struct names *take_names(struct association_apps *apps, struct names *names) {
    bool is_there;
    size_t at = find_names(apps, names, &is_there);
    if (is_there || apps->names_count == ASSOCIATION_NAMES_MAX) {
        free(names);
        names = is_there ? apps->names[at] : NULL;
    } else {
        memmove(apps->names + at + 1, apps->names + at,
                (apps->names_count - at) * sizeof(apps->names[0]));
        apps->names[at] = names;
        apps->names_count++;
    }
    if (names != NULL) {
        names->references++;
    }
    return names;
}

static void release_names(struct association_apps *apps, struct names *names) {
    if (--names->references > 0) {
        return;
    }
    bool is_there;
    size_t at = find_names(apps, names, &is_there);
    ENSURE(is_there && apps->names[at] == names);
    apps->names_count--;
    memmove(apps->names + at, apps->names + at + 1,
            (apps->names_count - at) * sizeof(apps->names[0]));
    free(names);
}

/* --- what a campaign names ------------------------------------------------------------------ */

/* Appends those words of a field that are what it is to hold, a space before each. */
static void keep_words(struct slice field, bool (*is_good)(struct slice word), struct buf *out) {
    for (size_t i = 0; i < WORDS_MAX && field.size > 0; i++) {
        struct slice word = slice_split(&field, ' ');
        if (word.size > 0 && is_good(word)) {
            buf_append_char(out, ' ');
            buf_append(out, word);
        }
    }
}

static struct slice copy_text(char **at, struct slice s) {
    struct slice copy = slice_make(*at, s.size);
    if (s.size > 0) {
        memcpy(*at, s.data, s.size);
    }
    *at += s.size;
    return copy;
}

static struct entry *make_entry(struct slice id, struct names *names) {
    struct entry *entry = malloc(sizeof(*entry) + id.size);
    ENSURE(entry != NULL);
    char *at = (char *)(entry + 1);
    *entry = (struct entry){.id = copy_text(&at, id), .names = names};
    return entry;
}

/* NULL when no app is named. */
static struct names *make_names(const struct association_names *names) {
    char fingerprint_bytes[WORDS_MAX * (ASSOCIATION_FINGERPRINT_BYTES + 1)];
    char app_id_bytes[WORDS_MAX * (ASSOCIATION_APP_ID_BYTES_MAX + 1)];
    struct buf fingerprints = buf_over(fingerprint_bytes, sizeof(fingerprint_bytes));
    struct buf app_ids = buf_over(app_id_bytes, sizeof(app_id_bytes));
    struct slice package = names->package;
    if (association_is_package(package)) {
        keep_words(names->fingerprints, association_is_fingerprint, &fingerprints);
    }
    if (fingerprints.size == 0) {
        package = SLICE_EMPTY; /* a package that nothing vouches for says nothing */
    }
    keep_words(names->app_ids, association_is_app_id, &app_ids);
    if (package.size == 0 && app_ids.size == 0) {
        return NULL;
    }
    for (size_t i = 0; i < fingerprints.size; i++) {
        char c = fingerprints.data[i];
        fingerprints.data[i] = c >= 'a' && c <= 'f' ? (char)(c - 'a' + 'A') : c;
    }
    struct names *made = malloc(sizeof(*made) + package.size + fingerprints.size + app_ids.size);
    ENSURE(made != NULL);
    char *at = (char *)(made + 1);
    *made = (struct names){.package = copy_text(&at, package)};
    made->fingerprints = copy_text(&at, buf_slice(&fingerprints));
    made->app_ids = copy_text(&at, buf_slice(&app_ids));
    return made;
}

/* --- the documents -------------------------------------------------------------------------- */

static void add_item(struct items *items, struct item item) {
    if (items->count == items->capacity) {
        items->capacity = items->capacity == 0 ? 64 : 2 * items->capacity;
        items->item = realloc(items->item, items->capacity * sizeof(items->item[0]));
        ENSURE(items->item != NULL);
    }
    items->item[items->count++] = item;
}

static int compare_items(const void *a, const void *b) {
    const struct item *left = a;
    const struct item *right = b;
    int order = compare(left->app, right->app);
    return order != 0 ? order : compare(left->fingerprint, right->fingerprint);
}

/* All there are of one kind, sorted, each once. */
static void collect(const struct association_apps *apps, bool is_android, struct items *items) {
    for (size_t i = 0; i < apps->names_count; i++) {
        const struct names *names = apps->names[i];
        struct slice rest = is_android ? names->fingerprints : names->app_ids;
        while (rest.size > 0) {
            struct slice word = slice_split(&rest, ' ');
            if (word.size > 0 && is_android) {
                add_item(items, (struct item){names->package, word});
            } else if (word.size > 0) {
                add_item(items, (struct item){word, SLICE_EMPTY});
            }
        }
    }
    if (items->count == 0) {
        return;
    }
    qsort(items->item, items->count, sizeof(items->item[0]), compare_items);
    size_t kept = 1;
    for (size_t i = 1; i < items->count; i++) {
        if (compare_items(&items->item[i], &items->item[kept - 1]) != 0) {
            items->item[kept++] = items->item[i];
        }
    }
    items->count = kept;
}

/* Takes the item into the list that out ends with, if what closes it fits behind. */
static void take(struct slice item, struct buf *out, struct association_tally *tally) {
    size_t limit = out->limit > 0 ? out->limit : out->capacity;
    if (limit - out->size < item.size + 2 + CLOSING_BYTES_MAX) {
        tally->left_out++;
        return;
    }
    buf_append(out, tally->apps == 0 ? SLICE("\n") : SLICE(",\n"));
    buf_append(out, item);
    tally->apps++;
}

struct association_tally association_write_android(const struct association_apps *apps,
                                                   struct buf *out) {
    struct association_tally tally = {0};
    struct items items = {0};
    char bytes[ITEM_BYTES_MAX];
    collect(apps, true, &items);
    buf_append_char(out, '[');
    for (size_t i = 0; i < items.count;) {
        struct buf text = buf_over(bytes, sizeof(bytes));
        i = statement(&items, i, &text, &tally);
        take(buf_slice(&text), out, &tally);
    }
    buf_append(out, tally.apps == 0 ? SLICE("]\n") : SLICE("\n]\n"));
    ENSURE(!out->overflowed);
    free(items.item);
    return tally;
}

/* Writes the statement of the package whose items begin at first; where the next one's do. */
static size_t statement(const struct items *items, size_t first, struct buf *out,
                        struct association_tally *tally) {
    struct slice package = items->item[first].app;
    size_t at = first;
    buf_append(out, SLICE("{\"relation\":[\"delegate_permission/common.handle_all_urls\"],"
                          "\"target\":{\"namespace\":\"android_app\",\"package_name\":\""));
    buf_append(out, package);
    buf_append(out, SLICE("\",\"sha256_cert_fingerprints\":["));
    for (; at < items->count && slice_equal(items->item[at].app, package); at++) {
        if (at - first >= ASSOCIATION_FINGERPRINTS_MAX) {
            tally->left_out++;
            continue;
        }
        buf_append(out, at == first ? SLICE("\"") : SLICE(",\""));
        buf_append(out, items->item[at].fingerprint);
        buf_append_char(out, '"');
    }
    buf_append(out, SLICE("]}}"));
    ENSURE(!out->overflowed);
    return at;
}

/* `apps`, `appID` and `paths` are for iOS up to 12, which knows nothing else. */
struct association_tally association_write_apple(const struct association_apps *apps,
                                                 struct buf *out) {
    struct association_tally tally = {0};
    struct items items = {0};
    char bytes[ITEM_BYTES_MAX];
    collect(apps, false, &items);
    buf_append(out, items.count == 0 ? SLICE("{\"applinks\":{\"details\":[")
                                     : SLICE("{\"applinks\":{\"apps\":[],\"details\":["));
    for (size_t i = 0; i < items.count; i++) {
        struct buf text = buf_over(bytes, sizeof(bytes));
        detail(items.item[i].app, &text);
        take(buf_slice(&text), out, &tally);
    }
    buf_append(out, tally.apps == 0 ? SLICE("]}}\n") : SLICE("\n]}}\n"));
    ENSURE(!out->overflowed);
    free(items.item);
    return tally;
}

/* The first pattern that matches decides; a * stands for any characters, slashes among them. */
static void detail(struct slice app_id, struct buf *out) {
    buf_append(out, SLICE("{\"appIDs\":[\""));
    buf_append(out, app_id);
    buf_append(out, SLICE("\"],\"components\":["
                          "{\"/\":\"/*/*\",\"exclude\":true,\"comment\":\"more than a code\"},"
                          "{\"/\":\"/*.*\",\"exclude\":true,\"comment\":\"files\"},"
                          "{\"/\":\"/*+\",\"exclude\":true,\"comment\":\"where a code leads\"},"
                          "{\"/\":\"/?*\",\"comment\":\"codes\"}],\"appID\":\""));
    buf_append(out, app_id);
    buf_append(out, SLICE("\",\"paths\":[\"NOT /*/*\",\"NOT /*.*\",\"NOT /*+\",\"/?*\"]}"));
    ENSURE(!out->overflowed);
}
