/* What `trothdb restore` was asked for and has done: restore.c does it, restore_told.c says what
 * came of it. */
#pragma once
#include "cli/backup/backup_place.h"
#include "cli/terminal/progress.h"
#include "directory/restore.h"
#include "io/real/real_disk.h"

enum {
    RESTORE_WORKERS_MAXIMUM = 64,
    RESTORE_PASSED_MAXIMUM = 32 /* told by name; of more only how many */
};

/* A blob that could not be used, and was not needed. */
struct passed_over {
    uint32_t shard;
    char name[BLOB_NAME_MAXIMUM], what[80];
};

struct restoring {
    struct backup_flags flags;
    const char *directory, *to;
    int64_t worker_count;
    uint64_t time_ms, ends_ms; /* asked for; of the last write in the backup */
    struct restore_bound bounds[TOPOLOGY_SHARD_MAXIMUM];
    size_t bound_count;
    bool is_directory_new;
    struct disk *node_disk, *workers[RESTORE_WORKERS_MAXIMUM];
    struct disk_real_problem cause;
    struct progress progress;
    bool shows_progress;
    uint64_t bytes_done, begun_us;
    struct restored_shard shards[TOPOLOGY_SHARD_MAXIMUM];
    size_t shard_count;
    struct passed_over passed[RESTORE_PASSED_MAXIMUM];
    size_t passed_count;
    uint8_t cluster_id[16];
};

/* On standard output. */
void restore_print_text(const struct restoring *restoring);
void restore_print_json(const struct restoring *restoring);
