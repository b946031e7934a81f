/*
 * webhook_wire.c - see webhook_wire.h: slots, and what libcurl is told.
 *
 * Connections are kept and used again: a backend that is told of many conversions shakes hands
 * once. A name is looked up on a thread of libcurl's, which is not waited for when it takes longer
 * than the rest may (CURLOPT_QUICK_EXIT).
 */
#include "webhook_wire.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "webhook_policy.h"

enum {
    CONNECTIONS_KEPT_MAX = 32,
    CONNECTION_AGE_S = 60,
    TEXTS_BYTES_MAX = WEBHOOK_BODY_BYTES_MAX + 8192,
    HEADER_BYTES_MAX = 256,
    GONE = 410,
};

enum slot_state { SLOT_FREE, SLOT_SENDING, SLOT_ENDED };

struct slot {
    struct webhook_wire *wire;
    enum slot_state state;
    CURL *easy;
    CURLU *url;
    struct curl_slist *headers;
    struct buf texts; /* what the delivery's slices point into */
    struct webhook_delivery delivery;
    bool is_listed;    /* its host is in webhooks.allowed_hosts */
    bool is_forbidden; /* an address was refused */
    bool is_too_large;
    bool has_head; /* of the answer, up to its empty line */
    size_t answer_bytes;
    enum webhook_ending ending;
    unsigned status;
    uint64_t retry_after_s;
    char error[CURL_ERROR_SIZE];
};

struct webhook_wire {
    struct webhook_wire_options options;
    struct webhook_policy policy;
    CURLM *multi;
    struct slot slot[WEBHOOK_CLAIM_MAX];
};

static bool check_url(struct slot *slot);
static void set_up(struct slot *slot, const struct webhook_key *key, uint64_t unix_s);
static void end(struct slot *slot, CURLcode code);
static void fail(struct slot *slot, enum webhook_ending ending, const char *error);

