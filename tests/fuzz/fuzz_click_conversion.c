/* conversion.h: a payload from a journal that cannot be trusted. What decodes is what encodes, and
 * its fields are read back as the same. */
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/defs.h"
#include "click/conversion.h"

enum { JSON_BYTES_MAX = 16 * 1024, VALUES_BYTES = 4 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct slice name[CONVERSION_FIELD_COUNT];
    struct slice value[CONVERSION_FIELD_COUNT];
    size_t count;
    char bytes[VALUES_BYTES];
    size_t size;
};

static void see(void *argument, struct slice name, struct slice value) {
    struct seen *seen = argument;
    ENSURE(seen->count < CONVERSION_FIELD_COUNT && seen->size + value.size <= VALUES_BYTES);
    if (value.size > 0) {
        memcpy(seen->bytes + seen->size, value.data, value.size);
    }
    seen->name[seen->count] = name;
    seen->value[seen->count++] = slice_make(seen->bytes + seen->size, value.size);
    seen->size += value.size;
}

/* The input as fields: lines NAME=VALUE. */
static void read_lines(const uint8_t *data, size_t size) {
    struct slice rest = slice_make((const char *)data, size);
    struct slice names[CONVERSION_FIELD_COUNT + 2];
    struct slice values[CONVERSION_FIELD_COUNT + 2];
    struct conversion conversion;
    uint8_t out[CONVERSION_PAYLOAD_BYTES_MAX];
    size_t count = 0;
    while (rest.size > 0 && count < ARRAY_COUNT(names)) {
        struct slice line = slice_split(&rest, '\n');
        names[count] = slice_split(&line, '=');
        values[count++] = line;
    }
    if (conversion_from_fields(names, values, count, &conversion)) {
        ENSURE(conversion_encode(&conversion, out) <= sizeof(out));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct seen seen;
    static char storage[JSON_BYTES_MAX];
    struct conversion conversion;
    struct conversion back;
    read_lines(data, size);
    if (!conversion_decode(slice_make((const char *)data, size), &conversion)) {
        return 0;
    }
    uint8_t out[CONVERSION_PAYLOAD_BYTES_MAX];
    ENSURE(conversion_encode(&conversion, out) == size && memcmp(out, data, size) == 0);

    seen.count = seen.size = 0;
    conversion_fields(&conversion, &(struct click_visitor){see, &seen});
    ENSURE(seen.count == CONVERSION_FIELD_COUNT);
    ENSURE(conversion_from_fields(seen.name, seen.value, seen.count, &back));
    ENSURE(conversion_encode(&back, out) == size && memcmp(out, data, size) == 0);

    struct buf json = buf_over(storage, sizeof(storage));
    ENSURE(conversion_to_json(&conversion, &json));
    ENSURE(json.size > 2 && json.data[0] == '{' && json.data[json.size - 1] == '}');
    ENSURE(memchr(json.data, '\n', json.size) == NULL);
    return 0;
}
