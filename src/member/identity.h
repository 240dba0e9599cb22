/* Who this node is: a UUID made once, and a generation raised and made durable at every start,
 * before anything is sent. Kept with the directory's layout in the file "identity"
 * (docs/format/identity.md). */
#pragma once
#include "base/buffer.h"
#include "io/disk.h"

enum {
    NODE_UUID_BYTES = 16,
    NODE_ID_TEXT_BYTES = 41,
    IDENTITY_AGENT = 0 /* the worker_count of an agent */
};

struct identity {
    uint8_t uuid[NODE_UUID_BYTES];
    uint64_t generation;
    uint32_t worker_count; /* the directory's: shards live in the WAL of worker (shard mod
                              worker_count) */
};

/* Reads, raises the generation, writes back durably. A new directory gets `fresh_uuid` and
 * `worker_count`. ERR_DAMAGED, ERR_VERSION, ERR_IO; ERR_INVALID when the directory was made with
 * another number of workers: `problem` says what to do. */
int identity_open(struct disk *disk, const uint8_t fresh_uuid[NODE_UUID_BYTES],
                  uint32_t worker_count, struct identity *identity,
                  struct buffer *problem) MUST_CHECK;
/* Others know a later life of this one (struct gossip_counters): the next start is above it. No
 * effect if that is not later. ERR_IO and others of the disk: the file stays as it is. */
int identity_start_above(struct disk *disk, const struct identity *identity,
                         uint64_t later_generation) MUST_CHECK;
/* Reads only. ERR_NOT_FOUND, ERR_DAMAGED, ERR_VERSION, ERR_IO. */
int identity_read(struct disk *disk, struct identity *identity) MUST_CHECK;
/* 40 hex digits, as Redis Cluster's node ids: the UUID's 32 and 8 zeros' worth of checksum. */
void identity_node_id(const uint8_t uuid[NODE_UUID_BYTES], char out[NODE_ID_TEXT_BYTES]);
