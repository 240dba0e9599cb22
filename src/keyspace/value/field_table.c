#include "keyspace/value/field_table.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/random.h"
#include "keyspace/value/field_tree.h"
#include "keyspace/value/memory_class.h"

struct field_table {
    uint64_t seed;
    struct field_tree trees[2]; /* while moving: 0 the old, 1 the new; else only 0 */
    size_t moved;               /* buckets of the old tree that are moved */
    size_t count, entry_bytes;  /* entry_bytes: all entries, by memory_class() */
    struct field_view *view;    /* of it, borrowed; NULL: there is none */
};

struct field_view {
    struct field_table *viewed; /* borrowed; NULL: it was given, or is freed */
    struct field_table *rest;   /* owned: what it held; leaves that were visited are dropped */
    unsigned tree;
    size_t bucket;        /* the next to be visited */
    uint64_t *kept_bytes; /* borrowed */
    uint64_t own_bytes;   /* our part of those */
};

/* A change moves four buckets that hold something, passing over at most forty: growing is done long
 * before the next growth, and a table that empties gives its memory back on the way. */
enum { FIELD_TABLE_MOVES = 4, FIELD_TABLE_VISITS = 40, FIELD_TABLE_SPARSE = 8 };

/* ---- making and freeing ------------------------------------------------------------------- */

struct field_table *field_table_new(uint64_t seed, size_t expected_count) {
    struct field_table *table = memory_allocate_zeroed(1, sizeof *table);
    unsigned bits = FIELD_TREE_BITS_MINIMUM;
    while ((size_t)1 << bits < expected_count)
        bits++;
    table->seed = seed;
    table->trees[0] = field_tree_new(bits);
    return table;
}

struct field_table *field_table_share(const struct field_table *table) {
    struct field_table *other = memory_copy(table, sizeof *table);
    other->view = NULL;
    for (int i = 0; i < 2; i++)
        other->trees[i] = field_tree_share(&table->trees[i]);
    return other;
}

static void view_keep(struct field_view *view, uint64_t bytes) {
    view->own_bytes += bytes;
    *view->kept_bytes += bytes;
}

static void view_release(struct field_view *view, uint64_t bytes) {
    view->own_bytes -= bytes;
    *view->kept_bytes -= bytes;
}

/* From now on its view alone holds what the table held. */
static void view_leave(struct field_table *table) {
    struct field_view *view = table->view;
    if (view == NULL)
        return;
    view->viewed = NULL;
    table->view = NULL;
    view_release(view, view->own_bytes);
    view_keep(view, field_table_memory_bytes(view->rest));
}

bool field_table_free_some(struct field_table *table, size_t *elements) {
    view_leave(table);
    for (int i = 0; i < 2; i++)
        if (*elements == 0 || !field_tree_free_some(&table->trees[i], elements))
            return false;
    memory_free(table);
    return true;
}

void field_table_free(struct field_table *table) {
    size_t all = SIZE_MAX;
    CHECK(table == NULL || field_table_free_some(table, &all));
}

uint64_t field_table_seed(const struct field_table *table) { return table->seed; }

size_t field_table_count(const struct field_table *table) { return table->count; }

size_t field_table_memory_bytes(const struct field_table *table) {
    return memory_class(sizeof *table) + table->entry_bytes + table->trees[0].bytes +
           table->trees[1].bytes;
}

/* ---- growing and shrinking ---------------------------------------------------------------- */

static bool table_is_moving(const struct field_table *table) {
    return field_tree_is_there(&table->trees[1]);
}

static size_t bucket_of(const struct field_tree *tree, uint64_t hash) {
    return (size_t)hash & (field_tree_bucket_count(tree) - 1);
}

/* What had to be copied because a view shares it is held for that. */
static struct field_entry **bucket_to_change(struct field_table *table, struct field_tree *tree,
                                             size_t bucket) {
    size_t copied_bytes = 0;
    struct field_entry **first = field_tree_bucket_to_change(tree, bucket, &copied_bytes);
    if (table->view && copied_bytes > 0)
        view_keep(table->view, copied_bytes);
    return first;
}

static void push(struct field_table *table, struct field_tree *tree, uint64_t hash,
                 struct field_entry *entry) {
    struct field_entry **first = bucket_to_change(table, tree, bucket_of(tree, hash));
    entry->next = *first;
    *first = entry;
}

/* True if it held anything. */
static bool table_move_bucket(struct field_table *table) {
    struct field_tree *old = &table->trees[0];
    size_t bucket = table->moved++;
    struct field_entry *entry = field_tree_bucket(old, bucket);
    bool is_held = entry != NULL;
    if (is_held) {
        struct field_entry **first = bucket_to_change(table, old, bucket);
        entry = *first;
        *first = NULL;
    }
    while (entry != NULL) {
        struct field_entry *next = entry->next;
        push(table, &table->trees[1], bytes_hash(field_entry_field(entry), table->seed), entry);
        entry = next;
    }
    field_tree_pass(old, bucket);
    return is_held;
}

