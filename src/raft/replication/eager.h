/* Which followers are eager and which are lazy (lazy.h), chosen anew at the end of every step, and
 * the hedge for a commit that takes too long. */
#pragma once
#include "raft/state/state.h"

/* Somebody waits for the peer to have all up to `index`. */
void raft_peer_hurry(struct raft *raft, struct raft_progress *peer, raft_index index);
void raft_hurry(struct raft *raft, raft_index index);
/* Once a step, when the event is dealt with: it may have made an answer known, or a lazy follower
 * an eager one. */
void raft_lazy_continue(struct raft *raft);
uint64_t raft_lazy_deadline_us(const struct raft *raft);
