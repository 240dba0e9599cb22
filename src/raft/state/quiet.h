/* A shard in which nothing happens falls quiet: its leader says so to followers that have all there
 * is, and from then on neither sends or awaits anything, or looks at a clock. The heartbeat of the
 * two nodes (parts/pair.h) stands in for theirs. Whatever happens wakes it:
 *
 *               idle for quiet_after_us, all acknowledged: append "quiet"
 *      AWAKE ------------------------------------------------------------> QUIET
 *            <------------------------------------------------------------
 *      leader: a proposal, a change, a transfer, a read that the lease does not cover, a follower
 *              that did not fall quiet; its owner: a peer lost, a pair that is unequal or silent
 *      follower: an append that does not say quiet, another term, its leader's stream lost, silence
 *
 * A leader that wakes says so to every follower in the same step. What the pair's heartbeats were
 * worth for this shard is kept as if it had been its own. */
#pragma once
#include "raft/state/state.h"

void raft_quiet_end(struct raft *raft); /* is, or stays, awake */
/* A quiet follower whose leader's node speaks with this one. */
bool raft_quiet_is_heard(const struct raft *raft);
/* An append that was accepted says quiet: true if it is so here as well. What it says must be the
 * end of the log, durable and known as committed. */
bool raft_quiet_follow(struct raft *raft, const struct raft_message *append);
/* A follower that answers the word of falling quiet without having done so is awake, or was woken
 * by something older. */
void raft_quiet_reply_take(struct raft *raft, const struct raft_message *reply);
