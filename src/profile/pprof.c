#include "profile/pprof.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/table.h"
#include "profile/gzip.h"
#include <inttypes.h>
#include <stdio.h>

/* Fields of the messages, as pprof's profile.proto numbers them. */
enum {
    PROFILE_SAMPLE_TYPE = 1,
    PROFILE_SAMPLE = 2,
    PROFILE_MAPPING = 3,
    PROFILE_LOCATION = 4,
    PROFILE_STRING_TABLE = 6,
    PROFILE_TIME_NANOS = 9,
    PROFILE_DURATION_NANOS = 10,
    PROFILE_PERIOD_TYPE = 11,
    PROFILE_PERIOD = 12,
    VALUE_TYPE_TYPE = 1,
    VALUE_TYPE_UNIT = 2,
    SAMPLE_LOCATION_ID = 1,
    SAMPLE_VALUE = 2,
    SAMPLE_LABEL = 3,
    LABEL_KEY = 1,
    LABEL_STR = 2,
    MAPPING_ID = 1,
    MAPPING_MEMORY_START = 2,
    MAPPING_MEMORY_LIMIT = 3,
    MAPPING_FILE_OFFSET = 4,
    MAPPING_FILENAME = 5,
    LOCATION_ID = 1,
    LOCATION_MAPPING_ID = 2,
    LOCATION_ADDRESS = 3,

    WIRE_VARINT = 0,
    WIRE_BYTES = 2,
    MAPPING_TEXT_BYTES = 4096
};

struct pprof {
    unsigned kind_count;
    struct buffer profile;                   /* all fields that are known so far */
    struct buffer strings;                   /* the string table, encoded */
    struct table *string_ids, *location_ids; /* the number as a pointer */
    uintptr_t string_count, location_count, mapping_count;
    struct buffer message, packed; /* the one that is being made */
};

/* ---- protobuf ---- */

static void put_number(struct buffer *out, unsigned field, uint64_t value) {
    buffer_append_varint(out, field << 3 | WIRE_VARINT);
    buffer_append_varint(out, value);
}

static void put_bytes(struct buffer *out, unsigned field, struct bytes bytes) {
    buffer_append_varint(out, field << 3 | WIRE_BYTES);
    buffer_append_length_prefixed(out, bytes);
}

static void put_message(struct buffer *out, unsigned field, struct buffer *message) {
    put_bytes(out, field, buffer_bytes(message));
    buffer_clear(message);
}

/* ---- numbers for strings and addresses ---- */

static uint64_t string_id(struct pprof *pprof, const char *text) {
    struct bytes key = bytes_of_text(text);
    void *known = table_get(pprof->string_ids, key);
    if (known)
        return (uintptr_t)known;
    put_bytes(&pprof->strings, PROFILE_STRING_TABLE, key);
    table_put(pprof->string_ids, key, (void *)++pprof->string_count); /* "" is 0, and not in it */
    return pprof->string_count;
}

static uint64_t location_id(struct pprof *pprof, uint64_t address) {
    struct bytes key = bytes_of(&address, sizeof address);
    void *known = table_get(pprof->location_ids, key);
    if (known)
        return (uintptr_t)known;
    table_put(pprof->location_ids, key, (void *)++pprof->location_count);
    return pprof->location_count;
}

/* ---- the parts ---- */

static void put_kind(struct pprof *pprof, unsigned field, const struct pprof_kind *kind) {
    put_number(&pprof->message, VALUE_TYPE_TYPE, string_id(pprof, kind->type));
    put_number(&pprof->message, VALUE_TYPE_UNIT, string_id(pprof, kind->unit));
    put_message(&pprof->profile, field, &pprof->message);
}

struct pprof *pprof_new(const struct pprof_options *options) {
    struct pprof *pprof = memory_allocate_zeroed(1, sizeof *pprof);
    CHECK(options->kind_count > 0 && options->kind_count <= PPROF_VALUE_MAXIMUM);
    pprof->kind_count = options->kind_count;
    buffer_init(&pprof->profile, PPROF_MAXIMUM_BYTES);
    buffer_init(&pprof->strings, PPROF_MAXIMUM_BYTES);
    buffer_init(&pprof->message, PPROF_MAXIMUM_BYTES);
    buffer_init(&pprof->packed, PPROF_MAXIMUM_BYTES);
    pprof->string_ids = table_new();
    pprof->location_ids = table_new();
    put_bytes(&pprof->strings, PROFILE_STRING_TABLE, BYTES_NONE);
    for (unsigned i = 0; i < options->kind_count; i++)
        put_kind(pprof, PROFILE_SAMPLE_TYPE, &options->kinds[i]);
    put_kind(pprof, PROFILE_PERIOD_TYPE, &options->period_kind);
    put_number(&pprof->profile, PROFILE_PERIOD, options->period);
    put_number(&pprof->profile, PROFILE_TIME_NANOS, options->begun_ns);
    put_number(&pprof->profile, PROFILE_DURATION_NANOS, options->duration_ns);
    return pprof;
}

