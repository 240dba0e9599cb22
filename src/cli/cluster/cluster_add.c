/* `trothdb cluster add`: a spare that the cluster hears of by gossip becomes one of its nodes. */
#include <stdio.h>

#include "cli/cluster/cluster_change.h"
#include "cli/terminal/refusal.h"

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

static bool is_judged(struct change *change, void *context) {
    struct spare *spare = context;
    struct status status, cluster;
    if (status_fetch(&status, spare->client, CLUSTER_ASK_MS, spare->problem)) {
        spare->why = spare->problem;
        return true;
    }
    if (status_fetch(&cluster, &change->at, CLUSTER_ASK_MS, spare->problem)) {
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
        change_show(change, "waiting until the cluster hears of the node by gossip");
    return lasting || !spare->why;
}

/* ---- adding it ---- */

static int ask_to_add(struct change *change, struct spare *spare) {
    char ports[3][8];
    snprintf(ports[0], sizeof ports[0], "%u", spare->address.client_port);
    snprintf(ports[1], sizeof ports[1], "%u", spare->address.peer_port);
    snprintf(ports[2], sizeof ports[2], "%u", spare->address.admin_port);
    const struct bytes arguments[] = {
        BYTES_LITERAL("TROTHDB"),   BYTES_LITERAL("ADDNODE"),
        bytes_of_text(spare->uuid), bytes_of_text(spare->address.host),
        bytes_of_text(ports[0]),    bytes_of_text(ports[1]),
        bytes_of_text(ports[2])};
    return cluster_ask_control(&change->at, arguments, 7, spare->problem);
}

static bool has_joined(struct change *change, void *context) {
    const struct spare *spare = context;
    struct status status;
    char ignored[CLIENT_PROBLEM_BYTES];
    change_show(change, "the node is in the topology, and is being told");
    if (status_fetch(&status, spare->client, CLUSTER_ASK_MS, ignored))
        return false;
    bool is_in = strcmp(status.cluster, spare->cluster) == 0;
    status_release(&status);
    return is_in;
}

static int add(struct change *change, struct spare *spare) {
    if (!change_wait_heard(change, is_judged, spare) || spare->why)
        return change_fail(change, "the node cannot be added:", spare->why);
    int error = ask_to_add(change, spare);
    if (error)
        return change_fail(change, cluster_asked_heading(error, "the node was not added:"),
                           spare->problem);
    if (!change_wait(change, has_joined, spare)) {
        return change_fail(
            change, "the node was added, but:",
            "it has not taken the topology yet; it will when it hears of it by gossip");
    }
    return cluster_print(&change->at, change->is_json);
}

int cluster_add(int argc, char **argv) {
    struct change change;
    struct net_address client;
    struct spare spare = {.client = &client};
    if (change_read(&change, "cluster add", CLUSTER_ADD_LINE, argc, argv, 1))
        return EXIT_USAGE;
    if (client_address(&client, argv[0], spare.problem)) {
        refusal_tell("cluster", change.is_json, "%s", spare.problem);
        return EXIT_USAGE;
    }
    return add(&change, &spare);
}
