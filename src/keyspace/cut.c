#include "keyspace/cut.h"
#include "base/check.h"
#include "base/memory.h"
#include "keyspace/value/memory_class.h"

/* ---- beginning ---- */

void keyspace_cut(struct keyspace *keyspace, struct part_set *wanted) {
    CHECK(keyspace->cut == NULL);
    struct keyspace_cut *cut = memory_allocate_zeroed(1, sizeof *cut);
    cut->wanted = part_set_take(wanted);
    cut->awaited = cut->wanted.slots;
    cut->remains = keyspace->remains;
    cut->held_bytes = keyspace->memory_bytes;
    cut->splits_strings = !keyspace->keeps_strings_whole;
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        const struct slot_table *table = keyspace_slot_table(keyspace, slot);
        if (table && table->count > CUT_SORTED_RECORDS_MAXIMUM)
            slot_set_add(&cut->large, (slot_number)slot);
    }
    keyspace->cut = cut;
}

/* ---- looking ---- */

uint64_t keyspace_cut_kept_bytes(const struct keyspace *keyspace) {
    return keyspace->cut ? keyspace->cut->kept_bytes : 0;
}

uint64_t keyspace_cut_grown_bytes(const struct keyspace *keyspace) {
    if (keyspace->cut == NULL)
        return 0;
    uint64_t kept_bytes = keyspace->cut->kept_bytes, held_bytes = keyspace->cut->held_bytes;
    uint64_t now_bytes = keyspace->memory_bytes + kept_bytes;
    uint64_t grown_bytes = now_bytes > held_bytes ? now_bytes - held_bytes : 0;
    return grown_bytes < kept_bytes ? grown_bytes : kept_bytes;
}

/* ---- marks ---- */

bool cut_awaits(struct keyspace *keyspace, unsigned slot) {
    struct keyspace_cut *cut = keyspace->cut;
    bool is_walked = cut->walk.is_begun && cut->walk.slot == slot;
    if (!slot_set_has(&cut->awaited, (slot_number)slot))
        return false;
    if (PLANTED(SNAPSHOT_WITHOUT_CUT) && !is_walked)
        return false;
    slot_set_add(&cut->mixed, (slot_number)slot);
    return true;
}

/* ---- keeping ---- */

void cut_add(struct cut_records *records, struct record *record) {
    if (records->count == records->capacity) {
        records->capacity = records->capacity ? records->capacity * 2 : CUT_RECORDS_USUAL;
        records->records =
            memory_resize(records->records, records->capacity * sizeof(struct record *));
    }
    records->records[records->count++] = record;
}

/* Then it is among those of the walk, and stays there. */
static bool is_gathered(const struct keyspace *keyspace, unsigned slot,
                        const struct record *record) {
    const struct cut_walk *walk = &keyspace->cut->walk;
    if (!walk->is_begun || walk->slot != slot)
        return false;
    const struct cut_gather *gather = walk->gather;
    return gather == NULL || gather->is_table_done ||
           slot_table_has_visited(gather->cursor,
                                  bytes_hash(record_key(record), keyspace->hash_seed));
}

static void keep(struct keyspace *keyspace, unsigned slot, struct record *record) {
    struct keyspace_cut *cut = keyspace->cut;
    record->mark ^= 1;
    cut->kept_bytes += memory_class(record_bytes(record));
    if (!is_gathered(keyspace, slot, record))
        cut_add(&cut->kept[slot], record);
}

/* ---- whole tables ---- */

static bool has_table(const struct keyspace_cut *cut, unsigned slot) {
    return cut->tables && cut->tables[slot].count > 0;
}

/* What came after a table was taken is not wanted. */
void cut_take_table(struct keyspace *keyspace, unsigned slot, struct slot_table *table) {
    struct keyspace_cut *cut = keyspace->cut;
    if (has_table(cut, slot)) {
        remains_take_table(cut->remains, table);
        return;
    }
    if (cut->tables == NULL)
        cut->tables = memory_allocate_zeroed(SLOT_COUNT, sizeof *cut->tables);
    cut->tables[slot] = *table;
    cut->kept_bytes += table->held_bytes;
    *table = (struct slot_table){.buckets = NULL};
}

const struct slot_table *cut_table(const struct keyspace *keyspace, unsigned slot) {
    const struct keyspace_cut *cut = keyspace->cut;
    return has_table(cut, slot) ? &cut->tables[slot] : keyspace_slot_table(keyspace, slot);
}

static void drop_table(struct keyspace *keyspace, unsigned slot) {
    struct keyspace_cut *cut = keyspace->cut;
    if (!has_table(cut, slot))
        return;
    cut->kept_bytes -= cut->tables[slot].held_bytes;
    remains_take_table(cut->remains, &cut->tables[slot]);
}

void cut_slot_done(struct keyspace *keyspace, slot_number slot) {
    struct keyspace_cut *cut = keyspace->cut;
    struct cut_records *kept = &cut->kept[slot];
    CHECK(kept->count == 0);
    drop_table(keyspace, slot);
    if (kept->records != NULL) /* of few slots */
        memory_free(kept->records);
    *kept = (struct cut_records){.count = 0};
    slot_set_remove(&cut->awaited, slot);
    slot_set_remove(&cut->mixed, slot);
    keyspace->marks.words[slot / 64] ^= (uint64_t)1 << (slot % 64);
}

/* ---- records ---- */

static void set_view(struct keyspace_cut *cut, struct record *record, bool is_given) {
    const struct value_kind *kind = value_kind_of(record_type(record));
    void *view = kind->view(record_object(record), is_given, &cut->kept_bytes);
    memcpy(record->body + record->key_length, &view, sizeof view);
}

void cut_take(struct keyspace *keyspace, unsigned slot, struct record *record) {
    if (record_is_object(record)) {
        const struct value_kind *kind = value_kind_of(record_type(record));
        keyspace_count_bytes(keyspace, slot, 0, kind->memory_bytes(record_object(record)));
        set_view(keyspace->cut, record, true);
    }
    keep(keyspace, slot, record);
}

struct record *cut_take_copied(struct keyspace *keyspace, unsigned slot, struct record *record) {
    struct record *copy = memory_allocate(memory_class(record_bytes(record)));
    memcpy(copy, record, record_bytes(record));
    copy->mark ^= 1;
    if (copy->has_expiry && !has_table(keyspace->cut, slot)) /* else it is in no heap any more */
        expiry_heap_moved(&keyspace->expiries, copy);
    if (record_is_object(record))
        set_view(keyspace->cut, record, false);
    keep(keyspace, slot, record);
    return copy;
}

void cut_free_record(struct keyspace_cut *cut, struct record *record) {
    if (record_is_object(record)) {
        const struct value_kind *kind = value_kind_of(record_type(record));
        void *object = kind->view_end(record_object(record));
        if (object)
            remains_take_object(cut->remains, kind, object);
    }
    cut->kept_bytes -= memory_class(record_bytes(record));
    memory_free(record);
}
