/* docs/format/keyspace.md draws the bytes. */
#include "base/check.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "base/number.h"
#include "keyspace/keyspace_edit.h"
#include "keyspace/keyspace_private.h"
#include "keyspace/keyspace_scan.h"
#include <stdlib.h>

enum {
    KEYSPACE_FORMAT_VERSION = 1,
    KEYSPACE_BLOCK_BYTES = 64 * 1024,
    KEYSPACE_BLOCK_HEADER_BYTES = 1 + 8, /* the version; how many bytes of records follow */
    FLAG_HAS_EXPIRY = 1,
    FLAG_CONTINUES = 2, /* more elements for the object that the record before it began */
    FLAGS_KNOWN = FLAG_HAS_EXPIRY | FLAG_CONTINUES
};
/* Records of a slot up to so many are saved in the order of their keys, so that equal replicas
 * write equal bytes and need not send them to each other; more would hold the caller up. */
enum { SORTED_RECORDS_MAXIMUM = 4096, PREFETCH_BUCKETS = 8 };

struct save {
    struct buffer *out;
    size_t block_start, block_bytes; /* 0 bytes: none is begun */
    uint64_t hash;
    struct buffer piece;
};

static void save_end_block(struct save *save) {
    if (save->block_bytes == 0 || save->out->is_overflowed)
        return;
    uint64_t record_bytes = save->block_bytes - KEYSPACE_BLOCK_HEADER_BYTES;
    uint8_t *block = buffer_data(save->out) + save->block_start;
    for (unsigned byte = 0; byte < 8; byte++)
        block[1 + byte] = (uint8_t)(record_bytes >> (8 * byte));
    save->block_bytes = 0;
}

static void save_append(struct save *save, const struct record *record, uint8_t encoding,
                        bool continues, struct bytes payload) {
    struct buffer *out = save->out;
    if (save->block_bytes == 0) {
        save->block_start = out->length;
        buffer_append_u8(out, KEYSPACE_FORMAT_VERSION);
        buffer_append_u64(out, 0); /* save_end_block() knows it */
    }
    bool has_expiry = record->has_expiry && !continues;
    buffer_append_u8(out, (uint8_t)record_type(record));
    buffer_append_u8(
        out, (uint8_t)((has_expiry ? FLAG_HAS_EXPIRY : 0) | (continues ? FLAG_CONTINUES : 0)));
    buffer_append_u8(out, encoding);
    buffer_append_length_prefixed(out, record_key(record));
    if (has_expiry)
        buffer_append_u64(out, record_expiry_ms(record));
    buffer_append_length_prefixed(out, payload);
    save->block_bytes = out->length - save->block_start;
    if (save->block_bytes >= KEYSPACE_BLOCK_BYTES)
        save_end_block(save);
}

static void save_object(struct save *save, const struct record *record) {
    const struct value_kind *kind = value_kind_of(record_type(record));
    const void *object = record_object(record);
    uint64_t position = 0;
    bool continues = false;
    do {
        buffer_clear(&save->piece);
        kind->save(object, &position, VALUE_SAVE_BYTES, &save->piece);
        CHECK(!save->piece.is_overflowed);
        save_append(save, record, kind->encoding(object), continues, buffer_bytes(&save->piece));
        continues = true;
    } while (position != 0);
}

static void save_record(struct save *save, const struct record *record) {
    save->hash += record_hash(record);
    if (record->is_object)
        save_object(save, record);
    else
        save_append(save, record, record->string_encoding, false, record_string(record));
}

static int compare_keys(const void *a, const void *b) {
    const struct record *const *left = a, *const *right = b;
    return bytes_compare(record_key(*left), record_key(*right));
}

static void save_sorted(struct save *save, const struct slot_table *table) {
    const struct record *records[SORTED_RECORDS_MAXIMUM];
    size_t count = 0;
    uint64_t bucket_count = slot_table_bucket_count(table);
    for (uint64_t position = 0; position < bucket_count; position++) {
        if (position + PREFETCH_BUCKETS < bucket_count)
            __builtin_prefetch(slot_table_bucket(table, position + PREFETCH_BUCKETS));
        for (const struct record *record = slot_table_bucket(table, position); record;
             record = record->next)
            records[count++] = record;
    }
    qsort(records, count, sizeof *records, compare_keys);
    for (size_t i = 0; i < count; i++)
        save_record(save, records[i]);
}

static void save_as_they_stand(struct save *save, const struct slot_table *table) {
    uint64_t bucket_count = slot_table_bucket_count(table);
    for (uint64_t position = 0; position < bucket_count; position++)
        for (const struct record *record = slot_table_bucket(table, position); record;
             record = record->next)
            save_record(save, record);
}

uint64_t keyspace_save_slot(const struct keyspace *keyspace, slot_number slot, struct buffer *out) {
    const struct slot_table *table = keyspace_slot_table(keyspace, slot);
    if (table == NULL || table->count == 0)
        return 0;
    struct save save = {.out = out};
    buffer_init(&save.piece, KEYSPACE_BLOCK_BYTES_MAXIMUM);
    if (table->count <= SORTED_RECORDS_MAXIMUM)
        save_sorted(&save, table);
    else
        save_as_they_stand(&save, table);
    save_end_block(&save);
    buffer_release(&save.piece);
    return save.hash;
}

struct saved_record {
    uint8_t type, flags, encoding;
    struct bytes key, payload;
    uint64_t expiry_ms;
};

