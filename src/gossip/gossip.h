/* Gossip: who is in the cluster, are they alive, what do they say of themselves. Events in, actions
 * out: no clock, no socket, no randomness but the seed. SWIM (Das, Gupta, Motivala 2002) with
 * Lifeguard's suspicion and local health (Dadgar, Phillips, Currey 2018); state spread as deltas by
 * version, as Scuttlebutt does (van Renesse 2008).
 *
 * A member is (UUID, generation); its address is an attribute, and a higher generation replaces a
 * lower one. What it says of itself are keys with values and versions; only the member itself
 * raises them. News is a hint, never a decision. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"

enum {
    GOSSIP_UUID_BYTES = 16,
    GOSSIP_HOST_MAXIMUM = 64,
    GOSSIP_DATAGRAM_MAXIMUM = 1160, /* sealed it stays within 1,200 bytes */
    GOSSIP_KEY_MAXIMUM = 64,
    GOSSIP_VALUE_MAXIMUM = 800,
    GOSSIP_KEYS_PER_MEMBER_MAXIMUM = 128,
    GOSSIP_MEMBER_MAXIMUM = 16384,
    GOSSIP_STREAM_TRY_MAXIMUM = 8,            /* in the actions of one step */
    GOSSIP_STREAM_MESSAGE_MAXIMUM = 60 << 10, /* of a stream (struct gossip_stream_action) */
    GOSSIP_STREAMS_SERVED_MAXIMUM = 4,        /* at a time; one at a time is asked for */
    GOSSIP_WIRE_MAXIMUM = 1                   /* 1: news carries the time at which it was made */
};

struct gossip_address {
    char host[GOSSIP_HOST_MAXIMUM]; /* IPv4 or IPv6 as text */
    uint16_t port;
};

/* What goes first where there is not room for all. Each has a guaranteed share, so that none
 * starves (broadcast.h). */
enum gossip_priority {
    GOSSIP_URGENT,  /* deaths, farewells, refutations; never keys */
    GOSSIP_CLUSTER, /* who comes, who is suspected; keys: leaders, the slot map's epoch */
    GOSSIP_STATE,   /* what a node says of its own state */
    GOSSIP_REST     /* everything else */
};
enum { GOSSIP_PRIORITY_COUNT = GOSSIP_REST + 1 };

/* GOSSIP_JOINING: a newcomer that is still getting its copy of the state. It lives, but accuses
 * nobody, and nobody relies on it. */
enum gossip_member_state { GOSSIP_ALIVE, GOSSIP_SUSPECT, GOSSIP_DEAD, GOSSIP_LEFT, GOSSIP_JOINING };
enum { GOSSIP_STATE_COUNT = GOSSIP_JOINING + 1 };
static inline bool gossip_state_is_live(enum gossip_member_state state) {
    return state == GOSSIP_ALIVE || state == GOSSIP_SUSPECT || state == GOSSIP_JOINING;
}
/* "alive", "suspect", "dead", "left", "joining". Static storage. */
const char *gossip_state_text(enum gossip_member_state state);

/* Times in microseconds of a monotonic clock. */
struct gossip_timing {
    uint64_t probe_interval_us, probe_timeout_us, flush_us;
    unsigned suspicion_factor;
    unsigned fan_out; /* members told at once when news is fresh; 0: the default */
    /* fan_out and the pauses between tellings follow the size of the cluster and how long news
     * takes, so that it is known to nearly all within goal_us (adapt.h); else they are as set. */
    bool is_adapting;
    uint64_t goal_us;     /* 0: the default */
    bool says_coordinate; /* to all, so that they know the round trip of any two (nearness.h) */
    uint64_t bytes_per_second; /* sent at the most, over a second or more; 0: no limit. Probes and
                                  their answers go out in any case, and count (bucket.h) */
    size_t compress_min_bytes; /* what somebody lacked is sent compressed from here on; 0: never */
    size_t stream_min_bytes;   /* and by a stream from here on, in bytes as they are before that, if
                                  it can take one; 0: never */
    /* The newest version of the wire that this node speaks, at most GOSSIP_WIRE_MAXIMUM; with each
     * member it speaks the older of the two. It reads all up to GOSSIP_WIRE_MAXIMUM always. */
    unsigned wire_maximum;
};

