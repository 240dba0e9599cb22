#include "keyspace/edit.h"
#include "base/check.h"
#include "base/memory.h"
#include "keyspace/cut.h"
#include "keyspace/record/remains.h"
#include "keyspace/value/memory_class.h"

/* Where a key stands, or would stand. */
struct key_place {
    unsigned slot;
    uint64_t hash;
    struct record **link; /* NULL: absent */
};

static unsigned keyspace_slot_of(const struct keyspace *keyspace, struct bytes key) {
    const struct expected_key *expected = keyspace_expected(keyspace, key);
    return expected ? expected->slot : slot_of_key(key);
}

static struct key_place keyspace_place(const struct keyspace *keyspace, struct bytes key) {
    const struct expected_key *expected = keyspace_expected(keyspace, key);
    struct key_place place = {.slot = expected ? expected->slot : slot_of_key(key),
                              .hash =
                                  expected ? expected->hash : bytes_hash(key, keyspace->hash_seed)};
    const struct slot_table *table = keyspace_slot_table(keyspace, place.slot);
    place.link = table ? slot_table_find(table, key, place.hash) : NULL;
    return place;
}

struct record *keyspace_find(const struct keyspace *keyspace, struct bytes key) {
    if (keyspace->key_count == 0)
        return NULL;
    struct key_place place = keyspace_place(keyspace, key);
    return place.link ? *place.link : NULL;
}

/* What a record is about to hold. */
struct record_shape {
    size_t value_bytes;
    uint32_t value_length; /* or an object's type */
    uint32_t form;
    bool has_expiry;
};

/* Every record's block has exactly the size class of record_bytes(): so what a record takes is
 * known from the record, and a new value of the same class needs no allocation. */
static size_t shape_memory_bytes(const struct record_shape *shape, size_t key_bytes) {
    return memory_class(RECORD_HEADER_BYTES + key_bytes + shape->value_bytes +
                        (shape->has_expiry ? RECORD_EXPIRY_BYTES : 0));
}

static void record_set_shape(struct record *record, const struct record_shape *shape) {
    record->has_expiry = shape->has_expiry;
    record->value_length = shape->value_length & 0x3fffffff;
    record->form = shape->form & 3;
}

static struct record *record_new(struct bytes key, const struct record_shape *shape) {
    CHECK(key.length <= KEY_BYTES_MAXIMUM);
    struct record *record = memory_allocate(shape_memory_bytes(shape, key.length));
    record->key_length = (uint32_t)key.length & 0x3fffffff;
    if (key.length)
        memcpy(record->body, key.data, key.length);
    record_set_shape(record, shape);
    return record;
}

/* Takes the record, whose key is absent. */
static void keyspace_add(struct keyspace *keyspace, const struct key_place *place,
                         struct record *record) {
    unsigned page = place->slot / KEYSPACE_PAGE_SLOTS;
    if (keyspace->pages[page] == NULL) {
        keyspace->pages[page] = memory_allocate_zeroed(1, sizeof(struct keyspace_page));
        keyspace->memory_bytes += memory_class(sizeof(struct keyspace_page));
    }
    record->mark = cut_new_mark(keyspace, place->slot);
    struct slot_table_context context = keyspace_table_context(keyspace);
    slot_table_insert(keyspace_slot_table(keyspace, place->slot), &context, record, place->hash);
    keyspace_count_bytes(keyspace, place->slot, memory_class(record_bytes(record)), 0);
    keyspace->key_count++;
    keyspace->page_key_counts[page]++;
}

/* Keeps the key and the first bytes of the value. The record is in no heap. */
static struct record *keyspace_reshape(struct keyspace *keyspace, const struct key_place *place,
                                       const struct record_shape *shape) {
    struct record **link = place->link;
    size_t bytes_before = memory_class(record_bytes(*link));
    size_t bytes_after = shape_memory_bytes(shape, (*link)->key_length);
    if (bytes_before != bytes_after) {
        *link = memory_resize(*link, bytes_after);
        keyspace_count_bytes(keyspace, place->slot, bytes_after, bytes_before);
    }
    record_set_shape(*link, shape);
    return *link;
}

/* A cut wants what stands there: it gets the block, with the object, and a new one with the key
 * takes its place. */
