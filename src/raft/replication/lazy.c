#include "raft/replication/lazy.h"
#include "base/planted.h"

void raft_lazy_begin(struct raft *raft) {
    raft->lazy.commits = raft->lazy.saves_here = (struct raft_stopwatch){0};
    raft->lazy.late_index = 0;
    raft->lazy.is_hedging = false;
}

void raft_lazy_note(struct raft *raft, const struct raft_entry *entry) {
    if (raft->timing.lazy_us == 0)
        return;
    for (size_t i = 0; i < raft->peer_count; i++) {
        struct raft_progress *peer = &raft->peers[i];
        if (peer->next_index == entry->index) {
            peer->unsent_since_us = raft->now_us;
            peer->unsent_bytes = 0;
        }
        peer->unsent_bytes += entry->length;
    }
    raft_stopwatch_start(&raft->lazy.commits, entry->index, raft->now_us);
    if (entry->patience_us == 0)
        raft_stopwatch_start(&raft->lazy.saves_here, entry->index, raft->now_us);
}

void raft_lazy_note_sent(const struct raft *raft, struct raft_progress *peer,
                         const struct raft_message *append) {
    if (raft->timing.lazy_us > 0 && peer->state == RAFT_REPLICATE && append->patience_us == 0)
        raft_stopwatch_start(&peer->answers, append->log_index + append->entry_count, raft->now_us);
}

/* The same moment for all shards, so that what they have for one follower leaves together. */
uint64_t raft_lazy_due_us(const struct raft *raft, const struct raft_progress *peer) {
    uint64_t lazy_us = raft->timing.lazy_us;
    return lazy_us == 0 ? 0 : (peer->unsent_since_us / lazy_us + 1) * lazy_us;
}

static bool is_hurried(const struct raft *raft, const struct raft_progress *peer) {
    return peer->next_index <= peer->hurry_index || peer->node == raft->transfer.to ||
           peer->is_waking;
}

bool raft_lazy_waits(const struct raft *raft, const struct raft_progress *peer) {
    bool is_due = raft->now_us >= raft_lazy_due_us(raft, peer) && !PLANTED(LAZY_TAIL_KEPT);
    return peer->is_lazy && !is_hurried(raft, peer) && !is_due &&
           peer->unsent_bytes < raft->timing.message_bytes;
}