struct webhook_wire *webhook_wire_create(const struct webhook_wire_options *options) {
    struct webhook_wire *wire = calloc(1, sizeof(*wire));
    ENSURE(wire != NULL && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    wire->options = *options;
    webhook_policy_init(&wire->policy, options->allowed_hosts);
    wire->multi = curl_multi_init();
    ENSURE(wire->multi != NULL);
    curl_multi_setopt(wire->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT_MAX);
    curl_multi_setopt(wire->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    for (size_t i = 0; i < WEBHOOK_CLAIM_MAX; i++) {
        struct slot *slot = &wire->slot[i];
        slot->wire = wire;
        slot->easy = curl_easy_init();
        ENSURE(slot->easy != NULL);
        buf_init(&slot->texts, TEXTS_BYTES_MAX);
    }
    return wire;
}

void webhook_wire_destroy(struct webhook_wire **wire_at) {
    struct webhook_wire *wire = *wire_at;
    if (wire == NULL) {
        return;
    }
    webhook_wire_abort(wire);
    for (size_t i = 0; i < WEBHOOK_CLAIM_MAX; i++) {
        webhook_wire_release(wire, i);
        curl_easy_cleanup(wire->slot[i].easy);
        buf_fini(&wire->slot[i].texts);
    }
    curl_multi_cleanup(wire->multi);
    curl_global_cleanup();
    free(wire);
    *wire_at = NULL;
}

static struct slice keep(struct slot *slot, struct slice text) {
    size_t begins = slot->texts.size;
    ENSURE(buf_append(&slot->texts, text) && buf_append_char(&slot->texts, '\0'));
    return slice_make(slot->texts.data + begins, text.size);
}

static bool is_kept(const struct webhook_delivery *delivery) {
    return delivery->id.size + delivery->campaign.size + delivery->url.size + delivery->host.size +
               delivery->body.size + 5 <=
           TEXTS_BYTES_MAX;
}

bool webhook_wire_start(struct webhook_wire *wire, const struct webhook_delivery *delivery,
                        const struct webhook_key *key, uint64_t unix_s) {
    struct slot *slot = wire->slot;
    while (slot < wire->slot + WEBHOOK_CLAIM_MAX && slot->state != SLOT_FREE) {
        slot++;
    }
    if (slot == wire->slot + WEBHOOK_CLAIM_MAX || !is_kept(delivery)) {
        return false;
    }
    buf_clear(&slot->texts);
    ENSURE(buf_reserve(&slot->texts, TEXTS_BYTES_MAX)); /* so that nothing moves */
    slot->delivery = (struct webhook_delivery){.id = keep(slot, delivery->id),
                                               .campaign = keep(slot, delivery->campaign),
                                               .url = keep(slot, delivery->url),
                                               .host = keep(slot, delivery->host),
                                               .body = keep(slot, delivery->body),
                                               .attempt = delivery->attempt,
                                               .step = delivery->step};
    slot->is_forbidden = slot->is_too_large = slot->has_head = false;
    slot->answer_bytes = 0;
    slot->status = 0;
    slot->retry_after_s = 0;
    slot->error[0] = '\0';
    slot->url = curl_url();
    ENSURE(slot->url != NULL);
    slot->state = SLOT_SENDING;
    if (check_url(slot)) {
        set_up(slot, key, unix_s);
        ENSURE(curl_multi_add_handle(wire->multi, slot->easy) == CURLM_OK);
    }
    return true;
}

void webhook_wire_run(struct webhook_wire *wire, uint32_t wait_ms) {
    int count;
    CURLMsg *message;
    /* What libcurl cannot do is bad memory or a bug; a transfer's own failure is a message. */
    ENSURE(curl_multi_perform(wire->multi, &count) == CURLM_OK);
    ENSURE(curl_multi_poll(wire->multi, NULL, 0, (int)wait_ms, NULL) == CURLM_OK);
    ENSURE(curl_multi_perform(wire->multi, &count) == CURLM_OK);
    while ((message = curl_multi_info_read(wire->multi, &count)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            struct slot *slot = NULL;
            CURLcode code = message->data.result;
            ENSURE(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot) == CURLE_OK);
            curl_multi_remove_handle(wire->multi, slot->easy);
            end(slot, code);
        }
    }
}

void webhook_wire_wake(struct webhook_wire *wire) {
    curl_multi_wakeup(wire->multi);
}

void webhook_wire_abort(struct webhook_wire *wire) {
    for (size_t i = 0; i < WEBHOOK_CLAIM_MAX; i++) {
        if (wire->slot[i].state == SLOT_SENDING) {
            curl_multi_remove_handle(wire->multi, wire->slot[i].easy);
            fail(&wire->slot[i], WEBHOOK_ENDING_STOPPED,
                 "brinco was stopped before it was answered");
        }
    }
}

bool webhook_wire_next(struct webhook_wire *wire, struct webhook_answer *answer) {
    for (size_t i = 0; i < WEBHOOK_CLAIM_MAX; i++) {
        const struct slot *slot = &wire->slot[i];
        if (slot->state == SLOT_ENDED) {
            *answer = (struct webhook_answer){
                .slot = i,
                .id = slot->delivery.id,
                .campaign = slot->delivery.campaign,
                .host = slot->delivery.host,
                .attempt = slot->delivery.attempt,
                .step = slot->delivery.step,
                .ending = slot->ending,
                .status = slot->status,
                .retry_after_s = slot->retry_after_s,
                .error = slice_first(slice_of(slot->error), WEBHOOK_ERROR_BYTES_MAX),
            };
            return true;
        }
    }
    return false;
}

void webhook_wire_release(struct webhook_wire *wire, size_t index) {
    struct slot *slot = &wire->slot[index];
    ENSURE(slot->state != SLOT_SENDING);
    curl_easy_reset(slot->easy); /* it must not know of what goes now */
    curl_slist_free_all(slot->headers);
    curl_url_cleanup(slot->url);
    slot->headers = NULL;
    slot->url = NULL;
    slot->state = SLOT_FREE;
}

size_t webhook_wire_count(const struct webhook_wire *wire) {
    size_t count = 0;
    for (size_t i = 0; i < WEBHOOK_CLAIM_MAX; i++) {
        count += wire->slot[i].state != SLOT_FREE;
    }
    return count;
}

size_t webhook_wire_busy(const struct webhook_wire *wire,
                         struct webhook_busy busy[WEBHOOK_CLAIM_MAX]) {
    size_t count = 0;
    for (size_t i = 0; i < WEBHOOK_CLAIM_MAX; i++) {
        size_t at = 0;
        if (wire->slot[i].state == SLOT_FREE) {
            continue;
        }
        while (at < count && !slice_equal(busy[at].host, wire->slot[i].delivery.host)) {
            at++;
        }
        if (at == count) {
            busy[count++] = (struct webhook_busy){.host = wire->slot[i].delivery.host};
        }
        busy[at].count++;
    }
    return count;
}

/* ---- before ---- */

static bool is_printable(struct slice text) {
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] <= ' ' || text.data[i] >= 0x7f) {
            return false;
        }
    }
    return text.size > 0;
}

