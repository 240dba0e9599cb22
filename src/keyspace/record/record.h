/* A record: a key with its expiry and its string, or with a pointer to its object, in ONE
 * allocation. A string of more than STRING_IN_RECORD_MAXIMUM, and no other, is an object.
 *
 *      | next 8 | lengths and bits 8 | key ... | string ... or object 8 | expiry 8, heap place 4 |
 *        the header: 16 bytes                      pointer                only if it expires
 *
 * What follows the header is not aligned and is read by memcpy. The expiry stands last, so that
 * EXPIRE on a long string moves nothing. A record moves in memory whenever its string or its expiry
 * changes: callers take the new address from the function that changed it.
 *
 * This header is for reading. What changes a record goes through keyspace/edit.h, which keeps the
 * table, the expiry heap and the memory count true. */
#pragma once
#include "keyspace/value/long_string.h"
#include "keyspace/value/value.h"

struct record {
    struct record *next; /* in its bucket */
    uint32_t key_length : 30;
    uint32_t has_expiry : 1;
    uint32_t mark : 1;          /* does a cut still want it? keyspace/cut.h */
    uint32_t value_length : 30; /* a string's length; an object's type */
    uint32_t form : 2;          /* enum string_encoding, or RECORD_OBJECT */
    uint8_t body[];
};

enum {
    RECORD_OBJECT = 3,
    RECORD_HEADER_BYTES = 16,
    RECORD_OBJECT_BYTES = sizeof(void *),
    RECORD_EXPIRY_BYTES = sizeof(uint64_t) + sizeof(uint32_t)
};

static inline struct bytes record_key(const struct record *record) {
    return bytes_of(record->body, record->key_length);
}
static inline bool record_is_object(const struct record *record) {
    return record->form == RECORD_OBJECT;
}
static inline enum value_type record_type(const struct record *record) {
    return record_is_object(record) ? (enum value_type)record->value_length : VALUE_STRING;
}
static inline bool record_is_long_string(const struct record *record) {
    return record_is_object(record) && record->value_length == VALUE_STRING;
}
/* Only for VALUE_STRING. */
static inline enum string_encoding record_string_encoding(const struct record *record) {
    return record_is_object(record) ? STRING_RAW : (enum string_encoding)record->form;
}
/* Borrows; good until the record is changed. Only for VALUE_STRING, and not of a long one. */
static inline struct bytes record_string(const struct record *record) {
    return bytes_of(record->body + record->key_length, record->value_length);
}
/* The object behind a record that is no string; the keyspace owns it. It stays where it is when the
 * record moves. */
static inline void *record_object(const struct record *record) {
    void *object;
    memcpy(&object, record->body + record->key_length, sizeof object);
    return object;
}
/* The next two only for VALUE_STRING, long or not. */
static inline size_t record_string_length(const struct record *record) {
    return record_is_object(record) ? long_string_length(record_object(record))
                                    : record->value_length;
}
/* Some bytes from `offset` on, at most `maximum`: all that stand behind each other. Borrows; good
 * until the record is changed. */
struct bytes record_string_piece(const struct record *record, size_t offset, size_t maximum);
static inline size_t record_value_bytes(const struct record *record) {
    return record_is_object(record) ? RECORD_OBJECT_BYTES : record->value_length;
}
/* Milliseconds of the epoch; 0: it never expires. */
static inline uint64_t record_expiry_ms(const struct record *record) {
    if (!record->has_expiry)
        return 0;
    uint64_t expiry_ms;
    memcpy(&expiry_ms, record->body + record->key_length + record_value_bytes(record),
           sizeof expiry_ms);
    return expiry_ms;
}
static inline bool record_is_expired(const struct record *record, uint64_t now_ms) {
    return record->has_expiry && record_expiry_ms(record) <= now_ms;
}
static inline size_t record_bytes(const struct record *record) {
    return RECORD_HEADER_BYTES + record->key_length + record_value_bytes(record) +
           (record->has_expiry ? RECORD_EXPIRY_BYTES : 0);
}
/* Key, value and expiry, as they are allocated; not their share of the tables. O(1). */
size_t record_memory_bytes(const struct record *record);
/* As OBJECT ENCODING says it. */
const char *record_encoding_name(const struct record *record);
/* Of key, type, value and expiry; not of the encoding. */
uint64_t record_hash(const struct record *record);
/* Of a string's record it is bytes_hash() of the string, with this as the seed. */
uint64_t record_hash_seed(const struct record *record);
/* The same, of an object whose own hash is known. */
uint64_t record_hash_by_object(const struct record *record, uint64_t object_hash);
/* Of key, type and expiry, and of the value from one place of it to another: bytes of a string,
 * whose length counts as well, elements of an object as struct value_kind has it. `to` 0: to its
 * end. */
uint64_t record_hash_between(const struct record *record, uint64_t from, uint64_t to);
/* A place of the value about so many bytes behind that one; 0: its end comes first. */
uint64_t record_place_behind(const struct record *record, uint64_t from, size_t bytes);
