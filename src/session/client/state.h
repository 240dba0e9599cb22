/* What is kept of a client's connection, and what a worker keeps for all of them. */
#pragma once
#include "base/buffer.h"
#include "base/containers/list.h"
#include "base/containers/queue.h"
#include "command/command.h"
#include "connection/login.h"
#include "connection/subscriptions.h"
#include "session/client/slowlog.h"
#include "session/client/target.h"
#include "wire/request.h"
#include "worker/worker.h"

enum {
    REPLY_INLINE_BYTES = 44,
    SESSION_NAME_MAXIMUM = LOGIN_NAME_MAXIMUM,
    SESSION_PEER_MAXIMUM = 80,
    SESSION_INPUT_ROOM_BYTES = 16 << 10,
    SESSION_INPUT_KEPT_BYTES = 1 << 20,   /* after a longer command its memory goes */
    SESSION_REPLY_MOVED_BYTES = 64 << 10, /* a shorter reply is copied sooner than moved */
    SESSION_TURN_US = 5000 /* of one client, before others and the shards have theirs */
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
    struct list link;         /* worker->sessions->all */
    struct list output_link;  /* worker->sessions->with_output: to be written, or closed */
    struct list blocked_link; /* worker->sessions->blocked: input waits for room */
    struct worker *worker;
    void *handle;
    uint64_t id;
    char peer_name[SESSION_PEER_MAXIMUM], own_name[SESSION_PEER_MAXIMUM];
    char name[SESSION_NAME_MAXIMUM], library_name[SESSION_NAME_MAXIMUM],
        library_version[SESSION_NAME_MAXIMUM];
    const struct command *last_command;
    uint64_t created_ms, last_input_us, last_reply_us;
    uint64_t input_total_bytes, output_total_bytes, command_count;

    struct buffer input, output;
    struct request_parser parser;
    unsigned fetched_count; /* of the requests that come next: read_ahead.c has seen to them */
    struct queue slots;     /* struct reply_slot; the front's ticket is first_ticket */
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
    bool is_authenticated, is_readonly, is_no_evict;
    struct subscriptions subscriptions;
    bool is_listening; /* has subscriptions, and is counted in worker->sessions->listening_count */
    enum session_durability durability;
    enum session_durability command_durability;      /* of the command that is being run */
    uint64_t written[WORKER_SHARD_MAXIMUM / 64 + 1]; /* by shard: did it write there? For WAIT */
    bool is_closing;     /* no more input is taken; closed when the last reply is out */
    uint64_t closing_us; /* since when */
    bool is_gone;        /* the connection is closed; freed when nothing is in flight */
    bool is_paused;
    bool is_killed;        /* it hears no reply that is not there yet */
    bool is_overrun;       /* its replies passed a limit: it is told nothing more */
    bool is_close_asked;   /* of the owner of the connection */
    size_t held_bytes;     /* of replies in `slots`; with `output` at most client-output-limit */
    size_t unread_maximum; /* of both, if less: of one who has not logged in */
    size_t counted_bytes;  /* of its input and replies in worker->sessions->held_bytes (held.h) */
};

/* Who the clients are, and who waits for what in their name. */
struct sessions {
    struct list all, with_output, blocked; /* struct session */
    uint64_t next_session;
    unsigned listening_count; /* of those: that want to hear gossip's news */
    unsigned turn_commands;   /* of clients, in this turn */
    size_t held_bytes;        /* of all clients' input and replies, as they were counted last */
    size_t shown_bytes;       /* the same, as the metric has it */

    uint64_t tell_refusal_us; /* not before then that maxclients is reached */

    struct list remote_calls, gathers, asks;
    struct list waits;          /* struct wait_call */
    struct queue deferred_mail; /* struct mail *: commands for shards here that have no room */
    bool is_mail_first;         /* in this turn: before the blocked sessions */
    bool is_turn_wanted;        /* some of those wait for nothing but their turn */
    size_t mailed_bytes;        /* of commands at other workers; past uncommitted-bytes they wait */
    struct bytes *mail_arguments;
    size_t mail_argument_capacity;
    struct buffer reply_buffer; /* one reply being written */

    struct bytes tracing;     /* the trace id of the command that is being handed on; borrowed */
    uint64_t untraced_writes; /* since trace-one-in picked one */
    const struct shard_answer *answering; /* whose reply is being told; NULL: no shard's */
    struct slowlog slowlog;
};
