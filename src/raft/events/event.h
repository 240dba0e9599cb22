/* What happened: an event of each step. */
#pragma once
#include "raft/events/configuration.h"
#include "raft/events/message.h"
#include "raft/events/role.h"

enum raft_event_kind {
    RAFT_TICK,    /* a deadline may have passed */
    RAFT_MESSAGE, /* message */
    RAFT_PROPOSE, /* payload_entry: raft takes the reference and seals it; refused unless leader */
    RAFT_DURABLE, /* everything up to save_sequence is on disk */
    RAFT_READ,    /* read_id: answer with an index from which a linearizable read may be served */
    RAFT_COMPACT, /* a durable snapshot at snapshot_index exists: forget the log before it, except
                     what a lagging transfer needs */
    /* Memory is wanted back: forget what is applied and durable here, up to forget_index, except
     * the newest kept_bytes and, on a leader, what a voter still lacks: of one that no snapshot is
     * on its way to, no more than the newest held_bytes. Nothing changes on disk.
     * From then on a snapshot for others has to be as new as raft_first_index() - 1. */
    RAFT_FORGET,
    /* A snapshot from the leader replaced our state: snapshot_index, snapshot_term, configuration;
     * discards the log before it, or all of it. Nothing happens if snapshot_index is committed here
     * already, so look before replacing anything. */
    RAFT_SNAPSHOT_INSTALLED,
    RAFT_SNAPSHOT_SENT, /* to `peer`, at snapshot_index: go on replicating from there; is_rejected
                           if the transfer failed, at index 0 if none was begun. Must follow each
                           snapshot_wanted_by: until then the peer gets heartbeats only */
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
    uint64_t kept_bytes, held_bytes;
    raft_index hurry_index;
    const struct raft_configuration *configuration;
    raft_node_number peer;
    bool is_rejected;
    enum raft_standing standing;
};
