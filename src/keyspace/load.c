/* docs/format/keyspace.md draws the bytes; saver.c writes them. */
#include "base/check.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "base/text/number.h"
#include "keyspace/edit.h"
#include "keyspace/private.h"
#include "keyspace/record/saver.h"

struct saved_record {
    uint8_t type, flags, encoding;
    struct bytes key, payload;
    uint64_t expiry_ms;
    uint64_t string_bytes; /* of a first piece: of all pieces */
};

static int saved_record_read(struct cursor *in, uint8_t version, struct saved_record *saved) {
    unsigned flags_known = SAVER_HAS_EXPIRY | SAVER_CONTINUES;
    if (version >= SAVER_FORMAT_VERSION)
        flags_known |= SAVER_IS_PIECE;
    *saved = (struct saved_record){0};
    saved->type = cursor_u8(in);
    saved->flags = cursor_u8(in);
    saved->encoding = cursor_u8(in);
    saved->key = cursor_length_prefixed(in, KEY_BYTES_MAXIMUM);
    if (saved->flags & SAVER_HAS_EXPIRY)
        saved->expiry_ms = cursor_u64(in);
    if (saved->flags & SAVER_IS_PIECE)
        saved->string_bytes = cursor_varint(in);
    saved->payload = cursor_length_prefixed(in, KEYSPACE_BLOCK_BYTES_MAXIMUM);
    if (in->is_failed || (saved->flags & ~flags_known))
        return ERR_MALFORMED;
    if ((saved->flags & SAVER_HAS_EXPIRY) && saved->expiry_ms == 0)
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
    bool is_good = saved->flags <= SAVER_HAS_EXPIRY &&
                   saved->payload.length <= STRING_BYTES_MAXIMUM &&
                   string_may_have(saved->payload, saved->encoding) &&
                   keyspace_find(keyspace, saved->key) == NULL;
    if (!is_good)
        return ERR_MALFORMED;
    keyspace_put_string(keyspace, saved->key, saved->payload, (enum string_encoding)saved->encoding,
                        saved->expiry_ms);
    return 0;
}

/* ---- a string in pieces ---- */

static void load_piece(struct loading_string *string, struct bytes piece) {
    long_string_write(string->string, string->loaded, piece);
    string->loaded += piece.length;
}

static int load_first_piece(struct keyspace *keyspace, const struct saved_record *saved) {
    bool is_good = !(saved->flags & SAVER_CONTINUES) && saved->type == VALUE_STRING &&
                   saved->encoding == STRING_RAW && saved->payload.length > 0 &&
                   saved->payload.length < saved->string_bytes &&
                   saved->string_bytes <= STRING_BYTES_MAXIMUM &&
                   keyspace_find(keyspace, saved->key) == NULL;
    if (!is_good)
        return ERR_MALFORMED;
    struct loading_string *string = &keyspace->string;
    string->string = long_string_new((size_t)saved->string_bytes);
    string->expiry_ms = saved->expiry_ms;
    string->loaded = 0;
    buffer_append_bytes(&string->key, saved->key);
    load_piece(string, saved->payload);
    return 0;
}

/* Only what others made is short enough for a record. */
static void end_string(struct keyspace *keyspace) {
    struct loading_string *loading = &keyspace->string;
    size_t length = long_string_length(loading->string);
    struct bytes key = buffer_bytes(&loading->key);
    if (length > STRING_IN_RECORD_MAXIMUM) {
        keyspace_put_object(keyspace, key, VALUE_STRING, loading->string, loading->expiry_ms);
    } else {
        uint8_t *text = memory_allocate(length);
        long_string_read(loading->string, 0, text, length);
        keyspace_put_string(keyspace, key, bytes_of(text, length), STRING_RAW, loading->expiry_ms);
        memory_free(text);
        long_string_free(loading->string);
    }
    loading->string = NULL;
    buffer_clear(&loading->key);
}

static int load_next_piece(struct keyspace *keyspace, const struct saved_record *saved) {
    struct loading_string *string = &keyspace->string;
    size_t left = long_string_length(string->string) - string->loaded;
    bool is_good = saved->type == VALUE_STRING && saved->flags == SAVER_CONTINUES &&
                   saved->encoding == STRING_RAW &&
                   bytes_equal(saved->key, buffer_bytes(&string->key)) &&
                   saved->payload.length > 0 && saved->payload.length <= left;
    if (!is_good)
        return ERR_MALFORMED;
    load_piece(string, saved->payload);
    if (string->loaded == long_string_length(string->string))
        end_string(keyspace);
    return 0;
}

/* ---- an object ---- */

static int load_more(struct keyspace *keyspace, const struct saved_record *saved) {
    const struct record *record = keyspace_find(keyspace, saved->key);
    if (record == NULL || record_type(record) != saved->type || saved->flags != SAVER_CONTINUES)
        return ERR_MALFORMED;
    const struct value_kind *kind = value_kind_of(record_type(record));
    void *object = record_object(record);
    size_t bytes_before = kind->memory_bytes(object);
    int result = kind->load(&object, saved->encoding, saved->payload);
    keyspace_object_changed(keyspace, saved->key, bytes_before, kind->memory_bytes(object));
    return result;
}

static int load_object(struct keyspace *keyspace, const struct saved_record *saved) {
    if (saved->type >= VALUE_TYPE_COUNT || value_kind_of((enum value_type)saved->type) == NULL)
        return ERR_VERSION;
    if (saved->flags & SAVER_CONTINUES)
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

/* ---- blocks ---- */

static int load_record(struct keyspace *keyspace, const struct saved_record *saved) {
    if (keyspace->string.string)
        return load_next_piece(keyspace, saved);
    if (saved->flags & SAVER_IS_PIECE)
        return load_first_piece(keyspace, saved);
    return saved->type == VALUE_STRING ? load_string(keyspace, saved)
                                       : load_object(keyspace, saved);
}

static int load_records(struct keyspace *keyspace, uint8_t version, struct bytes records) {
    struct cursor in = cursor_of(records);
    while (cursor_left(&in) > 0) {
        struct saved_record saved;
        int result = saved_record_read(&in, version, &saved);
        if (result == 0)
            result = load_record(keyspace, &saved);
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
        uint8_t version = cursor_u8(&in);
        if (version != SAVER_FORMAT_VERSION && version != SAVER_FORMAT_VERSION_WHOLE)
            return ERR_VERSION;
        uint64_t record_bytes = cursor_u64(&in);
        if (in.is_failed || record_bytes > cursor_left(&in))
            return 0;
        int result = load_records(keyspace, version, cursor_bytes(&in, (size_t)record_bytes));
        if (result != 0)
            return result;
        *used = saved.length - cursor_left(&in);
    }
    return 0;
}

int keyspace_load(struct keyspace *keyspace, struct bytes saved) {
    CHECK(keyspace->cut == NULL);
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
    return keyspace->loading.length == 0 && keyspace->string.string == NULL;
}
