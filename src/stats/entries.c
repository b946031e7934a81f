/*
 * entries.c - see entries.h.
 *
 *   *N  *2 $L MS-SEQUENCE *40 $2 id $26 … $2 at $13 … … $4 rule $3 web  *2 …
 *
 * The fast path knows every byte between two values ("\r\n$4\r\ncode\r\n$") and compares it two
 * words at a time; it stops short of the end of the reply, where the words would reach beyond it.
 * The slow path looks at every length and every name. Both end in the same check of what a click
 * must have.
 */
#include "entries.h"

#include <stdio.h>

#include "base/hash.h"
#include "click/click.h"

enum field {
    FIELD_ID,
    FIELD_AT,
    FIELD_CODE,
    FIELD_CAMPAIGN,
    FIELD_OWNER,
    FIELD_KIND,
    FIELD_OUTCOME,
    FIELD_COUNTRY,
    FIELD_REGION,
    FIELD_PLATFORM,
    FIELD_BROWSER,
    FIELD_IN_APP,
    FIELD_LANGUAGE,
    FIELD_REFERRER,
    FIELD_SOURCE,
    FIELD_VISITOR,
    FIELD_VERSION,
    /* Entries of earlier writers end here. */
    FIELD_NETWORK,
    FIELD_AGENT,
    FIELD_RULE,
    FIELD_COUNT,
    FIELD_COUNT_MIN = FIELD_NETWORK
};

_Static_assert((int)FIELD_COUNT == (int)CLICK_FIELD_COUNT, "the fields of a click");
_Static_assert(FIELD_SOURCE - FIELD_KIND + 1 == ENTRY_TUPLE_TEXTS, "a tuple is a run of them");

enum {
    WORD_BYTES = 16,     /* compared and copied at a time */
    FAST_BYTES_MIN = 64, /* what must follow a value on the fast path: head and word of the next */
    DIGITS_MAX = 20,     /* of a uint64_t */
    ELEMENTS_MAX = 1 << 20, /* fields and values of an entry that anybody could mean */
};

/* A name as it stands before its value: "$4\r\ncode\r\n$". */
struct head {
    char bytes[WORD_BYTES];
    uint8_t size;
    struct slice name;
};

#define HEAD(field, digits, text)                                                                  \
    [field] = {.bytes = "$" digits "\r\n" text "\r\n$",                                            \
               .size = sizeof("$" digits "\r\n" text "\r\n$") - 1,                                 \
               .name = {text, sizeof(text) - 1}}

static const struct head heads[FIELD_COUNT] = {
    HEAD(FIELD_ID, "2", "id"),
    HEAD(FIELD_AT, "2", "at"),
    HEAD(FIELD_CODE, "4", "code"),
    HEAD(FIELD_CAMPAIGN, "8", "campaign"),
    HEAD(FIELD_OWNER, "5", "owner"),
    HEAD(FIELD_KIND, "4", "kind"),
    HEAD(FIELD_OUTCOME, "7", "outcome"),
    HEAD(FIELD_COUNTRY, "7", "country"),
    HEAD(FIELD_REGION, "6", "region"),
    HEAD(FIELD_PLATFORM, "8", "platform"),
    HEAD(FIELD_BROWSER, "7", "browser"),
    HEAD(FIELD_IN_APP, "6", "in_app"),
    HEAD(FIELD_LANGUAGE, "8", "language"),
    HEAD(FIELD_REFERRER, "8", "referrer"),
    HEAD(FIELD_SOURCE, "6", "source"),
    HEAD(FIELD_VISITOR, "7", "visitor"),
    HEAD(FIELD_VERSION, "7", "version"),
    HEAD(FIELD_NETWORK, "7", "network"),
    HEAD(FIELD_AGENT, "5", "agent"),
    HEAD(FIELD_RULE, "4", "rule"),
};

/* Of an entry of all fields, and of an earlier writer's. */
static const char fields_head[] = "*40\r\n";
static const char fields_head_min[] = "*34\r\n";

/* ---- ids ---- */

bool entry_id_parse(struct slice text, struct entry_id *id) {
    struct slice ms = slice_split(&text, '-');
    return slice_to_u64(ms, UINT64_MAX, &id->ms) && slice_to_u64(text, UINT64_MAX, &id->sequence);
}

