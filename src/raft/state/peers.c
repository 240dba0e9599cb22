#include "raft/state/peers.h"
#include "base/check.h"

struct raft_progress *raft_peer(struct raft *raft, raft_node_number node) {
    for (size_t i = 0; i < raft->peer_count; i++)
        if (raft->peers[i].node == node)
            return &raft->peers[i];
    return NULL;
}

void raft_peer_add(struct raft *raft, raft_node_number node) {
    CHECK(raft->peer_count < RAFT_MEMBER_MAXIMUM);
    raft_progress_begin(&raft->peers[raft->peer_count++], node, raft_last(raft) + 1);
    if (raft->peer_used < raft->peer_count)
        raft->peer_used = raft->peer_count;
}

void raft_peer_forget(struct raft *raft, size_t position) {
    struct raft_progress gone = raft->peers[position];
    raft->peer_count--;
    raft->peers[position] = raft->peers[raft->peer_count];
    raft->peers[raft->peer_count] = gone; /* its ring is used again */
}
