/* Snapshots between nodes: their messages, their rate, and whose turn it is to save one. */
#pragma once
#include "worker/worker.h"

void transfers_send_offer(void *context, struct shard *shard,
                          const struct shard_snapshot_offer *offer);
void transfers_send_piece(void *context, struct shard *shard,
                          const struct shard_snapshot_piece *piece);
void transfers_send_progress(void *context, struct shard *shard,
                             const struct shard_snapshot_progress *progress);
uint64_t transfers_admit_us(void *context, uint64_t bytes);
uint64_t transfers_next_turn_us(void *context);
/* Parts of a batch that was read (wire/peer_message.h). */
void transfers_receive_offer(struct worker *worker, uint32_t from, struct bytes part);
void transfers_receive_piece(struct worker *worker, uint32_t from, struct bytes part);
void transfers_receive_progress(struct worker *worker, uint32_t from, struct bytes part);
