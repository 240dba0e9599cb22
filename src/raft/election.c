#include "raft/election.h"
#include "base/planted.h"
#include "raft/parts/quorum.h"
#include "raft/raft.h"
#include "raft/replication/lazy.h"
#include "raft/replication/replicate.h"
#include "raft/state/deadline.h"
#include "raft/state/follow.h"
#include "raft/state/lease.h"
#include "raft/state/outbox.h"
#include "raft/state/peers.h"
#include "raft/state/read_queue.h"
#include "raft/state/save.h"

static uint64_t has_granted(const void *context, raft_node_number node) {
    const struct raft *raft = context;
    for (size_t i = 0; i < raft->granted_count; i++)
        if (raft->granted_by[i] == node)
            return 1;
    return 0;
}

static void grant_count(struct raft *raft, raft_node_number node) {
    if (raft_configuration_has_voter(raft_members(raft), node) && !has_granted(raft, node))
        raft->granted_by[raft->granted_count++] = node;
}

static bool is_elected(const struct raft *raft) {
    return raft_quorum(raft_members(raft), has_granted, raft) == 1;
}

struct ballot {
    struct raft *raft;
    enum raft_message_kind kind;
    raft_term term;
    bool is_forced;
};

static void ballot_send(void *context, raft_node_number node) {
    const struct ballot *ballot = context;
    struct raft *raft = ballot->raft;
    if (node == raft->self || !raft_configuration_has_voter(raft_members(raft), node))
        return;
    /* Not before our own vote is durable: after a crash, a vote of this term given to the longer
     * log that we had could be counted for the shorter one that we have. A pre-vote binds nobody.
     */
    uint64_t after_save = ballot->kind == RAFT_VOTE ? raft_save_of_state(raft) : 0;
    struct raft_message *message = raft_message_push(raft, ballot->kind, node, after_save);
    message->term = ballot->term;
    message->log_index = raft_last(raft);
    message->log_term = raft_log_term(&raft->log, raft_last(raft));
    message->is_forced = ballot->is_forced;
}

static void peer_add(void *context, raft_node_number node) {
    struct raft *raft = context;
    if (node != raft->self)
        raft_peer_add(raft, node);
}

static void lead(struct raft *raft) {
    raft->role = RAFT_LEADER;
    raft->leader = raft->self;
    raft->has_led = true;
    raft->peer_count = 0;
    raft_configuration_each_member(raft_members(raft), peer_add, raft);
    raft->led_since_us = raft->active_us = raft->now_us;
    raft->quorum_check_us = raft->now_us + raft->timing.election_timeout_us;
    raft->transfer.to = 0;
    raft->lease.is_given_up = false;
    raft->is_hand_over_tried = false;
    raft->moved_us = 0;
    raft->wanted = (struct raft_configuration){0};
    raft->reads.round = raft->reads.confirmed_round = 0;
    raft->term_start_index = 0;
    raft->early.asked_index = raft->early.index = 0;
    raft->early.patience_us = 0;
    raft_lazy_begin(raft);
    raft_lease_renew(raft);
    raft_leader_line(raft, "leader elected");
    if (!PLANTED(NO_NOOP_ON_ELECTION)) {
        struct raft_entry *nothing = raft_entry_new(0);
        raft_entry_seal(nothing, raft->term, raft_last(raft) + 1, RAFT_ENTRY_NOTHING);
        raft_entry_append(raft, nothing);
        raft->term_start_index = nothing->index;
    }
    raft_replicate_all(raft);
}

void raft_own_vote_count(struct raft *raft) {
    if (raft->role != RAFT_CANDIDATE || raft_save_of_state(raft) != 0)
        return;
    grant_count(raft, raft->self);
    if (is_elected(raft))
        lead(raft);
}

static void campaign(struct raft *raft, bool is_forced) {
    raft->step.is_campaign_begun = true;
    raft->step.campaign_cause = is_forced ? RAFT_ELECTION_TRANSFER : raft->campaign_cause;
    raft_follow(raft, raft->term + 1, 0);
    raft->role = RAFT_CANDIDATE;
    raft->vote = raft->self; /* saved with the new term */
    raft->granted_count = 0;
    raft_election_deadline_draw(raft);
    struct ballot ballot = {
        .raft = raft, .kind = RAFT_VOTE, .term = raft->term, .is_forced = is_forced};
    raft_configuration_each_member(raft_members(raft), ballot_send, &ballot);
    raft_own_vote_count(raft);
}

static void pre_campaign(struct raft *raft) {
    raft_forwarded_refuse(raft, UINT64_MAX);
    raft->role = RAFT_PRE_CANDIDATE;
    raft->leader = 0;
    raft->granted_count = 0;
    raft_pre_campaign_deadline_draw(raft);
    grant_count(raft, raft->self);
    if (is_elected(raft)) {
        campaign(raft, false);
        return;
    }
    struct ballot ballot = {.raft = raft, .kind = RAFT_PRE_VOTE, .term = raft->term + 1};
    raft_configuration_each_member(raft_members(raft), ballot_send, &ballot);
}

/* A voter that the newest configuration leaves out is needed until that is committed: it may be the
 * only one with the entry, and whoever lacks it cannot win its vote (4.2.2). It does not count
 * itself then. */
