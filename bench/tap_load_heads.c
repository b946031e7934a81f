/*
 * tap_load_heads.c - the bytes of each request, and which code it asks for.
 *
 * A head is a template: its text is cut at %CODE% once, and a request is put together with a few
 * memcpy. Codes are either lines of a file, which is mapped and never copied, or made from a
 * pattern and a number. Neither costs memory a code worth speaking of, so that ten million of them
 * leave the machine to the server.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "tap_load.h"

enum {
    PIECES_MAX = 8,
    ROUNDS = 4,
    DIGITS_MAX = 9,
    CODES_FILE_BYTES_MAX = 1024 * 1024 * 1024,
};

static const char small_head[] = "GET /%CODE% HTTP/1.1\r\n"
                                 "Host: go.example.mx\r\n"
                                 "User-Agent: Mozilla/5.0 (Linux; Android 14; Pixel 8) "
                                 "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
                                 "Mobile Safari/537.36\r\n"
                                 "Accept-Language: es-MX,es;q=0.9\r\n\r\n";

struct load_heads {
    char text[TAP_LOAD_HEAD_BYTES_MAX];
    size_t text_size;
    struct slice piece[PIECES_MAX]; /* of text; a code stands between each two */
    unsigned piece_count;
    char code[TAP_LOAD_CODE_BYTES_MAX + 1]; /* without a file: what stands before the number */
    char tail[TAP_LOAD_CODE_BYTES_MAX + 1]; /* and behind it */
    unsigned digits;                        /* 0: the code is always the same */
    const char *lines;                      /* the mapped file; NULL: none */
    size_t lines_size;
    uint32_t *line_begin; /* count + 1 of them */
    uint64_t count;
    uint64_t seed;
};

static bool read_head(struct load_heads *heads, const struct load_options *options,
                      struct err *err);
static bool cut_head(struct load_heads *heads, struct err *err);
static bool read_pattern(struct load_heads *heads, const struct load_options *options,
                         struct err *err);
static bool map_codes(struct load_heads *heads, const char *path, struct err *err);

struct load_heads *load_heads_create(const struct load_options *options, struct err *err) {
    struct load_heads *heads = calloc(1, sizeof(*heads));
    ENSURE(heads != NULL);
    heads->seed = options->seed;
    bool is_good = read_head(heads, options, err) && cut_head(heads, err);
    if (options->codes_path != NULL) {
        is_good = is_good && map_codes(heads, options->codes_path, err);
    } else {
        is_good = is_good && read_pattern(heads, options, err);
    }
    if (!is_good) {
        load_heads_destroy(&heads);
    }
    return heads;
}

void load_heads_destroy(struct load_heads **heads) {
    if (*heads == NULL) {
        return;
    }
    if ((*heads)->lines != NULL) {
        munmap((void *)(uintptr_t)(*heads)->lines, (*heads)->lines_size);
    }
    free((*heads)->line_begin);
    free(*heads);
    *heads = NULL;
}

static size_t write_code(const struct load_heads *heads, uint64_t index, char *out) {
    if (heads->lines != NULL) {
        size_t begin = heads->line_begin[index];
        size_t size = heads->line_begin[index + 1] - begin - 1;
        memcpy(out, heads->lines + begin, size);
        return size;
    }
    size_t size = strlen(heads->code);
    memcpy(out, heads->code, size);
    for (unsigned i = heads->digits; i > 0; i--, index /= 10) {
        out[size + i - 1] = (char)('0' + index % 10);
    }
    size += heads->digits;
    size_t tail_size = strlen(heads->tail);
    memcpy(out + size, heads->tail, tail_size);
    return size + tail_size;
}

