/* `trothdb cluster replicas`: asked of the control shard, then looked at until it is so. */
#include "cli/cluster/replicas.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/client/cluster_view.h"
#include "cli/cluster/subcommands.h"

/* ---- asking for it, and waiting until it is so ---- */

static bool is_wanted(const struct status_shard *shard, const struct wish *wish) {
    bool is_same = shard->replica_count == wish->count;
    for (unsigned i = 0; is_same && i < wish->count; i++)
        is_same = shard->replicas[i] == wish->nodes[i];
    return is_same;
}

static void show_stage(struct order *order, const struct status_replica *leader) {
    char text[ORDER_SHOWN_BYTES] = "waiting for the leader of the shard";
    if (leader && leader->learner_round) {
        snprintf(text, sizeof text, "the new replica catches up: %llu of %llu entries, round %llu",
                 (unsigned long long)leader->learner_index, (unsigned long long)leader->last_index,
                 (unsigned long long)leader->learner_round);
    } else if (leader && leader->is_joint) {
        snprintf(text, sizeof text, "the old and the new replicas vote together");
    } else if (leader) {
        snprintf(text, sizeof text, "the leader is node %u", leader->leader);
    }
    if (leader && leader->given_up) { /* this may need the operator */
        size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "; node %u was given up before: %s",
                 leader->given_up, leader->give_up_text);
    }
    order_show(order, text);
}

static bool is_settled(struct order *order, void *context) {
    const struct wish *wish = context;
    struct cluster_view view;
    char ignored[CLIENT_PROBLEM_BYTES];
    if (cluster_view_fetch(&view, &order->at, ignored))
        return false;
    bool is_done = false;
    for (size_t i = 0; i < view.asked.shard_count; i++) {
        const struct status_shard *shard = &view.asked.shards[i];
        is_done |= shard->number == wish->shard && is_wanted(shard, wish) && shard->is_settled;
    }
    if (!is_done)
        show_stage(order, cluster_view_leader(&view, wish->shard));
    cluster_view_release(&view);
    return is_done;
}

int replicas_ask(const struct order *order, const char *refused, const struct wish *wish) {
    char nodes[TOPOLOGY_REPLICA_MAXIMUM * 12] = "";
    size_t used = 0;
    for (unsigned i = 0; i < wish->count; i++)
        used += (size_t)snprintf(nodes + used, sizeof nodes - used, " %u", wish->nodes[i]);
    return order_ask_text(order, refused, "TROTHDB REPLICAS %u%s", wish->shard, nodes);
}

int replicas_make(struct order *order, const struct wish *wish) {
    struct wish wanted = *wish;
    int status = replicas_ask(order, "the control shard refused:", wish);
    if (status)
        return status;
    if (!order_wait(order, is_settled, &wanted)) {
        return order_fail(order, "the replicas were asked for, but:",
                          "it is not done yet; the cluster goes on with it by itself, and "
                          "`trothdb cluster status` shows how far it is");
    }
    return EXIT_OK;
}

/* ---- what is named ---- */

bool replicas_has_shard(const struct status *cluster, uint32_t shard, char *problem) {
    for (size_t i = 0; i < cluster->shard_count; i++)
        if (cluster->shards[i].number == shard)
            return true;
    snprintf(problem, CLIENT_PROBLEM_BYTES,
             "there is no shard %u; `trothdb cluster status` lists them", shard);
    return false;
}

int replicas_read_shard(const struct order *order, uint32_t *shard) {
    const char *text = order->operands[0];
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    *shard = (uint32_t)number;
    bool is_sound = *end == '\0' && end != text && number <= TOPOLOGY_SHARD_MAXIMUM;
    return is_sound ? EXIT_OK
                    : order_usage(order, "'%s' is no shard: write its number, such as 3", text);
}

uint32_t replicas_node_at(const struct status *cluster, const struct net_address *client) {
    for (size_t i = 0; i < cluster->node_count; i++) {
        struct net_address known;
        status_node_client(&cluster->nodes[i], &known);
        if (net_address_equal(&known, client))
            return cluster->nodes[i].number;
    }
    return 0;
}

static bool is_wished(const struct wish *wish, uint32_t node) {
    bool is_there = false;
    for (unsigned i = 0; i < wish->count; i++)
        is_there |= wish->nodes[i] == node;
    return is_there;
}

/* Of a node that is named: what its address "...". NULL: nothing. */
static const char *what_is_wrong(const struct wish *wish, uint32_t node) {
    if (node == 0)
        return "is no node of the cluster; `trothdb cluster add` takes a spare in";
    if (is_wished(wish, node))
        return "is named twice";
    return wish->count == TOPOLOGY_REPLICA_MAXIMUM
               ? "is one too many: a shard has at most 7 replicas"
               : NULL;
}

/* "H:P,H:P". The text is cut up. False with `problem`; so too where nothing stands between two
 * commas: that may be a variable of a script that is not set, and fewer replicas are not meant. */
static bool read_nodes(const struct status *cluster, char *text, struct wish *wish, char *problem) {
    for (char *word; (word = strsep(&text, ",")) != NULL;) {
        struct net_address address;
        if (client_address(&address, word, problem))
            return false;
        uint32_t number = replicas_node_at(cluster, &address);
        const char *wrong = what_is_wrong(wish, number);
        if (wrong) {
            snprintf(problem, CLIENT_PROBLEM_BYTES, "%s %s", word, wrong);
            return false;
        }
        wish->nodes[wish->count++] = number;
    }
    return true;
}

int cluster_replicas(struct order *order) {
    struct wish wish = {0};
    struct status cluster;
    char problem[CLIENT_PROBLEM_BYTES];
    int status = order_read(order, NULL);
    if (!status)
        status = replicas_read_shard(order, &wish.shard);
    if (!status)
        status = order_fetch(order, &cluster);
    if (status)
        return status;
    bool is_known = replicas_has_shard(&cluster, wish.shard, problem) &&
                    read_nodes(&cluster, order->operands[1], &wish, problem);
    status_release(&cluster);
    if (!is_known)
        return order_fail(order, "nothing was changed:", problem);
    status = replicas_make(order, &wish);
    return status ? status : order_print(order);
}
