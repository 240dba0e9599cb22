/* The inside of one raft, for the files of this folder alone.
 *
 *   raft.c        one step: dispatch, deadlines, actions
 *   save.c        what was saved, what is durable
 *   election.c    pre-vote, vote, check-quorum, roles
 *   append.c      building and receiving appends
 *   replicate.c   the leader's sending, replies, the commit
 *   lazy.c        followers that no majority waits for
 *   read.c        leases and read rounds
 *   snapshot.c    compaction and snapshots
 *   change.c      who votes: learners, joint configurations
 *   transfer.c    giving leadership away
 *   standing.c    who would rather not lead
 *   quiet.c       idle shards that say nothing
 *   pair.c        the heartbeat of two nodes for all their quiet shards
 *
 * Invariants, checked at the end of every step (raft.c):
 *   I1 base_index <= commit_index <= last index
 *   I2 durable_index <= last index
 *   I3 a leader knows itself as leader and has progress for every other member
 *   I4 the term never falls, and within a term a vote never changes
 *   I5 the log is never truncated at or below the commit index (save.c)
 *   I6 a quiet shard has a leader, and all of its log committed */
#pragma once
#include "base/random.h"
#include "raft/configuration.h"
#include "raft/log.h"
#include "raft/pair.h"
#include "raft/progress.h"
#include "raft/quorum.h"
#include "raft/raft.h"

/* A voter that loses its leader gives each one before it in the configuration this long to win. */
#define CAMPAIGN_STAGGER_US ((uint64_t)15 * 1000)

enum {
    RAFT_MEMBER_MAXIMUM = 3 * RAFT_VOTER_MAXIMUM,
    RAFT_READ_MAXIMUM = 65536, /* reads waiting in one replica; further ones are refused */
};
/* Terms and indexes beyond this are malformed, so that counting on from them never overflows. */
#define RAFT_NUMBER_MAXIMUM ((uint64_t)1 << 62)

struct raft_pending_save {
    uint64_t sequence;
    raft_index last_index; /* the log's end once it is durable; lowered by later truncations */
};
/* A read at the leader that waits for a round of heartbeats. */
struct raft_waiting_read {
    uint64_t id;           /* read_id, or the number that `from` gave it */
    raft_node_number from; /* 0: our own */
    raft_index index;
    uint64_t round; /* 0: nothing of this term is committed yet */
};
/* A read at a follower that waits for the leader's answer. */
struct raft_forwarded_read {
    uint64_t number, read_id, sent_us;
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
    raft_index proposed_index;
    bool is_campaign_begun, is_transfer_begun, is_move_begun, is_hedged;
    enum raft_election_cause campaign_cause;
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
    raft_index floor_index; /* 0: its log was never removed */
    raft_term floor_term;
    uint64_t uncommitted_bytes;

    uint64_t now_us; /* of the newest event; never goes back */
    uint64_t election_deadline_us;
    uint64_t
        promised_until_us; /* no vote for anybody but a forced one before: a lease may be out */
    enum raft_election_cause campaign_cause; /* of the deadline that is running */
    bool is_full;         /* takes no entries from a leader: there is no space for them */
    bool is_behind;       /* lacks what its leader, when last heard, had committed */
    size_t stander_count; /* of `standers` */

    bool is_quiet;
    uint64_t quiet_since_us;
    uint64_t active_us;            /* leader: when it last did anything but heartbeats */
    struct raft_pair *leader_pair; /* follower, while quiet */
    struct raft_pair *(*pair_of)(void *context, unsigned shard, raft_node_number peer);
    void *pair_context;

    uint64_t save_sequence, durable_sequence;
    uint64_t state_sequence; /* the save that holds the present term and vote */
    raft_index durable_index;
    struct raft_pending_save *saves; /* oldest first */
    size_t save_count, save_capacity;

    size_t granted_count; /* of `granted_by` */

