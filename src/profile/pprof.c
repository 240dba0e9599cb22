#include "profile/pprof.h"
#include "base/check.h"
#include "base/containers/table.h"
#include "base/memory.h"
#include "profile/gzip.h"
#include "profile/symbols.h"
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* Fields of the messages, as pprof's profile.proto numbers them. */
enum {
    PROFILE_SAMPLE_TYPE = 1,
    PROFILE_SAMPLE = 2,
    PROFILE_MAPPING = 3,
    PROFILE_LOCATION = 4,
    PROFILE_FUNCTION = 5,
    PROFILE_STRING_TABLE = 6,
    PROFILE_DROP_FRAMES = 7,
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
    MAPPING_HAS_FUNCTIONS = 7,
    LOCATION_ID = 1,
    LOCATION_MAPPING_ID = 2,
    LOCATION_ADDRESS = 3,
    LOCATION_LINE = 4,
    LINE_FUNCTION_ID = 1,
    FUNCTION_ID = 1,
    FUNCTION_NAME = 2,
    FUNCTION_SYSTEM_NAME = 3,

    WIRE_VARINT = 0,
    WIRE_BYTES = 2,
    MAPPING_TEXT_BYTES = 4096,
    FUNCTION_NAME_BYTES = 256 /* longer ones are cut */
};

struct pprof {
    unsigned kind_count;
    struct buffer profile;                   /* all fields that are known so far */
    struct buffer strings;                   /* the string table, encoded */
    struct table *string_ids, *location_ids; /* the number as a pointer */
    struct table *function_ids;
    uintptr_t string_count, location_count, function_count;
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
    pprof->function_ids = table_new();
    put_bytes(&pprof->strings, PROFILE_STRING_TABLE, BYTES_NONE);
    for (unsigned i = 0; i < options->kind_count; i++)
        put_kind(pprof, PROFILE_SAMPLE_TYPE, &options->kinds[i]);
    put_kind(pprof, PROFILE_PERIOD_TYPE, &options->period_kind);
    put_number(&pprof->profile, PROFILE_PERIOD, options->period);
    put_number(&pprof->profile, PROFILE_TIME_NANOS, options->begun_ns);
    put_number(&pprof->profile, PROFILE_DURATION_NANOS, options->duration_ns);
    if (options->drop_frames)
        put_number(&pprof->profile, PROFILE_DROP_FRAMES, string_id(pprof, options->drop_frames));
    return pprof;
}

void pprof_free(struct pprof *pprof) {
    buffer_release(&pprof->profile);
    buffer_release(&pprof->strings);
    buffer_release(&pprof->message);
    buffer_release(&pprof->packed);
    table_free(pprof->string_ids);
    table_free(pprof->location_ids);
    table_free(pprof->function_ids);
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
    struct symbols *symbols; /* NULL: none, or nobody has looked */
    bool is_looked_for;
};

/* One line of /proc/self/maps; false if no code lies there. */
static bool mapping_parse(const char *line, struct mapping *mapping) {
    char rights[5];
    int end = 0;
    *mapping = (struct mapping){0};
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n", &mapping->start,
               &mapping->limit, rights, &mapping->offset, &end) != 4 ||
        end == 0 || rights[2] != 'x')
        return false;
    snprintf(mapping->file, sizeof mapping->file, "%s", line + end);
    return true;
}

/* Returns an array of all, owned. */
static struct mapping *read_mappings(struct bytes maps, size_t *count) {
    struct mapping *all = NULL;
    const char *at = (const char *)maps.data, *end = at + maps.length;
    for (*count = 0; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        char line[MAPPING_TEXT_BYTES];
        snprintf(line, sizeof line, "%.*s", (int)((stop ? stop : end) - at), at);
        all = memory_resize(all, (*count + 1) * sizeof *all);
        *count += mapping_parse(line, &all[*count]);
        at = stop ? stop + 1 : end;
    }
    return all;
}

static void free_mappings(struct mapping *mappings, size_t count) {
    for (size_t i = 0; i < count; i++)
        symbols_free(mappings[i].symbols);
    memory_free(mappings);
}

/* pprof takes the first mapping for the program itself, which Linux maps lowest. Where functions
 * are named it does not look for their names again. */
