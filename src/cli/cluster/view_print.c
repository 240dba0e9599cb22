#include "cli/cluster/view_print.h"

#include <stdio.h>

#include "base/text/json.h"
#include "cli/terminal/grid.h"

static const struct status_replica *replica_at(const struct cluster_view *view, uint32_t node,
                                               uint32_t shard) {
    const struct status *status = cluster_view_of(view, node);
    return status ? status_replica(status, shard) : NULL;
}

static unsigned count_led(const struct cluster_view *view, uint32_t node) {
    unsigned led = 0;
    for (size_t i = 0; i < view->asked.shard_count; i++) {
        uint32_t shard = view->asked.shards[i].number;
        led += shard != 0 && cluster_view_lead(view, shard).node == node;
    }
    return led;
}

/* Why a node's part is missing; NULL: it is there. */
static const char *problem_of(const struct cluster_view *view, size_t at) {
    if (cluster_view_at(view, at))
        return NULL;
    const char *problem = view->nodes[at].problem;
    return problem[0] ? problem : "another node answers at its address";
}

static uint64_t lag_entries(const struct status_replica *leader,
                            const struct status_replica *follower) {
    return leader->applied_index > follower->applied_index
               ? leader->applied_index - follower->applied_index
               : 0;
}

/* ---- for people ---- */

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
        grid_cell(&grid, "%s", cluster_view_at(view, i) ? "yes" : "no");
        grid_cell(&grid, "%u", count_led(view, node->number));
    }
    grid_print_in_window(&grid, out, "", least);
}

/* Who did not answer, and why: a line each, below the table, where it may be long. */
static void print_problems(const struct cluster_view *view, struct buffer *out) {
    for (size_t i = 0; i < view->asked.node_count; i++) {
        const char *problem = problem_of(view, i);
        if (problem) {
            buffer_append_format(out, "node %u does not answer: %s\n", view->asked.nodes[i].number,
                                 problem);
        }
    }
}

static void print_followers(const struct cluster_view *view, const struct status_shard *shard,
                            struct grid *grid) {
    const struct cluster_lead lead = cluster_view_lead(view, shard->number);
    char text[TOPOLOGY_REPLICA_MAXIMUM * 40] = "";
    size_t used = 0;
    for (unsigned i = 0; i < shard->replica_count; i++) {
        uint32_t node = shard->replicas[i];
        const struct status_replica *replica = replica_at(view, node, shard->number);
        if (node == lead.node)
            continue;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%u:", used ? "  " : "", node);
        if (replica && lead.replica) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%llu",
                                     (unsigned long long)lag_entries(lead.replica, replica));
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
        const struct cluster_lead lead = cluster_view_lead(view, shard->number);
        grid_cell(&grid, "%u", shard->number);
        grid_cell(&grid, "%s", shard->number ? shard->slots : "the topology");
        if (lead.replica) {
            grid_cell(&grid, "%u", lead.node);
            grid_cell(&grid, "%llu", (unsigned long long)lead.replica->term);
            grid_cell(&grid, "%llu", (unsigned long long)lead.replica->applied_index);
        } else {
            grid_row(&grid, "none", "-", "-");
        }
        print_followers(view, shard, &grid);
    }
    grid_print_in_window(&grid, out, "", least);
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
    grid_print_in_window(&grid, out, "", least);
}

void view_print_tables(const struct cluster_view *view, struct buffer *out) {
    if (!view->asked.cluster[0]) {
        print_spare(&view->asked, out);
        return;
    }
    buffer_append_format(out, "cluster %s   epoch %llu   version %s\n\n", view->asked.cluster,
                         (unsigned long long)view->asked.epoch, view->asked.version);
    print_nodes(view, out);
    print_problems(view, out);
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
        json_boolean(json, "reachable", cluster_view_at(view, i) != NULL);
        if (!cluster_view_at(view, i))
            json_text(json, "problem", problem_of(view, i));
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
        const struct cluster_lead lead = cluster_view_lead(view, shard->number);
        json_open(json, NULL, '{');
        json_number(json, "number", shard->number);
        json_text(json, "slots", shard->slots);
        if (lead.node)
            json_number(json, "leader", lead.node);
        else
            json_null(json, "leader");
        json_boolean(json, "is_settled", shard->is_settled);
        json_open(json, "replicas", '[');
        for (unsigned r = 0; r < shard->replica_count; r++)
            json_replica(view, shard->replicas[r], shard->number, lead.replica, json);
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

void view_print_json(const struct cluster_view *view, struct buffer *out) {
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
