/* What the files of node/ share: the worker, its sessions, and who waits for what. Files call only
 * those below them here, and what is below tells what is above through functions that it was given
 * (struct shard_io, struct target, struct ask_question):
 *
 *   worker.c                                      life, the turn, ticks, mail
 *   clients.c -> router.c -> gather.c, calls.c    bytes to commands; where one goes; to shards
 *                router.c -> session_commands.c, client_, cluster_, config_commands.c, info.c,
 *                            status.c, trothdb_commands.c
 *                                                 what a node answers itself
 *   peers.c -> raft_mail.c, pairs.c, transfers.c, slow_trace.c, control.c -> outbox.c
 *                                                 what comes from other nodes, and goes to them
 *   control.c -> replicas.c                       the topology, and what stands here by it
 *   timers.c -> rounds.c, publish.c               which shards need a look; when entries begin
 *   session.c -> trace.c, slowlog.c               replies in order, and what is noted of them
 *   leaders.c, observe.c, settings.c, worker_basis.c
 *                                                 what everybody asks for */
#pragma once
#include "base/heap.h"
#include "base/list.h"
#include "base/queue.h"
#include "base/random.h"
#include "cluster/topology.h"
#include "command/command.h"
#include "config/config_layers.h"
#include "member/gossip_news.h"
#include "member/member_view.h"
#include "node/control_machine.h"
#include "node/login.h"
#include "node/neighbours.h"
#include "node/node_shared.h"
#include "node/packer.h"
#include "node/scrub.h"
#include "node/slowlog.h"
#include "node/standing.h"
#include "node/subscriptions.h"
#include "node/worker.h"
#include "raft/pair.h"
#include "shard/keyspace_machine.h"
#include "shard/shard.h"
#include "store/wal.h"
#include "wire/request.h"

enum {
    WORKER_SHARD_MAXIMUM = TOPOLOGY_SHARD_MAXIMUM + 1,
    REPLY_INLINE_BYTES = 44,
    SESSION_NAME_MAXIMUM = LOGIN_NAME_MAXIMUM,
    SESSION_PEER_MAXIMUM = 80,
    SESSION_INPUT_ROOM_BYTES = 16 << 10,
    WORKER_COMMAND_MAXIMUM = 512, /* rows of command.def */
    WORKER_HAND_OVER_US = 1000 * 1000,
    WORKER_LEADERLESS_HOLD_US = 200 * 1000, /* commands wait so long for an election to end */
    WORKER_TICK_US = 100 * 1000,
    WORKER_MAXIMUM = 64, /* of a node, as in config.def */
    TRACE_ID_BYTES = 17  /* of one that is made here, as text */
};

/* Who waits for a reply: the first member of a session, and of all that asks in a session's name.
 * deliver() hands over an outcome; it may free the target. */
struct target {
    void (*deliver)(struct worker *worker, struct target *target, uint64_t ticket,
                    enum shard_outcome outcome, struct bytes reply);
};

/* One command's place in the order of a session's replies. */
struct reply_slot {
    bool is_ready, is_silent;
    bool is_read;                  /* of a shard */
    const struct command *command; /* NULL: answered at once */
    uint64_t begun_us;
    uint8_t inline_bytes_used;
    uint16_t slot;  /* of the command's keys, for MOVED */
    uint32_t shard; /* 0: none */
    uint8_t inline_bytes[REPLY_INLINE_BYTES];
    uint16_t excerpt_bytes; /* of session->excerpts; 0: none */
    uint64_t excerpt_at;    /* counted over all that were ever there */
    uint8_t *heap;          /* owned; the reply, when it does not fit inline */
    size_t heap_bytes;
};

enum session_reply_mode {
    SESSION_REPLY_ON,
    SESSION_REPLY_OFF,
    SESSION_REPLY_SKIP /* the next one */
};

enum session_durability { DURABILITY_OF_NODE, DURABILITY_OF_SYNC, DURABILITY_OF_ASYNC };

