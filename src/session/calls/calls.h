/* A command on its way to a shard of this node: here at once, or on another worker by mail. */
#pragma once
#include "session/client/route.h"
#include "session/client/target.h"
#include "worker/worker.h"

/* Sends arguments to a shard that this node should lead, here or on another worker; the outcome
 * comes to (target, ticket). */
enum route_result calls_send(struct worker *worker, uint32_t shard, const struct command *command,
                             const struct bytes *arguments, size_t count, struct target *target,
                             uint64_t ticket, uint8_t protocol, unsigned flags);
void calls_mail(struct worker *worker, struct mail *mail); /* a MAIL_COMMAND: takes it */
void calls_retry(struct worker *worker);                   /* those that had no room */
void calls_free_all(struct worker *worker);
