#include "raft/replication/replicate.h"
#include "raft/replication/append.h"
#include "raft/replication/lazy.h"

enum { SILENT_HEARTBEATS = 2 }; /* appends in flight unanswered for so long may be lost */

void raft_replicate(struct raft *raft, struct raft_progress *peer) {
    switch (peer->state) {
    case RAFT_PROBE:
        if (!peer->is_probe_sent)
            peer->is_probe_sent = raft_append_send(raft, peer);
        return;
    case RAFT_REPLICATE:
        while (peer->next_index <= raft_last(raft) && raft_progress_has_room(peer, &raft->timing) &&
               !raft_lazy_waits(raft, peer) && raft_append_send(raft, peer))
            continue;
        return;
    case RAFT_SNAPSHOT:
        return;
    }
}

void raft_replicate_all(struct raft *raft) {
    for (size_t i = 0; i < raft->peer_count; i++)
        raft_replicate(raft, &raft->peers[i]);
}

void raft_heartbeat_all(struct raft *raft) {
    for (size_t i = 0; i < raft->peer_count; i++)
        raft_heartbeat_send(raft, &raft->peers[i]);
}

/* A slow disk is not a lost message: who says that it received the entries gets longer to make them
 * durable. */
static bool is_flight_lost(const struct raft *raft, const struct raft_progress *peer) {
    if (peer->state != RAFT_REPLICATE || peer->match_index + 1 >= peer->next_index)
        return false;
    uint64_t patience_us = peer->received_index + 1 < peer->next_index
                               ? SILENT_HEARTBEATS * raft->timing.heartbeat_us
                               : raft->timing.election_timeout_us + raft->early.patience_us;
    return raft->now_us >= peer->waiting_since_us + patience_us;
}

void raft_heartbeat_tick(struct raft *raft) {
    for (size_t i = 0; i < raft->peer_count; i++) {
        struct raft_progress *peer = &raft->peers[i];
        if (raft->now_us < peer->sent_us + raft->timing.heartbeat_us)
            continue;
        if (is_flight_lost(raft, peer)) {
            raft_progress_probe(peer, peer->match_index + 1);
            peer->is_probe_sent = true;
        }
        raft_heartbeat_send(raft, peer);
    }
}
