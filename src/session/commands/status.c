/* TROTHDB STATUS: the cluster as this node sees it, for `trothdb cluster`. README.md tells its
 * shape. */
#include "base/check.h"
#include "base/text/hex.h"
#include "session/commands/commands.h"
#include "worker/statistics.h"
#include "worker/worker.h"

static void reply_uuid(struct reply *reply, const uint8_t uuid[NODE_UUID_BYTES]) {
    char text[HEX_TEXT_BYTES(NODE_UUID_BYTES)];
    hex_write(uuid, NODE_UUID_BYTES, text);
    reply_bulk_text(reply, text);
}

static const char *state_of(const struct worker *worker, const struct topology_node *node) {
    const struct member_view_entry *member = member_view_find(&worker->members, node->uuid);
    if (node->number == worker->self)
        return gossip_state_text(GOSSIP_ALIVE);
    return member ? gossip_state_text(member->state) : "unknown";
}

static void reply_nodes(const struct worker *worker, struct reply *reply) {
    const struct topology *topology = worker->topology;
    reply_array(reply, topology ? topology->node_count : 0);
    for (unsigned i = 0; topology && i < topology->node_count; i++) {
        const struct topology_node *node = &topology->nodes[i];
        char id[NODE_ID_TEXT_BYTES];
        identity_node_id(node->uuid, id);
        reply_array(reply, 8);
        reply_integer(reply, node->number);
        reply_bulk_text(reply, id);
        reply_bulk_text(reply, node->address.host);
        reply_integer(reply, node->address.client_port);
        reply_integer(reply, node->address.peer_port);
        reply_integer(reply, node->address.admin_port);
        reply_bulk_text(reply, state_of(worker, node));
        reply_bulk_text(reply, node->number == worker->self ? "self" : "");
    }
}

static void reply_slots(const struct slot_set *slots, struct reply *reply) {
    struct buffer text;
    buffer_init(&text, SIZE_MAX);
    slot_set_append_text(slots, &text);
    reply_bulk(reply, buffer_bytes(&text));
    buffer_release(&text);
}

static void reply_shards(const struct topology *topology, struct reply *reply) {
    reply_array(reply, topology ? topology->shard_count : 0);
    for (unsigned i = 0; topology && i < topology->shard_count; i++) {
        const struct topology_shard *shard = &topology->shards[i];
        reply_array(reply, 5);
        reply_integer(reply, shard->number);
        reply_slots(&shard->slots, reply);
        reply_array(reply, shard->replica_count);
        for (unsigned at = 0; at < shard->replica_count; at++)
            reply_integer(reply, shard->replicas[at]);
        reply_integer(reply, (int64_t)shard->wanted_epoch);
        reply_integer(reply, shard->is_settled);
    }
}

static const char *give_up_text(uint64_t cause) {
    CHECK(cause < RAFT_GIVE_UP_CAUSE_COUNT);
    return raft_give_up_text((enum raft_give_up_cause)cause);
}

/* Which shards have a replica here. Looked at once: while this is told another worker may publish a
 * replica, or take one back, and the reply is to have as many rows as it says. */
static size_t list_hosted(const struct node_shared *shared, uint16_t *shards) {
    size_t count = 0;
    for (uint16_t i = 0; i <= TOPOLOGY_SHARD_MAXIMUM; i++)
        if (statistic_of(&shared->shards[i].is_hosted))
            shards[count++] = i;
    return count;
}

/* This node's replicas of all its workers, as last published. */
static void reply_replicas_here(const struct node_shared *shared, struct reply *reply) {
    uint16_t shards[TOPOLOGY_SHARD_MAXIMUM + 1];
    size_t count = list_hosted(shared, shards);
    reply_array(reply, count);
    for (size_t i = 0; i < count; i++) {
        const struct shard_statistics *replica = &shared->shards[shards[i]];
        reply_array(reply, 15);
        reply_integer(reply, shards[i]);
        reply_bulk_text(reply, raft_role_text((enum raft_role)statistic_of(&replica->role)));
        reply_integer(reply, (int64_t)statistic_of(&replica->term));
        reply_integer(reply, (int64_t)statistic_of(&replica->leader));
        reply_integer(reply, (int64_t)statistic_of(&replica->applied_index));
        reply_integer(reply, (int64_t)statistic_of(&replica->commit_index));
        reply_integer(reply, (int64_t)statistic_of(&replica->last_index));
        reply_integer(reply, (int64_t)statistic_of(&replica->snapshot_index));
        reply_integer(reply, (int64_t)statistic_of(&replica->learner_round));
        reply_integer(reply, (int64_t)statistic_of(&replica->learner_index));
        reply_integer(reply, (int64_t)statistic_of(&replica->is_joint));
        reply_integer(reply, (int64_t)statistic_of(&replica->last_term));
        reply_integer(reply, (int64_t)statistic_of(&replica->time_ms));
        reply_integer(reply, (int64_t)statistic_of(&replica->given_up_node));
        reply_bulk_text(reply, give_up_text(statistic_of(&replica->give_up_cause)));
    }
}

/* The number that the member had in this node's cluster before it was removed; 0: it was not. */
static uint32_t removed_number(const struct worker *worker, const uint8_t uuid[NODE_UUID_BYTES]) {
    const struct topology_removed *removed =
        worker->topology ? topology_removed_by_uuid(worker->topology, uuid) : NULL;
    return removed ? removed->number : 0;
}

static void reply_members(const struct worker *worker, struct reply *reply) {
    const struct member_view *members = &worker->members;
    reply_array(reply, members->count);
    for (size_t i = 0; i < members->count; i++) {
        const struct member_view_entry *member = &members->members[i];
        char peer[NET_HOST_MAXIMUM + 10];
        net_address_format(&member->peer, peer);
        reply_array(reply, 8);
        reply_uuid(reply, member->uuid);
        reply_bulk_text(reply, member->name);
        reply_bulk_text(reply, peer);
        reply_bulk_text(reply, gossip_state_text(member->state));
        reply_bulk_text(reply, member->client);
        reply_bulk_text(reply, member->cluster);
        reply_bulk_text(reply, member->admin);
        reply_integer(reply, removed_number(worker, member->uuid));
    }
}

void status_command(struct session_command *call) {
    const struct worker *worker = call->worker;
    struct reply *reply = call->reply;
    reply_array(reply, 9);
    reply_bulk_text(reply, TROTHDB_VERSION);
    if (worker->topology)
        reply_uuid(reply, worker->topology->cluster_id);
    else
        reply_bulk_text(reply, "");
    reply_integer(reply, worker->topology ? (int64_t)worker->topology->epoch : 0);
    reply_integer(reply, worker->self);
    reply_bulk_text(reply, worker->node_id);
    reply_nodes(worker, reply);
    reply_shards(worker->topology, reply);
    reply_replicas_here(worker->shared, reply);
    reply_members(worker, reply);
}
