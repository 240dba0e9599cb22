#include "cluster/topology.h"

#include <stdio.h>

#include "base/check.h"
#include "base/memory.h"
#include "cluster/feature.h"
#include "cluster/topology_private.h"
#include "cluster/topology_removal.h"
#include "cluster/topology_setting.h"

static void derive_slot_owners(struct topology *topology) {
    memset(topology->slot_owner, 0, sizeof(topology->slot_owner));
    for (unsigned i = 1; i < topology->shard_count; i++) {
        unsigned next = 0;
        slot_number first, last;
        while (slot_set_range(&topology->shards[i].slots, &next, &first, &last)) {
            for (unsigned slot = first; slot <= last; slot++) {
                topology->slot_owner[slot] = topology->shards[i].number;
            }
        }
    }
}

/* Replica r of shard s stands on node (s + r) modulo the nodes: every node is first of as many
 * shards as any other. */
static void deal_replicas(struct topology_shard *shard, unsigned node_count,
                          unsigned replica_count) {
    unsigned start = shard->number == 0 ? 0 : shard->number - 1;
    shard->replica_count = replica_count;
    for (unsigned r = 0; r < replica_count; r++) {
        shard->replicas[r] = (start + r) % node_count + 1;
    }
}

static void deal_slots(struct topology_shard *shard, unsigned data_shard_count) {
    unsigned first = (shard->number - 1) * SLOT_COUNT / data_shard_count;
    unsigned end = shard->number * SLOT_COUNT / data_shard_count;
    for (unsigned slot = first; slot < end; slot++) {
        slot_set_add(&shard->slots, (slot_number)slot);
    }
}

struct topology *topology_found(const uint8_t cluster_id[16], const struct topology_node *nodes,
                                unsigned node_count, unsigned data_shard_count,
                                unsigned replica_count) {
    CHECK(node_count >= 1 && node_count <= TOPOLOGY_NODE_MAXIMUM);
    CHECK(data_shard_count >= 1 && data_shard_count <= TOPOLOGY_SHARD_MAXIMUM);
    CHECK(replica_count >= 1 && replica_count <= node_count);
    CHECK(replica_count <= TOPOLOGY_REPLICA_MAXIMUM);
    struct topology *topology = memory_allocate_zeroed(1, sizeof(*topology));
    memcpy(topology->cluster_id, cluster_id, 16);
    topology->epoch = 1;
    topology->node_count = node_count;
    topology->nodes = memory_copy(nodes, node_count * sizeof(*nodes));
    for (unsigned i = 0; i < node_count; i++) {
        topology->nodes[i].number = i + 1;
    }
    topology->shard_count = data_shard_count + 1;
    topology->shards = memory_allocate_zeroed(topology->shard_count, sizeof(*topology->shards));
    for (unsigned i = 0; i < topology->shard_count; i++) {
        topology->shards[i].number = i;
        topology->shards[i].is_settled = true;
        deal_replicas(&topology->shards[i], node_count, replica_count);
        if (i > 0) {
            deal_slots(&topology->shards[i], data_shard_count);
        }
    }
    derive_slot_owners(topology);
    return topology;
}

