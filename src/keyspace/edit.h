/* What commands do with keys. Time plays no part here: a record past its expiry is found like any
 * other, and command/key.h decides what that means. */
#pragma once
#include "keyspace/keyspace.h"
#include "keyspace/record/record.h"

/* NULL if absent. Borrows; good until this key is changed. */
struct record *keyspace_find(const struct keyspace *keyspace, struct bytes key);

/* Adds the key or replaces its value. `key` and `text` are copied and may not stand inside this
 * record. expiry_ms 0: never. An earlier expiry is gone. Returns the record, borrowed. */
struct record *keyspace_put_string(struct keyspace *keyspace, struct bytes key, struct bytes text,
                                   enum string_encoding encoding, uint64_t expiry_ms);
/* The same for an object, which it takes. */
struct record *keyspace_put_object(struct keyspace *keyspace, struct bytes key,
                                   enum value_type type, void *object, uint64_t expiry_ms);
/* Writes the bytes over a string from `offset` on: it becomes as long as that takes, zeros fill
 * what was not there, it is STRING_RAW, and the expiry stays. The bytes are copied and may not
 * stand inside the keyspace. Of a long string nothing else moves. Returns the record at its new
 * place. */
struct record *keyspace_write_string(struct keyspace *keyspace, struct record *record,
                                     size_t offset, struct bytes bytes);
/* 0 takes the expiry away. Returns the record at its new place. */
struct record *keyspace_set_expiry(struct keyspace *keyspace, struct record *record,
                                   uint64_t expiry_ms);
/* False if it was absent. */
bool keyspace_delete(struct keyspace *keyspace, struct bytes key);
/* Moves value and expiry of a key that exists to another name, replacing what stood there. The two
 * names differ. */
void keyspace_rename(struct keyspace *keyspace, struct bytes from, struct bytes to);
/* Gives `to` a copy of value and expiry of `from`, which exists, replacing what stood there. */
void keyspace_copy(struct keyspace *keyspace, struct bytes from, struct bytes to);

/* The object of a record that is no string, for changing it in place. Borrows. */
void *keyspace_object_to_change(struct keyspace *keyspace, const struct record *record);
/* After the object of a key was changed in place: what its kind's memory_bytes() said before and
 * says now. */
void keyspace_object_changed(struct keyspace *keyspace, struct bytes key, size_t bytes_before,
                             size_t bytes_after);
