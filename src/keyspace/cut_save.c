/* The walk of a cut: cut.h draws it. */
#include "base/check.h"
#include "base/memory.h"
#include "keyspace/cut.h"
#include "keyspace/record/record_sort.h"

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
    const struct slot_table *table = cut_table(keyspace, keyspace->cut->walk.slot);
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

/* ---- long strings ---- */

/* The last piece of the next of those at hand is saved. */
static void end_string(struct keyspace *keyspace, struct record *record) {
    struct cut_walk *walk = &keyspace->cut->walk;
    bytes_hasher_free(walk->hasher);
    walk->hasher = NULL;
    walk->next++;
    if (record->mark == slot_mark(keyspace, walk))
        record->mark ^= 1;
    else
        cut_free_record(keyspace->cut, record);
}

/* Whether it stands in the table or is kept, what it holds stays as it is until then. */
static uint64_t save_string_piece(struct keyspace *keyspace, struct buffer *out,
                                  struct record *record) {
    struct cut_walk *walk = &keyspace->cut->walk;
    if (walk->hasher == NULL) {
        walk->hasher = bytes_hasher_new(record_hash_seed(record));
        walk->string_saved = 0;
    }
    struct bytes piece = record_string_piece(record, walk->string_saved, VALUE_SAVE_BYTES);
    saver_append_piece(&walk->saver, out, record, walk->string_saved, piece.length);
    bytes_hasher_add(walk->hasher, piece);
    walk->string_saved += piece.length;
    if (walk->string_saved < record_string_length(record))
        return 0;
    uint64_t hash = bytes_hasher_sum(walk->hasher);
    end_string(keyspace, record);
    return hash;
}

static uint64_t save_string(struct keyspace *keyspace, struct buffer *out, struct record *record) {
    if (keyspace->cut->splits_strings)
        return save_string_piece(keyspace, out, record);
    uint64_t hash = saver_append_whole(&keyspace->cut->walk.saver, out, record);
    end_string(keyspace, record);
    return hash;
}

/* ---- the next one ---- */

/* The next of those at hand. A large object that stands in the table is kept first, then it is
 * saved. */
static uint64_t save_next(struct keyspace *keyspace, struct buffer *out) {
    struct cut_walk *walk = &keyspace->cut->walk;
    struct record *record = walk->records.records[walk->next];
    if (record_is_long_string(record))
        return save_string(keyspace, out, record);
    bool is_standing = record->mark == slot_mark(keyspace, walk);
    if (is_standing && is_large_object(record)) {
        keep_standing(keyspace, record);
        return 0;
    }
    walk->next++;
    return is_standing ? save_standing(keyspace, out, record)
                       : save_kept(keyspace->cut, out, record);
}

/* ---- a slot at once, by key ---- */

/* The memory of each record is asked for before any of it is looked at, and that of the next in a
 * bucket while others are: to wait for one after the other is most of what a walk would cost. */
static void gather_and_fetch(struct cut_walk *walk, struct record *record) {
    if (record == NULL)
        return;
    memory_fetch(record);
    cut_add(&walk->records, record);
}

static void gather_table(struct cut_walk *walk, const struct slot_table *table) {
    uint64_t bucket_count = slot_table_bucket_count(table);
    for (uint64_t position = 0; position < bucket_count; position++)
        gather_and_fetch(walk, slot_table_bucket(table, position));
    for (size_t i = 0; i < walk->records.count; i++)
        gather_and_fetch(walk, walk->records.records[i]->next);
}

static void drop_unwanted(struct cut_records *gathered, uint32_t mark) {
    size_t count = 0;
    for (size_t i = 0; i < gathered->count; i++) {
        struct record *record = gathered->records[i];
        if (record->mark != mark)
            continue;
        memory_fetch((const uint8_t *)record + record_bytes(record) - 1);
        gathered->records[count++] = record;
    }
    gathered->count = count;
}

static void gather_slot(struct keyspace *keyspace) {
    struct cut_walk *walk = &keyspace->cut->walk;
    const struct slot_table *table = cut_table(keyspace, walk->slot);
    if (table)
        gather_table(walk, table);
    drop_unwanted(&walk->records, slot_mark(keyspace, walk));
    struct cut_records *kept = &keyspace->cut->kept[walk->slot];
    for (; kept->count > 0; kept->count--)
        gather_and_fetch(walk, kept->records[kept->count - 1]);
    record_sort(walk->records.records, walk->records.count);
}

/* ---- a slot bit by bit, by hash ---- */

static unsigned bits_for(uint64_t record_count, unsigned part_bits) {
    unsigned bits = part_bits;
    while (record_count >> bits > CUT_LIST_RECORDS)
        bits++;
    return bits;
}

static struct cut_gather *gather_new(const struct keyspace *keyspace, struct slot_part part) {
    const struct slot_table *table = cut_table(keyspace, part.slot);
    uint64_t record_count = (table ? table->count : 0) + keyspace->cut->kept[part.slot].count;
    unsigned bits = bits_for(record_count, part.bits);
    struct cut_gather *gather = memory_allocate_zeroed(
        1, sizeof *gather + ((size_t)1 << bits) * sizeof(struct cut_records));
    gather->bits = bits;
    return gather;
}

