/* The inside of struct keyspace, for the files of this folder.
 *
 *      pages[256] -> page of 64 slot tables -> buckets -> records
 *
 * A page exists while one of its slots holds a key, so a shard that owns few slots, or holds few
 * keys, takes little. */
#pragma once
#include "keyspace/keyspace.h"
#include "keyspace/record/expiry_heap.h"
#include "keyspace/record/slot_table.h"

enum { KEYSPACE_PAGE_SLOTS = 64, KEYSPACE_PAGE_COUNT = SLOT_COUNT / KEYSPACE_PAGE_SLOTS };

/* A block ends with the record that fills it, and one of half a gigabyte may; so the limit is one
 * that memory reaches first. */
#define KEYSPACE_BLOCK_BYTES_MAXIMUM ((size_t)1 << 40)

struct keyspace_cut;
struct remains;

struct keyspace_page {
    struct slot_table slots[KEYSPACE_PAGE_SLOTS];
};

/* A string of which pieces are still to come, and so nothing else. */
struct loading_string {
    struct long_string *string; /* owned; NULL: there is none */
    struct buffer key;
    size_t loaded; /* bytes of it */
    uint64_t expiry_ms;
};

struct keyspace {
    uint64_t hash_seed;
    uint64_t key_count;
    uint64_t memory_bytes; /* records, objects, buckets, pages; the heap counts itself */
    struct expiry_heap expiries;
    struct expected_keys *expected; /* borrowed; NULL: none are */
    struct buffer loading;          /* the start of a block that has not come whole yet */
    struct loading_string string;   /* one that comes in pieces */
    struct slot_watch *watch;       /* borrowed; NULL: nobody watches */
    struct remains *remains;        /* borrowed; NULL: what goes is freed at once */
    bool keeps_strings_whole;       /* in what is saved */
    struct keyspace_cut *cut;       /* owned; NULL: none is under way */
    struct slot_set marks;          /* by slot: the mark of a record that the next cut will want */
    uint64_t page_key_counts[KEYSPACE_PAGE_COUNT];
    struct keyspace_page *pages[KEYSPACE_PAGE_COUNT];
};

/* NULL if its page does not exist. */
static inline struct slot_table *keyspace_slot_table(const struct keyspace *keyspace,
                                                     unsigned slot) {
    struct keyspace_page *page = keyspace->pages[slot / KEYSPACE_PAGE_SLOTS];
    return page ? &page->slots[slot % KEYSPACE_PAGE_SLOTS] : NULL;
}
/* expect.c: NULL unless the key, at this very place in memory, is expected. */
const struct expected_key *keyspace_expected(const struct keyspace *keyspace, struct bytes key);
/* What records and objects of a slot take has changed. A slot without keys holds nothing. */
static inline void keyspace_count_bytes(struct keyspace *keyspace, unsigned slot, uint64_t added,
                                        uint64_t removed) {
    struct slot_table *table = keyspace_slot_table(keyspace, slot);
    keyspace->memory_bytes += added - removed;
    if (table && table->count > 0)
        table->held_bytes += added - removed;
}
static inline struct slot_table_context keyspace_table_context(struct keyspace *keyspace) {
    return (struct slot_table_context){keyspace->hash_seed, &keyspace->memory_bytes};
}