struct gossip_options {
    uint8_t uuid[GOSSIP_UUID_BYTES];
    uint64_t generation;
    struct gossip_address address; /* where this node is reached */
    char name[64];
    struct gossip_timing timing;
    uint64_t seed;
    uint64_t now_us;
    bool is_sealed; /* only members can make datagrams (a key is set): those that come a second time
                       are told apart by their count, and ignored */
    bool has_streams;         /* the owner does what struct gossip_stream_action says */
    const struct log *log;    /* borrows; may be NULL */
    struct gossip_pool *pool; /* borrows, outlives the instance; NULL: one of its own */
};

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

/* What kind a piece of news is, as its way is measured. */
enum gossip_news_type {
    GOSSIP_NEWS_JOIN,
    GOSSIP_NEWS_SUSPICION,
    GOSSIP_NEWS_REFUTATION,
    GOSSIP_NEWS_DEATH,
    GOSSIP_NEWS_LEAVE,
    GOSSIP_NEWS_CLUSTER, /* keys, by their priority */
    GOSSIP_NEWS_STATE,
    GOSSIP_NEWS_REST,
    GOSSIP_NEWS_MENDED /* keys that the push missed, found by comparing */
};
enum {
    GOSSIP_NEWS_TYPE_COUNT = GOSSIP_NEWS_MENDED + 1,
    GOSSIP_PROPAGATION_MAXIMUM = 64, /* measured in one step; what is more is not told of */
    GOSSIP_TRACE_DIGITS = 8
};
/* "join", "suspicion"... Static storage. */
const char *gossip_news_text(enum gossip_news_type type);

