/* What the files of snapshots are called; also read backwards, for whoever lists a directory. */
#pragma once
#include "store/snapshot/manifest.h"

void snapshot_manifest_name(uint32_t shard, uint64_t index, char out[DISK_NAME_MAXIMUM]);
void snapshot_chunk_name(uint32_t shard, const struct snapshot_chunk *chunk,
                         char out[DISK_NAME_MAXIMUM]);

enum snapshot_file_kind { SNAPSHOT_FILE_OTHER, SNAPSHOT_FILE_MANIFEST, SNAPSHOT_FILE_CHUNK };
struct snapshot_file {
    enum snapshot_file_kind kind;
    bool is_whole; /* false: ".new", not finished */
    uint32_t shard;
    uint64_t index;              /* of a manifest */
    struct snapshot_chunk chunk; /* of a chunk: identity and checksum */
};

/* Only names that the two above give are taken for theirs. */
void snapshot_file_parse(const char *name, struct snapshot_file *file);