struct session {
    struct target target;
    struct list link; /* worker->sessions */
    struct list
        output_link; /* worker->output_sessions, when there is something to write or to close */
    struct list blocked_link; /* worker->blocked_sessions: input waits for room */
    struct worker *worker;
    void *handle;
    uint64_t id;
    char peer_name[SESSION_PEER_MAXIMUM], own_name[SESSION_PEER_MAXIMUM];
    char name[SESSION_NAME_MAXIMUM], library_name[SESSION_NAME_MAXIMUM],
        library_version[SESSION_NAME_MAXIMUM];
    const struct command *last_command;
    uint64_t created_ms, last_input_us;
    uint64_t input_total_bytes, output_total_bytes, command_count;

    struct buffer input, output;
    struct request_parser parser;
    struct queue slots; /* struct reply_slot; the front's ticket is first_ticket */
    uint64_t first_ticket;
    /* For the slow log: the command that is being run (NULL: its place was taken), and what is kept
     * of those in `slots`, one behind the other. */
    const struct bytes *arguments;
    size_t argument_count;
    struct buffer excerpts;
    uint64_t excerpts_consumed;
    struct list traces; /* of traced commands whose reply is awaited (trace.c) */
    size_t unready_count;
    size_t unready_read_count; /* of those: reads of shards; no later write may overtake them */

    int protocol;
    enum session_reply_mode reply_mode;
    bool is_authenticated, is_readonly, is_asking, is_no_evict;
    struct subscriptions subscriptions;
    bool is_listening; /* has subscriptions, and is counted in worker->listening_count */
    enum session_durability durability;
    enum session_durability command_durability;      /* of the command that is being run */
    uint64_t written[WORKER_SHARD_MAXIMUM / 64 + 1]; /* by shard: did it write there? For WAIT */
    bool is_closing; /* no more input is taken; closed when the last reply is out */
    bool is_gone;    /* the connection is closed; freed when nothing is in flight */
    bool is_paused;
    bool is_overrun;     /* its replies passed client-output-limit: it is told nothing more */
    bool is_close_asked; /* of the owner of the connection */
    size_t held_bytes;   /* of replies in `slots`; with `output` at most client-output-limit */
};

/* A command that another worker's session sent to a shard here. */
struct remote_call {
    struct target target;
    struct list link; /* worker->remote_calls */
    unsigned from;
    size_t command_bytes;
    void *their_target;
    uint64_t their_ticket;
};

struct shard_leader {
    uint32_t node; /* 0: unknown */
    uint64_t term;
    uint64_t lost_us; /* since when it is unknown, if a replica here knew one before; else 0 */
};

/* What is known of a peer's shards that are quiet with ours: one pair for each of its workers. */
struct peer_pairs {
    uint32_t protocol;     /* the lower of its and ours; 0: not heard since its stream was lost */
    uint32_t worker_count; /* the peer's */
    struct raft_pair *pairs[WORKER_MAXIMUM]; /* owned; NULL: none was asked for */
};

/* Quiet shards that are to be woken, some at a time. */
struct waking {
    uint32_t shards[WORKER_SHARD_MAXIMUM]; /* a ring would never fill: each is in it once */
    unsigned first, count;
    bool is_waiting[WORKER_SHARD_MAXIMUM];    /* by shard */
    uint32_t lost_node[WORKER_SHARD_MAXIMUM]; /* by shard: the peer whose stream was lost, or 0 */
    uint64_t next_us;
};

/* Shards by when they are due, and those that something happened to. */
struct shard_timers {
    struct heap due;                          /* (deadline, shard number); stale ones stay in it */
    uint64_t queued_us[WORKER_SHARD_MAXIMUM]; /* by shard: its valid one; UINT64_MAX: none */
    uint32_t touched[WORKER_SHARD_MAXIMUM];
    bool is_touched[WORKER_SHARD_MAXIMUM];
    unsigned touched_count;
    uint32_t logging[WORKER_SHARD_MAXIMUM]; /* that await the log, or did a moment ago */
    bool is_logging[WORKER_SHARD_MAXIMUM];
    unsigned logging_count;
};

