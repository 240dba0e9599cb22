/* What detect/ keeps of an instance. Nobody outside of detect/ looks into it. */
#pragma once
#include "base/containers/due.h"
#include "gossip/instance/instance.h"

enum {
    GOSSIP_SEED_MAXIMUM = 64,
    GOSSIP_LOST_MAXIMUM = 64,   /* addresses of members called dead and forgotten since */
    GOSSIP_MOVES_MAXIMUM = 8,   /* of members to other addresses: the last ones */
    GOSSIP_PROBE_MAXIMUM = 32,  /* probes in flight; past it none is begun */
    GOSSIP_PINGS_MAXIMUM = 8,   /* of one probe */
    GOSSIP_RELAY_MAXIMUM = 256, /* probes for others in flight; past it their asks are dropped */
    GOSSIP_CONFIRMATIONS = 2    /* independent accusers beyond the first that shorten a suspicion */
};

/* A member in four bytes, where two that have one count as one. */
static inline uint32_t member_mark(const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    return (uint32_t)bytes_hash(bytes_of(uuid, GOSSIP_UUID_BYTES), 0);
}

/* A probe in flight. */
enum probe_kind { PROBE_MEMBER, PROBE_SEED, PROBE_GRAVE, PROBE_LOST };
struct probe {
    uint64_t sequence;                         /* of the first ping; the others' follow */
    uint64_t again_us, ask_us, try_us, end_us; /* GOSSIP_NEVER where it is done */
    struct member *member;                     /* NULL where only the address is known */
    unsigned ping_count, helper_count, silent_count;
    enum probe_kind kind;
    bool is_observation;
    uint64_t patience_us; /* between two pings */
    uint64_t pinged_us[GOSSIP_PINGS_MAXIMUM];
    size_t seed;                             /* of a PROBE_SEED */
    uint32_t silent[GOSSIP_HELPERS_MAXIMUM]; /* marks of helpers that did not say they are there */
    struct gossip_address to;
};

/* Where a member was, and where its next life is. */
struct move {
    uint32_t who; /* its mark */
    struct gossip_address from, to;
};

struct round_trip { /* of an edge; zeros: never measured */
    uint64_t mean_us, deviation_us;
};

/* A ring, and whom this node watches on it. */
struct watch {
    uint64_t self_place;
    struct member *member; /* NULL: this node is alone */
    struct member *beyond; /* where that is a suspect, the next before it that is none; or NULL */
    uint64_t distance;     /* of the member's place before this node's */
    uint64_t next_us;
    struct round_trip trip;
};

/* What every step looks at stands first. */
struct detect_room {
    /* watch.c, observer.c */
    unsigned ring_count;            /* on which this node watches somebody: the first so many */
    struct round_trip trip;         /* of all edges */
    uint64_t observer, observed_us; /* who observed this node last (a hash), and when */
    uint16_t observed_ms;           /* after another one */
    uint64_t probe_us;              /* the next member by lot */

    /* suspicion.c, doubt.c, judging.c, record.c */
    struct due_heap open, called; /* by when they end: before and after the last call */
    size_t doubt_turn;            /* the next of the open that a ping asks about */
    uint64_t suspicion_us;        /* no suspicion ends before this */
    uint64_t judge_us;            /* nor, after this node stood still, before this */
    bool has_warned_of_twin, has_warned_of_name;

    /* skew.c */
    uint64_t skew_check_us;

    /* healing.c */
    uint64_t round_us, round_interval_us; /* the next round of graves and the lost */
    struct seed *seeds;                   /* GOSSIP_SEED_MAXIMUM, once there is one */
    size_t seed_count, lost_count;
    bool has_warned_of_seeds;

    /* probe.c, relay.c */
    uint64_t sequence;
    struct relay *relays;
    size_t relay_count, relay_capacity; /* up to GOSSIP_RELAY_MAXIMUM */
    size_t probe_count;

    struct watch watches[GOSSIP_OBSERVERS_MAXIMUM]; /* by their rings: watch.c, observer.c */
    struct probe probes[GOSSIP_PROBE_MAXIMUM];

    /* healing.c, where there are any */
    struct gossip_address lost[GOSSIP_LOST_MAXIMUM];
    size_t move_count; /* ever */
    struct move moves[GOSSIP_MOVES_MAXIMUM];
};

/* Draws its first sequence and the first probe's time. Returns owned. */
struct detect_room *detect_room_new(struct gossip *gossip);
/* What most steps look at is asked for (expecting.h). */
void detect_room_fetch(const struct detect_room *room);
/* Whom it watches and will probe before the next by lot; NULL: that one is first. */
const struct member *detect_room_next(const struct detect_room *room);
/* Once no member is left. */
void detect_room_free(struct detect_room *room);
