/*
 * passthrough.c - see passthrough.h.
 */
#include "passthrough.h"

#include <string.h>

#include "base/buf.h"
#include "http/request.h"
#include "link/campaign.h"
#include "link/template.h"

struct parameter {
    struct slice raw;  /* name=value, as it was sent */
    struct slice name; /* decoded */
    char name_bytes[PASSTHROUGH_NAME_BYTES_MAX];
};

/* What those who read queries make of a name, some of them generously (PHP): "+" is a space, spaces
 * in front do not count, "a[]" and what stands behind a NUL is "a". Two names are the same when any
 * of them might take them for that. */
static struct slice read_name(char *bytes, size_t size) {
    size_t begin = 0;
    size_t end = 0;
    for (size_t i = 0; i < size; i++) {
        bytes[i] = bytes[i] == '+' ? ' ' : bytes[i];
    }
    while (begin < size && bytes[begin] == ' ') {
        begin++;
    }
    for (end = begin; end < size && bytes[end] != '[' && bytes[end] != '\0'; end++) {
    }
    return slice_make(bytes + begin, end - begin);
}

/* The next parameter of a query that is not empty; false when its name is too long or malformed. */
static bool take_parameter(struct slice *query, struct parameter *parameter) {
    parameter->raw = slice_split(query, '&');
    struct slice rest = parameter->raw;
    struct slice name = slice_split(&rest, '=');
    size_t size = http_percent_decode(name, parameter->name_bytes, sizeof(parameter->name_bytes));
    if (size == SIZE_MAX) {
        parameter->name = SLICE_EMPTY;
        return false;
    }
    parameter->name = read_name(parameter->name_bytes, size);
    return true;
}

static bool has_parameter(struct slice query, struct slice name) {
    struct parameter own;
    while (query.size > 0) {
        if (take_parameter(&query, &own) && slice_equal(own.name, name)) {
            return true;
        }
    }
    return false;
}

static bool is_listed(struct slice list, struct slice name) {
    while (list.size > 0) {
        if (slice_equal(slice_split(&list, ' '), name)) {
            return true;
        }
    }
    return false;
}

static bool is_wanted(const struct campaign *campaign, struct slice name) {
    if (name.size == 0 || slice_equal(name, SLICE("s"))) {
        return false;
    }
    return campaign->passthrough == PASSTHROUGH_ALL ||
           is_listed(campaign->text[CAMPAIGN_FIELD_PASSTHROUGH], name);
}

static bool is_hexadecimal(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* What may stand in a query is kept. */
static void append_raw(struct buf *out, struct slice raw) {
    static const char kept[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                               "-._~!$&'()*+,;=:@/?";
    for (size_t i = 0; i < raw.size; i++) {
        bool is_triplet = raw.data[i] == '%' && i + 2 < raw.size &&
                          is_hexadecimal(raw.data[i + 1]) && is_hexadecimal(raw.data[i + 2]);
        if (is_triplet || (raw.data[i] != '\0' && strchr(kept, raw.data[i]) != NULL)) {
            buf_append_char(out, raw.data[i]);
        } else {
            buf_append_percent(out, slice_make(raw.data + i, 1));
        }
    }
}

/* Appends what is wanted behind the URL, which has no fragment. */
static size_t append_wanted(const struct passthrough *passthrough, size_t fragment_size,
                            struct buf *out) {
    struct slice own = slice_make(out->data + passthrough->url_at, out->size - passthrough->url_at);
    slice_split(&own, '?'); /* which leaves the query; nothing of it moves */
    size_t url_max = passthrough->url_at + LOCATION_BYTES_MAX - fragment_size;
    bool has_query =
        memchr(out->data + passthrough->url_at, '?', out->size - passthrough->url_at) != NULL;
    bool is_open = has_query && (own.size == 0 || own.data[own.size - 1] == '&');
    size_t dropped = 0;
    struct slice query = passthrough->query;
    struct parameter parameter;
    for (size_t count = 0; query.size > 0; count++) {
        bool is_named = take_parameter(&query, &parameter);
        if (!is_named || count >= PASSTHROUGH_PARAMETERS_MAX) {
            dropped++;
            continue;
        }
        if (!is_wanted(passthrough->campaign, parameter.name) ||
            has_parameter(own, parameter.name)) {
            continue;
        }
        if (url_max < out->size || 3 * parameter.raw.size + 1 > url_max - out->size) {
            dropped++;
            continue;
        }
        if (!is_open) {
            buf_append_char(out, has_query ? '&' : '?');
        }
        append_raw(out, parameter.raw);
        has_query = true;
        is_open = false;
    }
    return dropped;
}

size_t passthrough_append(const struct passthrough *passthrough, struct buf *out, size_t *hole) {
    char fragment[LOCATION_BYTES_MAX];
    char *url = out->data + passthrough->url_at;
    size_t url_size = out->size - passthrough->url_at;
    if (passthrough->query.size == 0 || url_size > LOCATION_BYTES_MAX) {
        return 0;
    }
    if (*hole != SIZE_MAX) { /* what stands there is somebody else's, from an earlier answer */
        memset(out->data + *hole, '0', TEMPLATE_CLICK_BYTES);
    }
    const char *hash = memchr(url, '#', url_size);
    size_t fragment_size = hash == NULL ? 0 : url_size - (size_t)(hash - url);
    memcpy(fragment, url + url_size - fragment_size, fragment_size);
    out->size -= fragment_size;
    size_t before = out->size;
    size_t dropped = append_wanted(passthrough, fragment_size, out);
    if (*hole != SIZE_MAX && *hole >= before) {
        *hole += out->size - before;
    }
    buf_append_bytes(out, fragment, fragment_size);
    return dropped;
}
