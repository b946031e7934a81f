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

/* What is derived from the secret for one purpose: SipHash's key, and XXH3's seed where one is
 * needed. */
struct derived {
    uint8_t key[16];
    uint64_t text_seed;
};

/* Byte by byte, whatever kind of sockaddr it was written as: each is a type of its own. */
static inline sa_family_t family_of(const struct sockaddr *address) {
    sa_family_t family;
    memcpy(&family, &address->sa_family, sizeof family);
    return family;
}

static struct derived derive(struct slice message, const uint8_t secret[VISITOR_SECRET_BYTES]);
static inline struct siphash_state begin_hash(const uint8_t key[16]);
static inline struct siphash_state take_address(const struct visitor_salt *salt,
                                                const struct sockaddr *address);
static void address_words(const struct sockaddr *address, uint64_t words[2]);

void visitor_salt_init(struct visitor_salt *salt, const uint8_t secret[VISITOR_SECRET_BYTES],
                       uint64_t now_ms) {
    static const char visitor[] = {'v', 'i', 's', 'i', 't', 'o', 'r'};
    static const char network[] = {'n', 'e', 't', 'w', 'o', 'r', 'k'};
    _Static_assert(sizeof visitor == sizeof network, "one message has room for both");
    salt->day = clock_day_of(now_ms);

    char message[sizeof network + 4];
    for (size_t i = 0; i < 4; i++) {
        message[sizeof visitor + i] = (char)((uint32_t)salt->day.yyyymmdd >> (24 - 8 * i));
    }
    memcpy(message, visitor, sizeof visitor);
    struct derived derived = derive(slice_make(message, sizeof message), secret);
    memcpy(salt->key, derived.key, sizeof salt->key);
    salt->text_seed = derived.text_seed;
    struct siphash_state state = begin_hash(salt->key);
    siphash_take(&state, 0);
    memcpy(salt->ipv4_state, &state, sizeof state);

    memcpy(message, network, sizeof network);
    derived = derive(slice_make(message, sizeof message), secret);
    state = begin_hash(derived.key);
    memcpy(salt->network_state, &state, sizeof state);
    sodium_memzero(&derived, sizeof derived);
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

uint64_t visitor_network_hash(const struct visitor_salt *salt, const struct sockaddr *address) {
    const uint64_t ipv4 = UINT64_C(4) << 48;
    const uint64_t ipv6 = UINT64_C(6) << 48;
    struct siphash_state state = {.v0 = salt->network_state[0],
                                  .v1 = salt->network_state[1],
                                  .v2 = salt->network_state[2],
                                  .v3 = salt->network_state[3]};
    if (LIKELY(family_of(address) == AF_INET)) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        return siphash_short(state, ipv4 | be32toh(v4->sin_addr.s_addr) >> 8);
    }
    if (family_of(address) != AF_INET6) {
        return 0;
    }
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
    uint64_t words[2];
    memcpy(words, &v6->sin6_addr, sizeof words);
    return siphash_short(state, IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)
                                    ? ipv4 | (be64toh(words[1]) & UINT32_MAX) >> 8
                                    : ipv6 | be64toh(words[0]) >> 16);
}

void visitor_sharer_init(struct visitor_sharer *sharer,
                         const uint8_t secret[VISITOR_SECRET_BYTES]) {
    struct derived derived = derive(SLICE("share"), secret);
    struct siphash_state state = begin_hash(derived.key);
    memcpy(sharer->state, &state, sizeof state);
    sharer->text_seed = derived.text_seed;
    sodium_memzero(&derived, sizeof derived);
}

unsigned visitor_share(const struct visitor_sharer *sharer, const struct sockaddr *address,
                       struct slice user_agent, struct slice campaign) {
    struct siphash_state state;
    memcpy(&state, sharer->state, sizeof state);
    uint64_t words[2];
    address_words(address, words);
    siphash_take(&state, words[0]);
    siphash_take(&state, words[1]);
    siphash_take(&state, hash_bytes(user_agent, sharer->text_seed));
    siphash_take(&state, hash_bytes(campaign, sharer->text_seed));
    /* The high half of the product: every share has as many hashes, to one in 2^57. */
    return (unsigned)((unsigned __int128)siphash_end(state) * VISITOR_SHARES >> 64);
}

static struct derived derive(struct slice message, const uint8_t secret[VISITOR_SECRET_BYTES]) {
    uint8_t bytes[sizeof(((struct derived *)NULL)->key) + sizeof(uint64_t)];
    int failed = crypto_generichash(bytes, sizeof bytes, (const unsigned char *)message.data,
                                    message.size, secret, VISITOR_SECRET_BYTES);
    ENSURE(failed == 0);
    struct derived derived;
    memcpy(derived.key, bytes, sizeof derived.key);
    memcpy(&derived.text_seed, bytes + sizeof derived.key, sizeof derived.text_seed);
    sodium_memzero(bytes, sizeof bytes);
    return derived;
}

static inline struct siphash_state begin_hash(const uint8_t bytes[16]) {
    uint64_t key[2];
    memcpy(key, bytes, sizeof key);
    key[0] = le64toh(key[0]);
    key[1] = le64toh(key[1]);
    return siphash_begin(key);
}

/* As take_address() takes them. */
static void address_words(const struct sockaddr *address, uint64_t words[2]) {
    words[0] = 0;
    words[1] = 0;
    if (family_of(address) == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        words[1] = (uint64_t)le32toh(v4->sin_addr.s_addr) << 32 | 0xffff0000;
    } else if (family_of(address) == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
        memcpy(words, &v6->sin6_addr, 2 * sizeof words[0]);
        words[0] = le64toh(words[0]);
        words[1] = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) ? le64toh(words[1]) : 0;
    }
}

/* The two words of the address. Anything but IP is zeros: everybody on a Unix socket is one visitor
 * per browser. That IPv4's first word is taken beforehand saves 33 instructions of 274. */
static inline struct siphash_state take_address(const struct visitor_salt *salt,
                                                const struct sockaddr *address) {
    struct siphash_state state;
    memcpy(&state, salt->ipv4_state, sizeof state);
    uint64_t second = 0;
    if (family_of(address) == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        second = (uint64_t)le32toh(v4->sin_addr.s_addr) << 32 | 0xffff0000; /* ::ffff:0:0/96 */
    } else if (family_of(address) == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
        uint64_t words[2];
        memcpy(words, &v6->sin6_addr, sizeof words);
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            second = le64toh(words[1]);
        } else {
            state = begin_hash(salt->key);
            siphash_take(&state, le64toh(words[0]));
        }
    }
    siphash_take(&state, second);
    return state;
}
