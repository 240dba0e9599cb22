/* All that one replica holds, for the rooms of raft/ alone. Which calls which: LAYERS, ORDER.
 *
 * Invariants, checked at the end of every step (step.c):
 *   I1 base_index <= commit_index <= last index
 *   I2 durable_index <= last index
 *   I3 a leader knows itself as leader and has progress for every other member
 *   I4 the term never falls, and within a term a vote never changes
 *   I5 the log is never truncated at or below the commit index (save.c)
 *   I6 a quiet shard has a leader, and all of its log committed */
#pragma once
#include "base/random.h"
#include "raft/events/actions.h"
#include "raft/events/event.h"
#include "raft/events/options.h"
#include "raft/events/role.h"
#include "raft/parts/configuration_marks.h"
#include "raft/parts/log.h"
#include "raft/parts/pair.h"
#include "raft/parts/progress.h"

enum { RAFT_MEMBER_MAXIMUM = 3 * RAFT_VOTER_MAXIMUM };

struct raft_pending_save {
    uint64_t sequence;
    raft_index last_index; /* the log's end once it is durable; lowered by later truncations */
};
/* What was given to be saved, and what of it is durable (save.c). */
struct raft_saves {
    uint64_t sequence, durable_sequence;
    uint64_t state_sequence; /* the save that holds the present term and vote */
    raft_index durable_index;
    struct raft_pending_save *pending; /* oldest first */
    size_t count, capacity;
};

/* A read at the leader that waits for a round of heartbeats. */
struct raft_waiting_read {
    uint64_t id;           /* read_id, or the number that `from` gave it */
    raft_node_number from; /* 0: our own */
    raft_index index;
    uint64_t round; /* 0: nothing of this term is committed yet */
};
struct raft_reads {
    uint64_t round, confirmed_round;
    struct raft_waiting_read *waiting;
    size_t waiting_count, waiting_capacity;
};

/* A read at a follower that waits for the leader's answer. */
struct raft_forwarded_read {
    uint64_t number, read_id, sent_us;
};
struct raft_forwarded {
    uint64_t next_number;
    struct raft_forwarded_read *reads;
    size_t count, capacity;
};

/* Leader: until when it may answer reads by itself (lease.c). */
struct raft_lease {
    uint64_t until_us;
    bool is_given_up; /* a successor was told to campaign: no lease for the rest of this term */
};

/* Leader: the lead is being given to another (transfer.c). */
struct raft_transfer {
    raft_node_number to; /* 0: no transfer */
    uint64_t deadline_us;
    bool is_told; /* `to` was told to campaign */
};

/* Leader: answers before the disk (commit.c). */
struct raft_early {
    raft_index asked_index; /* the newest entry of this term that asks for an early answer */
    raft_index index;       /* received by a majority, up to asked_index */
    uint32_t patience_us;   /* of the newest entry: its sync may wait for so long */
};

/* Leader: what says whom entries wait for (replication/lazy.c). */
struct raft_laziness {
    struct raft_stopwatch commits;    /* from proposing an entry until a majority answers for it */
    struct raft_stopwatch saves_here; /* until it is on disk here */
    raft_index late_index;            /* a majority had to do without this disk */
    bool is_hedging; /* the commit that is timed takes too long: nobody is lazy until it lands */
};

/* What a step hands out, beside what is to be saved. */
struct raft_outbox {
    struct raft_outgoing *messages;
    size_t message_count, message_capacity;
    struct raft_read_answer *answers;
    size_t answer_count, answer_capacity;
};

/* Where a log that was lost may have ended: below it this replica neither campaigns nor votes. */
struct raft_log_floor {
    raft_index index; /* 0: its log was never removed */
    raft_term term;
};

/* A node that is not willing to lead. */
struct raft_stander {
    raft_node_number node;
    enum raft_standing standing;
};

/* What the step in hand has to report; begun anew by each. */
struct raft_step_results {
    uint64_t save_sequence;
    raft_index truncate_from, save_from;
    bool is_state_saved;
    raft_node_number snapshot_wanted_by[RAFT_VOTER_MAXIMUM];
    size_t snapshot_wanted_count;
    int proposal_error;
    bool is_campaign_begun, is_transfer_begun, is_move_begun, is_hedged;
    enum raft_election_cause campaign_cause;
    raft_node_number given_up_learner;
    enum raft_give_up_cause give_up_cause;
    enum raft_role role_before;
    raft_term term_before;
    raft_node_number leader_before, vote_before;
};

