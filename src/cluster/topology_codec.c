/* The encoded form of a topology: docs/format/topology.md. */
#include "base/memory.h"
#include "cluster/feature.h"
#include "cluster/topology_private.h"
#include "cluster/topology_removal.h"
#include "cluster/topology_setting.h"

static void encode_node(const struct topology_node *node, struct buffer *out) {
    buffer_append_u32(out, node->number);
    buffer_append(out, node->uuid, sizeof node->uuid);
    buffer_append_length_prefixed(out, bytes_of_text(node->address.host));
    buffer_append_u16(out, node->address.client_port);
    buffer_append_u16(out, node->address.peer_port);
    buffer_append_u16(out, node->address.admin_port);
}

static void encode_shard(const struct topology_shard *shard, struct buffer *out) {
    buffer_append_u32(out, shard->number);
    buffer_append_u8(out, (uint8_t)shard->replica_count);
    for (unsigned i = 0; i < shard->replica_count; i++)
        buffer_append_u32(out, shard->replicas[i]);
    slot_set_encode(&shard->slots, out);
    buffer_append_u64(out, shard->wanted_epoch);
    buffer_append_u8(out, shard->is_settled);
}

void topology_encode(const struct topology *topology, struct buffer *out) {
    bool has_level = topology->level > 0; /* else all read it who read version 4 */
    buffer_append_u8(out, has_level ? TOPOLOGY_VERSION : TOPOLOGY_VERSION_REMOVED);
    buffer_append(out, topology->cluster_id, sizeof topology->cluster_id);
    buffer_append_u64(out, topology->epoch);
    buffer_append_varint(out, topology->node_count);
    for (unsigned i = 0; i < topology->node_count; i++)
        encode_node(&topology->nodes[i], out);
    buffer_append_varint(out, topology->shard_count);
    for (unsigned i = 0; i < topology->shard_count; i++)
        encode_shard(&topology->shards[i], out);
    topology_settings_encode(topology, out);
    topology_removal_encode(topology, out);
    if (has_level)
        buffer_append_varint(out, topology->level);
}

static int decode_node(struct cursor *in, struct topology_node *node) {
    node->number = cursor_u32(in);
    struct bytes uuid = cursor_bytes(in, sizeof node->uuid);
    struct bytes host = cursor_length_prefixed(in, TOPOLOGY_HOST_MAXIMUM - 1);
    node->address.client_port = cursor_u16(in);
    node->address.peer_port = cursor_u16(in);
    node->address.admin_port = cursor_u16(in);
    if (in->is_failed || node->number == 0 || node->number > TOPOLOGY_NUMBER_MAXIMUM)
        return ERR_MALFORMED;
    memcpy(node->uuid, uuid.data, uuid.length);
    return topology_copy_host(node->address.host, host);
}

static int decode_nodes(struct cursor *in, struct topology *topology) {
    uint64_t count = cursor_varint(in);
    if (in->is_failed || count == 0 || count > TOPOLOGY_NODE_MAXIMUM)
        return ERR_MALFORMED;
    topology->nodes = memory_allocate_zeroed(count, sizeof *topology->nodes);
    for (unsigned i = 0; i < count; i++) {
        struct topology_node node = {0};
        if (decode_node(in, &node) || topology_node(topology, node.number) ||
            topology_node_by_uuid(topology, node.uuid))
            return ERR_MALFORMED;
        topology->nodes[topology->node_count++] = node;
    }
    return 0;
}

static int decode_replicas(struct cursor *in, const struct topology *topology,
                           struct topology_shard *shard) {
    unsigned count = cursor_u8(in);
    if (count == 0 || count > TOPOLOGY_REPLICA_MAXIMUM)
        return ERR_MALFORMED;
    for (unsigned i = 0; i < count; i++) {
        uint32_t node = cursor_u32(in);
        if (topology_shard_has_replica(shard, node) || !topology_node(topology, node))
            return ERR_MALFORMED;
        shard->replicas[shard->replica_count++] = node;
    }
    return 0;
}

/* No slot may have two owners: what one shard owns must be free until then. */
static int take_slots(struct slot_set *taken, const struct slot_set *slots) {
    for (unsigned i = 0; i < SLOT_COUNT / 64; i++) {
        if (taken->words[i] & slots->words[i])
            return ERR_MALFORMED;
        taken->words[i] |= slots->words[i];
    }
    return 0;
}

static int decode_wish(struct cursor *in, uint8_t version, uint64_t epoch,
                       struct topology_shard *shard) {
    shard->is_settled = true;
    if (version == TOPOLOGY_VERSION_FIRST)
        return 0;
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
    if (in->is_failed || count < 1 || count > TOPOLOGY_SHARD_MAXIMUM + 1)
        return ERR_MALFORMED;
    topology->shards = memory_allocate_zeroed(count, sizeof *topology->shards);
    struct slot_set taken = {0};
    for (unsigned i = 0; i < count; i++) {
        struct topology_shard *shard = &topology->shards[i];
        shard->number = cursor_u32(in);
        if (shard->number != i || decode_replicas(in, topology, shard) ||
            slot_set_decode(&shard->slots, in) || take_slots(&taken, &shard->slots) ||
            decode_wish(in, version, topology->epoch, shard))
            return ERR_MALFORMED;
        topology->shard_count++;
    }
    return slot_set_count(&topology->shards[0].slots) == 0 ? 0 : ERR_MALFORMED;
}

static int decode_level(struct cursor *in, struct topology *topology) {
    uint64_t level = cursor_varint(in);
    if (in->is_failed || level == 0)
        return ERR_MALFORMED;
    topology->level = (unsigned)level;
    return level > FEATURE_LEVEL_NEWEST ? ERR_VERSION : 0;
}

static int decode_body(struct cursor *in, uint8_t version, struct topology *topology) {
    struct bytes id = cursor_bytes(in, sizeof topology->cluster_id);
    topology->epoch = cursor_u64(in);
    if (in->is_failed)
        return ERR_MALFORMED;
    memcpy(topology->cluster_id, id.data, id.length);
    int error = decode_nodes(in, topology);
    if (!error)
        error = decode_shards(in, version, topology);
    if (!error && version >= TOPOLOGY_VERSION_SETTINGS)
        error = topology_settings_decode(topology, in);
    if (!error && version >= TOPOLOGY_VERSION_REMOVED)
        error = topology_removal_decode(topology, in);
    if (!error && version >= TOPOLOGY_VERSION_LEVEL)
        error = decode_level(in, topology);
    return error ? error : cursor_finish(in);
}

int topology_decode(struct bytes in, struct topology **out) {
    if (in.length > TOPOLOGY_BYTES_MAXIMUM)
        return ERR_LIMIT;
    struct cursor cursor = cursor_of(in);
    uint8_t version = cursor_u8(&cursor);
    if (version < TOPOLOGY_VERSION_FIRST || version > TOPOLOGY_VERSION)
        return cursor.is_failed ? ERR_MALFORMED : ERR_VERSION;
    struct topology *topology = memory_allocate_zeroed(1, sizeof *topology);
    int error = decode_body(&cursor, version, topology);
    if (error) {
        topology_free(topology);
        return error;
    }
    topology_derive_slot_owners(topology);
    *out = topology;
    return 0;
}
