/*
 * json_fields.c - reading, on jansson.
 *
 * \u0000 is let through the parser, so that the field's own check can name the field.
 */
#include "json_fields.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool fail(struct json_fault *fault, const char *name) {
    size_t size = strnlen(name, sizeof(fault->field) - 1);
    memcpy(fault->field, name, size);
    fault->field[size] = '\0';
    return false;
}

/* Looks at brackets outside of strings alone; whether they match is the parser's business. */
static bool is_too_deep(struct slice text) {
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (in_string) {
            i += c == '\\' ? 1 : 0;
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_FIELDS_DEPTH_MAX) {
                return true;
            }
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return false;
}

void *json_fields_parse(struct slice text, struct json_fault *fault) {
    json_error_t error;
    fault->field[0] = '\0';
    if (is_too_deep(text)) {
        err_set(&fault->err, "nested deeper than %d", JSON_FIELDS_DEPTH_MAX);
        return NULL;
    }
    json_t *root = json_loadb(text.size > 0 ? text.data : "", text.size,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    if (root == NULL) {
        err_set(&fault->err, "not JSON: %.200s (line %d, column %d)", error.text, error.line,
                error.column);
        return NULL;
    }
    return root;
}

static json_t *parse(struct slice text, struct json_fault *fault) {
    fault->field[0] = '\0';
    if (text.size > JSON_FIELDS_BYTES_MAX) {
        err_set(&fault->err, "longer than %d bytes", JSON_FIELDS_BYTES_MAX);
        return NULL;
    }
    json_t *root = json_fields_parse(text, fault);
    if (root != NULL && !json_is_object(root)) {
        err_set(&fault->err, "not an object {...}: allowed is a JSON object");
        json_decref(root);
        return NULL;
    }
    return root;
}

/* "a, b, c": for messages. */
static void list_names(enum record_kind kind, struct err *err) {
    const struct record_shape *shape = record_shape(kind);
    char names[400];
    size_t size = (size_t)snprintf(names, sizeof(names), "%s", shape->id_name);
    for (size_t i = 0; i < shape->count && size < sizeof(names); i++) {
        size += (size_t)snprintf(names + size, sizeof(names) - size, ", %s", shape->names[i]);
    }
    err_set(err, "there is no such field; allowed: %s", names);
}

static struct slice text_of(const json_t *value) {
    return slice_make(json_string_value(value), json_string_length(value));
}

static bool take_time(struct json_fields *fields, size_t field, const json_t *value,
                      struct err *err) {
    if (json_is_string(value)) {
        return values_read_time(text_of(value), fields->time[field], &fields->value[field], err);
    }
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return err_set(err, "allowed are Unix seconds as an integer from 0 up, a string like "
                            "2026-01-31T23:59:59Z, or null");
    }
    int size = snprintf(fields->time[field], VALUES_TIME_BYTES, "%" JSON_INTEGER_FORMAT,
                        json_integer_value(value));
    fields->value[field] = slice_make(fields->time[field], (size_t)size);
    return true;
}

static bool take_count(struct json_fields *fields, size_t field, const json_t *value,
                       struct err *err) {
    if (json_is_string(value)) {
        fields->value[field] = text_of(value);
        return true;
    }
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return err_set(err, "allowed is an integer from 0 up, or null");
    }
    int size = snprintf(fields->time[field], VALUES_TIME_BYTES, "%" JSON_INTEGER_FORMAT,
                        json_integer_value(value));
    fields->value[field] = slice_make(fields->time[field], (size_t)size);
    return true;
}

static bool take_rules(struct json_fields *fields, size_t field, const json_t *value,
                       struct err *err) {
    buf_init(&fields->rules, JSON_FIELDS_BYTES_MAX);
    if (json_is_string(value)) {
        return values_read_rules(text_of(value), &fields->rules, &fields->value[field], err);
    }
    if (!json_is_array(value)) {
        return err_set(err, "allowed is an array of rules, a string that holds one, or null");
    }
    char *text = json_dumps(value, JSON_COMPACT);
    ENSURE(text != NULL);
    bool is_good = values_read_rules(slice_of(text), &fields->rules, &fields->value[field], err);
    free(text);
    return is_good;
}

static bool take_member(enum record_kind kind, struct json_fields *fields, const char *name,
                        const json_t *value, struct err *err) {
    int field = record_find_field(kind, slice_of(name));
    if (field == RECORD_UNKNOWN) {
        list_names(kind, err);
        return false;
    }
    if (field == RECORD_ID) {
        fields->has_id = true;
        fields->id = text_of(value);
        return json_is_string(value) || err_set(err, "allowed is a string");
    }
    if (record_field_is_ours(kind, (size_t)field)) {
        return err_set(err, "brinco counts it itself: it can be read, and not be set");
    }
    fields->given |= 1U << field;
    fields->value[field] = SLICE("");
    if (json_is_null(value)) {
        return true;
    }
    if (record_is_time(name)) {
        return take_time(fields, (size_t)field, value, err);
    }
    if (record_is_count(name)) {
        return take_count(fields, (size_t)field, value, err);
    }
    if (record_is_json(name)) {
        return take_rules(fields, (size_t)field, value, err);
    }
    fields->value[field] = text_of(value);
    return json_is_string(value) || err_set(err, "allowed is a string, or null");
}

bool json_fields_read(enum record_kind kind, struct slice text, struct json_fields *fields,
                      struct json_fault *fault) {
    memset(fields, 0, sizeof(*fields));
    json_t *root = parse(text, fault);
    if (root == NULL) {
        return false;
    }
    fields->root = root;
    const char *name;
    json_t *value;
    json_object_foreach(root, name, value) {
        if (!take_member(kind, fields, name, value, &fault->err)) {
            const char *shown = name[0] != '\0' ? name : "\"\""; /* the empty name is one, too */
            err_prefix(&fault->err, "%.64s", shown);
            fail(fault, shown);
            json_fields_free(fields);
            return false;
        }
    }
    return true;
}

void json_fields_free(struct json_fields *fields) {
    json_decref(fields->root);
    fields->root = NULL;
    buf_fini(&fields->rules);
}
