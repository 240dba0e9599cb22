/* Who votes, changed while the shard serves (CBTR chapter 4). The first entry of a change, with the
 * learners if there are any, also carries the number of the wish: once it is committed no older
 * wish can be followed any more. A leader is told the voters that are wanted; the way there takes
 * one configuration entry at a time, each committed before the next:
 *
 *      voters A --> A, learners B\A --> joint: A and B --> B
 *                   until they caught up     leaves by itself, under whoever leads then
 *
 * raft_change_continue() looks at the configuration in force and takes the next step, so a new
 * leader goes on where the old one was: a joint configuration is left, and what was only learning
 * stays so until somebody asks again. */
#pragma once
#include "raft/state/state.h"

void raft_change(struct raft *raft, const struct raft_configuration *wanted);
/* Once a step, when the event is dealt with: what it changed is seen here. */
void raft_change_continue(struct raft *raft);
void raft_recover(struct raft *raft, const struct raft_configuration *forced);
