#include "base/containers/table.h"
#include "base/check.h"
#include "base/memory.h"

/* `entries` holds the keys in the order they came, with holes where one was removed (key == NULL);
 * `places` is the open-addressed index into it, probed linearly: 0 is empty, else position + 1. A
 * removed entry leaves its place occupied until the next rebuild, so that probes go on past it. */
struct table_entry {
    uint8_t *key;
    size_t key_length;
    uint64_t hash;
    void *value;
};
struct table {
    struct table_entry *entries;
    uint32_t *places;
    size_t entry_count; /* including the holes */
    size_t count;       /* without them */
    size_t entry_capacity;
    size_t place_count; /* a power of two, twice entry_capacity */
};

enum { TABLE_SMALLEST = 8 };

struct table *table_new(void) {
    return memory_allocate_zeroed(1, sizeof(struct table));
}

void table_free(struct table *table) {
    if (table == NULL)
        return;
    for (size_t i = 0; i < table->entry_count; i++)
        memory_free(table->entries[i].key);
    memory_free(table->entries);
    memory_free(table->places);
    memory_free(table);
}

size_t table_count(const struct table *table) { return table->count; }

static struct table_entry *table_find(const struct table *table, struct bytes key, uint64_t hash) {
    if (table->count == 0)
        return NULL;
    for (size_t place = hash & (table->place_count - 1); table->places[place] != 0;
         place = (place + 1) & (table->place_count - 1)) {
        struct table_entry *entry = &table->entries[table->places[place] - 1];
        if (entry->key != NULL && entry->hash == hash &&
            bytes_equal(bytes_of(entry->key, entry->key_length), key))
            return entry;
    }
    return NULL;
}

void *table_get(const struct table *table, struct bytes key) {
    struct table_entry *entry = table_find(table, key, bytes_hash(key, 0));
    return entry ? entry->value : NULL;
}

static void table_index(struct table *table, size_t position) {
    size_t place = table->entries[position].hash & (table->place_count - 1);
    while (table->places[place] != 0)
        place = (place + 1) & (table->place_count - 1);
    table->places[place] = (uint32_t)(position + 1);
}

/* Closes the holes and, if the table is more than half full even so, doubles it. */
static void table_rebuild(struct table *table) {
    size_t kept = 0;
    for (size_t i = 0; i < table->entry_count; i++)
        if (table->entries[i].key != NULL)
            table->entries[kept++] = table->entries[i];
    table->entry_count = kept;
    CHECK(kept == table->count);
    if (kept * 2 >= table->entry_capacity) {
        CHECK(table->entry_capacity < UINT32_MAX / 4);
        table->entry_capacity = table->entry_capacity ? table->entry_capacity * 2 : TABLE_SMALLEST;
        table->entries =
            memory_resize(table->entries, table->entry_capacity * sizeof *table->entries);
    }
    table->place_count = table->entry_capacity * 2;
    memory_free(table->places);
    table->places = memory_allocate_zeroed(table->place_count, sizeof *table->places);
    for (size_t i = 0; i < kept; i++)
        table_index(table, i);
}

void *table_put(struct table *table, struct bytes key, void *value) {
    CHECK(value != NULL);
    uint64_t hash = bytes_hash(key, 0);
    struct table_entry *entry = table_find(table, key, hash);
    if (entry != NULL) {
        void *replaced = entry->value;
        entry->value = value;
        return replaced;
    }
    if (table->entry_count == table->entry_capacity)
        table_rebuild(table);
    table->entries[table->entry_count] =
        (struct table_entry){.key = memory_copy(key.data, key.length),
                             .key_length = key.length,
                             .hash = hash,
                             .value = value};
    table_index(table, table->entry_count++);
    table->count++;
    return NULL;
}

void *table_remove(struct table *table, struct bytes key) {
    struct table_entry *entry = table_find(table, key, bytes_hash(key, 0));
    if (entry == NULL)
        return NULL;
    memory_free(entry->key);
    entry->key = NULL;
    table->count--;
    return entry->value;
}

bool table_walk(const struct table *table, size_t *position, struct bytes *key, void **value) {
    while (*position < table->entry_count) {
        const struct table_entry *entry = &table->entries[(*position)++];
        if (entry->key == NULL)
            continue;
        *key = bytes_of(entry->key, entry->key_length);
        *value = entry->value;
        return true;
    }
    return false;
}
