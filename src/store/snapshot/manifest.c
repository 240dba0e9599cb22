#include "store/snapshot/manifest.h"
#include "base/check.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "store/snapshot/names.h"
#include <assert.h>

/*   0 "TSNP"   4 u16 version (2; 3: a slot has several chunks; 4: a slot is divided into parts)
 *   6 u16 0   8 u32 shard
 *  12 u32 configuration_bytes   16 u64 index   24 u64 term   32 u64 stamp_ms
 *  40 u32 chunk_count   44 u32 0
 *  48 configuration, then per chunk:
 *       0 u16 first_slot   2 u16 last_slot   4 u16 part   6 u8 part_bits   7 u8 0
 *       8 u64 raw_bytes   16 u64 stored_bytes
 *      24 u64 low, 32 u64 high of raw_checksum   40 u64 stored_checksum   48 u64 state_hash
 *  .. u64 xxh3 of all before it */
enum { SLOTS = 16384, HEADER_BYTES = 48, CHUNK_BYTES = 56, CHECKSUM_BYTES = 8 };
static_assert(HEADER_BYTES + SNAPSHOT_CONFIGURATION_MAXIMUM + CHECKSUM_BYTES +
                      SNAPSHOT_CHUNK_COUNT_MAXIMUM * CHUNK_BYTES <=
                  SNAPSHOT_MANIFEST_BYTES_MAXIMUM,
              "every manifest fits");

static const uint8_t manifest_magic[4] = {'T', 'S', 'N', 'P'};

struct snapshot_manifest *snapshot_manifest_new(const struct snapshot_meta *meta,
                                                const struct snapshot_chunk *chunks,
                                                uint32_t chunk_count) {
    struct snapshot_manifest *manifest = memory_allocate_zeroed(1, sizeof *manifest);
    manifest->meta = *meta;
    manifest->chunk_count = chunk_count;
    manifest->chunks = memory_copy(chunks, chunk_count * sizeof *chunks);
    return manifest;
}

void snapshot_manifest_free(struct snapshot_manifest *manifest) {
    if (manifest == NULL)
        return;
    memory_free(manifest->chunks);
    memory_free(manifest);
}

/* Are both of the same single slot, and of parts of one division in order? */
static bool is_continued(const struct snapshot_chunk *chunk, const struct snapshot_chunk *next) {
    return chunk->first_slot == chunk->last_slot && next->first_slot == chunk->first_slot &&
           next->last_slot == chunk->last_slot && next->part_bits == chunk->part_bits &&
           next->part >= chunk->part;
}

static uint16_t greater(uint16_t a, uint16_t b) { return a > b ? a : b; }

uint16_t snapshot_manifest_version(const struct snapshot_manifest *manifest) {
    uint16_t version = SNAPSHOT_MANIFEST_VERSION_WHOLE;
    for (uint32_t i = 0; i < manifest->chunk_count; i++) {
        const struct snapshot_chunk *chunk = &manifest->chunks[i];
        if (chunk->part_bits > 0)
            version = SNAPSHOT_MANIFEST_VERSION;
        else if (i > 0 && is_continued(chunk - 1, chunk))
            version = greater(version, SNAPSHOT_MANIFEST_VERSION_PIECES);
    }
    return version;
}

uint32_t snapshot_manifest_find(const struct snapshot_manifest *manifest, unsigned slot) {
    uint32_t low = 0, high = manifest->chunk_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (manifest->chunks[middle].last_slot < slot)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t snapshot_manifest_stored_bytes(const struct snapshot_manifest *manifest) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < manifest->chunk_count; i++)
        sum += manifest->chunks[i].stored_bytes;
    return sum;
}

uint64_t snapshot_manifest_state_hash(const struct snapshot_manifest *manifest) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < manifest->chunk_count; i++)
        sum += manifest->chunks[i].state_hash;
    return sum;
}

/* ---- bytes ---- */