/* Shards with commands that are not proposed yet, and which of all shards the log works for. */
enum shard_round_state {
    SHARD_ROUND_NONE,
    SHARD_ROUND_AWAITED, /* led here, and its last entry is awaited */
    SHARD_ROUND_FOLLOWED /* led by another, and not all of it is durable here */
};
struct shard_rounds {
    uint32_t gathering[WORKER_SHARD_MAXIMUM];
    bool is_gathering[WORKER_SHARD_MAXIMUM];
    enum shard_round_state states[WORKER_SHARD_MAXIMUM];
    unsigned gathering_count, awaited_count, followed_count;
    bool has_log_round_ended; /* since the first of those gathered */
    uint64_t look_again_us;   /* UINT64_MAX: something will happen */
};

/* What is published of a shard, so that the sums follow it. */
struct shard_share {
    uint64_t keys, expiring, bytes, led, leaderless, quiet, repairing;
    uint64_t pending, uncommitted_bytes;
};
struct shard_shares {
    struct shard_share by_shard[WORKER_SHARD_MAXIMUM], sum;
    uint32_t stale[WORKER_SHARD_MAXIMUM]; /* touched since they were published */
    bool is_stale[WORKER_SHARD_MAXIMUM];
    unsigned stale_count;
};

/* Commands that were slow and got a trace id afterwards. */
struct slow_traces {
    uint64_t paid_until_us; /* the rate allows none before the worker's clock is behind it */
    uint32_t last_shard;
    struct shard_place last_place;
    char last_id[TRACE_ID_BYTES];
};

struct outgoing_batch {
    struct buffer bytes; /* a PeerBatch growing at its end; empty: nothing to send */
};

struct worker {
    unsigned index, count;
    struct identity identity;
    char node_id[NODE_ID_TEXT_BYTES];
    uint32_t self;               /* this node's number in the topology; 0: a spare */
    struct config config;        /* the effective one */
    struct config_layers layers; /* worker 0's: what it is made of */
    struct net_address client_address, peer_address, admin_address;
    struct worker_io io;
    struct backups *backups;
    struct node_shared *shared;
    struct metrics *metrics;
    struct random random;

    struct wal *wal;
    struct shard_io shard_io;                                /* what every shard here is given */
    struct shard *shards[WORKER_SHARD_MAXIMUM];              /* by number; NULL: not here */
    struct shard_recovery *recoveries[WORKER_SHARD_MAXIMUM]; /* until the shard is made */
    uint32_t hosted[WORKER_SHARD_MAXIMUM];                   /* numbers of the shards here */
    unsigned hosted_count;
    unsigned turn_commands;  /* of clients, in this turn */
    unsigned unwanted_count; /* of those: that the topology does not place here, not any more */
    struct shard_leader leaders[WORKER_SHARD_MAXIMUM]; /* of every shard, as last heard */

    struct topology *topology;                 /* newest known; NULL: a spare */
    struct topology *founding;                 /* what the cluster began with; NULL: a spare */
    uint64_t forgetting[WORKER_SHARD_MAXIMUM]; /* a removed replica: its WAL sequence; else 0 */
    unsigned forgetting_count;
    bool is_placing_wanted, has_said_settled;
    uint64_t next_change_us;
    struct member_view members;
    struct neighbours neighbours;
    struct standing standing;
    struct scrub *scrub;
    uint64_t next_look_us; /* at the neighbours */
    uint64_t next_tell_us; /* worker 0: topology to those who lag behind */

    struct outgoing_batch *batches; /* by node number */
    unsigned batch_count;
    struct peer_pairs *peer_pairs; /* by node number */
    unsigned peer_pairs_count;
    uint64_t next_beat_us;
    uint64_t election_timeout_us; /* the longest of the shards here, as last looked at */
    struct waking waking;
    struct shard_timers timers;
    struct shard_rounds rounds;
    struct shard_shares shares;
    struct packer packer;

