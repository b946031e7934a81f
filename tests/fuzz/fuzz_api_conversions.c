/* conversions_read.h: reports out of JSON that nobody vouches for. What is taken can be encoded,
 * and comes back the same. */
#include <jansson.h>
#include <stdint.h>

#include "base/defs.h"
#include "conversions_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_MS UINT64_C(1700000000000)

static void check(const struct report *report) {
    uint8_t out[CONVERSION_PAYLOAD_BYTES_MAX];
    struct conversion back;
    const struct conversion *conversion = &report->conversion;
    ENSURE(conversion->text[CONVERSION_TEXT_CODE].size > 0 ||
           conversion->text[CONVERSION_TEXT_CLICK].size > 0);
    ENSURE(conversion->text[CONVERSION_TEXT_CODE].size == 0 ||
           code_is_valid(conversion->text[CONVERSION_TEXT_CODE]));
    ENSURE(conversion->value >= 0 && conversion->value <= REPORT_VALUE_MAX);
    size_t size = conversion_encode(conversion, out);
    ENSURE(size <= sizeof(out));
    ENSURE(conversion_decode(slice_make((const char *)out, size), &back));
    for (size_t i = 0; i < CONVERSION_TEXT_COUNT; i++) {
        ENSURE(slice_equal(back.text[i], conversion->text[i]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct report report;
    const struct report_limits limits = {.now_ms = NOW_MS, .retain_days = 400};
    struct json_fault fault = {.field = ""};
    json_t *root = json_fields_parse(slice_make((const char *)data, size), &fault);
    if (root == NULL) {
        ENSURE(fault.err.text[0] != '\0');
        return 0;
    }
    if (report_read(root, &limits, &report, &fault)) {
        check(&report);
    } else {
        ENSURE(fault.err.text[0] != '\0');
    }
    json_decref(root);
    return 0;
}
