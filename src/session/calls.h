/* A command on its way to a shard of this node: here at once, or on another worker by mail. */
#pragma once
#include "session/target.h"
#include "worker/worker.h"

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
void calls_free_all(struct worker *worker);
