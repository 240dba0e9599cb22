/* What a worker keeps for its clients: their sessions, and who waits for what in their name. */
#pragma once
#include "base/list.h"
#include "base/queue.h"
#include "session/slowlog.h"
#include "worker/worker.h"

struct sessions {
    struct list all, with_output, blocked; /* struct session */
    uint64_t next_session;
    unsigned listening_count; /* of those: that want to hear gossip's news */
    unsigned turn_commands;   /* of clients, in this turn */

    struct list remote_calls, gathers, asks;
    struct list waits;          /* struct wait_call */
    struct queue deferred_mail; /* struct mail *: commands for shards here that have no room */
    bool is_mail_first;         /* in this turn: before the blocked sessions */
    size_t mailed_bytes;        /* of commands at other workers; past uncommitted-bytes they wait */
    struct bytes *mail_arguments;
    size_t mail_argument_capacity;
    struct buffer reply_buffer; /* one reply being written */

    struct bytes tracing;     /* the trace id of the command that is being handed on; borrowed */
    uint64_t untraced_writes; /* since trace-one-in picked one */
    const struct shard_answer *answering; /* whose reply is being told; NULL: no shard's */
    struct slowlog slowlog;
};

void sessions_new(struct worker *worker);
void sessions_free(struct worker *worker); /* each session, and all that is in flight for them */
/* The settings are others. */
void sessions_take_settings(struct worker *worker);
/* Those that were silent for as long as `timeout` says. */
void sessions_close_idle(struct worker *worker, uint64_t now_us);
/* The turn's end: what waited for room is tried again; then what is ready goes to the owner. */
void sessions_retry(struct worker *worker);
void sessions_write(struct worker *worker);