static void chunk_encode(const struct snapshot_chunk *chunk, struct buffer *out) {
    buffer_append_u16(out, chunk->first_slot);
    buffer_append_u16(out, chunk->last_slot);
    buffer_append_u16(out, chunk->part);
    buffer_append_u8(out, chunk->part_bits);
    buffer_append_u8(out, 0);
    buffer_append_u64(out, chunk->raw_bytes);
    buffer_append_u64(out, chunk->stored_bytes);
    buffer_append_u64(out, chunk->raw_checksum.low);
    buffer_append_u64(out, chunk->raw_checksum.high);
    buffer_append_u64(out, chunk->stored_checksum);
    buffer_append_u64(out, chunk->state_hash);
}

void snapshot_manifest_encode(const struct snapshot_manifest *manifest, struct buffer *out) {
    const struct snapshot_meta *meta = &manifest->meta;
    CHECK(meta->configuration_bytes <= SNAPSHOT_CONFIGURATION_MAXIMUM);
    CHECK(manifest->chunk_count <= SNAPSHOT_CHUNK_COUNT_MAXIMUM);
    size_t start = out->length;
    buffer_append(out, manifest_magic, sizeof manifest_magic);
    buffer_append_u16(out, snapshot_manifest_version(manifest));
    buffer_append_u16(out, 0);
    buffer_append_u32(out, meta->shard);
    buffer_append_u32(out, meta->configuration_bytes);
    buffer_append_u64(out, meta->index);
    buffer_append_u64(out, meta->term);
    buffer_append_u64(out, meta->stamp_ms);
    buffer_append_u32(out, manifest->chunk_count);
    buffer_append_u32(out, 0);
    buffer_append(out, meta->configuration, meta->configuration_bytes);
    for (uint32_t i = 0; i < manifest->chunk_count; i++)
        chunk_encode(&manifest->chunks[i], out);
    if (!out->is_overflowed)
        buffer_append_u64(
            out, checksum_xxh64(bytes_of(buffer_data(out) + start, out->length - start), 0));
}

/* `before`: NULL for the first. */
static bool may_follow(const struct snapshot_chunk *before, const struct snapshot_chunk *chunk,
                       uint16_t version) {
    return before == NULL || chunk->first_slot > before->last_slot ||
           (version >= SNAPSHOT_MANIFEST_VERSION_PIECES && is_continued(before, chunk));
}

/* Only a slot alone has parts, and only the newest version names them. */
static bool is_part(const struct snapshot_chunk *chunk, uint16_t version) {
    if (chunk->part_bits == 0)
        return chunk->part == 0;
    return version == SNAPSHOT_MANIFEST_VERSION && chunk->first_slot == chunk->last_slot &&
           chunk->part_bits <= SNAPSHOT_PART_BITS_MAXIMUM && chunk->part >> chunk->part_bits == 0;
}

static int chunk_decode(struct cursor *in, uint16_t version, struct snapshot_chunk *chunk) {
    chunk->first_slot = cursor_u16(in);
    chunk->last_slot = cursor_u16(in);
    chunk->part = cursor_u16(in);
    chunk->part_bits = cursor_u8(in);
    uint8_t reserved = cursor_u8(in);
    chunk->raw_bytes = cursor_u64(in);
    chunk->stored_bytes = cursor_u64(in);
    chunk->raw_checksum.low = cursor_u64(in);
    chunk->raw_checksum.high = cursor_u64(in);
    chunk->stored_checksum = cursor_u64(in);
    chunk->state_hash = cursor_u64(in);
    bool is_good = !in->is_failed && reserved == 0 && chunk->last_slot >= chunk->first_slot &&
                   chunk->last_slot < SLOTS && chunk->raw_bytes > 0 && chunk->stored_bytes > 0 &&
                   is_part(chunk, version);
    return is_good ? 0 : ERR_MALFORMED;
}

