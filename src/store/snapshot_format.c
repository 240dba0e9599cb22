#include "store/snapshot_format.h"
#include "base/check.h"
#include "base/checksum.h"

static const uint8_t snapshot_magic[4] = {'T', 'S', 'N', 'P'};

void snapshot_header_encode(struct buffer *image, const struct snapshot_meta *meta) {
    CHECK(meta->configuration_bytes <= SNAPSHOT_CONFIGURATION_MAXIMUM);
    size_t start = image->length;
    buffer_append(image, snapshot_magic, sizeof snapshot_magic);
    buffer_append_u16(image, SNAPSHOT_VERSION);
    buffer_append_u16(image, 0);
    buffer_append_u32(image, meta->shard);
    buffer_append_u32(image, meta->configuration_bytes);
    buffer_append_u64(image, meta->index);
    buffer_append_u64(image, meta->term);
    buffer_append_u64(image, meta->stamp_ms);
    buffer_append(image, meta->configuration, meta->configuration_bytes);
    struct bytes header = bytes_of(buffer_data(image) + start, image->length - start);
    buffer_append_u64(image, checksum_xxh64(header, 0));
}

/* The checksum is looked at before the version, so that a damaged version number is called damage.
 */
int snapshot_header_decode(struct cursor *cursor, struct snapshot_meta *meta) {
    const uint8_t *start = cursor->at;
    struct bytes magic = cursor_bytes(cursor, sizeof snapshot_magic);
    if (!bytes_equal(magic, bytes_of(snapshot_magic, sizeof snapshot_magic)))
        return ERR_MALFORMED;
    uint16_t version = cursor_u16(cursor);
    uint16_t reserved = cursor_u16(cursor);
    meta->shard = cursor_u32(cursor);
    meta->configuration_bytes = cursor_u32(cursor);
    meta->index = cursor_u64(cursor);
    meta->term = cursor_u64(cursor);
    meta->stamp_ms = cursor_u64(cursor);
    if (cursor->is_failed || meta->configuration_bytes > SNAPSHOT_CONFIGURATION_MAXIMUM)
        return ERR_MALFORMED;
    struct bytes configuration = cursor_bytes(cursor, meta->configuration_bytes);
    struct bytes header = bytes_of(start, (size_t)(cursor->at - start));
    uint64_t checksum = cursor_u64(cursor);
    if (cursor->is_failed)
        return ERR_MALFORMED;
    if (checksum != checksum_xxh64(header, 0))
        return ERR_DAMAGED;
    if (version != SNAPSHOT_VERSION)
        return ERR_VERSION;
    if (configuration.length)
        memcpy(meta->configuration, configuration.data, configuration.length);
    return reserved ? ERR_MALFORMED : 0;
}

void snapshot_frame_seal(struct buffer *image, size_t start, uint32_t raw_bytes, uint64_t number) {
    uint8_t *frame = buffer_data(image) + start;
    size_t packed_bytes = image->length - start - 8;
    CHECK(raw_bytes > 0 && raw_bytes <= SNAPSHOT_FRAME_BYTES);
    CHECK(packed_bytes <= UINT32_MAX);
    for (unsigned i = 0; i < 4; i++) {
        frame[i] = (uint8_t)(raw_bytes >> (8 * i));
        frame[4 + i] = (uint8_t)(packed_bytes >> (8 * i));
    }
    buffer_append_u64(image, checksum_xxh64(bytes_of(frame, packed_bytes + 8), number));
}

bool snapshot_frame_decode(struct cursor *cursor, uint64_t number, struct snapshot_frame *frame,
                           int *status) {
    struct cursor begun = *cursor;
    frame->raw_bytes = cursor_u32(cursor);
    uint32_t packed_bytes = cursor_u32(cursor);
    if (!cursor->is_failed && frame->raw_bytes == 0) {
        *cursor = begun;
        *status = 0;
        return false;
    }
    frame->packed = cursor_bytes(cursor, packed_bytes);
    struct bytes covered = bytes_of(begun.at, (size_t)(cursor->at - begun.at));
    uint64_t checksum = cursor_u64(cursor);
    *status = ERR_MALFORMED;
    if (cursor->is_failed || frame->raw_bytes > SNAPSHOT_FRAME_BYTES)
        return false;
    *status = checksum == checksum_xxh64(covered, number) ? 0 : ERR_DAMAGED;
    return *status == 0;
}

void snapshot_footer_encode(struct buffer *image, uint64_t frame_count, uint64_t raw_bytes) {
    buffer_append_u64(image, 0);
    buffer_append_u64(image, frame_count);
    buffer_append_u64(image, raw_bytes);
    buffer_append_u64(image, checksum_xxh64(buffer_bytes(image), 0));
}

int snapshot_footer_decode(struct cursor *cursor, struct bytes image, uint64_t frame_count,
                           uint64_t raw_bytes) {
    if (cursor_left(cursor) != SNAPSHOT_FOOTER_BYTES)
        return ERR_MALFORMED;
    uint64_t mark = cursor_u64(cursor);
    bool is_same = cursor_u64(cursor) == frame_count;
    is_same = cursor_u64(cursor) == raw_bytes && is_same;
    struct bytes covered = bytes_of(image.data, image.length - 8);
    if (cursor_u64(cursor) != checksum_xxh64(covered, 0))
        return ERR_DAMAGED;
    return mark == 0 && is_same ? 0 : ERR_MALFORMED;
}
