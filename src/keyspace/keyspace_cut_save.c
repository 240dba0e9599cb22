/* The walk of a cut: keyspace_cut.h draws it. */
#include "base/check.h"
#include "base/memory.h"
#include "keyspace/keyspace_cut.h"
#include "keyspace/keyspace_edit.h"
#include "keyspace/record_sort.h"

static uint32_t slot_mark(const struct keyspace *keyspace, const struct cut_walk *walk) {
    return slot_set_has(&keyspace->marks, walk->slot);
}

/* ---- objects ---- */

/* Saves one piece of the kept object at hand; lets it go once it is whole. */
static uint64_t save_object_piece(struct keyspace_cut *cut, struct buffer *out) {
    struct cut_walk *walk = &cut->walk;
    struct record *record = walk->object;
    const struct value_kind *kind = value_kind_of(record_type(record));
    void *view = record_object(record);
    uint8_t encoding = kind->view_encoding(view);
    struct buffer piece;
    buffer_init(&piece, SIZE_MAX);
    bool is_whole = kind->view_save(view, VALUE_SAVE_BYTES, &piece, &walk->object_hash);
    if (piece.length > 0 && walk->has_begun_object)
        saver_append_more(&walk->saver, out, record, encoding, buffer_bytes(&piece));
    else if (piece.length > 0)
        saver_append(&walk->saver, out, record, encoding, buffer_bytes(&piece));
    walk->has_begun_object |= piece.length > 0;
    buffer_release(&piece);
    if (!is_whole)
        return 0;
    uint64_t hash = record_hash_by_object(record, walk->object_hash);
    cut_free_record(cut, record);
    walk->object = NULL;
    return hash;
}

static void begin_object(struct cut_walk *walk, struct record *record) {
    walk->object = record;
    walk->object_hash = 0;
    walk->has_begun_object = false;
}

/* ---- records ---- */

/* One that the cut owns. */
static uint64_t save_kept(struct keyspace_cut *cut, struct buffer *out, struct record *record) {
    if (record_is_object(record)) {
        begin_object(&cut->walk, record);
        return 0;
    }
    uint64_t hash = saver_append_whole(&cut->walk.saver, out, record);
    cut_free_record(cut, record);
    return hash;
}

static bool is_large_object(const struct record *record) {
    return record_is_object(record) &&
           value_kind_of(record_type(record))->memory_bytes(record_object(record)) >
               CUT_OBJECT_BYTES;
}

/* A copy takes its place in the table, and the record is kept. */
static void keep_standing(struct keyspace *keyspace, struct record *record) {
    const struct slot_table *table = keyspace_slot_table(keyspace, keyspace->cut->walk.slot);
    struct bytes key = record_key(record);
    struct record **link = slot_table_find(table, key, bytes_hash(key, keyspace->hash_seed));
    CHECK(link && *link == record);
    *link = cut_take_copied(keyspace, keyspace->cut->walk.slot, record);
}

/* One that stands in the table, wanted, and is not large. */
static uint64_t save_standing(struct keyspace *keyspace, struct buffer *out,
                              struct record *record) {
    record->mark ^= 1;
    return saver_append_whole(&keyspace->cut->walk.saver, out, record);
}

static void gather(struct cut_walk *walk, struct record *record) {
    if (walk->count == walk->capacity) {
        walk->capacity = walk->capacity ? walk->capacity * 2 : CUT_RECORDS_USUAL;
        walk->records = memory_resize(walk->records, walk->capacity * sizeof *walk->records);
    }
    walk->records[walk->count++] = record;
}

/* ---- a slot by key ---- */

/* The memory of each record is asked for before any of it is looked at, and that of the next in a
 * bucket while others are: to wait for one after the other is most of what a walk would cost. */
static void gather_and_fetch(struct cut_walk *walk, struct record *record) {
    if (record == NULL)
        return;
    memory_fetch(record);
    gather(walk, record);
}

static void gather_table(struct cut_walk *walk, const struct slot_table *table) {
    uint64_t bucket_count = slot_table_bucket_count(table);
    for (uint64_t position = 0; position < bucket_count; position++)
        gather_and_fetch(walk, slot_table_bucket(table, position));
    for (size_t i = 0; i < walk->count; i++)
        gather_and_fetch(walk, walk->records[i]->next);
}

static void drop_unwanted(struct cut_walk *walk, uint32_t mark) {
    size_t count = 0;
    for (size_t i = 0; i < walk->count; i++) {
        struct record *record = walk->records[i];
        if (record->mark != mark)
            continue;
        memory_fetch((const uint8_t *)record + record_bytes(record) - 1);
        walk->records[count++] = record;
    }
    walk->count = count;
}