struct entry_id entry_id_next(struct entry_id id) {
    if (id.sequence < UINT64_MAX) {
        id.sequence++;
    } else if (id.ms < UINT64_MAX) {
        id.ms++;
        id.sequence = 0;
    }
    return id;
}

int entry_id_compare(struct entry_id a, struct entry_id b) {
    if (a.ms != b.ms) {
        return a.ms < b.ms ? -1 : 1;
    }
    return (a.sequence > b.sequence) - (a.sequence < b.sequence);
}

struct slice entry_id_format(struct entry_id id, char text[ENTRY_ID_BYTES]) {
    int size =
        snprintf(text, ENTRY_ID_BYTES, "%lu-%lu", (unsigned long)id.ms, (unsigned long)id.sequence);
    return slice_make(text, (size_t)size);
}

/* ---- RESP ---- */

/* "$12\r\n" or "*12\r\n": false when there is no such line. */
static bool take_length(struct entry_reader *reader, char type, uint64_t *length) {
    const char *c = reader->at;
    uint64_t value = 0;
    if (reader->end - c < 4 || *c != type) {
        return false;
    }
    const char *first = ++c;
    for (; c < reader->end && *c >= '0' && *c <= '9' && c - first < DIGITS_MAX / 2; c++) {
        value = value * 10 + (uint64_t)(*c - '0');
    }
    if (c == first || reader->end - c < 2 || c[0] != '\r' || c[1] != '\n') {
        return false;
    }
    reader->at = c + 2;
    *length = value;
    return true;
}

static bool take_string(struct entry_reader *reader, struct slice *text) {
    uint64_t size;
    if (!take_length(reader, '$', &size) || (uint64_t)(reader->end - reader->at) < size + 2) {
        return false;
    }
    *text = slice_make(reader->at, (size_t)size);
    reader->at += size + 2;
    return true;
}

bool entries_begin(struct entry_reader *reader, struct slice reply, struct slice *error) {
    *error = SLICE_EMPTY;
    reader->at = reply.data;
    reader->end = reply.data + reply.size;
    reader->left = 0;
    if (reply.size > 3 && reply.data[0] == '-') {
        *error = slice_make(reply.data + 1, reply.size - 3);
        return false;
    }
    return take_length(reader, '*', &reader->left);
}

/* ---- what a click must have ---- */

/* Eight lower-case hexadecimal digits at once; *wrong becomes not 0 when one is none. A byte's high
 * nibble says whether it is a digit (3) or a letter (6), the low one what it is worth. */
static inline uint64_t eight_digits(const char *at, uint64_t *wrong) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t bytes;
    memcpy(&bytes, at, sizeof(bytes));
    uint64_t low = bytes & (ones * 15);
    uint64_t high = bytes >> 4 & (ones * 15);
    uint64_t letter = high >> 2 & ones;                  /* 1 in the place of each letter */
    *wrong |= high ^ (ones * 3 + letter * 3);            /* neither 3 nor 6 */
    *wrong |= (low + (ones - letter) * 6) & (ones * 16); /* a digit above 9 */
    *wrong |= letter * 16 & ~(low + ones * 15);          /* a letter below a */
    *wrong |= (low + letter * 9) & (ones * 16);          /* or above f */
    uint64_t nibbles = __builtin_bswap64(low + letter * 9);
    nibbles = (nibbles | nibbles >> 4) & UINT64_C(0x00FF00FF00FF00FF);
    nibbles = (nibbles | nibbles >> 8) & UINT64_C(0x0000FFFF0000FFFF);
    return (nibbles | nibbles >> 16) & UINT32_MAX;
}

static bool read_visitor(struct slice text, uint64_t *visitor) {
    uint64_t wrong = 0;
    if (text.size != 16) {
        return false;
    }
    *visitor = eight_digits(text.data, &wrong) << 32;
    *visitor |= eight_digits(text.data + 8, &wrong);
    return wrong == 0;
}

