/* One shard on up to three replicas, each with a real log on a disk in memory. Messages are letters
 * between them; time stands still unless it is moved. Whatever a replica answers is noted.
 *
 *   world_propose, world_read --> shard --> letters, jobs of the disks --> world_settle() -->
 * world->answers */
#pragma once
#include "../store/fake_disk.h"
#include "base/containers/queue.h"
#include "shard/machine/keyspace_machine.h"
#include "shard/shard.h"

enum {
    WORLD_REPLICAS = 3,
    WORLD_ARGUMENTS = 2048,
    WORLD_SHARD = 5,
    WORLD_ANSWERS = 4096,
    WORLD_PROBLEM_MAXIMUM = 1024
};

struct world;

struct replica {
    struct clock clock;
    struct world *world;
    raft_node_number number; /* 1, 2, 3 */
    struct fake_disk *disk;
    struct config config;
    uint64_t promise_us; /* what the worker's directory says of it; 0: nothing */
    struct metrics *metrics;
    struct shard_io shard_io;
    struct log log;
    struct wal *wal;
    struct shard *shard; /* NULL: down */
    struct shard_recovery *recovery;
    struct buffer problem; /* of the last start */
    struct buffer lines;   /* logged */
    uint64_t wall_ahead_ms;
    uint64_t starts;
    uint64_t transfer_not_before_us; /* what admit_transfer_us answers while it is in the future */
    bool is_touched;                 /* by what happened in this turn */
    uint64_t queued_us;              /* looked at then, or sooner if it is touched */
    bool is_logging;                 /* awaits the log, or did a moment ago */
    bool is_undivided;               /* its snapshots may not name parts of slots yet */
    bool is_unsplit;                 /* nor hold long strings in pieces */
    bool is_without_parts;           /* its machine saves a slot as a whole, at the next start */
    struct machine_ops whole_ops;    /* of that machine */
    bool is_disk_held;               /* its jobs wait */
    uint64_t save_waits_until_us; /* its entries, for others that share the log; 0: nobody does */
    enum shard_company company;   /* what its owner says at the end of a turn */
    unsigned log_failures;        /* each ends it; only where its disk was made to fail */
    bool is_log_lost;             /* so it ends with this turn */
};

struct answer {
    raft_node_number by;
    uint64_t ticket;
    enum shard_outcome outcome;
    char text[64]; /* the reply's beginning */
};

struct letter {
    enum { LETTER_MESSAGE, LETTER_OFFER, LETTER_PIECE, LETTER_PROGRESS } kind;
    raft_node_number from, to;
    struct raft_message message;
    struct shard_snapshot_offer offer;
    struct shard_snapshot_piece piece;
    struct shard_snapshot_progress progress;
    uint8_t *data; /* owned: the piece's or the manifest's */
};

struct world {
    struct replica replicas[WORLD_REPLICAS + 1]; /* by number; 0 is nobody */
    unsigned replica_count;
    uint64_t segment_bytes; /* of all logs */
    uint64_t reserve_bytes; /* of all that start: what a full disk has left for terms and votes */
    uint64_t now_us, wall_ms;
    struct queue letters;
    bool is_cut[WORLD_REPLICAS + 1][WORLD_REPLICAS + 1]; /* from, to */
    /* Sees each letter before it arrives, and may change it; false loses it. */
    bool (*censor)(struct world *world, struct letter *letter);
    unsigned censored;
    struct answer answers[WORLD_ANSWERS];
    size_t answer_count;
    uint64_t next_ticket;
    bool is_async;      /* what is asked next need not wait for the disk */
    bool is_as_founded; /* of all replicas that start: nobody asked for other voters */
};

/* Returns owned. Nobody runs yet. */
struct world *world_new(unsigned replica_count);
void world_free(struct world *world);
/* Returns owned. All run, and the first one leads. */
struct world *world_led(unsigned replica_count);

