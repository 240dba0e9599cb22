#include "sim/cluster/node.h"
#include "cluster/topology.h"
#include "sim/history/operation.h"

enum { NODE_CLIENT_PORT = 7001 };

void sim_node_client_address(unsigned index, struct net_address *address) {
    sim_net_address(index, address);
    address->port = NODE_CLIENT_PORT;
}

struct sim_thread *sim_node_worker_by_lot(struct sim_node *node) {
    return &node->threads[random_below(&node->simulation->random, node->simulation->worker_count)];
}

struct shard *sim_node_replica(const struct sim_node *node, uint32_t shard) {
    struct worker *worker = node->threads[shard % node->simulation->worker_count].worker;
    return worker ? worker_shard(worker, shard) : NULL;
}

bool sim_node_is_rotten(const struct sim_node *node) {
    for (unsigned i = 0; i < node->simulation->worker_count; i++)
        if (sim_disk_is_rotten(node->threads[i].disk))
            return true;
    return false;
}

void sim_node_pause(struct sim_node *node, uint64_t pause_us) {
    for (unsigned i = 0; i <= SIM_WORKER_MAXIMUM; i++)
        sim_clock_hold(&node->threads[i].clock, pause_us);
}

const struct topology *sim_node_topology(const struct sim_node *node) {
    const struct worker *worker = node->threads[0].worker;
    return worker ? worker_topology(worker) : NULL;
}

const struct topology *sim_topology(const struct simulation *simulation) {
    const struct topology *newest = NULL;
    for (unsigned i = 0; i < simulation->node_count; i++) {
        const struct sim_node *node = simulation->nodes[i];
        const struct topology *topology = node->is_given_up ? NULL : sim_node_topology(node);
        if (topology && (newest == NULL || topology->epoch > newest->epoch))
            newest = topology;
    }
    return newest;
}

uint32_t sim_operation_shard(const struct topology *topology, const struct operation *operation) {
    char name[OPERATION_NAME_BYTES];
    operation_object_name(operation, name);
    return topology->slot_owner[slot_of_key(bytes_of_text(name))];
}
