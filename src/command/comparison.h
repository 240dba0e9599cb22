/* Replicas of a shard compare what they hold, some slots at a time. A comparison is a command in
 * the log: each replica notes what the slots that it names hold at that place of the log, and
 * whoever leads says in the next one what it had noted itself
 * (docs/decisions/0060-replicas-compare). */
#pragma once
#include "base/bytes.h"
#include "slot/slot.h"

struct comparison {
    bool is_made; /* there was one, since this state stands here */
    uint64_t id;  /* the same on every replica: the seed of its command */
    slot_number first_slot, last_slot;
    uint64_t hash; /* of all that these slots held, as keyspace_hash() has it */
};

struct comparisons {
    struct comparison newest;
    /* The last one of which a leader said otherwise; whoever tells of it takes it away. */
    struct comparison differing;
};
