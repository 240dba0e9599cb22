/* A shard's replica on this node: one Raft group over one state machine. The only place where data
 * and agreement meet.
 *
 *   shard_propose --> [ commands of this turn ] --shard_end_turn--> one log entry
 *   one log entry --> raft --> WAL and followers at once
 *   shard_durable, shard_message --> raft --> commit --> apply --> io.reply, in the log's order
 *   shard_read --> lease, or a quorum round --> io.reply
 *
 * All commands that come in one turn of the loop are one log entry (docs/format/commands.md), so
 * that the cost of agreement is paid a turn, not a command. The fate of a proposed command is
 * decided by what is applied at its index: the same term means it was done; another term means it
 * was not and never will be; a snapshot that covers the index, or the time-out, means nobody here
 * knows. */
#pragma once
#include "raft/raft.h"
#include "shard/machine/machine.h"
#include "shard/machine/payload.h"
#include "shard/terms/answer.h"
#include "shard/terms/io.h"
#include "shard/terms/limits.h"
#include "shard/terms/transfer.h"
#include "store/snapshot/shelf.h"

/* What the WAL says of one shard, gathered while it is replayed (recover.c). */
struct shard_recovery;
struct shard_recovery *shard_recovery_new(uint32_t shard);
void shard_recovery_free(struct shard_recovery *recovery);
int shard_recovery_entry(struct shard_recovery *recovery, struct bytes encoded) MUST_CHECK;
void shard_recovery_truncate(struct shard_recovery *recovery, uint64_t from_index);
void shard_recovery_state(struct shard_recovery *recovery, uint64_t term, uint32_t vote);
void shard_recovery_snapshot(struct shard_recovery *recovery, uint64_t index, uint64_t term);
/* A mark that comes later covers what comes up to there: it is not kept until then. */
void shard_recovery_cover(struct shard_recovery *recovery, uint64_t index);
/* Of the entries that it holds. */
uint64_t shard_recovery_bytes(const struct shard_recovery *recovery);
/* Do entries that were logged before a snapshot's mark, and of which only those from somewhere
 * behind its index on are left, go on from what it holds? A later mark, which let the first of them
 * go, settles the gap. */
bool shard_log_goes_on(uint64_t first_term, uint64_t snapshot_term);
/* The replica was removed from here when its log ended there; what comes now is of one that began
 * as a newcomer. */
void shard_recovery_forget(struct shard_recovery *recovery, uint64_t index, uint64_t term);
/* Damage took a part of its log, which ended there: it counts as if it still had it. */
void shard_recovery_floor(struct shard_recovery *recovery, uint64_t index, uint64_t term);
/* For a log that must be repaired before it can be replayed; 0: no entry can be read. */
uint64_t shard_entry_term(struct bytes encoded_entry);
/* No entry and no snapshot, and no promise but those of a replica that was removed. */
bool shard_recovery_is_empty(const struct shard_recovery *recovery);

struct shard_options {
    uint32_t number;
    raft_node_number self;
    /* Who votes, until the log says otherwise. Nobody, for a replica that was not there when the
     * shard was founded: it waits for the leader to tell. */
    struct raft_configuration founding;
    /* Nobody asked for other voters since: they vote also for a replica that begins again. */
    bool is_as_founded;
    /* Other nodes have replicas: what cannot be read here is got from them. */
    bool has_peers;
    struct machine *machine; /* taken */
    uint64_t seed;
    const struct shard_io *io; /* borrowed, for as long as the shard lives */
};

/* `recovery` is taken; NULL for a replica that is new. A snapshot that the log names and the disk
 * lacks or that is damaged is an error with a sentence in `problem`; machine and recovery are freed
 * then too. */
int shard_new(const struct shard_options *options, struct shard_recovery *recovery,
              struct shard **out, struct buffer *problem) MUST_CHECK;
void shard_free(struct shard *shard);

/* Why shard_propose() says ERR_NO_SPACE: wal_wanting_text(). */
const char *shard_wanting_text(const struct shard *shard);

/* What a command takes in an entry: at most SHARD_COMMAND_BYTES_MAXIMUM, or it is refused. */
size_t shard_command_bytes(const struct bytes *arguments, size_t count);
/* Adds a command to this turn's entry. ERR_NOT_LEADER; ERR_LIMIT when it is too long for any entry;
 * ERR_BUSY when too much is uncommitted, and while the lead is being given away: try again later.
 */
int shard_propose(struct shard *shard, const struct bytes *arguments, size_t count,
                  struct shard_waiter waiter) MUST_CHECK;

/* The command that is proposed next has a trace id, as payload_is_trace_id() allows it: every
 * replica logs a line a stage for it (docs/guide/trace.md). The id is borrowed until then. */