    struct list sessions, output_sessions, blocked_sessions;
    struct list remote_calls;
    struct list gathers;
    struct list asks;
    struct list waits;          /* struct wait_call */
    struct queue deferred_mail; /* struct mail *: commands for shards here that have no room */
    bool is_mail_first;         /* in this turn: before the blocked sessions */
    size_t mailed_bytes;        /* of commands at other workers; past uncommitted-bytes they wait */
    uint64_t session_count, next_session;
    unsigned listening_count;   /* of those: sessions that want to hear gossip's news */
    struct buffer reply_buffer; /* one reply being written */
    struct bytes *mail_arguments;
    size_t mail_argument_capacity;

    struct bytes tracing;     /* the trace id of the command that is being handed on; borrowed */
    uint64_t untraced_writes; /* since trace-one-in picked one */
    struct shard_place answering; /* where the command stands whose reply is being told */
    struct slow_traces slow_traces;
    uint64_t next_tick_us;
    uint64_t started_us;
    uint64_t snapshot_turn_us; /* the last that was given away */
    bool is_draining, is_failed;
    uint64_t drain_until_us; /* leadership that nobody took until then is kept to the end */
    uint64_t turn_us;        /* when the event that is handled came, or the clock was read since */
    unsigned replies_unclocked; /* replies since then */
    struct slowlog slowlog;
    uint64_t wal_bytes_counted;
    struct metric_cell *command_cells[WORKER_COMMAND_MAXIMUM];
    struct metric_cell *latency_cells[WORKER_COMMAND_MAXIMUM];
    struct metric_cell *sent_cells[RAFT_MESSAGE_KIND_COUNT];
    struct metric_cell *received_cells[RAFT_MESSAGE_KIND_COUNT];
    struct metric_cell
        *cells[METRIC_ID_COUNT]; /* of the metrics without a label that node/ counts */
};

static inline struct worker_statistics *statistics_of(struct worker *worker) {
    return &worker->shared->workers[worker->index];
}

/* worker_basis.c */
void worker_fatal(struct worker *worker, const char *what);
void worker_post(struct worker *worker, unsigned receiver, struct mail *mail);
void worker_post_others(struct worker *worker,
                        struct mail *mail); /* a copy to every other worker; takes the mail */
void worker_say(struct worker *worker, const char *key, const char *value); /* by gossip */
uint64_t worker_now_us(const struct worker *worker);
uint64_t worker_wall_ms(const struct worker *worker);
void worker_count(struct worker *worker, enum metric_id id, uint64_t amount);

/* recovery.c */
int recovery_run(struct worker *worker, void (*on_durable)(void *worker, uint64_t sequence),
                 struct buffer *problem) MUST_CHECK;

/* leaders.c */
void leaders_set(struct worker *worker, uint32_t shard, uint32_t node, uint64_t term);
/* What a member says by gossip of the shards that it leads. */
void leaders_hear_hints(struct worker *worker, const struct member_view_entry *member,
                        uint32_t node);
bool leaders_is_here(const struct worker *worker, uint32_t shard);
bool leaders_are_being_elected(const struct worker *worker, uint32_t shard);
/* The error for a command that this node does not serve: MOVED, CLUSTERDOWN. */
void leaders_redirect(struct worker *worker, uint32_t shard, slot_number slot, struct reply *reply);

/* replicas.c: what stands here follows the topology, who votes follows it too */
int replicas_place(struct worker *worker, struct buffer *problem) MUST_CHECK;
void replicas_tick(struct worker *worker);
void replicas_durable(struct worker *worker, uint64_t wal_sequence);
/* Control shard's leader: what a member says by gossip. */
void replicas_hear_settled(struct worker *worker, const char *told);

