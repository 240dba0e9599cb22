#include "raft/change.h"
#include "base/check.h"
#include "base/planted.h"
#include "raft/election.h"
#include "raft/replication/replicate.h"
#include "raft/state/deadline.h"
#include "raft/state/follow.h"
#include "raft/state/lease.h"
#include "raft/state/peers.h"
#include "raft/state/save.h"
#include "raft/transfer.h"

/* When a learner is given up (CBTR 4.2.1). The last two are in election timeouts. */
enum {
    ROUND_MAXIMUM = 10,               /* of catching up, or snapshots that broke off */
    SILENT_TIMEOUT_MAXIMUM = 10,      /* it was not heard */
    STANDSTILL_TIMEOUT_MAXIMUM = 100, /* it was heard, and has not one entry more */
};

static bool contains_all(uint8_t count, const raft_node_number *nodes, uint8_t part_count,
                         const raft_node_number *part) {
    for (unsigned i = 0; i < part_count; i++)
        if (!raft_nodes_contain(count, nodes, part[i]))
            return false;
    return true;
}

static bool has_same_voters(const struct raft_configuration *a,
                            const struct raft_configuration *b) {
    return a->voter_count == b->voter_count &&
           contains_all(a->voter_count, a->voters, b->voter_count, b->voters);
}

static bool is_joint(const struct raft_configuration *configuration) {
    return configuration->old_voter_count > 0;
}

static void peer_find_or_add(void *context, raft_node_number node) {
    struct raft *raft = context;
    if (node == raft->self || raft_peer(raft, node) != NULL)
        return;
    raft_peer_add(raft, node);
}

static bool is_member(const struct raft_configuration *configuration, raft_node_number node) {
    return raft_configuration_has_voter(configuration, node) ||
           raft_configuration_has_learner(configuration, node);
}

static struct raft_entry *configuration_entry(const struct raft *raft,
                                              const struct raft_configuration *next) {
    struct buffer payload;
    buffer_init(&payload, RAFT_CONFIGURATION_BYTES_MAXIMUM);
    raft_configuration_encode(next, &payload);
    struct raft_entry *entry = raft_entry_new(payload.length);
    memcpy(raft_entry_payload_room(entry), buffer_data(&payload), payload.length);
    buffer_release(&payload);
    raft_entry_seal(entry, raft->term, raft_last(raft) + 1, RAFT_ENTRY_CONFIGURATION);
    return entry;
}

/* A configuration is in force from here on, so the leader sends to whom it names. */
static void configuration_append(struct raft *raft, const struct raft_configuration *next) {
    raft_entry_append(raft, configuration_entry(raft, next));
    for (size_t i = raft->peer_count; i > 0; i--)
        if (!is_member(next, raft->peers[i - 1].node))
            raft_peer_forget(raft, i - 1);
    raft_configuration_each_member(next, peer_find_or_add, raft);
    raft_lease_renew(raft);
    log_line(raft->log_lines, LOG_INFO, "configuration changed", LOG_F("shard", raft->shard),
             LOG_F("term", raft->term), LOG_F("index", raft_last(raft)),
             LOG_F("voters", next->voter_count), LOG_F("old_voters", next->old_voter_count),
             LOG_F("learners", next->learner_count));
    raft_replicate_all(raft);
}

static bool is_settled(const struct raft *raft) {
    return raft_configuration_marks_newest_index(&raft->configurations) <= raft->commit_index;
}

/* ---- asking ---- */

static bool is_valid(const struct raft_configuration *wanted) {
    if (wanted->voter_count == 0 || wanted->voter_count > RAFT_VOTER_MAXIMUM ||
        wanted->old_voter_count != 0 || wanted->learner_count != 0)
        return false;
    for (uint8_t i = 0; i < wanted->voter_count; i++)
        if (wanted->voters[i] == 0 || raft_nodes_contain(i, wanted->voters, wanted->voters[i]))
            return false;
    return true;
}

/* Before an entry of this term is committed, the newest configuration may be one that a later
 * leader takes back, and two changes could then go on from different ones. */
static int change_refusal(const struct raft *raft, const struct raft_configuration *wanted) {
    if (raft->role != RAFT_LEADER)
        return ERR_NOT_LEADER;
    if (!is_valid(wanted))
        return ERR_INVALID;
    if (wanted->wish < raft_members(raft)->wish)
        return ERR_INVALID; /* of a leader whose owner has not heard of the newer wish */
    if (raft->transfer.to != 0 || is_joint(raft_members(raft)))
        return ERR_BUSY;
    if (PLANTED(CHANGE_BEFORE_COMMIT))
        return 0;
    return raft_has_term_commit(raft) && is_settled(raft) ? 0 : ERR_BUSY;
}

