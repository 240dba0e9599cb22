/* `trothdb cluster leader`: asked of the leader that is to go. */
#include <stdio.h>

#include "cli/client/cluster_ask.h"
#include "cli/client/cluster_view.h"
#include "cli/cluster/replicas.h"
#include "cli/cluster/subcommands.h"

struct succession {
    uint32_t shard, wanted;
    char *problem; /* the last refusal */
};

/* `node` leads, and is told to give the lead away. */
static void tell_to_go(struct order *order, const struct status_node *node,
                       const struct succession *succession) {
    char numbers[2][12], text[ORDER_SHOWN_BYTES];
    struct net_address address;
    status_node_client(node, &address);
    snprintf(text, sizeof text, "node %u leads and is asked to give it to node %u", node->number,
             succession->wanted);
    order_show(order, text);
    snprintf(numbers[0], sizeof numbers[0], "%u", succession->shard);
    snprintf(numbers[1], sizeof numbers[1], "%u", succession->wanted);
    const struct bytes words[] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("TRANSFER"),
                                  bytes_of_text(numbers[0]), bytes_of_text(numbers[1])};
    if (cluster_tell(&address, words, 4, succession->problem))
        order_show(order, succession->problem);
    else
        snprintf(succession->problem, CLIENT_PROBLEM_BYTES,
                 "node %u was told to give it away and still leads; node %u did not take it: "
                 "does it answer, and has it caught up?",
                 node->number, succession->wanted);
}

/* Asked again as long as it is not so: a leader that was elected meanwhile knows nothing of it. */
static bool has_succeeded(struct order *order, void *context) {
    const struct succession *succession = context;
    struct cluster_view view;
    if (cluster_view_fetch(&view, &order->at, succession->problem))
        return false;
    const struct status_replica *leader = cluster_view_leader(&view, succession->shard);
    const struct status_node *node = leader ? status_node(&view.asked, leader->leader) : NULL;
    bool is_done = node && node->number == succession->wanted;
    if (!node)
        snprintf(succession->problem, CLIENT_PROBLEM_BYTES, "nobody leads the shard");
    else if (!is_done)
        tell_to_go(order, node, succession);
    cluster_view_release(&view);
    return is_done;
}

/* The shard's replicas with the named one first, which makes it the preferred leader: else the lead
 * would go back after a while (leader-return-ms). False: it holds no replica of that shard. */
static bool prefer(const struct status *cluster, uint32_t node, struct wish *wish) {
    for (size_t i = 0; i < cluster->shard_count; i++) {
        const struct status_shard *known = &cluster->shards[i];
        for (unsigned at = 0; known->number == wish->shard && at < known->replica_count; at++)
            if (known->replicas[at] == node)
                wish->nodes[0] = node;
            else if (wish->count + 1 < TOPOLOGY_REPLICA_MAXIMUM)
                wish->nodes[++wish->count] = known->replicas[at];
    }
    wish->count++;
    return node != 0 && wish->nodes[0] == node;
}

static int move_lead(struct order *order, uint32_t shard, const struct net_address *wanted) {
    struct status cluster;
    char problem[CLIENT_PROBLEM_BYTES] = "";
    int status = order_fetch(order, &cluster);
    if (status)
        return status;
    struct succession succession = {
        .shard = shard, .wanted = replicas_node_at(&cluster, wanted), .problem = problem};
    struct wish wish = {.shard = shard};
    bool is_known = replicas_has_shard(&cluster, shard, problem);
    bool is_possible = is_known && prefer(&cluster, succession.wanted, &wish);
    status_release(&cluster);
    if (!is_possible) {
        return order_fail(
            order, "the lead stays where it is:",
            is_known ? "the node named holds no replica of that shard; `trothdb cluster status` "
                       "lists who does"
                     : problem);
    }
    if (!order_wait(order, has_succeeded, &succession))
        return order_fail(order, "the lead stays where it is:", problem);
    status = replicas_make(order, &wish);
    return status ? status : order_print(order);
}

int cluster_leader(struct order *order) {
    struct net_address wanted;
    uint32_t shard;
    int status = order_read(order, NULL);
    if (!status)
        status = replicas_read_shard(order, &shard);
    if (!status)
        status = order_read_address(order, order->operands[1], &wanted);
    return status ? status : move_lead(order, shard, &wanted);
}
