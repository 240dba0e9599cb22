/* The end of a cut: at once if all is saved, bit by bit if it is given up. */
#include "base/check.h"
#include "base/memory.h"
#include "keyspace/cut.h"

/* ---- what the walk has gathered ---- */

/* Of those at hand. One that stands in the table is wanted no more, one that does not is freed. */
static void drop_next(struct keyspace *keyspace) {
    struct cut_walk *walk = &keyspace->cut->walk;
    struct record *record = walk->records.records[walk->next++];
    if (record->mark == slot_set_has(&keyspace->marks, walk->slot))
        record->mark ^= 1;
    else
        cut_free_record(keyspace->cut, record);
}

/* False: there is none. */
static bool take_list(struct cut_walk *walk) {
    struct cut_gather *gather = walk->gather;
    if (gather == NULL || gather->next >> gather->bits != 0)
        return false;
    memory_free(walk->records.records);
    walk->records = gather->lists[gather->next++];
    walk->next = 0;
    return true;
}

static void begin(struct keyspace_cut *cut) {
    struct cut_walk *walk = &cut->walk;
    cut->ending.is_begun = true;
    for (unsigned i = 0; i < SLOT_COUNT / 64; i++)
        cut->awaited.words[i] &= cut->mixed.words[i];
    bytes_hasher_free(walk->hasher);
    walk->hasher = NULL;
    if (walk->object)
        cut_free_record(cut, walk->object);
    walk->object = NULL;
}

static bool drop_gathered(struct keyspace *keyspace) {
    struct cut_walk *walk = &keyspace->cut->walk;
    if (walk->next < walk->records.count)
        drop_next(keyspace);
    else if (!take_list(walk))
        return false;
    return true;
}

static void end_walk(struct cut_walk *walk) {
    memory_free(walk->records.records);
    memory_free(walk->gather);
    *walk = (struct cut_walk){.is_begun = false};
}

/* ---- slots ---- */

static void turn(void *context, const struct record *visited) {
    const uint32_t *turned = context;
    ((struct record *)(uintptr_t)visited)->mark = *turned & 1;
}

/* The scan comes last: what it has visited is kept no more. */
static void drop_of_slot(struct keyspace *keyspace, slot_number slot) {
    struct keyspace_cut *cut = keyspace->cut;
    struct cut_records *kept = &cut->kept[slot];
    if (kept->count > 0) {
        cut_free_record(cut, kept->records[--kept->count]);
        return;
    }
    const struct slot_table *table = keyspace_slot_table(keyspace, slot);
    uint32_t turned = !slot_set_has(&keyspace->marks, slot);
    cut->ending.cursor =
        table ? slot_table_scan(table, cut->ending.cursor, turn, &turned) : UINT64_C(0);
    if (cut->ending.cursor == 0)
        cut_slot_done(keyspace, slot);
}

static bool drop_of_slots(struct keyspace *keyspace) {
    struct keyspace_cut *cut = keyspace->cut;
    struct cut_ending *ending = &cut->ending;
    while (ending->slot < SLOT_COUNT && !slot_set_has(&cut->awaited, (slot_number)ending->slot))
        ending->slot++;
    if (ending->slot == SLOT_COUNT)
        return false;
    drop_of_slot(keyspace, (slot_number)ending->slot);
    return true;
}

/* ---- all of it ---- */

static bool drop_some(struct keyspace *keyspace) {
    struct cut_walk *walk = &keyspace->cut->walk;
    if (walk->is_begun && !drop_gathered(keyspace))
        end_walk(walk);
    return walk->is_begun || drop_of_slots(keyspace);
}

static void end(struct keyspace *keyspace) {
    struct keyspace_cut *cut = keyspace->cut;
    CHECK(cut->kept_bytes == 0);
    memory_free(cut->tables);
    part_set_clear(&cut->wanted);
    memory_free(cut);
    keyspace->cut = NULL;
}

bool keyspace_give_up_cut(struct keyspace *keyspace, size_t bytes) {
    struct keyspace_cut *cut = keyspace->cut;
    if (cut == NULL)
        return false;
    if (!cut->ending.is_begun)
        begin(cut);
    for (size_t steps = 0; steps * CUT_STEP_BYTES < bytes; steps++)
        if (!drop_some(keyspace)) {
            end(keyspace);
            return false;
        }
    return true;
}

void keyspace_end_cut(struct keyspace *keyspace) {
    while (keyspace_give_up_cut(keyspace, SIZE_MAX))
        continue;
}