void shard_trace_next(struct shard *shard, struct bytes id);
/* Within io.reply: of what is answered. Borrows, until then. */
const struct shard_answer *shard_answering(const struct shard *shard);
/* What stands there was slow: logs the same lines for its entry after the fact, with what is left
 * of it as it comes. An entry that this replica does not know any more has one line that says so.
 * The id is borrowed. */
void shard_trace_back(struct shard *shard, struct shard_place place, struct bytes id);

struct shard_wait_options {
    uint32_t replicas;   /* beside this one; how many are to have it on disk */
    bool is_local;       /* and this one too */
    uint64_t timeout_ms; /* 0: as long as it takes, SHARD_WAIT_LONGEST_MS at the most */
};
/* Tells when all that was proposed here so far is on the disks of a majority and of whom else was
 * asked for, or how far it is when the time is up: an array of two, 1 if this replica has it on
 * disk, and how many others have. ERR_NOT_LEADER, ERR_BUSY; SHARD_NOT_EXECUTED when leadership
 * goes. */
int shard_wait(struct shard *shard, const struct shard_wait_options *options,
               struct shard_waiter waiter) MUST_CHECK;

enum shard_read_flag {
    SHARD_READ_AFTER_WRITES =
        1, /* the reader has writes in flight here: run after what is proposed so far */
    SHARD_READ_ON_FOLLOWER =
        2 /* the client said READONLY: a follower may answer, at a read index of the leader */
};
/* Runs a read when it is linearizable; the reply may come before this returns. ERR_NOT_LEADER,
 * ERR_BUSY. */
int shard_read(struct shard *shard, const struct bytes *arguments, size_t count,
               struct shard_waiter waiter, unsigned flags) MUST_CHECK;

/* Once a turn, before those that were refused with ERR_BUSY are tried again, in their order: until
 * then nobody who comes later gets in before them. */
void shard_admit(struct shard *shard);
void shard_flush(struct shard *shard); /* proposes what came, as one entry */
/* Which other shards of its owner have commands in this turn. */
enum shard_company {
    SHARD_ALONE, /* none */
    SHARD_AMONG, /* some, and they go together */
    SHARD_HELD   /* it waits: for those that the log works for, or for who was just answered */
};
/* The same, unless the entry before it is still awaited: then what comes meanwhile joins it; or
 * unless it is held by its owner, which asynchronous commands do not put up with. */
void shard_end_turn(struct shard *shard, enum shard_company company);
uint32_t shard_batch_count(const struct shard *shard); /* commands */
size_t shard_batch_bytes(const struct shard *shard);
/* What is gathered waits for others, that they may go together, only where that pays. */
enum {
    SHARD_CROWD_COMMANDS = 4,            /* came at a time: of fewer each would rather go at once */
    SHARD_CROWD_BYTES_MAXIMUM = 64 << 10 /* more costs what it holds, not the round around it */
};
/* Of those in the batch, and of those in entries of this leader: how many somebody waits for who is
 * not told yet. Deletions of expired keys and comparisons are nobody's. */
uint32_t shard_gathered_count(const struct shard *shard);
uint32_t shard_under_way_count(const struct shard *shard);
/* When the batch waits no longer, whatever it waits for; UINT64_MAX: there is none. */
uint64_t shard_batch_due_us(const struct shard *shard);
/* Of a leader: its last entry is neither durable here nor committed. */
bool shard_is_awaited(const struct shard *shard);
void shard_durable(struct shard *shard, uint64_t wal_sequence);
/* Is there anything of it in the log that is not known to be durable? Without, shard_durable() has
 * nothing to tell it. */
bool shard_awaits_log(const struct shard *shard);
void shard_message(struct shard *shard, const struct raft_message *message);
void shard_offer(struct shard *shard, const struct shard_snapshot_offer *offer);
void shard_piece(struct shard *shard, const struct shard_snapshot_piece *piece);
void shard_progress(struct shard *shard, const struct shard_snapshot_progress *progress);
void shard_peer_lost(struct shard *shard, raft_node_number peer);
void shard_peer_suspected(struct shard *shard, raft_node_number peer); /* by gossip */
/* How a node stands, this one or another. `reason` is for counting (borrowed for good); of this
 * node only. */
void shard_set_standing(struct shard *shard, raft_node_number node, enum raft_standing standing,
                        const char *reason);
/* What an election waits for: the round trip to a majority, and the disk. The election timeout is
 * never less than SHARD_ELECTION_DELAYS times their sum. */
