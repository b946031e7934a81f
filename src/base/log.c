/*
 * log.c - one event, one line, one write.
 *
 * The format of the fields is taken apart here pair by pair, so that a value with spaces, quotes
 * or line breaks is quoted as the log's format needs and can never look like another field or
 * another line.
 */
#include "base/log.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

/* What may follow the fields: that some did not fit, and the end of the line. */
enum { LINE_END_BYTES_MAX = 32 };

struct log {
    pthread_mutex_t mutex; /* one writer at a time */
    int fd;
    _Atomic int format;
    _Atomic int level;
    _Atomic uint64_t dropped;
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

struct log *log_create(int fd, enum log_format format, enum log_level level) {
    struct log *log = calloc(1, sizeof(*log));
    ENSURE(log != NULL && pthread_mutex_init(&log->mutex, NULL) == 0);
    log->fd = fd;
    log_configure(log, format, level);
    return log;
}

void log_destroy(struct log **log) {
    if (*log == NULL) {
        return;
    }
    pthread_mutex_destroy(&(*log)->mutex);
    free(*log);
    *log = NULL;
}

void log_configure(struct log *log, enum log_format format, enum log_level level) {
    atomic_store(&log->format, (int)format);
    atomic_store(&log->level, (int)level);
}

uint64_t log_dropped(const struct log *log) {
    return atomic_load(&log->dropped);
}

/* One conversion of a fields format: "%s", "%.*s", "%lu", "%08x" ... */
struct conversion {
    int longs;          /* how many l; z counts as one */
    int width;          /* of a number, filled with zeros */
    bool has_precision; /* .* */
    char type;
};

/* Reads a conversion at *at, which points behind the '%', and moves past it. */
static struct conversion read_conversion(const char **at) {
    struct conversion conversion = {0};
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        conversion.width = conversion.width * 10 + (**at - '0');
    }
    if ((*at)[0] == '.' && (*at)[1] == '*') {
        conversion.has_precision = true;
        *at += 2;
    }
    for (; **at == 'l' || **at == 'z' || **at == 'h'; (*at)++) {
        conversion.longs += **at == 'h' ? 0 : 1;
    }
    conversion.type = **at;
    ENSURE(conversion.type != '\0');
    (*at)++;
    return conversion;
}

/* A text that is too long is cut: a line has its limit anyway. */
static void append_text(struct buf *value, const char *text, int precision) {
    struct slice s = text == NULL     ? SLICE("(null)")
                     : precision >= 0 ? slice_make(text, strnlen(text, (size_t)precision))
                                      : slice_of(text);
    buf_append(value, slice_first(s, value->capacity - value->size));
}

/* The next argument as text. */
static void append_argument(struct buf *value, struct conversion conversion, va_list *arguments) {
    bool is_long = conversion.longs > 0;
    int width = conversion.width;
    int precision = conversion.has_precision ? va_arg(*arguments, int) : -1;
    switch (conversion.type) {
    case 's':
        append_text(value, va_arg(*arguments, const char *), precision);
        break;
    case 'd':
    case 'i':
        buf_printf(value, "%0*ld", width,
                   is_long ? va_arg(*arguments, long) : va_arg(*arguments, int));
        break;
    case 'u':
        buf_printf(value, "%0*lu", width,
                   is_long ? va_arg(*arguments, unsigned long) : va_arg(*arguments, unsigned));
        break;
    case 'x':
        buf_printf(value, "%0*lx", width,
                   is_long ? va_arg(*arguments, unsigned long) : va_arg(*arguments, unsigned));
        break;
    case 'f':
    case 'g':
        buf_printf(value, "%.9g", va_arg(*arguments, double));
        break;
    default:
        ENSURE(false && "a conversion that log fields do not know");
    }
}

/* A value runs to the next space of the format and may mix conversions and plain characters.
 * Whether it is one number and nothing else: *is_number. */
static void append_value(struct buf *value, const char **format, va_list *arguments,
                         bool *is_number) {
    const char *begin = *format;
    size_t conversions = 0;
    char type = '\0';
    const char *end = begin;
    while (**format != '\0' && **format != ' ') {
        if (**format != '%') {
            buf_append_char(value, *(*format)++);
            continue;
        }
        (*format)++;
        struct conversion conversion = read_conversion(format);
        append_argument(value, conversion, arguments);
        conversions++;
        type = conversion.type;
        end = *format;
    }
    *is_number = conversions == 1 && *begin == '%' && *format == end && type != 's' && type != 'x';
}

