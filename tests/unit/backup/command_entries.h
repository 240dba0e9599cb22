/* Entries of a shard's log, as they are archived. */
#pragma once
#include "base/buffer.h"
#include "raft/events/entry.h"

/* Appends one of a command such as SET, which gives `key` a value. */
void add_command(struct buffer *out, raft_index index, uint64_t stamp_ms, const char *command,
                 const char *key);
