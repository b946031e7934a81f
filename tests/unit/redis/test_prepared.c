/* redis/prepared.h: the same bytes as when a command is encoded word by word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "redis/prepared.h"
#include "resp.h"

enum { KEY_REST_BYTES_MAX = 256 };

static void assert_same(struct slice prefix, size_t after_count, size_t rest_size) {
    static const struct slice after[] = {SLICE("campaign"), SLICE("a\r\nb"), SLICE("")};
    char key[1024];
    char encoded[REDIS_PREPARED_BYTES_MAX];
    struct redis_prepared prepared;
    struct slice words[5] = {SLICE("HMGET"), slice_make(key, prefix.size + rest_size)};
    struct buf expected;
    memcpy(key, prefix.data, prefix.size);
    memset(key + prefix.size, 'k', rest_size);
    memcpy(words + 2, after, sizeof(after));

    buf_init(&expected, 4096);
    assert_true(resp_append_command(&expected, 2 + after_count, words));
    redis_prepare(&prepared, words[0], prefix, after, after_count);
    struct slice rest = slice_from(words[1], prefix.size);
    size_t size = redis_prepared_encode(&prepared, rest, encoded);
    assert_true(slice_equal(buf_slice(&expected), slice_make(encoded, size)));
    buf_fini(&expected);
}

static void keys_of_every_size_encode_as_word_by_word(void **state) {
    (void)state;
    for (size_t size = 1; size <= KEY_REST_BYTES_MAX; size++) {
        assert_same(SLICE("brinco:link:"), 3, size);
        assert_same(SLICE(""), 0, size);
    }
}

static void the_longest_prefix_fits(void **state) {
    (void)state;
    char prefix[256];
    memset(prefix, 'p', sizeof(prefix));
    assert_same(slice_make(prefix, sizeof(prefix)), 3, KEY_REST_BYTES_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_every_size_encode_as_word_by_word),
        cmocka_unit_test(the_longest_prefix_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
