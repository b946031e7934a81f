/*
 * ulid.c - 128 bits as 26 characters of five bits each, the first of which holds three.
 */
#include "base/ulid.h"

#include <endian.h>
#include <string.h>

#include "base/random.h"

enum { TIME_BYTES = 6 };

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

struct ulid ulid_make(uint64_t unix_ms, struct random *random) {
    struct ulid ulid;
    uint64_t time = htobe64(unix_ms << 16); /* and two bytes that are overwritten */
    memcpy(ulid.bytes, &time, sizeof(time));
    random_fill(random, ulid.bytes + TIME_BYTES, ULID_BYTES - TIME_BYTES);
    return ulid;
}

uint64_t ulid_unix_ms(const struct ulid *ulid) {
    uint64_t time;
    memcpy(&time, ulid->bytes, sizeof(time));
    return be64toh(time) >> 16;
}

void ulid_format(const struct ulid *ulid, char text[ULID_TEXT_SIZE]) {
    /* The 128 bits stand behind two zero bits, so that 130 divide into 26 fives. */
    for (unsigned i = 0; i < ULID_TEXT_SIZE; i++) {
        unsigned first = 5 * i; /* bit of the 130 */
        unsigned value = 0;
        for (unsigned bit = first; bit < first + 5; bit++) {
            unsigned of_ulid = bit - 2;
            unsigned byte = bit < 2 ? 0 : ulid->bytes[of_ulid / 8];
            unsigned set = byte >> (7 - of_ulid % 8) & 1u;
            value = value << 1 | set;
        }
        text[i] = alphabet[value];
    }
}

/* -1: not of the alphabet. */
static int value_of(char c) {
    char upper = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    const char *found = upper == '\0' ? NULL : strchr(alphabet, upper);
    return found == NULL ? -1 : (int)(found - alphabet);
}

bool ulid_parse(struct slice text, struct ulid *ulid) {
    if (text.size != ULID_TEXT_SIZE || value_of(text.data[0]) > 7) {
        return false;
    }
    struct ulid result = {0};
    for (unsigned i = 0; i < ULID_TEXT_SIZE; i++) {
        int value = value_of(text.data[i]);
        if (value < 0) {
            return false;
        }
        for (unsigned bit = 5 * i; bit < 5 * i + 5; bit++) {
            unsigned set = (unsigned)value >> (4 - (bit - 5 * i)) & 1u;
            if (bit >= 2 && set) {
                result.bytes[(bit - 2) / 8] |= (uint8_t)(1u << (7 - (bit - 2) % 8));
            }
        }
    }
    *ulid = result;
    return true;
}
