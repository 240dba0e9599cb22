#include "sim/run/founding.h"
#include "base/memory.h"
#include "cluster/topology.h"
#include "sim/cluster/node.h"
#include "sim/life/connection.h"
#include "wire/request.h"
#include <stdio.h>

struct founder {
    struct simulation *simulation;
    struct connection connections[SIM_NODE_MAXIMUM];
    struct buffer request;
    unsigned founded_count;
};

static void founder_reply(void *context, unsigned node, const struct response *response) {
    struct founder *founder = context;
    if (response->kind == RESPONSE_ERROR)
        simulation_fail(founder->simulation, "node %u refuses the founding: %.*s", node + 1,
                        BYTES_PRINT(response->text));
    founder->founded_count++;
}

static void founder_lost(void *context, unsigned node, enum connection_loss loss) {
    struct founder *founder = context;
    (void)loss;
    if (founder->founded_count < founder->simulation->founded_count)
        simulation_fail(founder->simulation,
                        "node %u closed the connection that founds the cluster", node + 1);
}

static void founder_make_request(struct founder *founder) {
    struct simulation *simulation = founder->simulation;
    struct topology_node nodes[SIM_NODE_MAXIMUM] = {0};
    uint8_t cluster_id[16];
    for (unsigned i = 0; i < sizeof cluster_id; i++)
        cluster_id[i] = (uint8_t)random_next(&simulation->random);
    for (unsigned i = 0; i < simulation->founded_count; i++) {
        struct net_address address;
        memcpy(nodes[i].uuid, simulation->nodes[i]->identity.uuid, sizeof nodes[i].uuid);
        nodes[i].number = i + 1;
        sim_node_client_address(i, &address);
        snprintf(nodes[i].address.host, sizeof nodes[i].address.host, "%s", address.host);
        nodes[i].address.client_port = address.port;
        nodes[i].address.peer_port = SIM_PEER_PORT;
        nodes[i].address.admin_port = (uint16_t)(address.port + 2000);
    }
    struct topology *topology = topology_found(cluster_id, nodes, simulation->founded_count,
                                               simulation->shard_count, simulation->replica_count);
    struct buffer encoded;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(topology, &encoded);
    request_encode(&founder->request,
                   (const struct bytes[]){BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("FOUND"),
                                          buffer_bytes(&encoded)},
                   3);
    buffer_release(&encoded);
    topology_free(topology);
}

struct founder *founder_new(struct simulation *simulation) {
    struct founder *founder = memory_allocate_zeroed(1, sizeof *founder);
    founder->simulation = simulation;
    buffer_init(&founder->request, 2 * TOPOLOGY_BYTES_MAXIMUM);
    founder_make_request(founder);
    struct connection_user user = {
        .reply = founder_reply, .lost = founder_lost, .context = founder};
    for (unsigned node = 0; node < simulation->founded_count; node++) {
        connection_init(&founder->connections[node], simulation, node, &user);
        connection_send(&founder->connections[node], buffer_bytes(&founder->request));
    }
    return founder;
}

void founder_free(struct founder *founder) {
    for (unsigned node = 0; node < founder->simulation->founded_count; node++)
        connection_release(&founder->connections[node]);
    buffer_release(&founder->request);
    memory_free(founder);
}

bool founder_is_done(const struct founder *founder) {
    return founder->founded_count == founder->simulation->founded_count;
}