    /* Leader only, until `waiting_reads`. */
    size_t peer_count, peer_used; /* of `peers`; peer_used: how many ever held memory */
    raft_index term_start_index;  /* the no-op of this term */
    uint64_t led_since_us, quorum_check_us;
    uint64_t lease_until_us;
    bool has_led;
    raft_node_number transfer_to; /* 0: no transfer */
    uint64_t transfer_deadline_us;
    bool is_transfer_told;  /* transfer_to was told to campaign */
    bool is_lease_given_up; /* a successor was told to campaign: no lease for the rest of this term
                             */
    uint64_t change_began_us;
    uint64_t moved_us;            /* when it last tried to give the lead away by itself; 0: never */
    raft_index early_asked_index; /* the newest entry of this term that asks for an early answer */
    uint32_t patience_us;         /* of the newest entry: its sync may wait for so long */
    raft_index early_index;       /* received by a majority, up to early_asked_index */
    bool is_hand_over_tried; /* this leader is on its way out, and offered the lead to another */
    struct raft_stopwatch commits;    /* from proposing an entry until a majority answers for it */
    struct raft_stopwatch saves_here; /* until it is on disk here */
    raft_index late_index;            /* a majority had to do without this disk */
    bool is_hedging; /* the commit that is timed takes too long: nobody is lazy until it lands */
    uint64_t read_round, confirmed_round;
    struct raft_waiting_read *waiting_reads;
    size_t waiting_read_count, waiting_read_capacity;

    uint64_t next_read_number;
    struct raft_forwarded_read *forwarded_reads;
    size_t forwarded_read_count, forwarded_read_capacity;

    struct raft_step_results step;
    struct raft_outgoing *messages;
    size_t message_count, message_capacity;
    struct raft_read_answer *answers;
    size_t answer_count, answer_capacity;

    /* Large, and mostly empty. They stand behind all that every step looks at, so that this lies in
     * one page of memory with the first peers: a node has many shards. */
    struct raft_progress peers[RAFT_MEMBER_MAXIMUM];   /* leader */
    struct raft_configuration wanted;                  /* leader: voters that were asked for; none:
                                                          no change under way */
    struct raft_stander standers[RAFT_MEMBER_MAXIMUM]; /* who is not willing to lead, as told */
    raft_node_number granted_by[RAFT_MEMBER_MAXIMUM];  /* candidate: who granted */
};

static inline const struct raft_configuration *raft_members(const struct raft *raft) {
    return raft_configuration_marks_newest(&raft->configurations);
}
static inline raft_index raft_last(const struct raft *raft) {
    return raft_log_last_index(&raft->log);
}
/* The array with room for one more element; it may move. */
void *raft_array_grow(void *array, size_t count, size_t *capacity, size_t element_bytes);
/* Takes `gone` elements out of the array at `position`; returns how many are left. */
size_t raft_array_remove(void *array, size_t count, size_t position, size_t gone,
                         size_t element_bytes);

/* raft.c: the message is valid until the next push; from, to and term are filled in. */
struct raft_message *raft_message_push(struct raft *raft, enum raft_message_kind kind,
                                       raft_node_number to, uint64_t after_save);
void raft_answer_push(struct raft *raft, uint64_t read_id, raft_index index, bool is_refused);
struct raft_progress *raft_peer(struct raft *raft, raft_node_number node); /* NULL if none */
void raft_peer_add(struct raft *raft, raft_node_number node);

/* save.c */
void raft_state_save(struct raft *raft);
void raft_entry_append(struct raft *raft, struct raft_entry *entry); /* takes */
void raft_suffix_truncate(struct raft *raft, raft_index from);
void raft_history_replace(struct raft *raft, raft_index base_index, raft_term base_term);
void raft_saves_finish(struct raft *raft);
void raft_durable(struct raft *raft, uint64_t save_sequence);
/* The save that must be durable before the present term and vote may be told; 0: it is. */
uint64_t raft_save_of_state(const struct raft *raft);
/* The same of the entries up to `index`. */
uint64_t raft_save_of_index(const struct raft *raft, raft_index index);

/* election.c */
void raft_election_deadline_draw(struct raft *raft);
bool raft_may_campaign(const struct raft *raft);
void raft_election_tick(struct raft *raft);
void raft_quorum_tick(struct raft *raft);
void raft_follow(struct raft *raft, raft_term term, raft_node_number leader);
void raft_leader_heard(struct raft *raft);
void raft_leader_lost(struct raft *raft, enum raft_election_cause cause);
void raft_campaign(struct raft *raft, bool is_forced);
void raft_own_vote_count(struct raft *raft);
void raft_pre_vote_receive(struct raft *raft, const struct raft_message *message);
void raft_pre_vote_reply_receive(struct raft *raft, const struct raft_message *message);
void raft_vote_receive(struct raft *raft, const struct raft_message *message);
void raft_vote_reply_receive(struct raft *raft, const struct raft_message *message);
/* Follows a newer term; false if the message's term is an old one. */
bool raft_term_observe(struct raft *raft, const struct raft_message *message);

