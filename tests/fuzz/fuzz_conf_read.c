/*
 * fuzz_conf_read.c - any bytes as a configuration: they are refused with a sentence, or what is
 * written for them reads the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "conf/cidr.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct conf *read_text(struct slice text, struct err *err) {
    const struct conf_source source = {0};
    return conf_read_text(text, "fuzz.conf", &source, err);
}

static void check_round_trip(const struct conf *conf) {
    struct buf text, value;
    struct err err = {0};
    buf_init(&text, CONF_FILE_BYTES_MAX);
    buf_init(&value, CONF_TEXT_BYTES_MAX);
    conf_write(conf, &text);
    ENSURE(!text.overflowed);
    struct conf *again = read_text(buf_slice(&text), &err);
    ENSURE(again != NULL);
    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        /* Not conf's text itself: a password is written as ***. */
        buf_clear(&value);
        conf_write_value(conf, (enum conf_key)i, &value);
        ENSURE(slice_equal(slice_of(again->text[i]), buf_slice(&value)));
        ENSURE(again->number[i] == conf->number[i]);
    }
    conf_destroy(&again);
    buf_clear(&text);
    conf_write_json(conf, &text);
    ENSURE(!text.overflowed);
    buf_fini(&text);
    buf_fini(&value);
}

static void check_lists(const struct conf *conf) {
    struct slice rest = slice_of(conf->text[CONF_edge_listen]);
    struct conf_address address;
    size_t addresses = 0;
    while (conf_next_address(&rest, &address)) {
        addresses++;
    }
    ENSURE(addresses > 0 && rest.size <= strlen(conf->text[CONF_edge_listen]));
    struct cidr cidrs[CIDR_LIST_MAX];
    size_t count;
    ENSURE(cidr_parse_list(slice_of(conf->text[CONF_edge_trusted_proxies]), cidrs, CIDR_LIST_MAX,
                           &count));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice text = slice_make((const char *)data, size);
    struct err err = {0};
    struct conf *conf = read_text(text, &err);
    ENSURE((conf == NULL) == (err.text[0] != '\0'));
    if (conf != NULL) {
        check_round_trip(conf);
        check_lists(conf);
        conf_destroy(&conf);
    }
    struct cidr network;
    if (cidr_parse(text, &network)) {
        ENSURE(network.bits <= 128);
        (void)cidr_contains_text(&network, 1, text);
    }
    return 0;
}