/* Read by the very parser whose result is then connected to, so that there are no two opinions. */
static bool check_url(struct slot *slot) {
    char *scheme = NULL;
    char *host = NULL;
    char *user = NULL;
    bool is_good =
        is_printable(slot->delivery.url) &&
        curl_url_set(slot->url, CURLUPART_URL, slot->delivery.url.data, 0) == CURLUE_OK &&
        curl_url_get(slot->url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(slot->url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(slot->url, CURLUPART_USER, &user, 0) == CURLUE_NO_USER;
    bool is_http = is_good && strcmp(scheme, "http") == 0;
    slot->is_listed = is_good && webhook_policy_lists(&slot->wire->policy, slice_of(host));
    if (!is_good || (!is_http && strcmp(scheme, "https") != 0)) {
        fail(slot, WEBHOOK_ENDING_FORBIDDEN, "this is no https URL with a host, without a user");
    } else if (is_http && !slot->is_listed) {
        fail(slot, WEBHOOK_ENDING_FORBIDDEN, "http is for hosts of webhooks.allowed_hosts alone");
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    return slot->state == SLOT_SENDING;
}

static curl_socket_t open_socket(void *argument, curlsocktype purpose,
                                 struct curl_sockaddr *address) {
    struct slot *slot = argument;
    bool is_allowed = slot->is_listed ? address->family == AF_INET || address->family == AF_INET6
                                      : webhook_policy_allows(&slot->wire->policy, &address->addr);
    if (purpose != CURLSOCKTYPE_IPCXN || !is_allowed) {
        slot->is_forbidden = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* False, and the transfer ends, beyond the limit. */
static bool count_bytes(struct slot *slot, size_t size) {
    slot->answer_bytes += size;
    slot->is_too_large = slot->answer_bytes > WEBHOOK_ANSWER_BYTES_MAX;
    return !slot->is_too_large;
}

/* What it says does not matter. */
static size_t take_answer(char *bytes, size_t one, size_t size, void *argument) {
    (void)bytes;
    (void)one;
    return count_bytes(argument, size) ? size : 0;
}

/* A line of the head. An interim answer (1xx) has one of its own before. libcurl takes a head that
 * is cut short for a whole one. */
static size_t take_head(char *bytes, size_t one, size_t size, void *argument) {
    struct slot *slot = argument;
    struct slice line = slice_make(bytes, size);
    (void)one;
    if (slice_starts_with(line, SLICE("HTTP/"))) {
        slot->has_head = false;
    } else if (slice_equal(line, SLICE("\r\n")) || slice_equal(line, SLICE("\n"))) {
        slot->has_head = true; /* and stays so: trailers come this way, too */
    }
    return count_bytes(slot, size) ? size : 0;
}

static void add_header(struct slot *slot, const char *name, const char *value) {
    char line[HEADER_BYTES_MAX];
    int size = snprintf(line, sizeof(line), "%s: %s", name, value);
    ENSURE(size > 0 && (size_t)size < sizeof(line));
    struct curl_slist *headers = curl_slist_append(slot->headers, line);
    ENSURE(headers != NULL);
    slot->headers = headers;
}

static void set_headers(struct slot *slot, const struct webhook_key *key, uint64_t unix_s) {
    char signature[WEBHOOK_SIGNATURE_SIZE + 1];
    char timestamp[24];
    webhook_sign(key, slot->delivery.id, unix_s, slot->delivery.body, signature);
    snprintf(timestamp, sizeof(timestamp), "%lu", (unsigned long)unix_s);
    add_header(slot, "Content-Type", "application/json");
    add_header(slot, "webhook-id", slot->delivery.id.data);
    add_header(slot, "webhook-timestamp", timestamp);
    add_header(slot, "webhook-signature", signature);
    struct curl_slist *headers = curl_slist_append(slot->headers, "Expect:"); /* never sent */
    ENSURE(headers != NULL);
    slot->headers = headers;
    curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, slot->headers);
}

static void set_limits(struct slot *slot) {
    uint32_t timeout_ms = slot->wire->options.timeout_ms;
    long connect_ms = timeout_ms < WEBHOOK_CONNECT_MS ? (long)timeout_ms : WEBHOOK_CONNECT_MS;
    CURL *easy = slot->easy;
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)CONNECTION_AGE_S);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, slot);
}

static void set_boundaries(struct slot *slot) {
    const char *ca_file = slot->wire->options.ca_file;
    CURL *easy = slot->easy;
    ENSURE(curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
                            slot->is_listed ? "http,https" : "https") == CURLE_OK);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* none, not even the environment's */
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, slot);
    if (ca_file[0] != '\0') {
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
}

