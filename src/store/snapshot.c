#include "store/snapshot.h"
#include "base/check.h"
#include "base/memory.h"
#include "store/snapshot_format.h"
#include <zstd.h>

/* Past this an image is not saved: the shard must be split first. */
static const size_t image_maximum_bytes = (size_t)16 << 30;
static const int compression_level = 1;

/* ---- writing an image ---- */

struct snapshot_writer {
    ZSTD_CCtx *context;
    struct buffer image;
    uint64_t frame_count, raw_bytes;
    size_t held_bytes; /* of held[] */
    uint8_t held[SNAPSHOT_FRAME_BYTES];
};

struct snapshot_writer *snapshot_writer_new(const struct snapshot_meta *meta) {
    struct snapshot_writer *writer = memory_allocate(sizeof *writer);
    writer->context = ZSTD_createCCtx();
    CHECK(writer->context != NULL);
    writer->frame_count = writer->raw_bytes = 0;
    writer->held_bytes = 0;
    buffer_init(&writer->image, image_maximum_bytes);
    snapshot_header_encode(&writer->image, meta);
    return writer;
}

static void writer_end_frame(struct snapshot_writer *writer) {
    struct buffer *image = &writer->image;
    if (writer->held_bytes == 0 || image->is_overflowed)
        return;
    size_t start = image->length;
    size_t bound = ZSTD_compressBound(writer->held_bytes);
    /* Room for the sizes, the packed bytes and the checksum at once, so that no part can overflow
     * alone. */
    uint8_t *frame = buffer_reserve(image, 8 + bound + 8);
    if (frame == NULL)
        return;
    size_t packed = ZSTD_compressCCtx(writer->context, frame + 8, bound, writer->held,
                                      writer->held_bytes, compression_level);
    CHECK(!ZSTD_isError(packed));
    buffer_grew(image, 8 + packed);
    snapshot_frame_seal(image, start, (uint32_t)writer->held_bytes, ++writer->frame_count);
    writer->raw_bytes += writer->held_bytes;
    writer->held_bytes = 0;
}

void snapshot_writer_write(struct snapshot_writer *writer, struct bytes raw) {
    while (raw.length) {
        size_t room = SNAPSHOT_FRAME_BYTES - writer->held_bytes;
        size_t taken = raw.length < room ? raw.length : room;
        memcpy(writer->held + writer->held_bytes, raw.data, taken);
        writer->held_bytes += taken;
        raw = bytes_of(raw.data + taken, raw.length - taken);
        if (writer->held_bytes < SNAPSHOT_FRAME_BYTES)
            continue;
        writer_end_frame(writer);
        writer->held_bytes = 0; /* also when the image overflowed */
    }
}

void snapshot_writer_finish(struct snapshot_writer *writer, struct buffer *image) {
    writer_end_frame(writer);
    snapshot_footer_encode(&writer->image, writer->frame_count, writer->raw_bytes);
    *image = writer->image;
    buffer_init(&writer->image, 0);
    snapshot_writer_free(writer);
}

void snapshot_writer_free(struct snapshot_writer *writer) {
    ZSTD_freeCCtx(writer->context);
    buffer_release(&writer->image);
    memory_free(writer);
}

/* ---- reading one ---- */

int snapshot_verify(struct bytes image, struct snapshot_meta *meta) {
    uint64_t offset;
    return snapshot_locate(image, meta, &offset);
}

int snapshot_locate(struct bytes image, struct snapshot_meta *meta, uint64_t *offset) {
    *offset = 0;
    struct cursor cursor = cursor_of(image);
    int status = snapshot_header_decode(&cursor, meta);
    if (status)
        return status;
    struct snapshot_frame frame;
    uint64_t frame_count = 0, raw_bytes = 0;
    *offset = image.length - cursor_left(&cursor);
    while (snapshot_frame_decode(&cursor, frame_count + 1, &frame, &status)) {
        frame_count++;
        raw_bytes += frame.raw_bytes;
        *offset = image.length - cursor_left(&cursor);
    }
    return status ? status : snapshot_footer_decode(&cursor, image, frame_count, raw_bytes);
}

static int unpack(const struct snapshot_frame *frame, ZSTD_DCtx *context, uint8_t *raw) {
    size_t bytes = ZSTD_decompressDCtx(context, raw, frame->raw_bytes, frame->packed.data,
                                       frame->packed.length);
    return ZSTD_isError(bytes) || bytes != frame->raw_bytes ? ERR_MALFORMED : 0;
}

int snapshot_read(struct bytes image, struct snapshot_meta *meta,
                  int (*each)(void *context, struct bytes raw), void *context) {
    int status = snapshot_verify(image, meta);
    if (status)
        return status;
    struct cursor cursor = cursor_of(image);
    struct snapshot_frame frame;
    ZSTD_DCtx *unpacker = ZSTD_createDCtx();
    CHECK(unpacker != NULL);
    uint8_t *raw = memory_allocate(SNAPSHOT_FRAME_BYTES);
    status = snapshot_header_decode(&cursor, meta);
    uint64_t number = 1;
    while (status == 0 && snapshot_frame_decode(&cursor, number++, &frame, &status)) {
        status = unpack(&frame, unpacker, raw);
        if (status == 0)
            status = each(context, bytes_of(raw, frame.raw_bytes));
    }
    memory_free(raw);
    ZSTD_freeDCtx(unpacker);
    return status;
}