/* observe.c: what is counted */
void observe_command(struct worker *worker, const struct command *command);
/* Returns how long it took, in microseconds. */
uint64_t observe_reply(struct worker *worker, const struct command *command, uint64_t begun_us,
                       struct bytes reply);
void observe_redirect(struct worker *worker, const char *kind);
void observe_refused_client(struct worker *worker, const char *cause);
void observe_raft_message(struct worker *worker, enum raft_message_kind kind, bool is_sent);
void observe_packed(struct worker *worker, size_t entry_bytes, size_t packed_bytes);
void observe_wal_round(struct worker *worker);
void observe_output(struct worker *worker);
void observe_shard(struct worker *worker, const struct shard *shard);
void observe_pair(struct worker *worker, bool is_equal);
void observe_tick(struct worker *worker, const struct shard_share *sum);

/* timers.c: which shards need a look */
void timers_touch(void *context, struct shard *shard); /* shard_io.touched */
void timers_tick(struct worker *worker, uint64_t now_us);
void timers_durable(struct worker *worker, uint64_t wal_sequence);
uint64_t timers_deadline_us(const struct worker *worker);
void timers_end_turn(struct worker *worker);
/* Notes what was touched, and lets what was gathered become entries. */
void timers_begin_rounds(struct worker *worker);

/* drain.c: the leads that are still here are given away */
void drain_tick(struct worker *worker);

/* rounds.c: something happened to the shard; the turn, or a round of the log, ended */
void rounds_note(struct worker *worker, uint32_t number);
void rounds_begin(struct worker *worker);
void rounds_log_round_ended(struct worker *worker);

/* publish.c: what other threads and the metrics see of this worker */
void publish_stale(struct worker *worker, uint32_t shard);
void publish_statistics(struct worker *worker);
void publish_removal(struct worker *worker, uint32_t shard);

/* pairs.c: quiet shards, and the heartbeats between nodes that stand in for theirs */
struct raft_pair *pairs_of(void *context, unsigned shard, raft_node_number peer);
/* What a batch says of its sender. */
void pairs_heard(struct worker *worker, uint32_t node, uint32_t protocol, uint32_t worker_count);
uint32_t pairs_protocol(const struct worker *worker, uint32_t node); /* 0: not heard yet */
void pairs_lost(struct worker *worker, uint32_t node);
void pairs_tick(struct worker *worker, uint64_t now_us);
uint64_t pairs_deadline_us(const struct worker *worker);
void pairs_end_turn(struct worker *worker); /* the last that a turn's batches say */
void pairs_release(struct worker *worker);
/* Parts of a batch that was read (wire/peer_message.h). */
void pairs_receive_heartbeat(struct worker *worker, uint32_t from, struct bytes part);
void pairs_receive_reply(struct worker *worker, uint32_t from, struct bytes part);

/* outbox.c */
/* The batch to a node, with room for one message with so much data; a batch that has none left is
 * sent before. NULL: there is no such node. Borrows. */
struct buffer *outbox_to(struct worker *worker, uint32_t node, size_t data_bytes);
void outbox_flush(struct worker *worker);
void outbox_release(struct worker *worker);

/* raft_mail.c */
void raft_mail_send(void *context, struct shard *shard, const struct raft_message *message);
void raft_mail_receive(struct worker *worker, uint32_t from, struct bytes part);

/* peers.c */
int peers_receive(struct worker *worker, struct bytes batch, bool is_forwarded) MUST_CHECK;

/* transfers.c: snapshots between nodes */
void transfers_send_offer(void *context, struct shard *shard,
                          const struct shard_snapshot_offer *offer);
void transfers_send_piece(void *context, struct shard *shard,
                          const struct shard_snapshot_piece *piece);
void transfers_send_progress(void *context, struct shard *shard,
                             const struct shard_snapshot_progress *progress);
