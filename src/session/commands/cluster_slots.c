/* CLUSTER SLOTS and SHARDS: who serves which slots, the leader of each shard first. */

#include "session/commands/cluster_facts.h"
#include "session/commands/cluster_replies.h"
#include "worker/worker.h"

/* The replicas of a shard that clients should hear of, the leader first. 0: no leader is known. */
static size_t told_replicas(const struct worker *worker, const struct topology_shard *shard,
                            bool with_failed,
                            const struct topology_node *out[TOPOLOGY_REPLICA_MAXIMUM + 1]) {
    uint32_t leader = cluster_leader_of(worker, shard->number);
    const struct topology_node *first = leader ? topology_node(worker->topology, leader) : NULL;
    if (!first)
        return 0;
    size_t count = 0;
    out[count++] = first;
    for (unsigned i = 0; i < shard->replica_count; i++) {
        const struct topology_node *node = topology_node(worker->topology, shard->replicas[i]);
        if (node != first && (with_failed || cluster_health_of(worker, node) != NODE_HAS_FAILED))
            out[count++] = node;
    }
    return count;
}

static void reply_slots_node(const struct topology_node *node, struct reply *reply) {
    char id[NODE_ID_TEXT_BYTES];
    identity_node_id(node->uuid, id);
    reply_array(reply, 4);
    reply_bulk_text(reply, node->address.host);
    reply_integer(reply, node->address.client_port);
    reply_bulk_text(reply, id);
    reply_map(reply, 0); /* no other names of the node */
}

/* The end of the range of slots that belongs to one shard and begins here. */
static unsigned range_last(const struct topology *topology, unsigned first) {
    unsigned last = first;
    while (last + 1 < SLOT_COUNT && topology->slot_owner[last + 1] == topology->slot_owner[first])
        last++;
    return last;
}

/* Ascending ranges, one after the other; writes them, or with reply == NULL only counts them. */
static size_t walk_slots(const struct worker *worker, struct reply *reply) {
    const struct topology *topology = worker->topology;
    size_t count = 0;
    for (unsigned first = 0, last; first < SLOT_COUNT; first = last + 1) {
        last = range_last(topology, first);
        const struct topology_node *nodes[TOPOLOGY_REPLICA_MAXIMUM + 1];
        uint32_t owner = topology->slot_owner[first];
        size_t told =
            owner ? told_replicas(worker, topology_shard(topology, owner), false, nodes) : 0;
        if (told == 0)
            continue;
        count++;
        if (reply) {
            reply_array(reply, 2 + told);
            reply_integer(reply, first);
            reply_integer(reply, last);
            for (size_t i = 0; i < told; i++)
                reply_slots_node(nodes[i], reply);
        }
    }
    return count;
}

bool cluster_reply_slots(struct session_command *call) {
    if (!call->worker->topology) {
        reply_array(call->reply, 0);
        return true;
    }
    reply_array(call->reply, walk_slots(call->worker, NULL));
    walk_slots(call->worker, call->reply);
    return true;
}

static void reply_shards_slots(const struct slot_set *slots, struct reply *reply) {
    size_t count = 0;
    unsigned next = 0;
    slot_number first, last;
    while (slot_set_range(slots, &next, &first, &last))
        count += 2;
    reply_array(reply, count);
    next = 0;
    while (slot_set_range(slots, &next, &first, &last)) {
        reply_integer(reply, first);
        reply_integer(reply, last);
    }
}

/* replication-offset is known of this node's own replicas only: the applied index. */
static void reply_shards_node(const struct worker *worker, uint32_t shard,
                              const struct topology_node *node, bool is_leader,
                              struct reply *reply) {
    char id[NODE_ID_TEXT_BYTES];
    identity_node_id(node->uuid, id);
    bool is_self = node->number == worker->self;
    reply_map(reply, is_self ? 7 : 6);
    reply_bulk_text(reply, "id");
    reply_bulk_text(reply, id);
    reply_bulk_text(reply, "port");
    reply_integer(reply, node->address.client_port);
    reply_bulk_text(reply, "ip");
    reply_bulk_text(reply, node->address.host);
    reply_bulk_text(reply, "endpoint");
    reply_bulk_text(reply, node->address.host);
    reply_bulk_text(reply, "role");
    reply_bulk_text(reply, is_leader ? "master" : "replica");
    if (is_self) {
        reply_bulk_text(reply, "replication-offset");
        reply_integer(reply, (int64_t)statistic_of(&worker->shared->shards[shard].applied_index));
    }
    reply_bulk_text(reply, "health");
    reply_bulk_text(reply,
                    cluster_health_of(worker, node) == NODE_HAS_FAILED ? "failed" : "online");
}

static size_t walk_shards(const struct worker *worker, struct reply *reply) {
    size_t count = 0;
    for (unsigned i = 1; worker->topology && i < worker->topology->shard_count; i++) {
        const struct topology_shard *shard = &worker->topology->shards[i];
        const struct topology_node *nodes[TOPOLOGY_REPLICA_MAXIMUM + 1];
        size_t told = told_replicas(worker, shard, true, nodes);
        if (told == 0)
            continue;
        count++;
        if (!reply)
            continue;
        reply_map(reply, 2);
        reply_bulk_text(reply, "slots");
        reply_shards_slots(&shard->slots, reply);
        reply_bulk_text(reply, "nodes");
        reply_array(reply, told);
        for (size_t at = 0; at < told; at++)
            reply_shards_node(worker, shard->number, nodes[at], at == 0, reply);
    }
    return count;
}

bool cluster_reply_shards(struct session_command *call) {
    reply_array(call->reply, walk_shards(call->worker, NULL));
    walk_shards(call->worker, call->reply);
    return true;
}