/* With what its disk holds. 0, or the error of what refused; replica->problem says why. */
int world_start(struct world *world, raft_node_number number);
void world_start_all(struct world *world);
void world_lead(struct world *world); /* the same, and the first one leads */
void world_kill(struct world *world, raft_node_number number);    /* what was not synced is lost */
void world_restart(struct world *world, raft_node_number number); /* killed, and started again */
/* Its replica is removed, and is made again, bound by what the first one promised. */
void world_forget(struct world *world, raft_node_number number);
void world_restart_leading(struct world *world, raft_node_number number); /* and it leads */
/* All that start take snapshots after so many entries, or by bytes alone. */
enum { WORLD_SNAPSHOT_NEVER = 1000000000 };
void world_snapshot_after(struct world *world, int64_t entries);
struct world *world_led_taking(unsigned replica_count, int64_t entries); /* and led, as above */
void world_hold_disks(struct world *world, bool is_held);

/* Ends the turn of every replica, runs its disk and delivers letters, until nothing moves. */
void world_settle(struct world *world);
void world_run(struct world *world, unsigned ms); /* in steps of 5 ms, settling after each */
/* Runs until `number` leads and all that is up follows. */
void world_elect(struct world *world, raft_node_number number);
raft_node_number world_leader(const struct world *world);               /* 0: none, or two */
void world_take_snapshot(struct world *world, raft_node_number number); /* until it is durable */
void world_cut_off(struct world *world, raft_node_number number, bool is_cut);
/* It is cut off no more, and has so long to catch up. */
void world_let_back(struct world *world, raft_node_number number, unsigned ms);

/* "SET k v", split at the blanks. Returns the ticket, or 0 if the shard refused: then *error. */
uint64_t world_propose(struct world *world, raft_node_number on, const char *command);
uint64_t world_propose_async(struct world *world, raft_node_number on, const char *command);
void world_write(struct world *world, raft_node_number on, const char *command); /* and settles */
void world_increment(struct world *world, raft_node_number on, unsigned times);  /* INCR n */
uint64_t world_read(struct world *world, raft_node_number on, const char *command, unsigned flags);
int world_try(struct world *world, raft_node_number on, const char *command);
/* Keys of 40 kB each that do not compress, so that a snapshot has many chunks. */
void world_write_much(struct world *world, raft_node_number on, unsigned key_count);
/* The same, all of one slot. */
void world_write_one_slot(struct world *world, raft_node_number on, unsigned key_count);

struct shard *world_shard(const struct world *world, raft_node_number number);
const struct raft *world_raft(const struct world *world, raft_node_number number);
uint64_t world_state_hash(const struct world *world, raft_node_number number);
raft_index world_applied_index(const struct world *world, raft_node_number number);
raft_index world_snapshot_index(const struct world *world, raft_node_number number);
const struct snapshot_manifest *world_newest_snapshot(const struct world *world,
                                                      raft_node_number number);
/* What the newest snapshot says of the state that it holds. */
uint64_t world_snapshot_hash(const struct world *world, raft_node_number number);
/* Of snapshots, so far: "saved", "kept", "received" or "reused". */
uint64_t world_chunks(const struct world *world, raft_node_number on, const char *what);
uint64_t world_counted(const struct world *world, raft_node_number on, enum metric_id id,
                       const char *label);
/* What came for the ticket: "DONE +OK", "NOT_EXECUTED", "UNKNOWN", or "" while nothing has. Line
 * ends show as '|'. */
const char *world_answer(const struct world *world, uint64_t ticket);
bool world_is_equal(const struct world *world); /* all that is up: applied index and state */
/* Is `number` equal to the others after each of: five writes by `leader`, a restart? */
bool world_keeps_up(struct world *world, raft_node_number number, raft_node_number leader);
bool world_has_logged(struct world *world, raft_node_number number, const char *text);
struct keyspace *world_keyspace(struct world *world, raft_node_number number);

#define assert_answer(world, ticket, text) assert_string_equal(world_answer(world, ticket), text)
