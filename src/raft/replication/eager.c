#include "raft/replication/eager.h"
#include "base/check.h"
#include "raft/replication/append.h"
#include "raft/replication/lazy.h"
#include "raft/replication/replicate.h"
#include "raft/state/lease.h"
#include "raft/state/standing.h"

enum {
    HEDGE_DEVIATIONS = 4, /* RFC 6298, section 2 */
    HEDGE_LEAST_US = 1000,
    /* A lazy follower takes the place of an eager one if it answers in less than one in so many of
     * its time. */
    LAZY_HANDICAP = 2,
    BUSY_INTERVALS = 2 /* whose entries came here within so many lazy_us */
};

void raft_peer_hurry(struct raft *raft, struct raft_progress *peer, raft_index index) {
    if (index > peer->hurry_index)
        peer->hurry_index = index;
    if (peer->state == RAFT_REPLICATE)
        raft_replicate(raft, peer);
}

void raft_hurry(struct raft *raft, raft_index index) {
    for (size_t i = 0; raft->role == RAFT_LEADER && i < raft->peer_count; i++)
        raft_peer_hurry(raft, &raft->peers[i], index);
}

/* ---- when ---- */

static bool has_any_lazy(const struct raft *raft) {
    for (size_t i = 0; i < raft->peer_count; i++)
        if (raft->peers[i].is_lazy && raft->peers[i].state == RAFT_REPLICATE)
            return true;
    return false;
}

/* Twice the mean at least: where commits take as long as the last one, to the microsecond, the
 * deviation is nothing. */
static uint64_t hedge_us(const struct raft *raft) {
    const struct raft_stopwatch *commits = &raft->lazy.commits;
    uint64_t spread_us = HEDGE_DEVIATIONS * commits->deviation_us;
    uint64_t hedge_us =
        commits->mean_us + (spread_us > commits->mean_us ? spread_us : commits->mean_us);
    return hedge_us > HEDGE_LEAST_US ? hedge_us : HEDGE_LEAST_US;
}

static uint64_t hedge_deadline_us(const struct raft *raft) {
    bool may_hedge = raft->lazy.commits.index != 0 && has_any_lazy(raft);
    return may_hedge ? raft->lazy.commits.since_us + hedge_us(raft) : UINT64_MAX;
}

uint64_t raft_lazy_deadline_us(const struct raft *raft) {
    uint64_t deadline_us = hedge_deadline_us(raft);
    for (size_t i = 0; i < raft->peer_count; i++) {
        const struct raft_progress *peer = &raft->peers[i];
        bool is_waiting = peer->is_lazy && peer->state == RAFT_REPLICATE &&
                          peer->next_index <= raft_last(raft) && raft_append_has_room(raft, peer);
        if (is_waiting && raft_lazy_due_us(raft, peer) < deadline_us)
            deadline_us = raft_lazy_due_us(raft, peer);
    }
    return deadline_us;
}

/* ---- who ---- */

/* Entries that may wait for the disk are answered for once they are received. */
static bool is_patient(const struct raft *raft) { return raft->early.patience_us > 0; }

static raft_index answered_index(const struct raft *raft, const struct raft_progress *peer) {
    return is_patient(raft) ? raft_progress_received(peer) : peer->match_index;
}

static bool is_prompt(const struct raft *raft, const struct raft_progress *peer) {
    return peer->state == RAFT_REPLICATE && peer->answers.mean_us != 0 &&
           answered_index(raft, peer) >= peer->late_index &&
           raft_configuration_has_voter(raft_members(raft), peer->node);
}

struct candidate {
    struct raft_progress *peer; /* NULL: the leader's own disk */
    uint64_t time_us;
};

struct candidates {
    struct candidate items[RAFT_VOTER_MAXIMUM]; /* the fastest first */
    size_t count;
};

/* Among equals who came first is before. */
static void candidate_add(struct candidates *candidates, struct raft_progress *peer,
                          uint64_t time_us) {
    CHECK(candidates->count < RAFT_VOTER_MAXIMUM);
    size_t at = candidates->count++;
    for (; at > 0 && candidates->items[at - 1].time_us > time_us; at--)
        candidates->items[at] = candidates->items[at - 1];
    candidates->items[at] = (struct candidate){.peer = peer, .time_us = time_us};
}

static void candidates_gather(struct raft *raft, struct candidates *candidates) {
    candidates->count = 0;
    bool is_disk_late = !is_patient(raft) && raft->saves.durable_index < raft->lazy.late_index;
    if (raft->lazy.saves_here.mean_us != 0 && !is_disk_late &&
        raft_configuration_has_voter(raft_members(raft), raft->self))
        candidate_add(candidates, NULL, raft->lazy.saves_here.mean_us);
    for (size_t i = 0; i < raft->peer_count; i++) {
        struct raft_progress *peer = &raft->peers[i];
        uint64_t handicap = peer->is_lazy ? LAZY_HANDICAP : 1;
        if (is_prompt(raft, peer))
            candidate_add(candidates, peer, peer->answers.mean_us * handicap);
    }
}

