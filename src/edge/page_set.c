/*
 * page_set.c - which file is which page.
 */
#include "page_set.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "busy_html.h"
#include "desktop_html.h"
#include "expired_html.h"
#include "inspect_html.h"
#include "mistyped_html.h"
#include "not_found_html.h"
#include "not_started_html.h"
#include "open_html.h"
#include "page_template.h"
#include "paused_html.h"
#include "preview_html.h"
#include "style_css.h"
#include "used_up_html.h"

struct page_set {
    atomic_uint references;
    struct page_template *builtin[PAGE_NAME_COUNT];
    struct page_template *replaced[PAGE_NAME_COUNT]; /* NULL: built-in */
};

struct page_row {
    const char *file_name;
    struct slice html;
    uint16_t status;
};

static const struct page_row *row_of(enum page_name page) {
#define PAGE_ROW(name, file, page_status)                                                          \
    {.file_name = #file, .html = {file##_html, sizeof(file##_html) - 1}, .status = (page_status)},
    static const struct page_row rows[PAGE_NAME_COUNT] = {PAGE_NAMES(PAGE_ROW)};
    ENSURE(page < PAGE_NAME_COUNT);
    return &rows[page];
}

const char *page_file_name(enum page_name page) {
    return row_of(page)->file_name;
}

uint16_t page_status(enum page_name page) {
    return row_of(page)->status;
}

/* --- reading -------------------------------------------------------------------------------- */

/* Whether the folder holds only what is known; false and err otherwise. */
static bool check_names(const char *directory, struct err *err) {
    DIR *folder = opendir(directory);
    bool is_good = true;
    if (folder == NULL) {
        return err_set(err, "%s: %s", directory, strerror(errno));
    }
    for (struct dirent *entry; is_good && (entry = readdir(folder)) != NULL;) {
        struct slice name = slice_of(entry->d_name);
        const char *dot = strrchr(entry->d_name, '.');
        if (dot == NULL || dot == entry->d_name ||
            (strcmp(dot, ".html") != 0 && strcmp(dot, ".css") != 0)) {
            continue;
        }
        bool is_known = slice_equal(name, SLICE("style.css"));
        for (enum page_name page = 0; page < PAGE_NAME_COUNT; page++) {
            char known[64];
            snprintf(known, sizeof(known), "%s.html", page_file_name(page));
            is_known |= slice_equal(name, slice_of(known));
        }
        is_good = is_known ||
                  err_set(err,
                          "%s/%s: no page is called so; there are style.css and, as .html, "
                          "preview inspect not_found mistyped expired paused not_started used_up "
                          "busy desktop open",
                          directory, entry->d_name);
    }
    closedir(folder);
    return is_good;
}

enum read_result { READ_NONE, READ_DONE, READ_FAILED };

static enum read_result read_file(const char *path, struct buf *out, struct err *err) {
    struct stat status;
    buf_clear(out);
    if (stat(path, &status) != 0 && errno == ENOENT) {
        return READ_NONE;
    }
    return file_read(path, out, err) ? READ_DONE : READ_FAILED;
}

/* The page as its file has it, or the built-in one with another style sheet. */
static bool replace(struct page_set *set, enum page_name page, const char *directory,
                    const struct buf *sheet, struct err *err) {
    char path[FILE_PATH_MAX];
    struct buf html;
    struct page_source source = {.name = path, .html = row_of(page)->html};
    snprintf(path, sizeof(path), "%s/%s.html", directory, page_file_name(page));
    buf_init(&html, PAGE_SOURCE_BYTES_MAX);
    enum read_result result = read_file(path, &html, err);
    if (result == READ_DONE) {
        source.html = buf_slice(&html);
    } else if (sheet != NULL) {
        snprintf(path, sizeof(path), "%s/style.css, in the built-in %s.html", directory,
                 page_file_name(page));
    }
    source.style = sheet != NULL ? buf_slice(sheet) : slice_make(style_css, sizeof(style_css) - 1);
    bool is_good = result != READ_FAILED;
    if (is_good && (result == READ_DONE || sheet != NULL)) {
        set->replaced[page] = page_template_compile(&source, err);
        is_good = set->replaced[page] != NULL;
    }
    buf_fini(&html);
    return is_good;
}

static bool replace_all(struct page_set *set, const char *directory, struct err *err) {
    char path[FILE_PATH_MAX];
    struct stat status;
    struct buf sheet;
    if (directory[0] == '\0' || (stat(directory, &status) != 0 && errno == ENOENT)) {
        return true;
    }
    if (!check_names(directory, err)) {
        return false;
    }
    snprintf(path, sizeof(path), "%s/style.css", directory);
    buf_init(&sheet, PAGE_SOURCE_BYTES_MAX);
    enum read_result result = read_file(path, &sheet, err);
    bool is_good = result != READ_FAILED;
    for (enum page_name page = 0; is_good && page < PAGE_NAME_COUNT; page++) {
        is_good = replace(set, page, directory, result == READ_DONE ? &sheet : NULL, err);
    }
    buf_fini(&sheet);
    return is_good;
}

/* --- the set -------------------------------------------------------------------------------- */

struct page_set *page_set_open(const char *directory, struct err *err) {
    struct page_set *set = calloc(1, sizeof(*set));
    ENSURE(set != NULL);
    atomic_init(&set->references, 1);
    for (enum page_name page = 0; page < PAGE_NAME_COUNT; page++) {
        const struct page_source source = {.name = page_file_name(page),
                                           .html = row_of(page)->html,
                                           .style = slice_make(style_css, sizeof(style_css) - 1)};
        set->builtin[page] = page_template_compile(&source, err);
        ENSURE(set->builtin[page] != NULL);
    }
    if (!replace_all(set, directory, err)) {
        page_set_unref(&set);
        return NULL;
    }
    return set;
}

struct page_set *page_set_ref(struct page_set *set) {
    atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
    return set;
}

void page_set_unref(struct page_set **set) {
    struct page_set *gone = *set;
    *set = NULL;
    if (gone == NULL ||
        atomic_fetch_sub_explicit(&gone->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (enum page_name page = 0; page < PAGE_NAME_COUNT; page++) {
        page_template_destroy(&gone->builtin[page]);
        page_template_destroy(&gone->replaced[page]);
    }
    free(gone);
}

const struct page_template *page_set_template(const struct page_set *set, enum page_name page) {
    ENSURE(page < PAGE_NAME_COUNT);
    return set->replaced[page] != NULL ? set->replaced[page] : set->builtin[page];
}

const struct page_template *page_set_builtin(const struct page_set *set, enum page_name page) {
    ENSURE(page < PAGE_NAME_COUNT);
    return set->builtin[page];
}
