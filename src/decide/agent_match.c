/*
 * agent_match.c - finds every token of the table in one pass over the string.
 *
 * Aho and Corasick, "Efficient string matching: an aid to bibliographic search" (CACM 18(6),
 * 1975), with the failure links folded into a dense table of transitions: a byte costs two
 * look-ups, however many tokens there are. Bytes are first mapped to classes (those that stand in
 * some token, upper and lower case together; all others share class 0), which keeps a row of the
 * table to some fifty entries.
 *
 * A transition names the row it leads to by where that begins, and says whether tokens end there.
 * So a byte has nothing to multiply and no third table to look into: nine instructions instead of
 * eleven and a half.
 *
 * A state knows the longest token that ends in it; `shorter` leads to the next shorter one that
 * ends at the same byte, `same` to another token with the same text. A token of AGENT_FACT_NONE
 * ends that walk: "cubot" is a make of phones and hides the "bot" in it.
 *
 * Threads   Immutable after agent_matcher_create(): any.
 * Limits    STATES_MAX states, which the table's text is nowhere near; a bug beyond.
 */
#include "agent_table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"

enum { STATES_MAX = UINT16_MAX - 1, NOTHING = UINT16_MAX };

static const uint32_t TOKENS_END = 1U << 31; /* in the state that a transition leads to */

struct agent_matcher {
    const struct agent_token *tokens;
    size_t token_count;
    size_t classes;
    size_t states;
    uint8_t class_of[256];
    uint32_t *next;    /* [states][classes]: where the next state's row begins, | TOKENS_END */
    uint16_t *longest; /* of a state: the longest token that ends there, or NOTHING */
    uint16_t *shorter; /* of a state: the state of the next shorter token, or 0 */
    uint16_t *same;    /* of a token: the next with the same text, or NOTHING */
    uint8_t *length;   /* of a token */
};

static size_t number_classes(struct agent_matcher *m);
static void insert_token(struct agent_matcher *m, uint16_t token);
static void fold_failures(struct agent_matcher *m);
static void point_to_rows(struct agent_matcher *m);
/* Not inlined: the loop around it keeps its registers. */
__attribute__((noinline)) static void note_tokens(const struct agent_matcher *m, uint16_t state,
                                                  struct slice text, size_t end,
                                                  struct agent_verdict *verdict);
static bool stands_right(enum agent_place place, struct slice text, size_t begin, size_t end);

struct agent_matcher *agent_matcher_create(const struct agent_token *tokens, size_t count) {
    struct agent_matcher *m = calloc(1, sizeof *m);
    ENSURE(m != NULL);
    m->tokens = tokens;
    m->token_count = count;
    size_t states_max = 1 + number_classes(m);
    ENSURE(states_max <= STATES_MAX && count < NOTHING);

    m->states = 1;
    m->next = calloc(states_max * m->classes, sizeof *m->next);
    m->longest = malloc(states_max * sizeof *m->longest);
    m->shorter = calloc(states_max, sizeof *m->shorter);
    m->same = malloc(count * sizeof *m->same);
    m->length = malloc(count);
    ENSURE(m->next && m->longest && m->shorter && m->same && m->length);
    memset(m->longest, 0xff, states_max * sizeof *m->longest);
    memset(m->same, 0xff, count * sizeof *m->same);

    for (size_t i = 0; i < count; i++) {
        insert_token(m, (uint16_t)i);
    }
    fold_failures(m);
    point_to_rows(m);
    return m;
}

void agent_matcher_destroy(struct agent_matcher **matcher) {
    struct agent_matcher *m = *matcher;
    if (m == NULL) {
        return;
    }
    free(m->next);
    free(m->longest);
    free(m->shorter);
    free(m->same);
    free(m->length);
    free(m);
    *matcher = NULL;
}

struct agent_verdict agent_matcher_run(const struct agent_matcher *matcher, struct slice text) {
    struct agent_verdict verdict;
    memset(&verdict, 0xff, sizeof verdict); /* AGENT_NOT_FOUND everywhere */

    const uint32_t *next = matcher->next;
    size_t row = 0;
    const char *end = text.data + text.size;
    for (const char *at = text.data; at < end;) {
        row = next[row + matcher->class_of[(unsigned char)*at++]];
        if (UNLIKELY(row & TOKENS_END)) {
            row &= ~TOKENS_END;
            uint16_t state = (uint16_t)(row / matcher->classes);
            note_tokens(matcher, state, text, (size_t)(at - text.data), &verdict);
        }
    }
    return verdict;
}

/* Gives every byte that a token holds a class of its own. Returns how many bytes of text the
 * tokens have. */
