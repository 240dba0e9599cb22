#include "cluster/topology.h"

#include "base/check.h"
#include "base/memory.h"
#include "cluster/topology_private.h"
#include "cluster/topology_setting.h"

void topology_derive_slot_owners(struct topology *topology) {
    memset(topology->slot_owner, 0, sizeof topology->slot_owner);
    for (unsigned i = 1; i < topology->shard_count; i++) {
        unsigned next = 0;
        slot_number first, last;
        while (slot_set_range(&topology->shards[i].slots, &next, &first, &last))
            for (unsigned slot = first; slot <= last; slot++)
                topology->slot_owner[slot] = (uint16_t)topology->shards[i].number;
    }
}

/* Replica r of shard s stands on node (s + r) modulo the nodes: every node is first of as many
 * shards as any other. */
static void deal_replicas(struct topology_shard *shard, unsigned node_count,
                          unsigned replica_count) {
    unsigned start = shard->number == 0 ? 0 : shard->number - 1;
    shard->replica_count = replica_count;
    for (unsigned r = 0; r < replica_count; r++)
        shard->replicas[r] = (start + r) % node_count + 1;
}

static void deal_slots(struct topology_shard *shard, unsigned data_shard_count) {
    unsigned first = (shard->number - 1) * SLOT_COUNT / data_shard_count;
    unsigned end = shard->number * SLOT_COUNT / data_shard_count;
    for (unsigned slot = first; slot < end; slot++)
        slot_set_add(&shard->slots, (slot_number)slot);
}

struct topology *topology_found(const uint8_t cluster_id[16], const struct topology_node *nodes,
                                unsigned node_count, unsigned data_shard_count,
                                unsigned replica_count) {
    CHECK(node_count >= 1 && node_count <= TOPOLOGY_NODE_MAXIMUM);
    CHECK(data_shard_count >= 1 && data_shard_count <= TOPOLOGY_SHARD_MAXIMUM);
    CHECK(replica_count >= 1 && replica_count <= node_count);
    CHECK(replica_count <= TOPOLOGY_REPLICA_MAXIMUM);
    struct topology *topology = memory_allocate_zeroed(1, sizeof *topology);
    memcpy(topology->cluster_id, cluster_id, 16);
    topology->epoch = 1;
    topology->node_count = node_count;
    topology->nodes = memory_copy(nodes, node_count * sizeof *nodes);
    for (unsigned i = 0; i < node_count; i++)
        topology->nodes[i].number = i + 1;
    topology->shard_count = data_shard_count + 1;
    topology->shards = memory_allocate_zeroed(topology->shard_count, sizeof *topology->shards);
    for (unsigned i = 0; i < topology->shard_count; i++) {
        topology->shards[i].number = i;
        topology->shards[i].is_settled = true;
        deal_replicas(&topology->shards[i], node_count, replica_count);
        if (i > 0)
            deal_slots(&topology->shards[i], data_shard_count);
    }
    topology_derive_slot_owners(topology);
    return topology;
}

struct topology *topology_found_again(const struct topology *topology, const uint8_t cluster_id[16],
                                      const struct topology_node *node) {
    struct topology *again = topology_copy(topology);
    memcpy(again->cluster_id, cluster_id, sizeof again->cluster_id);
    again->epoch = 1;
    again->node_count = 1;
    again->nodes[0] = *node;
    again->nodes[0].number = 1;
    memory_free(again->removed);
    again->removed = NULL;
    again->removed_count = 0;
    for (unsigned i = 0; i < again->shard_count; i++) {
        struct topology_shard *shard = &again->shards[i];
        memset(shard->replicas, 0, sizeof shard->replicas);
        shard->replicas[0] = 1;
        shard->replica_count = 1;
        shard->wanted_epoch = 0;
        shard->is_settled = true;
        shard->survivor = 0;
    }
    return again;
}

void topology_free(struct topology *topology) {
    if (topology) {
        memory_free(topology->nodes);
        memory_free(topology->shards);
        topology_settings_free(topology);
        memory_free(topology->removed);
        memory_free(topology);
    }
}

struct topology *topology_copy(const struct topology *topology) {
    struct topology *copy = memory_copy(topology, sizeof *topology);
    copy->nodes = memory_copy(topology->nodes, topology->node_count * sizeof *topology->nodes);
    copy->shards = memory_copy(topology->shards, topology->shard_count * sizeof *topology->shards);
    topology_settings_copy(copy, topology);
    copy->removed =
        topology->removed_count
            ? memory_copy(topology->removed, topology->removed_count * sizeof *topology->removed)
            : NULL;
    return copy;
}

const struct topology_node *topology_node(const struct topology *topology, uint32_t number) {
    for (unsigned i = 0; i < topology->node_count; i++)
        if (topology->nodes[i].number == number)
            return &topology->nodes[i];
    return NULL;
}

const struct topology_node *topology_node_by_uuid(const struct topology *topology,
                                                  const uint8_t uuid[16]) {
    for (unsigned i = 0; i < topology->node_count; i++)
        if (memcmp(topology->nodes[i].uuid, uuid, 16) == 0)
            return &topology->nodes[i];
    return NULL;
}

const struct topology_shard *topology_shard(const struct topology *topology, uint32_t number) {
    return number < topology->shard_count ? &topology->shards[number] : NULL;
}

bool topology_shard_has_replica(const struct topology_shard *shard, uint32_t node_number) {
    for (unsigned i = 0; i < shard->replica_count; i++)
        if (shard->replicas[i] == node_number)
            return true;
    return false;
}

int topology_copy_host(char out[TOPOLOGY_HOST_MAXIMUM], struct bytes host) {
    if (host.length == 0 || host.length >= TOPOLOGY_HOST_MAXIMUM ||
        memchr(host.data, 0, host.length))
        return ERR_MALFORMED;
    memset(out, 0, TOPOLOGY_HOST_MAXIMUM);
    memcpy(out, host.data, host.length);
    return 0;
}

bool topology_has_peers(const struct topology *topology, uint32_t node_number, uint32_t shard) {
    const struct topology_shard *placed = topology_shard(topology, shard);
    bool is_settled = placed && (placed->is_settled || placed->wanted_epoch == 0);
    return is_settled && placed->replica_count > topology_shard_has_replica(placed, node_number);
}