static void gather_slot(struct keyspace *keyspace) {
    struct cut_walk *walk = &keyspace->cut->walk;
    const struct slot_table *table = keyspace_slot_table(keyspace, walk->slot);
    if (table)
        gather_table(walk, table);
    drop_unwanted(walk, slot_mark(keyspace, walk));
    struct cut_kept *kept = &keyspace->cut->kept[walk->slot];
    for (; kept->count > 0; kept->count--)
        gather_and_fetch(walk, kept->records[kept->count - 1]);
    record_sort(walk->records, walk->count);
}

/* A large object that stands in the table is kept first, and comes again. */
static uint64_t save_next_by_key(struct keyspace *keyspace, struct buffer *out) {
    struct cut_walk *walk = &keyspace->cut->walk;
    struct record *record = walk->records[walk->next];
    if (record->mark == slot_mark(keyspace, walk) && is_large_object(record)) {
        keep_standing(keyspace, record);
        return 0;
    }
    walk->next++;
    return record->mark == slot_mark(keyspace, walk) ? save_standing(keyspace, out, record)
                                                     : save_kept(keyspace->cut, out, record);
}

/* ---- a slot by bucket ---- */

static void gather_wanted(void *context, const struct record *record) {
    struct keyspace *keyspace = context;
    struct cut_walk *walk = &keyspace->cut->walk;
    if (record->mark == slot_mark(keyspace, walk))
        gather(walk, (struct record *)(uintptr_t)record);
}

static uint64_t save_next_bucket(struct keyspace *keyspace, struct buffer *out) {
    struct cut_walk *walk = &keyspace->cut->walk;
    const struct slot_table *table = keyspace_slot_table(keyspace, walk->slot);
    if (table)
        walk->cursor = slot_table_scan(table, walk->cursor, gather_wanted, keyspace);
    walk->is_table_done = table == NULL || walk->cursor == 0;
    uint64_t hash = 0;
    for (size_t i = 0; i < walk->count; i++)
        if (is_large_object(walk->records[i]))
            keep_standing(keyspace, walk->records[i]);
        else
            hash += save_standing(keyspace, out, walk->records[i]);
    walk->count = 0;
    return hash;
}

static uint64_t save_next_kept(struct keyspace_cut *cut, struct buffer *out) {
    struct cut_kept *kept = &cut->kept[cut->walk.slot];
    return save_kept(cut, out, kept->records[--kept->count]);
}

/* ---- a slot ---- */

static void begin_slot(struct keyspace *keyspace, slot_number slot) {
    CHECK(slot_set_has(&keyspace->cut->awaited, slot));
    cut_awaits(keyspace, slot); /* its marks are in order, and will not be for a while */
    struct cut_walk *walk = &keyspace->cut->walk;
    *walk =
        (struct cut_walk){.slot = slot, .is_by_bucket = slot_set_has(&keyspace->cut->large, slot)};
    if (!walk->is_by_bucket)
        gather_slot(keyspace);
    walk->is_begun = true;
}

static void end_slot(struct keyspace *keyspace, struct buffer *out) {
    struct keyspace_cut *cut = keyspace->cut;
    slot_number slot = cut->walk.slot;
    saver_end_block(&cut->walk.saver, out);
    memory_free(cut->walk.records);
    memory_free(cut->kept[slot].records);
    cut->kept[slot] = (struct cut_kept){.count = 0};
    cut->walk = (struct cut_walk){.is_begun = false};
    slot_set_remove(&cut->awaited, slot);
    slot_set_remove(&cut->mixed, slot);
    keyspace->marks.words[slot / 64] ^= (uint64_t)1 << (slot % 64);
}

/* False: there is nothing left. */
static bool save_some(struct keyspace *keyspace, struct buffer *out, uint64_t *state_hash) {
    struct keyspace_cut *cut = keyspace->cut;
    const struct cut_walk *walk = &cut->walk;
    if (walk->object)
        *state_hash += save_object_piece(cut, out);
    else if (walk->next < walk->count)
        *state_hash += save_next_by_key(keyspace, out);
    else if (walk->is_by_bucket && !walk->is_table_done)
        *state_hash += save_next_bucket(keyspace, out);
    else if (walk->is_by_bucket && cut->kept[walk->slot].count > 0)
        *state_hash += save_next_kept(cut, out);
    else
        return false;
    return true;
}

enum cut_saved keyspace_save_cut(struct keyspace *keyspace, slot_number slot, size_t bytes,
                                 size_t part_bytes, struct buffer *out, uint64_t *state_hash) {
    CHECK(keyspace->cut != NULL);
    const struct cut_walk *walk = &keyspace->cut->walk;
    if (!walk->is_begun)
        begin_slot(keyspace, slot);
    CHECK(walk->slot == slot);
    size_t begin_bytes = out->length, steps = 0;
    while (out->length - begin_bytes + steps * CUT_STEP_BYTES < bytes) {
        if (!save_some(keyspace, out, state_hash)) {
            end_slot(keyspace, out);
            return CUT_SAVED_ALL;
        }
        if (walk->saver.block_bytes == 0 && out->length >= part_bytes)
            return CUT_SAVED_PART;
        steps++;
    }
    return CUT_SAVED_SOME;
}
