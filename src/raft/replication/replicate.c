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
        while (peer->next_index <= raft_last(raft) && raft_append_has_room(raft, peer) &&
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

/* Has it said that it holds all that it was sent, on its disk or not? */
static bool has_received(const struct raft_progress *peer) {
    return peer->received_index + 1 >= peer->next_index;
}

/* A slow disk is not a lost message: who says that it received the entries gets longer to make them
 * durable. */
static bool is_overdue(const struct raft *raft, const struct raft_progress *peer) {
    if (peer->state != RAFT_REPLICATE || peer->match_index + 1 >= peer->next_index)
        return false;
    uint64_t patience_us = has_received(peer)
                               ? raft->timing.election_timeout_us + raft->early.patience_us
                               : SILENT_HEARTBEATS * raft->timing.heartbeat_us;
    return raft->now_us >= peer->waiting_since_us + patience_us;
}

/* What it has received is not sent again, however long its disk takes: it is asked whether it
 * really has. */
static void doubt(struct raft *raft, struct raft_progress *peer) {
    if (has_received(peer) && raft_append_ask(raft, peer))
        return;
    raft_progress_probe(peer, peer->match_index + 1);
    peer->is_probe_sent = true;
}

void raft_heartbeat_tick(struct raft *raft) {
    for (size_t i = 0; i < raft->peer_count; i++) {
        struct raft_progress *peer = &raft->peers[i];
        if (raft->now_us < peer->sent_us + raft->timing.heartbeat_us)
            continue;
        if (is_overdue(raft, peer))
            doubt(raft, peer);
        raft_heartbeat_send(raft, peer);
    }
}