struct raft {
    raft_node_number self;
    struct raft_timing timing;
    struct random random;
    const struct log *log_lines; /* borrowed, or NULL */
    unsigned shard;

    raft_term term;
    raft_node_number vote;
    enum raft_role role;
    raft_node_number leader;
    struct raft_log log;
    struct raft_configuration_marks configurations;
    raft_index commit_index, applied_index;
    struct raft_log_floor floor;
    uint64_t uncommitted_bytes;

    uint64_t now_us; /* of the newest event; never goes back */
    uint64_t election_deadline_us;
    uint64_t
        promised_until_us; /* no vote for anybody but a forced one before: a lease may be out */
    enum raft_election_cause campaign_cause; /* of the deadline that is running */
    bool is_full;         /* takes no entries from a leader: there is no space for them */
    bool is_contradicted; /* in doubt, and this term's leader has not what is committed here */
    bool is_behind;       /* lacks what its leader, when last heard, had committed */
    size_t stander_count; /* of `standers` */

    bool is_quiet;
    uint64_t quiet_since_us;
    uint64_t active_us;            /* leader: when it last did anything but heartbeats */
    struct raft_pair *leader_pair; /* follower, while quiet */
    struct raft_pair *(*pair_of)(void *context, unsigned shard, raft_node_number peer);
    void *pair_context;

    struct raft_saves saves;

    size_t granted_count; /* of `granted_by` */

    /* Leader only, until `reads`. */
    size_t peer_count, peer_used; /* of `peers`; peer_used: how many ever held memory */
    raft_index term_start_index;  /* the no-op of this term */
    uint64_t led_since_us, quorum_check_us;
    struct raft_lease lease;
    struct raft_transfer transfer;
    bool has_led;
    bool is_hand_over_tried; /* this leader is on its way out, and offered the lead to another */
    uint64_t change_began_us;
    uint64_t moved_us; /* when it last tried to give the lead away by itself; 0: never */
    struct raft_early early;
    struct raft_laziness lazy;
    struct raft_reads reads;

    struct raft_forwarded forwarded;

    struct raft_step_results step;
    struct raft_outbox outbox;

    struct raft_configuration wanted; /* leader: voters that were asked for; none: no change under
                                         way */

    /* Large, and mostly empty. They stand behind all that every step looks at, so that this lies in
     * one page of memory with the first peers: a node has many shards. */
    struct raft_progress peers[RAFT_MEMBER_MAXIMUM];   /* leader */
    struct raft_stander standers[RAFT_MEMBER_MAXIMUM]; /* who is not willing to lead, as told */
    raft_node_number granted_by[RAFT_MEMBER_MAXIMUM];  /* candidate: who granted */
};

static inline const struct raft_configuration *raft_members(const struct raft *raft) {
    return raft_configuration_marks_newest(&raft->configurations);
}
/* Is a change of the voters under way? What is only wished for, the leader alone knows. */
static inline bool raft_has_open_change(const struct raft *raft) {
    return raft_members(raft)->old_voter_count > 0 ||
           raft_configuration_marks_newest_index(&raft->configurations) > raft->commit_index ||
           (raft->role == RAFT_LEADER && raft->wanted.voter_count > 0);
}
static inline raft_index raft_last(const struct raft *raft) {
    return raft_log_last_index(&raft->log);
}
/* Before that, nothing of an earlier term counts as committed here (CBTR 6.4 step 1). */
static inline bool raft_has_term_commit(const struct raft *raft) {
    return raft->role == RAFT_LEADER && raft->commit_index >= raft->term_start_index;
}
/* The save that must be durable before the present term and vote may be told; 0: it is. */
static inline uint64_t raft_save_of_state(const struct raft *raft) {
    return raft->saves.state_sequence > raft->saves.durable_sequence ? raft->saves.state_sequence
                                                                     : 0;
}