static int saved_record_read(struct cursor *in, struct saved_record *saved) {
    *saved = (struct saved_record){0};
    saved->type = cursor_u8(in);
    saved->flags = cursor_u8(in);
    saved->encoding = cursor_u8(in);
    saved->key = cursor_length_prefixed(in, KEY_BYTES_MAXIMUM);
    if (saved->flags & FLAG_HAS_EXPIRY)
        saved->expiry_ms = cursor_u64(in);
    saved->payload = cursor_length_prefixed(in, KEYSPACE_BLOCK_BYTES_MAXIMUM);
    if (in->is_failed || (saved->flags & ~FLAGS_KNOWN))
        return ERR_MALFORMED;
    if ((saved->flags & FLAG_HAS_EXPIRY) && saved->expiry_ms == 0)
        return ERR_MALFORMED;
    return 0;
}

static bool string_may_have(struct bytes text, uint8_t encoding) {
    int64_t value;
    switch (encoding) {
    case STRING_INT:
        return number_parse_i64(text, &value);
    case STRING_EMBSTR:
        return text.length <= STRING_EMBSTR_BYTES_MAXIMUM;
    default:
        return encoding == STRING_RAW;
    }
}

static int load_string(struct keyspace *keyspace, const struct saved_record *saved) {
    bool is_good = saved->flags <= FLAG_HAS_EXPIRY &&
                   saved->payload.length <= STRING_BYTES_MAXIMUM &&
                   string_may_have(saved->payload, saved->encoding) &&
                   keyspace_find(keyspace, saved->key) == NULL;
    if (!is_good)
        return ERR_MALFORMED;
    keyspace_put_string(keyspace, saved->key, saved->payload, (enum string_encoding)saved->encoding,
                        saved->expiry_ms);
    return 0;
}

static int load_more(struct keyspace *keyspace, const struct saved_record *saved) {
    const struct record *record = keyspace_find(keyspace, saved->key);
    if (record == NULL || record_type(record) != saved->type || saved->flags != FLAG_CONTINUES)
        return ERR_MALFORMED;
    const struct value_kind *kind = value_kind_of(record_type(record));
    void *object = record_object(record);
    size_t bytes_before = kind->memory_bytes(object);
    int result = kind->load(&object, saved->encoding, saved->payload);
    keyspace_object_changed(keyspace, bytes_before, kind->memory_bytes(object));
    return result;
}

static int load_object(struct keyspace *keyspace, const struct saved_record *saved) {
    if (saved->type >= VALUE_TYPE_COUNT || value_kind_of((enum value_type)saved->type) == NULL)
        return ERR_VERSION;
    if (saved->flags & FLAG_CONTINUES)
        return load_more(keyspace, saved);
    if (keyspace_find(keyspace, saved->key) != NULL)
        return ERR_MALFORMED;
    const struct value_kind *kind = value_kind_of((enum value_type)saved->type);
    void *object = NULL;
    int result = kind->load(&object, saved->encoding, saved->payload);
    if (result == 0)
        keyspace_put_object(keyspace, saved->key, (enum value_type)saved->type, object,
                            saved->expiry_ms);
    else if (object)
        kind->free(object);
    return result;
}

static int load_records(struct keyspace *keyspace, struct bytes records) {
    struct cursor in = cursor_of(records);
    while (cursor_left(&in) > 0) {
        struct saved_record saved;
        int result = saved_record_read(&in, &saved);
        if (result == 0 && saved.type == VALUE_STRING)
            result = load_string(keyspace, &saved);
        else if (result == 0)
            result = load_object(keyspace, &saved);
        if (result != 0)
            return result;
    }
    return 0;
}

/* Loads the whole blocks at the front of `saved`; *used bytes. */
static int load_blocks(struct keyspace *keyspace, struct bytes saved, size_t *used) {
    struct cursor in = cursor_of(saved);
    *used = 0;
    while (cursor_left(&in) > 0) {
        if (cursor_u8(&in) != KEYSPACE_FORMAT_VERSION)
            return ERR_VERSION;
        uint64_t record_bytes = cursor_u64(&in);
        if (in.is_failed || record_bytes > cursor_left(&in))
            return 0;
        int result = load_records(keyspace, cursor_bytes(&in, (size_t)record_bytes));
        if (result != 0)
            return result;
        *used = saved.length - cursor_left(&in);
    }
    return 0;
}

int keyspace_load(struct keyspace *keyspace, struct bytes saved) {
    struct buffer *loading = &keyspace->loading;
    bool is_continued = loading->length > 0;
    if (is_continued)
        buffer_append_bytes(loading, saved);
    size_t used;
    int result = load_blocks(keyspace, is_continued ? buffer_bytes(loading) : saved, &used);
    if (is_continued)
        buffer_consume(loading, used);
    else if (used < saved.length)
        buffer_append(loading, saved.data + used, saved.length - used);
    if (result == 0 && loading->is_overflowed)
        result = ERR_LIMIT;
    if (loading->length == 0 || result != 0)
        buffer_release(loading);
    return result;
}

bool keyspace_load_is_complete(const struct keyspace *keyspace) {
    return keyspace->loading.length == 0;
}

static void hash_add(void *context, const struct record *record) {
    uint64_t *sum = context;
    *sum += record_hash(record);
}

uint64_t keyspace_hash(const struct keyspace *keyspace) {
    uint64_t sum = 0;
    keyspace_walk(keyspace, hash_add, &sum);
    return sum;
}
