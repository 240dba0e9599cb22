#include "keyspace/value/field_table.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/random.h"
#include "keyspace/value/memory_class.h"

struct entry {
    struct entry *next;
    uint32_t field_length;
    uint32_t value_length : 31;
    uint32_t mark : 1; /* the table's while a cut wants it; else the same, once the cut has ended */
    uint8_t body[];    /* field, then value */
};

struct field_array {
    struct entry **buckets; /* NULL: there is no such array */
    size_t bucket_count;    /* a power of two */
};

struct field_table {
    uint64_t seed;
    struct field_array arrays[2]; /* while moving: 0 the old, 1 the new; else only 0 */
    size_t moved;                 /* buckets of the old array that are moved */
    size_t count, entry_bytes;    /* entry_bytes: all entries, by memory_class() */
    struct entry *kept;           /* what a cut wants and is not in the arrays any more */
    uint64_t *kept_bytes;         /* borrowed from the cut */
    uint64_t cut_cursor;
    bool mark, is_cut, is_walked, is_freed;
};

/* A change moves four buckets that hold something, passing over at most forty: growing is done long
 * before the next growth, and a table that empties gives its memory back on the way. */
enum {
    FIELD_TABLE_SMALLEST = 16,
    FIELD_TABLE_MOVES = 4,
    FIELD_TABLE_VISITS = 40,
    FIELD_TABLE_SPARSE = 8
};

static struct bytes entry_field(const struct entry *entry) {
    return bytes_of(entry->body, entry->field_length);
}

static struct bytes entry_value(const struct entry *entry) {
    return bytes_of(entry->body + entry->field_length, entry->value_length);
}

static size_t entry_bytes(const struct entry *entry) {
    return memory_class(sizeof *entry + entry->field_length + entry->value_length);
}

static struct entry *entry_new(struct bytes field, struct bytes value) {
    CHECK(field.length <= UINT32_MAX);
    CHECK(value.length <= INT32_MAX);
    struct entry *entry = memory_allocate(sizeof *entry + field.length + value.length);
    *entry = (struct entry){.field_length = (uint32_t)field.length,
                            .value_length = (uint32_t)value.length & INT32_MAX};
    if (field.length > 0)
        memcpy(entry->body, field.data, field.length);
    if (value.length > 0)
        memcpy(entry->body + field.length, value.data, value.length);
    return entry;
}

/* ---- making and freeing ------------------------------------------------------------------- */

static struct field_array array_new(size_t bucket_count) {
    return (struct field_array){.buckets =
                                    memory_allocate_zeroed(bucket_count, sizeof(struct entry *)),
                                .bucket_count = bucket_count};
}

/* From its end. False: there is more. */
static bool array_free_some(struct field_array *array, size_t *elements) {
    while (array->bucket_count > 0 && *elements > 0) {
        struct entry *entry = array->buckets[--array->bucket_count], *next;
        --*elements;
        for (; entry != NULL; entry = next) {
            next = entry->next;
            memory_free(entry);
            *elements -= *elements > 0;
        }
    }
    if (array->bucket_count > 0)
        return false;
    memory_free(array->buckets);
    array->buckets = NULL;
    return true;
}

struct field_table *field_table_new(uint64_t seed, size_t expected_count) {
    struct field_table *table = memory_allocate_zeroed(1, sizeof *table);
    size_t bucket_count = FIELD_TABLE_SMALLEST;
    while (bucket_count < expected_count)
        bucket_count *= 2;
    table->seed = seed;
    table->arrays[0] = array_new(bucket_count);
    return table;
}

bool field_table_free_some(struct field_table *table, size_t *elements) {
    if (table->is_cut) {
        table->is_freed = true;
        *table->kept_bytes += field_table_memory_bytes(table);
        return true;
    }
    for (int i = 0; i < 2; i++)
        if (!array_free_some(&table->arrays[i], elements))
            return false;
    memory_free(table);
    return true;
}

void field_table_free(struct field_table *table) {
    size_t all = SIZE_MAX;
    CHECK(table == NULL || field_table_free_some(table, &all));
}