static struct record *keyspace_renew(struct keyspace *keyspace, const struct key_place *place,
                                     const struct record_shape *shape) {
    struct record *old = *place->link;
    size_t memory_bytes = shape_memory_bytes(shape, old->key_length);
    struct record *record = memory_allocate(memory_bytes);
    memcpy(record, old, RECORD_HEADER_BYTES + old->key_length);
    record->mark ^= 1;
    record_set_shape(record, shape);
    *place->link = record;
    keyspace_count_bytes(keyspace, place->slot, memory_bytes, memory_class(record_bytes(old)));
    cut_take(keyspace, place->slot, old);
    return record;
}

/* What stands there is about to change: if a cut wants it, it gets the block as it is, and a copy
 * takes its place. */
static void keyspace_keep(struct keyspace *keyspace, const struct key_place *place) {
    if (cut_wants(keyspace, place->slot, *place->link))
        *place->link = cut_take_copied(keyspace, place->slot, *place->link);
}

static void record_leave_heap(struct keyspace *keyspace, const struct record *record) {
    if (record->has_expiry)
        expiry_heap_remove(&keyspace->expiries, record);
}

static void record_join_heap(struct keyspace *keyspace, struct record *record, uint64_t expiry_ms) {
    if (!record->has_expiry)
        return;
    memcpy(record->body + record->key_length + record_value_bytes(record), &expiry_ms,
           sizeof expiry_ms);
    expiry_heap_insert(&keyspace->expiries, record);
}

static void record_free_object(struct keyspace *keyspace, unsigned slot,
                               const struct record *record) {
    if (!record_is_object(record))
        return;
    const struct value_kind *kind = value_kind_of(record_type(record));
    void *object = record_object(record);
    keyspace_count_bytes(keyspace, slot, 0, kind->memory_bytes(object));
    remains_take_object(keyspace->remains, kind, object);
}

/* The key's record with this shape, added or replaced; its value is not written yet. */
static struct record *keyspace_put(struct keyspace *keyspace, struct bytes key,
                                   const struct record_shape *shape) {
    struct key_place place = keyspace_place(keyspace, key);
    slot_watch_touch(keyspace->watch, (slot_number)place.slot, key);
    if (place.link == NULL) {
        struct record *record = record_new(key, shape);
        keyspace_add(keyspace, &place, record);
        return record;
    }
    record_leave_heap(keyspace, *place.link);
    if (cut_wants(keyspace, place.slot, *place.link))
        return keyspace_renew(keyspace, &place, shape);
    record_free_object(keyspace, place.slot, *place.link);
    return keyspace_reshape(keyspace, &place, shape);
}

static struct long_string *long_string_of(struct bytes text) {
    struct long_string *string = long_string_new(text.length);
    long_string_write(string, 0, text);
    return string;
}

static uint8_t *record_string_writable(struct record *record) {
    return record->body + record->key_length;
}

struct record *keyspace_put_string(struct keyspace *keyspace, struct bytes key, struct bytes text,
                                   enum string_encoding encoding, uint64_t expiry_ms) {
    CHECK(text.length <= STRING_BYTES_MAXIMUM);
    if (text.length > STRING_IN_RECORD_MAXIMUM)
        return keyspace_put_object(keyspace, key, VALUE_STRING, long_string_of(text), expiry_ms);
    struct record_shape shape = {.value_bytes = text.length,
                                 .value_length = (uint32_t)text.length,
                                 .form = (uint32_t)encoding,
                                 .has_expiry = expiry_ms != 0};
    struct record *record = keyspace_put(keyspace, key, &shape);
    if (text.length)
        memcpy(record_string_writable(record), text.data, text.length);
    record_join_heap(keyspace, record, expiry_ms);
    return record;
}

struct record *keyspace_put_object(struct keyspace *keyspace, struct bytes key,
                                   enum value_type type, void *object, uint64_t expiry_ms) {
    CHECK(value_kind_of(type) != NULL);
    struct record_shape shape = {.value_bytes = RECORD_OBJECT_BYTES,
                                 .value_length = (uint32_t)type,
                                 .form = RECORD_OBJECT,
                                 .has_expiry = expiry_ms != 0};
    struct record *record = keyspace_put(keyspace, key, &shape);
    memcpy(record->body + record->key_length, &object, sizeof object);
    keyspace_object_changed(keyspace, key, 0, value_kind_of(type)->memory_bytes(object));
    record_join_heap(keyspace, record, expiry_ms);
    return record;
}

