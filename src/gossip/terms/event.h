/* Events in: what the owner tells an instance. */
#pragma once
#include "gossip/terms/member.h"
#include "gossip/terms/news.h"

enum gossip_event_kind {
    GOSSIP_TICK,     /* a deadline may have passed */
    GOSSIP_DATAGRAM, /* from `address`: bytes (opened already, where a key is set) */
    GOSSIP_SET, /* this node says key = value; raises its version. An empty value removes the key */
    GOSSIP_SEED,  /* probe this address for ever, with back-off, until it answers, and again when it
                     is lost */
    GOSSIP_LEAVE, /* say goodbye to all; then only answer */
    GOSSIP_CONTACT, /* the member `uuid` was just heard directly by another plane (an answered
                       stream, Raft): a probe of it that is out counts as answered, a suspicion of
                       it begins anew here. A few times a second is enough; an unknown one does
                       nothing */
    /* Of streams that this node asked for, by GOSSIP_STREAM_OPEN: */
    GOSSIP_STREAM_PIECE, /* `bytes` came by `stream` */
    GOSSIP_STREAM_ENDED, /* `stream` is over, with `outcome` */
    /* Of streams that others ask of this node; `stream` is the owner's number: */
    GOSSIP_STREAM_ASKED, /* with the request `bytes` */
    GOSSIP_STREAM_ROOM,  /* what was given has arrived: the next piece may be given */
    GOSSIP_STREAM_GONE   /* who asked is gone */
};

/* How a stream ended. */
enum gossip_stream_outcome {
    GOSSIP_STREAM_DONE,
    GOSSIP_STREAM_BUSY,  /* who was asked serves as many as it may: ask another */
    GOSSIP_STREAM_FAILED /* not connected, cut off, out of time, refused */
};
enum { GOSSIP_STREAM_OUTCOME_COUNT = GOSSIP_STREAM_FAILED + 1 };

struct gossip_event {
    enum gossip_event_kind kind;
    uint64_t now_us;
    /* The node's wall clock (Unix time), of which news tells when it was made; 0: not known. It may
     * be wrong and may jump: nothing is decided by it. */
    uint64_t wall_us;
    struct gossip_address address;
    uint8_t uuid[GOSSIP_UUID_BYTES]; /* of a GOSSIP_CONTACT */
    uint64_t stream;
    enum gossip_stream_outcome outcome;
    struct bytes bytes;
    struct bytes key, value;
    enum gossip_priority priority; /* of a GOSSIP_SET: with which the change is told, by all who
                                      tell it on; GOSSIP_URGENT, 0, is taken as GOSSIP_REST */
};
