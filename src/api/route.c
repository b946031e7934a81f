/*
 * route.c - patterns against segments.
 */
#include "route.h"

#include "base/buf.h"

static bool matches(const char *pattern, const struct target *target,
                    struct slice parameter[CALL_PARAMETERS_MAX]);

int route_find(const struct route_table *table, struct slice method, const struct target *target,
               struct slice parameter[CALL_PARAMETERS_MAX], bool *is_path_known) {
    struct slice wanted = slice_equal(method, SLICE("HEAD")) ? SLICE("GET") : method;
    *is_path_known = false;
    for (size_t i = 0; i < table->count; i++) {
        if (!matches(table->routes[i].pattern, target, parameter)) {
            continue;
        }
        *is_path_known = true;
        if (slice_equal(wanted, slice_of(table->routes[i].method))) {
            return (int)i;
        }
    }
    return ROUTE_NONE;
}

void route_allow(const struct route_table *table, const struct target *target, struct buf *out) {
    struct slice parameter[CALL_PARAMETERS_MAX];
    for (size_t i = 0; i < table->count; i++) {
        if (!matches(table->routes[i].pattern, target, parameter)) {
            continue;
        }
        bool is_get = slice_equal(slice_of(table->routes[i].method), SLICE("GET"));
        buf_printf(out, "%s%s%s", out->size > 0 ? ", " : "", table->routes[i].method,
                   is_get ? ", HEAD" : "");
    }
}

void route_list(const struct route_table *table, struct buf *out) {
    buf_append(out, SLICE("{\"routes\":["));
    for (size_t i = 0; i < table->count; i++) {
        const struct route *route = &table->routes[i];
        buf_printf(out, "%s{\"method\":\"%s\",\"path\":\"%s\",\"role\":\"%s\"}", i > 0 ? "," : "",
                   route->method, route->pattern, api_role_name(route->role));
    }
    buf_append(out, SLICE("]}\n"));
}

bool route_role_allows(enum api_role has, enum api_role needed) {
    return has == needed || (has == API_ROLE_WRITE && needed == API_ROLE_READ);
}

static bool matches(const char *pattern, const struct target *target,
                    struct slice parameter[CALL_PARAMETERS_MAX]) {
    struct slice rest = slice_of(pattern + 1);
    size_t parameters = 0;
    size_t i = 0;
    for (size_t k = 0; k < CALL_PARAMETERS_MAX; k++) {
        parameter[k] = SLICE_EMPTY;
    }
    while (rest.size > 0) {
        struct slice part = slice_split(&rest, '/');
        if (i == target->segment_count || target->segment_count > TARGET_SEGMENTS_MAX) {
            return false;
        }
        struct slice segment = target->segment[i++];
        if (part.data[0] != '{') {
            if (!slice_equal(part, segment)) {
                return false;
            }
            continue;
        }
        ENSURE(parameters < CALL_PARAMETERS_MAX);
        if (segment.size == 0) {
            return false;
        }
        parameter[parameters++] = segment;
    }
    return i == target->segment_count;
}
