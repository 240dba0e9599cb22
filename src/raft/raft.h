/* Raft for one shard: events in, actions out. No I/O, no clock, no thread: raft_step() is told what
 * happened and when, and says what is to be done. Ongaro's thesis (CBTR) is cited by section.
 *
 *      event --> raft_step --> actions:  records to save   (in order, numbered by save_sequence)
 *                                        messages          (at once, or once a save is durable)
 *                                        commit_index      (apply up to here)
 *                                        reads answered, snapshots wanted,
 *                                        leadership news, the next deadline
 *
 * Invariants: term never falls; one vote a term, durable before it is told; a leader counts only
 * entries of its own term (5.4.2); an entry is committed only when durable on a majority of voters,
 * the leader's own disk being one of them or not; a configuration takes effect when it is appended.
 *
 * Beside the commit index a leader knows an early index: up to there a majority has received its
 * entries, durable or not. It moves for entries that ask for it (raft_entry.is_early) and decides
 * nothing here: elections, snapshots, membership and truncation know the commit index alone. */
#pragma once
#include "base/log.h"
#include "base/random.h"
#include "raft/entry.h"

enum {
    RAFT_VOTER_MAXIMUM = 16,
    /* A recovery leaves so many terms behind, so that nobody who was given up is ahead of it. */
    RAFT_RECOVERY_TERMS = 1 << 20
};

/* Who votes. `old_voters` is empty unless a joint configuration is in force (CBTR 4.3): then every
 * majority is one of both halves. Learners receive the log and do not vote. A replica that is new
 * begins with nobody in it, so it never campaigns before the log tells who votes. Encoded: u8 count
 * + u32 each, for voters, old_voters, learners.
 */
struct raft_configuration {
    uint8_t voter_count, old_voter_count, learner_count;
    raft_node_number voters[RAFT_VOTER_MAXIMUM];
    raft_node_number old_voters[RAFT_VOTER_MAXIMUM];
    raft_node_number learners[RAFT_VOTER_MAXIMUM];
    /* Which wish of the owner's it fulfils, or is on the way to: opaque to raft, 0 for none, and
     * never falling along the log, so that a leader who has not heard of a newer wish cannot undo
     * it. */
    uint64_t wish;
};
void raft_configuration_encode(const struct raft_configuration *configuration, struct buffer *out);
int raft_configuration_decode(struct raft_configuration *configuration, struct bytes in) MUST_CHECK;
bool raft_configuration_has_voter(const struct raft_configuration *configuration,
                                  raft_node_number node);

enum raft_role { RAFT_FOLLOWER, RAFT_PRE_CANDIDATE, RAFT_CANDIDATE, RAFT_LEADER };

/* How gladly a node would lead, as its owner sees it. A hint: it orders those who may lead, and
 * keeps nobody from leading whom the others need. */
enum raft_standing {
    RAFT_WILLING,
    RAFT_RELUCTANT, /* rather another: its disk is slow, say */
    RAFT_UNFIT,     /* it cannot take what it would lead for: its disk is full. It does not wait */
    RAFT_LEAVING    /* about to stop: never chosen while anybody else is there */
};

/* Why an election began: ELECTION_CAUSE(ID, name, what it means). */
enum raft_election_cause {
#define ELECTION_CAUSE(id, name, text) RAFT_ELECTION_##id,
#include "raft/election_cause.def"
#undef ELECTION_CAUSE
    RAFT_ELECTION_CAUSE_COUNT
};

/* Times in microseconds of one monotonic clock that counts suspended time. Replicas may differ in
 * them: each follower tells how long it keeps its promise to vote for nobody else, and a lease
 * counts on no more. */
struct raft_timing {
    uint64_t election_timeout_us; /* lower bound; the actual one is drawn from [1, 2) times this */
    uint64_t lease_us; /* who hears a leader promises to vote for nobody else for this long */
    uint64_t heartbeat_us;
    unsigned clock_drift_percent; /* given up from each lease */
    uint64_t window_bytes;        /* append bytes in flight to one follower */
    unsigned window_messages;     /* append messages in flight to one follower */
    uint64_t message_bytes;       /* entries of one append message, at least one entry */
    /* A follower that no majority waits for gets its entries so much later at the most, many at
     * once (lazy.c); at most heartbeat_us; 0: at once, as the others do. */
    uint64_t lazy_us;
    /* A reluctant leader waits so long from its election, and from its last try, before it gives
     * the lead away by itself. Nothing else ever waits for this. */
    uint64_t move_pause_us;
    uint64_t quiet_after_us; /* idle for so long, a shard falls quiet; 0: never */
};