static void table_move_step(struct field_table *table) {
    if (!table_is_moving(table))
        return;
    size_t bucket_count = field_tree_bucket_count(&table->trees[0]);
    for (int visits = 0, moves = 0;
         visits < FIELD_TABLE_VISITS && moves < FIELD_TABLE_MOVES && table->moved < bucket_count;
         visits++)
        moves += table_move_bucket(table);
    if (table->moved < bucket_count)
        return;
    CHECK(table->trees[0].root == NULL);
    table->trees[0] = table->trees[1];
    table->trees[1] = (struct field_tree){.root = NULL};
    table->moved = 0;
}

/* Begins to grow when there is an entry a bucket, to shrink when there is one in eight. */
static void table_fit(struct field_table *table) {
    const struct field_tree *tree = &table->trees[0];
    size_t bucket_count = field_tree_bucket_count(tree);
    if (table_is_moving(table))
        return;
    if (table->count > bucket_count)
        table->trees[1] = field_tree_new(tree->bits + 1);
    else if (tree->bits > FIELD_TREE_BITS_MINIMUM &&
             table->count < bucket_count / FIELD_TABLE_SPARSE)
        table->trees[1] = field_tree_new(tree->bits - 1);
}

/* ---- fields ------------------------------------------------------------------------------- */

static bool is_of(const struct field_entry *entry, struct bytes field) {
    return bytes_equal(field_entry_field(entry), field);
}

struct found {
    unsigned tree;
    size_t bucket;
    const struct field_entry *entry;
};

static bool table_find(const struct field_table *table, struct bytes field, uint64_t hash,
                       struct found *found) {
    for (found->tree = 0; found->tree < 2; found->tree++) {
        const struct field_tree *tree = &table->trees[found->tree];
        if (!field_tree_is_there(tree))
            return false;
        found->bucket = bucket_of(tree, hash);
        found->entry = field_tree_bucket(tree, found->bucket);
        while (found->entry && !is_of(found->entry, field))
            found->entry = found->entry->next;
        if (found->entry)
            return true;
    }
    return false;
}

/* The link that points to the entry, which is the table's alone from now on; NULL: absent. */
static struct field_entry **find_to_change(struct field_table *table, struct bytes field,
                                           uint64_t hash) {
    struct found found;
    if (!table_find(table, field, hash, &found))
        return NULL;
    struct field_entry **link = bucket_to_change(table, &table->trees[found.tree], found.bucket);
    while (!is_of(*link, field))
        link = &(*link)->next;
    return link;
}

bool field_table_get(const struct field_table *table, struct bytes field, struct bytes *value) {
    struct found found;
    if (!table_find(table, field, bytes_hash(field, table->seed), &found))
        return false;
    *value = field_entry_value(found.entry);
    return true;
}

static void table_replace(struct field_table *table, struct field_entry **link,
                          struct bytes value) {
    table->entry_bytes -= field_entry_bytes(*link);
    *link = field_entry_renew(*link, value);
    table->entry_bytes += field_entry_bytes(*link);
}

bool field_table_set(struct field_table *table, struct bytes field, struct bytes value) {
    uint64_t hash = bytes_hash(field, table->seed);
    table_move_step(table);
    struct field_entry **link = find_to_change(table, field, hash);
    if (link != NULL) {
        table_replace(table, link, value);
        return false;
    }
    table->count++;
    table_fit(table);
    struct field_entry *entry = field_entry_new(field, value);
    push(table, &table->trees[table_is_moving(table)], hash, entry);
    table->entry_bytes += field_entry_bytes(entry);
    return true;
}

bool field_table_remove(struct field_table *table, struct bytes field) {
    table_move_step(table);
    struct field_entry **link = find_to_change(table, field, bytes_hash(field, table->seed));
    if (link == NULL)
        return false;
    struct field_entry *entry = *link;
    *link = entry->next;
    table->entry_bytes -= field_entry_bytes(entry);
    table->count--;
    field_entry_free(entry);
    table_fit(table);
    return true;
}

/* ---- walking ------------------------------------------------------------------------------ */

