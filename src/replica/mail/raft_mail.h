/* Raft's messages as parts of a batch. */
#pragma once
#include "worker/worker.h"

struct peer_raft;

void raft_mail_send(void *context, struct shard *shard, const struct raft_message *message);
void raft_mail_receive(struct worker *worker, uint32_t from, const struct peer_raft *in);
