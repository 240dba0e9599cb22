/* A majority is enough for the promise, so what is new goes at once to as few as make one together
 * with the leader, those who answer fastest: they are eager. The others are lazy: they get the same
 * entries a few milliseconds later, many in one message, which costs every node less. Leslie
 * Lamport's Paxos sends to a quorum alone; EPaxos (SOSP 2013, section 7) calls it thrifty.
 *
 *      propose --> eager: sent at once --> answers --> commit
 *              \-> lazy:  sent at the next multiple of lazy_us, or once there is a message full
 *
 * What that could cost is the tail: where all are sent everything, the slowest is never waited for.
 * So a commit that takes much longer than commits do is hedged: everybody gets everything, and whom
 * a majority had to do without is eager no more. Nobody is lazy while the voters change, or while
 * the leader is about to give the lead away; none that somebody waits for: a read index it asked
 * for, WAIT, a transfer to it; and none whose log is busy anyway with entries that its own node
 * leads, because it would save nothing there. */
#pragma once
#include "raft/state/state.h"

void raft_lazy_begin(struct raft *raft);
void raft_lazy_note(struct raft *raft, const struct raft_entry *entry);
void raft_lazy_note_sent(const struct raft *raft, struct raft_progress *peer,
                         const struct raft_message *append);
bool raft_lazy_waits(const struct raft *raft, const struct raft_progress *peer);
/* When what a lazy follower lacks is sent to it. */
uint64_t raft_lazy_due_us(const struct raft *raft, const struct raft_progress *peer);
