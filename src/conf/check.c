/*
 * check.c - one function for each kind of value.
 *
 * All of them share a sentence: VALUE is not allowed; allowed: what check_describe() says, which
 * is also what `brinco config` prints. Lengths are looked at first, for all kinds but numbers
 * and choices.
 *
 * Threads   Pure functions.
 */
#include "check.h"

#include <string.h>

#include "address.h"
#include "base/buf.h"
#include "base/defs.h"
#include "base/err.h"
#include "conf/cidr.h"
#include "key.h"

enum {
    ALLOWED_BYTES_MAX = 320,
    SHOWN_BYTES_MAX = 64, /* of a refused value */
    HOSTS_MAX = 128,
    HOST_BYTES_MAX = 253, /* RFC 1035 section 2.3.4, without the root's dot */
    LABEL_BYTES_MAX = 63,
};

static bool read_value(const struct key *key, struct slice value, uint64_t *number);
static bool is_number(const struct key *key, struct slice value, uint64_t *number);
static bool is_choice(const struct key *key, struct slice value, uint64_t *number);
static bool are_choices(const struct key *key, struct slice value, uint64_t *number);
static bool has_length(const struct key *key, struct slice value);
static bool consists_of(struct slice value, bool (*allowed)(char c));
static bool is_letter_or_digit(char c);
static bool is_of_name(char c);
static bool is_of_prefix(char c);
static bool is_of_zone(char c);
static bool is_of_path(char c);
static bool is_of_url(char c);
static bool is_printable(char c);
static bool is_zone(struct slice value);
static bool is_web_url(struct slice value);
static bool is_redis_url(struct slice value);
static bool are_addresses(struct slice value);
static bool are_networks(struct slice value);
static bool are_hosts(struct slice value);
static bool refuse(const struct key *key, struct slice value, struct err *err);
static const char *describe_text(enum key_kind kind);
static void describe_words(const struct key *key, struct buf *out);

bool check_value(const struct key *key, struct slice value, uint64_t *number, struct err *err) {
    *number = 0;
    if (read_value(key, value, number)) {
        return true;
    }
    return refuse(key, value, err);
}

void check_describe(const struct key *key, struct buf *out) {
    if (key->kind == KEY_NUMBER) {
        buf_append_u64(out, key->minimum);
        buf_append(out, SLICE(" to "));
        buf_append_u64(out, key->maximum);
        buf_append_char(out, ' ');
        buf_append(out, slice_of(key->unit));
        return;
    }
    if (key->kind == KEY_CHOICE || key->kind == KEY_CHOICES) {
        buf_append(out, key->kind == KEY_CHOICE ? SLICE("one of ") : SLICE("one or more of "));
        describe_words(key, out);
        return;
    }
    buf_append(out, slice_of(describe_text(key->kind)));
    buf_append(out, SLICE("; at most "));
    buf_append_u64(out, key->maximum);
    buf_append(out, SLICE(" bytes"));
    if (key->minimum == 0) {
        buf_append(out, SLICE("; may be empty"));
    }
}

static bool read_value(const struct key *key, struct slice value, uint64_t *number) {
    switch (key->kind) {
    case KEY_NUMBER:
        return is_number(key, value, number);
    case KEY_CHOICE:
        return is_choice(key, value, number);
    case KEY_CHOICES:
        return are_choices(key, value, number);
    case KEY_NAME:
        return has_length(key, value) && consists_of(value, is_of_name);
    case KEY_PREFIX:
        return has_length(key, value) && consists_of(value, is_of_prefix);
    case KEY_ZONE:
        return has_length(key, value) && is_zone(value);
    case KEY_PATH:
        return has_length(key, value) && consists_of(value, is_of_path);
    case KEY_WEB_URL:
        return has_length(key, value) && (value.size == 0 || is_web_url(value));
    case KEY_REDIS_URL:
        return has_length(key, value) && is_redis_url(value);
    case KEY_ADDRESSES:
        return has_length(key, value) && (value.size == 0 || are_addresses(value));
    case KEY_NETWORKS:
        return has_length(key, value) && are_networks(value);
    case KEY_HOSTS:
        return has_length(key, value) && are_hosts(value);
    }
    ENSURE(false && "a kind of value that is not in enum key_kind");
    return false;
}

static bool is_number(const struct key *key, struct slice value, uint64_t *number) {
    return slice_to_u64(value, key->maximum, number) && *number >= key->minimum;
}

static bool is_choice(const struct key *key, struct slice value, uint64_t *number) {
    *number = key_choice(key, value);
    return *number != UINT64_MAX;
}

/* A word may stand twice: it means the same. */
static bool are_choices(const struct key *key, struct slice value, uint64_t *number) {
    *number = 0;
    struct slice word;
    while (key_next_word(&value, &word)) {
        uint64_t index = key_choice(key, word);
        if (index == UINT64_MAX) {
            return false;
        }
        *number |= UINT64_C(1) << index;
    }
    return *number != 0;
}

static bool has_length(const struct key *key, struct slice value) {
    return value.size >= key->minimum && value.size <= key->maximum;
}

static bool consists_of(struct slice value, bool (*allowed)(char c)) {
    for (size_t i = 0; i < value.size; i++) {
        if (!allowed(value.data[i])) {
            return false;
        }
    }
    return true;
}

