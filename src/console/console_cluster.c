#include "console/console_cluster.h"

#include "base/text/hex.h"
#include "base/text/json.h"
#include "cluster/topology.h"
#include "shard/shard.h"
#include "worker/worker.h"

/* ---- of the topology ---- */

static void write_durability(const struct config *config, struct json *json) {
    json_open(json, "durability", '{');
    json_text(json, "mode", config->durability == DURABILITY_ASYNC ? "async" : "sync");
    json_integer(json, "async_ms", config->durability_async_ms);
    json_text(json, "risk", config_durability_risk(config));
    json_close(json, '}');
}

static void write_nodes(const struct topology *topology, struct json *json) {
    json_open(json, "nodes", '[');
    for (unsigned i = 0; i < topology->node_count; i++) {
        const struct topology_node *node = &topology->nodes[i];
        char id[NODE_ID_TEXT_BYTES];
        identity_node_id(node->uuid, id);
        json_open(json, NULL, '{');
        json_number(json, "number", node->number);
        json_text(json, "id", id);
        json_text(json, "host", node->address.host);
        json_number(json, "client_port", node->address.client_port);
        json_number(json, "peer_port", node->address.peer_port);
        json_number(json, "admin_port", node->address.admin_port);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void write_slots(const struct slot_set *slots, struct json *json) {
    struct buffer text;
    buffer_init(&text, SIZE_MAX); /* six bytes a slot at the most */
    slot_set_append_text(slots, &text);
    json_bytes(json, "slots", buffer_bytes(&text));
    buffer_release(&text);
}

static void write_numbers(const char *name, const uint32_t *numbers, unsigned count,
                          struct json *json) {
    json_open(json, name, '[');
    for (unsigned i = 0; i < count; i++)
        json_number(json, NULL, numbers[i]);
    json_close(json, ']');
}

static void write_shards(const struct worker *worker, struct json *json) {
    const struct topology *topology = worker->topology;
    json_open(json, "shards", '[');
    for (unsigned i = 0; i < topology->shard_count; i++) {
        const struct topology_shard *shard = &topology->shards[i];
        const struct shard_leader *leader = &worker->leaders[shard->number];
        json_open(json, NULL, '{');
        json_number(json, "number", shard->number);
        write_slots(&shard->slots, json);
        if (leader->node != 0)
            json_number(json, "leader", leader->node);
        else
            json_null(json, "leader");
        json_number(json, "term", leader->term);
        json_boolean(json, "is_settled", shard->is_settled);
        write_numbers("replicas", shard->replicas, shard->replica_count, json);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void write_cluster(const struct worker *worker, struct json *json) {
    char id[HEX_TEXT_BYTES(sizeof worker->topology->cluster_id)];
    if (worker->topology == NULL) {
        json_null(json, "cluster"); /* a spare */
        return;
    }
    hex_write(worker->topology->cluster_id, sizeof worker->topology->cluster_id, id);
    json_open(json, "cluster", '{');
    json_text(json, "id", id);
    json_number(json, "epoch", worker->topology->epoch);
    json_number(json, "level", worker->topology->level);
    json_number(json, "node", worker->self);
    write_nodes(worker->topology, json);
    write_shards(worker, json);
    json_close(json, '}');
}

/* ---- of the replicas ---- */

static void write_follower(const struct worker *worker, const struct raft *raft,
                           raft_node_number number, bool is_learner, struct json *json) {
    if (number == worker->self)
        return;
    json_open(json, NULL, '{');
    json_number(json, "node", number);
    json_boolean(json, "is_learner", is_learner);
    json_number(json, "lag_entries", raft_lag_entries(raft, number));
    json_number(json, "lag_bytes", raft_lag_bytes(raft, number));
    json_close(json, '}');
}

/* How far the others are behind is known to the leader alone. */
static void write_followers(const struct worker *worker, const struct raft *raft,
                            struct json *json) {
    const struct raft_configuration *members = raft_configuration(raft);
    json_open(json, "followers", '[');
    for (unsigned i = 0; raft_role(raft) == RAFT_LEADER && i < members->voter_count; i++)
        write_follower(worker, raft, members->voters[i], false, json);
    for (unsigned i = 0; raft_role(raft) == RAFT_LEADER && i < members->learner_count; i++)
        write_follower(worker, raft, members->learners[i], true, json);
    json_close(json, ']');
}

static void write_replica(const struct worker *worker, const struct shard *shard,
                          struct json *json) {
    const struct raft *raft = shard_raft(shard);
    const struct raft_configuration *members = raft_configuration(raft);
    json_open(json, NULL, '{');
    json_number(json, "shard", shard_number(shard));
    json_text(json, "role", raft_role_text(raft_role(raft)));
    json_number(json, "term", raft_current_term(raft));
    json_number(json, "applied_index", shard_applied_index(shard));
    json_number(json, "commit_index", raft_commit_index(raft));
    json_number(json, "last_index", raft_last_index(raft));
    write_numbers("voters", members->voters, members->voter_count, json);
    write_numbers("old_voters", members->old_voters, members->old_voter_count, json);
    write_followers(worker, raft, json);
    json_close(json, '}');
}

/* ---- the mail ---- */

void console_status_mail(struct worker *worker, struct mail *mail) {
    struct json json = {.out = &mail->bytes};
    if (worker->index == 0) {
        write_durability(&worker->config, &json);
        write_cluster(worker, &json);
        json_open(&json, "replicas", '[');
    } else {
        json.needs_comma = buffer_data(&mail->bytes)[mail->bytes.length - 1] != '[';
    }
    for (unsigned i = 0; i < worker->hosted_count; i++)
        write_replica(worker, worker->shards[worker->hosted[i]], &json);
    bool is_last = worker->index + 1 == worker->count;
    if (is_last)
        json_close(&json, ']');
    worker_post(worker, is_last ? MAIL_TO_GOSSIPER : worker->index + 1, mail);
}
