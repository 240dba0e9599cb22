#include "replica/leads/preferred.h"

#include "replica/state/state.h"
#include "worker/worker.h"

/* One shard after the other: clients wait for a moment where a lead changes hands. */
#define BETWEEN_US ((uint64_t)200 * 1000)

/* 0: this node, or the topology does not have the shard. */
static uint32_t preferred_elsewhere(const struct worker *worker, uint32_t number) {
    const struct topology_shard *shard = topology_shard(worker->topology, number);
    uint32_t preferred = shard && shard->is_settled ? shard->replicas[0] : 0;
    return preferred == worker->self ? 0 : preferred;
}

static bool give_back(struct worker *worker, uint32_t number) {
    uint32_t preferred = preferred_elsewhere(worker, number);
    if (preferred == 0 || !shard_give_back(worker->shards[number], preferred))
        return false;
    log_line(worker->io.log, LOG_INFO, "the lead goes back to the preferred leader",
             LOG_F("shard", number), LOG_F("node", worker->self), LOG_F("to", preferred));
    return true;
}

void preferred_tick(struct worker *worker) {
    struct preferred *state = &worker->hosting->preferred;
    uint64_t now = worker_now_us(worker);
    if (worker->topology == NULL || worker->is_draining || now < state->next_us)
        return;
    state->next_us = now + BETWEEN_US;
    for (unsigned i = 0; i < worker->hosted_count; i++) {
        unsigned at = (state->next + i) % worker->hosted_count;
        if (give_back(worker, worker->hosted[at])) {
            state->next = at + 1;
            return;
        }
    }
}
