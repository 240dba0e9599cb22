/* The control shard's commands: docs/format/topology.md. */
#include "base/memory.h"
#include "base/planted.h"
#include "base/text/hex.h"
#include "base/text/number.h"
#include "cluster/feature.h"
#include "cluster/topology_private.h"
#include "cluster/topology_removal.h"
#include "cluster/topology_setting.h"

static int parse_port(struct bytes text, uint16_t *port) {
    int64_t number;
    if (!number_parse_i64(text, &number) || number < 1 || number > 65535)
        return ERR_INVALID;
    *port = (uint16_t)number;
    return 0;
}

/* Host, client port, peer port, admin port. */
static int parse_address(const struct bytes arguments[4], struct topology_address *address) {
    *address = (struct topology_address){0};
    bool is_wrong = topology_copy_host(address->host, arguments[0]) ||
                    parse_port(arguments[1], &address->client_port) ||
                    parse_port(arguments[2], &address->peer_port) ||
                    parse_port(arguments[3], &address->admin_port);
    return is_wrong ? ERR_INVALID : 0;
}

static int apply_node_address(struct topology *topology, const struct bytes *arguments,
                              size_t count) {
    int64_t number;
    struct topology_address address;
    if (count != 6 || !number_parse_i64(arguments[1], &number) ||
        parse_address(arguments + 2, &address))
        return ERR_INVALID;
    for (unsigned i = 0; i < topology->node_count; i++) {
        struct topology_node *node = &topology->nodes[i];
        if (node->number == number) {
            if (memcmp(&node->address, &address, sizeof address) != 0) {
                node->address = address;
                topology->epoch++;
            }
            return 0;
        }
    }
    return ERR_NOT_FOUND;
}

/* A number is a name in Raft's logs, so none is ever given twice. */
static uint32_t next_number(const struct topology *topology) {
    uint32_t highest = PLANTED(NUMBER_GIVEN_TWICE) ? 0 : topology_removed_highest(topology);
    for (unsigned i = 0; i < topology->node_count; i++)
        if (topology->nodes[i].number > highest)
            highest = topology->nodes[i].number;
    return highest + 1;
}

static int apply_node_add(struct topology *topology, const struct bytes *arguments, size_t count) {
    struct topology_node node = {0};
    if (count != 6 || !hex_read(arguments[1], sizeof node.uuid, node.uuid) ||
        parse_address(arguments + 2, &node.address))
        return ERR_INVALID;
    if (topology_node_by_uuid(topology, node.uuid))
        return 0;
    if (topology_removed_by_uuid(topology, node.uuid))
        return ERR_INVALID; /* it remembers what it was: only an empty directory may join */
    node.number = next_number(topology);
    if (topology->node_count == TOPOLOGY_NODE_MAXIMUM || node.number > TOPOLOGY_NUMBER_MAXIMUM)
        return ERR_LIMIT;
    topology->nodes =
        memory_resize(topology->nodes, (topology->node_count + 1) * sizeof *topology->nodes);
    topology->nodes[topology->node_count++] = node;
    topology->epoch++;
    return 0;
}

static struct topology_shard *find_shard(struct topology *topology, struct bytes text) {
    int64_t number;
    if (!number_parse_i64(text, &number) || number < 0 || number >= topology->shard_count)
        return NULL;
    return &topology->shards[number];
}

static int parse_replicas(const struct topology *topology, const struct bytes *arguments,
                          size_t count, struct topology_shard *wanted) {
    if (count == 0 || count > TOPOLOGY_REPLICA_MAXIMUM)
        return ERR_INVALID;
    for (size_t i = 0; i < count; i++) {
        int64_t number;
        if (!number_parse_i64(arguments[i], &number) || number < 1 ||
            number > TOPOLOGY_NUMBER_MAXIMUM ||
            topology_shard_has_replica(wanted, (uint32_t)number))
            return ERR_INVALID;
        if (!topology_node(topology, (uint32_t)number))
            return ERR_NOT_FOUND;
        wanted->replicas[wanted->replica_count++] = (uint32_t)number;
    }
    return 0;
}

