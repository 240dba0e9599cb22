/* Brings a state machine to a moment of the past: a snapshot, then entry by entry what the log has
 * behind it, up to an index or a time. The shard's time is the highest stamp applied so far and
 * never goes back, so "up to a time" cuts the log in one place. */
#pragma once
#include "base/buffer.h"
#include "raft/events/entry.h"
#include "shard/machine/machine.h"
#include "shard/machine/payload.h"
#include "store/snapshot/chunk.h"

/* Both bounds are inclusive; UINT64_MAX: all there is. */
struct replay_target {
    uint64_t index, time_ms;
};
#define REPLAY_LATEST ((struct replay_target){.index = UINT64_MAX, .time_ms = UINT64_MAX})

struct replay {
    struct machine *machine; /* borrowed */
    struct replay_target target;
    uint64_t index, term, time_ms; /* of the last entry that is in the machine; 0: none is */
    uint64_t entry_count;          /* replayed behind the snapshot */
    uint64_t snapshot_index;
    bool is_complete; /* an entry past the target was seen: nothing is missing before it */
    struct payload_arguments arguments;
};

void replay_init(struct replay *replay, struct machine *machine,
                 const struct replay_target *target);
void replay_release(struct replay *replay);
/* With an empty machine, as if nothing had been replayed yet; the target stays. */
void replay_begin_again(struct replay *replay);

/* The machine holds this snapshot now; call it after the last of its chunks was loaded.
 * ERR_MALFORMED when they do not make a whole state. */
int replay_stand_at(struct replay *replay, const struct snapshot_meta *meta) MUST_CHECK;
/* The next entry. What the machine has already, and what is past the target, is passed over.
 * ERR_NOT_FOUND: entries are missing before it. ERR_MALFORMED, ERR_VERSION. */
int replay_entry(struct replay *replay, const struct raft_entry *entry) MUST_CHECK;
