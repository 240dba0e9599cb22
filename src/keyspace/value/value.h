/* What a key can hold. A string of up to STRING_IN_RECORD_MAXIMUM stands inside its record
 * (record.h); a longer one and every other type is an object behind a pointer, and brings one
 * `struct value_kind` of functions, so that the keyspace can free, copy, measure, save and compare
 * it without knowing it. A new type is a new kind and one line in value.c. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"

/* Saved in snapshots: never renumber. Redis's own order. */
enum value_type {
    VALUE_STRING = 0,
    VALUE_LIST = 1,
    VALUE_SET = 2,
    VALUE_ZSET = 3,
    VALUE_HASH = 4,
    VALUE_STREAM = 5,
    VALUE_TYPE_COUNT
};

/* How OBJECT ENCODING shows a string. The bytes are kept as text in each case. */
enum string_encoding { STRING_INT = 0, STRING_EMBSTR = 1, STRING_RAW = 2 };

enum {
    KEY_BYTES_MAXIMUM = 512 * 1024 * 1024,    /* the highest proto-max-bulk-len */
    STRING_BYTES_MAXIMUM = 512 * 1024 * 1024, /* as Redis's default proto-max-bulk-len: what APPEND
                                                 and SETRANGE may reach */
    STRING_IN_RECORD_MAXIMUM = 1024 * 1024,
    STRING_EMBSTR_BYTES_MAXIMUM = 44,
    VALUE_SAVE_BYTES = 32 * 1024 /* a long object is saved in pieces of about this size */
};

/* The functions of one type of object. All pure; none may depend on the order of pointers. A long
 * string has no save, view_save, load and hash: its record's are those of any string. */
struct value_kind {
    const char *name;           /* as TYPE says it: "hash" */
    void (*free)(void *object); /* takes */
    /* Frees some elements, counting them and what else takes time down in *elements until that is
     * 0. True: the object is gone. Else it may only be freed further; a first call with 0 elements
     * leaves it as it is, but its view knows. */
    bool (*free_some)(void *object, size_t *elements);
    /* What is large is shared until either is changed; its cost is bounded. Returns owned. */
    void *(*copy)(const void *object);
    size_t (*memory_bytes)(const void *object);       /* O(1): with overhead, by memory_class() */
    uint8_t (*encoding)(const void *object);          /* a small number that load() takes back */
    const char *(*encoding_name)(const void *object); /* as OBJECT ENCODING says it */
    /* Appends the elements from *position on, stopping after roughly `maximum_bytes`. *position is
     * 0 to begin, what it means else is the kind's own; it is 0 again when all has been saved. */
    void (*save)(const void *object, uint64_t *position, size_t maximum_bytes, struct buffer *out);
    /* What the object holds now, to be saved bit by bit while it goes on changing; its cost is
     * bounded, however large the object. One at a time. The object may be freed before its view.
     * `is_given`: the view takes the object. The memory that is held for the view only is counted
     * in *kept_bytes, which stays until it is freed. Returns owned. */
    void *(*view)(void *object, bool is_given, uint64_t *kept_bytes);
    /* The next piece of what the object held, as save() would append it; adds what hash() adds for
     * its elements. True once all has been saved. */
    bool (*view_save)(void *view, size_t maximum_bytes, struct buffer *out, uint64_t *hash);
    uint8_t (*view_encoding)(const void *view);
    /* Takes the view. Returns the object that it held, which its caller frees; NULL: none. */
    void *(*view_end)(void *view);
    /* Adds the elements of one piece, which is exactly what one save() appended. *object is NULL
     * for the first piece and then set; owned by the caller, also after an error. ERR_MALFORMED. */
    int (*load)(void **object, uint8_t encoding, struct bytes piece);
    /* The same for the same elements, in whatever order they were added and however encoded. */
    uint64_t (*hash)(const void *object);
    /* The same of the elements from one place to another, for going through a large object in
     * steps: which elements these are is the same on every replica, however it came by them. 0 is
     * the beginning, and as `to` the end. */
    uint64_t (*hash_between)(const void *object, uint64_t from, uint64_t to);
    /* A place about so many bytes behind that one; 0: the end comes first. */
    uint64_t (*place_behind)(const void *object, uint64_t from, size_t bytes);
};

/* NULL for types that this release does not have. Of VALUE_STRING it is that of a long one. */
const struct value_kind *value_kind_of(enum value_type type);
const char *value_type_name(enum value_type type); /* "string", "hash", ... */

/* The encoding Redis gives a string that a client sends: int if it is one, embstr if it is short.
 */
enum string_encoding string_encoding_of(struct bytes text);
const char *string_encoding_name(enum string_encoding encoding);