struct raft_pair;
struct raft_options {
    raft_node_number self;
    struct raft_timing timing;
    uint64_t seed;         /* of the election jitter */
    const struct log *log; /* borrows; may be NULL */
    unsigned shard;        /* its number, in log lines and in the sets of quiet shards */
    /* What this node and a peer say of all their quiet shards (pair.h), and of this one among them;
     * it outlives the raft. NULL: it never falls quiet together with that peer. The function may be
     * NULL as well. */
    struct raft_pair *(*pair_of)(void *context, unsigned shard, raft_node_number peer);
    void *pair_context;
};

/* What recovery found, given to raft_new(). Raft takes the entries' references; they follow the
 * snapshot without a gap. If the disk holds another entry at snapshot_index than the snapshot's
 * (another term), what follows it there belongs to a log that the snapshot replaced, and must be
 * left out. */
struct raft_recovered {
    raft_term term;
    raft_node_number vote;
    raft_index snapshot_index; /* 0: none */
    raft_term snapshot_term;
    /* As of the snapshot, or the founding configuration. */
    struct raft_configuration configuration;
    struct raft_entry **entries;
    size_t entry_count;
    /* Of a replica that was removed here and its log with it, or of whose log damage took a part:
     * where that log ended. Its votes count as if it still had it: it votes for no log that ends
     * earlier and does not campaign with one. The term and vote above are still its own; a leader
     * of that term may count on what is gone, so after damage it must be a new one. 0, 0: none. */
    raft_index floor_index;
    raft_term floor_term;
    /* From here on no vote is given for as long as a leader may count on: by the timing, or by what
     * an earlier life promised (promise_us; 0: no longer than the timing says). */
    uint64_t now_us, promise_us;
};

enum raft_message_kind {
    RAFT_PRE_VOTE,
    RAFT_PRE_VOTE_REPLY,
    RAFT_VOTE,
    RAFT_VOTE_REPLY,
    RAFT_APPEND, /* entries, or none: a heartbeat / probe */
    RAFT_APPEND_REPLY,
    RAFT_READ_INDEX, /* a follower asks the leader for a read index */
    RAFT_READ_INDEX_REPLY,
    RAFT_TIMEOUT_NOW, /* leader to its chosen successor: campaign at once (CBTR 3.10) */
    RAFT_MESSAGE_KIND_COUNT
};

/* One message between replicas. Fields that a kind does not use are zero. */
struct raft_message {
    enum raft_message_kind kind;
    raft_node_number from, to;
    raft_term term;       /* the sender's term; of a pre-vote: the term it would campaign for */
    raft_index log_index; /* append: index before the entries; vote: last index; reply: match index
                             when accepted, the append's log_index when rejected */
    raft_term log_term;   /* append: term at log_index; vote: last term; append reply: for how many
                             microseconds after hearing the append its sender votes for nobody
                             else (leases) */
    raft_index commit_index; /* append; read-index reply: the read index */
    bool is_rejected;
    bool is_forced; /* vote: part of a leadership transfer, ignores stickiness */
    bool is_quiet;  /* append: nothing follows until the shard is woken; its reply: so be it
                       (quiet.c) */
    bool is_full;   /* append reply: its sender takes no entries for now */
    raft_index conflict_index; /* rejected append: where to go on, with conflict_term (CBTR 5.3's
                                  optimisation); accepted append: the last entry received, durable
                                  or not */
    raft_term conflict_term;
    uint64_t context;    /* append: sender's clock (us), echoed by the reply for leases; reads: the
                            read's number */
    uint64_t read_round; /* append: newest ReadIndex round the leader asks to confirm; echoed by the
                            reply */
    /* Append: how long the sync of its entries may wait, and whether their receipt is to be told
     * before it. */
    uint32_t patience_us;
    bool is_receipt_wanted;
    raft_index agreed_index;     /* accepted append: the log agrees up to here, durable or not */
    struct raft_entry **entries; /* append: in index order. In an action: borrowed, valid until the
                                    next step. In an event: raft keeps its own references. */
    size_t entry_count;
};