/* The fields are all there. has_slack: a word may be read behind every value. */
static bool make_click(struct entry_reader *reader, const struct slice value[FIELD_COUNT],
                       bool has_slack, struct entry *entry) {
    char *to = reader->tuple;
    size_t longest = 0;
    for (size_t i = FIELD_KIND; i <= FIELD_SOURCE; i++) {
        size_t size = value[i].size;
        longest |= size;
        if (longest > CLICK_TEXT_BYTES_MAX) {
            return false;
        }
        *to++ = (char)size;
        if (has_slack && size <= WORD_BYTES) {
            memcpy(to, value[i].data, WORD_BYTES);
        } else {
            memcpy(to, value[i].data, size);
        }
        to += size;
    }
    entry->tuple = slice_make(reader->tuple, (size_t)(to - reader->tuple));
    entry->code = value[FIELD_CODE];
    entry->campaign = value[FIELD_CAMPAIGN];
    return value[FIELD_VERSION].size == 1 && value[FIELD_VERSION].data[0] == '0' + CLICK_VERSION &&
           read_visitor(value[FIELD_VISITOR], &entry->visitor);
}

/* ---- the fast path ---- */

static inline bool is_head(const char *at, const struct head *head) {
    uint64_t a[2];
    uint64_t b[2];
    memcpy(a, at, WORD_BYTES);
    memcpy(b, head->bytes, WORD_BYTES);
    /* The first 8 bytes are in every head; of the others, size - 8. */
    uint64_t mask = UINT64_MAX >> (8 * (unsigned)(WORD_BYTES - head->size));
    return a[0] == b[0] && ((a[1] ^ b[1]) & mask) == 0;
}

/* Fields and values in the order of our writer; the reader is moved only when all of it is so. */
static bool take_fields_fast(struct entry_reader *reader, size_t count,
                             struct slice value[FIELD_COUNT]) {
    const char *at = reader->at;
    for (size_t i = 0; i < count; i++) {
        if (reader->end - at < FAST_BYTES_MIN || !is_head(at, &heads[i])) {
            return false;
        }
        at += heads[i].size;
        size_t size = (unsigned char)(*at++ - '0');
        if (size > 9) {
            return false;
        }
        for (unsigned more = 0; *at != '\r' && more < 2; more++) {
            unsigned digit = (unsigned char)(*at++ - '0');
            size = size * 10 + digit;
            if (digit > 9) {
                return false;
            }
        }
        if (at[0] != '\r' || at[1] != '\n' || (size_t)(reader->end - at) < size + FAST_BYTES_MIN) {
            return false;
        }
        value[i] = slice_make(at + 2, size);
        at += size + 4;
        if (at[-2] != '\r' || at[-1] != '\n') {
            return false;
        }
    }
    reader->at = at;
    return true;
}

/* ---- the slow path ---- */

static size_t field_of(struct slice name) {
    size_t field = 0;
    while (field < FIELD_COUNT && !slice_equal(name, heads[field].name)) {
        field++;
    }
    return field;
}

/* Any fields and values; false when they are not even that. *is_whole: each field of a click is
 * there once (those that earlier writers did not know at most once), and no other. */
static bool take_fields(struct entry_reader *reader, struct slice value[FIELD_COUNT],
                        bool *is_whole) {
    uint64_t elements;
    uint32_t seen = 0;
    if (!take_length(reader, '*', &elements) || elements > ELEMENTS_MAX) {
        return false;
    }
    *is_whole = elements % 2 == 0;
    for (uint64_t i = 0; i < elements; i += 2) {
        struct slice name;
        struct slice text = SLICE_EMPTY;
        if (!take_string(reader, &name) || (i + 1 < elements && !take_string(reader, &text))) {
            return false;
        }
        size_t field = field_of(name);
        if (field == FIELD_COUNT || (seen >> field & 1) != 0) {
            *is_whole = false;
            continue;
        }
        seen |= UINT32_C(1) << field;
        value[field] = text;
    }
    const uint32_t needed = (UINT32_C(1) << FIELD_COUNT_MIN) - 1;
    *is_whole = *is_whole && (seen & needed) == needed;
    return true;
}

/* The fields in the order of our writer; false, with nothing read, when they are not. */
static bool try_fields_fast(struct entry_reader *reader, struct slice value[FIELD_COUNT]) {
    enum { HEAD_BYTES = sizeof(fields_head) - 1 };
    if (reader->end - reader->at <= FAST_BYTES_MIN) {
        return false;
    }
    bool is_full = memcmp(reader->at, fields_head, HEAD_BYTES) == 0;
    if (!is_full && memcmp(reader->at, fields_head_min, HEAD_BYTES) != 0) {
        return false;
    }
    reader->at += HEAD_BYTES;
    bool is_taken = take_fields_fast(reader, is_full ? FIELD_COUNT : FIELD_COUNT_MIN, value);
    if (!is_taken) {
        reader->at -= HEAD_BYTES;
    }
    return is_taken;
}