static void gather_one(struct cut_gather *gather, struct record *record) {
    uint64_t hash = slot_part_hash(record_key(record));
    cut_add(&gather->lists[slot_part_number(hash, gather->bits)], record);
}

/* What is of no part that is wanted has been saved, in a way. */
static void gather_visited(void *context, const struct record *visited) {
    struct keyspace *keyspace = context;
    const struct cut_walk *walk = &keyspace->cut->walk;
    struct record *record = (struct record *)(uintptr_t)visited;
    struct bytes key = record_key(record);
    if (record->mark != slot_mark(keyspace, walk) ||
        slot_table_has_visited(walk->gather->cursor, bytes_hash(key, keyspace->hash_seed)))
        return;
    if (part_set_has_key(&keyspace->cut->wanted, walk->slot, key))
        gather_one(walk->gather, record);
    else
        record->mark ^= 1;
}

static void gather_bucket(struct keyspace *keyspace) {
    const struct cut_walk *walk = &keyspace->cut->walk;
    const struct slot_table *table = cut_table(keyspace, walk->slot);
    struct cut_gather *gather = walk->gather;
    if (table)
        gather->cursor = slot_table_scan(table, gather->cursor, gather_visited, keyspace);
    gather->is_table_done = table == NULL || gather->cursor == 0;
}

/* Those that were kept come last: once the table is done there are no more of them. False: all is
 * gathered. */
static bool gather_some(struct keyspace *keyspace) {
    struct cut_gather *gather = keyspace->cut->walk.gather;
    struct cut_records *kept = &keyspace->cut->kept[keyspace->cut->walk.slot];
    if (gather == NULL || (gather->is_table_done && kept->count == 0))
        return false;
    if (gather->is_table_done)
        gather_one(gather, kept->records[--kept->count]);
    else
        gather_bucket(keyspace);
    return true;
}

/* The records of the next list of the part become those at hand. False: it has no more. */
static bool next_list(struct cut_walk *walk, struct slot_part part) {
    struct cut_gather *gather = walk->gather;
    if (gather == NULL)
        return false;
    unsigned lists_bits = gather->bits - part.bits; /* of a part */
    CHECK(gather->bits >= part.bits);
    for (; gather->next < (uint64_t)part.number << lists_bits; gather->next++)
        CHECK(gather->lists[gather->next].count == 0);
    if (gather->next == (part.number + UINT64_C(1)) << lists_bits)
        return false;
    memory_free(walk->records.records);
    walk->records = gather->lists[gather->next++];
    walk->next = 0;
    for (size_t i = 0; i < walk->records.count; i++)
        memory_fetch(walk->records.records[i]);
    record_sort_by_hash(walk->records.records, walk->records.count);
    return true;
}

/* ---- a slot ---- */

static void begin_slot(struct keyspace *keyspace, struct slot_part part) {
    struct keyspace_cut *cut = keyspace->cut;
    CHECK(slot_set_has(&cut->awaited, part.slot));
    cut_awaits(keyspace, part.slot); /* its marks are in order, and will not be for a while */
    cut->walk = (struct cut_walk){.slot = part.slot};
    if (part.bits > 0 || slot_set_has(&cut->large, part.slot))
        cut->walk.gather = gather_new(keyspace, part);
    else
        gather_slot(keyspace);
    cut->walk.is_begun = true;
}

static void end_slot(struct keyspace *keyspace) {
    struct keyspace_cut *cut = keyspace->cut;
    slot_number slot = cut->walk.slot;
    memory_free(cut->walk.records.records);
    memory_free(cut->walk.gather);
    cut->walk = (struct cut_walk){.is_begun = false};
    cut_slot_done(keyspace, slot);
}

static void end_part(struct keyspace *keyspace, struct slot_part part, struct buffer *out) {
    saver_end_block(&keyspace->cut->walk.saver, out);
    if (!part_set_has_behind(&keyspace->cut->wanted, part))
        end_slot(keyspace);
}

/* False: there is nothing left. */
static bool save_some(struct keyspace *keyspace, struct slot_part part, struct buffer *out,
                      uint64_t *state_hash) {
    struct cut_walk *walk = &keyspace->cut->walk;
    if (walk->object)
        *state_hash += save_object_piece(keyspace->cut, out);
    else if (walk->next < walk->records.count)
        *state_hash += save_next(keyspace, out);
    else
        return gather_some(keyspace) || next_list(walk, part);
    return true;
}

enum cut_saved keyspace_save_cut(struct keyspace *keyspace, struct slot_part part, size_t bytes,
                                 size_t enough_bytes, struct buffer *out, uint64_t *state_hash) {
    CHECK(keyspace->cut != NULL && !keyspace->cut->ending.is_begun);
    const struct cut_walk *walk = &keyspace->cut->walk;
    if (!walk->is_begun)
        begin_slot(keyspace, part);
    CHECK(walk->slot == part.slot);
    size_t begin_bytes = out->length, steps = 0;
    while (out->length - begin_bytes + steps * CUT_STEP_BYTES < bytes) {
        if (!save_some(keyspace, part, out, state_hash)) {
            end_part(keyspace, part, out);
            return CUT_SAVED_ALL;
        }
        if (walk->saver.block_bytes == 0 && out->length >= enough_bytes)
            return CUT_SAVED_ENOUGH;
        steps++;
    }
    return CUT_SAVED_SOME;
}