static size_t number_classes(struct agent_matcher *m) {
    size_t bytes = 0;
    m->classes = 1;
    for (size_t i = 0; i < m->token_count; i++) {
        const char *text = m->tokens[i].text;
        size_t length = strlen(text);
        ENSURE(length > 0 && length <= UINT8_MAX);
        bytes += length;
        for (size_t j = 0; j < length; j++) {
            unsigned char byte = (unsigned char)text[j];
            ENSURE(byte < 128 && !(byte >= 'A' && byte <= 'Z'));
            if (m->class_of[byte] == 0) {
                m->class_of[byte] = (uint8_t)m->classes++;
            }
        }
    }
    for (unsigned upper = 'A'; upper <= 'Z'; upper++) {
        m->class_of[upper] = m->class_of[upper - 'A' + 'a'];
    }
    return bytes;
}

static void insert_token(struct agent_matcher *m, uint16_t token) {
    const char *text = m->tokens[token].text;
    m->length[token] = (uint8_t)strlen(text);
    uint16_t state = 0;
    for (const char *byte = text; *byte != '\0'; byte++) {
        uint32_t *edge = &m->next[state * m->classes + m->class_of[(unsigned char)*byte]];
        if (*edge == 0) {
            *edge = (uint32_t)m->states++;
        }
        state = (uint16_t)*edge;
    }
    uint16_t *last = &m->longest[state];
    while (*last != NOTHING) {
        last = &m->same[*last];
    }
    *last = token;
}

/* Breadth first, so that a state's failure, which is nearer to the root, is done before it. */
static void fold_failures(struct agent_matcher *m) {
    uint16_t *queue = malloc(m->states * sizeof *queue);
    uint16_t *failure = calloc(m->states, sizeof *failure);
    ENSURE(queue && failure);
    size_t head = 0;
    size_t tail = 0;
    queue[tail++] = 0;
    while (head < tail) {
        uint16_t state = queue[head++];
        uint16_t back = failure[state];
        m->shorter[state] = m->longest[back] != NOTHING ? back : m->shorter[back];
        if (m->longest[state] == NOTHING && m->shorter[state] != 0) {
            /* Nothing of its own: it stands for the shorter one at once. */
            m->longest[state] = m->longest[m->shorter[state]];
            m->shorter[state] = m->shorter[m->shorter[state]];
        }
        for (size_t class = 0; class < m->classes; class ++) {
            uint32_t *edge = &m->next[state * m->classes + class];
            uint16_t otherwise = state == 0 ? 0 : (uint16_t)m->next[back * m->classes + class];
            if (*edge == 0) {
                *edge = otherwise;
            } else {
                failure[*edge] = otherwise;
                queue[tail++] = (uint16_t)*edge;
            }
        }
    }
    ENSURE(tail == m->states);
    free(queue);
    free(failure);
}

/* From numbers of states. */
static void point_to_rows(struct agent_matcher *m) {
    ENSURE(m->states * m->classes < TOKENS_END);
    for (size_t i = 0; i < m->states * m->classes; i++) {
        uint32_t state = m->next[i];
        bool has_tokens = m->longest[state] != NOTHING;
        m->next[i] = state * (uint32_t)m->classes | (has_tokens ? TOKENS_END : 0);
    }
}

static void note_tokens(const struct agent_matcher *m, uint16_t state, struct slice text,
                        size_t end, struct agent_verdict *verdict) {
    for (; state != 0; state = m->shorter[state]) {
        for (uint16_t i = m->longest[state]; i != NOTHING; i = m->same[i]) {
            const struct agent_token *token = &m->tokens[i];
            if (token->fact != AGENT_FACT_NONE && i >= verdict->token[token->fact]) {
                continue; /* another has decided it */
            }
            if (token->place != AGENT_ANYWHERE &&
                !stands_right(token->place, text, end - m->length[i], end)) {
                continue;
            }
            if (token->fact == AGENT_FACT_NONE) {
                return;
            }
            verdict->token[token->fact] = i;
        }
    }
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool stands_right(enum agent_place place, struct slice text, size_t begin, size_t end) {
    switch (place) {
    case AGENT_ANYWHERE:
        return true;
    case AGENT_START:
        return begin == 0;
    case AGENT_WHOLE:
        return begin == 0 && end == text.size;
    case AGENT_WORD:
        return begin == 0 || !(is_letter(text.data[begin - 1]) ||
                               (text.data[begin - 1] >= '0' && text.data[begin - 1] <= '9'));
    case AGENT_WORD_ENDS:
        return end == text.size || !is_letter(text.data[end]);
    }
    return false;
}
