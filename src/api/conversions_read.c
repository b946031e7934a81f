/*
 * conversions_read.c - see conversions_read.h.
 */
#include "conversions_read.h"

#include <jansson.h>

#include "base/clock.h"
#include "credit/judge.h"
#include "http/request.h"

enum { MS_PER_S = 1000, S_PER_DAY = 24 * 60 * 60, ISO_4217_LETTERS = 3 };

/* ISO 4217, list one, without the codes of metals, funds of accounts between banks and tests. */
static const char currencies[] =
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN "
    "BWP BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN "
    "ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD "
    "JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT "
    "MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG "
    "QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT "
    "TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XCD XCG "
    "XOF XPF YER ZAR ZMW ZWG";

bool report_currency_is_known(struct slice code) {
    struct slice rest = slice_make(currencies, sizeof(currencies) - 1);
    while (rest.size > 0) {
        if (slice_equal(slice_split(&rest, ' '), code)) {
            return true;
        }
    }
    return false;
}

bool report_key_is_valid(struct slice key) {
    for (size_t i = 0; i < key.size; i++) {
        if (key.data[i] < ' ' || key.data[i] > '~') {
            return false;
        }
    }
    return key.size > 0 && key.size <= CONVERSION_KEY_BYTES_MAX;
}

/* ---- members ---- */

/* What is being read. */
struct reading {
    const struct report_limits *limits;
    struct report *report;
    struct slice referrer;
    bool has_value;
    struct err *err;
};

/* UTF-8 the parser has seen to. */
static bool read_text(const json_t *value, size_t bytes_max, struct slice *text, struct err *err) {
    *text = slice_make(json_string_value(value), json_string_length(value));
    bool is_allowed = json_is_string(value) && text->size > 0 && text->size <= bytes_max;
    for (size_t i = 0; is_allowed && i < text->size; i++) {
        unsigned char c = (unsigned char)text->data[i];
        is_allowed = c >= ' ' && c != 0x7f;
    }
    return is_allowed ||
           err_set(err, "allowed is a string of 1 to %zu bytes without control characters",
                   bytes_max);
}

static bool read_code(struct reading *reading, const json_t *value) {
    struct slice *code = &reading->report->conversion.text[CONVERSION_TEXT_CODE];
    *code = slice_make(json_string_value(value), json_string_length(value));
    return (json_is_string(value) && code_is_valid(*code)) ||
           err_set(reading->err, "allowed is a string of 1 to %d of A-Z a-z 0-9 - _",
                   CODE_BYTES_MAX);
}

static bool read_click(struct reading *reading, const json_t *value) {
    return read_text(value, CONVERSION_TEXT_BYTES_MAX,
                     &reading->report->conversion.text[CONVERSION_TEXT_CLICK], reading->err);
}

static bool read_referrer(struct reading *reading, const json_t *value) {
    return read_text(value, REPORT_REFERRER_BYTES_MAX, &reading->referrer, reading->err);
}

static bool read_event(struct reading *reading, const json_t *value) {
    struct slice *event = &reading->report->conversion.text[CONVERSION_TEXT_EVENT];
    *event = slice_make(json_string_value(value), json_string_length(value));
    reading->report->is_own_event = !judge_is_event(*event, SLICE_EMPTY);
    return (json_is_string(value) && conversion_event_is_name(*event)) ||
           err_set(reading->err, "allowed are install, signup, first_loan, and the names that the "
                                 "campaign's field events lists");
}

/* In milliseconds. */
static bool read_time(const json_t *value, uint64_t *time_ms, struct err *err) {
    uint64_t seconds = 0;
    bool is_good = false;
    if (json_is_string(value)) {
        struct slice text = slice_make(json_string_value(value), json_string_length(value));
        is_good = clock_parse_time(text, &seconds);
    } else if (json_is_integer(value) && json_integer_value(value) >= 0) {
        seconds = (uint64_t)json_integer_value(value);
        is_good = seconds <= UINT64_MAX / MS_PER_S;
    }
    *time_ms = seconds * MS_PER_S;
    return is_good || err_set(err, "allowed are Unix seconds as an integer from 0 up, or a string "
                                   "like 2026-01-31T23:59:59Z");
}

