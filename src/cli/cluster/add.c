/* `trothdb cluster add`: a spare that the cluster hears of by gossip becomes one of its nodes. */
#include <stdio.h>

#include "cli/cluster/subcommands.h"

struct spare {
    const struct net_address *client;
    char uuid[STATUS_CLUSTER_BYTES], cluster[STATUS_CLUSTER_BYTES]; /* who it is; what it joins */
    struct topology_address address;
    const char *why; /* it cannot be added, or not yet */
    char problem[CLIENT_PROBLEM_BYTES];
};

/* ---- may it be added? ---- */

static bool is_member(const struct status *cluster, const char *uuid) {
    const struct status_member *member = status_member(cluster, uuid);
    return member && strcmp(member->state, "alive") == 0;
}

static bool was_removed(const struct status *cluster, const struct status *spare) {
    char uuid[STATUS_CLUSTER_BYTES];
    snprintf(uuid, sizeof uuid, "%.*s", STATUS_UUID_DIGITS, spare->id);
    const struct status_member *member = status_member(cluster, uuid);
    return member && member->removed != 0;
}

/* What no waiting changes. */
static const char *lasting_problem(const struct status *spare, const struct status *cluster) {
    if (spare->cluster[0] && strcmp(spare->cluster, cluster->cluster) == 0)
        return "the node belongs to this cluster already";
    if (spare->cluster[0])
        return "the node belongs to another cluster; only a spare can be taken";
    if (was_removed(cluster, spare))
        return "the node was taken into this cluster once and removed before it heard of that; "
               "stop "
               "it, remove its directory, and it starts as a new one";
    return cluster->cluster[0] ? NULL : "the node given with --at belongs to no cluster";
}

/* Gossip is how a spare hears that it was taken, and how the cluster hears of the spare. */
static const char *passing_problem(const struct status *status, const struct status *cluster,
                                   struct spare *spare) {
    if (!status_own_address(status, &spare->address))
        return "the node does not say yet where it listens; try again in a moment";
    if (!is_member(cluster, spare->uuid)) {
        return "the cluster does not hear of the node by gossip; start the node with --join and "
               "the peer address of a node of the cluster, and with the same cluster key";
    }
    return NULL;
}

static bool is_judged(struct order *order, void *context) {
    struct spare *spare = context;
    struct status status, cluster;
    if (status_fetch(&status, spare->client, CLUSTER_ASK_MS, spare->problem)) {
        spare->why = spare->problem;
        return true;
    }
    if (status_fetch(&cluster, &order->at, CLUSTER_ASK_MS, spare->problem)) {
        status_release(&status);
        spare->why = spare->problem;
        return true;
    }
    snprintf(spare->uuid, sizeof spare->uuid, "%.32s", status.id);
    snprintf(spare->cluster, sizeof spare->cluster, "%s", cluster.cluster);
    const char *lasting = lasting_problem(&status, &cluster);
    spare->why = lasting ? lasting : passing_problem(&status, &cluster, spare);
    status_release(&status);
    status_release(&cluster);
    if (spare->why && !lasting)
        order_show(order, "waiting until the cluster hears of the node by gossip");
    return lasting || !spare->why;
}

/* ---- adding it ---- */

static int ask_to_add(const struct order *order, const struct spare *spare) {
    const struct topology_address *address = &spare->address;
    return order_ask_text(order, "the node was not added:", "TROTHDB ADDNODE %s %s %u %u %u",
                          spare->uuid, address->host, address->client_port, address->peer_port,
                          address->admin_port);
}

static bool has_joined(struct order *order, void *context) {
    const struct spare *spare = context;
    struct status status;
    char ignored[CLIENT_PROBLEM_BYTES];
    order_show(order, "the node is in the topology, and is being told");
    if (status_fetch(&status, spare->client, CLUSTER_ASK_MS, ignored))
        return false;
    bool is_in = strcmp(status.cluster, spare->cluster) == 0;
    status_release(&status);
    return is_in;
}

int cluster_add(struct order *order) {
    struct net_address client;
    struct spare spare = {.client = &client};
    int status = order_read(order, NULL);
    if (!status)
        status = order_read_address(order, order->operands[0], &client);
    if (status)
        return status;
    if (!order_wait_heard(order, is_judged, &spare) || spare.why)
        return order_fail(order, "the node cannot be added:", spare.why);
    status = ask_to_add(order, &spare);
    if (status)
        return status;
    if (!order_wait(order, has_joined, &spare)) {
        return order_fail(
            order, "the node was added, but:",
            "it has not taken the topology yet; it will when it hears of it by gossip");
    }
    return order_print(order);
}
