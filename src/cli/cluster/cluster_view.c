#include <stdio.h>

#include "base/json.h"
#include "base/memory.h"
#include "cli/cluster/cluster.h"
#include "cli/terminal/grid.h"
#include "cli/terminal/window.h"

/* ---- asking everybody ---- */

int cluster_view_fetch(struct cluster_view *view, const struct net_address *client, char *problem) {
    *view = (struct cluster_view){0};
    int error = status_fetch(&view->asked, client, CLUSTER_ASK_MS, problem);
    if (error)
        return error;
    view->nodes = memory_allocate_zeroed(view->asked.node_count, sizeof(struct status));
    for (size_t i = 0; i < view->asked.node_count; i++) {
        struct net_address address;
        char ignored[CLIENT_PROBLEM_BYTES];
        status_node_client(&view->asked.nodes[i], &address);
        if (status_fetch(&view->nodes[i], &address, CLUSTER_ASK_MS, ignored))
            view->nodes[i] = (struct status){0};
    }
    return 0;
}

void cluster_view_release(struct cluster_view *view) {
    for (size_t i = 0; view->nodes && i < view->asked.node_count; i++)
        status_release(&view->nodes[i]);
    memory_free(view->nodes);
    status_release(&view->asked);
    *view = (struct cluster_view){0};
}

const struct status *cluster_view_of(const struct cluster_view *view, uint32_t node_number) {
    for (size_t i = 0; i < view->asked.node_count; i++) {
        /* Another cluster's node may sit at the address of one that is gone. */
        if (view->asked.nodes[i].number == node_number &&
            strcmp(view->nodes[i].cluster, view->asked.cluster) == 0)
            return &view->nodes[i];
    }
    return NULL;
}

static const struct status_replica *replica_at(const struct cluster_view *view, uint32_t node,
                                               uint32_t shard) {
    const struct status *status = cluster_view_of(view, node);
    return status ? status_replica(status, shard) : NULL;
}

/* An old leader that was cut off may still believe in itself; the higher term is right. */
static uint32_t leader_number(const struct cluster_view *view, uint32_t shard) {
    const struct status_replica *leader = NULL;
    uint32_t number = 0;
    for (size_t i = 0; i < view->asked.node_count; i++) {
        const struct status_replica *replica = replica_at(view, view->asked.nodes[i].number, shard);
        if (replica && strcmp(replica->role, "leader") == 0 &&
            (!leader || replica->term > leader->term)) {
            leader = replica;
            number = view->asked.nodes[i].number;
        }
    }
    return number;
}

const struct status_replica *cluster_view_leader(const struct cluster_view *view, uint32_t shard) {
    uint32_t number = leader_number(view, shard);
    return number ? replica_at(view, number, shard) : NULL;
}

static unsigned count_led(const struct cluster_view *view, uint32_t node) {
    unsigned led = 0;
    for (size_t i = 0; i < view->asked.shard_count; i++) {
        uint32_t shard = view->asked.shards[i].number;
        led += shard != 0 && leader_number(view, shard) == node;
    }
    return led;
}

static uint64_t lag_entries(const struct status_replica *leader,
                            const struct status_replica *follower) {
    return leader->applied_index > follower->applied_index
               ? leader->applied_index - follower->applied_index
               : 0;
}

/* ---- for people ---- */

/* In a narrow window without what it can best do without: a line that breaks is no table. */
static void print_fitted(struct grid *grid, const char *const *least, struct buffer *out) {
    grid_fit(grid, window_columns(), least);
    grid_print(grid, out, "");
    grid_note_left_out(grid, out);
    grid_release(grid);
}

static void print_nodes(const struct cluster_view *view, struct buffer *out) {
    static const char *const least[] = {"id", "gossip says", "leads", NULL};
    struct grid grid;
    grid_init(&grid, "rllllr");
    grid_row(&grid, "node", "id", "clients at", "gossip says", "answers", "leads");
    for (size_t i = 0; i < view->asked.node_count; i++) {
        const struct status_node *node = &view->asked.nodes[i];
        struct net_address client;
        char address[STATUS_ADDRESS_BYTES];
        status_node_client(node, &client);
        net_address_format(&client, address);
        grid_cell(&grid, "%u", node->number);
        grid_cell(&grid, "%.8s", node->id);
        grid_cell(&grid, "%s", address);
        grid_cell(&grid, "%s", node->state);
        grid_cell(&grid, "%s", cluster_view_of(view, node->number) ? "yes" : "no");
        grid_cell(&grid, "%u", count_led(view, node->number));
    }
    print_fitted(&grid, least, out);
}

static void print_followers(const struct cluster_view *view, const struct status_shard *shard,
                            uint32_t leader_node, struct grid *grid) {
    const struct status_replica *leader =
        leader_node ? replica_at(view, leader_node, shard->number) : NULL;
    char text[TOPOLOGY_REPLICA_MAXIMUM * 40] = "";
    size_t used = 0;
    for (unsigned i = 0; i < shard->replica_count; i++) {
        uint32_t node = shard->replicas[i];
        const struct status_replica *replica = replica_at(view, node, shard->number);
        if (node == leader_node)
            continue;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%u:", used ? "  " : "", node);
        if (replica && leader) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%llu",
                                     (unsigned long long)lag_entries(leader, replica));
        } else {
            used += (size_t)snprintf(text + used, sizeof text - used, "?");
        }
    }
    grid_cell(grid, "%s", text);
}

