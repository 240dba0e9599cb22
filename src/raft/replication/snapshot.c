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
        if (event->snapshot_term > raft->term)
            raft_follow(raft, event->snapshot_term, 0); /* a word of its leader has yet to come */
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

static bool is_reached_by_entries(const struct raft *raft, const struct raft_progress *peer) {
    return peer->state != RAFT_SNAPSHOT && peer->match_index >= raft->log.base_index;
}

/* A voter whom entries will reach keeps them here, present or not: the owner says how many, and the
 * next snapshot taken bounds them as well. One that needs a snapshot keeps them only while it is
 * there to take one: what is forgotten meanwhile would call for the next (consul #9609). */
static raft_index needed_from(const struct raft *raft, const struct raft_progress *peer) {
    if (peer->state == RAFT_SNAPSHOT)
        return holds_log(raft, peer) ? peer->snapshot_index : raft_last(raft);
    if (is_reached_by_entries(raft, peer))
        return peer->match_index;
    bool is_here =
        peer->heard_us + HELD_FOR_TIMEOUTS * raft->timing.election_timeout_us > raft->now_us;
    return is_here && raft->log.bytes <= HELD_LOG_BYTES_MAXIMUM ? raft->log.base_index
                                                                : raft_last(raft);
}

static raft_index lower_of(raft_index a, raft_index b) { return a < b ? a : b; }

struct forget_limits {
    raft_index unneeded; /* up to here nobody lacks anything */
    raft_index most;     /* up to here somebody may, who can be sent a snapshot instead */
};

static struct forget_limits forget_limits(const struct raft *raft, raft_index forget_index) {
    raft_index settled = lower_of(lower_of(forget_index, raft->applied_index),
                                  lower_of(raft->commit_index, raft->saves.durable_index));
    struct forget_limits limits = {.unneeded = settled, .most = settled};
    for (size_t i = 0; raft->role == RAFT_LEADER && i < raft->peer_count; i++) {
        const struct raft_progress *peer = &raft->peers[i];
        raft_index needed = needed_from(raft, peer);
        limits.unneeded = lower_of(limits.unneeded, needed);
        if (!is_reached_by_entries(raft, peer))
            limits.most = lower_of(limits.most, needed);
    }
    return limits;
}

void raft_forget(struct raft *raft, const struct raft_event *event) {
    struct forget_limits limits = forget_limits(raft, event->forget_index);
    raft_index base_index = raft->log.base_index;
    for (uint64_t bytes = raft->log.bytes; base_index < limits.most; base_index++) {
        uint64_t length = (*raft_log_at(&raft->log, base_index + 1))->length;
        uint64_t left_bytes = base_index < limits.unneeded ? event->kept_bytes : event->held_bytes;
        if (bytes - length < left_bytes)
            break;
        bytes -= length;
    }
    begin_log_behind(raft, base_index);
}