enum entry_result entries_next(struct entry_reader *reader, struct entry *entry) {
    struct slice value[FIELD_COUNT];
    struct slice id;
    uint64_t elements;
    bool is_whole = true;
    if (reader->left == 0) {
        return ENTRY_END;
    }
    if (!take_length(reader, '*', &elements) || elements != 2 || !take_string(reader, &id) ||
        !entry_id_parse(id, &entry->id)) {
        return ENTRY_BROKEN;
    }
    bool is_fast = try_fields_fast(reader, value);
    if (!is_fast && !take_fields(reader, value, &is_whole)) {
        return ENTRY_BROKEN;
    }
    reader->left--;
    entry->is_click = is_whole && make_click(reader, value, is_fast, entry);
    return ENTRY_READ;
}

/* ---- the last id ---- */

bool entries_guess_last(struct slice reply, struct entry_id *id) {
    static const struct slice behind_id = SLICE("\r\n*40\r\n$2\r\nid\r\n$");
    static const struct slice of_earlier = SLICE("\r\n*34\r\n$2\r\nid\r\n$");
    enum { LOOK_BACK_BYTES = 8 * 1024 };
    size_t first = reply.size > LOOK_BACK_BYTES ? reply.size - LOOK_BACK_BYTES : 0;
    for (size_t i = reply.size; i > first + behind_id.size; i--) {
        const char *at = reply.data + i - behind_id.size;
        if (*at != '\r' || (memcmp(at, behind_id.data, behind_id.size) != 0 &&
                            memcmp(at, of_earlier.data, of_earlier.size) != 0)) {
            continue;
        }
        size_t begin = (size_t)(at - reply.data);
        while (begin > first && reply.data[begin - 1] != '\n') {
            begin--;
        }
        return entry_id_parse(slice_make(reply.data + begin, (size_t)(at - reply.data) - begin),
                              id);
    }
    return false;
}

/* ---- cells ---- */

#define WORD_NAME(name, text) SLICE(text),
static const struct slice kind_words[] = {TAP_KINDS(WORD_NAME)};
static const struct slice outcome_words[] = {TAP_OUTCOMES(WORD_NAME)};
static const struct slice platform_words[] = {TAP_PLATFORMS(WORD_NAME)};

static bool find_word(struct slice word, const struct slice *words, size_t count, size_t *number) {
    for (*number = 0; *number < count; ++*number) {
        if (slice_equal(word, words[*number])) {
            return true;
        }
    }
    return false;
}

bool entry_cell(struct slice tuple, struct cell *cell) {
    struct slice text[ENTRY_TUPLE_TEXTS];
    size_t kind, outcome, platform;
    for (size_t i = 0; i < ENTRY_TUPLE_TEXTS; i++) {
        size_t size = (unsigned char)tuple.data[0];
        text[i] = slice_make(tuple.data + 1, size);
        tuple = slice_make(tuple.data + 1 + size, tuple.size - 1 - size);
    }
    if (!find_word(text[0], kind_words, TAP_KIND_COUNT, &kind) ||
        !find_word(text[1], outcome_words, TAP_OUTCOME_COUNT, &outcome) ||
        !find_word(text[4], platform_words, TAP_PLATFORM_COUNT, &platform)) {
        return false;
    }
    *cell = (struct cell){
        .hour = CELL_NO_HOUR,
        .kind = (enum tap_kind)kind,
        .outcome = (enum tap_outcome)outcome,
        .platform = (enum tap_platform)platform,
        .text = {[CELL_COUNTRY] = text[2],
                 [CELL_REGION] = text[3],
                 [CELL_BROWSER] = text[5],
                 [CELL_IN_APP] = text[6],
                 [CELL_LANGUAGE] = text[7],
                 [CELL_REFERRER] = text[8],
                 [CELL_SOURCE] = text[9]},
    };
    return true;
}
