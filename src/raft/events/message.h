/* What replicas say to each other. */
#pragma once
#include "raft/events/entry.h"

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
                       (state/quiet.c) */
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
    raft_index agreed_index;     /* accepted append: the log agrees up to here, which is not durable
                                    yet; 0: no further than log_index */
    struct raft_entry **entries; /* append: in index order. In an action: borrowed, valid until the
                                    next step. In an event: raft keeps its own references. */
    size_t entry_count;
};
