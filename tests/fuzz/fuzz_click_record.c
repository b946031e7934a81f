/* click.h: a payload from a journal that cannot be trusted. What decodes is what encodes. */
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/defs.h"
#include "click/click.h"

enum { JSON_BYTES_MAX = 64 * 1024, LAYOUT_OFFSET = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *argument, struct slice name, struct slice value) {
    size_t *fields = argument;
    volatile char sum = 0;
    ENSURE(name.size > 0 && value.size <= CLICK_TEXT_BYTES_MAX);
    for (size_t i = 0; i < value.size; i++) {
        sum = (char)(sum ^ value.data[i]);
    }
    (*fields)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct click click;
    if (!click_decode(slice_make((const char *)data, size), &click)) {
        return 0;
    }
    size_t fields = 0;
    click_fields(&click, &(struct click_visitor){count, &fields});
    ENSURE(fields == CLICK_FIELD_COUNT);

    /* Of the layout before, which is never written any more, what encodes decodes again. */
    uint8_t out[CLICK_PAYLOAD_BYTES_MAX];
    struct click back;
    size_t encoded = click_encode(&click, out);
    ENSURE(click_decode(slice_make((const char *)out, encoded), &back));
    ENSURE(data[LAYOUT_OFFSET] != CLICK_LAYOUT ||
           (encoded == size && memcmp(out, data, size) == 0));

    static char storage[JSON_BYTES_MAX];
    struct buf json = buf_over(storage, sizeof(storage));
    ENSURE(click_to_json(&click, &json));
    ENSURE(json.size > 2 && json.data[0] == '{' && json.data[json.size - 1] == '}');
    ENSURE(memchr(json.data, '\n', json.size) == NULL);
    return 0;
}