static void put_mappings(struct pprof *pprof, const struct mapping *mappings, size_t count) {
    struct buffer *message = &pprof->message;
    for (size_t i = 0; i < count; i++) {
        const struct mapping *mapping = &mappings[i];
        put_number(message, MAPPING_ID, i + 1);
        put_number(message, MAPPING_MEMORY_START, mapping->start);
        put_number(message, MAPPING_MEMORY_LIMIT, mapping->limit);
        put_number(message, MAPPING_FILE_OFFSET, mapping->offset);
        put_number(message, MAPPING_FILENAME,
                   mapping->file[0] ? string_id(pprof, mapping->file) : 0);
        if (mapping->symbols)
            put_number(message, MAPPING_HAS_FUNCTIONS, 1);
        put_message(&pprof->profile, PROFILE_MAPPING, message);
    }
}

/* ---- whose code it is ---- */

/* The program itself may have been replaced since it was started, by a new release; the kernel
 * still has it. What has no path ("[vdso]") is no file. */
static struct symbols *open_symbols(const char *file) {
    char program[MAPPING_TEXT_BYTES];
    if (file[0] != '/')
        return NULL;
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = '\0';
    return symbols_open(strcmp(file, program) == 0 ? "/proc/self/exe" : file);
}

static const char *symbol_at(struct mapping *mapping, uint64_t address) {
    if (!mapping->is_looked_for) {
        mapping->is_looked_for = true;
        mapping->symbols = open_symbols(mapping->file);
    }
    return mapping->symbols
               ? symbols_find(mapping->symbols, address - mapping->start + mapping->offset)
               : NULL;
}

/* The optimizer's copies of a function, named `function.part.0` or the like, are that function. */
static uint64_t function_id(struct pprof *pprof, const char *symbol) {
    char name[FUNCTION_NAME_BYTES];
    void *known = table_get(pprof->function_ids, bytes_of_text(symbol));
    if (known)
        return (uintptr_t)known;
    table_put(pprof->function_ids, bytes_of_text(symbol), (void *)++pprof->function_count);
    size_t length = strcspn(symbol + 1, ".") + 1;
    snprintf(name, sizeof name, "%.*s", (int)length, symbol);
    put_number(&pprof->packed, FUNCTION_ID, pprof->function_count);
    put_number(&pprof->packed, FUNCTION_NAME, string_id(pprof, name));
    put_number(&pprof->packed, FUNCTION_SYSTEM_NAME, string_id(pprof, symbol));
    put_message(&pprof->profile, PROFILE_FUNCTION, &pprof->packed);
    return pprof->function_count;
}

/* 0: in none of them. */
static size_t mapping_of(const struct mapping *mappings, size_t count, uint64_t address) {
    for (size_t i = 0; i < count; i++)
        if (address >= mappings[i].start && address < mappings[i].limit)
            return i + 1;
    return 0;
}

static void put_location(struct pprof *pprof, uint64_t id, uint64_t address,
                         struct mapping *mappings, size_t count) {
    size_t mapping = mapping_of(mappings, count, address);
    const char *symbol = mapping ? symbol_at(&mappings[mapping - 1], address) : NULL;
    uint64_t function = symbol && symbol[0] ? function_id(pprof, symbol) : 0;
    put_number(&pprof->message, LOCATION_ID, id);
    put_number(&pprof->message, LOCATION_MAPPING_ID, mapping);
    put_number(&pprof->message, LOCATION_ADDRESS, address);
    if (function) {
        put_number(&pprof->packed, LINE_FUNCTION_ID, function);
        put_message(&pprof->message, LOCATION_LINE, &pprof->packed);
    }
    put_message(&pprof->profile, PROFILE_LOCATION, &pprof->message);
}

static void put_locations(struct pprof *pprof, struct mapping *mappings, size_t count) {
    size_t position = 0;
    struct bytes key;
    void *id;
    while (table_walk(pprof->location_ids, &position, &key, &id)) {
        uint64_t address;
        memcpy(&address, key.data, sizeof address);
        put_location(pprof, (uintptr_t)id, address, mappings, count);
    }
}

void pprof_finish(struct pprof *pprof, struct bytes maps, struct buffer *out) {
    size_t count;
    struct mapping *mappings = read_mappings(maps, &count);
    put_locations(pprof, mappings, count);
    put_mappings(pprof, mappings, count);
    free_mappings(mappings, count);
    buffer_append_bytes(&pprof->profile, buffer_bytes(&pprof->strings));
    gzip_wrap(buffer_bytes(&pprof->profile), out);
    out->is_overflowed = out->is_overflowed || pprof->profile.is_overflowed;
}
