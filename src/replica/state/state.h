/* What a worker keeps for the shards that it hosts and for the nodes that it shares them with. Each
 * part belongs to one file of the rooms above. */
#pragma once
#include "replica/state/leads.h"
#include "replica/state/mail.h"
#include "replica/state/turn.h"
#include "worker/rates.h"
#include "worker/worker.h"

struct backups;
struct freeing;
struct scrub;

struct hosting {
    struct shard_io shard_io; /* what every shard here is given */
    struct shard_timers timers;
    struct shard_rounds rounds;
    struct shard_shares shares;
    struct command_use use, use_told; /* of the shards here; as far as it is published */
    struct rates rates;

    struct shard_recovery *recoveries[WORKER_SHARD_MAXIMUM]; /* until the shard is made */
    struct topology *founding;                 /* what the cluster began with; NULL: a spare */
    uint64_t forgetting[WORKER_SHARD_MAXIMUM]; /* a removed replica: its WAL sequence; else 0 */
    unsigned forgetting_count;
    unsigned unwanted_count; /* of the shards here: the topology places them elsewhere now */
    bool is_placing_wanted, has_said_settled;
    uint64_t next_change_us;
    uint64_t next_tell_us; /* worker 0: topology to those who lag behind */
    bool is_removed_spare; /* it was taken and removed before it heard of either, and has said so */
    uint64_t next_save_us; /* worker 0: a newer topology waits for space on the disk; 0: none */

    struct outgoing_batch *batches; /* by node number */
    unsigned batch_count;
    struct packer packer;
    struct peer_pairs *peer_pairs; /* by node number */
    unsigned peer_pairs_count;
    struct waking waking;
    uint64_t next_beat_us;

    struct neighbours neighbours;
    struct standing standing;
    struct preferred preferred;
    uint64_t next_look_us;        /* at the neighbours */
    uint64_t election_timeout_us; /* the longest of the shards here, as last looked at */

    uint64_t snapshot_turn_us; /* the last that was given away */
    struct slow_traces slow_traces;
    struct backups *backups; /* owned */
    struct scrub *scrub;     /* owned */
    struct freeing *freeing; /* owned */
};
