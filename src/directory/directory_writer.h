/* Writes the directory of a node that holds all of a cluster alone, as it is after a restore: each
 * shard is one snapshot, with the mark of it in a log that has nothing else. The files that make it
 * a node's directory come last, so one that was not finished is refused by a start.
 *
 *     directory_writer_new --> directory_writer_shard, once each --> directory_writer_finish */
#pragma once
#include "cluster/topology.h"
#include "config/config.h"
#include "io/disk.h"
#include "shard/machine/machine.h"

struct directory_writer_options {
    struct disk *node_disk; /* borrows */
    struct disk **workers;  /* borrows; each empty */
    unsigned worker_count;
    const struct topology *topology; /* borrows: of the new cluster, with this node alone */
    const struct config *config;     /* borrows: the form of the log, and of snapshots */
    uint64_t seed;
};

struct directory_writer;
/* ERR_IO... with a sentence in `problem`; nothing to free then. */
int directory_writer_new(const struct directory_writer_options *options,
                         struct directory_writer **out, struct buffer *problem) MUST_CHECK;
/* What the machine holds is the shard as of that index. Index 0: the shard is empty. */
struct directory_shard_state {
    uint32_t number;
    uint64_t index, term, time_ms;
};
int directory_writer_shard(struct directory_writer *writer,
                           const struct directory_shard_state *state, struct machine *machine,
                           struct buffer *problem) MUST_CHECK;
int directory_writer_finish(struct directory_writer *writer, struct buffer *problem) MUST_CHECK;
void directory_writer_free(struct directory_writer *writer);
