/* Asks nodes for their backups as `trothdb backup now` does (TROTHDB BACKUP), and remembers how far
 * they said that shards are archived. */
#pragma once
#include "sim/cluster/simulation.h"

enum { ARCHIVIST_PROMISE_MAXIMUM = 64 };

/* A node said that the shard is archived up to here. */
struct archive_promise {
    uint32_t shard;
    uint64_t index;
    unsigned recovery_count; /* of the shard, by then */
};

struct archivist;
struct archivist *archivist_new(struct simulation *simulation);
void archivist_free(struct archivist *archivist);  /* NULL is allowed */
void archivist_start(struct archivist *archivist); /* from now on nodes are asked now and then */
/* Every shard's leader is to archive what it has. Asked until it is true, from time to time: each
 * has said that it did so since the first call. */
bool archivist_has_all_archived(struct archivist *archivist);
/* Up to which index it has said so of this shard. */
uint64_t archivist_archived(const struct archivist *archivist, uint32_t shard);
/* A sentence about the shards of which that is not so. */
void archivist_describe(const struct archivist *archivist, struct buffer *out);
/* Some of all that were made, by lot. */
const struct archive_promise *archivist_promises(const struct archivist *archivist, size_t *count);
