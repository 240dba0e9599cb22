/* Who waits for a reply. */
#pragma once
#include "base/bytes.h"
#include "shard/shard.h"

struct worker;

/* The first member of a session, and of all that asks in a session's name. deliver() hands over an
 * outcome; it may free the target. */
struct target {
    void (*deliver)(struct worker *worker, struct target *target, uint64_t ticket,
                    enum shard_outcome outcome, struct bytes reply);
};
