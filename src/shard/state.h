/* All that one replica holds, for the files of this folder alone. Which calls which: ORDER. The one
 * door back up is shard_step(), by which any of them gives raft an event. */
#pragma once
#include "base/cursor.h"
#include "base/queue.h"
#include "shard/cut.h"
#include "shard/moments.h"
#include "shard/payload.h"
#include "shard/shard.h"
#include "store/snapshot_job.h"
#include "store/snapshot_shelf.h"

/* One proposed entry whose commands are waited for. */
struct pending_entry {
    raft_index index;
    raft_term term;
    uint32_t waiter_count;
    uint64_t proposed_us;
    bool is_given_up; /* timed out: its waiters were told SHARD_UNKNOWN */
};

struct pending_read {
    struct shard_waiter waiter;
    uint64_t read_id;  /* not 0: raft has been asked for an index */
    raft_index index;  /* run once applied up to here */
    bool is_confirmed; /* raft has answered; needs no lease */
    bool is_refused;
    bool is_on_follower;
    uint64_t begun_us;
    struct buffer arguments; /* encoded as in an entry */
};

/* A reply that waits until `index` is committed; its bytes stand in held_reply_bytes, in order. */
struct held_reply {
    raft_index index;
    struct shard_waiter waiter; /* target NULL: was told something else meanwhile */
    bool is_read;
    uint64_t deadline_us;
    size_t bytes;
};

struct pending_wait {
    raft_index index;
    struct shard_waiter waiter;
    uint32_t replicas;
    bool is_local;
    uint64_t deadline_us;
};

/* What was applied up to `index` is not committed yet. */
struct ahead_mark {
    raft_index index;
    uint64_t applied_us;
};

/* A raft message that waits for a save to be durable. Never one with entries. */
struct held_message {
    uint64_t after_save;
    struct raft_message message;
};

/* Raft's save number `save_sequence` is on disk when the WAL's `wal_sequence` is. */
struct pending_save {
    uint64_t wal_sequence, save_sequence;
    raft_index last_index; /* of the log, as it was then */
};

/* A snapshot on its way to a follower, which asks for what it lacks. */
struct outgoing_snapshot {
    raft_node_number peer;              /* 0: free */
    uint64_t number;                    /* of the transfer: a job of an older one is dropped */
    struct snapshot_manifest *manifest; /* held on the shelf */
    struct shard_snapshot_wish wishes[SHARD_SNAPSHOT_WISHES_MAXIMUM]; /* oldest first */
    unsigned wish_count;
    struct buffer image; /* of the chunk that is being sent */
    uint32_t image_ordinal;
    bool has_image, is_loading;
    uint64_t sent_bytes;
    uint64_t heard_us, offered_us;
    uint64_t admitted_us; /* the rate allows the next piece from then on */
};

/*   NONE -- offer --> LOOKING for what is here already --> RECEIVING what is not
 *        --> LOADING all into a second machine --> NAMING: the manifest made durable
 *        --> MARKING: the log's mark of it made durable --> in place, NONE */
enum incoming_stage {
    INCOMING_NONE,
    INCOMING_LOOKING,
    INCOMING_RECEIVING,
    INCOMING_LOADING,
    INCOMING_NAMING,
    INCOMING_MARKING
};
enum chunk_state { CHUNK_LACKING, CHUNK_STORING, CHUNK_REUSED, CHUNK_STORED };
struct incoming_snapshot {
    enum incoming_stage stage;
    uint64_t number; /* of the transfer: a job of an older one is dropped */
    raft_node_number from;
    uint32_t version; /* the offer's */
    raft_term leader_term;
    raft_index index;
    struct raft_configuration configuration;
    struct snapshot_manifest *offer;    /* as the leader has it */
    struct snapshot_manifest *manifest; /* as it will be here */
    enum chunk_state *chunks;           /* by ordinal */
    uint32_t fetching;                  /* the first chunk that is lacking; chunk_count: none */
    struct buffer image;                /* what came of it */
    struct shard_snapshot_wish next_wish;
    uint64_t asked_bytes; /* and not come */
    uint64_t received_bytes;
    unsigned storing_count;
    uint64_t heard_us, asked_us;
    uint64_t mark_sequence; /* of the WAL */
    struct machine *machine;
    uint32_t loading; /* ordinal of the chunk that `raw` is, or will be */
    struct buffer raw;
    uint64_t next_load_us;
};

enum own_stage { OWN_NONE, OWN_SAVING, OWN_NAMING, OWN_MARKING };
struct own_snapshot {
    enum own_stage stage;
    uint64_t number; /* of the snapshot: a job of one that was given up is dropped */
    uint64_t begun_us, next_save_us;
    struct snapshot_meta meta;
    struct plan plan;
    struct cut *cut;
    uint32_t next_chunk; /* to be saved or verified */
    unsigned job_count;
    bool is_log_wanted;                 /* in memory, all of it behind this */
    int error;                          /* the first of its jobs */
    struct slot_set changed;            /* before it began; noted again if it fails */
    struct snapshot_manifest *manifest; /* from NAMING on */
    uint64_t mark_sequence;
    uint64_t log_bytes; /* of shard->applied_bytes, when it was taken */
};

/* Going back: rewind.c. */
enum rewind_stage { REWIND_NONE, REWIND_LOADING, REWIND_APPLYING };
struct rewind {
    enum rewind_stage stage;
    uint64_t number;                    /* a job of an older one is dropped */
    struct snapshot_manifest *manifest; /* held on the shelf; NULL: there is no snapshot */
    uint32_t loading;                   /* ordinal of the chunk that `raw` is, or will be */
    struct buffer raw;
    raft_index apply_to;
    uint64_t next_us;
};

