/* Linearizable reads (CBTR 6.4). On the leader a read runs at once while the lease holds: that is
 * asked when the read is done, because the process may have been stopped in the middle of it.
 * Without a lease, or by the setting read-mode, the leader confirms its leadership by a round of
 * messages that all waiting reads share. On a follower the leader is asked for an index, and the
 * read runs once that is applied.
 *
 * A read that meets a key past its time by the leader's clock has the deletion committed before it
 * answers: no later leader, whatever its clock, can then show the key again. */
#pragma once
#include "shard/shard.h"

/* As shard_read(). What must wait is run by shard_run_reads(). */
int read_begin(struct shard *shard, const struct bytes *arguments, size_t count,
               struct shard_waiter waiter, unsigned flags) MUST_CHECK;
void shard_run_reads(struct shard *shard); /* those that may be answered now */