/* The part behind the header's first eight bytes. */
static int body_decode(struct cursor *in, uint16_t version, struct snapshot_manifest *manifest) {
    struct snapshot_meta *meta = &manifest->meta;
    meta->shard = cursor_u32(in);
    meta->configuration_bytes = cursor_u32(in);
    meta->index = cursor_u64(in);
    meta->term = cursor_u64(in);
    meta->stamp_ms = cursor_u64(in);
    manifest->chunk_count = cursor_u32(in);
    uint32_t reserved = cursor_u32(in);
    if (in->is_failed || reserved || meta->configuration_bytes > SNAPSHOT_CONFIGURATION_MAXIMUM ||
        manifest->chunk_count > SNAPSHOT_CHUNK_COUNT_MAXIMUM)
        return ERR_MALFORMED;
    struct bytes configuration = cursor_bytes(in, meta->configuration_bytes);
    if (in->is_failed || cursor_left(in) != (size_t)manifest->chunk_count * CHUNK_BYTES)
        return ERR_MALFORMED;
    if (configuration.length)
        memcpy(meta->configuration, configuration.data, configuration.length);
    manifest->chunks = memory_allocate_zeroed(manifest->chunk_count, sizeof *manifest->chunks);
    for (uint32_t i = 0; i < manifest->chunk_count; i++) {
        struct snapshot_chunk *chunk = &manifest->chunks[i];
        if (chunk_decode(in, version, chunk) || !may_follow(i ? chunk - 1 : NULL, chunk, version))
            return ERR_MALFORMED;
    }
    return 0;
}

/* The checksum is looked at before the version, so that a damaged version number is called damage.
 */
int snapshot_manifest_decode(struct bytes encoded, struct snapshot_manifest **out) {
    *out = NULL;
    if (encoded.length < HEADER_BYTES + CHECKSUM_BYTES ||
        memcmp(encoded.data, manifest_magic, sizeof manifest_magic) != 0)
        return ERR_MALFORMED;
    struct bytes covered = bytes_of(encoded.data, encoded.length - CHECKSUM_BYTES);
    struct cursor end = cursor_of(bytes_of(encoded.data + covered.length, CHECKSUM_BYTES));
    if (cursor_u64(&end) != checksum_xxh64(covered, 0))
        return ERR_DAMAGED;
    struct cursor in = cursor_of(covered);
    cursor_u32(&in);
    uint16_t version = cursor_u16(&in);
    if (version < SNAPSHOT_MANIFEST_VERSION_WHOLE || version > SNAPSHOT_MANIFEST_VERSION)
        return ERR_VERSION;
    if (cursor_u16(&in) != 0)
        return ERR_MALFORMED;
    struct snapshot_manifest *manifest = memory_allocate_zeroed(1, sizeof *manifest);
    int status = body_decode(&in, version, manifest);
    if (status)
        snapshot_manifest_free(manifest);
    else
        *out = manifest;
    return status;
}

/* ---- files ---- */

int snapshot_manifest_write(struct disk *disk, const struct snapshot_manifest *manifest) {
    char name[DISK_NAME_MAXIMUM];
    snapshot_manifest_name(manifest->meta.shard, manifest->meta.index, name);
    struct buffer encoded;
    buffer_init(&encoded, SNAPSHOT_MANIFEST_BYTES_MAXIMUM);
    snapshot_manifest_encode(manifest, &encoded);
    CHECK(!encoded.is_overflowed);
    int status = disk->ops->sync_directory(disk);
    if (status == 0)
        status = disk_write_all(disk, name, buffer_bytes(&encoded));
    buffer_release(&encoded);
    return status;
}

int snapshot_manifest_read(struct disk *disk, uint32_t shard, uint64_t index,
                           struct snapshot_manifest **out) {
    *out = NULL;
    char name[DISK_NAME_MAXIMUM];
    snapshot_manifest_name(shard, index, name);
    uint8_t *data;
    size_t length;
    int status = disk_read_all(disk, name, SNAPSHOT_MANIFEST_BYTES_MAXIMUM, &data, &length);
    if (status)
        return status;
    status = snapshot_manifest_decode(bytes_of(data, length), out);
    memory_free(data);
    if (status == 0 && ((*out)->meta.shard != shard || (*out)->meta.index != index)) {
        snapshot_manifest_free(*out);
        *out = NULL;
        status = ERR_DAMAGED; /* another snapshot under this one's name */
    }
    return status;
}
