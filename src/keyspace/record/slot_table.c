#include "keyspace/record/slot_table.h"
#include "base/check.h"
#include "base/memory.h"
#include "keyspace/value/memory_class.h"

static uint64_t bucket_count(unsigned bits) { return (uint64_t)1 << bits; }

static struct record **chain_find(struct record **link, struct bytes key) {
    while (*link && !bytes_equal(record_key(*link), key))
        link = &(*link)->next;
    return *link ? link : NULL;
}

struct record **slot_table_find(const struct slot_table *table, struct bytes key, uint64_t hash) {
    if (table->count == 0)
        return NULL;
    if (table->old_buckets) {
        uint64_t position = hash & (bucket_count(table->old_bits) - 1);
        struct record **link = chain_find(&table->old_buckets[position], key);
        if (link)
            return link;
    }
    return chain_find(&table->buckets[hash & (bucket_count(table->bits) - 1)], key);
}

struct record **slot_table_bucket_of(const struct slot_table *table, uint64_t hash) {
    uint64_t old_position = hash & (bucket_count(table->old_bits) - 1);
    bool is_old = table->old_buckets && old_position >= table->moved_buckets;
    return is_old ? &table->old_buckets[old_position]
                  : &table->buckets[hash & (bucket_count(table->bits) - 1)];
}

static size_t buckets_memory_bytes(unsigned bits) {
    return memory_class((size_t)bucket_count(bits) * sizeof(struct record *));
}

static struct record **buckets_new(const struct slot_table_context *context, unsigned bits) {
    CHECK(bits <= SLOT_TABLE_BITS_MAXIMUM);
    *context->memory_bytes += buckets_memory_bytes(bits);
    return memory_allocate_zeroed((size_t)bucket_count(bits), sizeof(struct record *));
}

static void buckets_free(const struct slot_table_context *context, struct record **buckets,
                         unsigned bits) {
    if (buckets == NULL)
        return;
    *context->memory_bytes -= buckets_memory_bytes(bits);
    memory_free(buckets);
}

static void table_push(struct slot_table *table, struct record *record, uint64_t hash) {
    struct record **bucket = &table->buckets[hash & (bucket_count(table->bits) - 1)];
    record->next = *bucket;
    *bucket = record;
}

static void table_move_bucket(struct slot_table *table, uint64_t hash_seed) {
    struct record *record = table->old_buckets[table->moved_buckets];
    table->old_buckets[table->moved_buckets++] = NULL;
    while (record) {
        struct record *next = record->next;
        table_push(table, record, bytes_hash(record_key(record), hash_seed));
        record = next;
    }
}

static void table_move(struct slot_table *table, const struct slot_table_context *context,
                       uint64_t step_count) {
    if (table->old_buckets == NULL)
        return;
    uint64_t old_count = bucket_count(table->old_bits);
    for (; step_count > 0 && table->moved_buckets < old_count; step_count--)
        table_move_bucket(table, context->hash_seed);
    if (table->moved_buckets < old_count)
        return;
    buckets_free(context, table->old_buckets, table->old_bits);
    table->old_buckets = NULL;
    table->old_bits = 0;
    table->moved_buckets = 0;
}

static void table_resize(struct slot_table *table, const struct slot_table_context *context,
                         unsigned bits) {
    table->old_buckets = table->buckets;
    table->old_bits = table->bits;
    table->moved_buckets = 0;
    table->buckets = buckets_new(context, bits);
    table->bits = (uint8_t)bits;
    bool is_small = bits <= SLOT_TABLE_BITS_AT_ONCE && table->old_bits <= SLOT_TABLE_BITS_AT_ONCE;
    if (is_small)
        table_move(table, context, bucket_count(table->old_bits));
}

