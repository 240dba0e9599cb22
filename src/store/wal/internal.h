/* The inside of the log, for the files that share it: what it has gathered, what is under way, what
 * waits. Which file does what to it, and who calls whom, is in ORDER. */
#pragma once
#include "base/random.h"
#include "store/record/digest.h"
#include "store/record/ledger.h"
#include "store/record/position.h"
#include "store/wal/disk_score.h"
#include "store/wal/job.h"
#include "store/wal/wal.h"

/* A segment that had to be made in a hurry, and the first one, are small: zeroing them takes
 * milliseconds. */
enum { WAL_HASTY_SEGMENT_BYTES = 4 << 20 };

/* What an owner without anything else to do waits for itself, at the most: a thread is worth its
 * two wake-ups where there is much to write, or the disk is not fast. */
enum { WAL_AWAITED_BYTES = 16 << 10, WAL_AWAITED_US = 1000 };

/* How far records have come, by WAL sequence number. */
struct wal_sequences {
    uint64_t appended, sealed, durable;
};

/* The round under way, or the last one: what was gathered, on its way to the disk (round.c). */
struct wal_current_round {
    struct wal_round job;
    struct buffer head; /* what stands before its records: checkpoint, digest */
    struct wal_digest_reach reach;
    size_t bytes;
    uint64_t begun_us;
    uint64_t idle_us; /* before it */
    uint64_t ended_us;
    bool is_mark;
    bool is_owner_idle; /* said of the next round */
    bool is_running;
    bool is_stalled; /* sealed, and there is no space for its segment */
};

/* Files that wait to become segments (spare.c, recycle.c). */
struct wal_spares {
    struct wal_spare_file files[WAL_SPARE_MAXIMUM]; /* ready, the oldest first */
    size_t count;
    uint64_t newest; /* number of the newest one, ready or being made */
    struct wal_spare job;
    bool is_running;
};

/* What is kept back for a full disk (space.c). */
struct wal_kept_space {
    struct wal_spare_file reserve; /* without a file: it is to be made */
    bool is_reserve_in_round;      /* it still has its name while a round turns it into a segment */
    bool is_full; /* the disk gave no space when it was asked last, or a round found no file */
    int full_for; /* why, as of then: as wal_wanting() */
    int wanting;  /* what was when a spare was asked for last, or a file for a round; 0: nothing */
    uint64_t next_probe_us;
};

/* Up to which segment the log may go, by whether the round that says so is durable. */
struct wal_released {
    uint64_t appended, sealed, durable, below; /* segments */
    struct wal_release job;
    bool is_running;
};

struct wal {
    struct wal_options options;
    struct wal_tuning tuning;
    struct random random;
    struct wal_ledger ledger;        /* of everything sealed */
    struct wal_position position;    /* behind the round that is sealed, or was last */
    struct wal_position durable_end; /* behind the newest one that is durable */

    struct wal_batch batches[2]; /* one gathers, rounds take from the other until it is used up */
    unsigned gathering;
    uint64_t may_wait_until_us, due_us; /* due: of what is gathered, the soonest */
    uint64_t mark_due_us;               /* UINT64_MAX: none is wanted, or not yet */
    struct wal_sequences sequences;
    struct wal_current_round round;
    uint64_t file_bytes; /* of the segment written to, as the last round left it */

    struct wal_repaired repaired;
    uint64_t damaged_segment; /* the newest one that is damaged; 0: none is */
    struct wal_spares spares;
    struct wal_kept_space space;
    struct wal_released released;

    struct disk_score score;
    bool is_new, is_flush_wanted, has_failed;
    struct wal_statistics statistics;
};

static inline uint64_t wal_smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }
/* wal_tick() asks again. */
static inline bool wal_is_wanting(const struct wal *wal) {
    return wal->space.is_full || wal->space.wanting;
}
/* How much of the batch being written is left, and how much waits behind it. */
static inline uint64_t wal_rest_bytes(const struct wal *wal) {
    return wal_batch_rest_bytes(&wal->batches[!wal->gathering]);
}
static inline uint64_t wal_gathered_bytes(const struct wal *wal) {
    return wal_batch_rest_bytes(&wal->batches[wal->gathering]);
}
