/* Snapshots: whatever comes, reading it ends with an error or gives frames within their bounds, as
 * many bytes as the footer says. The first byte: 1, make the checksums right first, so that what
 * lies behind them is reached. */
#include "base/check.h"
#include "base/checksum.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "store/snapshot_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static void put_checksum(uint8_t *at, uint64_t checksum) {
    for (unsigned i = 0; i < 8; i++)
        at[i] = (uint8_t)(checksum >> (8 * i));
}

/* Follows the lengths that the image claims for itself, as far as they lead. */
static void correct_checksums(uint8_t *image, size_t length) {
    struct cursor cursor = cursor_of(bytes_of(image, length));
    cursor_bytes(&cursor, 12);
    size_t covered = SNAPSHOT_HEADER_BYTES + (size_t)cursor_u32(&cursor);
    if (cursor.is_failed || covered + 8 > length)
        return;
    put_checksum(image + covered, checksum_xxh64(bytes_of(image, covered), 0));
    size_t at = covered + 8;
    for (uint64_t number = 1; at + 8 <= length; number++) {
        cursor = cursor_of(bytes_of(image + at, 8));
        if (cursor_u32(&cursor) == 0)
            break;
        covered = 8 + (size_t)cursor_u32(&cursor);
        if (covered + 8 > length - at)
            return;
        put_checksum(image + at + covered, checksum_xxh64(bytes_of(image + at, covered), number));
        at += covered + 8;
    }
    if (length - at == SNAPSHOT_FOOTER_BYTES)
        put_checksum(image + length - 8, checksum_xxh64(bytes_of(image, length - 8), 0));
}

static int count_bytes(void *context, struct bytes raw) {
    CHECK(raw.length > 0 && raw.length <= SNAPSHOT_FRAME_BYTES);
    *(uint64_t *)context += checksum_xxh64(raw, 0) ? raw.length : 0;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    if (length == 0)
        return 0;
    uint8_t *image = memory_copy(data + 1, length - 1);
    if (data[0] & 1)
        correct_checksums(image, length - 1);
    struct snapshot_meta meta;
    uint64_t raw_bytes = 0;
    int status = snapshot_read(bytes_of(image, length - 1), &meta, count_bytes, &raw_bytes);
    CHECK(status == 0 || snapshot_verify(bytes_of(image, length - 1), &meta) != 0 ||
          status == ERR_MALFORMED);
    if (status == 0) {
        CHECK(meta.configuration_bytes <= SNAPSHOT_CONFIGURATION_MAXIMUM);
        struct cursor footer = cursor_of(bytes_of(image + length - 1 - 16, 8));
        CHECK(cursor_u64(&footer) == raw_bytes);
    }
    memory_free(image);
    return 0;
}