/* append.c */
bool raft_append_send(struct raft *raft, struct raft_progress *peer);
struct raft_message *raft_heartbeat_send(struct raft *raft, struct raft_progress *peer);
void raft_append_receive(struct raft *raft, const struct raft_message *message);

/* replicate.c */
void raft_replicate(struct raft *raft, struct raft_progress *peer);
void raft_replicate_all(struct raft *raft);
void raft_heartbeat_all(struct raft *raft);
void raft_heartbeat_tick(struct raft *raft);
void raft_propose(struct raft *raft, struct raft_entry *entry);
void raft_append_reply_receive(struct raft *raft, const struct raft_message *message);
void raft_commit_advance(struct raft *raft);
void raft_commit_set(struct raft *raft, raft_index index);
void raft_early_advance(struct raft *raft);
bool raft_has_term_commit(const struct raft *raft);

/* lazy.c */
void raft_lazy_begin(struct raft *raft);
void raft_lazy_note(struct raft *raft, const struct raft_entry *entry);
void raft_lazy_note_sent(const struct raft *raft, struct raft_progress *peer,
                         const struct raft_message *append);
bool raft_lazy_waits(const struct raft *raft, const struct raft_progress *peer);
/* Somebody waits for the peer to have all up to `index`. */
void raft_peer_hurry(struct raft *raft, struct raft_progress *peer, raft_index index);
void raft_hurry(struct raft *raft, raft_index index);
void raft_lazy_continue(struct raft *raft);
uint64_t raft_lazy_deadline_us(const struct raft *raft);

/* read.c */
void raft_read(struct raft *raft, uint64_t read_id);
void raft_reads_continue(struct raft *raft);
void raft_reads_refuse(struct raft *raft);
void raft_forwarded_refuse(struct raft *raft, uint64_t sent_before_us);
void raft_lease_renew(struct raft *raft);
/* How long a leader counts on a promise, from when it asked for it. */
uint64_t raft_lease_of_promise_us(const struct raft_timing *timing, uint64_t promise_us);
void raft_read_index_receive(struct raft *raft, const struct raft_message *message);
void raft_read_index_reply_receive(struct raft *raft, const struct raft_message *message);

/* snapshot.c */
void raft_snapshot_want(struct raft *raft, struct raft_progress *peer);
void raft_snapshot_sent(struct raft *raft, raft_node_number node, raft_index index, bool is_failed);
void raft_snapshot_installed(struct raft *raft, const struct raft_event *event);
void raft_compact(struct raft *raft, raft_index snapshot_index);
void raft_forget(struct raft *raft, raft_index forget_index, uint64_t kept_bytes);

/* change.c */
void raft_change(struct raft *raft, const struct raft_configuration *wanted);
void raft_change_continue(struct raft *raft);
void raft_recover(struct raft *raft, const struct raft_configuration *forced);
uint64_t raft_change_deadline_us(const struct raft *raft);

/* transfer.c */
void raft_transfer(struct raft *raft, raft_node_number node);
/* The voter to give the lead to: heard lately, the most willing, then the most caught-up. 0: none.
 */
raft_node_number raft_successor(const struct raft *raft);
void raft_transfer_continue(struct raft *raft);
void raft_transfer_tick(struct raft *raft);
void raft_timeout_now_receive(struct raft *raft, const struct raft_message *message);

/* standing.c */
void raft_standing_take(struct raft *raft, raft_node_number node, enum raft_standing standing);
bool raft_stands_back(const struct raft *raft);
void raft_move_tick(struct raft *raft);
uint64_t raft_move_deadline_us(const struct raft *raft);

/* quiet.c: NULL: there is none with it */
struct raft_pair *raft_pair_with(const struct raft *raft, raft_node_number peer);
/* What own appends, and those that a pair's heartbeats stood in for, are worth together */
uint64_t raft_peer_lease_until_us(const struct raft *raft, const struct raft_progress *peer);
uint64_t raft_progress_heard_us(const struct raft *raft, const struct raft_progress *peer);
uint64_t raft_promised_until_us(const struct raft *raft);
bool raft_quiet_is_heard(const struct raft *raft);
void raft_quiet_tick(struct raft *raft); /* falls quiet if it may */
void raft_quiet_end(struct raft *raft);  /* is, or stays, awake */
void raft_quiet_wake_told(struct raft *raft);
bool raft_quiet_follow(struct raft *raft, const struct raft_message *append);
void raft_quiet_reply_take(struct raft *raft, const struct raft_message *reply);