struct field_table *field_table_copy(const struct field_table *table) {
    struct field_table *copy = field_table_new(table->seed, table->count);
    struct field_table_position position = {0};
    struct bytes field, value;
    while (field_table_next(table, &position, &field, &value))
        field_table_set(copy, field, value);
    return copy;
}

uint64_t field_table_seed(const struct field_table *table) { return table->seed; }

size_t field_table_count(const struct field_table *table) { return table->count; }

size_t field_table_memory_bytes(const struct field_table *table) {
    size_t bytes = memory_class(sizeof *table) + table->entry_bytes;
    for (int i = 0; i < 2; i++)
        if (table->arrays[i].buckets != NULL)
            bytes += memory_class(table->arrays[i].bucket_count * sizeof(struct entry *));
    return bytes;
}

/* ---- growing and shrinking ---------------------------------------------------------------- */

static bool table_is_moving(const struct field_table *table) {
    return table->arrays[1].buckets != NULL;
}

static size_t table_bucket(const struct field_table *table, const struct field_array *array,
                           struct bytes field) {
    return (size_t)bytes_hash(field, table->seed) & (array->bucket_count - 1);
}

static void table_move_bucket(struct field_table *table) {
    struct entry **from = &table->arrays[0].buckets[table->moved++];
    while (*from != NULL) {
        struct entry *entry = *from;
        *from = entry->next;
        size_t bucket = table_bucket(table, &table->arrays[1], entry_field(entry));
        entry->next = table->arrays[1].buckets[bucket];
        table->arrays[1].buckets[bucket] = entry;
    }
}

static void table_move_step(struct field_table *table) {
    if (!table_is_moving(table))
        return;
    for (int visits = 0, moves = 0; visits < FIELD_TABLE_VISITS && moves < FIELD_TABLE_MOVES &&
                                    table->moved < table->arrays[0].bucket_count;
         visits++) {
        moves += table->arrays[0].buckets[table->moved] != NULL;
        table_move_bucket(table);
    }
    if (table->moved < table->arrays[0].bucket_count)
        return;
    memory_free(table->arrays[0].buckets);
    table->arrays[0] = table->arrays[1];
    table->arrays[1] = (struct field_array){0};
    table->moved = 0;
}

/* Begins to grow when there is an entry a bucket, to shrink when there is one in eight. */
static void table_fit(struct field_table *table) {
    size_t bucket_count = table->arrays[0].bucket_count;
    if (table_is_moving(table))
        return;
    if (table->count > bucket_count)
        table->arrays[1] = array_new(bucket_count * 2);
    else if (bucket_count > FIELD_TABLE_SMALLEST &&
             table->count < bucket_count / FIELD_TABLE_SPARSE)
        table->arrays[1] = array_new(bucket_count / 2);
}

/* ---- fields ------------------------------------------------------------------------------- */

/* The link that points to the entry, or NULL. */
static struct entry **table_find(const struct field_table *table, struct bytes field) {
    for (int i = 0; i < 2 && table->arrays[i].buckets != NULL; i++) {
        const struct field_array *array = &table->arrays[i];
        struct entry **link = &array->buckets[table_bucket(table, array, field)];
        for (; *link != NULL; link = &(*link)->next)
            if (bytes_equal(entry_field(*link), field))
                return link;
    }
    return NULL;
}

bool field_table_get(const struct field_table *table, struct bytes field, struct bytes *value) {
    struct entry **link = table_find(table, field);
    if (link == NULL)
        return false;
    *value = entry_value(*link);
    return true;
}

static bool is_wanted(const struct field_table *table, const struct entry *entry) {
    return table->is_cut && entry->mark == table->mark;
}

/* In no array any more. */
static void entry_drop(struct field_table *table, struct entry *entry) {
    if (!is_wanted(table, entry)) {
        memory_free(entry);
        return;
    }
    entry->next = table->kept;
    table->kept = entry;
    *table->kept_bytes += entry_bytes(entry);
}