bool field_table_next(const struct field_table *table, struct field_table_position *position,
                      struct bytes *field, struct bytes *value) {
    const struct field_entry *entry = position->entry;
    while (entry == NULL) {
        if (position->tree == 2)
            return false;
        const struct field_tree *tree = &table->trees[position->tree];
        if (position->bucket < field_tree_bucket_count(tree)) {
            field_tree_fetch(tree, position->bucket);
            entry = field_tree_bucket(tree, position->bucket++);
        } else {
            position->tree++;
            position->bucket = 0;
        }
    }
    *field = field_entry_field(entry);
    *value = field_entry_value(entry);
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

static void bucket_visit(const struct field_tree *tree, uint64_t bucket, field_visitor visit,
                         void *context) {
    const struct field_entry *entry = field_tree_bucket(tree, (size_t)bucket);
    for (; entry != NULL; entry = entry->next)
        visit(context, field_entry_field(entry), field_entry_value(entry));
}

uint64_t field_table_scan(const struct field_table *table, uint64_t cursor, field_visitor visit,
                          void *context) {
    const struct field_tree *small = &table->trees[0], *large = &table->trees[1];
    uint64_t small_mask = field_tree_bucket_count(small) - 1;
    if (!table_is_moving(table)) {
        bucket_visit(small, cursor & small_mask, visit, context);
        return cursor_advance(cursor, small_mask);
    }
    if (small->bits > large->bits) {
        small = &table->trees[1];
        large = &table->trees[0];
        small_mask = field_tree_bucket_count(small) - 1;
    }
    uint64_t large_mask = field_tree_bucket_count(large) - 1;
    bucket_visit(small, cursor & small_mask, visit, context);
    do { /* every bucket of the large tree that the small one's bucket spreads over */
        bucket_visit(large, cursor & large_mask, visit, context);
        cursor = cursor_advance(cursor, large_mask);
    } while (cursor & (small_mask ^ large_mask));
    return cursor;
}

/* Has a scan that is at this cursor come by where a field with this hash stands? Of two numbers the
 * lowest bit in which they differ decides, as that counts most. */
static bool has_passed(uint64_t cursor, uint64_t hash) {
    uint64_t different = cursor ^ hash;
    return cursor & different & (~different + 1);
}

struct between_visit {
    uint64_t seed, from, to;
    field_visitor visit;
    void *context;
};

static void visit_between(void *context, struct bytes field, struct bytes value) {
    const struct between_visit *between = context;
    uint64_t hash = bytes_hash(field, between->seed);
    if (!has_passed(between->from, hash) && (between->to == 0 || has_passed(between->to, hash)))
        between->visit(between->context, field, value);
}

void field_table_visit_between(const struct field_table *table, uint64_t from, uint64_t to,
                               field_visitor visit, void *context) {
    struct between_visit between = {table->seed, from, to, visit, context};
    uint64_t cursor = from;
    bool is_there;
    do {
        cursor = field_table_scan(table, cursor, visit_between, &between);
        is_there = to != 0 && (cursor == to || has_passed(cursor, to));
    } while (cursor != 0 && !is_there);
}

/* ---- viewing ------------------------------------------------------------------------------ */

struct field_view *field_view_new(struct field_table *table, bool is_given, uint64_t *kept_bytes) {
    struct field_view *view = memory_allocate_zeroed(1, sizeof *view);
    view->kept_bytes = kept_bytes;
    if (is_given) {
        view_leave(table);
        view->rest = table;
        view_keep(view, field_table_memory_bytes(table));
        return view;
    }
    CHECK(table->view == NULL);
    view->viewed = table;
    view->rest = field_table_share(table);
    table->view = view;
    return view;
}

uint64_t field_view_seed(const struct field_view *view) { return view->rest->seed; }

/* What was visited is held no more; what the table copied meanwhile counts to the end. */
static void visit_bucket(struct field_view *view, struct field_tree *tree, field_visitor visit,
                         void *context) {
    size_t bytes_before = field_table_memory_bytes(view->rest);
    field_tree_fetch(tree, view->bucket);
    const struct field_entry *entry = field_tree_bucket(tree, view->bucket);
    for (; entry != NULL; entry = entry->next) {
        view->rest->entry_bytes -= field_entry_bytes(entry);
        visit(context, field_entry_field(entry), field_entry_value(entry));
    }
    field_tree_pass(tree, view->bucket++);
    if (view->viewed == NULL)
        view_release(view, bytes_before - field_table_memory_bytes(view->rest));
}

bool field_view_visit(struct field_view *view, field_visitor visit, void *context) {
    if (view->tree == 2)
        return false;
    struct field_tree *tree = &view->rest->trees[view->tree];
    if (view->bucket < field_tree_bucket_count(tree)) {
        visit_bucket(view, tree, visit, context);
        return true;
    }
    view->tree++;
    view->bucket = 0;
    return true;
}

struct field_table *field_view_end(struct field_view *view) {
    struct field_table *rest = view->rest;
    if (view->viewed)
        view->viewed->view = NULL;
    view_release(view, view->own_bytes);
    memory_free(view);
    return rest;
}

void field_table_random(const struct field_table *table, struct random *random, struct bytes *field,
                        struct bytes *value) {
    CHECK(table->count > 0);
    size_t old_left = field_tree_bucket_count(&table->trees[0]) - table->moved;
    const struct field_entry *chain = NULL;
    while (chain == NULL) {
        size_t lot =
            (size_t)random_below(random, old_left + field_tree_bucket_count(&table->trees[1]));
        chain = lot < old_left ? field_tree_bucket(&table->trees[0], table->moved + lot)
                               : field_tree_bucket(&table->trees[1], lot - old_left);
    }
    size_t length = 0;
    for (const struct field_entry *entry = chain; entry != NULL; entry = entry->next)
        length++;
    for (uint64_t steps = random_below(random, length); steps > 0; steps--)
        chain = chain->next;
    *field = field_entry_field(chain);
    *value = field_entry_value(chain);
}
