/* A snapshot of one shard as of one index: a manifest, and the chunks that it names
 * (docs/format/snapshot.md).
 *
 *   snapshot-<shard>-<index>         manifest: index, term, time, who votes, and of each chunk:
 *     |        |        |            slots, sizes, checksums
 *     v        v        v
 *   chunk    chunk    chunk          one range of slots each, compressed (chunk.h)
 *
 * A chunk's file is named by what it holds, so a snapshot in which few slots changed names the
 * files of the one before it for all the rest, and two replicas know which chunks they have in
 * common. Files are never changed. Invariant: what a manifest names is durable before the manifest
 * is, and stays until no durable mark of the log names the manifest (shelf.h). */
#pragma once
#include "base/buffer.h"
#include "base/checksum.h"
#include "io/disk.h"

enum {
    SNAPSHOT_MANIFEST_VERSION = 4,
    SNAPSHOT_MANIFEST_VERSION_PIECES = 3, /* without numbers of parts: which key is where is open */
    SNAPSHOT_MANIFEST_VERSION_WHOLE = 2,  /* one chunk a slot at most */
    SNAPSHOT_PART_BITS_MAXIMUM = 12,
    SNAPSHOT_CONFIGURATION_MAXIMUM = 1024,
    SNAPSHOT_CHUNK_COUNT_MAXIMUM = 32768, /* one a slot, and as many parts */
    SNAPSHOT_MANIFEST_BYTES_MAXIMUM = 2 << 20,
};

struct snapshot_meta {
    uint32_t shard;
    uint64_t index, term;
    uint64_t stamp_ms; /* the shard's time: stamp of the last applied entry */
    uint8_t configuration[SNAPSHOT_CONFIGURATION_MAXIMUM]; /* opaque to the store */
    uint32_t configuration_bytes;
};

/* Of a slot that is divided, which chunk is of which part: part_bits highest bits of a hash of the
 * key are its number (docs/format/snapshot.md). */
struct snapshot_chunk {
    uint16_t first_slot, last_slot;
    uint64_t raw_bytes, stored_bytes;
    struct checksum128 raw_checksum; /* XXH3-128 of what it holds: the chunk's identity */
    uint64_t stored_checksum;        /* XXH3-64 of the file */
    uint64_t state_hash; /* of the keys that end in it, in whatever order; they add up */
    uint16_t part;
    uint8_t part_bits; /* 0: it is of no part, and part is 0 */
};

struct snapshot_manifest {
    struct snapshot_meta meta;
    uint32_t chunk_count;
    /* Ascending; slots between them are empty, and so are parts of a divided slot that no chunk is
     * of. Without overlap, but for chunks of a single slot: several of the same slot, or of the
     * same part of it, together are what it holds. */
    struct snapshot_chunk *chunks;
    unsigned holders; /* the shelf's */
};

/* Both return owned. `chunks` is copied. */
struct snapshot_manifest *snapshot_manifest_new(const struct snapshot_meta *meta,
                                                const struct snapshot_chunk *chunks,
                                                uint32_t chunk_count);
void snapshot_manifest_free(struct snapshot_manifest *manifest); /* NULL is allowed */
/* The version that it is encoded as: the lowest that can say what it says. */
uint16_t snapshot_manifest_version(const struct snapshot_manifest *manifest);
/* The ordinal of the first chunk that reaches to this slot or lies behind it; the count of all:
 * none does. */
uint32_t snapshot_manifest_find(const struct snapshot_manifest *manifest, unsigned slot);
uint64_t snapshot_manifest_stored_bytes(const struct snapshot_manifest *manifest);
uint64_t snapshot_manifest_state_hash(const struct snapshot_manifest *manifest);

void snapshot_manifest_encode(const struct snapshot_manifest *manifest, struct buffer *out);
/* Returns owned. ERR_MALFORMED, ERR_DAMAGED, ERR_VERSION. */
int snapshot_manifest_decode(struct bytes encoded, struct snapshot_manifest **out) MUST_CHECK;

/* The calls below touch the disk at once: for start-up, tools and jobs. */

/* Durably, with all that was renamed in the directory before it. The chunks must be synced. */
int snapshot_manifest_write(struct disk *disk, const struct snapshot_manifest *manifest) MUST_CHECK;
/* Returns owned. ERR_NOT_FOUND; ERR_DAMAGED also for another snapshot under this one's name. */
int snapshot_manifest_read(struct disk *disk, uint32_t shard, uint64_t index,
                           struct snapshot_manifest **out) MUST_CHECK;
