/* The leader of a shard in which nothing happens: it falls quiet (state/quiet.h), and tells when
 * that is over. */
#pragma once
#include "raft/state/state.h"

void raft_quiet_tick(struct raft *raft); /* falls quiet if it may */
/* Once a step, when the event is dealt with: followers that got nothing else hear that it is over.
 */
void raft_quiet_wake_told(struct raft *raft);
