/* Runs commands against one keyspace the way a shard does, with nothing around it: what the script
 * interpreter and the pipe share. */
#pragma once
#include "command/command.h"

struct runner {
    struct keyspace *keyspace;
    struct buffer output; /* replies; the caller takes them out */
    uint64_t now_ms;      /* set by the caller; may stand still */
    uint64_t applied_ms;  /* the stamp of the last write */
    uint64_t seed;        /* raised by every command */
    int protocol;
    size_t deletion_count; /* how many keys reads have asked to be deleted */
};

void runner_init(struct runner *runner);
void runner_release(struct runner *runner);
/* Appends one reply to `output`. */
void runner_run(struct runner *runner, const struct bytes *arguments, size_t count);