/* The first of what is kept. */
static void kept_free(struct field_table *table) {
    struct entry *entry = table->kept;
    table->kept = entry->next;
    *table->kept_bytes -= entry_bytes(entry);
    memory_free(entry);
}

static struct entry *table_entry_new(const struct field_table *table, struct bytes field,
                                     struct bytes value) {
    struct entry *entry = entry_new(field, value);
    entry->mark = table->mark ^ table->is_cut;
    return entry;
}

static void table_renew(struct field_table *table, struct entry **link, struct bytes value) {
    struct entry *old = *link, *entry = table_entry_new(table, entry_field(old), value);
    entry->next = old->next;
    *link = entry;
    table->entry_bytes += entry_bytes(entry) - entry_bytes(old);
    entry_drop(table, old);
}

static void table_replace(struct field_table *table, struct entry **link, struct bytes value) {
    struct entry *entry = *link;
    if (is_wanted(table, entry)) {
        table_renew(table, link, value);
        return;
    }
    table->entry_bytes -= entry_bytes(entry);
    if (value.length != entry->value_length) {
        CHECK(value.length <= INT32_MAX);
        entry = memory_resize(entry, sizeof *entry + entry->field_length + value.length);
        entry->value_length = (uint32_t)value.length & INT32_MAX;
        *link = entry;
    }
    if (value.length > 0)
        memcpy(entry->body + entry->field_length, value.data, value.length);
    table->entry_bytes += entry_bytes(entry);
}

bool field_table_set(struct field_table *table, struct bytes field, struct bytes value) {
    table_move_step(table);
    struct entry **link = table_find(table, field);
    if (link != NULL) {
        table_replace(table, link, value);
        return false;
    }
    table->count++;
    table_fit(table);
    struct field_array *array = &table->arrays[table_is_moving(table)];
    struct entry **bucket = &array->buckets[table_bucket(table, array, field)];
    struct entry *entry = table_entry_new(table, field, value);
    entry->next = *bucket;
    *bucket = entry;
    table->entry_bytes += entry_bytes(entry);
    return true;
}

bool field_table_remove(struct field_table *table, struct bytes field) {
    table_move_step(table);
    struct entry **link = table_find(table, field);
    if (link == NULL)
        return false;
    struct entry *entry = *link;
    *link = entry->next;
    table->entry_bytes -= entry_bytes(entry);
    table->count--;
    entry_drop(table, entry);
    table_fit(table);
    return true;
}

/* ---- walking ------------------------------------------------------------------------------ */

bool field_table_next(const struct field_table *table, struct field_table_position *position,
                      struct bytes *field, struct bytes *value) {
    const struct entry *entry = position->entry;
    while (entry == NULL) {
        if (position->array == 2)
            return false;
        const struct field_array *array = &table->arrays[position->array];
        if (position->bucket < array->bucket_count) {
            entry = array->buckets[position->bucket++];
        } else {
            position->array++;
            position->bucket = 0;
        }
    }
    *field = entry_field(entry);
    *value = entry_value(entry);
    position->entry = entry->next;
    return true;
}

static uint64_t reverse_bits(uint64_t value) {
    value = (value & 0x5555555555555555) << 1 | (value >> 1 & 0x5555555555555555);
    value = (value & 0x3333333333333333) << 2 | (value >> 2 & 0x3333333333333333);
    value = (value & 0x0f0f0f0f0f0f0f0f) << 4 | (value >> 4 & 0x0f0f0f0f0f0f0f0f);
    return __builtin_bswap64(value);
}

/* Adds one to the cursor, whose highest bit under the mask counts least. */
static uint64_t cursor_advance(uint64_t cursor, uint64_t mask) {
    return reverse_bits(reverse_bits(cursor | ~mask) + 1);
}

typedef void (*entry_visitor)(void *context, struct entry *entry);

static void array_visit(const struct field_array *array, uint64_t cursor, entry_visitor visit,
                        void *context) {
    for (struct entry *entry = array->buckets[cursor & (array->bucket_count - 1)]; entry != NULL;
         entry = entry->next)
        visit(context, entry);
}