size_t load_heads_write(const struct load_heads *heads, uint64_t tap,
                        char out[TAP_LOAD_HEAD_BYTES_MAX]) {
    char code[TAP_LOAD_CODE_BYTES_MAX + 1];
    uint64_t index = 0;
    if (heads->count > 1) {
        /* Each pass over all codes has an order of its own. */
        index = load_permute(tap % heads->count, heads->count, heads->seed + tap / heads->count);
    }
    size_t code_size = write_code(heads, index, code);
    size_t size = 0;
    for (unsigned i = 0; i < heads->piece_count; i++) {
        if (i > 0) {
            memcpy(out + size, code, code_size);
            size += code_size;
        }
        memcpy(out + size, heads->piece[i].data, heads->piece[i].size);
        size += heads->piece[i].size;
    }
    return size;
}

/* A Feistel network over the next even number of bits, walked until it falls within count (Black
 * and Rogaway 2002): at most four times count are looked at, so four steps on the average. */
uint64_t load_permute(uint64_t index, uint64_t count, uint64_t seed) {
    unsigned half = 1;
    while ((UINT64_C(1) << (2 * half)) < count) {
        half++;
    }
    uint64_t mask = (UINT64_C(1) << half) - 1;
    do {
        uint64_t left = index >> half;
        uint64_t right = index & mask;
        for (uint64_t round = 0; round < ROUNDS; round++) {
            uint64_t mixed = (right + seed * 8 + round + 1) * UINT64_C(0x9E3779B97F4A7C15);
            mixed = (mixed ^ (mixed >> 29)) * UINT64_C(0xBF58476D1CE4E5B9);
            uint64_t next = left ^ (mixed >> 40 & mask);
            left = right;
            right = next;
        }
        index = left << half | right;
    } while (index >= count);
    return index;
}

/* Appends one byte; false when the head is full. */
static bool put(struct load_heads *heads, char byte) {
    if (heads->text_size >= sizeof(heads->text) - PIECES_MAX * TAP_LOAD_CODE_BYTES_MAX) {
        return false;
    }
    heads->text[heads->text_size++] = byte;
    return true;
}

/* Lines may end with LF alone and the blank line may be missing, as editors leave them. */
static bool put_lines(struct load_heads *heads, struct slice text, bool closes) {
    bool is_good = true;
    bool has_connection = false;
    while (text.size > 0 && is_good) {
        struct slice line = slice_split(&text, '\n');
        if (line.size > 0 && line.data[line.size - 1] == '\r') {
            line.size--;
        }
        if (line.size == 0) {
            break;
        }
        has_connection |= slice_equal_nocase(slice_first(line, 11), SLICE("connection:"));
        for (size_t i = 0; i < line.size; i++) {
            is_good = is_good && put(heads, line.data[i]);
        }
        is_good = is_good && put(heads, '\r') && put(heads, '\n');
    }
    struct slice end =
        closes && !has_connection ? SLICE("Connection: close\r\n\r\n") : SLICE("\r\n");
    for (size_t i = 0; i < end.size; i++) {
        is_good = is_good && put(heads, end.data[i]);
    }
    return is_good;
}

static bool read_head(struct load_heads *heads, const struct load_options *options,
                      struct err *err) {
    static const char too_long[] = "%s: a head may have %d bytes";
    char text[TAP_LOAD_HEAD_BYTES_MAX + 1];
    const char *path = options->head_path;
    struct slice head = slice_of(small_head);
    if (path != NULL) {
        FILE *file = fopen(path, "re");
        if (file == NULL) {
            return err_set(err, "%s: %s", path, strerror(errno));
        }
        head = slice_make(text, fread(text, 1, sizeof(text), file));
        fclose(file);
        if (head.size == sizeof(text)) {
            return err_set(err, too_long, path, TAP_LOAD_HEAD_BYTES_MAX);
        }
    }
    if (!put_lines(heads, head, options->closes)) {
        return err_set(err, too_long, path, TAP_LOAD_HEAD_BYTES_MAX);
    }
    return true;
}

