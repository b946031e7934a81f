/*
 * pages_fixture.h - a worker with nothing but what pages need, and requests to it.
 */
#ifndef TESTS_PAGES_FIXTURE_H
#define TESTS_PAGES_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "edge_metrics.h"
#include "edge_worker.h"
#include "page_set.h"
#include "route.h"

struct fixture {
    struct metric_registry *registry;
    struct edge_worker *worker;
    char answer[RESPONSE_BYTES_MAX + 1]; /* the last one, NUL-terminated */
    struct buf out;
    struct request_context context;
};

static inline struct fixture *fixture_create(const char *pages) {
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct err err = {""};
    assert_non_null(fixture);
    fixture->registry = metric_registry_create();
    fixture->worker = calloc(1, sizeof(*fixture->worker));
    assert_non_null(fixture->worker);
    fixture->worker->metrics =
        metric_set_create(fixture->registry, edge_metrics, EDGE_METRIC_COUNT);
    fixture->worker->pages = page_set_open(pages, &err);
    assert_string_equal(err.text, "");
    http_date_set(&fixture->worker->date, 1767225600123);
    return fixture;
}

static inline void fixture_destroy(struct fixture *fixture) {
    page_set_unref(&fixture->worker->pages);
    metric_set_destroy(&fixture->worker->metrics);
    metric_registry_destroy(&fixture->registry);
    free(fixture->worker);
    free(fixture);
}

/* A request that is about to be answered. */
static inline struct request_context *fixture_request(struct fixture *fixture, const char *head) {
    fixture->out = buf_over(fixture->answer, RESPONSE_BYTES_MAX);
    fixture->context = (struct request_context){
        .worker = fixture->worker, .out = &fixture->out, .keep_alive = true};
    assert_int_equal(http_parse(slice_of(head), &fixture->context.request), HTTP_PARSE_DONE);
    return &fixture->context;
}

/* The answer as a string; its content begins at *content. */
static inline const char *fixture_answer(struct fixture *fixture, const char **content) {
    fixture->answer[fixture->out.size] = '\0';
    const char *end = strstr(fixture->answer, "\r\n\r\n");
    assert_non_null(end);
    *content = end + 4;
    return fixture->answer;
}

static inline void assert_holds(const char *text, const char *part) {
    if (strstr(text, part) == NULL) {
        print_error("\"%s\" is not in:\n%s\n", part, text);
    }
    assert_non_null(strstr(text, part));
}

static inline void assert_lacks(const char *text, const char *part) {
    if (strstr(text, part) != NULL) {
        print_error("\"%s\" is in:\n%s\n", part, text);
    }
    assert_null(strstr(text, part));
}

#endif
