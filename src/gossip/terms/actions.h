/* Actions out: what an instance asks its owner to do, and what it has found out, in one step. */
#pragma once
#include "gossip/terms/event.h"

struct gossip_datagram {
    struct gossip_address to;
    struct bytes bytes; /* at most GOSSIP_DATAGRAM_MAXIMUM; valid until the next step */
};

enum gossip_change_kind {
    GOSSIP_CHANGE_JOINED,
    GOSSIP_CHANGE_STATE,
    GOSSIP_CHANGE_KEY,
    GOSSIP_CHANGE_ADDRESS,
    GOSSIP_CHANGE_NAME_CONFLICT /* another member that lives has this node's name */
};
struct gossip_change {
    enum gossip_change_kind kind;
    const struct gossip_member *member; /* valid until the next step */
    struct bytes key;                   /* of a GOSSIP_CHANGE_KEY */
};

/* Datagrams to this member are not answered: try it by a stream (any request of the peer plane that
 * it answers by itself). If an answer comes, step with GOSSIP_CONTACT; if none does, there is
 * nothing to say. It should come within a probe timeout; a later one still helps. */
struct gossip_stream_try {
    uint8_t uuid[GOSSIP_UUID_BYTES];
    struct gossip_address address;
};

/* What somebody lacks goes by a stream where it is much: opened by who lacks it, with a request,
 * and answered by pieces, one after the other, whole and in order while it lasts. Each at most
 * GOSSIP_STREAM_MESSAGE_MAXIMUM bytes. A stream that is over is not named again.
 *
 *     who asks                                   who serves
 *     STREAM_OPEN, the request ------------->    event STREAM_ASKED
 *     event STREAM_PIECE <-------------------    STREAM_GIVE
 *                                                event STREAM_ROOM: it has arrived
 *     event STREAM_PIECE <-------------------    STREAM_GIVE ...
 *     event STREAM_ENDED, outcome <----------    STREAM_END, outcome
 *
 * STREAM_DROP: who asks gives up; no STREAM_ENDED follows. Who serves hears STREAM_GONE. */
enum gossip_stream_action_kind {
    GOSSIP_STREAM_OPEN,
    GOSSIP_STREAM_DROP,
    GOSSIP_STREAM_GIVE,
    GOSSIP_STREAM_END
};
struct gossip_stream_action {
    enum gossip_stream_action_kind kind;
    uint64_t stream; /* of OPEN and DROP: this node's number; else the owner's of the event */
    uint8_t uuid[GOSSIP_UUID_BYTES]; /* of an OPEN: of whom, and where */
    struct gossip_address address;
    struct bytes bytes;                 /* of OPEN and GIVE */
    enum gossip_stream_outcome outcome; /* of an END */
};

struct gossip_actions {
    const struct gossip_stream_action *streams; /* valid until the next step */
    size_t stream_count;
    struct gossip_stream_try *stream_tries; /* valid until the next step */
    size_t stream_try_count;
    struct gossip_datagram *datagrams;
    size_t datagram_count;
    struct gossip_change *changes;
    size_t change_count;
    uint64_t deadline_us;   /* step with GOSSIP_TICK at or after this */
    uint64_t round_trip_us; /* of a probe that was answered in this step; 0: none was */
    uint64_t detection_us;  /* of a death in this step of one that this node had itself accused:
                               since it last heard it directly; 0: there was none */
    bool is_clock_measured; /* by that answer; then how far apart the wall clocks surely are */
    uint64_t clock_skew_us;
    const struct gossip_propagation *propagations;
    size_t propagation_count;
};
