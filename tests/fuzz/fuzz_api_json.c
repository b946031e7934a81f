/*
 * fuzz_api_json.c - any bytes as the body of a request: either a fault that can be said in one
 * line, or fields that are planned, checked, and shown as JSON that reads back as the same fields.
 *
 * The first byte picks a link or a campaign.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "json_fields.h"
#include "link/code.h"
#include "resource.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_fault(const struct json_fault *fault) {
    ENSURE(fault->err.text[0] != '\0' && strpbrk(fault->err.text, "\r\n") == NULL);
    ENSURE(strnlen(fault->field, sizeof(fault->field)) < sizeof(fault->field));
}

/* What may be written reads back from what is shown. */
static void read_back(enum record_kind kind, const struct resource_plan *plan) {
    struct record_view view = record_view(kind, SLICE("AB"), plan->after);
    struct json_fields again;
    struct json_fault fault;
    struct buf json;
    buf_init(&json, RECORD_JSON_BYTES_MAX);
    ENSURE(record_json(&view, &json));
    ENSURE(json_fields_read(kind, buf_slice(&json), &again, &fault));
    ENSURE(again.has_id && slice_equal(again.id, SLICE("AB")));
    for (size_t i = 0; i < record_shape(kind)->count; i++) {
        const char *name = record_shape(kind)->names[i];
        uint64_t number;
        if (!record_read_time(name, plan->after[i], &number) && !record_is_count(name)) {
            ENSURE(slice_equal(again.value[i], plan->after[i]));
        }
    }
    json_fields_free(&again);
    buf_fini(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) {
        return 0;
    }
    enum record_kind kind = data[0] == 'c' ? RECORD_CAMPAIGN : RECORD_LINK;
    struct json_fields fields;
    struct json_fault fault;
    if (!json_fields_read(kind, slice_make((const char *)data + 1, size - 1), &fields, &fault)) {
        check_fault(&fault);
        return 0;
    }
    ENSURE(fields.given < 1U << record_shape(kind)->count);
    struct resource_write write = {
        .kind = kind, .how = RESOURCE_REPLACE, .fields = &fields, .now_s = 1700000000};
    const struct resource_bounds bounds = {.schemes = SLICE("bank")};
    struct resource_plan plan = {.exists = false};
    resource_plan(&write, &plan);
    if (resource_check(&write, &plan, &bounds, &fault)) {
        ENSURE(!fields.has_id || !code_is_valid(fields.id) || fields.id.size <= CODE_BYTES_MAX);
        read_back(kind, &plan);
    } else {
        check_fault(&fault);
        ENSURE(record_find_field(kind, slice_of(fault.field)) >= 0);
    }
    json_fields_free(&fields);
    return 0;
}
