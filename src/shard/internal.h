/* What the files of shard/ share: the struct itself, and who does what.
 *   shard.c     life; one step of raft and what it asks for (save, send, hold)
 *   propose.c   gathers commands into entries; keeps who waits for them
 *   apply.c     runs committed entries, answers those who wait
 *   early.c     running ahead of the commit, and going back; hold.c: replies that wait for it
 *   read.c      linearizable reads, expiry found by them
 *   take.c, send.c, receive.c  snapshots
 *   trace.c     log lines for commands with a trace id
 *   recover.c   what the WAL says at start */
#pragma once
#include "base/cursor.h"
#include "base/queue.h"
#include "shard/payload.h"
#include "shard/shard.h"

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
    uint64_t deadline_us;
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
};

struct outgoing_snapshot {
    raft_node_number peer; /* 0: free */
    raft_index index;
    struct buffer image;
    uint64_t sent_bytes, acknowledged_bytes;
    uint64_t heard_us, advanced_us; /* anything from the peer; when it last had received more */
};

enum incoming_stage { INCOMING_NONE, INCOMING_RECEIVING, INCOMING_SAVING, INCOMING_MARKING };
struct incoming_snapshot {
    enum incoming_stage stage;
    raft_node_number from;
    raft_term leader_term;
    raft_index index;
    uint64_t total_bytes;
    uint64_t heard_us;
    uint64_t mark_sequence; /* of the WAL */
    struct buffer image;    /* until it is being saved */
    /* From the last piece on: what the image holds. */
    struct machine *machine;
    struct snapshot_meta meta;
    struct raft_configuration configuration;
};

enum own_stage { OWN_NONE, OWN_SAVING, OWN_MARKING };
struct own_snapshot {
    enum own_stage stage;
    uint64_t begun_us;
    raft_index index;
    raft_term term;
    uint64_t mark_sequence;
    uint64_t log_bytes; /* of shard->applied_bytes, when it was taken */
};

/* A command with a trace id whose entry stands here (trace.c). */
struct shard_trace {
    raft_index index;
    raft_term term;
    uint32_t position;     /* in the entry */
    uint64_t wal_sequence; /* 0: not appended yet */
    uint64_t begun_us;
    bool is_durable, is_committed, is_applied;
    char id[PAYLOAD_TRACE_ID_MAXIMUM + 1];
};

/* Resolved once, counted without a look-up. */
struct shard_cells {
    struct metric_cell *proposals, *refused_not_leader, *refused_busy, *batch_bytes,
        *batch_commands, *commit_time, *apply_time, *entries_applied, *reads_by_lease,
        *reads_by_quorum, *snapshots_taken, *snapshots_sent, *snapshots_installed, *snapshots_lost,
        *snapshot_bytes, *snapshot_time, *early_replies, *rewinds;
};

struct shard {
    uint32_t number;
    raft_node_number self;
    struct raft *raft;
    struct machine *machine;
    struct shard_io io;
    struct random random;
    struct shard_cells cells;

    struct buffer batch; /* commands of this turn, encoded */
    uint32_t batch_count;
    bool is_crowded; /* somebody was refused for want of room, and there is not much yet */
    uint32_t batch_async_count, batch_sync_count; /* who waits for those */
    struct queue waiters; /* struct shard_waiter: of all pending entries, then of the batch */
    struct queue entries; /* struct pending_entry */

    struct bytes trace_next;    /* of the command that is proposed next; borrowed */
    struct buffer batch_traces; /* of the batch, encoded */
    uint32_t batch_trace_count;
    struct queue traces; /* struct shard_trace, of entries that are under way here */

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
    struct queue waits;        /* struct pending_wait */
    uint64_t wait_deadline_us; /* the soonest of them; UINT64_MAX: none */
    bool is_settling;          /* nothing runs ahead until a snapshot is taken */

    raft_index applied_index;
    raft_term applied_term;
    uint64_t time_ms;                   /* stamp of the last applied entry */
    struct payload_arguments arguments; /* of the command being applied or read */
    struct buffer scratch;              /* one reply */

    raft_index expiry_index; /* the last proposed deletion of expired keys stands here */
    uint64_t next_expiry_us;
    uint64_t raft_deadline_us;
    uint64_t delay_us;      /* round trip and disk, as last told */
    const char *reluctance; /* why this node would rather not lead; NULL: it would */
    bool is_transfer_begun; /* by the step in hand */

