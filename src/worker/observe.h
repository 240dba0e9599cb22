/* What a worker counts, and what it publishes every tick. */
#pragma once
#include "worker/worker.h"

/* What is published of a shard, so that the sums follow it. */
struct shard_share {
    uint64_t keys, expiring, bytes, led, leaderless, quiet, repairing;
    uint64_t pending, uncommitted_bytes;
};

void observe_command(struct worker *worker, const struct command *command);
/* From the arrival of a command to its reply. */
void observe_latency(struct worker *worker, const struct command *command, uint64_t duration_us);
/* Returns how long it took, in microseconds. */
uint64_t observe_reply(struct worker *worker, const struct command *command, uint64_t begun_us,
                       size_t reply_bytes);
/* It was answered with an error. One that has not run was refused before it began, and has changed
 * nothing: what Redis calls rejected, not failed. */
void observe_command_error(struct worker *worker, const struct command *command, bool has_run);
void observe_error_reply(struct worker *worker, struct bytes reply);
void observe_redirect(struct worker *worker, const char *kind);
/* Shows as 0, from the start, what is counted seldom. */
void observe_begin(struct worker *worker);
/* `cause`: one of those in observe_begin(). */
void observe_refused_client(struct worker *worker, const char *cause);
void observe_raft_message(struct worker *worker, enum raft_message_kind kind, bool is_sent);
void observe_packed(struct worker *worker, size_t entry_bytes, size_t packed_bytes);
void observe_wal_round(struct worker *worker);
void observe_crowd_return(struct worker *worker, bool is_complete);
void observe_rendezvous(struct worker *worker, bool is_complete);
void observe_output(struct worker *worker);
/* By all clients: input that is not parsed yet, replies that are not sent. */
void observe_held(struct worker *worker, size_t bytes);
void observe_unfreed(struct worker *worker, uint64_t bytes); /* deleted, and held still */
void observe_shard(struct worker *worker, const struct shard *shard);
void observe_removal(struct worker *worker, uint32_t shard); /* its replica is here no more */
void observe_pair(struct worker *worker, bool is_equal);
void observe_tick(struct worker *worker, const struct shard_share *sum);