uint64_t transfers_admit_us(void *context, uint64_t bytes);
uint64_t transfers_next_turn_us(void *context);
/* Parts of a batch that was read (wire/peer_message.h). */
void transfers_receive_offer(struct worker *worker, uint32_t from, struct bytes part);
void transfers_receive_piece(struct worker *worker, uint32_t from, struct bytes part);
void transfers_receive_progress(struct worker *worker, uint32_t from, struct bytes part);

/* levels.c: which features all nodes know (cluster/feature.h) */
void levels_say(struct worker *worker);
void levels_tick(struct worker *worker); /* of the control shard's leader */
/* ERR_VERSION, with a sentence: the cluster uses a level that this node is told not to know. */
int levels_check(const struct worker *worker, const struct topology *topology,
                 struct buffer *problem) MUST_CHECK;
/* The level that a member says it knows; 0 also for one that is not heard of. */
unsigned levels_of(const struct worker *worker, const uint8_t uuid[GOSSIP_UUID_BYTES]);

/* control.c */
int control_start(struct worker *worker,
                  struct buffer *problem) MUST_CHECK; /* reads the files; founds a cluster of one */
/* Do other nodes hold replicas of the shard, for certain? Asked before the topology is in place: by
 * the file. */
bool control_has_peers(struct worker *worker, uint32_t shard);
void control_applied(struct worker *worker, struct shard *shard);
int control_found(struct worker *worker, struct bytes encoded, struct buffer *problem) MUST_CHECK;
/* From a peer. `founding` may be empty: a spare takes nothing but a founding itself then. */
void control_topology_heard(struct worker *worker, struct bytes encoded, struct bytes founding);
void control_topology_mail(struct worker *worker, struct bytes mail); /* a MAIL_TOPOLOGY */
void control_tick(struct worker *worker);
void control_adopt(struct worker *worker,
                   struct topology *topology); /* takes it: every worker's part */
void control_say_leads(struct worker *worker);

/* clients.c */
void clients_process(struct session *session); /* what its input holds */

/* session.c */
struct session *session_new(struct worker *worker, void *handle, const char *peer_name,
                            const char *own_name); /* returns owned */
void session_set_authenticated(struct session *session, bool is_authenticated);
void session_deliver(struct session *session, uint64_t ticket, enum shard_outcome outcome,
                     struct bytes reply);
void session_reply_now(struct session *session,
                       struct bytes reply); /* the next reply in order, whole */
/* What nobody asked for, behind the replies of the commands that came before. */
void session_push(struct session *session, struct bytes message);
uint64_t session_expect(struct session *session, uint32_t shard,
                        slot_number slot);            /* a ticket for a reply to come */
void session_expect_no_more(struct session *session); /* takes the last session_expect() back */
void session_expect_read(struct session *session);    /* what is expected last is a read's answer */
void session_close_after_reply(struct session *session);
void session_free(struct session *session);
void session_mark_output(struct session *session);
/* How a session's next command must go so that nothing of the connection overtakes anything: flags
 * for calls_send(), and false if the command must wait (a write behind a read that waits for a
 * quorum or a deletion). */
bool session_order(const struct session *session, const struct command *command, unsigned *flags);

/* calls.c */
enum route_result { ROUTE_DONE, ROUTE_BUSY /* keep the command, try again later */ };
/* Beside the flags of shard_read(): the command goes through the log, as every write does. */
enum {
    CALL_THROUGH_LOG = 1 << 8,
    CALL_ASYNC = 1 << 9, /* the answer need not wait for the disk (shard_waiter) */
    CALL_WAIT = 1 << 10  /* no command: shard_wait(); `arguments` are local, replicas and timeout in
                            milliseconds, as decimals that were checked */
};
/* Sends arguments to a shard that this node should lead, here or on another worker; the outcome
 * comes to (target, ticket). */
enum route_result calls_send(struct worker *worker, uint32_t shard, const struct command *command,
                             const struct bytes *arguments, size_t count, struct target *target,
                             uint64_t ticket, uint8_t protocol, unsigned flags);
void calls_mail(struct worker *worker, struct mail *mail); /* a MAIL_COMMAND: takes it */
void calls_retry(struct worker *worker);                   /* those that had no room */

