/* Answers before the disk (durability async). On the leader the machine may run ahead of the commit
 * index, up to what a majority has received; those who asked for that are answered at once, all
 * others wait in hold.c until it is committed. Only a leader runs ahead. Whoever ran ahead of what
 * another leader then put in its place goes back (rewind.c).
 *
 *     snapshot <= commit index <= applied index <= early index <= last index
 */
#pragma once
#include "shard/state/state.h"

uint32_t shard_patience_us(const struct shard *shard); /* of the sync of what is async */
raft_index shard_apply_limit(const struct shard *shard);
void shard_ran_ahead(struct shard *shard); /* perhaps: something was applied */
void shard_caught_up(struct shard *shard); /* perhaps: the commit index moved */
