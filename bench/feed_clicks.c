/*
 * feed_clicks.c - made-up clicks (made_clicks.h), through the shipper's own encoding into a stream:
 * for bench/collect.
 *
 *   feed_clicks SOCKET LINKS COUNT FIRST AT_MS
 *
 * Writes COUNT clicks into <prefix>clicks:bench:0 of the Redis at SOCKET, as sequences FIRST and
 * on, from Unix time AT_MS on, MADE_CLICKS_PER_MS in each millisecond.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/slice.h"
#include "click/click.h"
#include "click/payload.h"
#include "click/queue.h"
#include "made_clicks.h"
#include "redis/url.h"

enum { ARGUMENTS = 6 };

static int fail(const struct err *err) {
    fprintf(stderr, "feed_clicks: %s\n", err->text);
    return 1;
}

static int feed(struct queue *queue, const uint64_t number[4]) {
    uint64_t links = number[0], count = number[1], first = number[2], at_ms = number[3];
    struct queue_position position = {0};
    struct made_texts store;
    struct err err = {""};
    bool is_sent = false;
    if (queue_redis.attach(queue, SLICE("bench"), 0, &position, &err) != QUEUE_OK) {
        return fail(&err);
    }
    for (uint64_t i = 0; i <= count;) {
        position.at_ms = at_ms + i / MADE_CLICKS_PER_MS;
        position.sequence = first + i;
        union payload_record record = {
            .click = made_click(position.sequence, links, position.at_ms, &store)};
        if (i < count && queue_redis.add(queue, position, &record)) {
            i++;
            continue;
        }
        if (is_sent && queue_redis.wait(queue, &err) != QUEUE_OK) {
            return fail(&err);
        }
        if (queue_redis.send(queue, &err) != QUEUE_OK) {
            return fail(&err);
        }
        is_sent = true;
        i += i == count ? 1 : 0;
    }
    return queue_redis.wait(queue, &err) == QUEUE_OK ? 0 : fail(&err);
}

int main(int argc, char **argv) {
    struct redis_url url = {.port = 6379};
    struct err err = {""};
    uint64_t number[4];
    bool is_right = argc == ARGUMENTS;
    for (int i = 2; is_right && i < ARGUMENTS; i++) {
        is_right = slice_to_u64(slice_of(argv[i]), UINT64_MAX, &number[i - 2]) && number[i - 2] > 0;
    }
    if (!is_right || strlen(argv[1]) >= sizeof(url.socket_path)) {
        fprintf(stderr, "usage: feed_clicks SOCKET LINKS COUNT FIRST AT_MS\n");
        return 2;
    }
    snprintf(url.socket_path, sizeof(url.socket_path), "%s", argv[1]);
    struct queue_options options = {.url = &url, .key_prefix = SLICE("brinco:")};
    struct queue *queue = queue_redis.create(&options, &err);
    int status = queue != NULL ? feed(queue, number) : fail(&err);
    queue_redis.destroy(&queue);
    return status;
}