void *keyspace_object_to_change(struct keyspace *keyspace, const struct record *record) {
    struct key_place place = {.slot = slot_of_key(record_key(record))};
    slot_watch_touch(keyspace->watch, (slot_number)place.slot, record_key(record));
    void *object = record_object(record);
    if (cut_wants(keyspace, place.slot, record) && !PLANTED(SNAPSHOT_OBJECT_NOT_KEPT)) {
        place = keyspace_place(keyspace, record_key(record));
        keyspace_keep(keyspace, &place);
    }
    return object;
}

void keyspace_object_changed(struct keyspace *keyspace, struct bytes key, size_t bytes_before,
                             size_t bytes_after) {
    if (bytes_before != bytes_after)
        keyspace_count_bytes(keyspace, keyspace_slot_of(keyspace, key), bytes_after, bytes_before);
}

/* ---- writing to a string ---- */

/* What stands there gets this shape and keeps its expiry and the first bytes of its value. */
static struct record *keyspace_change_shape(struct keyspace *keyspace,
                                            const struct key_place *place,
                                            struct record_shape shape) {
    struct record *record = *place->link;
    uint64_t expiry_ms = record_expiry_ms(record);
    shape.has_expiry = expiry_ms != 0;
    record_leave_heap(keyspace, record);
    record = keyspace_reshape(keyspace, place, &shape);
    record_join_heap(keyspace, record, expiry_ms);
    return record;
}

static struct record *keyspace_lengthen(struct keyspace *keyspace, const struct key_place *place,
                                        size_t length) {
    size_t length_before = (*place->link)->value_length;
    struct record_shape shape = {
        .value_bytes = length, .value_length = (uint32_t)length, .form = STRING_RAW};
    struct record *record = keyspace_change_shape(keyspace, place, shape);
    memset(record_string_writable(record) + length_before, 0, length - length_before);
    return record;
}

/* The string in the record becomes an object. */
static struct record *keyspace_take_out_string(struct keyspace *keyspace,
                                               const struct key_place *place) {
    struct long_string *string = long_string_of(record_string(*place->link));
    struct record_shape shape = {
        .value_bytes = RECORD_OBJECT_BYTES, .value_length = VALUE_STRING, .form = RECORD_OBJECT};
    struct record *record = keyspace_change_shape(keyspace, place, shape);
    memcpy(record_string_writable(record), &string, sizeof string);
    keyspace_count_bytes(keyspace, place->slot, long_string_memory_bytes(string), 0);
    return record;
}

static void keyspace_write_long_string(struct keyspace *keyspace, const struct key_place *place,
                                       size_t offset, struct bytes bytes) {
    struct long_string *string = record_object(*place->link);
    size_t bytes_before = long_string_memory_bytes(string), end = offset + bytes.length;
    if (end > long_string_length(string))
        long_string_extend(string, end);
    long_string_write(string, offset, bytes);
    keyspace_count_bytes(keyspace, place->slot, long_string_memory_bytes(string), bytes_before);
}

struct record *keyspace_write_string(struct keyspace *keyspace, struct record *record,
                                     size_t offset, struct bytes bytes) {
    CHECK(record_type(record) == VALUE_STRING);
    size_t held = record_string_length(record), end = offset + bytes.length;
    size_t length = end > held ? end : held;
    CHECK(length <= STRING_BYTES_MAXIMUM);
    struct key_place place = keyspace_place(keyspace, record_key(record));
    CHECK(place.link != NULL);
    slot_watch_touch(keyspace->watch, (slot_number)place.slot, record_key(record));
    keyspace_keep(keyspace, &place);
    if (!record_is_object(*place.link) && length > STRING_IN_RECORD_MAXIMUM)
        keyspace_take_out_string(keyspace, &place);
    if (record_is_object(*place.link)) {
        keyspace_write_long_string(keyspace, &place, offset, bytes);
        return *place.link;
    }
    record = keyspace_lengthen(keyspace, &place, length);
    if (bytes.length)
        memcpy(record_string_writable(record) + offset, bytes.data, bytes.length);
    return record;
}

