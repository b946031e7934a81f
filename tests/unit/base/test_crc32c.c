/* base/crc32c.h: the vectors of RFC 3720 appendix B.4, and hardware against the slow way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/crc32c.h"

static void assert_crc(const void *data, size_t size, uint32_t expected) {
    assert_int_equal(crc32c(0, data, size), expected);
    assert_int_equal(crc32c_portable(0, data, size), expected);
}

static void gives_the_sums_of_the_rfc(void **state) {
    /* An iSCSI SCSI Read (10) command PDU. */
    static const uint8_t pdu[48] = {
        0x01, 0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00,
        0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18, 0x28, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    };
    uint8_t bytes[32];
    (void)state;
    memset(bytes, 0, sizeof(bytes));
    assert_crc(bytes, sizeof(bytes), 0x8A9136AA);
    memset(bytes, 0xFF, sizeof(bytes));
    assert_crc(bytes, sizeof(bytes), 0x62A8AB43);
    for (uint8_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = i;
    }
    assert_crc(bytes, sizeof(bytes), 0x46DD794E);
    for (uint8_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(31 - i);
    }
    assert_crc(bytes, sizeof(bytes), 0x113FDB5C);
    assert_crc(pdu, sizeof(pdu), 0xD9963A56);
    assert_crc("123456789", 9, 0xE3069283);
    assert_crc("", 0, 0);
}

static void is_the_same_both_ways_for_any_size_and_alignment(void **state) {
    uint8_t bytes[320];
    uint32_t noise = 1;
    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        noise = noise * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(noise >> 24);
    }
    for (size_t from = 0; from < 16; from++) {
        for (size_t size = 0; size <= 300; size++) {
            uint32_t crc = noise + (uint32_t)size;
            assert_int_equal(crc32c(crc, bytes + from, size),
                             crc32c_portable(crc, bytes + from, size));
            const uint8_t first[4] = {0x12, 0x34, (uint8_t)size, 0xFF};
            uint32_t number = 0xFF003412u | (uint32_t)(size & 0xFF) << 16;
            assert_int_equal(crc32c_behind_u32(number, bytes + from, size),
                             crc32c(crc32c(0, first, sizeof(first)), bytes + from, size));
        }
    }
}

static void pieces_give_the_sum_of_the_whole(void **state) {
    static const char text[] = "a record that came in two pieces, cut at every place there is";
    size_t size = sizeof(text) - 1;
    (void)state;
    for (size_t cut = 0; cut <= size; cut++) {
        uint32_t first = crc32c(0, text, cut);
        assert_int_equal(crc32c(first, text + cut, size - cut), crc32c(0, text, size));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_sums_of_the_rfc),
        cmocka_unit_test(is_the_same_both_ways_for_any_size_and_alignment),
        cmocka_unit_test(pieces_give_the_sum_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
