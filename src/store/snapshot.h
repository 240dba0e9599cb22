/* A snapshot of one whole shard as one file: "snapshot-<shard>-<index>" (docs/format/snapshot.md).
 * Header (shard, index, term, stamp, configuration), then zstd frames each with its checksum, then
 * a footer with the count and a checksum of everything. Applied index, membership and data are one
 * atomic unit. The same bytes travel to a follower that needs them. */
#pragma once
#include "base/buffer.h"
#include "io/disk.h"
#include "store/snapshot_chunk.h"

/* Builds the file's image in memory: begin, write any number of times, finish. */
struct snapshot_writer;
struct snapshot_writer *snapshot_writer_new(const struct snapshot_meta *meta);
void snapshot_writer_write(struct snapshot_writer *writer, struct bytes raw);
/* Moves the finished image to *image (initialised by it, owned by the caller) and frees the writer.
 */
void snapshot_writer_finish(struct snapshot_writer *writer, struct buffer *image);
void snapshot_writer_free(struct snapshot_writer *writer);

/* Verifies a whole image and reads its header. ERR_MALFORMED, ERR_DAMAGED, ERR_VERSION. */
int snapshot_verify(struct bytes image, struct snapshot_meta *meta) MUST_CHECK;
/* The same; *offset says where the part begins that does not verify (header, frame or footer). */
int snapshot_locate(struct bytes image, struct snapshot_meta *meta, uint64_t *offset) MUST_CHECK;
/* Verifies, then calls `each` with every decompressed frame, in order; stops at a non-zero return.
 */
int snapshot_read(struct bytes image, struct snapshot_meta *meta,
                  int (*each)(void *context, struct bytes raw), void *context) MUST_CHECK;

void snapshot_file_name(uint32_t shard, uint64_t index, char out[DISK_NAME_MAXIMUM]);
/* Writes the image durably (".new", sync, rename, sync directory) on the bulk lane. Takes the
 * image's memory. `done` is called once on the owner's loop. */
void snapshot_save(struct disk *disk, uint32_t shard, uint64_t index, struct buffer *image,
                   void (*done)(void *context, int status), void *context);
/* Makes the image out of all that a state machine saved and writes it durably. Compressing is done
 * on the bulk lane too, so that the owner's loop only pays for walking its data. Takes the memory
 * of `raw`. */
void snapshot_make(struct disk *disk, const struct snapshot_meta *meta, struct buffer *raw,
                   void (*done)(void *context, int status), void *context);
/* Loads the image of (shard, index) from disk, verified. Returns owned in *image. Synchronous. */
int snapshot_load(struct disk *disk, uint32_t shard, uint64_t index, struct buffer *image,
                  struct snapshot_meta *meta) MUST_CHECK;
/* Removes the shard's snapshots older than index, and half-written ones; on the bulk lane. */
void snapshot_remove_older(struct disk *disk, uint32_t shard, uint64_t index);