static bool is_plain(struct slice value) {
    for (size_t i = 0; i < value.size; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (c <= ' ' || c >= 0x7F || c == '"' || c == '=' || c == '\\') {
            return false;
        }
    }
    return value.size > 0;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* JSON (RFC 8259 section 6) has no word for what is not a number or has no end, and no zeros in
 * front of one. */
static bool is_json_number(struct slice value) {
    bool is_padded = value.size > 1 && value.data[0] == '0' && is_digit(value.data[1]);
    bool is_negative_padded =
        slice_starts_with(value, SLICE("-0")) && value.size > 2 && is_digit(value.data[2]);
    return value.size > 0 && is_digit(value.data[value.size - 1]) && !is_padded &&
           !is_negative_padded;
}

static void write_field(struct buf *line, enum log_format format, struct slice key,
                        struct slice value, bool is_number) {
    bool is_json = format == LOG_JSON;
    bool is_bare = is_json ? is_number && is_json_number(value) : is_plain(value);
    size_t start = line->size;
    buf_append(line, is_json ? SLICE(",\"") : SLICE(" "));
    buf_append(line, key);
    buf_append(line, is_json ? SLICE("\":") : SLICE("="));
    if (!is_bare) {
        buf_append_char(line, '"');
    }
    buf_append_json(line, value);
    if (!is_bare) {
        buf_append_char(line, '"');
    }
    if (line->overflowed) {
        line->size = start; /* a field that does not fit is left out, the line stays whole */
    }
}

static void write_fields(struct buf *line, enum log_format format, const char *fields,
                         va_list *arguments) {
    char value_bytes[LOG_LINE_BYTES_MAX];
    while (fields != NULL && *fields != '\0' && !line->overflowed) {
        const char *equals = strchr(fields, '=');
        ENSURE(equals != NULL);
        struct slice key = slice_make(fields, (size_t)(equals - fields));
        struct buf value = buf_over(value_bytes, sizeof(value_bytes));
        bool is_number;
        fields = equals + 1;
        append_value(&value, &fields, arguments, &is_number);
        write_field(line, format, key, buf_slice(&value), is_number);
        fields += *fields == ' ' ? 1 : 0;
    }
}

/* A full pipe is not waited for: promise number one is that taps are answered. Asking for room
 * and filling it are one step for our threads, or the second of two that were both promised the
 * last page of a pipe would wait for its reader. A pipe without a reader would raise SIGPIPE. */
static void put_line(struct log *log, struct slice line) {
    pthread_mutex_lock(&log->mutex);
    struct pollfd target = {.fd = log->fd, .events = POLLOUT};
    bool is_ready = poll(&target, 1, 0) == 1 && target.revents == POLLOUT;
    bool is_written = is_ready && write(log->fd, line.data, line.size) == (ssize_t)line.size;
    pthread_mutex_unlock(&log->mutex);
    if (!is_written) {
        atomic_fetch_add(&log->dropped, 1);
    }
}

static void end_line(struct buf *line, enum log_format format) {
    line->capacity += LINE_END_BYTES_MAX;
    if (line->overflowed) {
        buf_append(line, format == LOG_JSON ? SLICE(",\"cut\":true") : SLICE(" cut=true"));
    }
    buf_append(line, format == LOG_JSON ? SLICE("}\n") : SLICE("\n"));
}

void log_event(struct log *log, enum log_level level, const char *event, const char *fields, ...) {
    if (log == NULL || (int)level < atomic_load(&log->level)) {
        return;
    }
    enum log_format format = (enum log_format)atomic_load(&log->format);
    char bytes[LOG_LINE_BYTES_MAX];
    struct buf line = buf_over(bytes, sizeof(bytes) - LINE_END_BYTES_MAX);
    char now[CLOCK_RFC3339_BYTES];
    clock_rfc3339(clock_real_ms(), now);
    buf_printf(&line,
               format == LOG_JSON ? "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\""
                                  : "time=%s level=%s event=%s",
               now, level_names[level], event);
    va_list arguments;
    va_start(arguments, fields);
    write_fields(&line, format, fields, &arguments);
    va_end(arguments);
    end_line(&line, format);
    put_line(log, buf_slice(&line));
}

bool log_allowed(struct log_limit *limit, uint64_t now_ns, uint32_t interval_ms,
                 uint64_t *held_back) {
    if (now_ns < limit->next_ns) {
        limit->held_back++;
        return false;
    }
    limit->next_ns = now_ns + (uint64_t)interval_ms * 1000000u;
    *held_back = limit->held_back;
    limit->held_back = 0;
    return true;
}
