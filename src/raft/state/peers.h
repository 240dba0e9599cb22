/* Whom a leader sends to: the progress of every other member. */
#pragma once
#include "raft/state/state.h"

static inline const struct raft_progress *raft_peer_of(const struct raft *raft,
                                                       raft_node_number node) {
    for (size_t i = 0; i < raft->peer_count; i++)
        if (raft->peers[i].node == node)
            return &raft->peers[i];
    return NULL; /* as for the replica itself */
}
struct raft_progress *raft_peer(struct raft *raft, raft_node_number node); /* NULL if none */
void raft_peer_add(struct raft *raft, raft_node_number node);
/* The last one takes its position. */
void raft_peer_forget(struct raft *raft, size_t position);
