/* redis/url.h: whatever is parsed stays within its bounds; a refusal never shows the password. */
#include <stdint.h>
#include <stdlib.h>

#include "base/defs.h"
#include "base/err.h"
#include "redis/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct redis_url url;
    struct err err = {0};
    char place[300];

    if (!redis_url_parse(slice_make((const char *)data, size), &url, &err)) {
        ENSURE(err.text[0] != '\0');
        return 0;
    }
    ENSURE(memchr(url.host, '\0', sizeof(url.host)) != NULL);
    ENSURE(memchr(url.socket_path, '\0', sizeof(url.socket_path)) != NULL);
    ENSURE(memchr(url.user, '\0', sizeof(url.user)) != NULL);
    ENSURE(memchr(url.password, '\0', sizeof(url.password)) != NULL);
    ENSURE((url.host[0] == '\0') != (url.socket_path[0] == '\0'));
    ENSURE(url.port != 0);
    redis_url_describe(&url, place, sizeof(place));
    ENSURE(strlen(place) < sizeof(place));
    return 0;
}