static void set_up(struct slot *slot, const struct webhook_key *key, uint64_t unix_s) {
    CURL *easy = slot->easy;
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, slot->error);
    curl_easy_setopt(easy, CURLOPT_CURLU, slot->url);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, slot->wire->options.user_agent);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)slot->delivery.body.size);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, slot->delivery.body.data);
    set_headers(slot, key, unix_s);
    set_limits(slot);
    set_boundaries(slot);
}

/* ---- afterwards ---- */

static void fail(struct slot *slot, enum webhook_ending ending, const char *error) {
    slot->state = SLOT_ENDED;
    slot->ending = ending;
    if (error != NULL) {
        snprintf(slot->error, sizeof(slot->error), "%s", error);
    }
}

/* Why there is no answer, or none that counts. */
static enum webhook_ending ending_of(CURLcode code) {
    switch ((int)code) { /* far from all of them can happen here */
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return WEBHOOK_ENDING_UNREACHABLE;
    case CURLE_OPERATION_TIMEDOUT:
        return WEBHOOK_ENDING_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CRL_BADFILE:
        return WEBHOOK_ENDING_TLS;
    default:
        return WEBHOOK_ENDING_BROKEN;
    }
}

static void end(struct slot *slot, CURLcode code) {
    long status = 0;
    curl_off_t retry_after_s = 0;
    curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(slot->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    slot->status = status > 0 && status < 1000 ? (unsigned)status : 0;
    slot->retry_after_s = retry_after_s > 0 ? (uint64_t)retry_after_s : 0;
    if (slot->is_too_large) {
        fail(slot, WEBHOOK_ENDING_TOO_LARGE, "the answer is larger than 64 KiB");
    } else if (code != CURLE_OK && slot->is_forbidden) {
        fail(slot, WEBHOOK_ENDING_FORBIDDEN,
             "the host's address is not a public one, and webhooks.allowed_hosts does not list it");
    } else if (slot->status == GONE) {
        fail(slot, WEBHOOK_ENDING_GONE, "410: whoever was there wants no more");
    } else if (code != CURLE_OK) {
        fail(slot, ending_of(code), slot->error[0] == '\0' ? curl_easy_strerror(code) : NULL);
    } else if (!slot->has_head) {
        fail(slot, WEBHOOK_ENDING_BROKEN, "the answer ends within its head");
    } else if (slot->status >= 200 && slot->status < 300) {
        fail(slot, WEBHOOK_ENDING_OK, "");
    } else {
        char error[64];
        snprintf(error, sizeof(error), "the status is %u%s", slot->status,
                 slot->status / 100 == 3 ? ", and redirects are not followed" : "");
        fail(slot, WEBHOOK_ENDING_STATUS, error);
    }
}
