/* A snapshot that comes in, between the leader that sends it (receive.h) and the machine that is
 * made of it (install.h): what is asked for, and its end. */
#pragma once
#include "shard/state/state.h"

/* What of a chunk comes behind a place of it. */
uint64_t incoming_left_bytes(const struct incoming_snapshot *in,
                             const struct shard_snapshot_wish *wish);
/* The first chunk from there on that is lacking; chunk_count: none. */
uint32_t incoming_next_lacking(const struct incoming_snapshot *in, uint32_t from);

void shard_tell_incoming(struct shard *shard, bool is_installed);
/* What was asked for and did not come is asked for again. */
void shard_ask_again(struct shard *shard);
/* A chunk that was here already cannot be read after all. */
void shard_fetch_again(struct shard *shard, uint32_t ordinal);
/* Says why to the log and to the leader, and ends the transfer. What came stays for the next. */
void shard_refuse_incoming(struct shard *shard, const char *what, int error);
void shard_end_incoming(struct shard *shard);
void shard_release_incoming(struct shard *shard);
