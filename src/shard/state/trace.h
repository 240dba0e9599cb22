/* The traces of commands on this replica: for each command with a trace id, one log line a stage,
 * on every replica that its entry passes. `us` is the time since this replica first saw it.
 *
 *   leader     proposed -> appended -+-> durable ---------+-> applied   (replied: node/)
 *   follower               appended -+-> committed -------+-> applied
 *
 * Durable and committed come in either order: a majority may be durable before this disk is (the
 * leader's own need not be among them). A command is forgotten when it is durable and applied here,
 * when another entry took the place of its own, or when a snapshot covers it.
 *
 * A command that turned out slow has no id while it is under way. Its entry gets one afterwards:
 * the stages behind it are told from the moments that are kept of all entries (moments.h), those
 * that are still to come as for any other trace, and all of them once it comes where it has not
 * come yet. */
#pragma once
#include "shard/state/state.h"

/* A command of the batch: called before it is counted. */
void shard_trace_gather(struct shard *shard, struct bytes id);
void shard_trace_proposed(struct shard *shard, raft_index index, raft_term term,
                          struct bytes traces, uint32_t count);
void shard_trace_appended(struct shard *shard, const struct raft_entry *entry,
                          uint64_t wal_sequence);
/* What a step did, for those that turn out slow. */
void shard_note_moments(struct shard *shard, const struct raft_event *event,
                        const struct raft_actions *actions);
/* What stands there was slow. The id is borrowed. */
void shard_look_back(struct shard *shard, struct shard_place place, struct bytes id);
/* Only while there are `awaited_traces`: entries came that may be theirs. */
void shard_trace_awaited(struct shard *shard);
void shard_note_durable(struct shard *shard, uint64_t now_us);
void shard_note_applied(struct shard *shard, uint64_t now_us);
/* The rest only while there are `traces`. */
void shard_trace_truncated(struct shard *shard, raft_index from);
void shard_trace_durable(struct shard *shard, uint64_t wal_sequence);
void shard_trace_committed(struct shard *shard, raft_index commit_index);
void shard_trace_applied(struct shard *shard, const struct raft_entry *entry);
