/* The buckets of a field_table, in a tree of which several tables may share parts.
 *
 *      one table's root --> node -> 256 nodes -> 256 leaves -> 64 buckets -> entry -> entry
 *      another's ------------^        :
 *      one that changed:    node' -> 255 of the same, and one of its own ...
 *
 * A part, node or leaf, counts its owners: the trees and the parts that point to it. What has more
 * than one is never changed. Whoever wants to copies it first, and what stands above it: a leaf
 * with its 64 buckets, and a node a level. So to share a tree of any size costs one count, and what
 * is shared costs nothing but what is changed of it later. What is empty need not be there, and the
 * root has no more slots than the tree needs. */
#pragma once
#include "base/bytes.h"

/* A field with its value. What is longer than FIELD_ENTRY_BODY_MAXIMUM stands in a block that
 * copies of the entry share, so that no change of a leaf copies much. */
struct field_entry {
    struct field_entry *next;
    uint32_t field_length, value_length;
    union {
        uint8_t body[1]; /* field, then value: as long as they are */
        struct field_body *shared;
    };
};
struct field_body {
    uint64_t owners;
    uint8_t body[];
};
enum { FIELD_ENTRY_BODY_MAXIMUM = 2048 };

/* 2^bits buckets. All zeros is no tree. */
struct field_tree {
    struct field_part *root; /* NULL: all is empty */
    unsigned bits, level;
    size_t bytes; /* of its parts, as if it shared none, by memory_class(); not of the entries */
};

enum { FIELD_TREE_BITS_MINIMUM = 4, FIELD_LEAF_BITS = 6, FIELD_NODE_BITS = 8 };

static inline size_t field_entry_length(const struct field_entry *entry) {
    return (size_t)entry->field_length + entry->value_length;
}
static inline const uint8_t *field_entry_body(const struct field_entry *entry) {
    return field_entry_length(entry) > FIELD_ENTRY_BODY_MAXIMUM ? entry->shared->body : entry->body;
}
static inline struct bytes field_entry_field(const struct field_entry *entry) {
    return bytes_of(field_entry_body(entry), entry->field_length);
}
static inline struct bytes field_entry_value(const struct field_entry *entry) {
    return bytes_of(field_entry_body(entry) + entry->field_length, entry->value_length);
}
/* By memory_class(), as if it shared nothing. */
size_t field_entry_bytes(const struct field_entry *entry);
struct field_entry *field_entry_new(struct bytes field, struct bytes value); /* returns owned */
void field_entry_free(struct field_entry *entry);                            /* takes */
/* Takes an entry of a leaf that nobody shares; returns it owned, with another value, which may not
 * stand inside it. */
struct field_entry *field_entry_renew(struct field_entry *entry, struct bytes value);

struct field_tree field_tree_new(unsigned bits); /* returns owned: an empty one */
/* Another tree that holds the same; both are changed by themselves. O(1). Returns owned. */
struct field_tree field_tree_share(const struct field_tree *tree);
/* Frees parts and entries, each counted in *elements, until that is 0; of what others share it
 * takes but the count. True: all is gone; else nothing but this may be called. */
bool field_tree_free_some(struct field_tree *tree, size_t *elements);
static inline bool field_tree_is_there(const struct field_tree *tree) { return tree->bits > 0; }
static inline size_t field_tree_bucket_count(const struct field_tree *tree) {
    return field_tree_is_there(tree) ? (size_t)1 << tree->bits : 0;
}
/* The first of a bucket's chain; NULL: it is empty. Borrows. */
struct field_entry *field_tree_bucket(const struct field_tree *tree, size_t bucket);
/* A bucket that is this tree's alone from now on, with its entries. Borrows; good until the tree is
 * shared. What had to be copied, as it was shared, is added to *copied_bytes. */
struct field_entry **field_tree_bucket_to_change(struct field_tree *tree, size_t bucket,
                                                 size_t *copied_bytes);
/* The tree needs this bucket no more, with what may be in it: for going through all of them from
 * the first to the last. With the last of a leaf the leaf goes; at the end the tree is empty. */
void field_tree_pass(struct field_tree *tree, size_t bucket);
/* Asks for the memory of what the leaf holds that begins with this bucket, if one does. */
void field_tree_fetch(const struct field_tree *tree, size_t bucket);
