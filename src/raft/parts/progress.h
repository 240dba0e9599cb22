/* What a leader knows of one follower, and how it sends to it.
 *
 *      progress_probe                       an append was accepted
 *   ------------------->  PROBE  ------------------------------------->  REPLICATE
 *                           |   <-------------------------------------      |
 *                           |     rejected, silent, or its stream lost      |
 *                           |                                               |
 *                           +------>  SNAPSHOT  <---------------------------+
 *                  its next entry is compacted away; left when the snapshot was sent
 *
 * PROBE: one append at a time, to find where the logs agree. REPLICATE: next_index runs ahead of
 * what is acknowledged, within a window of messages and bytes. SNAPSHOT: only heartbeats.
 * Invariants: match_index < next_index; match_index never falls while the follower is the same
 * replica; in flight are entries in (match_index, next_index), and no more bytes than the
 * window has, or one entry. */
#pragma once
#include "raft/events/options.h"
#include "raft/parts/stopwatch.h"

enum raft_progress_state { RAFT_PROBE, RAFT_REPLICATE, RAFT_SNAPSHOT };

struct raft_flight {
    raft_index last_index;
    uint64_t bytes;
};

struct raft_progress {
    raft_node_number node;
    enum raft_progress_state state;
    raft_index match_index, next_index;
    uint64_t matched_us;       /* when the match index rose last */
    raft_index received_index; /* its last entry, durable or not, as it last said: a hint */
    raft_index agreed_index;   /* up to here it received what stands here, durable or not */
    raft_index commit_told;    /* the newest commit index that an append carried */
    raft_index snapshot_index; /* SNAPSHOT: our base when the snapshot was asked for */
    uint64_t heard_us;         /* 0: not in this term */
    uint64_t sent_us;          /* the last append of any kind */
    uint64_t waiting_since_us; /* with flights: since when nothing landed */
    uint64_t
        lease_until_us;  /* until then it votes for nobody else, by our clock and drift taken off */
    uint64_t read_round; /* newest round it confirmed */
    bool is_lazy;        /* it is sent entries later, many at once (replication/lazy.c) */
    uint64_t unsent_since_us;      /* of the oldest entry that it was not sent... */
    uint64_t unsent_bytes;         /* ...and of all of them */
    raft_index hurry_index;        /* somebody waits for it to have all up to here */
    raft_index late_index;         /* a majority had to do without its answer to this entry */
    struct raft_stopwatch answers; /* from sending it entries until it has them on disk */
    bool is_probe_sent;
    bool is_waking;          /* the shard was quiet, and it has not heard yet that this is over */
    struct raft_pair *pair;  /* while the shard is quiet */
    unsigned round;          /* a learner's, of catching up; 0: none was begun */
    bool is_caught_up;       /* its last round was a short one */
    uint64_t excused_us;     /* until then it stood still for want of a snapshot */
    raft_index round_target; /* the round ends when this is matched */
    uint64_t round_began_us;
    struct raft_flight *flights; /* a ring; the capacity is a power of two */
    uint32_t flight_first, flight_count, flight_capacity;
    uint64_t flight_bytes;
};

/* Keeps the memory of the ring; the first time, *progress must be zeroed. */
void raft_progress_begin(struct raft_progress *progress, raft_node_number node,
                         raft_index next_index);
void raft_progress_release(struct raft_progress *progress);
void raft_progress_probe(struct raft_progress *progress, raft_index next_index);
/* What it acknowledged is gone: another replica is in its place. */
void raft_progress_probe_another(struct raft_progress *progress, raft_index next_index);
void raft_progress_replicate(struct raft_progress *progress);
void raft_progress_snapshot(struct raft_progress *progress, raft_index snapshot_index);
/* Entries up to `last_index` are on their way. */
void raft_progress_fly(struct raft_progress *progress, raft_index last_index, uint64_t bytes,
                       uint64_t now_us);
/* The match index, or beyond it what the follower has told the receipt of. */
raft_index raft_progress_received(const struct raft_progress *progress);
/* All flights up to what is received have landed. */
void raft_progress_land(struct raft_progress *progress, uint64_t now_us);
/* What is left of the window. */
uint64_t raft_progress_left_bytes(const struct raft_progress *progress,
                                  const struct raft_timing *timing);
/* May a message go whose first entry has so many bytes? Where nothing is in flight it may, however
 * long that is, or it would never go. So the bytes in flight are at most those of the window, or of
 * one entry if that has more. */
bool raft_progress_has_room(const struct raft_progress *progress, const struct raft_timing *timing,
                            uint64_t entry_bytes);
