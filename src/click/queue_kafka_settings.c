/*
 * click/queue_kafka_settings.c - librdkafka's settings: ours, and those of queue.kafka_properties.
 *
 * What exactly once and bounded memory rest on is set here and cannot be set in the file. What
 * the file is for is the way to the brokers (TLS, SASL), passwords among it: hence a file, which
 * can have its own mode, and not a key, which `brinco config` would print. Its lines are
 * `name=value`; a # begins a comment. The names are those of
 * https://github.com/confluentinc/librdkafka/blob/v2.0.2/CONFIGURATION.md
 *
 * Producer and reader have settings of their own, because librdkafka warns of each that is not
 * for the kind of client at hand.
 *
 * Threads   Pure functions.
 * Limits    A file of PROPERTIES_BYTES_MAX.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "queue_kafka_private.h"

enum {
    PROPERTIES_BYTES_MAX = 64 * 1024,
    BROKERS_BYTES_MAX = 4096,
    NAME_BYTES_MAX = 64,
    VALUE_BYTES_MAX = 8 * 1024, /* a certificate in PEM */
};

struct setting {
    const char *name;
    const char *value;
};

static const struct setting common_settings[] = {
    {"client.id", "brinco"},
    {"log.queue", "true"}, /* log lines wait for the shipper's thread */
    {"log_level", "4"},    /* warnings and worse */
    {"socket.timeout.ms", "5000"},
    {"reconnect.backoff.max.ms", "1000"},
};

static const struct setting producer_settings[] = {
    {"enable.idempotence", "true"}, /* acks=all, in order, no duplicates within a session */
    /* Until then a transaction of an edge that died holds up those who read committed messages
     * only; a restarted edge ends it at once. */
    {"transaction.timeout.ms", "30000"},
    {"message.timeout.ms", "20000"},
    {"linger.ms", "5"},
    {"queue.buffering.max.messages", "1024"}, /* one batch */
    {"queue.buffering.max.kbytes", "4096"},
    /* As the Java clients do: whoever adds to a stream's partition by its key finds the same. */
    {"partitioner", "murmur2_random"},
};

static const struct setting reader_settings[] = {
    {"isolation.level", "read_committed"}, /* and no position while one is being committed */
    {"enable.auto.commit", "false"},
};

/* Set elsewhere, or not to be touched for what was said above. */
static const char *const reserved_names[] = {
    "bootstrap.servers",
    "metadata.broker.list",
    "transactional.id",
    "group.id",
    "group.instance.id",
    "acks",
    "request.required.acks",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "delivery.timeout.ms",
    "enable.gapless.guarantee",
    "queue.buffering.max.ms",
    "test.mock.num.brokers",
    "plugin.library.paths",
};

static bool set_brokers(rd_kafka_conf_t *conf, struct slice brokers, struct err *err);
static bool set_all(rd_kafka_conf_t *conf, const struct setting *settings, size_t count,
                    struct err *err);
static bool read_properties(rd_kafka_conf_t *conf, const char *path, struct err *err);

bool kafka_settings_make(const struct queue_options *options, rd_kafka_conf_t **producer,
                         rd_kafka_conf_t **reader, struct err *err) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool is_set = set_brokers(conf, options->kafka_brokers, err) &&
                  set_all(conf, common_settings, ARRAY_COUNT(common_settings), err) &&
                  (options->kafka_properties == NULL || options->kafka_properties[0] == '\0' ||
                   read_properties(conf, options->kafka_properties, err));
    *producer = conf;
    *reader = rd_kafka_conf_dup(conf);
    is_set = is_set && set_all(*producer, producer_settings, ARRAY_COUNT(producer_settings), err) &&
             set_all(*reader, reader_settings, ARRAY_COUNT(reader_settings), err);
    if (!is_set) {
        rd_kafka_conf_destroy(*producer);
        rd_kafka_conf_destroy(*reader);
        *producer = NULL;
        *reader = NULL;
    }
    return is_set;
}

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value, struct err *err) {
    char reason[256];
    return rd_kafka_conf_set(conf, name, value, reason, sizeof(reason)) == RD_KAFKA_CONF_OK ||
           err_set(err, "%s", reason);
}