static bool has_same_nodes(const struct topology_shard *a, const struct topology_shard *b) {
    for (unsigned i = 0; i < a->replica_count; i++)
        if (!topology_shard_has_replica(b, a->replicas[i]))
            return false;
    return a->replica_count == b->replica_count;
}

/* Another order of the same nodes is another preferred leader, and no change of who votes. */
static int apply_shard_replicas(struct topology *topology, const struct bytes *arguments,
                                size_t count) {
    struct topology_shard wanted = {0};
    struct topology_shard *shard = count > 2 ? find_shard(topology, arguments[1]) : NULL;
    if (!shard)
        return count > 2 ? ERR_NOT_FOUND : ERR_INVALID;
    int error = parse_replicas(topology, arguments + 2, count - 2, &wanted);
    if (error)
        return error;
    bool is_other = !has_same_nodes(shard, &wanted);
    if (!is_other && memcmp(shard->replicas, wanted.replicas, sizeof wanted.replicas) == 0)
        return 0;
    bool is_recovering =
        !shard->is_settled && shard->survivor && feature_is_on(topology, FEATURE_SURVIVOR_STAYS);
    if (is_recovering && !topology_shard_has_replica(&wanted, shard->survivor))
        return ERR_BUSY; /* nobody else has what the others are to get */
    memcpy(shard->replicas, wanted.replicas, sizeof wanted.replicas);
    shard->replica_count = wanted.replica_count;
    topology->epoch++;
    if (is_other) {
        shard->wanted_epoch = topology->epoch;
        shard->is_settled = false;
        shard->survivor = is_recovering ? shard->survivor : 0;
    }
    return 0;
}

/* Of an older wish it says nothing any more. */
static int apply_shard_settled(struct topology *topology, const struct bytes *arguments,
                               size_t count) {
    int64_t epoch;
    if (count != 3 || !number_parse_i64(arguments[2], &epoch))
        return ERR_INVALID;
    struct topology_shard *shard = find_shard(topology, arguments[1]);
    if (!shard)
        return ERR_NOT_FOUND;
    if (!shard->is_settled && shard->wanted_epoch == (uint64_t)epoch) {
        shard->is_settled = true;
        topology->epoch++;
    }
    return 0;
}

/* Whoever goes on alone may not have heard what was decided last, and others that are left have.
 * The level is theirs, too: what is in a topology that has one, all nodes know. */
static int apply_topology_restore(struct topology *topology, const struct bytes *arguments,
                                  size_t count) {
    struct topology *known;
    if (count != 2)
        return ERR_INVALID;
    int error = topology_decode(arguments[1], &known);
    if (error)
        return error;
    if (!feature_is_on(known, FEATURE_TOPOLOGY_RESTORED)) {
        error = ERR_VERSION;
    } else if (memcmp(known->cluster_id, topology->cluster_id, sizeof known->cluster_id) != 0) {
        error = ERR_INVALID;
    } else if (known->epoch > topology->epoch) {
        struct topology old = *topology;
        *topology = *known;
        *known = old;
    }
    topology_free(known);
    return error;
}

static const struct {
    const char *name;
    int (*apply)(struct topology *topology, const struct bytes *arguments, size_t count);
} COMMANDS[] = {
    {"node.address", apply_node_address},        {"node.add", apply_node_add},
    {"node.remove", topology_apply_node_remove}, {"nodes.lost", topology_apply_nodes_lost},
    {"shard.replicas", apply_shard_replicas},    {"shard.settled", apply_shard_settled},
    {"setting.set", topology_apply_setting_set}, {"setting.unset", topology_apply_setting_unset},
    {"level.raise", feature_apply_raise},        {"topology.restore", apply_topology_restore},
};

int topology_apply(struct topology *topology, const struct bytes *arguments, size_t count) {
    for (size_t i = 0; count > 0 && i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++)
        if (bytes_equal_ignoring_case(arguments[0], COMMANDS[i].name))
            return COMMANDS[i].apply(topology, arguments, count);
    return ERR_INVALID;
}