void pprof_free(struct pprof *pprof) {
    buffer_release(&pprof->profile);
    buffer_release(&pprof->strings);
    buffer_release(&pprof->message);
    buffer_release(&pprof->packed);
    table_free(pprof->string_ids);
    table_free(pprof->location_ids);
    memory_free(pprof);
}

void pprof_add(struct pprof *pprof, const uint64_t *addresses, size_t depth, const uint64_t *values,
               const char *thread) {
    for (size_t i = 0; i < depth; i++)
        buffer_append_varint(&pprof->packed, location_id(pprof, addresses[i]));
    put_message(&pprof->message, SAMPLE_LOCATION_ID, &pprof->packed);
    for (unsigned i = 0; i < pprof->kind_count; i++)
        buffer_append_varint(&pprof->packed, values[i]);
    put_message(&pprof->message, SAMPLE_VALUE, &pprof->packed);
    if (thread) {
        put_number(&pprof->packed, LABEL_KEY, string_id(pprof, "thread"));
        put_number(&pprof->packed, LABEL_STR, string_id(pprof, thread));
        put_message(&pprof->message, SAMPLE_LABEL, &pprof->packed);
    }
    put_message(&pprof->profile, PROFILE_SAMPLE, &pprof->message);
}

/* ---- where code lies ---- */

struct mapping {
    uint64_t start, limit, offset;
    char file[MAPPING_TEXT_BYTES];
};

/* One line of /proc/self/maps; false if no code lies there. */
static bool mapping_parse(const char *line, struct mapping *mapping) {
    char rights[5];
    int end = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n", &mapping->start,
               &mapping->limit, rights, &mapping->offset, &end) != 4 ||
        end == 0 || rights[2] != 'x')
        return false;
    snprintf(mapping->file, sizeof mapping->file, "%s", line + end);
    return true;
}

static void put_mapping(struct pprof *pprof, const struct mapping *mapping) {
    struct buffer *message = &pprof->message;
    put_number(message, MAPPING_ID, ++pprof->mapping_count);
    put_number(message, MAPPING_MEMORY_START, mapping->start);
    put_number(message, MAPPING_MEMORY_LIMIT, mapping->limit);
    put_number(message, MAPPING_FILE_OFFSET, mapping->offset);
    put_number(message, MAPPING_FILENAME, mapping->file[0] ? string_id(pprof, mapping->file) : 0);
    put_message(&pprof->profile, PROFILE_MAPPING, message);
}

/* pprof takes the first mapping for the program itself, which Linux maps lowest. Returns an array
 * of all, owned. */
static struct mapping *put_mappings(struct pprof *pprof, struct bytes maps, size_t *count) {
    struct mapping *all = NULL;
    const char *at = (const char *)maps.data, *end = at + maps.length;
    for (*count = 0; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        char line[MAPPING_TEXT_BYTES];
        snprintf(line, sizeof line, "%.*s", (int)((stop ? stop : end) - at), at);
        all = memory_resize(all, (*count + 1) * sizeof *all);
        if (mapping_parse(line, &all[*count]))
            put_mapping(pprof, &all[(*count)++]);
        at = stop ? stop + 1 : end;
    }
    return all;
}

static uint64_t mapping_of(const struct mapping *mappings, size_t count, uint64_t address) {
    for (size_t i = 0; i < count; i++)
        if (address >= mappings[i].start && address < mappings[i].limit)
            return i + 1;
    return 0;
}

static void put_locations(struct pprof *pprof, const struct mapping *mappings, size_t count) {
    size_t position = 0;
    struct bytes key;
    void *id;
    while (table_walk(pprof->location_ids, &position, &key, &id)) {
        uint64_t address;
        memcpy(&address, key.data, sizeof address);
        put_number(&pprof->message, LOCATION_ID, (uintptr_t)id);
        put_number(&pprof->message, LOCATION_MAPPING_ID, mapping_of(mappings, count, address));
        put_number(&pprof->message, LOCATION_ADDRESS, address);
        put_message(&pprof->profile, PROFILE_LOCATION, &pprof->message);
    }
}

void pprof_finish(struct pprof *pprof, struct bytes maps, struct buffer *out) {
    size_t count;
    struct mapping *mappings = put_mappings(pprof, maps, &count);
    put_locations(pprof, mappings, count);
    memory_free(mappings);
    buffer_append_bytes(&pprof->profile, buffer_bytes(&pprof->strings));
    gzip_wrap(buffer_bytes(&pprof->profile), out);
    out->is_overflowed = out->is_overflowed || pprof->profile.is_overflowed;
}
