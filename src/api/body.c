/*
 * body.c - content by length, or in chunks.
 */
#include "body.h"

static enum body_result take_data(struct body *body, struct slice input, size_t *consumed);
static enum body_result take_control(struct body *body, char c);
static enum body_result take_size(struct body *body, char c);
static enum body_result take_trailer(struct body *body, char c);
static enum body_result expect(struct body *body, bool is_expected, enum body_step next);

enum body_result body_begin(struct body *body, bool is_chunked, uint64_t length, size_t limit) {
    *body = (struct body){.step = is_chunked ? BODY_SIZE : BODY_PLAIN, .limit = limit};
    buf_init(&body->bytes, limit);
    if (is_chunked) {
        return BODY_MORE;
    }
    if (length > limit) {
        return BODY_TOO_LARGE;
    }
    body->left = length;
    if (length == 0) {
        body->step = BODY_END;
        return BODY_DONE;
    }
    return BODY_MORE;
}

void body_fini(struct body *body) {
    buf_fini(&body->bytes);
}

enum body_result body_take(struct body *body, struct slice input, size_t *consumed) {
    enum body_result result = body->step == BODY_END ? BODY_DONE : BODY_MORE;
    *consumed = 0;
    while (result == BODY_MORE && *consumed < input.size) {
        if (body->step == BODY_PLAIN || body->step == BODY_DATA) {
            result = take_data(body, input, consumed);
        } else {
            result = take_control(body, input.data[(*consumed)++]);
        }
    }
    return result;
}

static enum body_result take_data(struct body *body, struct slice input, size_t *consumed) {
    struct slice piece = slice_from(input, *consumed);
    piece = slice_first(piece, body->left < piece.size ? (size_t)body->left : piece.size);
    if (!buf_append(&body->bytes, piece)) {
        return BODY_TOO_LARGE;
    }
    *consumed += piece.size;
    body->left -= piece.size;
    if (body->left > 0) {
        return BODY_MORE;
    }
    bool is_whole = body->step == BODY_PLAIN;
    body->step = is_whole ? BODY_END : BODY_DATA_CR;
    return is_whole ? BODY_DONE : BODY_MORE;
}

/* A byte of what stands around the chunks. */
static enum body_result take_control(struct body *body, char c) {
    switch (body->step) {
    case BODY_SIZE:
        return take_size(body, c);
    case BODY_EXTENSION:
        body->step = c == '\r' ? BODY_SIZE_LF : BODY_EXTENSION;
        return c == '\n' || ++body->line_bytes > BODY_LINE_BYTES_MAX ? BODY_BAD : BODY_MORE;
    case BODY_SIZE_LF:
        body->is_line_begun = false;
        body->line_bytes = 0;
        return expect(body, c == '\n', body->is_last ? BODY_TRAILER : BODY_DATA);
    case BODY_DATA_CR:
        return expect(body, c == '\r', BODY_DATA_LF);
    case BODY_DATA_LF:
        body->left = 0;
        body->digits = 0;
        return expect(body, c == '\n', BODY_SIZE);
    case BODY_TRAILER:
    case BODY_TRAILER_LF:
        return take_trailer(body, c);
    case BODY_PLAIN:
    case BODY_DATA:
    case BODY_END:
        break;
    }
    ENSURE(false && "a step that has no line");
    return BODY_BAD;
}

static int hex_value(char c) {
    char lower = slice_lower_char(c);
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* chunk-size [ chunk-ext ] CRLF */
static enum body_result take_size(struct body *body, char c) {
    int value = hex_value(c);
    if (value < 0) {
        body->is_last = body->left == 0;
        body->line_bytes = 0;
        bool is_extended = c == ';' || c == ' ' || c == '\t';
        return expect(body, body->digits > 0 && (c == '\r' || is_extended),
                      c == '\r' ? BODY_SIZE_LF : BODY_EXTENSION);
    }
    if (++body->digits > BODY_LINE_BYTES_MAX || body->left > (uint64_t)INT64_MAX >> 4) {
        return BODY_BAD;
    }
    body->left = body->left << 4 | (uint64_t)value;
    return body->left > body->limit - body->bytes.size ? BODY_TOO_LARGE : BODY_MORE;
}

/* Lines up to an empty one. */
static enum body_result take_trailer(struct body *body, char c) {
    if (++body->line_bytes > BODY_TRAILER_BYTES_MAX) {
        return BODY_BAD;
    }
    if (body->step == BODY_TRAILER) {
        body->step = c == '\r' ? BODY_TRAILER_LF : BODY_TRAILER;
        body->is_line_begun |= c != '\r';
        return c == '\n' ? BODY_BAD : BODY_MORE;
    }
    bool is_end = !body->is_line_begun;
    body->is_line_begun = false;
    enum body_result result = expect(body, c == '\n', is_end ? BODY_END : BODY_TRAILER);
    return result == BODY_MORE && is_end ? BODY_DONE : result;
}

static enum body_result expect(struct body *body, bool is_expected, enum body_step next) {
    body->step = next;
    return is_expected ? BODY_MORE : BODY_BAD;
}
