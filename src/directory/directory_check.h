/* Reads every byte of a stopped node's directory and says what is wrong with it. Nothing is
 * written.
 *
 *   identity, founding, topology                 decoded, and compared with each other
 *   worker-<n>/promise                           decoded
 *   worker-<n>/wal-*                             wal_verify: every record; then per shard the
 *                                                entries, their indexes, terms and votes
 *   worker-<n>/snapshot-<shard>-<index>          those that the log names, and every chunk that
 *   worker-<n>/chunk-*                           they name, unpacked whole into a state machine
 *
 * One shard's state is in memory at a time. */
#pragma once
#include "cluster/topology.h"
#include "io/disk.h"
#include "member/identity.h"

enum {
    DIRECTORY_FINDING_MAXIMUM = 1000, /* further ones are counted only */
    DIRECTORY_WORKER_MAXIMUM = 64,
    DIRECTORY_SHARD_MAXIMUM = TOPOLOGY_SHARD_MAXIMUM + 1, /* with the control shard */
    DIRECTORY_FILE_BYTES = DISK_NAME_MAXIMUM + 16,
    DIRECTORY_TEXT_BYTES = 256,
};

/* One thing that is wrong, or that could not be looked at. */
struct directory_finding {
    char file[DIRECTORY_FILE_BYTES]; /* below the directory */
    bool is_unread; /* for want of a right, or of descriptors: it may be as it should be */
    bool has_offset;
    uint64_t offset, bytes;
    bool has_shard;
    uint32_t shard;
    uint64_t first_index, last_index; /* of the shard's entries; 0, 0: of none */
    char what[DIRECTORY_TEXT_BYTES];
    const char *advice;
};

struct directory_worker {
    uint64_t segment_count, record_count, log_bytes;
    bool is_torn; /* normal after a kill: a round that was never acknowledged; it is cut at start */
    char torn_file[DIRECTORY_FILE_BYTES];
    uint64_t torn_offset, torn_bytes;
};

struct directory_shard {
    uint32_t number, worker;
    uint64_t term;
    uint32_t vote;
    uint64_t entry_count, first_index, last_index; /* what stands; 0, 0: nothing */
    uint64_t snapshot_index, snapshot_term, snapshot_bytes;
    bool is_snapshot_sound;
    uint64_t key_count; /* of the snapshot */
};

struct directory_report {
    bool has_identity;
    struct identity identity;
    struct topology *founding, *topology; /* owned; NULL: none, or unreadable */
    bool is_removed;                      /* from its cluster: the node starts here no more */
    unsigned worker_count;
    struct directory_worker workers[DIRECTORY_WORKER_MAXIMUM];
    struct directory_shard *shards; /* owned; by number, those that the logs know */
    size_t shard_count;
    struct directory_finding *findings; /* owned */
    size_t finding_count, finding_total, unread_total;
    unsigned leftover_count; /* half-written files, which the next start removes or replaces */
    unsigned aside_count;    /* damaged segments that the node has no use for any more */
    unsigned unknown_count;  /* files that no node makes */
    uint64_t bytes_total, bytes_done; /* of logs and snapshots */
};

struct directory_check_options {
    struct disk *node_disk; /* borrows */
    /* ERR_NOT_FOUND if there is no directory worker-<n>. Borrowed until the check ends. */
    int (*open_worker)(void *context, unsigned worker, struct disk **disk);
    void (*progress)(void *context, const struct directory_report *report); /* may be NULL */
    void *context;
};

/* 0 if everything could be looked at, whatever was found. ERR_NOT_FOUND: no node ever ran here. The
 * report is to be released in any case. */
int directory_check(const struct directory_check_options *options,
                    struct directory_report *report) MUST_CHECK;
void directory_report_release(struct directory_report *report);
