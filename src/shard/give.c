#include "shard/give.h"

#include "shard/read.h"
#include "shard/step/step.h"
#include "shard/waiting/waits.h"

void shard_settle(struct shard *shard) {
    while (shard->is_stepped) {
        shard->is_stepped = false;
        shard_run_reads(shard);
        shard_answer_waits(shard);
    }
}

int shard_give(struct shard *shard, struct raft_event *event) {
    int error = shard_step(shard, event);
    shard_settle(shard);
    return error;
}
