/* What replicas of a shard say to each other of a snapshot. */
#pragma once
#include "base/bytes.h"
#include "raft/events/entry.h"
#include "shard/terms/limits.h"

/* How a snapshot travels: the leader offers its manifest; the follower asks for the chunks that it
 * lacks, by (chunk, offset), a few pieces at a time; the leader sends each as its rate allows. */
struct shard_snapshot_offer {
    raft_node_number peer; /* to, or from */
    uint32_t version;      /* of all that is said of this snapshot; one that is newer than
                              SHARD_SNAPSHOT_VERSION is refused */
    raft_term term;
    raft_index snapshot_index;
    struct bytes manifest; /* docs/format/snapshot.md */
};
struct shard_snapshot_wish {
    uint32_t chunk;  /* its ordinal in the manifest */
    uint64_t offset; /* in its file; SHARD_SNAPSHOT_PIECE_BYTES from there, or what is left */
};
struct shard_snapshot_piece {
    raft_node_number peer;
    uint32_t version; /* the offer's */
    raft_term term;
    raft_index snapshot_index;
    struct shard_snapshot_wish place;
    struct bytes data;
};
struct shard_snapshot_progress {
    raft_node_number peer;
    uint32_t version; /* the newest that the follower knows */
    raft_term term;
    raft_index snapshot_index;
    uint64_t received_bytes;
    bool is_installed, is_refused;
    struct shard_snapshot_wish wishes[SHARD_SNAPSHOT_WISHES_MAXIMUM];
    unsigned wish_count;
};
