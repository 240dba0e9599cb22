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
 * A slot of at most CUT_SORTED_RECORDS_MAXIMUM keys, of which all is wanted, is saved in the order
 * of its keys. Of a larger one, or one that is wanted in parts, the records are gathered first,
 * some buckets at a time, into lists by the hash that divides slots into parts, and saved list by
 * list, each in the order of that hash:
 *
 *      table  | A | D | C | B |  scan        lists  0.. [A]   01.. [C B]   10.. []   11.. [D]
 *                       ^ cursor                                  ^ saved so far
 *
 * When all keys are cleared the table as a whole goes over to the cut, and the walk goes on in it.
 *
 * Both give the same bytes whatever happens meanwhile, but for large objects: an object above
 * CUT_OBJECT_BYTES is saved through a view (value.h). A long string is saved piece by piece, and
 * wanted until the last of them: if it changes in between, its block goes over as ever, with a view
 * of it.
 *
 * A cut that is given up goes through what it has gathered, through what it keeps, and through the
 * slots of which some marks are turned, until all of theirs are (cut_end.c). Up to then what it
 * still wants is kept as ever when it changes. */
#pragma once
#include "keyspace/private.h"
#include "keyspace/record/remains.h"
#include "keyspace/record/saver.h"

enum {
    CUT_SORTED_RECORDS_MAXIMUM = 4096,
    CUT_OBJECT_BYTES = 64 * 1024, /* smaller ones are saved as a whole */
    CUT_RECORDS_USUAL = 8,
    CUT_LIST_RECORDS = 1024, /* in a list, about: it is sorted in one turn */
    CUT_STEP_BYTES = 16      /* a step of the walk counts for so many, whatever it finds */
};

/* They lie all over the memory: a list through them would have to wait for one to know of the next.
 */
struct cut_records {
    struct record **records; /* owned array */
    size_t count, capacity;
};

/* The records of a slot by the hash of parts. */
struct cut_gather {
    uint64_t cursor; /* of the table's scan */
    bool is_table_done;
    unsigned bits; /* there are 2^bits lists, no fewer than parts */
    uint64_t next; /* the list that is sorted and saved next */
    struct cut_records lists[];
};

/* The slot that is being saved. Of the records that it has gathered those that are not wanted any
 * more are owned. */
struct cut_walk {
    bool is_begun;
    slot_number slot;
    struct cut_gather *gather;  /* owned; NULL: all of the slot was gathered at once */
    struct cut_records records; /* in order; of the list at hand, or of the slot */
    size_t next;
    struct saver saver;
    struct record *object; /* owned: kept, its view is being saved */
    bool has_begun_object;
    uint64_t object_hash;
    size_t string_saved;         /* of a long one: the next of those at hand */
    struct bytes_hasher *hasher; /* owned: of what is saved of it; NULL: nothing is */
};

/* Of a cut that is given up: how far that is. */
struct cut_ending {
    bool is_begun;
    unsigned slot;   /* the first that may be awaited */
    uint64_t cursor; /* of the scan of its table */
};

struct keyspace_cut {
    struct part_set wanted;
    struct slot_set awaited; /* not whole yet */
    struct slot_set mixed;   /* of those: some marks may be turned */
    struct slot_set large;   /* so many keys at the cut that they are not sorted by key */
    struct remains *remains; /* the keyspace's */
    bool splits_strings;     /* long ones are saved in pieces */
    uint64_t kept_bytes;
    uint64_t held_bytes;       /* by the keyspace, when it began */
    struct slot_table *tables; /* owned, by slot: whose keys were cleared; NULL: none were */
    struct cut_walk walk;
    struct cut_ending ending;
    struct cut_records kept[SLOT_COUNT]; /* owned records that the walk has not gathered */
};

/* Is the slot awaited by a cut? Whoever asks is about to change it. */
bool cut_awaits(struct keyspace *keyspace, unsigned slot);

/* Does a cut want this record as it is? */
static inline bool cut_wants(struct keyspace *keyspace, unsigned slot,
                             const struct record *record) {
    return keyspace->cut && cut_awaits(keyspace, slot) &&
           record->mark == slot_set_has(&keyspace->marks, (slot_number)slot) &&
           part_set_has_key(&keyspace->cut->wanted, (slot_number)slot, record_key(record));
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
/* Takes a table of an awaited slot, with its records, and leaves it all zeros. It stays as it is
 * until the slot is whole. */
void cut_take_table(struct keyspace *keyspace, unsigned slot, struct slot_table *table);
/* Where the records stand that the cut still wants, but for those that were kept; NULL: none do. */
const struct slot_table *cut_table(const struct keyspace *keyspace, unsigned slot);
/* All marks of the slot are turned, and nothing of it is kept any more, but for the table that was
 * taken. */
void cut_slot_done(struct keyspace *keyspace, slot_number slot);
void cut_add(struct cut_records *records, struct record *record);
/* Frees a record that the cut owns. */
void cut_free_record(struct keyspace_cut *cut, struct record *record);
