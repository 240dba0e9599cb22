/* Reads every byte of the snapshot that a stopped node's log names: the manifest, each chunk, and
 * what the chunks hold, loaded whole into a state machine. For directory_check.c. */
#pragma once
#include "directory/directory_check.h"

struct snapshot_bad {
    const struct directory_shard *shard;
    const char *file; /* in the worker's directory */
    const char *what;
    int error; /* 0: `what` says all */
    bool has_offset;
    uint64_t offset;
};

struct snapshot_check {
    struct disk *disk;               /* borrows */
    struct directory_shard *shard;   /* borrows; what is found out is written there */
    const struct topology *founding; /* borrows; NULL: the control shard's state is not loaded */
    void (*found)(void *context, const struct snapshot_bad *bad);
    void (*progress)(void *context, uint64_t bytes);
    void *context;
};

void snapshot_check(struct snapshot_check *check);
