#include "base/memory.h"
#include "raft/raft.h"
#include "raft/state/follow.h"
#include "raft/state/lease.h"
#include "raft/state/peers.h"

enum {
    LAG_COUNTED_MAXIMUM = 1024,
    NEAR_SAVES = 3, /* the others are near if a commit takes no longer than so many saves here */
    OVERDUE_COMMITS = 2 /* late is what takes so many times as long as commits do */
};

void raft_fetch(const struct raft *raft) {
    memory_fetch_all(raft, offsetof(struct raft, peers[2]));
}

/* A step appends behind the newest entry, or applies one not far from it. */
void raft_fetch_behind(const struct raft *raft) {
    if (raft->log.count > 0)
        memory_fetch(raft_log_at(&raft->log, raft_last(raft)));
    memory_fetch(raft->saves.pending);
    memory_fetch_all(raft->outbox.messages, sizeof raft->outbox.messages[0]);
    memory_fetch_all(raft_members(raft), offsetof(struct raft_configuration, voters[4]));
}

enum raft_role raft_role(const struct raft *raft) { return raft->role; }
raft_term raft_current_term(const struct raft *raft) { return raft->term; }
uint64_t raft_recovery_count(const struct raft *raft) { return raft->term / RAFT_RECOVERY_TERMS; }
raft_node_number raft_vote(const struct raft *raft) { return raft->vote; }
raft_node_number raft_leader(const struct raft *raft) { return raft->leader; }
raft_index raft_commit_index(const struct raft *raft) { return raft->commit_index; }
raft_index raft_last_index(const struct raft *raft) { return raft_last(raft); }
raft_index raft_first_index(const struct raft *raft) { return raft->log.base_index + 1; }
uint64_t raft_log_bytes(const struct raft *raft) { return raft->log.bytes; }
uint64_t raft_uncommitted_bytes(const struct raft *raft) { return raft->uncommitted_bytes; }
bool raft_is_quiet(const struct raft *raft) { return raft->is_quiet; }
bool raft_is_given_up(const struct raft *raft) {
    return raft->is_contradicted && raft_is_in_doubt(raft);
}
bool raft_has_lease(const struct raft *raft, uint64_t now_us) {
    return raft_lease_covers(raft, now_us);
}

uint64_t raft_commit_overdue_us(const struct raft *raft) {
    const struct raft_stopwatch *commits = &raft->lazy.commits;
    bool is_near = commits->mean_us <= NEAR_SAVES * raft->lazy.saves_here.mean_us;
    return commits->index != 0 && is_near ? commits->since_us + OVERDUE_COMMITS * commits->mean_us
                                          : 0;
}

const struct raft_entry *raft_entry_at(const struct raft *raft, raft_index index) {
    return raft_log_holds(&raft->log, index) ? *raft_log_at(&raft->log, index) : NULL;
}
raft_term raft_term_at(const struct raft *raft, raft_index index) {
    return raft_log_term(&raft->log, index);
}
const struct raft_configuration *raft_configuration(const struct raft *raft) {
    return raft_members(raft);
}
const struct raft_configuration *raft_configuration_at(const struct raft *raft, raft_index index) {
    return raft_configuration_marks_at(&raft->configurations, index);
}
raft_index raft_durable_index(const struct raft *raft) { return raft->saves.durable_index; }

static const struct raft_progress *led_peer(const struct raft *raft, raft_node_number node) {
    return raft->role == RAFT_LEADER ? raft_peer_of(raft, node) : NULL;
}
raft_index raft_match_index(const struct raft *raft, raft_node_number node) {
    if (raft->role == RAFT_LEADER && node == raft->self)
        return raft->saves.durable_index;
    const struct raft_progress *peer = led_peer(raft, node);
    return peer ? peer->match_index : 0;
}
uint64_t raft_lag_entries(const struct raft *raft, raft_node_number node) {
    const struct raft_progress *peer = led_peer(raft, node);
    return peer ? raft_last(raft) - peer->match_index : 0;
}
uint64_t raft_lag_bytes(const struct raft *raft, raft_node_number node) {
    uint64_t lag = raft_lag_entries(raft, node), bytes = 0;
    if (lag > LAG_COUNTED_MAXIMUM || lag > raft->log.count)
        return raft->log.count ? raft->log.bytes / raft->log.count * lag : 0;
    for (raft_index i = raft_last(raft); lag > 0; lag--, i--)
        bytes += (*raft_log_at(&raft->log, i))->length;
    return bytes;
}
uint64_t raft_peer_heard_us(const struct raft *raft, raft_node_number node) {
    const struct raft_progress *peer = led_peer(raft, node);
    return peer ? raft_progress_heard_us(raft, peer) : 0;
}
void raft_floor(const struct raft *raft, raft_index *index, raft_term *term) {
    bool is_short = raft_is_below_floor(raft);
    *index = is_short ? raft->floor.index : raft_last(raft);
    *term = is_short ? raft->floor.term : raft_log_term(&raft->log, raft_last(raft));
}
bool raft_is_changing(const struct raft *raft) { return raft_has_open_change(raft); }
static const struct raft_progress *slowest_learner(const struct raft *raft) {
    const struct raft_progress *slowest = NULL;
    for (size_t i = 0; raft->role == RAFT_LEADER && i < raft->peer_count; i++) {
        const struct raft_progress *peer = &raft->peers[i];
        if (raft_configuration_has_learner(raft_members(raft), peer->node) &&
            (slowest == NULL || peer->match_index < slowest->match_index))
            slowest = peer;
    }
    return slowest;
}
unsigned raft_catch_up_round(const struct raft *raft) {
    const struct raft_progress *peer = slowest_learner(raft);
    return peer ? peer->round : 0;
}
raft_index raft_catch_up_index(const struct raft *raft) {
    const struct raft_progress *peer = slowest_learner(raft);
    return peer ? peer->match_index : 0;
}

static const struct {
    const char *name, *text;
} give_up_causes[RAFT_GIVE_UP_CAUSE_COUNT] = {
    [RAFT_GIVE_UP_NOTHING] = {"", ""},
#define GIVE_UP_CAUSE(id, name, text) [RAFT_GIVE_UP_##id] = {name, text},
#include "raft/events/give_up_cause.def"
#undef GIVE_UP_CAUSE
};
const char *raft_give_up_name(enum raft_give_up_cause cause) { return give_up_causes[cause].name; }
const char *raft_give_up_text(enum raft_give_up_cause cause) { return give_up_causes[cause].text; }

bool raft_is_below_floor(const struct raft *raft) {
    raft_term last_term = raft_log_term(&raft->log, raft_last(raft));
    return last_term < raft->floor.term ||
           (last_term == raft->floor.term && raft_last(raft) < raft->floor.index);
}
