#include "base/check.h"
#include "base/memory.h"
#include "base/planted.h"
#include "raft/change.h"
#include "raft/commit.h"
#include "raft/election.h"
#include "raft/idle.h"
#include "raft/move.h"
#include "raft/raft.h"
#include "raft/read.h"
#include "raft/replication/append.h"
#include "raft/replication/eager.h"
#include "raft/replication/replicate.h"
#include "raft/replication/snapshot.h"
#include "raft/state/deadline.h"
#include "raft/state/follow.h"
#include "raft/state/peers.h"
#include "raft/state/quiet.h"
#include "raft/state/read_queue.h"
#include "raft/state/save.h"
#include "raft/state/standing.h"
#include "raft/state/state.h"
#include "raft/transfer.h"

/* Terms and indexes beyond this are malformed, so that counting on from them never overflows. */
#define RAFT_NUMBER_MAXIMUM ((uint64_t)1 << 62)

void raft_set_room(struct raft *raft, bool has_room) { raft->is_full = !has_room; }

void raft_set_applied(struct raft *raft, raft_index index) {
    CHECK(index <= raft_last(raft));
    raft->applied_index = index;
}

void raft_set_timing(struct raft *raft, const struct raft_timing *timing) {
    CHECK(timing->election_timeout_us > 0);
    CHECK(timing->lease_us > 0);
    CHECK(timing->heartbeat_us > 0);
    CHECK(timing->clock_drift_percent <= 100);
    CHECK(timing->window_messages > 0);
    raft->timing = *timing;
}

static void recovered_entries_take(struct raft *raft, const struct raft_recovered *recovered) {
    for (size_t i = 0; i < recovered->entry_count; i++) {
        raft_entry_append(raft, recovered->entries[i]);
        if (recovered->entries[i]->term > raft->term) {
            /* The save that held these entries was torn before its state record: no vote of this
             * term was told. */
            raft->term = recovered->entries[i]->term;
            raft->vote = 0;
        }
    }
    raft->saves.durable_index = raft_last(raft);
    raft->saves.sequence = 0; /* these are saved; a step begins with nothing to report */
}

/* A lease that this node acknowledged in its former life may still be out, by a promise that was
 * longer than this life's. A sole voter gave one to itself only, unless it is one since a change
 * that its log still holds: a leader on its way out may have led it. */
static void patience_begin(struct raft *raft, uint64_t former_promise_us) {
    if (raft->configurations.count == 1 &&
        raft_configuration_is_sole_voter(raft_members(raft), raft->self)) {
        raft->election_deadline_us = raft->now_us;
        return;
    }
    uint64_t promise_us = raft->timing.lease_us;
    if (former_promise_us > promise_us && !PLANTED(FORMER_PROMISE_FORGOTTEN))
        promise_us = former_promise_us;
    if (!PLANTED(STICKINESS_LOST_AT_RESTART))
        raft->promised_until_us = raft->now_us + promise_us;
    raft_election_deadline_draw(raft);
}

struct raft *raft_new(const struct raft_options *options, const struct raft_recovered *recovered) {
    CHECK(options->self != 0);
    struct raft *raft = memory_allocate_zeroed(1, sizeof *raft);
    raft->self = options->self;
    raft->log_lines = options->log;
    raft->shard = options->shard;
    raft->pair_of = options->pair_of;
    raft->pair_context = options->pair_context;
    raft_set_timing(raft, &options->timing);
    random_init(&raft->random, options->seed);
    raft->forwarded.next_number =
        random_next(&raft->random); /* answers to a former life fit no number */
    raft->term = recovered->term;
    raft->vote = recovered->vote;
    if (recovered->snapshot_term > raft->term) {
        raft->term = recovered->snapshot_term;
        raft->vote = 0;
    }
    raft->now_us = recovered->now_us;
    raft->floor.index = recovered->floor_index;
    raft->floor.term = recovered->floor_term;
    if (PLANTED(REMOVED_REPLICA_FORGETS) && raft->floor.index != 0) {
        raft->floor.index = raft->floor.term = 0;
        raft->term = raft->vote = 0;
    }
    raft->commit_index = recovered->snapshot_index;
    raft->applied_index = recovered->snapshot_index;
    raft_log_init(&raft->log, recovered->snapshot_index, recovered->snapshot_term);
    raft_configuration_marks_init(&raft->configurations, recovered->snapshot_index,
                                  &recovered->configuration);
    recovered_entries_take(raft, recovered);
    patience_begin(raft, recovered->promise_us);
    return raft;
}

