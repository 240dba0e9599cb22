#include "raft/replication/snapshot.h"
#include "base/check.h"
#include "raft/replication/replicate.h"
#include "raft/state/follow.h"
#include "raft/state/peers.h"
#include "raft/state/save.h"

enum { KEPT_TAIL_DIVISOR = 4 }; /* so much of the log is kept for followers that lag a little */
/* A transfer under way keeps the log that the follower will need after it, up to this many bytes,
 * and while the follower was heard within so many election timeouts. */
static const uint64_t HELD_LOG_BYTES_MAXIMUM = 256u << 20;
enum { HELD_FOR_TIMEOUTS = 2 };

void raft_snapshot_sent(struct raft *raft, raft_node_number node, raft_index index,
                        bool is_failed) {
    struct raft_progress *peer = raft->role == RAFT_LEADER ? raft_peer(raft, node) : NULL;
    if (peer == NULL || peer->state != RAFT_SNAPSHOT)
        return;
    CHECK(is_failed || index <= raft->commit_index);
    raft_progress_probe(peer, is_failed ? peer->match_index + 1 : index + 1);
    bool is_broken_off = is_failed && index != 0;
    if (!is_broken_off)
        peer->excused_us = raft->now_us;
    else if (peer->round > 0)
        peer->round++; /* a round that comes to nothing */
    if (is_failed)
        peer->is_probe_sent = true; /* the next heartbeat asks for another */
    else
        raft_replicate(raft, peer);
}

void raft_snapshot_installed(struct raft *raft, const struct raft_event *event) {
    if (event->snapshot_index <= raft->commit_index)
        return;
    if (raft_log_term(&raft->log, event->snapshot_index) == event->snapshot_term) {
        /* Our log agrees up to the snapshot and may go on beyond it. */
        raft_commit_set(raft, event->snapshot_index);
        if (raft->saves.durable_index < event->snapshot_index)
            raft->saves.durable_index = event->snapshot_index;
        raft_log_compact(&raft->log, event->snapshot_index);
        raft_configuration_marks_compact(&raft->configurations, event->snapshot_index);
    } else {
        if (raft->role == RAFT_LEADER)
            raft_follow(raft, raft->term,
                        0); /* a leader's log holds all that is committed: not ours */
        raft_history_replace(raft, event->snapshot_index, event->snapshot_term);
        raft_configuration_marks_reset(&raft->configurations, event->snapshot_index,
                                       event->configuration);
        raft->commit_index = event->snapshot_index;
    }
    raft->applied_index = event->snapshot_index;
}

static bool holds_log(const struct raft *raft, const struct raft_progress *peer) {
    return peer->state == RAFT_SNAPSHOT &&
           peer->heard_us + HELD_FOR_TIMEOUTS * raft->timing.election_timeout_us > raft->now_us;
}

static raft_index compaction_limit(const struct raft *raft, raft_index snapshot_index) {
    raft_index limit = snapshot_index - (snapshot_index - raft->log.base_index) / KEPT_TAIL_DIVISOR;
    if (raft->role != RAFT_LEADER || raft->log.bytes > HELD_LOG_BYTES_MAXIMUM)
        return limit;
    for (size_t i = 0; i < raft->peer_count; i++)
        if (holds_log(raft, &raft->peers[i]) && raft->peers[i].snapshot_index < limit)
            limit = raft->peers[i].snapshot_index;
    return limit;
}

static void begin_log_behind(struct raft *raft, raft_index base_index) {
    if (base_index <= raft->log.base_index)
        return;
    raft_log_compact(&raft->log, base_index);
    raft_configuration_marks_compact(&raft->configurations, base_index);
}

void raft_compact(struct raft *raft, raft_index snapshot_index) {
    CHECK(snapshot_index <= raft->commit_index);
    if (snapshot_index > raft->log.base_index)
        begin_log_behind(raft, compaction_limit(raft, snapshot_index));
}

/* A voter whom entries will reach keeps them here, present or not: the next snapshot taken bounds
 * how many. One that needs a snapshot keeps them only while it is there to take one: what is
 * forgotten meanwhile would call for the next (consul #9609). */
static raft_index needed_from(const struct raft *raft, const struct raft_progress *peer) {
    if (peer->state == RAFT_SNAPSHOT)
        return holds_log(raft, peer) ? peer->snapshot_index : raft_last(raft);
    if (peer->match_index >= raft->log.base_index)
        return peer->match_index;
    bool is_here =
        peer->heard_us + HELD_FOR_TIMEOUTS * raft->timing.election_timeout_us > raft->now_us;
    return is_here && raft->log.bytes <= HELD_LOG_BYTES_MAXIMUM ? raft->log.base_index
                                                                : raft_last(raft);
}

static raft_index forget_limit(const struct raft *raft, raft_index forget_index) {
    raft_index limit = forget_index < raft->applied_index ? forget_index : raft->applied_index;
    if (limit > raft->commit_index)
        limit = raft->commit_index;
    if (limit > raft->saves.durable_index)
        limit = raft->saves.durable_index;
    for (size_t i = 0; raft->role == RAFT_LEADER && i < raft->peer_count; i++) {
        raft_index needed = needed_from(raft, &raft->peers[i]);
        limit = needed < limit ? needed : limit;
    }
    return limit;
}

void raft_forget(struct raft *raft, raft_index forget_index, uint64_t kept_bytes) {
    raft_index limit = forget_limit(raft, forget_index), base_index = raft->log.base_index;
    for (uint64_t bytes = raft->log.bytes; base_index < limit; base_index++) {
        uint64_t length = (*raft_log_at(&raft->log, base_index + 1))->length;
        if (bytes - length < kept_bytes)
            break;
        bytes -= length;
    }
    begin_log_behind(raft, base_index);
}
