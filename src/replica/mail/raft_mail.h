/* Raft's messages as parts of a batch. */
#pragma once
#include "worker/worker.h"

void raft_mail_send(void *context, struct shard *shard, const struct raft_message *message);
void raft_mail_receive(struct worker *worker, uint32_t from, struct bytes part);
