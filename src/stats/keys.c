/*
 * keys.c - the names of the rollups.
 */
#include "stats/keys.h"

#include "base/buf.h"
#include "base/defs.h"

static bool append_day(struct buf *out, int32_t day) {
    ENSURE(day >= 0);
    return buf_append_u64(out, (uint64_t)day);
}

bool stats_key(struct buf *out, struct slice prefix, const char *name) {
    buf_append(out, prefix);
    buf_append(out, slice_of(name));
    return !out->overflowed;
}

bool stats_key_day(struct buf *out, struct slice prefix, const char *name, int32_t day) {
    stats_key(out, prefix, name);
    buf_append_char(out, ':');
    append_day(out, day);
    return !out->overflowed;
}

/* GROUP:all:DAY, GROUP:campaign:ID:DAY, GROUP:link:CODE:DAY */
static void append_scope(struct buf *out, const char *group, struct stats_scope scope,
                         int32_t day) {
    static const char *const names[] = {
        [STATS_ALL] = ":all:", [STATS_CAMPAIGN] = ":campaign:", [STATS_LINK] = ":link:"};
    buf_append(out, slice_of(group));
    buf_append(out, slice_of(names[scope.kind]));
    if (scope.kind != STATS_ALL) {
        buf_append(out, scope.id);
        buf_append_char(out, ':');
    }
    append_day(out, day);
}

bool stats_key_cells(struct buf *out, struct slice prefix, struct stats_scope scope, int32_t day,
                     bool hours) {
    buf_append(out, prefix);
    append_scope(out, "stats", scope, day);
    if (hours && scope.kind != STATS_LINK) {
        buf_append(out, SLICE(":h"));
    }
    return !out->overflowed;
}

bool stats_key_unique(struct buf *out, struct slice prefix, struct stats_scope scope, int32_t day) {
    buf_append(out, prefix);
    append_scope(out, "unique", scope, day);
    return !out->overflowed;
}

bool stats_key_funnel(struct buf *out, struct slice prefix, struct stats_scope scope, int32_t day) {
    buf_append(out, prefix);
    append_scope(out, "funnel", scope, day);
    return !out->overflowed;
}

bool stats_key_top(struct buf *out, struct slice prefix, struct stats_scope scope, int32_t day) {
    ENSURE(scope.kind != STATS_LINK);
    buf_append(out, prefix);
    append_scope(out, "top", scope, day);
    return !out->overflowed;
}
