/* A chunk: what a shard's machine saved of one range of slots, compressed, in one file, which is
 * named by shard, identity and checksum: "chunk-<shard>-<32 hex digits>-<16 hex digits>". Little-
 * endian (docs/format/snapshot.md):
 *
 *   header   0 "TCHK"   4 u16 version (1)   6 u16 0   8 u32 shard   12 u32 0   16 u64 raw_bytes
 *           24 u64 low, 32 u64 high: XXH3-128 of all raw bytes
 *           40 u64 xxh3 of the header up to here
 *   frame    0 u32 raw_bytes (1 .. 1 MiB)   4 u32 packed_bytes   8 one zstd frame
 *           .. u64 xxh3 of the frame up to here, seeded with its number (1, 2, ...)
 *   ...      until raw_bytes are there; nothing behind it */
#pragma once
#include "store/snapshot/manifest.h"

enum {
    SNAPSHOT_CHUNK_VERSION = 1,
    SNAPSHOT_CHUNK_HEADER_BYTES = 48,
    SNAPSHOT_FRAME_BYTES = 1 << 20, /* raw bytes of a frame, at most */
};
/* What may be read. Chunks are written far smaller; earlier ones held whole slots, of any size. */
#define SNAPSHOT_CHUNK_BYTES_MAXIMUM ((size_t)16 << 30)

/* Compresses `raw`, which is not empty, into the file's image (appended to *image) and fills in all
 * of *chunk but its slots and state hash. ERR_LIMIT. */
int snapshot_chunk_pack(uint32_t shard, struct bytes raw, struct buffer *image,
                        struct snapshot_chunk *chunk) MUST_CHECK;
/* Verifies the image against what the manifest says of it, and its frames; *offset is where the
 * part begins that does not verify. Appends what it holds to *raw, and verifies that too; *raw may
 * be NULL: then nothing is unpacked. ERR_MALFORMED, ERR_DAMAGED, ERR_VERSION, ERR_LIMIT. */
int snapshot_chunk_unpack(uint32_t shard, const struct snapshot_chunk *chunk, struct bytes image,
                          struct buffer *raw, uint64_t *offset) MUST_CHECK;

/* The calls below touch the disk at once: for start-up, tools and jobs. */

/* Writes and syncs; durable once the directory is synced too. */
int snapshot_chunk_write(struct disk *disk, uint32_t shard, const struct snapshot_chunk *chunk,
                         struct bytes image) MUST_CHECK;
/* The file's bytes, verified against the manifest's checksum. Returns owned in *image, which is
 * initialised by it. ERR_NOT_FOUND, ERR_DAMAGED, ERR_IO. */
int snapshot_chunk_load(struct disk *disk, uint32_t shard, const struct snapshot_chunk *chunk,
                        struct buffer *image) MUST_CHECK;
/* What the chunk holds, verified all through. Returns owned in *raw, which is initialised by it. */
int snapshot_chunk_read(struct disk *disk, uint32_t shard, const struct snapshot_chunk *chunk,
                        struct buffer *raw) MUST_CHECK;
