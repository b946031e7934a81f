/*
 * explain.c - see credit/explain.h.
 *
 * Everything that is read may be anybody's: texts are made UTF-8, numbers are checked, and what
 * makes no sense is left out.
 */
#include "credit/explain.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "click/click.h"
#include "click/token.h"
#include "credit/explain_words.h"
#include "explain_journal.h"
#include "explain_private.h"
#include "redis/pipe.h"
#include "stats/find.h"
#include "stats/keys.h"

enum { BYTES_MAX = 4 * 1024 * 1024, LINE_BYTES_MAX = 1024 };

static bool find_in_streams(struct explanation *it, struct err *err);
static void find_in_journals(struct explanation *it);
static bool find_counting(struct explanation *it, struct err *err);
static void tell_token(struct explanation *it);
static void tell_why(struct explanation *it);

/* --- reading the question ------------------------------------------------------------------- */

static int base64url_value(char c) {
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *at = c != '\0' ? strchr(alphabet, c) : NULL;
    return at != NULL ? (int)(at - alphabet) : -1;
}

/* Four characters are three bytes; a token's first 16 are the click's id. */
static bool read_token(struct slice text, struct ulid *id) {
    uint8_t bytes[TOKEN_SIZE / 4 * 3];
    for (size_t i = 0; i < TOKEN_SIZE; i += 4) {
        uint32_t word = 0;
        for (size_t k = 0; k < 4; k++) {
            int value = base64url_value(text.data[i + k]);
            if (value < 0) {
                return false;
            }
            word = word << 6 | (uint32_t)value;
        }
        bytes[i / 4 * 3] = (uint8_t)(word >> 16);
        bytes[i / 4 * 3 + 1] = (uint8_t)(word >> 8);
        bytes[i / 4 * 3 + 2] = (uint8_t)word;
    }
    memcpy(id->bytes, bytes, sizeof(id->bytes));
    return true;
}

bool explain_read(struct slice text, struct slice code, struct explain_subject *subject,
                  struct err *err) {
    *subject = (struct explain_subject){.code = code};
    if (code.size > TOKEN_CODE_BYTES_MAX) {
        return err_set(err, "the code is longer than %d bytes", TOKEN_CODE_BYTES_MAX);
    }
    if (text.size == ULID_TEXT_SIZE && ulid_parse(text, &subject->id)) {
        return true;
    }
    if (text.size == TOKEN_SIZE && read_token(text, &subject->id)) {
        subject->token = text;
        return true;
    }
    return err_set(err,
                   "that is no click: allowed are a click token (%d characters of A-Z a-z 0-9 "
                   "- _) and a ULID (%d)",
                   TOKEN_SIZE, ULID_TEXT_SIZE);
}

/* --- the document --------------------------------------------------------------------------- */

json_t *explain_text(struct slice text) {
    json_t *value = text.size == 0 ? json_string("") : json_stringn(text.data, text.size);
    if (value != NULL) {
        return value;
    }
    struct buf sound;
    buf_init(&sound, BYTES_MAX);
    while (text.size > 0) {
        size_t size = slice_utf8_size(text);
        buf_append(&sound, size > 0 ? slice_first(text, size) : SLICE("\xEF\xBF\xBD"));
        text = slice_from(text, size > 0 ? size : 1);
    }
    value = json_stringn(sound.data, sound.size);
    buf_fini(&sound);
    return value != NULL ? value : json_string("");
}

void explain_looked(struct explanation *it, const char *format, ...) {
    char line[LINE_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    json_array_append_new(it->looked, explain_text(slice_of(line)));
}

static struct slice word_of(const struct explanation *it, const char *name) {
    const char *text = json_string_value(json_object_get(it->click, name));
    return text != NULL ? slice_of(text) : SLICE_EMPTY;
}

static void begin(struct explanation *it) {
    char id[ULID_TEXT_SIZE];
    ulid_format(&it->subject->id, id);
    it->document = json_object();
    it->looked = json_array();
    json_object_set_new(it->document, "id", json_stringn(id, sizeof(id)));
    json_object_set_new(it->document, "at",
                        json_integer((json_int_t)ulid_unix_ms(&it->subject->id)));
    json_object_set_new(it->document, "found", json_false());
    static const char *const parts[] = {"token",   "click",   "why",      "shipped",
                                        "journal", "counted", "counting", "conversions"};
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        json_object_set_new(it->document, parts[i], json_null());
    }
}

static bool finish(struct explanation *it, struct buf *out) {
    bool is_found = it->click != NULL || it->has_credit || it->has_reports;
    json_object_set_new(it->document, "found", json_boolean(is_found));
    json_object_set(it->document, "looked", it->looked);
    char *text = json_dumps(it->document, JSON_COMPACT);
    ENSURE(text != NULL);
    buf_append(out, slice_of(text));
    free(text);
    return is_found;
}

