/* A cut: what some slots hold at one moment, saved bit by bit while the keys go on changing.
 *
 *      slot, awaited:   table  | old | NEW | old | NEW |      kept   old -> old
 *                                 ^ walk                            as they were at the cut
 *
 * One bit of each record, its mark, says whether the cut still wants it: it is that of its slot
 * (keyspace.marks) as long as it does. Before a wanted record changes or goes, its block goes over
 * to the cut as it is, and a new block, with the mark turned, takes its place; so what is kept
 * costs no copy where a string is replaced or a key deleted. What is new gets the turned mark at
 * once, and so does what has been saved. When the slot is whole all its marks are turned, and
 * turning the slot's makes all of them wanted by the next cut: nothing is ever gone over to reset
 * it.
 *
 * A slot of at most CUT_SORTED_RECORDS_MAXIMUM keys is saved in the order of its keys, the same
 * bytes whatever happens meanwhile; of a larger one the walk goes from bucket to bucket, and what
 * was kept follows. An object above CUT_OBJECT_BYTES is saved through a view (value.h). A cut that
 * is given up leaves slots in which some marks are turned: they are stale, and mended when a cut
 * next meets them. */
#pragma once
#include "keyspace/keyspace_private.h"
#include "keyspace/saver.h"

enum {
    CUT_SORTED_RECORDS_MAXIMUM = 4096,
    CUT_OBJECT_BYTES = 64 * 1024, /* smaller ones are saved as a whole */
    CUT_RECORDS_USUAL = 64,
    CUT_KEPT_USUAL = 8, /* records of a slot */
    CUT_STEP_BYTES = 16 /* a step of the walk counts for so many, whatever it finds */
};

/* The slot that is being saved. */
struct cut_walk {
    bool is_begun, is_by_bucket, is_table_done;
    slot_number slot;
    struct record *
        *records; /* owned array, by key; what is not wanted any more of these is owned */
    size_t count, next, capacity;
    uint64_t cursor; /* of a walk by bucket */
    struct saver saver;
    struct record *object; /* owned: kept, its view is being saved */
    bool has_begun_object;
    uint64_t object_hash;
};

/* Of a slot, in no order. They lie all over the memory: a list through them would have to wait for
 * one to know of the next. */
struct cut_kept {
    struct record **records; /* owned array of owned records */
    uint32_t count, capacity;
};

struct keyspace_cut {
    struct slot_set awaited; /* not whole yet */
    struct slot_set mixed;   /* of those: some marks may be turned */
    struct slot_set large;   /* so many keys at the cut that they are not sorted */
    uint64_t kept_bytes;
    struct cut_walk walk;
    struct cut_kept kept[SLOT_COUNT];
};

/* Is the slot awaited by a cut? Whoever asks is about to change it. */
bool cut_awaits(struct keyspace *keyspace, unsigned slot);

/* Does a cut want this record as it is? */
static inline bool cut_wants(struct keyspace *keyspace, unsigned slot,
                             const struct record *record) {
    return keyspace->cut && cut_awaits(keyspace, slot) &&
           record->mark == slot_set_has(&keyspace->marks, (slot_number)slot);
}
/* Of a record that is added. */
static inline bool cut_new_mark(struct keyspace *keyspace, unsigned slot) {
    bool mark = slot_set_has(&keyspace->marks, (slot_number)slot);
    return keyspace->cut && cut_awaits(keyspace, slot) ? !mark : mark;
}
/* Takes a wanted record, with its object, that is in no table any more. */
void cut_take(struct keyspace *keyspace, unsigned slot, struct record *record);
/* Takes a wanted record out of a table; returns the copy that is to stand in its place, with the
 * object. */
struct record *cut_take_copied(struct keyspace *keyspace, unsigned slot, struct record *record);
/* Frees a record that the cut owns. */
void cut_free_record(struct keyspace_cut *cut, struct record *record);
