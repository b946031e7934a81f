/*
 * explain_words.c - see credit/explain_words.h.
 *
 * A click may come from an edge that is newer than this program, or from other hands: then a word
 * is not in the tables, and is shown as it is.
 */
#include "credit/explain_words.h"

#include "base/buf.h"
#include "base/defs.h"

struct word {
    const char *word;
    const char *sentence;
};

static const struct word outcomes[] = {
    {"play_store", "led to Google Play"},
    {"app_store", "led to the App Store"},
    {"web", "led to a web page"},
    {"override", "led to the link's own URL"},
    {"fallback", "led to the campaign's fallback: the link or the campaign was closed (paused, not "
                 "started, expired, used up), made no sense, or had nothing for this platform"},
    {"default", "there was no such link, or nothing it could lead to: led to the default campaign"},
    {"paused", "a page that says the link is paused or has not started yet"},
    {"expired", "a page that says the link has expired"},
    {"not_found", "a page that says there is no such link"},
    {"unresolved", "Redis could not be asked: led to the default campaign, or asked to try again"},
    {"desktop", "the page for computers, with links to the stores or a QR code"},
    {"used_up", "a page that says the link's max_clicks are used up"},
};

static const struct word deciders[] = {
    {"url", "the link's own url decided"},
    {"android", "no rule fitted; the phone is an Android, and the campaign has a place for those"},
    {"ios", "no rule fitted; it is an iPhone or iPad, and the campaign has a place for those"},
    {"web", "no rule fitted, and there is no place for this platform alone: the web template"},
    {"desktop", "no rule fitted; it is a computer, and the campaign's `desktop` says where those "
                "are led"},
    {"fallback", "the campaign's fallback template"},
    {"default", "the default campaign (edge.default_campaign)"},
};

static const struct word statuses[] = {
    {"verified", "the token proves that this click happened: it counts"},
    {"unverified",
     "nothing proves the click, or no campaign lists the event: kept, and never in the "
     "verified totals"},
    {"forged", "its token is not ours, or of another code: kept, and never in the verified totals"},
    {"waiting", "reported, and not judged yet"},
};

static const struct word reasons[] = {
    {"click_after_install", "the click is later than the install began: injected"},
    {"too_soon", "too short a time between click and event"},
    {"too_late", "too long a time between click and install"},
    {"many_by_visitor", "one visitor made many of this event that day"},
    {"many_by_network", "one network made many of this event that day"},
    {"own_link", "the owner of the link tapped it"},
};

static const char *find(const struct word *words, size_t count, struct slice word) {
    for (size_t i = 0; i < count; i++) {
        if (slice_equal(word, slice_of(words[i].word))) {
            return words[i].sentence;
        }
    }
    return NULL;
}

static void append_word(const struct word *words, size_t count, struct slice word,
                        struct buf *out) {
    const char *sentence = find(words, count, word);
    if (sentence != NULL) {
        buf_append(out, slice_of(sentence));
    } else {
        buf_append(out, SLICE("nothing is known of the word \""));
        buf_append(out, slice_first(word, 64));
        buf_append_char(out, '"');
    }
}

static void append_machine(struct slice agent, const char *what, struct buf *out) {
    if (slice_equal(agent, SLICE("(empty)"))) {
        buf_append(out, SLICE("it sent no User-Agent, which browsers always do"));
    } else if (slice_equal(agent, SLICE("(unknown)"))) {
        buf_append(out, SLICE("its User-Agent names neither a platform nor a browser nor an app"));
    } else if (agent.size == 0) {
        buf_append(out, SLICE("by its User-Agent"));
    } else {
        buf_append(out, SLICE("its User-Agent has \""));
        buf_append(out, agent);
        buf_append_char(out, '"');
    }
    buf_append(out, SLICE(": "));
    buf_append(out, slice_of(what));
}

void explain_kind(struct slice kind, struct slice agent, struct slice in_app, struct buf *out) {
    if (slice_equal(kind, SLICE("human"))) {
        buf_append(out, SLICE("a person, by a browser's User-Agent"));
        if (in_app.size > 0) {
            buf_append(out, SLICE(", inside the app "));
            buf_append(out, in_app);
        }
        buf_append(out, SLICE(": a click"));
    } else if (slice_equal(kind, SLICE("preview"))) {
        append_machine(agent, "a messenger or network that fetches a preview, never a click", out);
    } else if (slice_equal(kind, SLICE("bot"))) {
        append_machine(agent, "a crawler, monitor or HTTP library, never a click", out);
    } else if (slice_equal(kind, SLICE("prefetch"))) {
        buf_append(out, SLICE("Sec-Purpose or Purpose said prefetch: a browser fetched it ahead of "
                              "a person, never a click"));
    } else if (slice_equal(kind, SLICE("head"))) {
        buf_append(out, SLICE("asked for with HEAD, as programs look at links, never a click"));
    } else {
        append_word(NULL, 0, kind, out);
    }
}

void explain_outcome(struct slice outcome, struct buf *out) {
    append_word(outcomes, ARRAY_COUNT(outcomes), outcome, out);
}

void explain_rule(struct slice rule, struct slice in_app, struct buf *out) {
    struct slice container = rule;
    struct slice name = slice_split(&container, '+');
    struct slice by = slice_split(&name, ':');
    if (rule.size == 0) {
        buf_append(out, SLICE("nothing was chosen: an error page"));
        return;
    }
    if (slice_equal(by, SLICE("rule"))) {
        buf_append(out, SLICE("the campaign's rule \""));
        buf_append(out, name);
        buf_append(out, SLICE("\" fitted first"));
    } else {
        append_word(deciders, ARRAY_COUNT(deciders), by, out);
    }
    if (container.size == 0) {
        return;
    }
    buf_append(out, SLICE("; since the browser inside "));
    buf_append(out, in_app.size > 0 ? in_app : SLICE("the app"));
    if (slice_equal(container, SLICE("intent"))) {
        buf_append(out, SLICE(" does not open the store by itself, as an intent: URL"));
    } else if (slice_equal(container, SLICE("button"))) {
        buf_append(out, SLICE(" opens the store only when tapped, on a page with one button"));
    } else {
        buf_append(out, SLICE(" needs it, by way of \""));
        buf_append(out, slice_first(container, 64));
        buf_append_char(out, '"');
    }
}

void explain_status(struct slice status, struct buf *out) {
    append_word(statuses, ARRAY_COUNT(statuses), status, out);
}

void explain_reason(struct slice reason, struct buf *out) {
    append_word(reasons, ARRAY_COUNT(reasons), reason, out);
}