struct topology *topology_found_again(const struct topology *topology, const uint8_t cluster_id[16],
                                      const struct topology_node *node) {
    struct topology *again = topology_copy(topology);
    memcpy(again->cluster_id, cluster_id, sizeof(again->cluster_id));
    again->epoch = 1;
    again->node_count = 1;
    again->nodes[0] = *node;
    again->nodes[0].number = 1;
    for (unsigned i = 0; i < again->shard_count; i++) {
        struct topology_shard *shard = &again->shards[i];
        memset(shard->replicas, 0, sizeof(shard->replicas));
        shard->replicas[0] = 1;
        shard->replica_count = 1;
        shard->wanted_epoch = 0;
        shard->is_settled = true;
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
    struct topology *copy = memory_copy(topology, sizeof(*topology));
    copy->nodes = memory_copy(topology->nodes, topology->node_count * sizeof(*topology->nodes));
    copy->shards = memory_copy(topology->shards, topology->shard_count * sizeof(*topology->shards));
    topology_settings_copy(copy, topology);
    copy->removed =
        topology->removed_count
            ? memory_copy(topology->removed, topology->removed_count * sizeof(*topology->removed))
            : NULL;
    return copy;
}

const struct topology_node *topology_node(const struct topology *topology, uint32_t number) {
    for (unsigned i = 0; i < topology->node_count; i++) {
        if (topology->nodes[i].number == number) {
            return &topology->nodes[i];
        }
    }
    return NULL;
}

const struct topology_node *topology_node_by_uuid(const struct topology *topology,
                                                  const uint8_t uuid[16]) {
    for (unsigned i = 0; i < topology->node_count; i++) {
        if (memcmp(topology->nodes[i].uuid, uuid, 16) == 0) {
            return &topology->nodes[i];
        }
    }
    return NULL;
}

const struct topology_shard *topology_shard(const struct topology *topology, uint32_t number) {
    return number < topology->shard_count ? &topology->shards[number] : NULL;
}

bool topology_shard_has_replica(const struct topology_shard *shard, uint32_t node_number) {
    for (unsigned i = 0; i < shard->replica_count; i++) {
        if (shard->replicas[i] == node_number) {
            return true;
        }
    }
    return false;
}

/* ---- the encoded form: docs/format/topology.md ---- */

static void encode_node(const struct topology_node *node, struct buffer *out) {
    buffer_append_u32(out, node->number);
    buffer_append(out, node->uuid, sizeof(node->uuid));
    buffer_append_length_prefixed(out, bytes_of_text(node->address.host));
    buffer_append_u16(out, node->address.client_port);
    buffer_append_u16(out, node->address.peer_port);
    buffer_append_u16(out, node->address.admin_port);
}

static void encode_shard(const struct topology_shard *shard, struct buffer *out) {
    buffer_append_u32(out, shard->number);
    buffer_append_u8(out, (uint8_t)shard->replica_count);
    for (unsigned i = 0; i < shard->replica_count; i++) {
        buffer_append_u32(out, shard->replicas[i]);
    }
    slot_set_encode(&shard->slots, out);
    buffer_append_u64(out, shard->wanted_epoch);
    buffer_append_u8(out, shard->is_settled);
}

void topology_encode(const struct topology *topology, struct buffer *out) {
    bool has_level = topology->level > 0; /* else all read it who read version 4 */
    buffer_append_u8(out, has_level ? TOPOLOGY_VERSION : TOPOLOGY_VERSION_REMOVED);
    buffer_append(out, topology->cluster_id, sizeof(topology->cluster_id));
    buffer_append_u64(out, topology->epoch);
    buffer_append_varint(out, topology->node_count);
    for (unsigned i = 0; i < topology->node_count; i++) {
        encode_node(&topology->nodes[i], out);
    }
    buffer_append_varint(out, topology->shard_count);
    for (unsigned i = 0; i < topology->shard_count; i++) {
        encode_shard(&topology->shards[i], out);
    }
    topology_settings_encode(topology, out);
    topology_removal_encode(topology, out);
    if (has_level) {
        buffer_append_varint(out, topology->level);
    }
}

int topology_copy_host(char out[TOPOLOGY_HOST_MAXIMUM], struct bytes host) {
    if (host.length == 0 || host.length >= TOPOLOGY_HOST_MAXIMUM ||
        memchr(host.data, 0, host.length)) {
        return ERR_MALFORMED;
    }
    memset(out, 0, TOPOLOGY_HOST_MAXIMUM);
    memcpy(out, host.data, host.length);
    return 0;
}

static int decode_node(struct cursor *in, struct topology_node *node) {
    node->number = cursor_u32(in);
    struct bytes uuid = cursor_bytes(in, sizeof(node->uuid));
    struct bytes host = cursor_length_prefixed(in, TOPOLOGY_HOST_MAXIMUM - 1);
    node->address.client_port = cursor_u16(in);
    node->address.peer_port = cursor_u16(in);
    node->address.admin_port = cursor_u16(in);
    if (in->is_failed || node->number == 0 || node->number > TOPOLOGY_NUMBER_MAXIMUM) {
        return ERR_MALFORMED;
    }
    memcpy(node->uuid, uuid.data, uuid.length);
    return topology_copy_host(node->address.host, host);
}

static int decode_nodes(struct cursor *in, struct topology *topology) {
    uint64_t count = cursor_varint(in);
    if (in->is_failed || count == 0 || count > TOPOLOGY_NODE_MAXIMUM) {
        return ERR_MALFORMED;
    }
    topology->nodes = memory_allocate_zeroed(count, sizeof(*topology->nodes));
    for (unsigned i = 0; i < count; i++) {
        struct topology_node node = {0};
        if (decode_node(in, &node) || topology_node(topology, node.number) ||
            topology_node_by_uuid(topology, node.uuid)) {
            return ERR_MALFORMED;
        }
        topology->nodes[topology->node_count++] = node;
    }
    return 0;
}

static int decode_replicas(struct cursor *in, const struct topology *topology,
                           struct topology_shard *shard) {
    unsigned count = cursor_u8(in);
    if (count == 0 || count > TOPOLOGY_REPLICA_MAXIMUM) {
        return ERR_MALFORMED;
    }
    for (unsigned i = 0; i < count; i++) {
        uint32_t node = cursor_u32(in);
        if (topology_shard_has_replica(shard, node) || !topology_node(topology, node)) {
            return ERR_MALFORMED;
        }
        shard->replicas[shard->replica_count++] = node;
    }
    return 0;
}

/* No slot may have two owners: what one shard owns must be free until then. */
static int take_slots(struct slot_set *taken, const struct slot_set *slots) {
    for (unsigned i = 0; i < SLOT_COUNT / 64; i++) {
        if (taken->words[i] & slots->words[i]) {
            return ERR_MALFORMED;
        }
        taken->words[i] |= slots->words[i];
    }
    return 0;
}

static int decode_wish(struct cursor *in, uint8_t version, uint64_t epoch,
                       struct topology_shard *shard) {
    shard->is_settled = true;
    if (version == TOPOLOGY_VERSION_FIRST) {
        return 0;
    }
    shard->wanted_epoch = cursor_u64(in);
    uint8_t is_settled = cursor_u8(in);
    shard->is_settled = is_settled == 1;
    bool is_founding = shard->wanted_epoch == 0;
    return is_settled > 1 || shard->wanted_epoch > epoch || (is_founding && !shard->is_settled)
               ? ERR_MALFORMED
               : 0;
}

static int decode_shards(struct cursor *in, uint8_t version, struct topology *topology) {
    uint64_t count = cursor_varint(in);
    if (in->is_failed || count < 1 || count > TOPOLOGY_SHARD_MAXIMUM + 1) {
        return ERR_MALFORMED;
    }
    topology->shards = memory_allocate_zeroed(count, sizeof(*topology->shards));
    struct slot_set taken = {0};
    for (unsigned i = 0; i < count; i++) {
        struct topology_shard *shard = &topology->shards[i];
        shard->number = cursor_u32(in);
        if (shard->number != i || decode_replicas(in, topology, shard) ||
            slot_set_decode(&shard->slots, in) || take_slots(&taken, &shard->slots) ||
            decode_wish(in, version, topology->epoch, shard)) {
            return ERR_MALFORMED;
        }
        topology->shard_count++;
    }
    return slot_set_count(&topology->shards[0].slots) == 0 ? 0 : ERR_MALFORMED;
}

static int decode_level(struct cursor *in, struct topology *topology) {
    uint64_t level = cursor_varint(in);
    if (in->is_failed || level == 0) {
        return ERR_MALFORMED;
    }
    topology->level = (unsigned)level;
    return level > FEATURE_LEVEL_NEWEST ? ERR_VERSION : 0;
}

static int decode_body(struct cursor *in, uint8_t version, struct topology *topology) {
    struct bytes id = cursor_bytes(in, sizeof(topology->cluster_id));
    topology->epoch = cursor_u64(in);
    if (in->is_failed) {
        return ERR_MALFORMED;
    }
    memcpy(topology->cluster_id, id.data, id.length);
    int error = decode_nodes(in, topology);
    if (!error) {
        error = decode_shards(in, version, topology);
    }
    if (!error && version >= TOPOLOGY_VERSION_SETTINGS) {
        error = topology_settings_decode(topology, in);
    }
    if (!error && version >= TOPOLOGY_VERSION_REMOVED) {
        error = topology_removal_decode(topology, in);
    }
    if (!error && version >= TOPOLOGY_VERSION_LEVEL) {
        error = decode_level(in, topology);
    }
    return error ? error : cursor_finish(in);
}

int topology_decode(struct bytes in, struct topology **out) {
    if (in.length > TOPOLOGY_BYTES_MAXIMUM) {
        return ERR_LIMIT;
    }
    struct cursor cursor = cursor_of(in);
    uint8_t version = cursor_u8(&cursor);
    if (version < TOPOLOGY_VERSION_FIRST || version > TOPOLOGY_VERSION) {
        return cursor.is_failed ? ERR_MALFORMED : ERR_VERSION;
    }
    struct topology *topology = memory_allocate_zeroed(1, sizeof(*topology));
    int error = decode_body(&cursor, version, topology);
    if (error) {
        topology_free(topology);
        return error;
    }
    derive_slot_owners(topology);
    *out = topology;
    return 0;
}

bool topology_has_peers(const struct topology *topology, uint32_t node_number, uint32_t shard) {
    const struct topology_shard *placed = topology_shard(topology, shard);
    bool is_settled = placed && (placed->is_settled || placed->wanted_epoch == 0);
    return is_settled && placed->replica_count > topology_shard_has_replica(placed, node_number);
}
