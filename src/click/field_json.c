/*
 * field_json.c - see field_json.h.
 */
#include "field_json.h"

#include "base/buf.h"

struct field_json field_json_begin(struct buf *out) {
    struct field_json json = {.out = out, .begin = out->size, .was_overflowed = out->overflowed};
    out->overflowed = false;
    buf_append_char(out, '{');
    return json;
}

void field_json_show(void *argument, struct slice name, struct slice value) {
    struct field_json *json = argument;
    struct buf *out = json->out;
    bool is_number = slice_equal(name, SLICE("at")) || slice_equal(name, SLICE("version"));
    struct slice quote = is_number ? SLICE_EMPTY : SLICE("\"");
    buf_append(out, out->size == json->begin + 1 ? SLICE("\"") : SLICE(",\""));
    buf_append(out, name);
    buf_append(out, SLICE("\":"));
    buf_append(out, quote);
    buf_append_json(out, value);
    buf_append(out, quote);
}

bool field_json_end(struct field_json *json) {
    struct buf *out = json->out;
    buf_append_char(out, '}');
    if (out->overflowed) {
        out->size = json->begin; /* no half object */
        return false;
    }
    out->overflowed = json->was_overflowed;
    return true;
}
