/*
 * progress.c - a bar on stderr.
 *
 * Threads   The main thread.
 */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>

enum { BAR_WIDTH = 24, LINE_BYTES_MAX = 160, INTERVAL_NS = 100 * 1000 * 1000 };

static void format_grouped(uint64_t number, char text[32]);

void progress_init(struct progress *progress, bool on, uint64_t now_ns) {
    *progress = (struct progress){.on = on, .started_ns = now_ns, .next_ns = now_ns + INTERVAL_NS};
}

void progress_show(struct progress *progress, const struct progress_state *state, uint64_t now_ns) {
    if (!progress->on || now_ns < progress->next_ns) {
        return;
    }
    char text[LINE_BYTES_MAX];
    progress_format(state, now_ns - progress->started_ns, text, sizeof text);
    fprintf(stderr, "\r%s\x1b[K", text);
    fflush(stderr);
    progress->visible = true;
    progress->next_ns = now_ns + INTERVAL_NS;
}

void progress_clear(struct progress *progress) {
    if (progress->visible) {
        fputs("\r\x1b[K", stderr);
        progress->visible = false;
    }
}

void progress_format(const struct progress_state *state, uint64_t elapsed_ns, char *text,
                     size_t size) {
    char count[32], rate[32];
    uint64_t elapsed_ms = elapsed_ns / 1000000;
    format_grouped(state->count, count);
    format_grouped(elapsed_ms > 0 ? state->count * 1000 / elapsed_ms : 0, rate);
    const char *noun = state->noun != NULL ? state->noun : "links";
    if (state->total_bytes == 0) {
        snprintf(text, size, "%s %s, %s/s", count, noun, rate);
        return;
    }
    uint64_t done = state->done_bytes < state->total_bytes ? state->done_bytes : state->total_bytes;
    double share = (double)done / (double)state->total_bytes;
    char bar[BAR_WIDTH + 1] = {0};
    for (int i = 0; i < BAR_WIDTH; i++) {
        bar[i] = i < (int)(share * BAR_WIDTH) ? '#' : ' ';
    }
    snprintf(text, size, "[%s] %3d%%  %s %s, %s/s", bar, (int)(share * 100), count, noun, rate);
}

/* 1234567 as 1,234,567. */
static void format_grouped(uint64_t number, char text[32]) {
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%" PRIu64, number);
    char *out = text;
    for (int i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0) {
            *out++ = ',';
        }
        *out++ = digits[i];
    }
    *out = '\0';
}