enum raft_event_kind {
    RAFT_TICK,    /* a deadline may have passed */
    RAFT_MESSAGE, /* message */
    RAFT_PROPOSE, /* payload_entry: raft takes the reference and seals it; refused unless leader */
    RAFT_DURABLE, /* everything up to save_sequence is on disk */
    RAFT_READ,    /* read_id: answer with an index from which a linearizable read may be served */
    RAFT_COMPACT, /* a durable snapshot at snapshot_index exists: forget the log before it, except
                     what a lagging transfer needs */
    /* Memory is wanted back: forget what is applied and durable here, up to forget_index, except
     * the newest kept_bytes and, on a leader, what a voter still lacks. Nothing changes on disk.
     * From then on a snapshot for others has to be as new as raft_first_index() - 1. */
    RAFT_FORGET,
    /* A snapshot from the leader replaced our state: snapshot_index, snapshot_term, configuration;
     * discards the log before it, or all of it. Nothing happens if snapshot_index is committed here
     * already, so look before replacing anything. */
    RAFT_SNAPSHOT_INSTALLED,
    RAFT_SNAPSHOT_SENT, /* to `peer`, at snapshot_index: go on replicating from there; is_rejected
                           if the transfer failed. Must follow each snapshot_wanted_by: until then
                           the peer gets heartbeats only */
    RAFT_PEER_LOST,     /* the stream to `peer` closed: in-flight appends may be lost; if it was the
                           leader, campaign as soon as stickiness allows */
    RAFT_PEER_SUSPECTED, /* others say that `peer` does not answer: if it is the leader and is not
                            heard here either, campaign as soon as stickiness allows */
    RAFT_STANDING,       /* `peer`, this node or another, has this `standing` from now on */
    RAFT_WAKE,           /* a pair's heartbeats speak for this quiet shard no more */
    RAFT_HURRY,          /* somebody waits for all replicas to have all up to hurry_index */
    RAFT_TRANSFER,       /* give leadership to `peer` (0: to the most caught-up voter) */
    /* `configuration` holds the voters that are wanted, and nothing else. New ones learn first,
     * then a joint configuration is entered and left; a learner that does not catch up is given up,
     * and the change with it. While they only learn, another wish takes the place of this one. */
    RAFT_CHANGE,
    /* The other voters are lost for good, says the operator: this replica alone votes from now on,
     * and all that its log holds is committed. Breaks every promise of Raft's if the others are
     * not lost. `configuration` holds this node and the wish. Refused (ERR_BUSY) while a leader is
     * known. */
    RAFT_RECOVER
};

struct raft_event {
    enum raft_event_kind kind;
    uint64_t now_us;
    const struct raft_message *message;
    struct raft_entry *payload_entry;
    uint64_t save_sequence;
    uint64_t read_id;
    raft_index snapshot_index;
    raft_term snapshot_term;
    raft_index forget_index;
    uint64_t kept_bytes;
    raft_index hurry_index;
    const struct raft_configuration *configuration;
    raft_node_number peer;
    bool is_rejected;
    enum raft_standing standing;
};

struct raft_outgoing {
    struct raft_message message;
    uint64_t after_save; /* 0: send at once; else send once that save_sequence is durable */
};
struct raft_read_answer {
    uint64_t read_id;
    raft_index index; /* serve once applied up to here */
    bool is_refused;  /* leadership unknown or lost: nothing may be served */
};

/* What is to be done, in this order: save, send, apply, answer. Arrays belong to raft and are valid
 * until the next step. A save consists of: truncate_from (if not 0: forget entries from there),
 * then entries, then term and vote if is_state_saved. It is numbered save_sequence (0: nothing to
 * save). */
struct raft_actions {
    uint64_t save_sequence;
    raft_index truncate_from;
    struct raft_entry **entries; /* borrowed */
    size_t entry_count;
    bool is_state_saved;
    raft_term term;
    raft_node_number vote;

    struct raft_outgoing *messages;
    size_t message_count;

    raft_index commit_index;
    raft_index early_index; /* at least commit_index */

    struct raft_read_answer *reads;
    size_t read_count;

    /* Followers whose next entry is compacted away. */
    raft_node_number snapshot_wanted_by[RAFT_VOTER_MAXIMUM];
    size_t snapshot_wanted_count;

    bool is_leadership_changed; /* role, term or known leader changed in this step */
    bool is_campaign_begun;     /* an election, for `campaign_cause` */
    enum raft_election_cause campaign_cause;
    bool is_transfer_begun; /* the leader began to give the lead away, for whatever reason... */
    bool is_move_begun;     /* ...and by itself: it is reluctant */
    bool is_hedged;         /* a commit took so long that followers were sent early what they were
                               to get later */
    uint64_t deadline_us;   /* step with RAFT_TICK at or after this */
    /* RAFT_PROPOSE: 0, ERR_NOT_LEADER, or ERR_BUSY while leadership is being transferred (reference
     * dropped). RAFT_CHANGE: also ERR_BUSY before an entry of this term is committed and until the
     * configuration in force is committed and not joint; ERR_INVALID for voters that cannot be. */
    int proposal_error;
    raft_index proposed_index; /* RAFT_PROPOSE: where the entry stands */
};

