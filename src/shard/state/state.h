/* All that one replica holds, for the rooms of shard/ alone; its parts stand beside this. */
#pragma once
#include "base/random.h"
#include "shard/state/early.h"
#include "shard/state/proposals.h"
#include "shard/state/reads.h"
#include "shard/state/saves.h"
#include "shard/state/snapshots.h"
#include "shard/state/traces.h"
#include "shard/terms/io.h"
#include "store/snapshot/job.h"
#include "store/snapshot/shelf.h"
#include <assert.h>

/* Where replicas are in comparing a slot that is too long to be gone through at once: at a bucket's
 * long keys, piece by piece, until none is left; then at the cursor. */
struct long_slot {
    slot_number slot;
    uint64_t cursor; /* 0, and no long keys: in none */
    uint64_t long_cursor;
    unsigned long_number, long_count;
    uint64_t from; /* the next piece of the one with that number */
};

struct shard {
    uint32_t number;
    raft_node_number self;
    struct raft *raft;
    struct machine *machine;
    const struct shard_io *io; /* the owner's */
    struct metric_cell *chunks_left;
    struct random random;

    struct shard_batch batch;
    struct shard_proposed proposed;
    struct shard_tracing tracing;
    struct shard_answer answering;
    struct shard_reads reads;
    struct shard_saves saves;
    struct shard_early early;
    struct shard_waits waits;

    raft_index applied_index;
    raft_term applied_term;
    uint64_t time_ms; /* the highest stamp applied (state/time.h) */
    uint64_t time_from_ms, time_from_us;
    bool is_time_ahead;                 /* of this node's wall clock, when it last stamped */
    struct payload_arguments arguments; /* of the command being read */
    struct payload_arguments applying;  /* of one that is applied and has very many */
    struct buffer scratch;              /* one reply */

    raft_index expiry_index; /* the last proposed deletion of expired keys stands here */
    uint64_t next_expiry_us;
    uint64_t compared_us;       /* when this replica, leading, had the others compare last */
    struct long_slot comparing; /* the one whose keys this leader is having compared */
    uint64_t difference_count;  /* comparisons in which a leader had noted otherwise */
    uint64_t stepped_us;        /* when raft was stepped last: the clock is read once a step */
    uint64_t raft_deadline_us;
    uint64_t delay_us;      /* round trip and disk, as last told */
    const char *reluctance; /* why this node would rather not lead; NULL: it would */
    bool is_transfer_begun; /* by the step in hand */
    bool is_stepped;        /* raft was, since reads and WAIT were looked at */
    struct shard_given_up given_up;

    struct snapshot_shelf *shelf;
    raft_index snapshot_index; /* of the newest durable snapshot */
    uint64_t applied_bytes;    /* of entries since the newest snapshot */
    uint64_t cost_bytes;       /* of one, when it was last looked at; it has only grown since */
    uint64_t next_take_us;
    struct stagger stagger;
    uint64_t next_number;    /* of snapshots taken, sent and received */
    unsigned disk_jobs;      /* snapshot jobs under way */
    unsigned outgoing_count; /* of those that are not free */

    /* Large, and of no use between snapshots but for their stages. These are looked at in every
     * turn, so what has its stage in front stands in front, the smallest first. */
    struct rewind rewind;
    struct incoming_snapshot incoming;
    struct own_snapshot own;
    struct slot_watch watch; /* of the machine: what changed since the newest snapshot */
    struct outgoing_snapshot outgoing[RAFT_VOTER_MAXIMUM];
};

/* A transfer to each follower, the way back to the newest snapshot, and an archiver. */
enum { SHARD_SNAPSHOT_HOLDERS_MAXIMUM = RAFT_VOTER_MAXIMUM + 2 };
static_assert(SHARD_SNAPSHOT_HOLDERS_MAXIMUM + 2 <= SNAPSHOT_SHELF_MAXIMUM,
              "the shelf has room for what each of them holds, the newest and the one before it");

/* The settings that time snapshots. */
static inline uint64_t shard_turn_us(const struct shard *shard) {
    return (uint64_t)shard->io->config->snapshot_turn_ms * 1000;
}
/* A replica that loads a snapshot serves nobody from this shard meanwhile. */
enum { SHARD_LOAD_FACTOR = 16 };
static inline size_t shard_load_bytes(const struct shard *shard) {
    return (size_t)shard->io->config->snapshot_turn_bytes * SHARD_LOAD_FACTOR;
}
/* Who has more than so much to apply at once, as after a start, catches up bit by bit, so much a
 * turn; between two turns the other shards and clients have theirs. */
enum { SHARD_BEHIND_FACTOR = 1024, SHARD_CATCH_UP_FACTOR = 64 };
static inline size_t shard_behind_bytes(const struct shard *shard) {
    return (size_t)shard->io->config->snapshot_turn_bytes * SHARD_BEHIND_FACTOR;
}
static inline size_t shard_catch_up_bytes(const struct shard *shard) {
    return (size_t)shard->io->config->snapshot_turn_bytes * SHARD_CATCH_UP_FACTOR;
}
static inline uint64_t shard_again_us(const struct shard *shard) {
    return (uint64_t)shard->io->config->snapshot_again_ms * 1000;
}
static inline uint64_t shard_stall_us(const struct shard *shard) {
    return (uint64_t)shard->io->config->snapshot_stall_ms * 1000;
}
static inline uint64_t shard_pause_us(const struct shard *shard) {
    return (uint64_t)shard->io->config->snapshot_pause_ms * 1000;
}

/* Within io.reply the owner may ask whence the answer comes. */
static inline void shard_answers_from_log(struct shard *shard, raft_index index, raft_term term) {
    shard->answering.origin = SHARD_FROM_LOG;
    shard->answering.place = (struct shard_place){.index = index, .term = term};
}
static inline void shard_answered(struct shard *shard) { shard->answering.origin = SHARD_NOWHERE; }

/* Its owner looks at when it is due again. */
static inline void shard_touch(struct shard *shard) {
    shard->io->touched(shard->io->context, shard);
}
static inline uint64_t shard_now_us(const struct shard *shard) {
    return shard->io->clock->monotonic_us(shard->io->clock);
}