    raft_index snapshot_index; /* of the newest durable snapshot */
    uint64_t applied_bytes;    /* of entries since the newest snapshot */
    uint64_t next_take_us;
    struct own_snapshot own;
    struct incoming_snapshot incoming;
    struct outgoing_snapshot outgoing[RAFT_VOTER_MAXIMUM];
    unsigned disk_jobs; /* snapshot jobs under way */
};

int shard_step(struct shard *shard, struct raft_event *event); /* what raft says to a proposal */
void shard_touch(struct shard *shard);

/* propose.c */
/* Other entries came between what was proposed so far and the batch that is being gathered. */
void shard_batch_moved(struct shard *shard, raft_index from, raft_index by);
raft_index shard_next_index(
    const struct shard *shard); /* where the last command proposed so far stands or will stand */
void shard_expire_keys(struct shard *shard, struct bytes length_prefixed_keys);
void shard_refuse_batch(struct shard *shard);
void shard_refuse_last_entry(struct shard *shard);
void shard_give_up_late(struct shard *shard, uint64_t now_us);
void shard_forget_covered(struct shard *shard,
                          raft_index index); /* a snapshot covers these: their fate is unknown */

/* trace.c. A command of the batch: called before it is counted. */
void shard_trace_gather(struct shard *shard, struct bytes id);
void shard_trace_proposed(struct shard *shard, raft_index index, raft_term term,
                          struct bytes traces, uint32_t count);
void shard_trace_appended(struct shard *shard, const struct raft_entry *entry,
                          uint64_t wal_sequence);
/* The rest only while there are `traces`. */
void shard_trace_truncated(struct shard *shard, raft_index from);
void shard_trace_durable(struct shard *shard, uint64_t wal_sequence);
void shard_trace_committed(struct shard *shard, raft_index commit_index);
void shard_trace_applied(struct shard *shard, const struct raft_entry *entry);

/* apply.c */
void shard_apply(struct shard *shard); /* up to the limit; answers what is committed by now */

/* early.c */
uint32_t shard_patience_us(const struct shard *shard); /* of the sync of what is async */
raft_index shard_apply_limit(const struct shard *shard);
void shard_ran_ahead(struct shard *shard); /* perhaps: something was applied */
void shard_caught_up(struct shard *shard); /* perhaps: the commit index moved */
/* The log lost its end from there on: so must the machine, if it has that. May step raft. */
void shard_rewind(struct shard *shard, raft_index truncated_from);

/* wait.c */
void shard_answer_waits(struct shard *shard); /* those that are fulfilled, or whose time is up */
void shard_refuse_waits(struct shard *shard);

/* hold.c */
/* Tells what stands in `scratch`, from a read or from what is being applied, now or when it may. */
void shard_reply(struct shard *shard, const struct shard_waiter *waiter, bool is_read);
void shard_release_held(struct shard *shard);
void shard_give_up_held(struct shard *shard);
void shard_time_out_held(struct shard *shard, uint64_t now_us);
bool shard_held_is_full(const struct shard *shard);

/* read.c */
void shard_run_reads(struct shard *shard);
void shard_answer_reads(struct shard *shard, const struct raft_read_answer *answers, size_t count);
void shard_refuse_reads(struct shard *shard); /* those that this replica took as leader */
void shard_time_out_reads(struct shard *shard, uint64_t now_us);

/* take.c */
void shard_maybe_snapshot(struct shard *shard);
void shard_replace_snapshot(struct shard *shard); /* the newest one cannot be read any more */
void shard_own_snapshot_durable(struct shard *shard, uint64_t wal_sequence);

/* send.c */
void shard_send_snapshot(struct shard *shard, raft_node_number peer);
void shard_tick_outgoing(struct shard *shard, uint64_t now_us);
void shard_drop_outgoing(struct shard *shard);

/* receive.c */
void shard_incoming_durable(struct shard *shard, uint64_t wal_sequence);
void shard_tick_incoming(struct shard *shard, uint64_t now_us);
void shard_release_incoming(struct shard *shard);

/* recover.c */
/* Fills an empty machine with a whole image, verified. On an error the machine is of no use. */
int shard_fill_machine(struct machine *machine, struct bytes image,
                       struct snapshot_meta *meta) MUST_CHECK;
void shard_stand_at(struct shard *shard, const struct snapshot_meta *meta);
int shard_configuration_of(const struct shard *shard, const struct snapshot_meta *meta,
                           struct raft_configuration *configuration) MUST_CHECK;
int shard_recover(struct shard *shard, struct shard_recovery *recovery,
                  const struct shard_options *options, struct buffer *problem) MUST_CHECK;