/* router.c */
enum route_result router_run(struct session *session, const struct command *command,
                             const struct bytes *arguments, size_t count);
/* With a trace id, as if the client had asked for it. */
enum route_result router_run_picked(struct session *session, const struct bytes *arguments,
                                    size_t count);

/* trace.c */
/* Counts a write while trace-one-in is not 0; is this the one? Then it is to be run so. */
bool trace_is_picked(struct worker *worker, const struct command *command);
/* The traced command that would have had this ticket was run: its reply may have been written at
 * once. */
void trace_answered(const struct session *session, struct bytes id, uint64_t ticket);
/* The reply of the command that is being handed on will have this ticket, or not after all. */
void trace_expect(struct session *session, uint64_t ticket, uint32_t shard);
void trace_expect_no_more(struct session *session, uint64_t ticket);
/* False: it has no trace. */
bool trace_replied(struct session *session, uint64_t ticket, enum shard_outcome outcome,
                   struct bytes reply);
void trace_release(struct session *session);
void trace_make_id(struct worker *worker, char id[TRACE_ID_BYTES]);
void trace_say_replied(const struct worker *worker, const char *id, uint32_t shard,
                       uint64_t begun_us, const char *outcome);
const char *trace_outcome_text(enum shard_outcome outcome, struct bytes reply);

/* slow_trace.c */
/* What stands there was slow. Returns the id under which its entry is traced, borrowed until the
 * next call; NULL: it is not, by setting or because too many were. */
const char *slow_trace_begin(struct worker *worker, uint32_t shard, struct shard_place place);
void slow_trace_receive(struct worker *worker, struct bytes part);    /* from the leader */
void slow_trace_mail(struct worker *worker, const struct mail *mail); /* a MAIL_TRACE */

struct session_command;
/* wait.c */
bool wait_command(struct session_command *call);
void wait_note_write(struct session *session, uint32_t shard);
void wait_free_all(struct worker *worker);

/* durability.c */
bool session_is_async(const struct session *session);  /* of the command that is being run */
void durability_command(struct session_command *call); /* TROTHDB DURABILITY */
/* "sync" or "async"; false: it is neither. */
bool durability_parse(struct bytes word, enum session_durability *durability);

/* gather.c */
enum route_result gather_run(struct session *session, const struct command *command,
                             const struct bytes *arguments, size_t count);
void gather_free_all(struct worker *worker);

/* The node's own commands: one function a command; the table is in session_commands.c. */
struct session_command {
    struct session *session;
    struct worker *worker;
    const struct command *command;
    const struct bytes *arguments;
    size_t argument_count;
    struct reply *reply;
};
/* Runs a COMMAND_SESSION row. True when the reply was written to call->reply; false when it comes
 * later by session_expect() and session_deliver(). A reply of no bytes is no reply (CLIENT REPLY
 * OFF). */
bool session_command_run(struct session_command *call);
bool cluster_command(struct session_command *call);
bool client_command(struct session_command *call);
bool config_command(struct session_command *call);
bool info_command(struct session_command *call);
bool gossip_command(struct session_command *call); /* gossip_sessions.c; SUBSCRIBE... too */
bool slowlog_command(struct session_command *call);
bool trothdb_command(struct session_command *call);
void status_command(struct session_command *call);                 /* TROTHDB STATUS */
void session_set_name(struct session *session, struct bytes name); /* valid already */
/* TROTHDB FOUND that came to another worker: worker 0 founds, and answers by MAIL_REPLY. The mail
 * stays the caller's. */
void trothdb_found_mail(struct worker *worker, struct mail *mail);
enum { MAIL_TOPOLOGY_IS_FOUNDING = 1 }; /* flag of a MAIL_TOPOLOGY */

/* To a client of Redis Cluster a node that leads nothing is the slave of one that leads: of which?
 * 0: of none, `node` is a master itself. */