enum explain_result explain_click(const struct explain_source *source,
                                  const struct explain_subject *subject, struct buf *out,
                                  struct err *err) {
    struct explanation it = {.source = source, .subject = subject};
    begin(&it);
    bool is_good = source->pipe == NULL || find_in_streams(&it, err);
    if (source->pipe == NULL) {
        explain_looked(&it, "not in Redis: it cannot be asked");
    }
    if (is_good && it.click == NULL) {
        find_in_journals(&it);
    }
    is_good = is_good &&
              (source->pipe == NULL || (find_counting(&it, err) && explain_conversions(&it, err)));
    enum explain_result result = EXPLAIN_FAILED;
    if (is_good) {
        tell_token(&it);
        tell_why(&it);
        result = finish(&it, out) ? EXPLAIN_FOUND : EXPLAIN_NOT_FOUND;
    }
    json_decref(it.looked);
    json_decref(it.document);
    return result;
}

/* --- where it is ---------------------------------------------------------------------------- */

static void take_click(struct explanation *it, json_t *click) {
    it->click = click;
    json_object_set_new(it->document, "click", click);
}

static json_t *field_of(const char *name, struct slice value) {
    uint64_t number;
    bool is_number = strcmp(name, "at") == 0 || strcmp(name, "version") == 0;
    return is_number && slice_to_u64(value, INT64_MAX, &number) ? json_integer((json_int_t)number)
                                                                : explain_text(value);
}

static void add_field(void *argument, struct slice name, struct slice ignored) {
    struct found_field *to = argument;
    char text[32];
    (void)ignored;
    ENSURE(name.size < sizeof(text));
    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    json_object_set_new(to->click, text, field_of(text, found_click_value(to->found, text)));
}

/* The names, in their order, are those of any click. */
static json_t *click_of(const struct found_click *found) {
    static const struct click any = {.version = CLICK_VERSION};
    struct found_field to = {.click = json_object(), .found = found};
    const struct click_visitor visitor = {.field = add_field, .argument = &to};
    click_fields(&any, &visitor);
    return to.click;
}

static bool find_in_streams(struct explanation *it, struct err *err) {
    struct buf bytes;
    struct found_click found = {.bytes = &bytes};
    buf_init(&bytes, BYTES_MAX);
    enum find_result result =
        find_click(it->source->pipe, it->source->key_prefix, &it->subject->id, &found, err);
    if (result == FIND_FOUND) {
        char entry[64];
        snprintf(entry, sizeof(entry), "%" PRIu64 "-%" PRIu64, found.ms, found.sequence);
        take_click(it, click_of(&found));
        snprintf(it->stream, sizeof(it->stream), "%.*s", SLICE_ARG(found.stream));
        it->ms = found.ms;
        it->sequence = found.sequence;
        it->is_shipped = true;
        json_object_set_new(
            it->document, "shipped",
            json_pack("{s:o,s:s}", "stream", explain_text(found.stream), "entry", entry));
    }
    buf_fini(&bytes);
    explain_looked(it,
                   "the queue's streams in Redis: %s; what is counted stays there for %" PRIu64
                   " hours (queue.retain_hours)",
                   result == FIND_FOUND ? "it is there" : "it is not there (any more)",
                   it->source->queue_retain_hours);
    return result != FIND_FAILED;
}

static void find_in_journals(struct explanation *it) {
    struct journal_sighting sighting = {0};
    struct buf json;
    size_t journals;
    size_t unreadable;
    if (it->source->data_dir == NULL) {
        explain_looked(it, "no journals: they are on the edges' machines; `brinco explain` there "
                           "reads them");
        return;
    }
    buf_init(&json, BYTES_MAX);
    sighting.json = &json;
    enum journal_search_result result =
        journal_search(it->source->data_dir, &it->subject->id, &sighting, &journals, &unreadable);
    if (result == JOURNAL_SEARCH_FOUND) {
        take_click(it, json_loadb(json.data, json.size, 0, NULL));
        snprintf(it->stream, sizeof(it->stream), "%.*sclicks:%s:%" PRIu32,
                 SLICE_ARG(it->source->key_prefix), sighting.edge_id, sighting.worker);
        it->ms = ulid_unix_ms(&it->subject->id);
        it->sequence = sighting.sequence;
        json_object_set_new(it->document, "journal",
                            json_pack("{s:o,s:I,s:I}", "directory",
                                      explain_text(slice_of(sighting.directory)), "segment",
                                      (json_int_t)sighting.segment, "sequence",
                                      (json_int_t)sighting.sequence));
    }
    buf_fini(&json);
    explain_looked(it,
                   "the journals under %s (%zu%s): %s; what is shipped stays there for %" PRIu64
                   " hours (journal.retain_hours)",
                   it->source->data_dir, journals,
                   unreadable > 0 ? ", some of which could not be read" : "",
                   result == JOURNAL_SEARCH_FOUND ? "it is there" : "it is not there (any more)",
                   it->source->journal_retain_hours);
}

/* --- counting ------------------------------------------------------------------------------- */

/* "MS-SEQUENCE"; false when it is none. */
static bool read_place(struct slice text, uint64_t *ms, uint64_t *sequence) {
    struct slice first = slice_split(&text, '-');
    return slice_to_u64(first, UINT64_MAX, ms) && slice_to_u64(text, UINT64_MAX, sequence);
}

