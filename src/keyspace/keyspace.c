#include "keyspace/keyspace.h"
#include "base/check.h"
#include "base/memory.h"
#include "keyspace/cut.h"
#include "keyspace/record/remains.h"
#include "keyspace/value/memory_class.h"

struct keyspace *keyspace_new(uint64_t hash_seed) {
    struct keyspace *keyspace = memory_allocate_zeroed(1, sizeof *keyspace);
    keyspace->hash_seed = hash_seed;
    expiry_heap_init(&keyspace->expiries);
    buffer_init(&keyspace->loading, KEYSPACE_BLOCK_BYTES_MAXIMUM);
    buffer_init(&keyspace->string.key, KEY_BYTES_MAXIMUM);
    return keyspace;
}

void keyspace_free(struct keyspace *keyspace) {
    if (keyspace == NULL)
        return;
    keyspace->watch = NULL;
    keyspace_clear(keyspace); /* the cut need not go through the tables then */
    keyspace_end_cut(keyspace);
    memory_free(keyspace);
}

void keyspace_leave_to(struct keyspace *keyspace, struct remains *remains) {
    CHECK(keyspace->cut == NULL);
    keyspace->remains = remains;
}

void keyspace_split_strings(struct keyspace *keyspace, bool may_split) {
    CHECK(keyspace->cut == NULL);
    keyspace->keeps_strings_whole = !may_split;
}

static void slot_clear(struct keyspace *keyspace, unsigned slot) {
    struct slot_table *table = keyspace_slot_table(keyspace, slot);
    if (table->count == 0)
        return;
    if (keyspace->cut && cut_awaits(keyspace, slot))
        cut_take_table(keyspace, slot, table);
    else
        remains_take_table(keyspace->remains, table);
}

void keyspace_watch(struct keyspace *keyspace, struct slot_watch *watch) {
    keyspace->watch = watch;
}

/* All are told before the first is gone. */
static void touch_all(struct keyspace *keyspace) {
    if (keyspace->watch == NULL)
        return;
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
        if (keyspace_slot_key_count(keyspace, (slot_number)slot) > 0)
            slot_watch_touch_slot(keyspace->watch, (slot_number)slot);
}

void keyspace_clear(struct keyspace *keyspace) {
    touch_all(keyspace);
    for (unsigned page = 0; page < KEYSPACE_PAGE_COUNT; page++) {
        if (keyspace->pages[page] == NULL)
            continue;
        for (unsigned slot = 0; slot < KEYSPACE_PAGE_SLOTS; slot++)
            slot_clear(keyspace, page * KEYSPACE_PAGE_SLOTS + slot);
        memory_free(keyspace->pages[page]);
        keyspace->pages[page] = NULL;
        keyspace->page_key_counts[page] = 0;
    }
    expiry_heap_release(&keyspace->expiries);
    buffer_release(&keyspace->loading);
    long_string_free(keyspace->string.string);
    buffer_release(&keyspace->string.key);
    keyspace->string.string = NULL;
    keyspace->key_count = 0;
    keyspace->memory_bytes = 0;
}

uint64_t keyspace_key_count(const struct keyspace *keyspace) { return keyspace->key_count; }

uint64_t keyspace_expiring_count(const struct keyspace *keyspace) {
    return keyspace->expiries.count;
}

uint64_t keyspace_memory_bytes(const struct keyspace *keyspace) {
    return memory_class(sizeof *keyspace) + keyspace->memory_bytes +
           expiry_heap_memory_bytes(&keyspace->expiries);
}

uint64_t keyspace_slot_key_count(const struct keyspace *keyspace, slot_number slot) {
    const struct slot_table *table = keyspace_slot_table(keyspace, slot);
    return table ? table->count : 0;
}

uint64_t keyspace_slot_bytes(const struct keyspace *keyspace, slot_number slot) {
    const struct slot_table *table = keyspace_slot_table(keyspace, slot);
    return table ? table->held_bytes : 0;
}

void keyspace_slot_keys(const struct keyspace *keyspace, slot_number slot, size_t maximum,
                        void (*each)(void *context, struct bytes key), void *context) {
    const struct slot_table *table = keyspace_slot_table(keyspace, slot);
    uint64_t bucket_count = table ? slot_table_bucket_count(table) : 0;
    for (uint64_t position = 0; position < bucket_count; position++) {
        const struct record *record = slot_table_bucket(table, position);
        for (; record && maximum > 0; record = record->next, maximum--)
            each(context, record_key(record));
    }
}

static void expired_append(void *context, const struct record *record) {
    buffer_append_length_prefixed(context, record_key(record));
}

size_t keyspace_collect_expired(const struct keyspace *keyspace, uint64_t now_ms, size_t maximum,
                                struct buffer *out) {
    return expiry_heap_due(&keyspace->expiries, now_ms, maximum, expired_append, out);
}
