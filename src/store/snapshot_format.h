/* The bytes of a snapshot (docs/format/snapshot.md). Little-endian.
 *
 *   header   0 "TSNP"   4 u16 version (1)   6 u16 0   8 u32 shard   12 u32 configuration_bytes
 *           16 u64 index   24 u64 term   32 u64 stamp_ms   40 configuration   .. u64 xxh3 of the
 * header up to here frame    0 u32 raw_bytes (1 .. 1 MiB)   4 u32 packed_bytes   8 one zstd frame
 *           .. u64 xxh3 of the frame up to here, seeded with its number (1, 2, ...)
 *   footer   0 u32 0   4 u32 0   8 u64 frame_count   16 u64 raw_bytes of all frames   24 u64 xxh3
 * of all bytes before it
 */
#pragma once
#include "base/cursor.h"
#include "store/snapshot.h"

enum {
    SNAPSHOT_VERSION = 1,
    SNAPSHOT_HEADER_BYTES = 40, /* without configuration and checksum */
    SNAPSHOT_FOOTER_BYTES = 32,
};

struct snapshot_frame {
    uint32_t raw_bytes;
    struct bytes packed; /* borrowed from the image */
};

/* Appends the header; *meta is at most SNAPSHOT_CONFIGURATION_MAXIMUM wide. */
void snapshot_header_encode(struct buffer *image, const struct snapshot_meta *meta);
/* Moves the cursor behind the header. ERR_MALFORMED, ERR_VERSION, ERR_DAMAGED. */
int snapshot_header_decode(struct cursor *cursor, struct snapshot_meta *meta) MUST_CHECK;
/* Ends a frame that begins at `start` in the image and whose packed bytes stand behind its room for
 * the two sizes. */
void snapshot_frame_seal(struct buffer *image, size_t start, uint32_t raw_bytes, uint64_t number);
/* Moves the cursor behind the frame. False at the footer (*status is 0), or when *status says what
 * is wrong. */
bool snapshot_frame_decode(struct cursor *cursor, uint64_t number, struct snapshot_frame *frame,
                           int *status);
void snapshot_footer_encode(struct buffer *image, uint64_t frame_count, uint64_t raw_bytes);
/* The cursor stands at the footer of `image`, which must end behind it. */
int snapshot_footer_decode(struct cursor *cursor, struct bytes image, uint64_t frame_count,
                           uint64_t raw_bytes) MUST_CHECK;