uint32_t cluster_master_of(const struct worker *worker, uint32_t node);

/* gossip_sessions.c */
/* Its subscriptions are others. */
void gossip_session_changed(struct session *session);
void gossip_session_ends(struct session *session); /* or is reset: it subscribes to nothing */
/* A MAIL_GOSSIP_NEWS. */
void gossip_sessions_hear(struct worker *worker, struct bytes mail);

/* slowlog.c */
bool slowlog_is_on(const struct worker *worker);
bool slowlog_takes(const struct worker *worker, uint64_t duration_us);
/* Keeps the command if it took long enough. */
void slowlog_note(struct session *session, uint64_t duration_us, struct bytes excerpt,
                  const char *trace);

/* settings.c */
void settings_init(struct worker *worker, const struct config *config);
void settings_release(struct worker *worker);
/* Takes over what worker 0 has decided: pairs of a MAIL_SETTINGS. */
void settings_apply(struct worker *worker, struct bytes pairs);
void settings_file_mail(struct worker *worker, struct bytes pairs);
/* The worker's topology is another: worker 0 takes the settings of all nodes from it. */
void settings_take_cluster(struct worker *worker);
/* May this be proposed to the control shard (`setting.set` or `setting.unset` and its arguments)?
 * ERR_NOT_FOUND, ERR_INVALID, ERR_REFUSED, ERR_LIMIT with a sentence. */
int settings_check_cluster(const struct worker *worker, const struct bytes *proposal, size_t count,
                           struct buffer *problem) MUST_CHECK;
/* Worker 0: takes the changed copy of its layers, and puts it in place everywhere if it can be
 * settled. ERR_INVALID with a sentence. */
int settings_change(struct worker *worker, struct config_layers *changed,
                    struct buffer *problem) MUST_CHECK;

/* config_commands.c: what worker 0 answers for all */
enum settings_call_kind {
    SETTINGS_CALL_GET,
    SETTINGS_CALL_SET,
    SETTINGS_CALL_REWRITE,
    SETTINGS_CALL_UNSET,
    SETTINGS_CALL_SHOW
};
/* True: the reply is written. False: it comes by mail. */
bool settings_call(struct session_command *call, enum settings_call_kind kind);
void settings_call_mail(struct worker *worker, struct mail *mail); /* stays the caller's */

/* backups.c: an archiver for each shard that is led here, while `backup-to` names a place */
struct backups;
struct backups *backups_new(void);
void backups_free(struct backups *backups); /* none of their jobs may be under way */
void backups_tick(struct worker *worker);
void backups_applied(struct worker *worker, struct shard *shard);
void backups_shard_leaves(struct worker *worker, uint32_t shard); /* it is about to be freed */
void backups_stop(struct worker *worker);                         /* for good */
bool backups_are_idle(const struct worker *worker);
bool backups_command(struct session_command *call);

/* ask.c */
struct ask_words {  /* of the command that asks; all borrowed */
    uint64_t asker; /* the id of its session */
    const struct bytes *arguments;
    size_t argument_count;
};
struct ask_answer {
    uint64_t number;    /* of clients, of shards; added up */
    struct buffer text; /* put one behind the other */
};
struct ask_question {
    void (*answer)(struct worker *worker, const struct ask_words *words,
                   struct ask_answer *answer); /* one worker's part */
    void (*reply)(const struct worker *worker, const struct ask_answer *all,
                  struct reply *reply); /* of all parts */
};
/* Asks every worker of this node, this one at once and the others by MAIL_ASK. The question is
 * static. True: the reply is written already. */
bool ask_workers(struct session_command *call, const struct ask_question *question);
void ask_mail(struct worker *worker, struct mail *mail); /* takes it */
void ask_free_all(struct worker *worker);
void ask_reply_number(const struct worker *worker, const struct ask_answer *all,
                      struct reply *reply);
void ask_reply_text(const struct worker *worker, const struct ask_answer *all, struct reply *reply);
