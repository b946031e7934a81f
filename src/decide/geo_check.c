/*
 * geo_check.c - reads a MaxMind DB whole before libmaxminddb reads any of it.
 *
 * The library checks that what it decodes lies within the file, but trusts the rest: it
 * multiplies the node count in 32 bits, so that a large one puts the data section outside the
 * mapping; it expands the metadata's pointers, so that twenty arrays of two pointers each are a
 * million entries; and it skips nested maps and arrays by recursion without a bound, so that a
 * file of brackets overflows the stack at the first look-up. This file holds a database to what
 * real ones look like, by the format's specification
 * (https://maxmind.github.io/MaxMind-DB/, version 2.0):
 *
 *   image = search tree | 16 zero bytes | data section ... marker | metadata
 *
 *   metadata   one map; what its pointers expand to is small; sizes agree with the file's
 *   tree       every record is a node, "not found", or an offset in the data section
 *   data       every value that the tree or a pointer leads to is whole, shallow and short
 *
 * A value reached by a pointer or by the tree is looked at once: a bitmap remembers where they
 * begin. Values may lie within each other, which a bound on all steps makes harmless.
 *
 * Threads   Pure, but for one allocation of an eighth of the data section's size.
 * Limits    The constants below. They are far from any real database: a GeoIP2 Enterprise
 *           record has about 200 items, seven deep.
 */
#include "geo_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/slice.h"

enum {
    SEPARATOR_BYTES = 16,
    METADATA_AREA_BYTES = 128 * 1024, /* from the end of the file; section "Metadata" */
    METADATA_STEPS_MAX = 10000,
    VALUE_ITEMS_MAX = 4096, /* of one value, pointers not followed: what a look-up may skip */
    DEPTH_MAX = 32,
    STEPS_FREE = 65536, /* on top of two for every byte of the data section */
};

/* Section "Output Data Section". */
enum type {
    TYPE_EXTENDED = 0,
    TYPE_POINTER = 1,
    TYPE_STRING = 2,
    TYPE_UINT16 = 5,
    TYPE_UINT32 = 6,
    TYPE_MAP = 7,
    TYPE_ARRAY = 11,
    TYPE_BOOLEAN = 14,
    TYPE_MAX = 15,
};

struct item {
    unsigned type;
    size_t size;   /* bytes; of a map or array: entries */
    size_t begin;  /* of the payload, or of the first entry */
    size_t next;   /* behind the payload; of a map or array: begin */
    size_t target; /* of a pointer */
};

/* Offsets of values count from the section's beginning. */
struct section {
    const uint8_t *data;
    size_t size;
};

struct walk {
    struct section section;
    uint8_t *seen;     /* a bit for every offset at which a checked value begins; NULL: expand
                          every pointer, as the library does with the metadata */
    uint64_t steps;    /* left */
    size_t items;      /* left for this value */
    const char *fault; /* what is wrong, and */
    size_t place;      /* where, in the section */
};

struct layout {
    uint64_t node_count;
    uint64_t record_bits;
    uint64_t tree_bytes;
};

static bool find_metadata(struct section image, struct section *metadata);
static bool check_metadata(struct section metadata, struct layout *layout, struct err *err);
static bool check_languages(struct walk *walk, const struct item *languages);
static bool find_key(struct section map, const char *name, struct item *value);
static bool read_number(struct section metadata, const char *name, unsigned type, uint64_t *number);
static bool check_tree(struct section image, const struct layout *layout, struct walk *walk,
                       struct err *err);
static uint64_t read_record(const uint8_t *node, uint64_t record_bits, size_t side);
static bool check_value(struct walk *walk, size_t offset, unsigned depth);
static bool check_item(struct walk *walk, size_t offset, unsigned depth, size_t *next);
static bool check_key(struct walk *walk, size_t offset, size_t *next);
static bool decode(struct walk *walk, size_t offset, struct item *item);
static bool decode_size(struct section section, uint8_t control, size_t *offset, size_t *size);
static bool decode_pointer(struct section section, uint8_t control, size_t offset,
                           struct item *item);
