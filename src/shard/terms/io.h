/* What a shard asks of its owner. All shards of an owner share one: of many shards, none finds in a
 * cache what it has for itself alone. */
#pragma once
#include "base/log.h"
#include "config/config.h"
#include "io/clock.h"
#include "io/disk.h"
#include "metric/metric.h"
#include "raft/events/message.h"
#include "shard/terms/answer.h"
#include "shard/terms/cells.h"
#include "shard/terms/transfer.h"
#include "store/wal/wal.h"

struct shard;
struct shard_io {
    struct wal *wal;
    struct disk *disk;
    struct clock *clock;
    const struct log *log;
    struct metrics *metrics;     /* the owner's registry, */
    struct shard_cells cells;    /* and what is counted often there */
    const struct config *config; /* the owner's, current at every call */
    /* The longest promise to a leader that is durable as such, current as well: none is told that
     * is longer, and a replica that is made keeps one that an earlier one may have told. NULL: it
     * is as the settings say. */
    const uint64_t *durable_promise_us;
    /* Encode now: entries are borrowed. */
    void (*send)(void *context, struct shard *shard, const struct raft_message *message);
    void (*send_offer)(void *context, struct shard *shard,
                       const struct shard_snapshot_offer *offer);
    void (*send_piece)(void *context, struct shard *shard,
                       const struct shard_snapshot_piece *piece);
    void (*send_progress)(void *context, struct shard *shard,
                          const struct shard_snapshot_progress *progress);
    void (*reply)(void *context, struct shard *shard, const struct shard_waiter *waiter,
                  enum shard_outcome outcome, struct bytes reply);
    void (*leadership)(void *context, struct shard *shard); /* role, term or known leader changed */
    void (*applied)(void *context, struct shard *shard);    /* the applied index moved */
    /* The node must end at once. May return in the simulator. */
    void (*fatal)(void *context, const char *what);
    /* Something happened: look at its deadline and what it shows again, and end the turn for it. */
    void (*touched)(void *context, struct shard *shard);
    /* Entries of this shard are about to be appended to the log, which others use as well: until
     * when they may wait for a round that others share. 0: they may not. */
    uint64_t (*save_waits_until_us)(void *context, const struct shard *shard);
    /* As in struct raft_options, with `context`. */
    struct raft_pair *(*pair_of)(void *context, unsigned shard, raft_node_number peer);
    /* May so many bytes of a snapshot be sent now? 0: yes, and they are counted; else: not before
     * then. */
    uint64_t (*admit_transfer_us)(void *context, uint64_t bytes);
    /* When the shard may save the next piece of a snapshot. Each call takes a turn, and no two
     * turns of shards that share a loop fall together. */
    uint64_t (*next_snapshot_turn_us)(void *context);
    /* May manifests name the parts of a slot? Every node that may read them knows them then. NULL:
     * they may. */
    bool (*may_divide_slots)(void *context);
    /* The same of chunks in which long strings are in pieces. */
    bool (*may_split_strings)(void *context);
    /* A snapshot of this replica is durable, with its mark in the log. May be NULL. */
    void (*snapshot_durable)(void *context, struct shard *shard);
    void *context;
};
