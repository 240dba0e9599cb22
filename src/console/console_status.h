/* /status of the admin port: what a node or an agent knows of its cluster, as one JSON object. The
 * members are gossip's; the rest is the workers' (console_cluster.h), whom an agent does not have.
 * docs/guide/console.md has the fields. */
#pragma once
#include "base/buffer.h"

struct gossiper;

enum {
    CONSOLE_STATUS_FORMAT = 1,       /* raised when a field goes or means something else */
    CONSOLE_MEMBER_MAXIMUM = 1024,   /* told; nodes first, then agents that are missed */
    CONSOLE_TEXT_MAXIMUM_BYTES = 128 /* of what a member says of itself; the rest is cut off */
};

/* `workers` is what they said, BYTES_NONE of an agent. On the gossiper's thread. */
void console_status_write(const struct gossiper *gossiper, struct bytes workers,
                          struct buffer *out);
/* The same with at most so many members, the one that tells among them. */
void console_status_write_some(const struct gossiper *gossiper, struct bytes workers,
                               size_t member_maximum, struct buffer *out);