static bool fail(struct walk *walk, const char *fault, size_t place);

bool geo_check(const uint8_t *image, size_t size, struct err *err) {
    struct section whole = {image, size};
    struct section metadata;
    if (!find_metadata(whole, &metadata)) {
        return err_set(err, "not a MaxMind DB, or cut short: it has no metadata");
    }
    struct layout layout = {0};
    if (!check_metadata(metadata, &layout, err)) {
        return false;
    }
    size_t metadata_offset = size - metadata.size;
    if (layout.tree_bytes + SEPARATOR_BYTES > metadata_offset) {
        return err_set(err, "cut short: %llu nodes of the search tree do not fit into %zu bytes",
                       (unsigned long long)layout.node_count, size);
    }

    size_t data_offset = (size_t)layout.tree_bytes + SEPARATOR_BYTES;
    struct walk walk = {
        .section = {image + data_offset, size - data_offset},
        .seen = calloc((size - data_offset) / 8 + 1, 1),
        .steps = 2 * (uint64_t)(size - data_offset) + STEPS_FREE,
    };
    if (walk.seen == NULL) {
        return err_set(err, "no memory to check it");
    }
    bool good = check_tree(whole, &layout, &walk, err);
    free(walk.seen);
    return good;
}

/* It begins behind the last marker. */
static bool find_metadata(struct section image, struct section *metadata) {
    static const char marker[] = "\xab\xcd\xefMaxMind.com";
    const size_t marker_bytes = sizeof marker - 1;
    if (image.size < marker_bytes) {
        return false;
    }
    size_t lowest = image.size > METADATA_AREA_BYTES ? image.size - METADATA_AREA_BYTES : 0;
    for (size_t at = image.size - marker_bytes + 1; at-- > lowest;) {
        if (memcmp(image.data + at, marker, marker_bytes) == 0) {
            size_t begin = at + marker_bytes;
            *metadata = (struct section){image.data + begin, image.size - begin};
            return true;
        }
    }
    return false;
}

static bool check_metadata(struct section metadata, struct layout *layout, struct err *err) {
    struct walk walk = {.section = metadata, .steps = METADATA_STEPS_MAX, .items = VALUE_ITEMS_MAX};
    if (!check_value(&walk, 0, 0)) {
        return err_set(err, "damaged metadata: %s at byte %zu of it", walk.fault, walk.place);
    }
    struct item languages = {0};
    uint64_t ip_version;
    if (!find_key(metadata, "languages", &languages) || !check_languages(&walk, &languages) ||
        !read_number(metadata, "node_count", TYPE_UINT32, &layout->node_count) ||
        !read_number(metadata, "record_size", TYPE_UINT16, &layout->record_bits) ||
        !read_number(metadata, "ip_version", TYPE_UINT16, &ip_version)) {
        return err_set(err, "damaged metadata: node_count, record_size, ip_version or languages "
                            "is missing or of the wrong type");
    }
    if (layout->record_bits != 24 && layout->record_bits != 28 && layout->record_bits != 32) {
        return err_set(err, "its record_size is %llu: allowed are 24, 28 and 32",
                       (unsigned long long)layout->record_bits);
    }
    if (ip_version != 4 && ip_version != 6) {
        return err_set(err, "its ip_version is %llu: allowed are 4 and 6",
                       (unsigned long long)ip_version);
    }
    if (layout->node_count == 0) {
        return err_set(err, "its search tree is empty");
    }
    layout->tree_bytes = layout->node_count * layout->record_bits * 2 / 8;
    return true;
}

/* The library forgets to free them when one is no string. */
static bool check_languages(struct walk *walk, const struct item *languages) {
    size_t offset = languages->begin;
    if (languages->type != TYPE_ARRAY) {
        return false;
    }
    for (size_t i = 0; i < languages->size; i++) {
        if (!check_key(walk, offset, &offset)) {
            return false;
        }
    }
    return true;
}