/* A command with a trace id whose entry stands here, or an entry that was slow (trace.c). */
struct shard_trace {
    raft_index index;
    raft_term term;
    bool is_looked_back;   /* the whole entry, after the fact */
    uint32_t position;     /* in the entry, of a command */
    uint64_t wal_sequence; /* 0: not appended yet */
    uint64_t begun_us;
    bool is_durable, is_committed, is_applied;
    char id[PAYLOAD_TRACE_ID_MAXIMUM + 1];
};

/* Resolved once, counted without a look-up. */
struct shard_cells {
    struct metric_cell *proposals, *refused_not_leader, *refused_busy, *refused_no_space,
        *batch_bytes, *batch_commands, *queue_time, *read_wait, *commit_time, *apply_time,
        *entries_applied, *reads_by_lease, *reads_by_quorum, *snapshots_taken, *snapshots_sent,
        *snapshots_installed, *snapshots_lost, *snapshot_bytes, *snapshot_time, *chunks_saved,
        *chunks_kept, *chunks_received, *chunks_reused, *transfer_sent_bytes,
        *transfer_received_bytes, *snapshot_loaded_bytes, *chunks_left, *early_replies, *rewinds,
        *hedges;
};

struct shard {
    uint32_t number;
    raft_node_number self;
    struct raft *raft;
    struct machine *machine;
    struct shard_io io;
    struct random random;
    struct shard_cells cells;

    struct buffer batch; /* room for the heads of an entry, then commands of this turn, encoded */
    size_t batch_expected_bytes; /* as many commands as in the last one, and some more */
    uint64_t batch_begun_us;     /* when its first command came */
    uint32_t batch_count;
    bool is_crowded; /* somebody was refused for want of room, and there is not much yet */
    uint32_t batch_async_count, batch_sync_count; /* who waits for those */
    struct queue waiters; /* struct shard_waiter: of all pending entries, then of the batch */
    struct queue entries; /* struct pending_entry */

    struct bytes trace_next;    /* of the command that is proposed next; borrowed */
    struct buffer batch_traces; /* of the batch, encoded */
    uint32_t batch_trace_count;
    struct queue traces;         /* struct shard_trace, of entries that are under way here */
    struct queue awaited_traces; /* struct shard_trace, of entries that have not come yet */
    struct moments moments;
    struct shard_answer answering;

    struct queue reads; /* struct pending_read */
    uint64_t next_read_id;
    bool is_running_reads;

    struct queue held;  /* struct held_message */
    struct queue saves; /* struct pending_save */
    uint64_t durable_save;

    raft_index early_index;    /* as raft last said */
    struct queue ahead;        /* struct ahead_mark */
    struct queue held_replies; /* struct held_reply, by index */
    struct buffer held_reply_bytes;
    struct queue waits;         /* struct pending_wait */
    uint64_t wait_deadline_us;  /* the soonest of them; UINT64_MAX: none */
    bool is_settling;           /* nothing runs ahead until a snapshot is taken */
    uint64_t keep_log_until_us; /* somebody was answered early: the log stays in memory */

    raft_index applied_index;
    raft_term applied_term;
    uint64_t time_ms;                   /* stamp of the last applied entry */
    struct payload_arguments arguments; /* of the command being read */
    struct payload_arguments applying;  /* of some commands of the entry being applied */
    struct buffer scratch;              /* one reply */

    raft_index expiry_index; /* the last proposed deletion of expired keys stands here */
    uint64_t next_expiry_us;
    uint64_t stepped_us; /* when raft was stepped last: the clock is read once a step */
    uint64_t raft_deadline_us;
    uint64_t delay_us;      /* round trip and disk, as last told */
    const char *reluctance; /* why this node would rather not lead; NULL: it would */
    bool is_transfer_begun; /* by the step in hand */

    struct snapshot_shelf *shelf;
    raft_index snapshot_index; /* of the newest durable snapshot */
    uint64_t applied_bytes;    /* of entries since the newest snapshot */
    uint64_t cost_bytes;       /* of one, when it was last looked at; it has only grown since */
    uint64_t next_take_us;
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

/* The settings that time snapshots. */
static inline uint64_t shard_turn_us(const struct shard *shard) {
    return (uint64_t)shard->io.config->snapshot_turn_ms * 1000;
}
/* A replica that loads a snapshot serves nobody from this shard meanwhile. */
enum { SHARD_LOAD_FACTOR = 16 };
static inline size_t shard_load_bytes(const struct shard *shard) {
    return (size_t)shard->io.config->snapshot_turn_bytes * SHARD_LOAD_FACTOR;
}
static inline uint64_t shard_again_us(const struct shard *shard) {
    return (uint64_t)shard->io.config->snapshot_again_ms * 1000;
}
static inline uint64_t shard_stall_us(const struct shard *shard) {
    return (uint64_t)shard->io.config->snapshot_stall_ms * 1000;
}
static inline uint64_t shard_pause_us(const struct shard *shard) {
    return (uint64_t)shard->io.config->snapshot_pause_ms * 1000;
}

/* Within io.reply the owner may ask whence the answer comes. */
static inline void shard_answers_from_log(struct shard *shard, raft_index index, raft_term term) {
    shard->answering.origin = SHARD_FROM_LOG;
    shard->answering.place = (struct shard_place){.index = index, .term = term};
}
static inline void shard_answered(struct shard *shard) { shard->answering.origin = SHARD_NOWHERE; }

/* Its owner looks at when it is due again. */
/* Raft's part of the settings, as this shard has it now (timing.c). */
struct raft_timing shard_timing_of(const struct shard *shard);

static inline void shard_touch(struct shard *shard) { shard->io.touched(shard->io.context, shard); }
static inline uint64_t shard_now_us(const struct shard *shard) {
    return shard->io.clock->monotonic_us(shard->io.clock);
}
