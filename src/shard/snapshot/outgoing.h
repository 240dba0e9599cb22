/* A snapshot that is on its way to a follower: its beginning and its end (between: send.h). */
#pragma once
#include "shard/state/state.h"

/* Begins one, unless one to that peer is under way. False if there is none to send or nobody to
 * send it to: raft is to ask again. */
bool outgoing_begin(struct shard *shard, raft_node_number peer);
/* NULL: there is none. Peer 0 finds a free place. */
struct outgoing_snapshot *outgoing_find(struct shard *shard, raft_node_number peer);
/* Of all that is said of it; one for each version of the manifest. */
uint32_t outgoing_version(const struct outgoing_snapshot *out);
void outgoing_offer(struct shard *shard, struct outgoing_snapshot *out);
void outgoing_free(struct shard *shard, struct outgoing_snapshot *out);
void shard_drop_outgoing(struct shard *shard); /* no longer leader */
void shard_release_outgoing(struct shard *shard);