/* In a map at the section's beginning that was checked before; a pointer is followed. */
static bool find_key(struct section map, const char *name, struct item *value) {
    struct walk walk = {.section = map, .steps = METADATA_STEPS_MAX, .items = VALUE_ITEMS_MAX};
    struct item entries;
    if (!decode(&walk, 0, &entries) || entries.type != TYPE_MAP) {
        return false;
    }
    size_t offset = entries.begin;
    for (size_t i = 0; i < entries.size; i++) {
        struct item key;
        if (!decode(&walk, offset, &key)) {
            return false;
        }
        offset = key.next;
        if (key.type == TYPE_POINTER && !decode(&walk, key.target, &key)) {
            return false;
        }
        struct slice text = slice_make((const char *)map.data + key.begin, key.size);
        if (slice_equal(text, slice_of(name))) {
            return decode(&walk, offset, value) &&
                   (value->type != TYPE_POINTER || decode(&walk, value->target, value));
        }
        if (!check_item(&walk, offset, 0, &offset)) {
            return false;
        }
    }
    return false;
}

static bool read_number(struct section metadata, const char *name, unsigned type,
                        uint64_t *number) {
    struct item item;
    if (!find_key(metadata, name, &item) || item.type != type || item.size > 4) {
        return false;
    }
    *number = 0;
    for (size_t i = 0; i < item.size; i++) {
        *number = *number << 8 | metadata.data[item.begin + i];
    }
    return true;
}

static bool check_tree(struct section image, const struct layout *layout, struct walk *walk,
                       struct err *err) {
    const uint64_t node_bytes = layout->record_bits * 2 / 8;
    for (uint64_t i = 0; i < 2 * layout->node_count; i++) {
        const uint8_t *node = image.data + (i / 2) * node_bytes;
        uint64_t record = read_record(node, layout->record_bits, (size_t)(i % 2));
        if (record <= layout->node_count) {
            continue;
        }
        uint64_t offset = record - layout->node_count;
        if (offset < SEPARATOR_BYTES || offset - SEPARATOR_BYTES >= walk->section.size) {
            return err_set(err, "damaged search tree: node %llu leads out of the file",
                           (unsigned long long)(i / 2));
        }
        if (!check_value(walk, (size_t)offset - SEPARATOR_BYTES, 0)) {
            return err_set(err, "damaged data: %s at byte %zu of the data section", walk->fault,
                           walk->place);
        }
    }
    return true;
}

/* Section "Node Layout": of 28 bits, the odd half byte in the middle has the high bits. */
static uint64_t read_record(const uint8_t *node, uint64_t record_bits, size_t side) {
    const uint8_t *n = node;
    if (record_bits == 24) {
        n += 3 * side;
        return (uint64_t)n[0] << 16 | (uint64_t)n[1] << 8 | n[2];
    }
    if (record_bits == 28) {
        uint64_t high = side == 0 ? n[3] >> 4 : n[3] & 0x0f;
        n += 4 * side;
        return high << 24 | (uint64_t)n[0] << 16 | (uint64_t)n[1] << 8 | n[2];
    }
    n += 4 * side;
    return (uint64_t)n[0] << 24 | (uint64_t)n[1] << 16 | (uint64_t)n[2] << 8 | n[3];
}

/* A value that the tree or a pointer leads to. */
static bool check_value(struct walk *walk, size_t offset, unsigned depth) {
    if (offset >= walk->section.size) {
        return fail(walk, "a pointer out of the file", offset);
    }
    if (walk->seen != NULL) {
        uint8_t bit = (uint8_t)(1U << (offset % 8));
        if (walk->seen[offset / 8] & bit) {
            return true;
        }
        walk->seen[offset / 8] |= bit;
    }
    size_t items_outside = walk->items;
    walk->items = VALUE_ITEMS_MAX;
    size_t next;
    bool good = check_item(walk, offset, depth, &next);
    walk->items = items_outside;
    return good;
}