static bool is_letter_or_digit(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_of_name(char c) {
    return is_letter_or_digit(c) || c == '-' || c == '_';
}

static bool is_printable(char c) {
    return c > ' ' && c < 0x7f;
}

static bool is_of_prefix(char c) {
    return is_printable(c) && strchr("*?[]\\", c) == NULL;
}

static bool is_of_zone(char c) {
    return is_of_name(c) || c == '+' || c == '/';
}

static bool is_of_path(char c) {
    unsigned char byte = (unsigned char)c;
    return byte >= ' ' && byte != 0x7f;
}

static bool is_of_url(char c) {
    return is_printable(c) && strchr("\"'<>\\", c) == NULL;
}

/* A zone is a file below the zone database's directory: nothing that leads out of it. */
static bool is_zone(struct slice value) {
    return consists_of(value, is_of_zone) && value.data[0] != '/';
}

static bool is_web_url(struct slice value) {
    struct slice rest;
    if (slice_starts_with(value, SLICE("https://"))) {
        rest = slice_from(value, 8);
    } else if (slice_starts_with(value, SLICE("http://"))) {
        rest = slice_from(value, 7);
    } else {
        return false;
    }
    bool has_host = rest.size > 0 && strchr("/?#:@", rest.data[0]) == NULL;
    return has_host && consists_of(rest, is_of_url);
}

static bool is_redis_url(struct slice value) {
    return (slice_starts_with(value, SLICE("redis://")) ||
            slice_starts_with(value, SLICE("unix://"))) &&
           consists_of(value, is_of_path);
}

static bool are_addresses(struct slice value) {
    struct conf_address address;
    struct slice word;
    size_t count = 0;
    while (key_next_word(&value, &word)) {
        if (!address_parse(word, &address)) {
            return false;
        }
        count++;
    }
    return count > 0;
}

static bool are_networks(struct slice value) {
    struct cidr networks[CIDR_LIST_MAX];
    size_t count;
    return cidr_parse_list(value, networks, CIDR_LIST_MAX, &count);
}

static bool is_of_label(char c) {
    return is_letter_or_digit(c) || c == '-';
}

/* As link/hosts.h reads them. */
static bool are_hosts(struct slice value) {
    struct slice word;
    size_t count = 0;
    while (key_next_word(&value, &word)) {
        struct slice rest = slice_from(word, slice_starts_with(word, SLICE("*.")) ? 2 : 0);
        if (++count > HOSTS_MAX || rest.size == 0 || rest.size > HOST_BYTES_MAX ||
            rest.data[rest.size - 1] == '.') {
            return false;
        }
        while (rest.size > 0) {
            struct slice label = slice_split(&rest, '.');
            if (label.size == 0 || label.size > LABEL_BYTES_MAX ||
                !consists_of(label, is_of_label)) {
                return false;
            }
        }
    }
    return true;
}

static bool refuse(const struct key *key, struct slice value, struct err *err) {
    char allowed_storage[ALLOWED_BYTES_MAX];
    struct buf allowed = buf_over(allowed_storage, sizeof allowed_storage);
    check_describe(key, &allowed);
    if (value.size == 0) {
        return err_set(err, "it may not be empty; allowed: %.*s", SLICE_ARG(buf_slice(&allowed)));
    }
    if (key->kind == KEY_REDIS_URL) {
        return err_set(err, "this is not allowed; allowed: %.*s", SLICE_ARG(buf_slice(&allowed)));
    }
    char shown_storage[SHOWN_BYTES_MAX];
    struct buf shown = buf_over(shown_storage, sizeof shown_storage);
    for (size_t i = 0; i < value.size && i < SHOWN_BYTES_MAX; i++) {
        buf_append_char(&shown, is_of_path(value.data[i]) ? value.data[i] : '?');
    }
    return err_set(err, "\"%.*s\"%s is not allowed; allowed: %.*s", SLICE_ARG(buf_slice(&shown)),
                   value.size > SHOWN_BYTES_MAX ? "..." : "", SLICE_ARG(buf_slice(&allowed)));
}

static const char *describe_text(enum key_kind kind) {
    switch (kind) {
    case KEY_NAME:
        return "A-Z a-z 0-9 - _";
    case KEY_PREFIX:
        return "printable ASCII without space * ? [ ] \\";
    case KEY_ZONE:
        return "a zone's name, of A-Z a-z 0-9 _ + - /";
    case KEY_PATH:
        return "a path without control characters";
    case KEY_WEB_URL:
        return "https://HOST... or http://HOST..., printable ASCII without space, quotes, \\ < >";
    case KEY_REDIS_URL:
        return "redis://[user:password@]HOST[:PORT][/DB] or unix://[user:password@]/PATH[?db=DB]";
    case KEY_ADDRESSES:
        return "HOST:PORT, several separated by spaces or commas, IPv6 in brackets, "
               "PORT 0 (any free one) to 65535";
    case KEY_NETWORKS:
        return "networks such as 10.0.0.0/8 or 2001:db8::/32, separated by spaces or commas, no "
               "address bits set beyond the prefix, at most 256 of them";
    case KEY_HOSTS:
        return "host names like example.mx, and *.example.mx for all below one, separated by "
               "spaces or commas, at most 128 of them";
    case KEY_NUMBER:
    case KEY_CHOICE:
    case KEY_CHOICES:
        break;
    }
    ENSURE(false && "a kind that check_describe() describes itself");
    return "";
}

static void describe_words(const struct key *key, struct buf *out) {
    struct slice rest = slice_of(key->unit);
    struct slice word;
    const char *separator = "";
    while (key_next_word(&rest, &word)) {
        buf_append(out, slice_of(separator));
        buf_append(out, word);
        separator = ", ";
    }
}
