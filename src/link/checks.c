/*
 * checks.c - thresholds, out of words.
 */
#include "link/checks.h"

#include "base/defs.h"
#include "base/err.h"

enum {
    CHECKS_BYTES_MAX = 512,
    SECONDS_MAX = 366 * 86400, /* a threshold beyond it is a mistake; "off" says so */
    COUNT_MAX = 1000000,
};

static const char *const names[CHECK_REASON_COUNT] = {
#define CHECK_REASON_NAME(name, text) text,
    CHECK_REASONS(CHECK_REASON_NAME)
#undef CHECK_REASON_NAME
};

static const struct checks defaults = {
    .click_after_install_s = 0,
    .too_soon_s = 10,
    .too_late_s = 7 * 86400,
    .many_by_visitor = 3,
    .many_by_network = 20,
    .own_link = true,
};

const char *check_reason_name(enum check_reason reason) {
    ENSURE((size_t)reason < CHECK_REASON_COUNT);
    return names[reason];
}

static bool read_word(struct slice word, struct checks *checks, unsigned *seen, struct err *err);

bool checks_read(struct slice text, struct checks *checks, struct err *err) {
    unsigned seen = 0;
    *checks = defaults;
    if (text.size > CHECKS_BYTES_MAX) {
        return err_set(err, "longer than %d bytes", CHECKS_BYTES_MAX);
    }
    while (text.size > 0) {
        struct slice word = slice_split(&text, ' ');
        if (word.size > 0 && !read_word(word, checks, &seen, err)) {
            *checks = defaults;
            return false;
        }
    }
    return true;
}

/* What the words are called, and where their numbers go. */
struct threshold {
    struct slice name;
    uint32_t *value; /* NULL: own_link */
    uint32_t max;
    bool zero_is_off; /* "later by more than 0 s" is a check */
};

static bool read_number(const struct threshold *threshold, struct slice value, struct err *err) {
    uint64_t number;
    if (slice_equal(value, SLICE("off"))) {
        *threshold->value = UINT32_MAX;
        return true;
    }
    if (!slice_to_u64(value, threshold->max, &number)) {
        return err_set(err, "%.*s: allowed are numbers from 0 to %u, and off",
                       SLICE_ARG(threshold->name), threshold->max);
    }
    *threshold->value = number == 0 && threshold->zero_is_off ? UINT32_MAX : (uint32_t)number;
    return true;
}

static bool read_switch(struct slice value, bool *on, struct err *err) {
    *on = slice_equal(value, SLICE("on"));
    return *on || slice_equal(value, SLICE("off")) || slice_equal(value, SLICE("0")) ||
           err_set(err, "own_link: allowed are on and off");
}

static bool read_word(struct slice word, struct checks *checks, unsigned *seen, struct err *err) {
    const struct threshold thresholds[] = {
        {SLICE("click_after_install_s"), &checks->click_after_install_s, SECONDS_MAX, false},
        {SLICE("too_soon_s"), &checks->too_soon_s, SECONDS_MAX, true},
        {SLICE("too_late_s"), &checks->too_late_s, SECONDS_MAX, true},
        {SLICE("many_by_visitor"), &checks->many_by_visitor, COUNT_MAX, true},
        {SLICE("many_by_network"), &checks->many_by_network, COUNT_MAX, true},
        {SLICE("own_link"), NULL, 0, true},
    };
    struct slice name = slice_split(&word, '=');
    for (size_t i = 0; i < ARRAY_COUNT(thresholds); i++) {
        if (!slice_equal(name, thresholds[i].name)) {
            continue;
        }
        if ((*seen & 1U << i) != 0) {
            return err_set(err, "%.*s: given twice", SLICE_ARG(name));
        }
        *seen |= 1U << i;
        return thresholds[i].value != NULL ? read_number(&thresholds[i], word, err)
                                           : read_switch(word, &checks->own_link, err);
    }
    return err_set(err,
                   "\"%.*s\" is no check; allowed are click_after_install_s, too_soon_s, "
                   "too_late_s, many_by_visitor, many_by_network (=NUMBER or =off) and own_link "
                   "(=on or =off), separated by spaces",
                   SLICE_ARG(slice_first(name, 64)));
}