static bool is_too_far_ahead(const struct reading *reading, uint64_t time_ms) {
    return time_ms > reading->limits->now_ms + (uint64_t)REPORT_AHEAD_S * MS_PER_S;
}

static bool read_at(struct reading *reading, const json_t *value) {
    uint64_t *at_ms = &reading->report->conversion.happened_ms;
    uint64_t now_ms = reading->limits->now_ms;
    uint64_t retain_ms = (uint64_t)reading->limits->retain_days * S_PER_DAY * MS_PER_S;
    if (!read_time(value, at_ms, reading->err)) {
        return false;
    }
    bool is_too_old = *at_ms == 0 || (now_ms > retain_ms && *at_ms < now_ms - retain_ms);
    return (!is_too_far_ahead(reading, *at_ms) && !is_too_old) ||
           err_set(reading->err, "allowed is a time of the last %u days, or at most a day ahead",
                   (unsigned)reading->limits->retain_days);
}

/* Google Play gives 0 for what it does not know. */
static bool read_play_time(const struct reading *reading, const json_t *value, uint64_t *time_ms) {
    if (!read_time(value, time_ms, reading->err)) {
        return false;
    }
    return !is_too_far_ahead(reading, *time_ms) ||
           err_set(reading->err, "allowed is a time that is at most a day ahead; 0: not known");
}

static bool read_install_begin(struct reading *reading, const json_t *value) {
    return read_play_time(reading, value, &reading->report->conversion.install_begin_ms);
}

static bool read_referrer_click(struct reading *reading, const json_t *value) {
    return read_play_time(reading, value, &reading->report->conversion.referrer_click_ms);
}

static bool read_value(struct reading *reading, const json_t *value) {
    json_int_t number = json_integer_value(value);
    reading->has_value = true;
    reading->report->conversion.value = number;
    return (json_is_integer(value) && number >= 0 && number <= REPORT_VALUE_MAX) ||
           err_set(reading->err,
                   "allowed is an integer from 0 to %lld, in minor units of the currency (cents)",
                   (long long)REPORT_VALUE_MAX);
}

static bool read_currency(struct reading *reading, const json_t *value) {
    struct slice *code = &reading->report->conversion.text[CONVERSION_TEXT_CURRENCY];
    *code = slice_make(json_string_value(value), json_string_length(value));
    return (json_is_string(value) && code->size == ISO_4217_LETTERS &&
            report_currency_is_known(*code)) ||
           err_set(reading->err, "allowed is a code of ISO 4217, like MXN");
}

static bool read_user(struct reading *reading, const json_t *value) {
    return read_text(value, CONVERSION_TEXT_BYTES_MAX,
                     &reading->report->conversion.text[CONVERSION_TEXT_USER], reading->err);
}

static bool read_key(struct reading *reading, const json_t *value) {
    struct slice *key = &reading->report->conversion.text[CONVERSION_TEXT_KEY];
    *key = slice_make(json_string_value(value), json_string_length(value));
    return (json_is_string(value) && report_key_is_valid(*key)) ||
           err_set(reading->err, "allowed is a string of 1 to %d printable ASCII characters",
                   CONVERSION_KEY_BYTES_MAX);
}

static const struct member {
    const char *name;
    bool (*read)(struct reading *reading, const json_t *value);
} members[] = {
    {"click", read_click},
    {"code", read_code},
    {"referrer", read_referrer},
    {"event", read_event},
    {"at", read_at},
    {"value", read_value},
    {"currency", read_currency},
    {"install_begin_at", read_install_begin},
    {"referrer_click_at", read_referrer_click},
    {"user", read_user},
    {"idempotency_key", read_key},
};

static bool read_member(struct reading *reading, const char *name, const json_t *value) {
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        if (slice_equal(slice_of(members[i].name), slice_of(name))) {
            return json_is_null(value) || members[i].read(reading, value);
        }
    }
    return err_set(reading->err,
                   "there is no such field; allowed: click, code, referrer, event, at, value, "
                   "currency, install_begin_at, referrer_click_at, user, idempotency_key");
}

/* ---- the referrer ---- */

