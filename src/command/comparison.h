/* Replicas of a shard compare what they hold, some slots or some keys at a time. A comparison is a
 * command in the log: each replica notes what it names holds at that place of the log, and
 * whoever leads says in the next one what it had noted itself
 * (docs/decisions/0060-replicas-compare). */
#pragma once
#include "base/bytes.h"
#include "slot/slot.h"

enum { COMPARISON_KEYS_MAXIMUM = 256 }; /* that one command names */

struct comparison {
    bool is_made; /* there was one, since this state stands here */
    uint64_t id;  /* the same on every replica: the seed of its command */
    slot_number first_slot, last_slot;
    uint64_t hash; /* of all that was named */
};

struct comparisons {
    struct comparison newest;
    /* The last one of which a leader said otherwise; whoever tells of it takes it away. */
    struct comparison differing;
};

/* Keys of a slot that is too long to be gone through at once. Borrowed, until one of them changes.
 */
struct comparison_keys {
    struct bytes keys[COMPARISON_KEYS_MAXIMUM];
    size_t count;
    uint64_t name_bytes, value_bytes;
    /* In the bucket at this cursor of the scan, the last one, stand so many more, which are too
     * long to go with others. */
    uint64_t long_cursor;
    unsigned long_count;
};

/* A piece of what one long key holds. */
struct comparison_piece {
    struct bytes key;  /* borrowed, as above */
    uint64_t from, to; /* record_hash_between() */
};

/* What the leader says of the comparison before, as signed numbers, is held against what is noted
 * here, if that is the same one; then `made` is the newest. */
void comparisons_take(struct comparisons *comparisons, struct bytes id, struct bytes hash,
                      const struct comparison *made);
