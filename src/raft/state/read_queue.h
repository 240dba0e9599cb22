/* Reads that wait: at the leader for a round of heartbeats, at a follower for the leader's answer.
 * Whoever begins to follow another refuses them. */
#pragma once
#include "raft/state/state.h"

enum {
    RAFT_READ_MAXIMUM = 65536 /* waiting in one replica, of each kind; further ones are refused */
};

void raft_read_refuse(struct raft *raft, const struct raft_waiting_read *read);
void raft_reads_refuse(struct raft *raft); /* all that wait at the leader */
void raft_read_forward(struct raft *raft, uint64_t read_id);
/* Those asked at or before the time given. */
void raft_forwarded_refuse(struct raft *raft, uint64_t sent_before_us);
