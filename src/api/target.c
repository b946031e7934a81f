/*
 * target.c - from the bytes of a request line to segments and fields.
 */
#include "target.h"

#include "base/defs.h"
#include "http/request.h"

enum { FIRST_SEGMENT_BYTES_MAX = 32 };

static enum target_result read_path(struct slice path, char **out, struct target *target);
static enum target_result read_query(struct slice query, char **out, struct target *target);
static enum target_result read_field(struct slice text, char **out, struct target *target);
static enum target_result decode(struct slice text, char plus, char **out, struct slice *decoded);

enum target_result target_read(struct slice path, struct slice query, char *out,
                               struct target *target) {
    *target = (struct target){.segment_count = 0};
    enum target_result result = read_path(path, &out, target);
    target->has_path = result == TARGET_OK;
    return target->has_path ? read_query(query, &out, target) : result;
}

bool target_is_under(struct slice path, struct slice segment) {
    char bytes[FIRST_SEGMENT_BYTES_MAX];
    struct slice rest = slice_from(path, 1);
    size_t size = http_percent_decode(slice_split(&rest, '/'), bytes, sizeof(bytes));
    return size != SIZE_MAX && slice_equal(slice_make(bytes, size), segment);
}

const char *target_fault(enum target_result result) {
    switch (result) {
    case TARGET_OK:
        return "";
    case TARGET_ENCODING:
        return "a % must be followed by two hexadecimal digits";
    case TARGET_CONTROL:
        return "control characters are not allowed, encoded ones neither";
    case TARGET_TWICE:
        return "this field is there twice; once is allowed";
    case TARGET_NAMELESS:
        return "a field of the query has no name";
    case TARGET_MANY:
        return "the query has more than 32 fields";
    }
    ENSURE(false && "a result that is not in enum target_result");
    return "";
}
_Static_assert(CALL_FIELDS_MAX == 32, "target_fault() says so");

static enum target_result read_path(struct slice path, char **out, struct target *target) {
    struct slice rest = slice_from(path, 1);
    bool more = true;
    while (more) {
        struct slice segment = slice_split(&rest, '/');
        more = segment.data != NULL && segment.data + segment.size < path.data + path.size;
        struct slice decoded;
        enum target_result result = decode(segment, '+', out, &decoded);
        if (result != TARGET_OK) {
            return result;
        }
        if (target->segment_count == TARGET_SEGMENTS_MAX) {
            target->segment_count++;
            return TARGET_OK;
        }
        target->segment[target->segment_count++] = decoded;
    }
    return TARGET_OK;
}

static enum target_result read_query(struct slice query, char **out, struct target *target) {
    while (query.size > 0) {
        struct slice text = slice_split(&query, '&');
        enum target_result result = text.size == 0 ? TARGET_OK : read_field(text, out, target);
        if (result != TARGET_OK) {
            return result;
        }
    }
    return TARGET_OK;
}

static enum target_result read_field(struct slice text, char **out, struct target *target) {
    struct slice value = text;
    struct slice name = slice_split(&value, '=');
    struct call_field field;
    enum target_result result = decode(name, ' ', out, &field.name);
    if (result == TARGET_OK) {
        target->fault = field.name;
        result = decode(value, ' ', out, &field.value);
    }
    if (result != TARGET_OK) {
        return result;
    }
    if (field.name.size == 0) {
        return TARGET_NAMELESS;
    }
    for (size_t i = 0; i < target->query_count; i++) {
        if (slice_equal(target->query[i].name, field.name)) {
            return TARGET_TWICE;
        }
    }
    target->fault = SLICE_EMPTY;
    if (target->query_count == CALL_FIELDS_MAX) {
        return TARGET_MANY;
    }
    target->query[target->query_count++] = field;
    return TARGET_OK;
}

/* plus: what a '+' is. Decoding never makes a text longer, so it can be done where the copy is. */
static enum target_result decode(struct slice text, char plus, char **out, struct slice *decoded) {
    ENSURE(text.data != NULL || text.size == 0);
    for (size_t i = 0; i < text.size; i++) {
        (*out)[i] = text.data[i] == '+' ? plus : text.data[i];
    }
    size_t size = http_percent_decode(slice_make(*out, text.size), *out, text.size);
    if (size == SIZE_MAX) {
        return TARGET_ENCODING;
    }
    *decoded = slice_make(*out, size);
    *out += size;
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)decoded->data[i] < ' ' || decoded->data[i] == 0x7f) {
            return TARGET_CONTROL;
        }
    }
    return TARGET_OK;
}
