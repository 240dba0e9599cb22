/* Snapshots: whatever comes as a manifest or as a chunk, it is refused or it keeps its bounds. The
 * first byte: bit 0, make the checksums right first, so that what lies behind them is reached; bit
 * 1, a chunk. */
#include "base/check.h"
#include "base/checksum.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "store/snapshot/chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

enum { SHARD = 258, RAW_BYTES_MAXIMUM = 64 << 20 };

static void put_checksum(uint8_t *at, uint64_t checksum) {
    for (unsigned i = 0; i < 8; i++)
        at[i] = (uint8_t)(checksum >> (8 * i));
}

static void read_manifest(uint8_t *encoded, size_t length, bool is_corrected) {
    if (is_corrected && length >= 8)
        put_checksum(encoded + length - 8, checksum_xxh64(bytes_of(encoded, length - 8), 0));
    struct snapshot_manifest *manifest;
    if (snapshot_manifest_decode(bytes_of(encoded, length), &manifest))
        return;
    CHECK(manifest->meta.configuration_bytes <= SNAPSHOT_CONFIGURATION_MAXIMUM);
    CHECK(manifest->chunk_count <= SNAPSHOT_CHUNK_COUNT_MAXIMUM);
    struct buffer again;
    buffer_init(&again, SNAPSHOT_MANIFEST_BYTES_MAXIMUM);
    snapshot_manifest_encode(manifest, &again);
    CHECK(bytes_equal(buffer_bytes(&again), bytes_of(encoded, length)));
    buffer_release(&again);
    snapshot_manifest_free(manifest);
}

/* Follows the lengths that the image claims for itself, as far as they lead. */
static void correct_chunk(uint8_t *image, size_t length) {
    if (length < SNAPSHOT_CHUNK_HEADER_BYTES)
        return;
    put_checksum(image + SNAPSHOT_CHUNK_HEADER_BYTES - 8,
                 checksum_xxh64(bytes_of(image, SNAPSHOT_CHUNK_HEADER_BYTES - 8), 0));
    size_t at = SNAPSHOT_CHUNK_HEADER_BYTES;
    for (uint64_t number = 1; at + 8 <= length; number++) {
        struct cursor cursor = cursor_of(bytes_of(image + at + 4, 4));
        size_t covered = 8 + (size_t)cursor_u32(&cursor);
        if (covered + 8 > length - at)
            return;
        put_checksum(image + at + covered, checksum_xxh64(bytes_of(image + at, covered), number));
        at += covered + 8;
    }
}

/* As a manifest would name it that believes the chunk's own header. */
static struct snapshot_chunk claimed_by(struct bytes image) {
    struct cursor cursor = cursor_of(image);
    cursor_bytes(&cursor, 16);
    struct snapshot_chunk chunk = {.raw_bytes = cursor_u64(&cursor)};
    chunk.raw_checksum.low = cursor_u64(&cursor);
    chunk.raw_checksum.high = cursor_u64(&cursor);
    chunk.stored_bytes = image.length;
    chunk.stored_checksum = checksum_xxh64(image, 0);
    return chunk;
}

static void read_chunk(uint8_t *image, size_t length, bool is_corrected) {
    if (is_corrected)
        correct_chunk(image, length);
    struct bytes bytes = bytes_of(image, length);
    struct snapshot_chunk chunk = claimed_by(bytes);
    struct buffer raw;
    uint64_t offset;
    buffer_init(&raw, RAW_BYTES_MAXIMUM);
    int status = snapshot_chunk_unpack(SHARD, &chunk, bytes, &raw, &offset);
    CHECK(offset <= length);
    if (status == 0) {
        CHECK(raw.length == chunk.raw_bytes);
        CHECK(snapshot_chunk_unpack(SHARD, &chunk, bytes, NULL, &offset) == 0);
    }
    buffer_release(&raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    if (length == 0)
        return 0;
    uint8_t *image = memory_copy(data + 1, length - 1);
    if (data[0] & 2)
        read_chunk(image, length - 1, data[0] & 1);
    else
        read_manifest(image, length - 1, data[0] & 1);
    memory_free(image);
    return 0;
}