void raft_free(struct raft *raft) {
    if (raft == NULL)
        return;
    raft_quiet_end(raft); /* out of the pairs' sets */
    raft_log_release(&raft->log);
    raft_configuration_marks_release(&raft->configurations);
    for (size_t i = 0; i < raft->peer_used; i++)
        raft_progress_release(&raft->peers[i]);
    memory_free(raft->saves.pending);
    memory_free(raft->reads.waiting);
    memory_free(raft->forwarded.reads);
    memory_free(raft->outbox.messages);
    memory_free(raft->outbox.answers);
    memory_free(raft);
}

static bool entries_are_sane(const struct raft_message *message) {
    raft_term term = message->log_term;
    for (size_t i = 0; i < message->entry_count; i++) {
        const struct raft_entry *entry = message->entries[i];
        struct raft_configuration ignored;
        if (entry->index != message->log_index + 1 + i || entry->term < term ||
            entry->term > message->term)
            return false;
        if (entry->kind == RAFT_ENTRY_CONFIGURATION &&
            raft_configuration_decode(&ignored, raft_entry_payload(entry)) != 0)
            return false;
        term = entry->term;
    }
    return true;
}

/* A stranger's message must never reach a CHECK of ours: what does not hold together is dropped
 * here. */
static bool message_is_sane(const struct raft *raft, const struct raft_message *message) {
    if (message->to != raft->self || message->from == raft->self || message->from == 0)
        return false;
    if (message->term == 0 || message->term > RAFT_NUMBER_MAXIMUM ||
        message->log_index > RAFT_NUMBER_MAXIMUM || message->commit_index > RAFT_NUMBER_MAXIMUM)
        return false;
    if (message->kind != RAFT_APPEND)
        return message->entry_count == 0;
    if ((message->log_index == 0) != (message->log_term == 0))
        return false;
    return message->log_term <= message->term && entries_are_sane(message);
}

static void message_step(struct raft *raft, const struct raft_message *message) {
    if (!message_is_sane(raft, message))
        return;
    switch (message->kind) {
    case RAFT_PRE_VOTE:
        raft_pre_vote_receive(raft, message);
        return;
    case RAFT_PRE_VOTE_REPLY:
        raft_pre_vote_reply_receive(raft, message);
        return;
    case RAFT_VOTE:
        raft_vote_receive(raft, message);
        return;
    case RAFT_VOTE_REPLY:
        raft_vote_reply_receive(raft, message);
        return;
    case RAFT_APPEND:
        raft_append_receive(raft, message);
        return;
    case RAFT_APPEND_REPLY:
        raft_append_reply_receive(raft, message);
        return;
    case RAFT_READ_INDEX:
        raft_read_index_receive(raft, message);
        return;
    case RAFT_READ_INDEX_REPLY:
        raft_read_index_reply_receive(raft, message);
        return;
    case RAFT_TIMEOUT_NOW:
        raft_timeout_now_receive(raft, message);
        return;
    case RAFT_MESSAGE_KIND_COUNT:
        return;
    }
}

static void tick_step(struct raft *raft) {
    raft_forwarded_refuse(raft, raft->now_us - (raft->now_us < raft->timing.election_timeout_us
                                                    ? raft->now_us
                                                    : raft->timing.election_timeout_us));
    if (raft->is_quiet)
        return;
    if (raft->role != RAFT_LEADER) {
        raft_election_tick(raft);
        return;
    }
    raft_quorum_tick(raft);
    if (raft->role != RAFT_LEADER)
        return;
    raft_transfer_tick(raft);
    raft_move_tick(raft);
    raft_quiet_tick(raft);
    if (!raft->is_quiet)
        raft_heartbeat_tick(raft);
}

