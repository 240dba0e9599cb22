/* A shard of one replica that is archived to a store of blobs in memory, while it is written to. */
#pragma once
#include "../shard/world.h"
#include "backup/archiver.h"
#include "backup/backup_read.h"
#include "fake_blobs.h"

enum {
    WRITES = 10,
    KEYS = 5,
    VALUE_BYTES = 1500,
    CHUNK_BYTES = 4096,
    STEP_MS = 500,
    KEEP_SECONDS = 2,
    END_MS = 3000,
    CALLS_MAXIMUM = 500
};
extern const uint8_t STORY_CLUSTER_ID[BACKUP_CLUSTER_BYTES];

/* The shard as it was. */
struct moment {
    raft_index index;
    uint64_t hash, wall_ms;
};

/* One call of the shard's disk, by a job of the archiver, that fails. */
struct disk_fault {
    enum fake_call call;
    unsigned nth; /* 0: none */
};

struct story {
    struct world *world;
    struct fake_blobs blobs;
    struct archiver_sum sum;
    struct archiver *archiver;
    struct moment moments[WRITES];
    struct disk_fault disk_fault;
    uint32_t recovery;   /* of its backup's place */
    bool is_interrupted; /* somebody else leads for a moment, in the middle */
};

struct archiver *story_new_archiver(struct story *story); /* returns owned */
struct story *story_new(void);                            /* returns owned */
void story_free(struct story *story);
/* The shard has nothing any more, and no archiver; the store has what it had. */
void story_lose_all(struct story *story);
void story_run_jobs(struct story *story);
uint64_t story_wall_ms(const struct story *story);
/* The only shard in it; NULL: there is none. */
const struct shard_backup *story_backup(const struct backup_catalogue *catalogue);
/* All that the store holds of the shard can be read; entries may be missing before a snapshot. */
void story_expect_sound(struct story *story, bool may_have_gap);
/* Time goes by, jobs are run, and the backup is sound after each step. */
void story_pass(struct story *story, unsigned ms);
/* One key, of a few; what the shard is then is noted as a moment. */
void story_write(struct story *story, unsigned number);
