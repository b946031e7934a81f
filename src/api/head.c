/*
 * head.c - a second look at a head that is known to be well-formed.
 */
#include "head.h"

#include "base/defs.h"

#define HEAD_FIELD_NAME(name, text, once) SLICE(text),
#define HEAD_FIELD_ONCE(name, text, once) once,

static void take_field(struct head *head, struct slice line);

enum http_parse_result head_parse(struct slice input, struct head *head) {
    *head = (struct head){.method = SLICE_EMPTY};
    enum http_parse_result result = http_parse(input, &head->http);
    if (result != HTTP_PARSE_DONE) {
        return result;
    }
    struct slice rest = slice_first(input, head->http.head_bytes);
    if (slice_starts_with(rest, SLICE("\r\n"))) {
        rest = slice_from(rest, 2);
    }
    struct slice line = slice_split(&rest, '\n');
    head->method = slice_split(&line, ' ');
    while (rest.size > 0) {
        take_field(head, slice_split(&rest, '\n'));
    }
    /* The parser has let digits through, up to INT64_MAX, and codings of which the last is
     * "chunked". */
    struct slice length = head->field[HEAD_CONTENT_LENGTH];
    while (length.size > 1 && length.data[0] == '0') {
        length = slice_from(length, 1);
    }
    bool is_number = slice_to_u64(length, INT64_MAX, &head->length);
    ENSURE(is_number || length.data == NULL);
    struct slice coding = head->field[HEAD_TRANSFER_ENCODING];
    head->is_chunked = slice_equal_nocase(coding, SLICE("chunked"));
    head->is_coded = coding.data != NULL && !head->is_chunked;
    return HTTP_PARSE_DONE;
}

static void take_field(struct head *head, struct slice line) {
    static const struct slice names[HEAD_FIELD_COUNT] = {HEAD_FIELDS(HEAD_FIELD_NAME)};
    static const bool once[HEAD_FIELD_COUNT] = {HEAD_FIELDS(HEAD_FIELD_ONCE)};
    struct slice name = slice_split(&line, ':');
    for (size_t i = 0; i < HEAD_FIELD_COUNT; i++) {
        if (!slice_equal_nocase(name, names[i])) {
            continue;
        }
        if (head->field[i].data == NULL) {
            struct slice text = slice_first(line, line.size > 0 ? line.size - 1 : 0); /* CR */
            head->field[i] = slice_trim(text);
            if (head->field[i].data == NULL) {
                head->field[i].data = ""; /* there, and empty */
            }
        } else if (once[i]) {
            head->repeated = names[i].data;
        }
        return;
    }
}
