/* What a replica is made with: its settings, and what recovery found. */
#pragma once
#include "base/log.h"
#include "raft/events/configuration.h"

enum {
    /* A recovery leaves so many terms behind, so that nobody who was given up is ahead of it. */
    RAFT_RECOVERY_TERMS = 1 << 20
};

/* Times in microseconds of one monotonic clock that counts suspended time. Replicas may differ in
 * them: each follower tells how long it keeps its promise to vote for nobody else, and a lease
 * counts on no more. */
struct raft_timing {
    uint64_t election_timeout_us; /* lower bound; the actual one is drawn from [1, 2) times this */
    uint64_t lease_us; /* who hears a leader promises to vote for nobody else for this long */
    uint64_t heartbeat_us;
    unsigned clock_drift_percent; /* given up from each lease */
    uint64_t window_bytes;    /* append bytes in flight to one follower, or one entry if longer */
    unsigned window_messages; /* append messages in flight to one follower */
    uint64_t message_bytes;   /* entries of one append message, at least one entry */
    /* A follower that no majority waits for gets its entries so much later at the most, many at
     * once (replication/lazy.c); at most heartbeat_us; 0: at once, as the others do. */
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
    /* What this node and a peer say of all their quiet shards (parts/pair.h), and of this one among
     * them; it outlives the raft. NULL: it never falls quiet together with that peer. The function
     * may be NULL as well. */
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