void slot_table_insert(struct slot_table *table, const struct slot_table_context *context,
                       struct record *record, uint64_t hash) {
    if (table->buckets == NULL) {
        table->buckets = buckets_new(context, SLOT_TABLE_BITS_MINIMUM);
        table->bits = SLOT_TABLE_BITS_MINIMUM;
    }
    table_move(table, context, SLOT_TABLE_BUCKETS_A_STEP);
    if (table->old_buckets == NULL && table->count >= bucket_count(table->bits))
        table_resize(table, context, table->bits + 1u);
    table_push(table, record, hash);
    table->count++;
}

/* Nothing is in it any more. */
static void table_release(struct slot_table *table, const struct slot_table_context *context) {
    buckets_free(context, table->old_buckets, table->old_bits);
    buckets_free(context, table->buckets, table->bits);
    *table = (struct slot_table){0};
}

struct record *slot_table_unlink(struct slot_table *table, const struct slot_table_context *context,
                                 struct record **link) {
    struct record *record = *link;
    *link = record->next;
    record->next = NULL;
    table->count--;
    if (table->count == 0) {
        table_release(table, context);
        return record;
    }
    table_move(table, context, SLOT_TABLE_BUCKETS_A_STEP);
    /* Half as full as it may be after shrinking, so that it does not grow again at once. */
    bool is_sparse = table->count < bucket_count(table->bits) / 8;
    if (table->old_buckets == NULL && is_sparse && table->bits >= SLOT_TABLE_BITS_MINIMUM + 2)
        table_resize(table, context, table->bits - 2u);
    return record;
}

uint64_t slot_table_bucket_count(const struct slot_table *table) {
    if (table->buckets == NULL)
        return 0;
    return bucket_count(table->bits) + (table->old_buckets ? bucket_count(table->old_bits) : 0);
}

struct record *slot_table_bucket(const struct slot_table *table, uint64_t position) {
    if (table->old_buckets == NULL)
        return table->buckets[position];
    uint64_t old_count = bucket_count(table->old_bits);
    return position < old_count ? table->old_buckets[position]
                                : table->buckets[position - old_count];
}

static void bucket_visit(const struct record *record,
                         void (*visit)(void *context, const struct record *record), void *context) {
    for (; record; record = record->next)
        visit(context, record);
}

/* Adds one to the number whose lowest digit is the highest bit under `mask`. */
static uint64_t cursor_next(uint64_t cursor, uint64_t mask) {
    cursor &= mask;
    uint64_t bit = (mask + 1) / 2;
    while (cursor & bit) {
        cursor ^= bit;
        bit /= 2;
    }
    return cursor | bit;
}

uint64_t slot_table_scan(const struct slot_table *table, uint64_t cursor,
                         void (*visit)(void *context, const struct record *record), void *context) {
    if (table->count == 0)
        return 0;
    uint64_t mask = bucket_count(table->bits) - 1;
    if (table->old_buckets == NULL) {
        bucket_visit(table->buckets[cursor & mask], visit, context);
        return cursor_next(cursor, mask);
    }
    uint64_t old_mask = bucket_count(table->old_bits) - 1;
    bool is_growing = mask > old_mask;
    uint64_t small_mask = is_growing ? old_mask : mask, large_mask = is_growing ? mask : old_mask;
    struct record **small = is_growing ? table->old_buckets : table->buckets;
    struct record **large = is_growing ? table->buckets : table->old_buckets;
    bucket_visit(small[cursor & small_mask], visit, context);
    do { /* every bucket of the larger table whose keys share the smaller one's bucket */
        bucket_visit(large[cursor & large_mask], visit, context);
        cursor = cursor_next(cursor, large_mask);
    } while (cursor & (small_mask ^ large_mask));
    return cursor;
}

/* Buckets are visited in the order of their numbers with the lowest bit first; so of two numbers
 * the lowest bit in which they differ decides. */
bool slot_table_has_visited(uint64_t cursor, uint64_t hash) {
    uint64_t different = cursor ^ hash;
    uint64_t lowest = different & (~different + 1);
    return cursor & lowest;
}