/* One piece of news that this node heard first in this step (propagation.h). */
struct gossip_propagation {
    enum gossip_news_type type;
    uint32_t trace; /* the same on all nodes; shown as 8 hex digits */
    uint64_t delay_us;
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

/* Who a member is, one life at one address, and who said last what is believed of it. Never
 * changes: a change is another one. Shared by all who believe the same. */
struct gossip_identity {
    uint8_t uuid[GOSSIP_UUID_BYTES];
    uint64_t generation;
    uint64_t incarnation; /* raised by the member to refute a suspicion; within its generation */
    uint64_t created_us;  /* when that was said, by the wall clock of who said it; 0: not known */
    uint8_t said_by[GOSSIP_UUID_BYTES]; /* of the suspect and the dead; zeros: not known */
    struct gossip_address address;
    char name[64];
};

/* What this node found out about a member by talking to it, not by being told. */
struct gossip_contact {
    uint64_t round_trip_us; /* last measured; 0: never */
    uint64_t heard_us;      /* last direct contact; 0: never */
    /* How far its wall clock is ahead of this node's, as measured last, and the largest error that
     * this can have; error 0: not measured. For people: nothing may be decided by it. */
    int64_t clock_offset_us;
    uint64_t clock_error_us;
};

struct gossip_member {
    const struct gossip_identity *who;
    const struct gossip_contact *contact; /* never NULL; all zeros when there was none */
    uint64_t state_since_us;
    enum gossip_member_state state;
    uint16_t seat, place; /* for gossip/ itself: roster.h says where it stands */
};

struct gossip_counters { /* since the start */
    uint64_t datagrams_sent, datagrams_received, bytes_sent, bytes_received, malformed;
    uint64_t replayed; /* datagrams that had come before, where they are sealed */
    uint64_t unproven; /* that may have: of lives not heard yet, and not for this one of ours */
    uint64_t unproven_answered; /* pings among them, each answered once */
    uint64_t probes_sent, probes_failed, indirect_probes, suspicions, refutations, deaths;
    uint64_t probes_answered;  /* by the member itself */
    uint64_t probes_relayed;   /* answered through a helper: directly it cannot be reached */
    uint64_t probes_contacted; /* not answered, but another plane heard the member meanwhile */
    uint64_t stream_tries;     /* datagrams were not answered: it was to be tried by a stream */
    /* How suspicions ended here, whoever began them. */
    uint64_t suspicions_refuted, suspicions_died, suspicions_left;
    uint64_t name_conflicts; /* times that a member was met that has this node's name */
    unsigned local_health;   /* 0 is well (Lifeguard) */
    /* News whose way could not be measured: it came without a time (through version 0 of the wire);
     * the clock of who said it is not known well enough; its time cannot be. */
    uint64_t propagation_undated, propagation_uncorrected, propagation_implausible;
    /* How fast news is told on, now and as it was changed (adapt.h). */
    unsigned fan_out;
    uint64_t flush_us;
    int pace; /* 0: as set; faster above */
    uint64_t adapted_faster, adapted_slower, adapted_larger, adapted_smaller;
    uint64_t clock_skew_us; /* now: the largest of all members, beyond its error */
    /* News by enum gossip_priority: pieces that wait now; pieces told and their bytes, once for
     * each listener. */
    uint64_t news_waiting[GOSSIP_PRIORITY_COUNT];
    uint64_t news_told[GOSSIP_PRIORITY_COUNT], news_bytes[GOSSIP_PRIORITY_COUNT];
    uint64_t tokens_spent;          /* bytes, while there is a limit to them */
    int64_t tokens_left;            /* now; below 0 only probes go out */
    uint64_t news_waits;            /* rounds of news put off for bandwidth */
    uint64_t dropped_for_bandwidth; /* comparisons not sent; found again later */
    uint64_t referrals; /* newcomers told of a few others to ask, for want of that bandwidth or of a
                           place among the streams served */
    uint64_t streams_asked[GOSSIP_STREAM_OUTCOME_COUNT],
        streams_served[GOSSIP_STREAM_OUTCOME_COUNT];
    uint64_t stream_bytes_received, stream_bytes_sent; /* of pieces */
    unsigned streams_serving;                          /* now */
    uint64_t dropped_for_memory;                       /* entries not kept, past a limit */
    uint64_t dropped_for_news;  /* pieces told less often than they should, for want of room */
    uint64_t members_forgotten; /* graves whose time was over, or that were in the way */
    uint64_t dropped_for_relays, dropped_for_members; /* asks; newcomers; past a limit */
};

/* What several instances in one thread know alike, kept once (as a simulator wants it). Freed after
 * the last instance that uses it. */
struct gossip_pool;
struct gossip_pool *gossip_pool_new(void); /* returns owned */
void gossip_pool_free(struct gossip_pool *pool);

struct gossip;
struct gossip *gossip_new(const struct gossip_options *options);
void gossip_free(struct gossip *gossip);
void gossip_step(struct gossip *gossip, const struct gossip_event *event,
                 struct gossip_actions *actions);
void gossip_set_timing(struct gossip *gossip, const struct gossip_timing *timing);

/* Members in a stable order, this node first. */
size_t gossip_member_count(const struct gossip *gossip);
const struct gossip_member *gossip_member_at(const struct gossip *gossip, size_t position);
/* The member of this UUID; NULL: it is not known. */
const struct gossip_member *gossip_member_of(const struct gossip *gossip,
                                             const uint8_t uuid[GOSSIP_UUID_BYTES]);
/* What a member says of itself; BYTES_NONE if it does not. Borrows. */
struct bytes gossip_get(const struct gossip *gossip, const struct gossip_member *member,
                        struct bytes key);
bool gossip_walk_keys(const struct gossip *gossip, const struct gossip_member *member,
                      size_t *position, struct bytes *key, struct bytes *value, uint64_t *version);
void gossip_counters(const struct gossip *gossip, struct gossip_counters *out);
/* "PING", "NEWS"...: the kind of a datagram, by its second byte; "unknown" if it has none. For
 * counting. Static storage. */
const char *gossip_datagram_kind(struct bytes datagram);

/* Nearness. */

/* The key by which a member says in which zone it is: what is told stays mostly within one. */
#define GOSSIP_KEY_ZONE "zone"
/* Where a member lies (coordinate.h): said by the core itself. Setting it does nothing, and no walk
 * of keys shows it. */
#define GOSSIP_KEY_COORDINATE "~at"
/* BYTES_NONE if it does not say. Borrows. */
struct bytes gossip_zone(const struct gossip *gossip, const struct gossip_member *member);
/* The round trip between any two members, estimated from their coordinates (Vivaldi), and by how
 * much that may be wrong, as far as they know. False where one of them has no coordinate yet, as in
 * the first seconds of its life. */
bool gossip_round_trip_us(const struct gossip *gossip, const struct gossip_member *a,
                          const struct gossip_member *b, uint64_t *out_us) MUST_CHECK;
bool gossip_round_trip_error_us(const struct gossip *gossip, const struct gossip_member *a,
                                const struct gossip_member *b, uint64_t *out_us) MUST_CHECK;
