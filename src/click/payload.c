/*
 * click/payload.c - the two kinds.
 */
#include "click/payload.h"

static bool decode_click(struct slice payload, union payload_record *record) {
    return click_decode(payload, &record->click);
}

static void fields_of_click(const union payload_record *record,
                            const struct click_visitor *visitor) {
    click_fields(&record->click, visitor);
}

static bool click_json(const union payload_record *record, struct buf *out) {
    return click_to_json(&record->click, out);
}

static bool decode_conversion(struct slice payload, union payload_record *record) {
    return conversion_decode(payload, &record->conversion);
}

static void fields_of_conversion(const union payload_record *record,
                                 const struct click_visitor *visitor) {
    conversion_fields(&record->conversion, visitor);
}

static bool conversion_json(const union payload_record *record, struct buf *out) {
    return conversion_to_json(&record->conversion, out);
}

const struct payload_kind payload_clicks = {
    .name = "clicks",
    .set = "streams",
    .topic_suffix = "",
    .fault = "not a click",
    .has_news = true,
    .field_count = CLICK_FIELD_COUNT,
    .decode = decode_click,
    .fields = fields_of_click,
    .to_json = click_json,
};

const struct payload_kind payload_conversions = {
    .name = "conversions",
    .set = "conversion-streams",
    .topic_suffix = "-conversions",
    .fault = "not a conversion",
    .has_news = false,
    .field_count = CONVERSION_FIELD_COUNT,
    .decode = decode_conversion,
    .fields = fields_of_conversion,
    .to_json = conversion_json,
};