bool raft_may_campaign(const struct raft *raft) {
    if (raft_is_below_floor(raft))
        return false;
    const struct raft_configuration_marks *marks = &raft->configurations;
    for (size_t i = marks->count; i > 0; i--) {
        if (raft_configuration_has_voter(&marks->marks[i - 1].configuration, raft->self))
            return true;
        if (marks->marks[i - 1].index <= raft->commit_index)
            return false;
    }
    return false;
}

/* A leader's lease may rest on the vote that a campaign would begin with, which is our own; then
 * the campaign waits (CBTR 6.4.1). */
static bool is_promised(struct raft *raft) {
    uint64_t promised_until_us = raft_promised_until_us(raft);
    if (raft->now_us >= promised_until_us || PLANTED(OWN_VOTE_BREAKS_PROMISE))
        return false;
    raft->election_deadline_us = promised_until_us;
    return true;
}

/* Who may not campaign knows at least that nobody is heard: else it would tell of a leader that is
 * long lost, and could not be told to go on alone. */
static void leader_forget(struct raft *raft) {
    if (raft->leader != 0)
        raft_follow(raft, raft->term, 0);
}

void raft_election_tick(struct raft *raft) {
    if (raft->now_us < raft->election_deadline_us)
        return;
    uint64_t paused_until_us = raft_promised_until_us(raft) + raft->timing.move_pause_us;
    if (PLANTED(PAUSE_HOLDS_ELECTIONS) && raft->now_us < paused_until_us) {
        raft->election_deadline_us = paused_until_us;
        return;
    }
    if (!raft_may_campaign(raft))
        leader_forget(raft);
    else if (!is_promised(raft))
        pre_campaign(raft);
}

static uint64_t heard_us_of(const void *context, raft_node_number node) {
    const struct raft *raft = context;
    if (node == raft->self)
        return UINT64_MAX;
    const struct raft_progress *peer = raft_peer_of(raft, node);
    bool is_later = peer != NULL && peer->heard_us > raft->led_since_us;
    return is_later ? peer->heard_us : raft->led_since_us;
}

void raft_quorum_tick(struct raft *raft) {
    if (raft->now_us < raft->quorum_check_us)
        return;
    uint64_t heard_us = raft_quorum(raft_members(raft), heard_us_of, raft);
    uint64_t timeout_us = raft->timing.election_timeout_us;
    if (heard_us > raft->now_us)
        heard_us = raft->now_us; /* we alone are a quorum */
    if (heard_us + timeout_us <= raft->now_us)
        raft_follow(raft, raft->term, 0);
    else
        raft->quorum_check_us = heard_us + timeout_us;
}

/* 4.2.3: while a leader was heard lately the message may not even raise the term. */
static bool is_refused_for_leader(const struct raft *raft, const struct raft_message *message) {
    if (message->is_forced)
        return false;
    return raft->role == RAFT_LEADER || raft->now_us < raft_promised_until_us(raft);
}

/* 5.4.1 */
static bool is_up_to_date(const struct raft *raft, const struct raft_message *message) {
    raft_index last_index;
    raft_term last_term;
    raft_floor(raft, &last_index, &last_term);
    return message->log_term > last_term ||
           (message->log_term == last_term && message->log_index >= last_index);
}

void raft_pre_vote_receive(struct raft *raft, const struct raft_message *message) {
    bool is_granted = message->term > raft->term && is_up_to_date(raft, message) &&
                      !is_refused_for_leader(raft, message);
    struct raft_message *reply = raft_message_push(raft, RAFT_PRE_VOTE_REPLY, message->from, 0);
    reply->is_rejected = !is_granted;
    if (is_granted)
        reply->term = message->term;
}

void raft_pre_vote_reply_receive(struct raft *raft, const struct raft_message *message) {
    if (message->is_rejected) {
        raft_term_observe(raft, message);
        return;
    }
    if (raft->role != RAFT_PRE_CANDIDATE || message->term != raft->term + 1)
        return;
    grant_count(raft, message->from);
    if (is_elected(raft))
        campaign(raft, false);
}

void raft_vote_receive(struct raft *raft, const struct raft_message *message) {
    bool is_granted = false;
    if (!is_refused_for_leader(raft, message) && raft_term_observe(raft, message))
        is_granted = is_up_to_date(raft, message) &&
                     (raft->vote == message->from || (raft->vote == 0 && raft->leader == 0));
    if (is_granted) {
        if (raft->vote == 0) {
            raft->vote = message->from;
            raft_state_save(raft);
        }
        raft_election_deadline_draw(raft);
    }
    uint64_t after_save = is_granted ? raft_save_of_state(raft) : 0;
    raft_message_push(raft, RAFT_VOTE_REPLY, message->from, after_save)->is_rejected = !is_granted;
}

void raft_vote_reply_receive(struct raft *raft, const struct raft_message *message) {
    if (!raft_term_observe(raft, message) || raft->role != RAFT_CANDIDATE || message->is_rejected)
        return;
    grant_count(raft, message->from);
    if (is_elected(raft))
        lead(raft);
}

void raft_timeout_now_receive(struct raft *raft, const struct raft_message *message) {
    if (!raft_term_observe(raft, message) || raft->leader != message->from ||
        !raft_may_campaign(raft))
        return;
    campaign(raft, true);
}
