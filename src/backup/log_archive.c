#include "backup/log_archive.h"

#include <zstd.h>

#include "base/check.h"
#include "base/checksum.h"
#include "base/memory.h"

enum { CHECKSUM_BYTES = 8, COMPRESSION_LEVEL = 3 };

static const uint8_t MAGIC[4] = {'T', 'L', 'A', 'R'};

static void encode_header(const struct log_archive *archive, struct bytes entries,
                          struct buffer *out) {
    buffer_append(out, MAGIC, sizeof(MAGIC));
    buffer_append_u16(out, LOG_ARCHIVE_VERSION);
    buffer_append_u16(out, 0);
    buffer_append(out, archive->place.cluster_id, BACKUP_CLUSTER_BYTES);
    buffer_append_u32(out, archive->place.shard);
    buffer_append_u32(out, archive->entry_count);
    buffer_append_u64(out, archive->log.first_index);
    buffer_append_u64(out, archive->log.last_index);
    buffer_append_u64(out, archive->log.first_stamp_ms);
    buffer_append_u64(out, archive->log.last_stamp_ms);
    buffer_append_u64(out, entries.length);
}

void log_archive_encode(const struct log_archive *archive, struct bytes entries,
                        struct buffer *out) {
    CHECK(out->length == 0);
    encode_header(archive, entries, out);
    size_t bound = ZSTD_compressBound(entries.length);
    uint8_t *packed = memory_allocate(bound);
    size_t bytes = ZSTD_compress(packed, bound, entries.data, entries.length, COMPRESSION_LEVEL);
    CHECK(!ZSTD_isError(bytes));
    buffer_append_u64(out, bytes);
    buffer_append(out, packed, bytes);
    memory_free(packed);
    buffer_append_u64(out, checksum_xxh64(buffer_bytes(out), 0));
}

/* ---- reading ---- */

/* The checksum is looked at before the version, so that a damaged version is called damage. */
static int decode_header(struct bytes blob, struct log_archive *archive, uint64_t *raw_bytes,
                         struct bytes *packed) {
    if (blob.length < LOG_ARCHIVE_HEADER_BYTES + CHECKSUM_BYTES ||
        memcmp(blob.data, MAGIC, sizeof(MAGIC)) != 0)
        return ERR_MALFORMED;
    struct bytes covered = bytes_of(blob.data, blob.length - CHECKSUM_BYTES);
    struct cursor tail = cursor_of(bytes_of(blob.data + covered.length, CHECKSUM_BYTES));
    if (cursor_u64(&tail) != checksum_xxh64(covered, 0))
        return ERR_DAMAGED;
    struct cursor in = cursor_of(covered);
    cursor_bytes(&in, sizeof(MAGIC));
    if (cursor_u16(&in) != LOG_ARCHIVE_VERSION)
        return ERR_VERSION;
    uint16_t reserved = cursor_u16(&in);
    struct bytes cluster = cursor_bytes(&in, BACKUP_CLUSTER_BYTES);
    memcpy(archive->place.cluster_id, cluster.data, BACKUP_CLUSTER_BYTES);
    archive->place.shard = cursor_u32(&in);
    archive->entry_count = cursor_u32(&in);
    archive->log.first_index = cursor_u64(&in);
    archive->log.last_index = cursor_u64(&in);
    archive->log.first_stamp_ms = cursor_u64(&in);
    archive->log.last_stamp_ms = cursor_u64(&in);
    *raw_bytes = cursor_u64(&in);
    *packed = cursor_bytes(&in, cursor_u64(&in));
    bool is_sound = reserved == 0 && cursor_finish(&in) == 0 && *raw_bytes <= BLOB_BYTES_MAXIMUM &&
                    archive->log.last_index - archive->log.first_index + 1 == archive->entry_count;
    return is_sound ? 0 : ERR_MALFORMED;
}

static int decode_entries(const struct log_archive *archive, struct bytes raw,
                          int (*each)(void *context, const struct raft_entry *entry),
                          void *context) {
    for (uint64_t index = archive->log.first_index; raw.length; index++) {
        struct raft_entry *entry;
        int error = raft_entry_decode(&raw, &entry);
        if (error)
            return error;
        bool is_expected = entry->index == index && index <= archive->log.last_index &&
                           (raw.length > 0 || index == archive->log.last_index);
        error = is_expected ? each(context, entry) : ERR_MALFORMED;
        raft_entry_drop(entry);
        if (error)
            return error;
    }
    return 0;
}

int log_archive_decode(struct bytes blob, struct log_archive *archive,
                       int (*each)(void *context, const struct raft_entry *entry), void *context) {
    uint64_t raw_bytes;
    struct bytes packed;
    int error = decode_header(blob, archive, &raw_bytes, &packed);
    if (error)
        return error;
    uint8_t *raw = memory_allocate(raw_bytes);
    size_t bytes = ZSTD_decompress(raw, raw_bytes, packed.data, packed.length);
    error = ZSTD_isError(bytes) || bytes != raw_bytes || raw_bytes == 0
                ? ERR_MALFORMED
                : decode_entries(archive, bytes_of(raw, raw_bytes), each, context);
    memory_free(raw);
    return error;
}
