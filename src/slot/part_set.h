/* Parts of slots, and sets of slots and of their parts.
 *
 * A slot that holds much is divided into 2^bits parts, by the highest bits of a hash of the key
 * that is the same on every node, in every life and in every release, since snapshots rely on it
 * (docs/format/snapshot.md):
 *
 *      hash of the key   0 ............ 2^62 ............ 2^63 ............ 2^64
 *      2 bits                 part 0          part 1          parts 2, 3
 *
 * A set knows of each slot whether it is in, and of a slot that it divides which of its parts are,
 * in the finest division there is: so what was noted holds whatever the bits are by then. */
#pragma once
#include "base/bytes.h"
#include "slot/slot.h"

enum { SLOT_PART_BITS_MAXIMUM = 12, SLOT_PARTS_MAXIMUM = 1 << SLOT_PART_BITS_MAXIMUM };

struct slot_part {
    slot_number slot;
    uint8_t bits; /* 0: the slot is not divided */
    uint16_t number;
};

static inline struct slot_part slot_whole(slot_number slot) {
    return (struct slot_part){.slot = slot};
}

/* XXH3-64, seed 0. */
static inline uint64_t slot_part_hash(struct bytes key) { return bytes_hash(key, 0); }
/* Of how many equal shares, 2^bits, is this hash in? */
static inline uint64_t slot_part_number(uint64_t hash, unsigned bits) {
    return bits ? hash >> (64 - bits) : 0;
}

struct part_bits {
    uint64_t words[SLOT_PARTS_MAXIMUM / 64];
};

/* All zeros is an empty set, which owns nothing. */
struct part_set {
    struct slot_set slots;
    struct slot_set divided;  /* these slots are in with some of their parts, or not at all */
    struct part_bits **parts; /* owned, by slot; NULL: no slot is divided */
};

void part_set_clear(struct part_set *set); /* frees what it owns; no slot is divided any more */
/* Returns what the set holds, owned, and leaves it empty. */
struct part_set part_set_take(struct part_set *set);
/* From now on the parts of the slot are told apart. Not of a slot that is in as a whole. */
void part_set_divide(struct part_set *set, slot_number slot);
/* In a slot that the set does not divide, a part counts as the whole. */
void part_set_add(struct part_set *set, struct slot_part part);
void part_set_add_key(struct part_set *set, slot_number slot, struct bytes key);
void part_set_add_all(struct part_set *set);
void part_set_add_set(struct part_set *set, const struct part_set *other);
/* Is any of it in? */
bool part_set_has(const struct part_set *set, struct slot_part part);
bool part_set_has_key(const struct part_set *set, slot_number slot, struct bytes key);
/* Is any of the slot's parts behind this one in? */
bool part_set_has_behind(const struct part_set *set, struct slot_part part);
