#include "store/snapshot/chunk.h"
#include "base/check.h"
#include "base/cursor.h"
#include "store/snapshot/names.h"
#include <stdio.h>
#include <zstd.h>

enum { COMPRESSION_LEVEL = 1, FRAME_HEAD_BYTES = 8, FRAME_TAIL_BYTES = 8 };

static const uint8_t chunk_magic[4] = {'T', 'C', 'H', 'K'};

/* ---- packing ---- */

static void header_append(struct buffer *image, uint32_t shard,
                          const struct snapshot_chunk *chunk) {
    size_t start = image->length;
    buffer_append(image, chunk_magic, sizeof chunk_magic);
    buffer_append_u16(image, SNAPSHOT_CHUNK_VERSION);
    buffer_append_u16(image, 0);
    buffer_append_u32(image, shard);
    buffer_append_u32(image, 0);
    buffer_append_u64(image, chunk->raw_bytes);
    buffer_append_u64(image, chunk->raw_checksum.low);
    buffer_append_u64(image, chunk->raw_checksum.high);
    if (!image->is_overflowed)
        buffer_append_u64(
            image, checksum_xxh64(bytes_of(buffer_data(image) + start, image->length - start), 0));
}

static void put_u32(uint8_t *at, size_t value) {
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/* Room for sizes, packed bytes and checksum is asked for at once, so that no part can overflow
 * alone. */
static void frame_append(struct buffer *image, ZSTD_CCtx *packer, struct bytes raw,
                         uint64_t number) {
    size_t bound = ZSTD_compressBound(raw.length);
    uint8_t *frame = buffer_reserve(image, FRAME_HEAD_BYTES + bound + FRAME_TAIL_BYTES);
    if (frame == NULL)
        return;
    size_t packed_bytes = ZSTD_compressCCtx(packer, frame + FRAME_HEAD_BYTES, bound, raw.data,
                                            raw.length, COMPRESSION_LEVEL);
    CHECK(!ZSTD_isError(packed_bytes));
    put_u32(frame, raw.length);
    put_u32(frame + 4, packed_bytes);
    buffer_grew(image, FRAME_HEAD_BYTES + packed_bytes);
    buffer_append_u64(image,
                      checksum_xxh64(bytes_of(frame, FRAME_HEAD_BYTES + packed_bytes), number));
}

int snapshot_chunk_pack(uint32_t shard, struct bytes raw, struct buffer *image,
                        struct snapshot_chunk *chunk) {
    CHECK(raw.length > 0);
    if (raw.length > SNAPSHOT_CHUNK_BYTES_MAXIMUM)
        return ERR_LIMIT;
    size_t start = image->length;
    chunk->raw_bytes = raw.length;
    chunk->raw_checksum = checksum_xxh128(raw);
    header_append(image, shard, chunk);
    ZSTD_CCtx *packer = ZSTD_createCCtx();
    CHECK(packer != NULL);
    for (uint64_t number = 1; raw.length > 0; number++) {
        size_t length = raw.length < SNAPSHOT_FRAME_BYTES ? raw.length : SNAPSHOT_FRAME_BYTES;
        frame_append(image, packer, bytes_of(raw.data, length), number);
        raw = bytes_of(raw.data + length, raw.length - length);
    }
    ZSTD_freeCCtx(packer);
    if (image->is_overflowed)
        return ERR_LIMIT;
    struct bytes stored = bytes_of(buffer_data(image) + start, image->length - start);
    chunk->stored_bytes = stored.length;
    chunk->stored_checksum = checksum_xxh64(stored, 0);
    return 0;
}

/* ---- unpacking ---- */

static int header_read(struct cursor *in, uint32_t shard, const struct snapshot_chunk *chunk) {
    struct bytes covered = bytes_of(in->at, SNAPSHOT_CHUNK_HEADER_BYTES - 8);
    struct bytes magic = cursor_bytes(in, sizeof chunk_magic);
    uint16_t version = cursor_u16(in);
    uint32_t reserved = cursor_u16(in);
    uint32_t shard_read = cursor_u32(in);
    reserved |= cursor_u32(in);
    uint64_t raw_bytes = cursor_u64(in);
    uint64_t low = cursor_u64(in), high = cursor_u64(in);
    uint64_t checksum = cursor_u64(in);
    if (in->is_failed || !bytes_equal(magic, bytes_of(chunk_magic, sizeof chunk_magic)))
        return ERR_MALFORMED;
    if (checksum != checksum_xxh64(covered, 0))
        return ERR_DAMAGED;
    if (version != SNAPSHOT_CHUNK_VERSION)
        return ERR_VERSION;
    if (reserved)
        return ERR_MALFORMED;
    bool is_this = shard_read == shard && raw_bytes == chunk->raw_bytes &&
                   low == chunk->raw_checksum.low && high == chunk->raw_checksum.high;
    return is_this ? 0 : ERR_DAMAGED;
}

struct frame {
    uint32_t raw_bytes;
    struct bytes packed;
};

static int frame_read(struct cursor *in, uint64_t number, struct frame *frame) {
    const uint8_t *start = in->at;
    frame->raw_bytes = cursor_u32(in);
    uint32_t packed_bytes = cursor_u32(in);
    frame->packed = cursor_bytes(in, packed_bytes);
    struct bytes covered = bytes_of(start, (size_t)(in->at - start));
    uint64_t checksum = cursor_u64(in);
    if (in->is_failed || frame->raw_bytes == 0 || frame->raw_bytes > SNAPSHOT_FRAME_BYTES)
        return ERR_MALFORMED;
    return checksum == checksum_xxh64(covered, number) ? 0 : ERR_DAMAGED;
}

static int frame_unpack(const struct frame *frame, ZSTD_DCtx *unpacker, struct buffer *raw) {
    uint8_t *room = buffer_reserve(raw, frame->raw_bytes);
    if (room == NULL)
        return ERR_LIMIT;
    size_t bytes = ZSTD_decompressDCtx(unpacker, room, frame->raw_bytes, frame->packed.data,
                                       frame->packed.length);
    if (ZSTD_isError(bytes) || bytes != frame->raw_bytes)
        return ERR_MALFORMED;
    buffer_grew(raw, bytes);
    return 0;
}

static int frames_read(struct cursor *in, struct bytes image, const struct snapshot_chunk *chunk,
                       struct buffer *raw, uint64_t *offset) {
    ZSTD_DCtx *unpacker = raw ? ZSTD_createDCtx() : NULL;
    CHECK(raw == NULL || unpacker != NULL);
    uint64_t raw_bytes = 0;
    int status = 0;
    for (uint64_t number = 1; status == 0 && raw_bytes < chunk->raw_bytes; number++) {
        struct frame frame;
        *offset = image.length - cursor_left(in);
        status = frame_read(in, number, &frame);
        if (status == 0 && raw)
            status = frame_unpack(&frame, unpacker, raw);
        raw_bytes += frame.raw_bytes;
    }
    ZSTD_freeDCtx(unpacker);
    if (status)
        return status;
    *offset = image.length - cursor_left(in);
    return raw_bytes == chunk->raw_bytes && cursor_left(in) == 0 ? 0 : ERR_MALFORMED;
}

int snapshot_chunk_unpack(uint32_t shard, const struct snapshot_chunk *chunk, struct bytes image,
                          struct buffer *raw, uint64_t *offset) {
    *offset = 0;
    size_t start = raw ? raw->length : 0;
    struct cursor in = cursor_of(image);
    if (image.length < SNAPSHOT_CHUNK_HEADER_BYTES)
        return ERR_MALFORMED;
    int status = header_read(&in, shard, chunk);
    if (status == 0)
        status = frames_read(&in, image, chunk, raw, offset);
    if (status)
        return status;
    *offset = 0;
    if (image.length != chunk->stored_bytes || checksum_xxh64(image, 0) != chunk->stored_checksum)
        return ERR_DAMAGED; /* another than the manifest names */
    if (raw == NULL)
        return 0;
    const uint8_t *unpacked = start ? buffer_data(raw) + start : buffer_data(raw);
    struct checksum128 checksum = checksum_xxh128(bytes_of(unpacked, raw->length - start));
    bool is_same =
        checksum.low == chunk->raw_checksum.low && checksum.high == chunk->raw_checksum.high;
    return is_same ? 0 : ERR_DAMAGED;
}

/* ---- files ---- */

int snapshot_chunk_write(struct disk *disk, uint32_t shard, const struct snapshot_chunk *chunk,
                         struct bytes image) {
    char name[DISK_NAME_MAXIMUM];
    snapshot_chunk_name(shard, chunk, name);
    return disk_write_whole(disk, name, image);
}

int snapshot_chunk_load(struct disk *disk, uint32_t shard, const struct snapshot_chunk *chunk,
                        struct buffer *image) {
    char name[DISK_NAME_MAXIMUM];
    snapshot_chunk_name(shard, chunk, name);
    buffer_init(image, SIZE_MAX);
    uint8_t *data;
    size_t length;
    int status = disk_read_all(disk, name, chunk->stored_bytes, &data, &length);
    if (status)
        return status == ERR_LIMIT ? ERR_DAMAGED : status;
    *image = (struct buffer){
        .memory = data, .length = length, .capacity = length, .maximum_bytes = SIZE_MAX};
    if (length == chunk->stored_bytes &&
        checksum_xxh64(buffer_bytes(image), 0) == chunk->stored_checksum)
        return 0;
    buffer_release(image);
    return ERR_DAMAGED;
}

int snapshot_chunk_read(struct disk *disk, uint32_t shard, const struct snapshot_chunk *chunk,
                        struct buffer *raw) {
    struct buffer image;
    buffer_init(raw, SNAPSHOT_CHUNK_BYTES_MAXIMUM);
    int status = snapshot_chunk_load(disk, shard, chunk, &image);
    uint64_t offset;
    if (status == 0)
        status = snapshot_chunk_unpack(shard, chunk, buffer_bytes(&image), raw, &offset);
    buffer_release(&image);
    if (status)
        buffer_release(raw);
    return status;
}
