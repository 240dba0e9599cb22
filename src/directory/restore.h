/* A cluster out of a backup: every shard is brought to the wanted moment in memory, one at a time,
 * and written as the directory of one node that holds all of it. It is a new cluster, with an id of
 * its own: the old one may still run. */
#pragma once
#include "backup/backup_read.h"
#include "directory/directory_writer.h"

/* This shard up to this index, instead of the time. */
struct restore_bound {
    uint32_t shard;
    uint64_t index;
};

struct restored_shard {
    uint32_t number;
    uint64_t snapshot_index, entry_count; /* begun with, and replayed behind it */
    uint64_t index, time_ms;              /* come to */
    uint64_t key_count;
};

struct restore_options {
    struct backup_reader *reader;
    const struct cluster_backup *cluster;
    uint64_t time_ms; /* inclusive; UINT64_MAX: all there is */
    const struct restore_bound *bounds;
    size_t bound_count;
    const struct config *config; /* borrows: the form of its logs; NULL: as by default */
    struct disk *node_disk;      /* of the new node: empty */
    struct disk **workers;
    unsigned worker_count;
    uint8_t uuid[16], cluster_id[16]; /* new */
    uint64_t seed;
    void (*shard_done)(void *context, const struct restored_shard *shard);
    void *context;
};

/* ERR_NOT_FOUND, ERR_DAMAGED, ERR_IO... with a sentence in `problem`. */
int restore_cluster(const struct restore_options *options, struct buffer *problem) MUST_CHECK;

/* Calls `missing` for every shard that the cluster has and the backup has nothing of. Errors as
 * above, when the backup does not say which shards there are. */
int restore_find_missing(struct backup_reader *reader, const struct cluster_backup *cluster,
                         void (*missing)(void *context, uint32_t shard), void *context,
                         struct buffer *problem) MUST_CHECK;