void raft_change(struct raft *raft, const struct raft_configuration *wanted) {
    raft->step.proposal_error = change_refusal(raft, wanted);
    bool is_known = has_same_voters(&raft->wanted, wanted) && raft->wanted.wish == wanted->wish;
    if (raft->step.proposal_error != 0 || is_known)
        return;
    raft->wanted = *wanted;
    raft->change_began_us = raft->now_us;
}

/* ---- the learners ---- */

static void round_begin(const struct raft *raft, struct raft_progress *peer, unsigned round) {
    peer->round = round;
    peer->round_target = raft_last(raft);
    peer->round_began_us = raft->now_us;
}

static bool is_round_short(const struct raft *raft, const struct raft_progress *peer) {
    return raft->now_us - peer->round_began_us < raft->timing.election_timeout_us;
}

static bool is_heard(const struct raft *raft, const struct raft_progress *peer) {
    return raft->now_us - peer->heard_us < raft->timing.election_timeout_us;
}

/* Replication to a learner goes in rounds: each ends once it has what the log held when the round
 * began. Whoever needs less than an election timeout for a round can vote without holding the shard
 * up for longer than an election would (4.2.1). One that has everything and is heard no more ends
 * none, though nothing new comes that it could lack. */
static bool is_caught_up(const struct raft *raft, struct raft_progress *peer) {
    if (peer->round == 0)
        round_begin(raft, peer, 1);
    if (is_heard(raft, peer) && peer->match_index >= peer->round_target) {
        peer->is_caught_up = is_round_short(raft, peer);
        round_begin(raft, peer, peer->is_caught_up ? 1 : peer->round + 1);
    }
    return peer->is_caught_up && is_round_short(raft, peer);
}

static bool has_been(const struct raft *raft, uint64_t since_us, unsigned timeouts) {
    uint64_t from_us = since_us > raft->change_began_us ? since_us : raft->change_began_us;
    return raft->now_us - from_us >= timeouts * raft->timing.election_timeout_us;
}

/* A learner that is heard, and whose disk is full or takes nothing, would be waited for without
 * end: it begins a round and never ends it. While it is sent a snapshot it takes no entries, and
 * how long that may be without a byte more is the owner's to say. */
static bool stands_still(const struct raft *raft, const struct raft_progress *peer) {
    uint64_t advanced_us =
        peer->matched_us > peer->excused_us ? peer->matched_us : peer->excused_us;
    return peer->state != RAFT_SNAPSHOT && has_been(raft, advanced_us, STANDSTILL_TIMEOUT_MAXIMUM);
}

static enum raft_give_up_cause hopelessness(const struct raft *raft,
                                            const struct raft_progress *peer) {
    if (peer->round > ROUND_MAXIMUM)
        return RAFT_GIVE_UP_ROUNDS;
    if (has_been(raft, peer->heard_us, SILENT_TIMEOUT_MAXIMUM))
        return RAFT_GIVE_UP_SILENT;
    return stands_still(raft, peer) ? RAFT_GIVE_UP_STANDSTILL : RAFT_GIVE_UP_NOTHING;
}

/* What is wanted then is what there is: the learners go. */
static void change_give_up(struct raft *raft, raft_node_number learner,
                           enum raft_give_up_cause cause) {
    raft->step.given_up_learner = learner;
    raft->step.give_up_cause = cause;
    raft->wanted = *raft_members(raft);
}

static bool learners_caught_up(struct raft *raft) {
    const struct raft_configuration *members = raft_members(raft);
    bool are_all = true;
    for (unsigned i = 0; i < members->learner_count; i++) {
        struct raft_progress *peer = raft_peer(raft, members->learners[i]);
        CHECK(peer != NULL); /* I3 */
        if (is_caught_up(raft, peer))
            continue;
        are_all = false;
        enum raft_give_up_cause cause = hopelessness(raft, peer);
        if (cause != RAFT_GIVE_UP_NOTHING) {
            change_give_up(raft, peer->node, cause);
            return false;
        }
    }
    return are_all;
}

/* ---- the steps ---- */

static void learners_of(const struct raft_configuration *members,
                        const struct raft_configuration *wanted, struct raft_configuration *next) {
    *next = *members;
    next->wish = wanted->wish;
    next->learner_count = 0;
    for (unsigned i = 0; i < wanted->voter_count; i++)
        if (!raft_configuration_has_voter(members, wanted->voters[i]))
            next->learners[next->learner_count++] = wanted->voters[i];
}

