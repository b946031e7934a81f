/*
 * Any bytes as what campaigns name. Both documents are whole JSON within their limit, and the order
 * in which the campaigns came does not show.
 *
 * The input is lines of package, fingerprints and app ids with tabs between; each is a campaign.
 */
#include <stdlib.h>

#include "association_apps.h"
#include "association_document.h"
#include "base/buf.h"
#include "base/defs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CAMPAIGNS_MAX = 200, BYTES_MAX = 8 * 1024 };

static void put(struct association_apps *apps, size_t number, struct slice line) {
    char bytes[24];
    struct buf id = buf_over(bytes, sizeof(bytes));
    struct association_names names;
    buf_append_u64(&id, number);
    names.package = slice_split(&line, '\t');
    names.fingerprints = slice_split(&line, '\t');
    names.app_ids = line;
    ENSURE(association_apps_put(apps, buf_slice(&id), &names));
}

static size_t split(struct slice text, struct slice lines[CAMPAIGNS_MAX]) {
    size_t count = 0;
    while (text.size > 0 && count < CAMPAIGNS_MAX) {
        lines[count++] = slice_split(&text, '\n');
    }
    return count;
}

static void write_one(const struct association_apps *apps, enum association_file file,
                      struct buf *out) {
    struct association_tally tally = file == ASSOCIATION_ANDROID
                                         ? association_write_android(apps, out)
                                         : association_write_apple(apps, out);
    struct association_document *document = association_document_create(file, buf_slice(out), NULL);
    ENSURE(document != NULL);
    ENSURE(tally.apps <= out->size);
    association_document_unref(&document);
}

static void compare(const struct association_apps *one, const struct association_apps *other,
                    enum association_file file) {
    struct buf a;
    struct buf b;
    buf_init(&a, BYTES_MAX);
    buf_init(&b, BYTES_MAX);
    write_one(one, file, &a);
    write_one(other, file, &b);
    ENSURE(slice_equal(buf_slice(&a), buf_slice(&b)));
    buf_fini(&a);
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice lines[CAMPAIGNS_MAX];
    size_t count = split(slice_make((const char *)data, size), lines);
    struct association_apps *forwards = association_apps_create();
    struct association_apps *backwards = association_apps_create();
    for (size_t i = 0; i < count; i++) {
        put(forwards, i, lines[i]);
        put(backwards, count - 1 - i, lines[count - 1 - i]);
    }
    ENSURE(association_apps_count(forwards) == association_apps_count(backwards));
    compare(forwards, backwards, ASSOCIATION_ANDROID);
    compare(forwards, backwards, ASSOCIATION_APPLE);
    association_apps_destroy(&forwards);
    association_apps_destroy(&backwards);
    return 0;
}
