/* The keys of one shard: slots -> keys -> values. Pure: time comes with every call. Everything that
 * decides what a replica holds is deterministic; the order of a table's walk may differ between
 * replicas and decides nothing. (Seam: what shard/ and sim/ call. What commands call stands in the
 * headers beside this one.) */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include "slot/slot_watch.h"

struct keyspace;
struct remains;

/* What saving more of a part came to. */
enum cut_saved {
    CUT_SAVED_SOME,
    CUT_SAVED_ENOUGH, /* what is in the buffer is whole blocks; of the part there may be more */
    CUT_SAVED_ALL
};

struct keyspace *keyspace_new(uint64_t hash_seed);
void keyspace_free(struct keyspace *keyspace);
uint64_t keyspace_key_count(const struct keyspace *keyspace);
uint64_t keyspace_expiring_count(const struct keyspace *keyspace);
uint64_t
keyspace_memory_bytes(const struct keyspace *keyspace); /* keys and values with their overhead */
uint64_t keyspace_slot_key_count(const struct keyspace *keyspace, slot_number slot);
/* Up to `maximum` keys of a slot: `each` per key. */
void keyspace_slot_keys(const struct keyspace *keyspace, slot_number slot, size_t maximum,
                        void (*each)(void *context, struct bytes key), void *context);
void keyspace_clear(struct keyspace *keyspace);

enum { KEYSPACE_EXPECTED_MAXIMUM = 32 };
/* Where keys that are expected stand, if they are there. */
struct expected_key {
    const struct keyspace *keyspace;
    struct bytes key;
    uint64_t hash;
    slot_number slot;
};
struct expected_keys {
    size_t count;
    size_t next; /* those before it were looked up */
    struct expected_key keys[KEYSPACE_EXPECTED_MAXIMUM];
};
/* These keys are looked up next, about in this order: what stands where they do is fetched for all
 * of them at once, so that the waits for memory overlap. Of more than KEYSPACE_EXPECTED_MAXIMUM the
 * first. Fills `expected` and borrows it, and what the keys say, until keyspace_expect_none(). It
 * changes nothing but the time that takes. */
void keyspace_expect(struct keyspace *keyspace, struct expected_keys *expected,
                     const struct bytes *keys, size_t count);
void keyspace_expect_none(struct keyspace *keyspace);

struct keyspace_hint {
    const struct keyspace *keyspace;
    struct bytes key;
};
/* The same for reads, and for keys of several keyspaces at once: nothing is kept of them. Of more
 * than KEYSPACE_EXPECTED_MAXIMUM the first. */
void keyspace_fetch(const struct keyspace_hint *hints, size_t count);

/* From now on the watch is told of every key before it changes; NULL: nobody is. Borrows. What
 * keyspace_load() adds is told like any other change; it may not be called during a cut. */
void keyspace_watch(struct keyspace *keyspace, struct slot_watch *watch);

/* From now on what takes long to free goes there, of the keyspace itself too when it is freed; as
 * long as it is not freed it takes memory that the keyspace does not count. Borrows; NULL, as it
 * begins: all is freed at once. Not during a cut. */
void keyspace_leave_to(struct keyspace *keyspace, struct remains *remains);

/* What the slot's keys and values take, without its table: no less than saving them appends, about.
 * 0 if, and only if, it holds no key. Cheap. */
uint64_t keyspace_slot_bytes(const struct keyspace *keyspace, slot_number slot);

/* May cuts save long strings in pieces, which an older release refuses? They may, until they are
 * told otherwise. Not during a cut. */
void keyspace_split_strings(struct keyspace *keyspace, bool may_split);

/* Begins a cut of these slots and parts of slots, a set which it takes: what they hold now is what
 * is saved of them, whatever is changed meanwhile. One at a time. What was held and is not any more
 * is kept until it is saved. */
void keyspace_cut(struct keyspace *keyspace, struct part_set *wanted);
/* Appends, about `bytes` at a time, every key that the part held at the cut, with type, value and
 * expiry, as blocks of whole records of a versioned format (docs/format/keyspace.md), each of
 * roughly 64 KiB; a long object or string may be in several. Of what is whole its share of
 * keyspace_hash() is added to *state_hash. The slots of the cut in any order, one after the other;
 * of each all wanted parts, of one division, in ascending order. What is in the buffer stays there,
 * but may be taken out once it has `enough_bytes` or more (CUT_SAVED_ENOUGH). */
enum cut_saved keyspace_save_cut(struct keyspace *keyspace, struct slot_part part, size_t bytes,
                                 size_t enough_bytes, struct buffer *out, uint64_t *state_hash);
/* Ends the cut; what is not saved is given up, and freed bit by bit: in steps that count as those
 * of keyspace_save_cut() do, up to about so many bytes of them. True: there is more, and it is to
 * be called again; meanwhile keys may change, but nothing is saved, and no other cut begins. */
bool keyspace_give_up_cut(struct keyspace *keyspace, size_t bytes);
void keyspace_end_cut(struct keyspace *keyspace); /* the same, at once */
/* The memory of records, objects and fields that are held for the cut only. */
uint64_t keyspace_cut_kept_bytes(const struct keyspace *keyspace);
/* By how much that makes what is held more than it was when the cut began, at most: a value that
 * was deleted takes no more memory than before, though it is held for the cut only. */
uint64_t keyspace_cut_grown_bytes(const struct keyspace *keyspace);

/* Adds what was saved, of any slots in any order, cut and joined anywhere: what is not whole yet is
 * kept until its rest comes, and keyspace_clear() drops it. After the last call
 * keyspace_load_is_complete() must hold. ERR_MALFORMED, ERR_VERSION: what was added stays, and the
 * caller clears. */
int keyspace_load(struct keyspace *keyspace, struct bytes saved) MUST_CHECK;
bool keyspace_load_is_complete(const struct keyspace *keyspace);
/* The same for the same keys, values and expiries, in whatever order they came: for comparing
 * replicas. The sum over all slots. */
uint64_t keyspace_hash(const struct keyspace *keyspace);
uint64_t keyspace_slot_hash(const struct keyspace *keyspace, slot_number slot); /* its share */
/* Appends up to `maximum` keys whose time is at or before now_ms, length-prefixed; returns how
 * many. Cheap when there are none: expiries are indexed by time. */
size_t keyspace_collect_expired(const struct keyspace *keyspace, uint64_t now_ms, size_t maximum,
                                struct buffer *out);
