/*
 * fuzz_api_target.c - requests to the API: head, path, query, token, content.
 *
 * Input: a path, a query, and content that claims to be chunked, one a line; the rest belongs to
 * the content. Splitting and decoding have to agree with a second, slower way of doing it; content
 * has to come out the same however it is cut.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "base/defs.h"
#include "body.h"
#include "head.h"
#include "http/request.h"
#include "routes.h"
#include "target.h"

enum { BODY_LIMIT = 4096 };

static bool has_control(struct slice text) {
    for (size_t i = 0; i < text.size; i++) {
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

/* The part of joined before the n-th separator, decoded; '+' as given. */
static struct slice part(struct slice text, char plus, char *out) {
    for (size_t i = 0; i < text.size; i++) {
        out[i] = text.data[i] == '+' ? plus : text.data[i];
    }
    size_t size = http_percent_decode(slice_make(out, text.size), out, text.size);
    ENSURE(size != SIZE_MAX);
    return slice_make(out, size);
}

static void check_segments(struct slice path, const struct target *target, char *scratch) {
    struct slice rest = slice_from(path, 1);
    size_t slashes = 0;
    for (size_t i = 0; i < path.size; i++) {
        slashes += path.data[i] == '/' ? 1 : 0;
    }
    size_t count = slashes <= TARGET_SEGMENTS_MAX ? slashes : TARGET_SEGMENTS_MAX;
    ENSURE(target->segment_count == (slashes <= TARGET_SEGMENTS_MAX ? slashes : count + 1));
    for (size_t i = 0; i < count; i++) {
        struct slice wanted = part(slice_split(&rest, '/'), '+', scratch);
        ENSURE(slice_equal(wanted, target->segment[i]) && !has_control(wanted));
    }
}

static void check_query(struct slice query, const struct target *target, char *scratch) {
    size_t found = 0;
    while (query.size > 0) {
        struct slice value = slice_split(&query, '&');
        if (value.size == 0) {
            continue;
        }
        struct slice name = slice_split(&value, '=');
        ENSURE(found < target->query_count);
        const struct call_field *field = &target->query[found++];
        ENSURE(slice_equal(part(name, ' ', scratch), field->name) && field->name.size > 0);
        ENSURE(slice_equal(part(value, ' ', scratch), field->value));
        ENSURE(!has_control(field->name) && !has_control(field->value));
    }
    ENSURE(found == target->query_count && found <= CALL_FIELDS_MAX);
    for (size_t i = 0; i < found; i++) {
        for (size_t k = 0; k < i; k++) {
            ENSURE(!slice_equal(target->query[i].name, target->query[k].name));
        }
    }
}

static void try_target(struct slice path, struct slice query) {
    struct target target;
    struct slice parameter[CALL_PARAMETERS_MAX];
    bool is_known;
    char *out = malloc(path.size + query.size + 1);
    char *scratch = malloc(path.size + query.size + 1);
    enum target_result result = target_read(path, query, out, &target);
    ENSURE((strlen(target_fault(result)) == 0) == (result == TARGET_OK));
    if (target.has_path) {
        check_segments(path, &target, scratch);
        ENSURE(target_is_under(path, target.segment[0]) || target.segment[0].size > 30 ||
               memchr(path.data, '%', path.size) != NULL);
        int index = route_find(api_routes(), SLICE("GET"), &target, parameter, &is_known);
        ENSURE(index == ROUTE_NONE || is_known);
        ENSURE(!is_known || slice_equal(target.segment[0], SLICE("v1")));
    }
    if (result == TARGET_OK) {
        check_query(query, &target, scratch);
    }
    free(scratch);
    free(out);
}

static enum body_result read_body(struct body *body, struct slice input, size_t piece,
                                  size_t *taken) {
    enum body_result result = body_begin(body, true, 0, BODY_LIMIT);
    *taken = 0;
    while (result == BODY_MORE && *taken < input.size) {
        size_t consumed;
        struct slice next = slice_first(slice_from(input, *taken), piece);
        result = body_take(body, next, &consumed);
        ENSURE(consumed <= next.size && (result != BODY_MORE || consumed == next.size));
        *taken += consumed;
    }
    return result;
}

static void try_body(struct slice input) {
    struct body whole, cut;
    size_t whole_taken, cut_taken;
    enum body_result result = read_body(&whole, input, SIZE_MAX, &whole_taken);
    ENSURE(read_body(&cut, input, 1, &cut_taken) == result);
    ENSURE(slice_equal(buf_slice(&whole.bytes), buf_slice(&cut.bytes)));
    ENSURE(result != BODY_DONE || whole_taken == cut_taken);
    ENSURE(whole.bytes.size <= BODY_LIMIT);
    body_fini(&whole);
    body_fini(&cut);
}

static void try_head(struct slice input) {
    struct head head;
    struct slice token;
    if (head_parse(input, &head) == HTTP_PARSE_DONE) {
        ENSURE(head.method.size > 0 && head.length <= INT64_MAX);
        ENSURE(!head.is_chunked || head.http.has_body);
        ENSURE(head.length == 0 || head.http.has_body);
        auth_bearer(head.field[HEAD_AUTHORIZATION], &token);
        auth_query(head.http.query, &token);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice rest = slice_make((const char *)data, size);
    try_head(rest);
    struct slice path = slice_split(&rest, '\n');
    struct slice query = slice_split(&rest, '\n');
    if (path.size > 0 && path.data[0] == '/') {
        try_target(path, query);
    }
    try_body(rest);
    return 0;
}