/* The stream is gone: what was under way on it may be lost, and nothing reaches the peer before the
 * next heartbeat. */
static void peer_lost_step(struct raft *raft, raft_node_number node) {
    if (raft->role == RAFT_LEADER) {
        struct raft_progress *peer = raft_peer(raft, node);
        if (peer == NULL || peer->state == RAFT_SNAPSHOT)
            return;
        raft_quiet_end(raft);
        raft_progress_probe(peer, peer->match_index + 1);
        peer->is_probe_sent = true;
        peer->agreed_index = peer->match_index; /* it may come back without its memory */
    } else if (node == raft->leader) {
        raft_quiet_end(raft);
        raft_leader_lost(raft, RAFT_ELECTION_STREAM_CLOSED);
    }
}

/* Hearsay: where the leader is heard after all, its next append puts the campaign off again, and
 * what was asked of it is answered. */
static void peer_suspected_step(struct raft *raft, raft_node_number node) {
    if (raft->role != RAFT_FOLLOWER || node != raft->leader || raft_quiet_is_heard(raft))
        return;
    raft_quiet_end(raft);
    raft_election_deadline_hasten(raft, RAFT_ELECTION_SUSPECTED);
}

static void standing_step(struct raft *raft, raft_node_number node, enum raft_standing standing) {
    if (raft->is_quiet && node == raft->self && standing != RAFT_WILLING)
        raft_quiet_end(raft); /* a leader looks for somebody who is better placed */
    raft_standing_take(raft, node, standing);
}

static void durable_step(struct raft *raft, uint64_t save_sequence) {
    raft_durable(raft, save_sequence);
    raft_own_vote_count(raft);
    raft_commit_advance(raft);
}

bool raft_follower_durable(struct raft *raft, uint64_t save_sequence) {
    if (raft->role != RAFT_FOLLOWER)
        return false;
    raft_durable(raft, save_sequence);
    return true;
}