static void joint_enter(struct raft *raft) {
    const struct raft_configuration *members = raft_members(raft);
    struct raft_configuration next = {.voter_count = raft->wanted.voter_count,
                                      .old_voter_count = members->voter_count,
                                      .wish = raft->wanted.wish};
    memcpy(next.voters, raft->wanted.voters, sizeof next.voters);
    memcpy(next.old_voters, members->voters, sizeof next.old_voters);
    configuration_append(raft, &next);
}

/* A leader that does not stay hands over first, so that nobody has to wait for an election; if
 * nobody takes it in time, it leads until the configuration without it is committed (4.2.2). */
static void joint_leave(struct raft *raft) {
    struct raft_configuration next = *raft_members(raft);
    if (!raft_configuration_keeps_voter(&next, raft->self) && !raft->is_hand_over_tried) {
        raft->is_hand_over_tried = true;
        raft_transfer(raft, 0);
        if (raft->transfer.to != 0)
            return;
    }
    next.old_voter_count = 0;
    configuration_append(raft, &next);
}

/* Without them what is appended from here on could be neither committed nor taken back: the shard
 * would stand still though its voters of now go on, and for ever if those do not come back. */
static bool is_majority_heard(struct raft *raft, const struct raft_configuration *wanted) {
    unsigned heard_count = 0;
    for (unsigned i = 0; i < wanted->voter_count; i++) {
        const struct raft_progress *peer = raft_peer(raft, wanted->voters[i]);
        heard_count += wanted->voters[i] == raft->self || (peer != NULL && is_heard(raft, peer));
    }
    return heard_count * 2 > wanted->voter_count;
}

static void change_advance(struct raft *raft) {
    const struct raft_configuration *members = raft_members(raft), *wanted = &raft->wanted;
    struct raft_configuration next;
    learners_of(members, wanted, &next);
    bool is_learning =
        next.wish == members->wish && next.learner_count == members->learner_count &&
        contains_all(next.learner_count, next.learners, members->learner_count, members->learners);
    if (!is_learning)
        configuration_append(raft, &next);
    else if (has_same_voters(members, wanted))
        raft->wanted = (struct raft_configuration){0}; /* done */
    else if (learners_caught_up(raft) && is_majority_heard(raft, wanted))
        joint_enter(raft);
}

void raft_change_continue(struct raft *raft) {
    if (raft->role != RAFT_LEADER || raft->transfer.to != 0)
        return;
    const struct raft_configuration *members = raft_members(raft);
    bool is_staying = raft_configuration_keeps_voter(members, raft->self);
    bool is_idle = raft->wanted.voter_count == 0 && !is_joint(members) && is_staying;
    bool may_go_on = raft_has_term_commit(raft) && is_settled(raft);
    if (PLANTED(CHANGE_BEFORE_COMMIT))
        may_go_on = true;
    if (is_idle || !may_go_on)
        return;
    if (is_joint(members)) {
        joint_leave(raft);
    } else if (!is_staying) {
        raft_heartbeat_all(raft); /* they hear that it is committed */
        raft_follow(raft, raft->term, 0);
    } else {
        change_advance(raft);
    }
}

/* ---- without a majority ---- */

/* An entry that no leader appended: its term is one in which nobody else can be elected with the
 * vote of this replica, and it makes this replica a majority. What is not committed by then becomes
 * so, as it would under any leader whose log holds it. */
void raft_recover(struct raft *raft, const struct raft_configuration *forced) {
    bool is_alone = raft_configuration_is_sole_voter(raft_members(raft), raft->self);
    bool is_possible = raft_configuration_is_sole_voter(forced, raft->self) &&
                       forced->wish >= raft_members(raft)->wish;
    if (is_alone)
        return; /* asked again, or nobody is missing */
    if (!is_possible || raft->leader != 0) {
        raft->step.proposal_error = raft->leader != 0 ? ERR_BUSY : ERR_INVALID;
        return;
    }
    raft_follow(raft, raft->term + RAFT_RECOVERY_TERMS, 0);
    raft->vote = raft->self;
    raft->granted_count = 0;
    if (PLANTED(RECOVERY_DROPS_UNCONFIRMED) && raft_last(raft) > raft->commit_index)
        raft_suffix_truncate(raft, raft->commit_index + 1);
    raft_entry_append(raft, configuration_entry(raft, forced));
    raft->role = RAFT_CANDIDATE;
    raft_election_deadline_draw(raft);
    log_line(raft->log_lines, LOG_WARN, "the shard goes on from this replica alone",
             LOG_F("shard", raft->shard), LOG_F("node", raft->self), LOG_F("term", raft->term),
             LOG_F("index", raft_last(raft)));
    raft_own_vote_count(raft);
}
