#include "store/snapshot/names.h"
#include <inttypes.h>
#include <stdio.h>

void snapshot_manifest_name(uint32_t shard, uint64_t index, char out[DISK_NAME_MAXIMUM]) {
    snprintf(out, DISK_NAME_MAXIMUM, "snapshot-%" PRIu32 "-%" PRIu64, shard, index);
}

void snapshot_chunk_name(uint32_t shard, const struct snapshot_chunk *chunk,
                         char out[DISK_NAME_MAXIMUM]) {
    snprintf(out, DISK_NAME_MAXIMUM, "chunk-%" PRIu32 "-%016" PRIx64 "%016" PRIx64 "-%016" PRIx64,
             shard, chunk->raw_checksum.high, chunk->raw_checksum.low, chunk->stored_checksum);
}

/* Does the name begin as its canonical form, and end there or with ".new"? */
static bool is_canonical(const char *name, const char *canonical, bool *is_whole) {
    size_t length = strlen(canonical);
    if (strncmp(name, canonical, length) != 0)
        return false;
    *is_whole = name[length] == 0;
    return *is_whole || strcmp(name + length, ".new") == 0;
}

void snapshot_file_parse(const char *name, struct snapshot_file *file) {
    char canonical[DISK_NAME_MAXIMUM];
    *file = (struct snapshot_file){.kind = SNAPSHOT_FILE_OTHER};
    struct snapshot_chunk *chunk = &file->chunk;
    if (sscanf(name, "snapshot-%" SCNu32 "-%" SCNu64, &file->shard, &file->index) == 2) {
        snapshot_manifest_name(file->shard, file->index, canonical);
        if (is_canonical(name, canonical, &file->is_whole))
            file->kind = SNAPSHOT_FILE_MANIFEST;
    } else if (sscanf(name, "chunk-%" SCNu32 "-%16" SCNx64 "%16" SCNx64 "-%16" SCNx64, &file->shard,
                      &chunk->raw_checksum.high, &chunk->raw_checksum.low,
                      &chunk->stored_checksum) == 4) {
        snapshot_chunk_name(file->shard, chunk, canonical);
        if (is_canonical(name, canonical, &file->is_whole))
            file->kind = SNAPSHOT_FILE_CHUNK;
    }
}