static bool check_item(struct walk *walk, size_t offset, unsigned depth, size_t *next) {
    struct item item;
    if (!decode(walk, offset, &item)) {
        return false;
    }
    *next = item.next;
    if (item.type == TYPE_POINTER) {
        struct item target;
        if (!decode(walk, item.target, &target)) {
            return false;
        }
        if (target.type == TYPE_POINTER) {
            return fail(walk, "a pointer to a pointer", offset);
        }
        return depth < DEPTH_MAX ? check_value(walk, item.target, depth + 1)
                                 : fail(walk, "too deep a nesting", offset);
    }
    if (item.type != TYPE_MAP && item.type != TYPE_ARRAY) {
        return true;
    }
    if (depth >= DEPTH_MAX) {
        return fail(walk, "too deep a nesting", offset);
    }
    for (size_t i = 0; i < item.size; i++) {
        if (item.type == TYPE_MAP && !check_key(walk, *next, next)) {
            return false;
        }
        if (!check_item(walk, *next, depth + 1, next)) {
            return false;
        }
    }
    return true;
}

/* A string, or a pointer to one. */
static bool check_key(struct walk *walk, size_t offset, size_t *next) {
    struct item key;
    if (!decode(walk, offset, &key)) {
        return false;
    }
    *next = key.next;
    if (key.type == TYPE_POINTER && !decode(walk, key.target, &key)) {
        return false;
    }
    return key.type == TYPE_STRING || fail(walk, "a key that is no text", offset);
}

/* Section "Data Field Format". */
static bool decode(struct walk *walk, size_t offset, struct item *item) {
    const size_t begin = offset;
    struct section section = walk->section;
    *item = (struct item){0};
    if (walk->steps == 0 || walk->items == 0) {
        return fail(walk, "too large a value", begin);
    }
    walk->steps--;
    walk->items--;
    if (offset >= section.size) {
        return fail(walk, "the end of the file within a value", begin);
    }
    uint8_t control = section.data[offset++];
    item->type = control >> 5;
    if (item->type == TYPE_POINTER) {
        return decode_pointer(section, control, offset, item) ||
               fail(walk, "the end of the file within a pointer", begin);
    }
    if (item->type == TYPE_EXTENDED) {
        if (offset >= section.size) {
            return fail(walk, "the end of the file within a value", begin);
        }
        item->type = 7U + section.data[offset++];
        if (item->type > TYPE_MAX) {
            return fail(walk, "an unknown type", begin);
        }
    }
    if (!decode_size(section, control, &offset, &item->size)) {
        return fail(walk, "the end of the file within a value", begin);
    }
    item->begin = item->next = offset;
    if (item->type == TYPE_MAP || item->type == TYPE_ARRAY || item->type == TYPE_BOOLEAN) {
        return true;
    }
    if (item->size > section.size - offset) {
        return fail(walk, "the end of the file within a value", begin);
    }
    item->next = offset + item->size;
    return true;
}

/* Five bits of the control byte, or up to three bytes behind it. */
static bool decode_size(struct section section, uint8_t control, size_t *offset, size_t *size) {
    static const size_t base[] = {0, 29, 285, 65821};
    *size = control & 31;
    if (*size < 29) {
        return true;
    }
    size_t bytes = control & 3; /* 29, 30, 31: one, two, three */
    if (section.size - *offset < bytes) {
        return false;
    }
    size_t more = 0;
    for (size_t i = 0; i < bytes; i++) {
        more = more << 8 | section.data[(*offset)++];
    }
    *size = base[bytes] + more;
    return true;
}

static bool decode_pointer(struct section section, uint8_t control, size_t offset,
                           struct item *item) {
    static const size_t base[] = {0, 2048, 526336, 0};
    size_t form = (control >> 3) & 3;
    size_t bytes = form + 1;
    if (section.size - offset < bytes) {
        return false;
    }
    size_t value = bytes < 4 ? control & 7U : 0;
    for (size_t i = 0; i < bytes; i++) {
        value = value << 8 | section.data[offset + i];
    }
    item->begin = item->next = offset + bytes;
    item->target = base[form] + value;
    return true;
}

static bool fail(struct walk *walk, const char *fault, size_t place) {
    walk->fault = fault;
    walk->place = place;
    return false;
}
