/*
 * visitor.c - the day's key, and the hash of who tapped under it.
 *
 * User-Agent and language are brought to eight bytes each first, so that what SipHash reads is
 * always 32 bytes on the stack. That inner hash needs only to tell strings apart: its seed is
 * the day's and secret, and SipHash, whose key nobody knows, stands before anybody who sees
 * the result.
 *
 * Threads   Pure functions.
 */
#include "decide/visitor.h"

#include <endian.h>
#include <netinet/in.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>

#include "base/defs.h"
#include "base/hash.h"
#include "siphash.h"

_Static_assert(sizeof(struct siphash_state) == sizeof(((struct visitor_salt *)NULL)->ipv4_state),
               "a state is kept as its four words");

static inline struct siphash_state begin_hash(const struct visitor_salt *salt);
static inline struct siphash_state take_address(const struct visitor_salt *salt,
                                                const struct sockaddr *address);

void visitor_salt_init(struct visitor_salt *salt, const uint8_t secret[VISITOR_SECRET_BYTES],
                       uint64_t now_ms) {
    static const char purpose[] = {'v', 'i', 's', 'i', 't', 'o', 'r'};
    salt->day = clock_day_of(now_ms);

    uint8_t message[sizeof purpose + 4];
    uint32_t day = (uint32_t)salt->day.yyyymmdd;
    memcpy(message, purpose, sizeof purpose);
    for (size_t i = 0; i < 4; i++) {
        message[sizeof purpose + i] = (uint8_t)(day >> (24 - 8 * i));
    }
    uint8_t derived[sizeof salt->key + sizeof salt->text_seed];
    int failed = crypto_generichash(derived, sizeof derived, message, sizeof message, secret,
                                    VISITOR_SECRET_BYTES);
    ENSURE(failed == 0);
    memcpy(salt->key, derived, sizeof salt->key);
    memcpy(&salt->text_seed, derived + sizeof salt->key, sizeof salt->text_seed);
    sodium_memzero(derived, sizeof derived);

    struct siphash_state state = begin_hash(salt);
    siphash_take(&state, 0);
    memcpy(salt->ipv4_state, &state, sizeof state);
}

uint64_t visitor_text_hash(const struct visitor_salt *salt, struct slice text) {
    return hash_bytes(text, salt->text_seed);
}

uint64_t visitor_hash(const struct visitor_salt *salt, const struct sockaddr *address,
                      struct slice user_agent, struct slice language) {
    return visitor_hash_of(salt, address, visitor_text_hash(salt, user_agent), language);
}

uint64_t visitor_hash_of(const struct visitor_salt *salt, const struct sockaddr *address,
                         uint64_t user_agent_hash, struct slice language) {
    struct siphash_state state = take_address(salt, address);
    siphash_take(&state, user_agent_hash);
    siphash_take(&state, visitor_text_hash(salt, language));
    return siphash_end(state);
}

static inline struct siphash_state begin_hash(const struct visitor_salt *salt) {
    uint64_t key[2];
    memcpy(key, salt->key, sizeof key);
    key[0] = le64toh(key[0]);
    key[1] = le64toh(key[1]);
    return siphash_begin(key);
}

/* The two words of the address. Anything but IP is zeros: everybody on a Unix socket is one visitor
 * per browser. That IPv4's first word is taken beforehand saves 33 instructions of 274. */
static inline struct siphash_state take_address(const struct visitor_salt *salt,
                                                const struct sockaddr *address) {
    struct siphash_state state;
    memcpy(&state, salt->ipv4_state, sizeof state);
    uint64_t second = 0;
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        second = (uint64_t)le32toh(v4->sin_addr.s_addr) << 32 | 0xffff0000; /* ::ffff:0:0/96 */
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
        uint64_t words[2];
        memcpy(words, &v6->sin6_addr, sizeof words);
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            second = le64toh(words[1]);
        } else {
            state = begin_hash(salt);
            siphash_take(&state, le64toh(words[0]));
        }
    }
    siphash_take(&state, second);
    return state;
}