static bool cut_head(struct load_heads *heads, struct err *err) {
    static const char mark[] = "%CODE%";
    struct slice rest = slice_make(heads->text, heads->text_size);
    for (;;) {
        size_t at = slice_find(rest, slice_of(mark));
        if (heads->piece_count == PIECES_MAX) {
            return err_set(err, "a head may have %%CODE%% %d times", PIECES_MAX - 1);
        }
        heads->piece[heads->piece_count++] = slice_first(rest, at);
        if (at == SIZE_MAX) {
            break;
        }
        rest = slice_from(rest, at + sizeof(mark) - 1);
    }
    return heads->piece_count > 1 || err_set(err, "the head has no %%CODE%%");
}

static bool read_pattern(struct load_heads *heads, const struct load_options *options,
                         struct err *err) {
    struct slice pattern = slice_of(options->code);
    heads->count = options->count;
    if (pattern.size == 0 || pattern.size > TAP_LOAD_CODE_BYTES_MAX - DIGITS_MAX) {
        return err_set(err, "a code has 1 to %d bytes", TAP_LOAD_CODE_BYTES_MAX - DIGITS_MAX);
    }
    size_t at = slice_find(pattern, SLICE("%0"));
    if (at == SIZE_MAX) {
        snprintf(heads->code, sizeof(heads->code), "%s", options->code);
        return heads->count == 1 ||
               err_set(err, "--count needs a --code-pattern with %%0Nd, as in A%%07d");
    }
    struct slice number = slice_from(pattern, at + 2);
    if (number.size < 2 || number.data[0] < '1' || number.data[0] > '0' + DIGITS_MAX ||
        number.data[1] != 'd') {
        return err_set(err, "%s: behind %%0 comes a digit, 1 to %d, and d", options->code,
                       DIGITS_MAX);
    }
    heads->digits = (unsigned)(number.data[0] - '0');
    snprintf(heads->code, sizeof(heads->code), "%.*s", (int)at, options->code);
    snprintf(heads->tail, sizeof(heads->tail), "%s", number.data + 2);
    uint64_t numbers = 1;
    for (unsigned i = 0; i < heads->digits; i++) {
        numbers *= 10;
    }
    return numbers >= heads->count ||
           err_set(err, "%s has no room for that many codes", options->code);
}

static bool find_lines(struct load_heads *heads, const char *path, struct err *err) {
    heads->line_begin = malloc((TAP_LOAD_CODES_MAX + 1) * sizeof(*heads->line_begin));
    ENSURE(heads->line_begin != NULL);
    size_t begin = 0;
    while (begin < heads->lines_size) {
        const char *end = memchr(heads->lines + begin, '\n', heads->lines_size - begin);
        size_t size = end != NULL ? (size_t)(end - heads->lines) - begin : 0;
        if (size == 0 || size > TAP_LOAD_CODE_BYTES_MAX || heads->count == TAP_LOAD_CODES_MAX) {
            return err_set(err,
                           "%s: a code a line, 1 to %d bytes, each with a line break; at most "
                           "%d of them",
                           path, TAP_LOAD_CODE_BYTES_MAX, TAP_LOAD_CODES_MAX);
        }
        heads->line_begin[heads->count++] = (uint32_t)begin;
        begin += size + 1;
    }
    heads->line_begin[heads->count] = (uint32_t)begin;
    return true;
}

static bool map_codes(struct load_heads *heads, const char *path, struct err *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        err_set(err, "%s: %s", path, strerror(errno));
    } else if (!S_ISREG(status.st_mode) || status.st_size == 0 ||
               status.st_size > CODES_FILE_BYTES_MAX) {
        err_set(err, "%s: must be a file of 1 byte to %d", path, CODES_FILE_BYTES_MAX);
    } else {
        heads->lines_size = (size_t)status.st_size;
        void *map = mmap(NULL, heads->lines_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
        heads->lines = map != MAP_FAILED ? map : NULL;
        if (heads->lines == NULL) {
            err_set(err, "%s: %s", path, strerror(errno));
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return heads->lines != NULL && find_lines(heads, path, err);
}