struct record *keyspace_set_expiry(struct keyspace *keyspace, struct record *record,
                                   uint64_t expiry_ms) {
    struct key_place place = keyspace_place(keyspace, record_key(record));
    CHECK(place.link != NULL);
    slot_watch_touch(keyspace->watch, (slot_number)place.slot, record_key(record));
    keyspace_keep(keyspace, &place);
    record = *place.link;
    struct record_shape shape = {.value_bytes = record_value_bytes(record),
                                 .value_length = record->value_length,
                                 .form = record->form,
                                 .has_expiry = expiry_ms != 0};
    record_leave_heap(keyspace, record);
    record = keyspace_reshape(keyspace, &place, &shape);
    record_join_heap(keyspace, record, expiry_ms);
    return record;
}

/* The record is the caller's, and no longer counted. */
static struct record *keyspace_unlink(struct keyspace *keyspace, const struct key_place *place) {
    unsigned page = place->slot / KEYSPACE_PAGE_SLOTS;
    struct slot_table_context context = keyspace_table_context(keyspace);
    struct slot_table *table = keyspace_slot_table(keyspace, place->slot);
    struct record *record = slot_table_unlink(table, &context, place->link);
    keyspace_count_bytes(keyspace, place->slot, 0, memory_class(record_bytes(record)));
    keyspace->key_count--;
    if (--keyspace->page_key_counts[page] == 0) {
        memory_free(keyspace->pages[page]);
        keyspace->pages[page] = NULL;
        keyspace->memory_bytes -= memory_class(sizeof(struct keyspace_page));
    }
    return record;
}

bool keyspace_delete(struct keyspace *keyspace, struct bytes key) {
    if (keyspace->key_count == 0)
        return false;
    struct key_place place = keyspace_place(keyspace, key);
    if (place.link == NULL)
        return false;
    slot_watch_touch(keyspace->watch, (slot_number)place.slot, key);
    bool is_wanted = cut_wants(keyspace, place.slot, *place.link);
    record_leave_heap(keyspace, *place.link);
    struct record *record = keyspace_unlink(keyspace, &place);
    if (is_wanted) {
        cut_take(keyspace, place.slot, record);
        return true;
    }
    record_free_object(keyspace, place.slot, record);
    memory_free(record);
    return true;
}

/* Takes the record away and leaves its object alive, now the caller's; NULL if it is a string. */
static void *keyspace_detach(struct keyspace *keyspace, struct bytes key) {
    struct key_place place = keyspace_place(keyspace, key);
    slot_watch_touch(keyspace->watch, (slot_number)place.slot, key);
    keyspace_keep(keyspace, &place);
    struct record *record = *place.link;
    void *object = record_is_object(record) ? record_object(record) : NULL;
    if (object)
        keyspace_count_bytes(keyspace, place.slot, 0,
                             value_kind_of(record_type(record))->memory_bytes(object));
    record_leave_heap(keyspace, record);
    memory_free(keyspace_unlink(keyspace, &place));
    return object;
}

void keyspace_rename(struct keyspace *keyspace, struct bytes from, struct bytes to) {
    CHECK(!bytes_equal(from, to));
    struct record *record = keyspace_find(keyspace, from);
    CHECK(record != NULL);
    if (!record_is_object(record)) {
        keyspace_copy(keyspace, from, to);
        CHECK(keyspace_delete(keyspace, from));
        return;
    }
    enum value_type type = record_type(record);
    uint64_t expiry_ms = record_expiry_ms(record);
    void *object = keyspace_detach(keyspace, from);
    keyspace_put_object(keyspace, to, type, object, expiry_ms);
}

void keyspace_copy(struct keyspace *keyspace, struct bytes from, struct bytes to) {
    CHECK(!bytes_equal(from, to));
    const struct record *record = keyspace_find(keyspace, from);
    CHECK(record != NULL);
    enum value_type type = record_type(record);
    uint64_t expiry_ms = record_expiry_ms(record);
    if (record_is_object(record))
        keyspace_put_object(keyspace, to, type, value_kind_of(type)->copy(record_object(record)),
                            expiry_ms);
    else
        keyspace_put_string(keyspace, to, record_string(record), record_string_encoding(record),
                            expiry_ms);
}
