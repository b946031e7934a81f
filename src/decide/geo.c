/*
 * geo.c - look-ups by libmaxminddb, in a checked and sealed copy of the file.
 *
 *   path ──copy, seal──► memfd ──check──► MMDB_open("/proc/self/fd/N") ──► look-ups
 *         geo_file.c           geo_check.c
 *
 * The library maps what it opens, and a memfd is opened through /proc like a file; its mapping
 * keeps the memory, so the descriptor is closed at once.
 *
 * Threads   geo_find() only reads; the count of references is atomic.
 * Limits    A look-up is at most 128 steps in the tree and three paths in a value that
 *           geo_check() found to be short: no allocation, no lock, no system call.
 */
#include "decide/geo.h"

#include <errno.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/random.h"
#include "geo_check.h"
#include "geo_file.h"
#include "geo_private.h"

enum { DESCRIPTION_BYTES = 96 };

struct geo {
    _Atomic unsigned references;
    uint64_t id;
    MMDB_s database;
    char description[DESCRIPTION_BYTES];
};

static bool check_memory(int memory, off_t size, struct err *err);
static struct geo *open_memory(int memory, struct err *err);
static void describe(struct geo *geo);
static void read_code(MMDB_entry_s *entry, const char *const *path, char *code, size_t size);

struct geo *geo_open(const char *path, struct err *err) {
    struct geo_identity identity;
    return geo_open_identified(path, &identity, err);
}

struct geo *geo_open_identified(const char *path, struct geo_identity *identity, struct err *err) {
    struct geo *geo = NULL;
    int memory = geo_file_copy(path, identity, err);
    if (memory >= 0) {
        if (check_memory(memory, identity->size, err)) {
            geo = open_memory(memory, err);
        }
        close(memory);
    }
    if (geo == NULL) {
        (void)err_prefix(err, "geo.database: %s", path);
    }
    return geo;
}

struct geo *geo_ref(struct geo *geo) {
    atomic_fetch_add_explicit(&geo->references, 1, memory_order_relaxed);
    return geo;
}

void geo_unref(struct geo **geo) {
    struct geo *held = *geo;
    *geo = NULL;
    if (held == NULL ||
        atomic_fetch_sub_explicit(&held->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    MMDB_close(&held->database);
    free(held);
}

struct geo_place geo_find(const struct geo *geo, const struct sockaddr *address) {
    struct geo_network network;
    if (geo == NULL || !geo_walk(geo, address, &network) || !network.has_value) {
        return (struct geo_place){0};
    }
    return geo_read(geo, network.offset);
}

uint64_t geo_id(const struct geo *geo) {
    return geo->id;
}

bool geo_walk(const struct geo *geo, const struct sockaddr *address, struct geo_network *network) {
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            memcpy(&v4.sin_addr, &v6->sin6_addr.s6_addr[12], sizeof v4.sin_addr);
            address = (const struct sockaddr *)&v4;
        }
    } else if (address->sa_family != AF_INET) {
        return false;
    }
    int error = MMDB_SUCCESS;
    MMDB_lookup_result_s found = MMDB_lookup_sockaddr(&geo->database, address, &error);
    if (error != MMDB_SUCCESS) {
        return false;
    }
    unsigned tree_begin = geo->database.metadata.ip_version == 4 ? GEO_IPV4_BIT : 0;
    *network = (struct geo_network){
        .bits = tree_begin + found.netmask,
        .has_value = found.found_entry,
        .offset = found.found_entry ? found.entry.offset : 0,
    };
    return true;
}

struct geo_place geo_read(const struct geo *geo, uint32_t offset) {
    static const char *const country[] = {"country", "iso_code", NULL};
    static const char *const registered[] = {"registered_country", "iso_code", NULL};
    static const char *const region[] = {"subdivisions", "0", "iso_code", NULL};

    struct geo_place place = {0};
    MMDB_entry_s entry = {.mmdb = &geo->database, .offset = offset};
    read_code(&entry, country, place.country, sizeof place.country);
    if (place.country[0] == '\0') {
        /* Where the network is registered: no region belongs to that. */
        read_code(&entry, registered, place.country, sizeof place.country);
        return place;
    }
    read_code(&entry, region, place.region, sizeof place.region);
    return place;
}

void geo_describe(const struct geo *geo, char *text, size_t size) {
    snprintf(text, size, "%s", geo ? geo->description : "none");
}

static bool check_memory(int memory, off_t size, struct err *err) {
    void *image = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, memory, 0);
    if (image == MAP_FAILED) {
        return err_set(err, "cannot be mapped: %s", strerror(errno));
    }
    bool good = geo_check(image, (size_t)size, err);
    munmap(image, (size_t)size);
    return good;
}

static struct geo *open_memory(int memory, struct err *err) {
    struct geo *geo = calloc(1, sizeof *geo);
    if (geo == NULL) {
        (void)err_set(err, "no memory");
        return NULL;
    }
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
    int status = MMDB_open(path, MMDB_MODE_MMAP, &geo->database);
    if (status != MMDB_SUCCESS) {
        (void)err_set(err, "%s", MMDB_strerror(status));
        free(geo);
        return NULL;
    }
    geo->references = 1;
    while (geo->id == 0) {
        random_bytes(&geo->id, sizeof geo->id);
    }
    describe(geo);
    return geo;
}

/* The type is the file's own word: only what is printable of it gets into a log. */
static void describe(struct geo *geo) {
    char type[49];
    snprintf(type, sizeof type, "%s", geo->database.metadata.database_type);
    for (char *c = type; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~') {
            *c = '?';
        }
    }
    const uint64_t year_9999 = 253402300799;
    uint64_t built = geo->database.metadata.build_epoch;
    time_t when = (time_t)(built < year_9999 ? built : year_9999);
    struct tm date;
    char day[16];
    gmtime_r(&when, &date);
    strftime(day, sizeof day, "%Y-%m-%d", &date);
    snprintf(geo->description, sizeof geo->description, "%s, built %s", type, day);
}

/* code has room for size - 1 characters: of a country all of them, of a region one to three. */
static void read_code(MMDB_entry_s *entry, const char *const *path, char *code, size_t size) {
    MMDB_entry_data_s data;
    code[0] = '\0';
    if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
        data.type != MMDB_DATA_TYPE_UTF8_STRING || data.data_size >= size) {
        return;
    }
    bool is_country = size == sizeof((struct geo_place){0}.country);
    if (is_country && data.data_size != size - 1) {
        return;
    }
    for (uint32_t i = 0; i < data.data_size; i++) {
        char c = data.utf8_string[i];
        if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9')) {
            return;
        }
    }
    memcpy(code, data.utf8_string, data.data_size);
    code[data.data_size] = '\0';
}