void shard_set_delays(struct shard *shard, uint64_t round_trip_us, uint64_t sync_us);
uint64_t shard_election_timeout_us(const struct shard *shard);
void shard_wake(struct shard *shard); /* a quiet one, whose pair fails */
void shard_tick(struct shard *shard);
uint64_t shard_deadline_us(const struct shard *shard);
void shard_settings_changed(struct shard *shard);
/* For how long these settings have a replica promise its vote to the leader that it heard. */
uint64_t shard_promise_us(const struct config *config);
/* Raft's part of the settings; the election timeout may be longer than they say, and the promise
 * shorter: as struct shard_io has it. */
struct raft_timing shard_timing(const struct config *config, const uint64_t *durable_promise_us,
                                uint64_t election_timeout_us);
/* Now, unless one is being made or came in, or the disk refused one just now. */
void shard_take_snapshot(struct shard *shard);
/* The same, so that the worker's log of so many bytes can let its oldest part go, unless the
 * snapshot would write more than that. */
void shard_release_log(struct shard *shard, uint64_t log_bytes);
/* This chunk of the newest one cannot be read any more: another one is taken, in which it is saved
 * again. As above; whenever one is taken, it is so. */
void shard_replace_snapshot(struct shard *shard, const struct snapshot_chunk *chunk);
/* Gives the lead to that node; 0: to the voter that is best placed. False if this does not begin:
 * nothing is led, or nobody is there to take it. `cause` is for counting. */
bool shard_transfer(struct shard *shard, raft_node_number to, const char *cause);
/* The same for the preferred leader, and only if it can take the lead at once and this replica has
 * had it for leader-return-ms. Also of a shard that is quiet. */
bool shard_give_back(struct shard *shard, raft_node_number to);

/* These nodes shall vote, and nobody else; the leader brings it about step by step. 0 also when
 * that is under way. `wish` numbers the wish: one that is older than the log's newest is
 * ERR_INVALID. ERR_NOT_LEADER; ERR_BUSY: another change must end first, or the same was given up a
 * moment ago (SHARD_CHANGE_PAUSE_US). */
int shard_change(struct shard *shard, const raft_node_number *voters, size_t count,
                 uint64_t wish) MUST_CHECK;
/* The other replicas are lost for good: this one alone votes from now on, by this wish. ERR_BUSY
 * while a leader is known, or a snapshot that came is being loaded: that is waited for; ERR_INVALID
 * for a wish older than the log's newest. */
int shard_recover_alone(struct shard *shard, uint64_t wish) MUST_CHECK;
/* These nodes vote and nobody else, nobody learns, by this wish, and that is committed. */
bool shard_has_voters(const struct shard *shard, const raft_node_number *voters, size_t count,
                      uint64_t wish);
/* ...as it stands now. */
struct shard_given_up shard_given_up(const struct shard *shard);
/* Nobody waits for it and no disk job is under way: it may be removed. */
bool shard_is_idle(const struct shard *shard);
/* The last thing before it is freed: the log forgets it. Returns owned what binds a replica that is
 * made here later. */
struct shard_recovery *shard_forget(struct shard *shard, uint64_t *wal_sequence);

/* Ask for the memory that any step of it looks at (base/memory.h): its own; once that is here, what
 * it points to; and then what that does. */
void shard_fetch(const struct shard *shard);
void shard_fetch_behind(const struct shard *shard);
void shard_fetch_last(const struct shard *shard);
uint32_t shard_number(const struct shard *shard);
const struct raft *shard_raft(const struct shard *shard);
struct machine *shard_machine(const struct shard *shard);
raft_index shard_applied_index(const struct shard *shard);
/* Nothing is applied that is not committed, and that is all here: true but for a leader that
 * answers before the disk, and for one that goes back. */
bool shard_is_settled(const struct shard *shard);
uint64_t shard_time_ms(const struct shard *shard);
/* Does it load a snapshot that came in? That takes as long as snapshot-turn-bytes and
 * snapshot-turn-ms make it. */
bool shard_is_loading(const struct shard *shard);
uint64_t shard_state_hash(const struct shard *shard);
/* How often this replica, since it was made, held something else than its leader (compare.c). */
uint64_t shard_difference_count(const struct shard *shard);
bool shard_is_leader(const struct shard *shard);
size_t shard_pending_count(const struct shard *shard); /* commands proposed and reads waiting */
raft_index shard_snapshot_index(const struct shard *shard);
/* Where a snapshot stands that is on its way here: received, or loaded, and not in place yet.
 * Zeros: there is none. */
struct shard_place shard_coming_in(const struct shard *shard);
/* The newest durable snapshot and what keeps its files (store/snapshot/shelf.h). Borrows. */
struct snapshot_shelf *shard_snapshot_shelf(struct shard *shard);
