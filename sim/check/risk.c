#include "sim/check/risk.h"
#include "base/memory.h"
#include "shard/shard.h"
#include "sim/check/checks.h"
#include "sim/cluster/node.h"

struct risky_answer {
    uint64_t number; /* in the history */
    uint32_t shard;
    uint64_t index; /* once this is committed, so is what the answer rests on */
};

struct risk {
    struct risky_answer *answers; /* since a node died last */
    size_t count, capacity;
    uint64_t died_us;
    uint64_t *shaken; /* by shard: the last index in any log when a node died last */
};

struct risk *risk_new(unsigned shard_count) {
    struct risk *risk = memory_allocate_zeroed(1, sizeof *risk);
    risk->shaken = memory_allocate_zeroed(shard_count, sizeof *risk->shaken);
    return risk;
}

void risk_free(struct risk *risk) {
    memory_free(risk->shaken);
    memory_free(risk->answers);
    memory_free(risk);
}

bool risk_is_shaken(const struct simulation *simulation, const struct operation *operation) {
    for (unsigned node = 0; node < simulation->node_count; node++) {
        const struct worker *worker = simulation->nodes[node]->threads[0].worker;
        if (worker == NULL || worker_topology(worker) == NULL)
            continue;
        uint32_t shard = sim_operation_shard(worker_topology(worker), operation);
        return checks_committed(simulation, shard) < simulation->risk->shaken[shard];
    }
    return true;
}

/* How far the shard was applied where the answer came from: at least so far as when it left. */
static bool risk_index(struct simulation *simulation, unsigned node,
                       const struct operation *operation, struct risky_answer *answer) {
    const struct worker *worker = simulation->nodes[node]->threads[0].worker;
    if (worker == NULL || worker_topology(worker) == NULL)
        return false;
    answer->shard = sim_operation_shard(worker_topology(worker), operation);
    struct shard *shard = sim_node_replica(simulation->nodes[node], answer->shard);
    if (shard == NULL)
        return false;
    answer->index = shard_applied_index(shard);
    return true;
}

void risk_answered(struct simulation *simulation, unsigned node, const struct operation *operation,
                   uint64_t number) {
    struct risk *risk = simulation->risk;
    struct risky_answer answer = {.number = number};
    bool has_died_since = risk->died_us >= operation->invoked_us && risk->died_us != 0;
    if (has_died_since || operation->is_shaken ||
        !risk_index(simulation, node, operation, &answer)) {
        history_doubt(&simulation->history, number);
        return;
    }
    if (risk->count == risk->capacity) {
        risk->capacity = risk->capacity ? risk->capacity * 2 : 256;
        risk->answers = memory_resize(risk->answers, risk->capacity * sizeof *risk->answers);
    }
    risk->answers[risk->count++] = answer;
}

static uint64_t last_index(const struct simulation *simulation, uint32_t number) {
    uint64_t last = 0;
    for (unsigned node = 0; node < simulation->node_count; node++) {
        struct shard *shard = sim_node_replica(simulation->nodes[node], number);
        if (shard && raft_last_index(shard_raft(shard)) > last)
            last = raft_last_index(shard_raft(shard));
    }
    return last;
}

void risk_node_died(struct simulation *simulation) {
    struct risk *risk = simulation->risk;
    if (simulation->phase == PHASE_OVER)
        return; /* the nodes are being freed */
    for (size_t i = 0; i < risk->count; i++)
        if (risk->answers[i].index > checks_committed(simulation, risk->answers[i].shard)) {
            history_doubt(&simulation->history, risk->answers[i].number);
            simulation->statistics.answers_doubted++;
        }
    for (uint32_t number = 0; number <= simulation->shard_count; number++)
        risk->shaken[number] = last_index(simulation, number);
    risk->count = 0;
    risk->died_us = simulation->queue.now_us;
}