static bool is_at_or_below(const struct explanation *it, struct slice place) {
    uint64_t ms;
    uint64_t sequence;
    return read_place(place, &ms, &sequence) &&
           (ms > it->ms || (ms == it->ms && sequence >= it->sequence));
}

static void say_counting(struct explanation *it, json_t *counted, const char *sentence) {
    json_object_set_new(it->document, "counted", counted);
    json_object_set_new(it->document, "counting", json_string(sentence));
}

/* Its entry itself is not known: it was trimmed. */
static void note_shipping(struct explanation *it) {
    if (!it->is_shipped) {
        it->is_shipped = true;
        json_object_set_new(
            it->document, "shipped",
            json_pack("{s:o,s:n}", "stream", explain_text(slice_of(it->stream)), "entry"));
    }
}

/* Of one that is in a journal alone: whether its stream went past it. */
static bool find_shipping(struct explanation *it, struct err *err) {
    const struct slice command[] = {SLICE("XREVRANGE"), slice_of(it->stream), SLICE("+"),
                                    SLICE("-"),         SLICE("COUNT"),       SLICE("1")};
    const struct redis_reply *reply =
        redis_pipe_command(it->source->pipe, ARRAY_COUNT(command), command, err);
    if (reply == NULL) {
        return false;
    }
    const struct redis_reply *last = redis_reply_at(reply, 0);
    if (is_at_or_below(it, redis_reply_text(redis_reply_at(last, 0)))) {
        note_shipping(it);
    }
    return true;
}

static bool find_counting(struct explanation *it, struct err *err) {
    char bytes[512];
    struct buf key = buf_over(bytes, sizeof(bytes));
    if (it->click == NULL) {
        say_counting(it, json_null(), "whether it was counted cannot be told any more");
        return true;
    }
    if (!it->is_shipped && !find_shipping(it, err)) {
        return false;
    }
    ENSURE(stats_key(&key, it->source->key_prefix, "mark"));
    const struct slice command[] = {SLICE("HGET"), buf_slice(&key), slice_of(it->stream)};
    const struct redis_reply *reply =
        redis_pipe_command(it->source->pipe, ARRAY_COUNT(command), command, err);
    if (reply == NULL) {
        return false;
    }
    if (is_at_or_below(it, redis_reply_text(reply))) {
        note_shipping(it);
        say_counting(it, json_true(), "counted: the collector's mark of its stream is past it");
    } else if (it->is_shipped) {
        say_counting(it, json_false(),
                     "shipped, and not counted yet: the collector's mark of its "
                     "stream is before it");
    } else {
        say_counting(it, json_false(), "in the journal, and not shipped yet");
    }
    return true;
}

/* --- sentences ------------------------------------------------------------------------------ */

static struct slice code_of(const struct explanation *it) {
    if (it->subject->code.size > 0) {
        return it->subject->code;
    }
    struct slice code = word_of(it, "code");
    return code.size > 0 ? code : slice_of(it->credit_code);
}

static bool is_ours(const struct explanation *it, struct slice code) {
    struct ulid ignored;
    return code.size > 0 && code.size <= TOKEN_CODE_BYTES_MAX &&
           token_verify(it->source->token_key, it->subject->token, code, &ignored);
}

static void tell_token(struct explanation *it) {
    struct slice token = it->subject->token;
    struct slice code = code_of(it);
    const char *verdict = "unknown";
    const char *meaning;
    if (token.size == 0) {
        return;
    }
    if (it->source->token_key == NULL) {
        meaning = "whether it is ours cannot be told here: the secret under data.dir is needed";
    } else if (code.size == 0) {
        meaning = "whether it is ours cannot be told without the code: the click is not known";
    } else if (is_ours(it, code)) {
        verdict = "ours";
        meaning = "this token is ours, for this code";
    } else if (is_ours(it, word_of(it, "code"))) {
        verdict = "other_code";
        meaning = "this token is ours, and not for this code";
    } else {
        verdict = "forged";
        meaning = "this token is forged, or of another code";
    }
    json_object_set_new(it->document, "token",
                        json_pack("{s:o,s:s,s:s,s:o}", "text", explain_text(token), "verdict",
                                  verdict, "meaning", meaning, "code",
                                  code.size > 0 ? explain_text(code) : json_null()));
}

static json_t *sentence(struct buf *line) {
    json_t *text = explain_text(buf_slice(line));
    buf_clear(line);
    return text;
}

static void tell_why(struct explanation *it) {
    char bytes[LINE_BYTES_MAX];
    struct buf line = buf_over(bytes, sizeof(bytes));
    if (it->click == NULL) {
        return;
    }
    json_t *why = json_object();
    explain_kind(word_of(it, "kind"), word_of(it, "agent"), word_of(it, "in_app"), &line);
    json_object_set_new(why, "kind", sentence(&line));
    explain_outcome(word_of(it, "outcome"), &line);
    json_object_set_new(why, "outcome", sentence(&line));
    explain_rule(word_of(it, "rule"), word_of(it, "in_app"), &line);
    json_object_set_new(why, "rule", sentence(&line));
    json_object_set_new(it->document, "why", why);
}