static bool set_all(rd_kafka_conf_t *conf, const struct setting *settings, size_t count,
                    struct err *err) {
    for (size_t i = 0; i < count; i++) {
        if (!set(conf, settings[i].name, settings[i].value, err)) {
            return false;
        }
    }
    return true;
}

/* librdkafka wants commas. */
static bool set_brokers(rd_kafka_conf_t *conf, struct slice brokers, struct err *err) {
    char text[BROKERS_BYTES_MAX + 1];
    struct slice trimmed = slice_trim(brokers);
    if (trimmed.size == 0) {
        return err_set(err, "queue.kafka_brokers is empty; allowed with queue.kind = kafka: "
                            "HOST:PORT of one broker or more");
    }
    if (trimmed.size > BROKERS_BYTES_MAX) {
        return err_set(err, "queue.kafka_brokers is longer than %d bytes", BROKERS_BYTES_MAX);
    }
    for (size_t i = 0; i < trimmed.size; i++) {
        char c = trimmed.data[i];
        text[i] = c == ' ' || c == '\t' ? ',' : c;
    }
    text[trimmed.size] = '\0';
    return set(conf, "bootstrap.servers", text, err) || err_prefix(err, "queue.kafka_brokers");
}

static bool is_one_of(struct slice name, const struct setting *settings, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (slice_equal(name, slice_of(settings[i].name))) {
            return true;
        }
    }
    return false;
}

static bool is_reserved(struct slice name) {
    for (size_t i = 0; i < ARRAY_COUNT(reserved_names); i++) {
        if (slice_equal(name, slice_of(reserved_names[i]))) {
            return true;
        }
    }
    return is_one_of(name, common_settings, ARRAY_COUNT(common_settings)) ||
           is_one_of(name, producer_settings, ARRAY_COUNT(producer_settings)) ||
           is_one_of(name, reader_settings, ARRAY_COUNT(reader_settings));
}

static bool set_property(rd_kafka_conf_t *conf, struct slice line, struct err *err) {
    char name_text[NAME_BYTES_MAX + 1];
    char value_text[VALUE_BYTES_MAX + 1];
    if (memchr(line.data, '=', line.size) == NULL) {
        return err_set(err, "a line is name=value");
    }
    struct slice name = slice_trim(slice_split(&line, '='));
    struct slice value = slice_trim(line);
    if (name.size == 0 || name.size > NAME_BYTES_MAX || value.size > VALUE_BYTES_MAX ||
        memchr(value.data, '\0', value.size) != NULL) {
        return err_set(err, "a name has 1 to %d bytes, a value up to %d", NAME_BYTES_MAX,
                       VALUE_BYTES_MAX);
    }
    if (is_reserved(name)) {
        return err_set(err, "%.*s is brinco's to set", SLICE_ARG(name));
    }
    snprintf(name_text, sizeof(name_text), "%.*s", SLICE_ARG(name));
    snprintf(value_text, sizeof(value_text), "%.*s", SLICE_ARG(value));
    return set(conf, name_text, value_text, err);
}

static bool read_properties(rd_kafka_conf_t *conf, const char *path, struct err *err) {
    struct buf text;
    buf_init(&text, PROPERTIES_BYTES_MAX);
    bool is_read = file_read(path, &text, err) || err_prefix(err, "queue.kafka_properties");
    struct slice rest = buf_slice(&text);
    for (unsigned number = 1; is_read && rest.size > 0; number++) {
        struct slice line = slice_split(&rest, '\n');
        if (line.size > 0 && line.data[line.size - 1] == '\r') {
            line.size--;
        }
        line = slice_trim(line);
        if (line.size > 0 && line.data[0] != '#') {
            is_read = set_property(conf, line, err) ||
                      err_prefix(err, "queue.kafka_properties: %s:%u", path, number);
        }
    }
    buf_fini(&text);
    return is_read;
}