struct raft;
/* Takes the entries' references. `recovered->entries` itself stays the caller's. */
struct raft *raft_new(const struct raft_options *options, const struct raft_recovered *recovered);
void raft_free(struct raft *raft);
/* One event; fills *actions whole. */
void raft_step(struct raft *raft, const struct raft_event *event, struct raft_actions *actions);
void raft_set_timing(struct raft *raft, const struct raft_timing *timing);
/* Without room this replica takes no entries from a leader, and says so, so that it is not sent
 * them over and over; it hears the leader, votes, and keeps what it has. */
void raft_set_room(struct raft *raft, bool has_room);
/* What is applied by now: past the commit index only up to the early index. */
void raft_set_applied(struct raft *raft, raft_index index);

/* Looking in; none changes anything. */
enum raft_role raft_role(const struct raft *raft);
raft_term raft_current_term(const struct raft *raft);
raft_node_number raft_vote(const struct raft *raft);   /* in the current term; 0: for nobody */
raft_node_number raft_leader(const struct raft *raft); /* 0: unknown */
raft_index raft_commit_index(const struct raft *raft);
raft_index raft_durable_index(const struct raft *raft); /* on this node's own disk */
raft_index raft_last_index(const struct raft *raft);
raft_index raft_first_index(const struct raft *raft); /* first index held in memory */
uint64_t raft_log_bytes(const struct raft *raft);     /* of all entries held in memory */
uint64_t raft_uncommitted_bytes(const struct raft *raft);
/* Of a leader: when the commit that is under way is later than commits usually are. 0: none is
 * timed (they are while raft_timing.lazy_us is above 0), or they take much longer than this disk
 * does, so that whoever waited for one would wait for the network. */
uint64_t raft_commit_overdue_us(const struct raft *raft);
/* NULL if not held; borrows. */
const struct raft_entry *raft_entry_at(const struct raft *raft, raft_index index);
raft_term raft_term_at(const struct raft *raft, raft_index index); /* 0 if unknown */
const struct raft_configuration *raft_configuration(const struct raft *raft);
/* The configuration in force as of `index` (applied), for snapshots. */
const struct raft_configuration *raft_configuration_at(const struct raft *raft, raft_index index);
/* May a read be served at `now_us` from this leader's applied state? True only for a leader that
 * committed an entry of its term, is not transferring, and was heard by a quorum recently enough.
 * Ask before and again after the read. A lease read is served from the commit index when the read
 * came. */
bool raft_has_lease(const struct raft *raft, uint64_t now_us);
/* Is the lead being given away? Then nothing is taken until that has succeeded or is given up, an
 * election timeout later at the most. */
bool raft_is_handing_over(const struct raft *raft);
/* How `node` stands, as last told; RAFT_WILLING if never. */
enum raft_standing raft_standing_of(const struct raft *raft, raft_node_number node);
/* Nothing is to be done here until something happens or a pair's heartbeats fail. */
bool raft_is_quiet(const struct raft *raft);
/* Of a leader only, for status: 0 otherwise; heard_us is 0 also for a peer that was never heard. */
raft_index raft_match_index(const struct raft *raft, raft_node_number peer);
/* What the peer does not have yet, in entries and in bytes; of a long tail the bytes are reckoned
 * from the mean entry held. 0 unless this leads. */
uint64_t raft_lag_entries(const struct raft *raft, raft_node_number peer);
uint64_t raft_lag_bytes(const struct raft *raft, raft_node_number peer);
uint64_t raft_peer_heard_us(const struct raft *raft, raft_node_number peer);
/* Where the log ends, or the one that was removed before it if that was longer: what to keep of a
 * replica that is removed now. */
void raft_floor(const struct raft *raft, raft_index *index, raft_term *term);
/* It does not have all that it once acknowledged: it campaigns for nothing, and votes for no log
 * that ends earlier than its own did. */
bool raft_is_below_floor(const struct raft *raft);
/* Would this voter take the lead at once and gladly, from a leader that has had it for so long at
 * the least? For moves that nobody needs: what is wanted otherwise is RAFT_TRANSFER. */
struct raft_led {
    uint64_t now_us, least_us;
};
bool raft_may_give_back(const struct raft *raft, raft_node_number node, const struct raft_led *led);
/* Is a change of the voters under way? What is only wished for, the leader alone knows. */
bool raft_is_changing(const struct raft *raft);
/* The learner that is furthest behind: which round of catching up it is in, from 1, and up to where
 * its log agrees. 0: nobody learns, or this is no leader. */
unsigned raft_catch_up_round(const struct raft *raft);
raft_index raft_catch_up_index(const struct raft *raft);