static void step_begin(struct raft *raft, const struct raft_event *event) {
    if (event->now_us > raft->now_us)
        raft->now_us = event->now_us;
    raft->step = (struct raft_step_results){.role_before = raft->role,
                                            .term_before = raft->term,
                                            .leader_before = raft->leader,
                                            .vote_before = raft->vote};
    raft->outbox.message_count = 0;
    raft->outbox.answer_count = 0;
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

static uint64_t next_deadline(const struct raft *raft) {
    uint64_t deadline_us = UINT64_MAX;
    if (raft->forwarded.count > 0)
        deadline_us = raft->forwarded.reads[0].sent_us + raft->timing.election_timeout_us;
    if (raft->is_quiet)
        return deadline_us;
    if (raft->role != RAFT_LEADER)
        return raft_may_campaign(raft) || raft->leader != 0
                   ? least(deadline_us, raft->election_deadline_us)
                   : deadline_us;
    deadline_us = least(deadline_us, raft->quorum_check_us);
    deadline_us = least(deadline_us, raft_lazy_deadline_us(raft));
    if (raft->transfer.to != 0)
        deadline_us = least(deadline_us, raft->transfer.deadline_us);
    for (size_t i = 0; i < raft->peer_count; i++)
        deadline_us = least(deadline_us, raft->peers[i].sent_us + raft->timing.heartbeat_us);
    return deadline_us;
}

static void invariants_check(const struct raft *raft) {
    CHECK(raft->log.base_index <= raft->commit_index);              /* I1 */
    CHECK(raft->commit_index <= raft_last(raft));                   /* I1 */
    CHECK(raft->saves.durable_index <= raft_last(raft));            /* I2 */
    CHECK(raft->role != RAFT_LEADER || raft->leader == raft->self); /* I3 */
    CHECK(raft->term >= raft->step.term_before);                    /* I4 */
    CHECK(raft->term != raft->step.term_before || raft->step.vote_before == 0 ||
          raft->vote == raft->step.vote_before);                     /* I4 */
    CHECK(!raft->is_quiet || raft->leader != 0);                     /* I6 */
    CHECK(!raft->is_quiet || raft->commit_index == raft_last(raft)); /* I6 */
}

/* Now the log stands still, so slices of it can be lent out. */
static void entries_lend(struct raft *raft) {
    for (size_t i = 0; i < raft->outbox.message_count; i++) {
        struct raft_message *message = &raft->outbox.messages[i].message;
        if (message->entry_count > 0)
            message->entries = raft_log_at(&raft->log, message->log_index + 1);
    }
}

static raft_index early_index(const struct raft *raft) {
    bool is_ahead = raft->role == RAFT_LEADER && raft->early.index > raft->commit_index;
    return is_ahead ? raft->early.index : raft->commit_index;
}

static void step_finish(struct raft *raft, struct raft_actions *actions) {
    const struct raft_step_results *step = &raft->step;
    raft_saves_finish(raft);
    invariants_check(raft);
    entries_lend(raft);
    *actions = (struct raft_actions){
        .save_sequence = step->save_sequence,
        .truncate_from = step->truncate_from,
        .is_state_saved = step->is_state_saved,
        .term = raft->term,
        .vote = raft->vote,
        .messages = raft->outbox.messages,
        .message_count = raft->outbox.message_count,
        .commit_index = raft->commit_index,
        .early_index = early_index(raft),
        .reads = raft->outbox.answers,
        .read_count = raft->outbox.answer_count,
        .snapshot_wanted_count = step->snapshot_wanted_count,
        .is_leadership_changed = raft->role != step->role_before ||
                                 raft->term != step->term_before ||
                                 raft->leader != step->leader_before,
        .is_campaign_begun = step->is_campaign_begun,
        .campaign_cause = step->campaign_cause,
        .is_transfer_begun = step->is_transfer_begun,
        .is_move_begun = step->is_move_begun,
        .is_hedged = step->is_hedged,
        .given_up_learner = step->given_up_learner,
        .give_up_cause = step->give_up_cause,
        .deadline_us = next_deadline(raft),
        .proposal_error = step->proposal_error,
    };
    if (step->save_from != 0) {
        actions->entries = raft_log_at(&raft->log, step->save_from);
        actions->entry_count = raft_last(raft) - step->save_from + 1;
    }
    memcpy(actions->snapshot_wanted_by, step->snapshot_wanted_by,
           step->snapshot_wanted_count * sizeof step->snapshot_wanted_by[0]);
}

void raft_step(struct raft *raft, const struct raft_event *event, struct raft_actions *actions) {
    step_begin(raft, event);
    switch (event->kind) {
    case RAFT_TICK:
        tick_step(raft);
        break;
    case RAFT_MESSAGE:
        message_step(raft, event->message);
        break;
    case RAFT_PROPOSE:
        raft_propose(raft, event->payload_entry);
        break;
    case RAFT_DURABLE:
        durable_step(raft, event->save_sequence);
        break;
    case RAFT_READ:
        raft_read(raft, event->read_id);
        break;
    case RAFT_COMPACT:
        raft_compact(raft, event->snapshot_index);
        break;
    case RAFT_FORGET:
        raft_forget(raft, event);
        break;
    case RAFT_SNAPSHOT_INSTALLED:
        raft_snapshot_installed(raft, event);
        break;
    case RAFT_SNAPSHOT_SENT:
        raft_snapshot_sent(raft, event->peer, event->snapshot_index, event->is_rejected);
        break;
    case RAFT_PEER_LOST:
        peer_lost_step(raft, event->peer);
        break;
    case RAFT_PEER_SUSPECTED:
        peer_suspected_step(raft, event->peer);
        break;
    case RAFT_STANDING:
        standing_step(raft, event->peer, event->standing);
        break;
    case RAFT_WAKE:
        raft_quiet_end(raft);
        break;
    case RAFT_HURRY:
        raft_hurry(raft, event->hurry_index);
        break;
    case RAFT_TRANSFER:
        raft_transfer(raft, event->peer);
        break;
    case RAFT_CHANGE:
        raft_change(raft, event->configuration);
        break;
    case RAFT_RECOVER:
        raft_recover(raft, event->configuration);
        break;
    }
    raft_change_continue(raft);
    raft_lazy_continue(raft);
    raft_quiet_wake_told(raft);
    step_finish(raft, actions);
}