static void print_shards(const struct cluster_view *view, struct buffer *out) {
    static const char *const least[] = {"term", "applied", "slots", NULL};
    struct grid grid;
    grid_init(&grid, "rlrrrl");
    grid_row(&grid, "shard", "slots", "leader", "term", "applied", "followers:entries behind");
    for (size_t i = 0; i < view->asked.shard_count; i++) {
        const struct status_shard *shard = &view->asked.shards[i];
        uint32_t leader = leader_number(view, shard->number);
        const struct status_replica *replica = cluster_view_leader(view, shard->number);
        grid_cell(&grid, "%u", shard->number);
        grid_cell(&grid, "%s", shard->number ? shard->slots : "the topology");
        if (replica) {
            grid_cell(&grid, "%u", leader);
            grid_cell(&grid, "%llu", (unsigned long long)replica->term);
            grid_cell(&grid, "%llu", (unsigned long long)replica->applied_index);
        } else {
            grid_row(&grid, "none", "-", "-");
        }
        print_followers(view, shard, leader, &grid);
    }
    print_fitted(&grid, least, out);
}

static void print_spare(const struct status *status, struct buffer *out) {
    static const char *const least[] = {"member", "peers at", NULL};
    struct grid grid;
    grid_init(&grid, "llll");
    grid_row(&grid, "member", "clients at", "peers at", "gossip says");
    for (size_t i = 0; i < status->member_count; i++) {
        const struct status_member *member = &status->members[i];
        grid_cell(&grid, "%.8s", member->uuid);
        grid_cell(&grid, "%s", member->client);
        grid_cell(&grid, "%s", member->peer);
        grid_cell(&grid, "%s", member->state);
    }
    buffer_append_text(out, "A spare: it belongs to no cluster yet. `trothdb cluster create` takes "
                            "it into one.\n\n");
    print_fitted(&grid, least, out);
}

void cluster_print_tables(const struct cluster_view *view, struct buffer *out) {
    if (!view->asked.cluster[0]) {
        print_spare(&view->asked, out);
        return;
    }
    buffer_append_format(out, "cluster %s   epoch %llu   version %s\n\n", view->asked.cluster,
                         (unsigned long long)view->asked.epoch, view->asked.version);
    print_nodes(view, out);
    buffer_append_u8(out, '\n');
    print_shards(view, out);
}

/* ---- for programs ---- */

static void json_nodes(const struct cluster_view *view, struct json *json) {
    json_open(json, "nodes", '[');
    for (size_t i = 0; i < view->asked.node_count; i++) {
        const struct status_node *node = &view->asked.nodes[i];
        json_open(json, NULL, '{');
        json_number(json, "number", node->number);
        json_text(json, "id", node->id);
        json_text(json, "host", node->address.host);
        json_number(json, "client_port", node->address.client_port);
        json_number(json, "peer_port", node->address.peer_port);
        json_number(json, "admin_port", node->address.admin_port);
        json_text(json, "gossip_state", node->state);
        json_boolean(json, "reachable", cluster_view_of(view, node->number) != NULL);
        json_number(json, "shards_led", count_led(view, node->number));
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void json_replica(const struct cluster_view *view, uint32_t node, uint32_t shard,
                         const struct status_replica *leader, struct json *json) {
    const struct status_replica *replica = replica_at(view, node, shard);
    json_open(json, NULL, '{');
    json_number(json, "node", node);
    if (replica) {
        json_text(json, "role", replica->role);
        json_number(json, "term", replica->term);
        json_number(json, "applied_index", replica->applied_index);
        json_number(json, "commit_index", replica->commit_index);
        json_number(json, "last_index", replica->last_index);
        json_number(json, "snapshot_index", replica->snapshot_index);
    } else {
        json_text(json, "role", "unknown");
    }
    if (replica && leader)
        json_number(json, "lag_entries", lag_entries(leader, replica));
    else
        json_null(json, "lag_entries");
    json_close(json, '}');
}

static void json_shards(const struct cluster_view *view, struct json *json) {
    json_open(json, "shards", '[');
    for (size_t i = 0; i < view->asked.shard_count; i++) {
        const struct status_shard *shard = &view->asked.shards[i];
        uint32_t leader = leader_number(view, shard->number);
        json_open(json, NULL, '{');
        json_number(json, "number", shard->number);
        json_text(json, "slots", shard->slots);
        if (leader)
            json_number(json, "leader", leader);
        else
            json_null(json, "leader");
        json_boolean(json, "is_settled", shard->is_settled);
        json_open(json, "replicas", '[');
        for (unsigned r = 0; r < shard->replica_count; r++) {
            json_replica(view, shard->replicas[r], shard->number,
                         cluster_view_leader(view, shard->number), json);
        }
        json_close(json, ']');
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void json_members(const struct cluster_view *view, struct json *json) {
    json_open(json, "members", '[');
    for (size_t i = 0; i < view->asked.member_count; i++) {
        const struct status_member *member = &view->asked.members[i];
        json_open(json, NULL, '{');
        json_text(json, "uuid", member->uuid);
        json_text(json, "name", member->name);
        json_text(json, "client", member->client);
        json_text(json, "peer", member->peer);
        json_text(json, "gossip_state", member->state);
        json_text(json, "cluster", member->cluster);
        json_close(json, '}');
    }
    json_close(json, ']');
}

void cluster_print_json(const struct cluster_view *view, struct buffer *out) {
    struct json json = {.out = out};
    json_open(&json, NULL, '{');
    json_text(&json, "version", view->asked.version);
    json_text(&json, "cluster", view->asked.cluster);
    json_number(&json, "epoch", view->asked.epoch);
    json_number(&json, "asked_node", view->asked.self);
    json_nodes(view, &json);
    json_shards(view, &json);
    json_members(view, &json);
    json_close(&json, '}');
    buffer_append_u8(out, '\n');
}