static bool may_be_lazy(const struct raft *raft) {
    return !raft->lazy.is_hedging && !raft_has_open_change(raft) &&
           raft_standing_of(raft, raft->self) == RAFT_WILLING;
}

/* What it is sent at once then joins a round of its log that there would be in any case. Where all
 * nodes lead, to wait for one of the others alone would only make rounds longer. */
static bool is_busy(const struct raft *raft, const struct raft_progress *peer) {
    const struct raft_pair *pair = raft_pair_with(raft, peer->node);
    return pair != NULL && pair->entries_us != 0 &&
           raft->now_us < pair->entries_us + BUSY_INTERVALS * raft->timing.lazy_us;
}

/* Where fewer than a majority answer as they should, nobody is left out. */
static void eager_choose(struct raft *raft) {
    struct candidates candidates;
    size_t majority = raft_members(raft)->voter_count / 2 + 1;
    candidates_gather(raft, &candidates);
    bool may_choose = may_be_lazy(raft) && candidates.count >= majority;
    for (size_t i = 0; i < raft->peer_count; i++)
        raft->peers[i].is_lazy = may_choose && !is_busy(raft, &raft->peers[i]);
    for (size_t i = 0; may_choose && i < majority; i++)
        if (candidates.items[i].peer != NULL)
            candidates.items[i].peer->is_lazy = false;
}

/* ---- the hedge ---- */

static void time_is_at_least(struct raft_stopwatch *watch, uint64_t time_us) {
    if (watch->mean_us < time_us)
        watch->mean_us = time_us;
}

/* Whoever had the entry and has not answered for it is late until it does. */
static void hedge(struct raft *raft) {
    raft_index index = raft->lazy.commits.index;
    uint64_t elapsed_us = raft->now_us - raft->lazy.commits.since_us;
    raft->lazy.is_hedging = raft->step.is_hedged = true;
    if (!is_patient(raft) && raft->saves.durable_index < index) {
        raft->lazy.late_index = index;
        time_is_at_least(&raft->lazy.saves_here, elapsed_us);
    }
    for (size_t i = 0; i < raft->peer_count; i++) {
        struct raft_progress *peer = &raft->peers[i];
        if (peer->is_lazy || answered_index(raft, peer) >= index)
            continue;
        peer->late_index = index;
        time_is_at_least(&peer->answers, elapsed_us);
    }
}

static void watches_land(struct raft *raft) {
    raft_index landed_index =
        raft->early.index > raft->commit_index ? raft->early.index : raft->commit_index;
    raft_stopwatch_land(&raft->lazy.commits, landed_index, raft->now_us);
    if (landed_index < raft_last(raft)) /* was proposed while another was timed: from now on */
        raft_stopwatch_start(&raft->lazy.commits, raft_last(raft), raft->now_us);
    raft_stopwatch_land(&raft->lazy.saves_here, raft->saves.durable_index, raft->now_us);
    for (size_t i = 0; i < raft->peer_count; i++)
        raft_stopwatch_land(&raft->peers[i].answers, raft->peers[i].match_index, raft->now_us);
}

/* The setting was changed: nobody is lazy, and what was timed until now says nothing later. */
static void lazy_end(struct raft *raft) {
    raft_lazy_begin(raft);
    for (size_t i = 0; i < raft->peer_count; i++) {
        raft->peers[i].is_lazy = false;
        raft->peers[i].answers = (struct raft_stopwatch){0};
        if (raft->peers[i].state == RAFT_REPLICATE)
            raft_replicate(raft, &raft->peers[i]);
    }
}

void raft_lazy_continue(struct raft *raft) {
    if (raft->role != RAFT_LEADER)
        return;
    if (raft->timing.lazy_us == 0) {
        if (raft->lazy.commits.since_us != 0)
            lazy_end(raft);
        return;
    }
    watches_land(raft);
    raft->lazy.is_hedging = raft->lazy.is_hedging && raft->lazy.commits.index != 0;
    if (raft->now_us >= hedge_deadline_us(raft))
        hedge(raft);
    bool was_any_lazy = has_any_lazy(raft);
    eager_choose(raft);
    for (size_t i = 0; was_any_lazy && i < raft->peer_count; i++)
        if (raft->peers[i].state == RAFT_REPLICATE)
            raft_replicate(raft, &raft->peers[i]);
}
