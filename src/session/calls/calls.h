/* A command on its way to a shard of this node: here at once, or on another worker by mail. */
#pragma once
#include "session/client/route.h"
#include "session/client/target.h"
#include "worker/worker.h"

struct shard_call {
    const struct bytes *arguments; /* borrowed until calls_send() returns */
    size_t argument_count;
    struct target *target; /* the outcome comes to it, with the ticket */
    uint64_t ticket;
    uint8_t protocol; /* of the reply */
    unsigned flags;   /* route.h */
};

/* Sends the call to a shard that this node should lead, here or on another worker. ROUTE_DONE: the
 * outcome comes, or came already. */
enum route_result calls_send(struct worker *worker, uint32_t shard, const struct shard_call *call);
void calls_mail(struct worker *worker, struct mail *mail); /* a MAIL_COMMAND: takes it */
void calls_retry(struct worker *worker);                   /* those that had no room */
void calls_free_all(struct worker *worker);
