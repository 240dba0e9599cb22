/* What is to be done, as each step says. */
#pragma once
#include "raft/events/configuration.h"
#include "raft/events/message.h"

/* Why an election began: ELECTION_CAUSE(ID, name, what it means). */
enum raft_election_cause {
#define ELECTION_CAUSE(id, name, text) RAFT_ELECTION_##id,
#include "raft/events/election_cause.def"
#undef ELECTION_CAUSE
    RAFT_ELECTION_CAUSE_COUNT
};

/* Why a learner was given up: GIVE_UP_CAUSE(ID, name, what it means). */
enum raft_give_up_cause {
    RAFT_GIVE_UP_NOTHING,
#define GIVE_UP_CAUSE(id, name, text) RAFT_GIVE_UP_##id,
#include "raft/events/give_up_cause.def"
#undef GIVE_UP_CAUSE
    RAFT_GIVE_UP_CAUSE_COUNT
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
    raft_node_number given_up_learner; /* the change that it was to be part of is given up, for */
    enum raft_give_up_cause give_up_cause; /* ...this; 0, both: none is */
    uint64_t deadline_us;                  /* step with RAFT_TICK at or after this */
    /* RAFT_PROPOSE: 0, ERR_NOT_LEADER, or ERR_BUSY while leadership is being transferred (reference
     * dropped). RAFT_CHANGE: also ERR_BUSY before an entry of this term is committed and until the
     * configuration in force is committed and not joint; ERR_INVALID for voters that cannot be. */
    int proposal_error;
};
