#include "cli/gossip/keys_nodes.h"
#include "base/memory.h"
#include "cli/client/status.h"
#include <stdio.h>

static bool is_known(const struct keys_members *all, const char *id) {
    for (size_t i = 0; i < all->count; i++)
        if (strncmp(all->members[i].id, id, KEYS_MEMBER_ID_BYTES - 1) == 0)
            return true;
    return false;
}

static void add_absent(struct keys_members *all, const struct status_node *node) {
    struct keys_member *member;
    all->members = memory_resize(all->members, (all->count + 1) * sizeof *all->members);
    member = &all->members[all->count++];
    *member = (struct keys_member){.state = KEYS_STATE_AWAY};
    snprintf(member->id, sizeof member->id, "%.*s", KEYS_MEMBER_ID_BYTES - 1, node->id);
    status_node_client(node, &member->address);
    snprintf(member->name, sizeof member->name, "node %u", node->number);
}

/* Of the first that has one: agents and spares have none. */
static bool fetch_cluster(const struct keys_members *all, struct status *cluster) {
    char ignored[CLIENT_PROBLEM_BYTES];
    for (size_t i = 0; i < all->count; i++) {
        const struct keys_member *member = &all->members[i];
        if (!keys_member_lives(member) || member->is_agent || member->address.port == 0 ||
            status_fetch(cluster, &member->address, KEYS_ASK_MS, ignored) != 0)
            continue;
        if (cluster->node_count > 0)
            return true;
        status_release(cluster);
    }
    return false;
}

static bool is_removed(const struct status *cluster, const char *id) {
    const struct status_member *member = status_member(cluster, id);
    return member && member->removed != 0;
}

/* Those that live have not heard of it yet: they hear what the others do while they have the same
 * keys. */
static void take_out_removed(struct keys_members *all, const struct status *cluster) {
    size_t kept = 0;
    for (size_t i = 0; i < all->count; i++)
        if (keys_member_lives(&all->members[i]) || !is_removed(cluster, all->members[i].id))
            all->members[kept++] = all->members[i];
    all->count = kept;
}

void keys_nodes_correct(struct keys_members *all) {
    struct status cluster;
    if (!fetch_cluster(all, &cluster))
        return;
    take_out_removed(all, &cluster);
    for (size_t i = 0; i < cluster.node_count; i++)
        if (!is_known(all, cluster.nodes[i].id))
            add_absent(all, &cluster.nodes[i]);
    status_release(&cluster);
}
