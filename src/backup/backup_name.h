/* The names of a backup's blobs (docs/format/backup.md). They are the backup's index: what there is
 * of a shard is known from a listing of names, and from nothing else.
 *
 *   <cluster id, 32 hex>/cluster.json                                      for people
 *   <cluster id>/shard-00003/log/<first>-<last>-<stamp>-<stamp>            entries first .. last
 *   <cluster id>/shard-00003/snapshot/<index>-<stamp>                      a manifest
 *   <cluster id>/shard-00003/chunk/<32 hex>-<16 hex>.<piece>               a piece of a chunk
 *   <cluster id>/shard-00003.1/...                       the same, since it was recovered
 *
 * A chunk is named by its identity and its checksum, as its file on a node is
 * (store/snapshot/chunk.h), so one that did not change is stored once. Indexes have 20 digits, so
 * that names sort as numbers do; stamps are Unix milliseconds. */
#pragma once
#include "base/bytes.h"
#include "io/blob.h"
#include "store/snapshot/chunk.h"

enum { BACKUP_CLUSTER_BYTES = 16, BACKUP_CHUNK_PIECE_BYTES = 64 << 20 };

/* Whose. A shard that lost its majority and was recovered goes on without entries that may have
 * been archived, and others stand at their indexes: what it archives from then on has a place of
 * its own. */
struct backup_place {
    uint8_t cluster_id[BACKUP_CLUSTER_BYTES];
    uint32_t shard;
    uint32_t recovery; /* 0 at first; higher after each recovery */
};
struct backup_log { /* entries of one blob, in the order of their indexes */
    uint64_t first_index, last_index;
    uint64_t first_stamp_ms,
        last_stamp_ms; /* the shard's time after the first, and after the last */
};
struct backup_snapshot {
    uint64_t index, stamp_ms;
};

void backup_catalogue_name(const uint8_t cluster_id[BACKUP_CLUSTER_BYTES],
                           char out[BLOB_NAME_MAXIMUM]);
void backup_shard_prefix(const struct backup_place *place, char out[BLOB_NAME_MAXIMUM]);
void backup_chunk_prefix(const struct backup_place *place, char out[BLOB_NAME_MAXIMUM]);
void backup_snapshot_prefix(const struct backup_place *place, char out[BLOB_NAME_MAXIMUM]);
void backup_log_name(const struct backup_place *place, const struct backup_log *log,
                     char out[BLOB_NAME_MAXIMUM]);
void backup_snapshot_name(const struct backup_place *place, const struct backup_snapshot *snapshot,
                          char out[BLOB_NAME_MAXIMUM]);
/* `piece` counts from 0; each but the last has BACKUP_CHUNK_PIECE_BYTES. */
void backup_chunk_name(const struct backup_place *place, const struct snapshot_chunk *chunk,
                       unsigned piece, char out[BLOB_NAME_MAXIMUM]);

enum backup_name_kind {
    BACKUP_NAME_CATALOGUE,
    BACKUP_NAME_LOG,
    BACKUP_NAME_SNAPSHOT,
    BACKUP_NAME_CHUNK
};
struct backup_name {
    enum backup_name_kind kind;
    struct backup_place place;
    struct backup_log log;
    struct backup_snapshot snapshot;
    struct snapshot_chunk chunk; /* its identity and checksum */
    unsigned piece;
};
/* False for a name that no backup gives. */
bool backup_name_parse(const char *name, struct backup_name *out);
