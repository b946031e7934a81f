/*
 * idempotency.c - names, digests and the kept text.
 */
#include "idempotency.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/err.h"
#include "call.h"
#include "redis/pipe.h"

enum { SHA256_BYTES = 32, SHA256_PARTS = 2 };

/* Of parts that are set apart by their sizes. */
static void digest(const struct slice parts[SHA256_PARTS], char hex[2 * SHA256_BYTES + 1]) {
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[SHA256_BYTES];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    ENSURE(context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1);
    for (size_t i = 0; i < SHA256_PARTS; i++) {
        uint64_t size = parts[i].size;
        ENSURE(EVP_DigestUpdate(context, &size, sizeof(size)) == 1 &&
               EVP_DigestUpdate(context, parts[i].data, parts[i].size) == 1);
    }
    ENSURE(EVP_DigestFinal_ex(context, hash, NULL) == 1);
    EVP_MD_CTX_free(context);
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        hex[2 * i] = digits[hash[i] >> 4];
        hex[2 * i + 1] = digits[hash[i] & 0x0F];
    }
    hex[2 * SHA256_BYTES] = '\0';
}

static bool is_printable(struct slice key) {
    for (size_t i = 0; i < key.size; i++) {
        if (key.data[i] < ' ' || key.data[i] > '~') {
            return false;
        }
    }
    return true;
}

bool idempotency_begin(const struct call *call, const char *what, struct idempotency *idempotency,
                       struct err *err) {
    struct slice key = call->idempotency_key;
    *idempotency = (struct idempotency){.is_asked = key.data != NULL};
    if (key.data == NULL) {
        return true;
    }
    if (key.size == 0 || key.size > IDEMPOTENCY_KEY_BYTES_MAX || !is_printable(key)) {
        return err_set(err, "Idempotency-Key: allowed are 1 to %d printable ASCII characters",
                       IDEMPOTENCY_KEY_BYTES_MAX);
    }
    char name[2 * SHA256_BYTES + 1];
    digest((const struct slice[]){slice_of(call->token.hash), key}, name);
    digest((const struct slice[]){slice_of(what), call->body}, idempotency->digest);
    struct buf out = buf_over(idempotency->redis_key, sizeof(idempotency->redis_key));
    ENSURE(buf_append(&out, call->key_prefix) && buf_append(&out, SLICE("idempotency:")) &&
           buf_append_bytes(&out, name, sizeof(name)));
    return true;
}

/* Redis may hold anything under the key: what is no kept answer is another's. */
static bool read_kept(struct slice text, const struct idempotency *idempotency,
                      struct idempotency_answer *answer) {
    struct slice head = slice_split(&text, '\n');
    struct slice digest_text = slice_split(&head, ' ');
    uint64_t status;
    if (!slice_equal(digest_text, slice_of(idempotency->digest)) ||
        !slice_to_u64(slice_split(&head, ' '), 599, &status) || status < 200) {
        return false;
    }
    *answer = (struct idempotency_answer){.status = (int)status, .id = head, .body = text};
    return true;
}

enum idempotency_result idempotency_find(const struct call *call,
                                         const struct idempotency *idempotency, struct buf *scratch,
                                         struct idempotency_answer *answer, struct err *err) {
    if (!idempotency->is_asked) {
        return IDEMPOTENCY_NEW;
    }
    const struct slice command[] = {SLICE("GET"), slice_of(idempotency->redis_key)};
    const struct redis_reply *reply =
        redis_pipe_command(call->pipe, ARRAY_COUNT(command), command, err);
    if (reply == NULL) {
        return IDEMPOTENCY_FAILED;
    }
    if (redis_reply_is_nil(reply)) {
        return IDEMPOTENCY_NEW;
    }
    struct slice text = redis_reply_text(reply);
    if (redis_reply_is_error(reply)) {
        err_set(err, "Redis says: %.*s", SLICE_ARG(slice_first(text, 300)));
        return IDEMPOTENCY_FAILED;
    }
    buf_clear(scratch);
    return buf_append(scratch, text) && read_kept(buf_slice(scratch), idempotency, answer)
               ? IDEMPOTENCY_AGAIN
               : IDEMPOTENCY_OTHER;
}

void idempotency_write(const struct idempotency *idempotency,
                       const struct idempotency_answer *answer, struct buf *out) {
    buf_append(out, slice_of(idempotency->digest));
    buf_append_char(out, ' ');
    buf_append_u64(out, (uint64_t)answer->status);
    buf_append_char(out, ' ');
    buf_append(out, answer->id);
    buf_append_char(out, '\n');
    buf_append(out, answer->body);
}