static uint64_t table_scan(const struct field_table *table, uint64_t cursor, entry_visitor visit,
                           void *context) {
    const struct field_array *small = &table->arrays[0], *large = &table->arrays[1];
    if (!table_is_moving(table)) {
        array_visit(small, cursor, visit, context);
        return cursor_advance(cursor, small->bucket_count - 1);
    }
    if (small->bucket_count > large->bucket_count) {
        small = &table->arrays[1];
        large = &table->arrays[0];
    }
    uint64_t small_mask = small->bucket_count - 1, large_mask = large->bucket_count - 1;
    array_visit(small, cursor, visit, context);
    do { /* every bucket of the large array that the small one's bucket spreads over */
        array_visit(large, cursor, visit, context);
        cursor = cursor_advance(cursor, large_mask);
    } while (cursor & (small_mask ^ large_mask));
    return cursor;
}

struct pair_visit {
    struct field_table *table; /* of a cut; NULL: all pairs are visited */
    field_visitor visit;
    void *context;
};

static void visit_pair(void *context, struct entry *entry) {
    const struct pair_visit *pair = context;
    pair->visit(pair->context, entry_field(entry), entry_value(entry));
}

uint64_t field_table_scan(const struct field_table *table, uint64_t cursor, field_visitor visit,
                          void *context) {
    struct pair_visit pair = {.visit = visit, .context = context};
    return table_scan(table, cursor, visit_pair, &pair);
}

/* ---- cutting ------------------------------------------------------------------------------ */

void field_table_cut(struct field_table *table, uint64_t *kept_bytes) {
    CHECK(!table->is_cut);
    table->kept_bytes = kept_bytes;
    table->is_cut = true;
    table->is_walked = false;
    table->cut_cursor = 0;
}

static void visit_wanted(void *context, struct entry *entry) {
    const struct pair_visit *pair = context;
    if (!is_wanted(pair->table, entry))
        return;
    visit_pair(context, entry);
    entry->mark ^= 1;
}

bool field_table_visit_cut(struct field_table *table, field_visitor visit, void *context) {
    struct pair_visit pair = {.table = table, .visit = visit, .context = context};
    if (!table->is_walked) {
        table->cut_cursor = table_scan(table, table->cut_cursor, visit_wanted, &pair);
        table->is_walked = table->cut_cursor == 0;
        return true;
    }
    if (table->kept == NULL)
        return false;
    visit_pair(&pair, table->kept);
    kept_free(table);
    return true;
}

static void mend(void *context, struct entry *entry) {
    const struct field_table *table = context;
    entry->mark = table->mark;
}

/* Once all was visited, all marks are turned, and so the table's is: nothing is gone over. */
bool field_table_end_cut(struct field_table *table) {
    bool is_whole = table->is_walked && table->kept == NULL;
    while (table->kept)
        kept_free(table);
    table->is_cut = false;
    if (table->is_freed) {
        *table->kept_bytes -= field_table_memory_bytes(table);
        return true;
    }
    table->mark ^= is_whole;
    for (uint64_t cursor = 0; !is_whole;) {
        cursor = table_scan(table, cursor, mend, table);
        is_whole = cursor == 0;
    }
    return false;
}

void field_table_random(const struct field_table *table, struct random *random, struct bytes *field,
                        struct bytes *value) {
    CHECK(table->count > 0);
    size_t old_left = table->arrays[0].bucket_count - table->moved;
    const struct entry *chain = NULL;
    while (chain == NULL) {
        size_t lot = (size_t)random_below(random, old_left + table->arrays[1].bucket_count);
        chain = lot < old_left ? table->arrays[0].buckets[table->moved + lot]
                               : table->arrays[1].buckets[lot - old_left];
    }
    size_t length = 0;
    for (const struct entry *entry = chain; entry != NULL; entry = entry->next)
        length++;
    for (uint64_t steps = random_below(random, length); steps > 0; steps--)
        chain = chain->next;
    *field = entry_field(chain);
    *value = entry_value(chain);
}
