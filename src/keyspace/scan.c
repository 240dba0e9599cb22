#include "keyspace/scan.h"
#include "base/random.h"
#include "keyspace/private.h"
#include <assert.h>

/* NULL: there is nothing in it. */
static void walk_table(const struct slot_table *table, record_visitor visit, void *context) {
    uint64_t bucket_count = table ? slot_table_bucket_count(table) : 0;
    for (uint64_t position = 0; position < bucket_count; position++) {
        const struct record *record = slot_table_bucket(table, position);
        for (; record; record = record->next)
            visit(context, record);
    }
}

void keyspace_walk(const struct keyspace *keyspace, record_visitor visit, void *context) {
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        const struct slot_table *table = keyspace_slot_table(keyspace, slot);
        walk_table(table, visit, context);
        if (table == NULL) /* nor is there a table for the rest of its page */
            slot |= KEYSPACE_PAGE_SLOTS - 1;
    }
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

uint64_t keyspace_slot_hash(const struct keyspace *keyspace, slot_number slot) {
    uint64_t sum = 0;
    walk_table(keyspace_slot_table(keyspace, slot), hash_add, &sum);
    return sum;
}

/* The first slot from `slot` on that holds a key; SLOT_COUNT if none does. */
static unsigned keyspace_next_slot(const struct keyspace *keyspace, unsigned slot) {
    for (; slot < SLOT_COUNT; slot++) {
        const struct slot_table *table = keyspace_slot_table(keyspace, slot);
        if (table && table->count > 0)
            break;
        if (table == NULL)
            slot |= KEYSPACE_PAGE_SLOTS - 1;
    }
    return slot;
}

static_assert((SLOT_COUNT & (SLOT_COUNT - 1)) == 0, "the cursor's low bits are the slot");

uint64_t keyspace_scan(const struct keyspace *keyspace, uint64_t cursor, record_visitor visit,
                       void *context) {
    unsigned asked = (unsigned)(cursor % SLOT_COUNT);
    unsigned slot = keyspace_next_slot(keyspace, asked);
    if (slot == SLOT_COUNT)
        return 0;
    uint64_t bucket_cursor = slot == asked ? cursor / SLOT_COUNT : 0;
    bucket_cursor =
        slot_table_scan(keyspace_slot_table(keyspace, slot), bucket_cursor, visit, context);
    if (bucket_cursor)
        return bucket_cursor * SLOT_COUNT + slot;
    slot = keyspace_next_slot(keyspace, slot + 1);
    return slot % SLOT_COUNT;
}

uint64_t keyspace_scan_slot(const struct keyspace *keyspace, slot_number slot, uint64_t cursor,
                            record_visitor visit, void *context) {
    const struct slot_table *table = keyspace_slot_table(keyspace, slot);
    bool is_empty = table == NULL || table->count == 0;
    return is_empty ? 0 : slot_table_scan(table, cursor, visit, context);
}

static const struct record *slot_table_random(const struct slot_table *table,
                                              struct random *random) {
    enum { TRY_COUNT = 64 };
    uint64_t bucket_count = slot_table_bucket_count(table), position = 0;
    const struct record *chain = NULL;
    for (int try = 0; try < TRY_COUNT && chain == NULL; try++) {
        position = random_below(random, bucket_count);
        chain = slot_table_bucket(table, position);
    }
    while (chain == NULL) { /* a table that has just lost nearly all its keys */
        position = (position + 1) % bucket_count;
        chain = slot_table_bucket(table, position);
    }
    uint64_t length = 0;
    for (const struct record *record = chain; record; record = record->next)
        length++;
    for (uint64_t skip = random_below(random, length); skip > 0; skip--)
        chain = chain->next;
    return chain;
}

const struct record *keyspace_random(const struct keyspace *keyspace, struct random *random) {
    if (keyspace->key_count == 0)
        return NULL;
    uint64_t rank = random_below(random, keyspace->key_count);
    unsigned page = 0;
    for (; rank >= keyspace->page_key_counts[page]; page++)
        rank -= keyspace->page_key_counts[page];
    const struct slot_table *table = keyspace->pages[page]->slots;
    for (; rank >= table->count; table++)
        rank -= table->count;
    return slot_table_random(table, random);
}