/* Of a parameter, decoded into storage; empty when it is not there, or cannot be that. */
static struct slice parameter_of(struct slice referrer, struct slice name, char *storage,
                                 size_t capacity) {
    struct slice raw;
    if (!http_query_find(referrer, name, &raw)) {
        return SLICE_EMPTY;
    }
    size_t size = http_percent_decode(raw, storage, capacity);
    return size == SIZE_MAX ? SLICE_EMPTY : slice_make(storage, size);
}

static bool is_same_or_empty(struct slice given, struct slice found) {
    return given.size == 0 || found.size == 0 || slice_equal(given, found);
}

/* What Google Play hands to the app: the referrer of the store's link, decoded or not yet. Other
 * people's campaigns have other parameters, so what makes no sense is not there. */
static bool take_referrer(struct reading *reading) {
    struct report *report = reading->report;
    struct slice *code = &report->conversion.text[CONVERSION_TEXT_CODE];
    struct slice *click = &report->conversion.text[CONVERSION_TEXT_CLICK];
    char decoded[REPORT_REFERRER_BYTES_MAX];
    struct slice referrer = reading->referrer;
    if (slice_find(referrer, SLICE("=")) == SIZE_MAX) {
        size_t size = http_percent_decode(referrer, decoded, sizeof(decoded));
        referrer = size == SIZE_MAX ? SLICE_EMPTY : slice_make(decoded, size);
    }
    struct slice found_code =
        parameter_of(referrer, SLICE("utm_content"), report->code, sizeof(report->code));
    struct slice found_click =
        parameter_of(referrer, SLICE("click"), report->token, sizeof(report->token));
    found_code = code_is_valid(found_code) ? found_code : SLICE_EMPTY;
    for (size_t i = 0; i < found_click.size; i++) {
        if (found_click.data[i] <= ' ' || found_click.data[i] > '~') {
            found_click = SLICE_EMPTY;
        }
    }
    if (!is_same_or_empty(*code, found_code) || !is_same_or_empty(*click, found_click)) {
        return err_set(reading->err, "it names another code, or click, than the report itself");
    }
    *code = code->size > 0 ? *code : found_code;
    *click = click->size > 0 ? *click : found_click;
    return (code->size > 0 || click->size > 0) ||
           err_set(reading->err, "it has neither a utm_content that is a code, nor a click: "
                                 "whoever came with it did not come by a link of ours");
}

/* ---- the whole ---- */

static bool fail(struct json_fault *fault, const char *name) {
    const char *shown = name[0] != '\0' ? name : "\"\""; /* the empty name is one, too */
    err_prefix(&fault->err, "%.64s", shown);
    size_t size = strnlen(shown, sizeof(fault->field) - 1);
    memcpy(fault->field, shown, size);
    fault->field[size] = '\0';
    return false;
}

/* What belongs together. */
static bool check(struct reading *reading, struct json_fault *fault) {
    const struct conversion *conversion = &reading->report->conversion;
    bool has_currency = conversion->text[CONVERSION_TEXT_CURRENCY].size > 0;
    if (conversion->text[CONVERSION_TEXT_EVENT].size == 0) {
        err_set(&fault->err, "missing: install, signup, first_loan, or a name that the campaign's "
                             "field events lists");
        return fail(fault, "event");
    }
    if (reading->referrer.size > 0 && !take_referrer(reading)) {
        return fail(fault, "referrer");
    }
    if (conversion->text[CONVERSION_TEXT_CODE].size == 0 &&
        conversion->text[CONVERSION_TEXT_CLICK].size == 0) {
        err_set(&fault->err, "missing: a report has a click, a code, or a referrer with one");
        return fail(fault, "click");
    }
    if (reading->has_value != has_currency) {
        err_set(&fault->err, "missing: value and currency come together");
        return fail(fault, has_currency ? "value" : "currency");
    }
    return true;
}

bool report_read(const void *json, const struct report_limits *limits, struct report *report,
                 struct json_fault *fault) {
    struct reading reading = {.limits = limits, .report = report, .err = &fault->err};
    const char *name;
    json_t *value;
    *report = (struct report){.state = REPORT_NEW};
    fault->field[0] = '\0';
    if (!json_is_object((const json_t *)json)) {
        return err_set(&fault->err, "a report is a JSON object");
    }
    json_object_foreach((json_t *)(uintptr_t)json, name, value) {
        if (!read_member(&reading, name, value)) {
            return fail(fault, name);
        }
    }
    return check(&reading, fault);
}
