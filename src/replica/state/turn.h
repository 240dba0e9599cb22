/* What is kept for the turns of the shards here (shards/). */
#pragma once
#include "base/containers/heap.h"
#include "worker/observe.h"
#include "worker/worker.h"

/* Shards by when they are due, and those that something happened to. */
struct shard_timers {
    struct heap due;                          /* (deadline, shard number); stale ones stay in it */
    uint64_t queued_us[WORKER_SHARD_MAXIMUM]; /* by shard: its valid one; UINT64_MAX: none */
    uint32_t touched[WORKER_SHARD_MAXIMUM];
    bool is_touched[WORKER_SHARD_MAXIMUM];
    bool is_noted[WORKER_SHARD_MAXIMUM]; /* by rounds.c, since it was touched last */
    unsigned touched_count;
    uint32_t logging[WORKER_SHARD_MAXIMUM]; /* that await the log, or did a moment ago */
    bool is_logging[WORKER_SHARD_MAXIMUM];
    unsigned logging_count;
};

/* How long no bet is made: crowd.c, rendezvous.c. */
struct bet_pause {
    uint32_t rounds;      /* until the next bet */
    uint32_t last_rounds; /* after the last lost bet; 0: the last one was won */
};

/* Commands of the shards that are led here. */
struct crowd_demand {
    uint32_t under_way_count; /* in entries, and not answered yet */
    uint32_t gathered_count;  /* not in entries yet */
    size_t gathered_bytes;
};

/* The bet that those who were just answered ask again at once. */
struct crowd {
    uint32_t answered_count; /* commands, since the last round began */
    uint32_t awaited_count;  /* commands: those and what had come before; 0: no bet is on */
    uint64_t begun_us;       /* when the last round began */
    uint64_t until_us;       /* of the bet */
    struct bet_pause pause;
};

/* A node that leads shards which this log writes for; this one as well. */
struct rendezvous_party {
    uint32_t node;        /* 0: free */
    uint64_t round;       /* of the log, that was begun last when its entries came last */
    uint64_t came_us;     /* when that was */
    uint64_t interval_us; /* smoothed, from one round that it came for to the next; 0: unknown */
};

/* The bet that the entries of all who write along come in time for the next round of the log. */
enum { RENDEZVOUS_PARTY_MAXIMUM = 8 };
struct rendezvous {
    struct rendezvous_party parties[RENDEZVOUS_PARTY_MAXIMUM];
    uint64_t round;    /* that was begun last */
    uint64_t seen_us;  /* who was expected then is awaited */
    uint64_t until_us; /* of the bet; 0: none is on */
    bool is_complete;  /* nobody is missing */
    struct bet_pause pause;
};

/* Shards with commands that are not proposed yet, and which of all shards the log works for. */
enum shard_round_state {
    SHARD_ROUND_NONE,
    SHARD_ROUND_AWAITED, /* led here, and its last entry is awaited */
    SHARD_ROUND_FOLLOWED /* led by another, and not all of it is durable here */
};
struct shard_rounds {
    struct crowd crowd;
    struct rendezvous rendezvous;
    struct crowd_demand demands[WORKER_SHARD_MAXIMUM]; /* by shard, as last noted */
    struct crowd_demand demand;                        /* of all of them */
    uint32_t gathering[WORKER_SHARD_MAXIMUM];
    bool is_gathering[WORKER_SHARD_MAXIMUM];
    enum shard_round_state states[WORKER_SHARD_MAXIMUM];
    unsigned gathering_count, awaited_count, followed_count;
    bool has_log_round_ended; /* since the first of those gathered */
    uint64_t look_again_us;   /* UINT64_MAX: something will happen */
};

/* What is published of each shard, and of all. */
struct shard_shares {
    struct shard_share by_shard[WORKER_SHARD_MAXIMUM], sum;
    uint32_t stale[WORKER_SHARD_MAXIMUM]; /* touched since they were published */
    bool is_stale[WORKER_SHARD_MAXIMUM];
    unsigned stale_count;
};
