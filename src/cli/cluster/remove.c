/* `trothdb cluster remove` and `trothdb cluster replace`: another node takes what the node holds,
 * shard by shard, and then it is taken off the topology. */
#include <stdio.h>

#include "cli/cluster/replicas.h"
#include "cli/cluster/subcommands.h"

struct removal {
    uint32_t node;
    uint32_t substitute; /* 0: whoever has room */
};

static bool is_alive(const struct status *cluster, uint32_t number) {
    const struct status_node *node = status_node(cluster, number);
    return node && strcmp(node->state, "alive") == 0;
}

static unsigned load_of(const struct status *cluster, uint32_t node) {
    unsigned replicas = 0;
    for (size_t i = 0; i < cluster->shard_count; i++)
        replicas += status_shard_wants(&cluster->shards[i], node);
    return replicas;
}

/* The node that is alive, lacks the shard, and holds the fewest replicas; 0: there is none. */
static uint32_t place_for(const struct status *cluster, const struct status_shard *shard,
                          const struct removal *removal) {
    uint32_t best = 0;
    if (removal->substitute) {
        bool can = is_alive(cluster, removal->substitute) &&
                   !status_shard_wants(shard, removal->substitute);
        return can ? removal->substitute : 0;
    }
    for (size_t i = 0; i < cluster->node_count; i++) {
        uint32_t node = cluster->nodes[i].number;
        bool is_free =
            node != removal->node && is_alive(cluster, node) && !status_shard_wants(shard, node);
        if (is_free && (!best || load_of(cluster, node) < load_of(cluster, best)))
            best = node;
    }
    return best;
}

static void say_no_place(const struct status *cluster, const struct status_shard *shard,
                         const struct removal *removal, char why[CLIENT_PROBLEM_BYTES]) {
    if (!removal->substitute) {
        snprintf(why, CLIENT_PROBLEM_BYTES,
                 "no other node can take shard %u: all that are alive hold it already; add a "
                 "node first (`trothdb cluster add`), or ask for fewer replicas of it "
                 "(`trothdb cluster replicas`)",
                 shard->number);
    } else if (!is_alive(cluster, removal->substitute)) {
        snprintf(why, CLIENT_PROBLEM_BYTES,
                 "node %u, which is to take its place, is not alive; start it, or name another",
                 removal->substitute);
    } else {
        snprintf(why, CLIENT_PROBLEM_BYTES,
                 "node %u, which is to take its place, holds shard %u already; name another, or "
                 "let the nodes with the most room take it all (`trothdb cluster remove`)",
                 removal->substitute, shard->number);
    }
}

/* Started or silent a moment ago: whether it can take anything is known soon. */
static bool may_be_alive_soon(const struct status *cluster, const struct removal *removal) {
    for (size_t i = 0; i < cluster->node_count; i++) {
        const struct status_node *node = &cluster->nodes[i];
        bool is_asked = removal->substitute ? node->number == removal->substitute
                                            : node->number != removal->node;
        if (is_asked &&
            (strcmp(node->state, "suspect") == 0 || strcmp(node->state, "joining") == 0))
            return true;
    }
    return false;
}

struct search {
    const struct removal *removal;
    char why[CLIENT_PROBLEM_BYTES]; /* there is no place; empty: there is one for everything */
};

static void find_places(const struct status *cluster, struct search *search) {
    search->why[0] = '\0';
    for (size_t i = 0; i < cluster->shard_count && !search->why[0]; i++) {
        const struct status_shard *shard = &cluster->shards[i];
        if (status_shard_wants(shard, search->removal->node) &&
            !place_for(cluster, shard, search->removal))
            say_no_place(cluster, shard, search->removal, search->why);
    }
}

static bool is_searched(struct order *order, void *context) {
    struct search *search = context;
    struct status cluster;
    if (status_fetch(&cluster, &order->at, CLUSTER_ASK_MS, search->why))
        return false;
    find_places(&cluster, search);
    bool is_final = !search->why[0] || !may_be_alive_soon(&cluster, search->removal);
    status_release(&cluster);
    if (!is_final)
        order_show(order, "waiting for a node of which it is not known whether it is alive");
    return is_final;
}

/* Before anything is changed: is there a place for everything? */
static int check_places(struct order *order, const struct removal *removal) {
    struct search search = {.removal = removal};
    bool is_known = order_wait_heard(order, is_searched, &search);
    return is_known && !search.why[0]
               ? EXIT_OK
               : order_fail(order, "the node stays, and nothing was changed:", search.why);
}

static struct wish wish_without(const struct status *cluster, const struct status_shard *shard,
                                const struct removal *removal) {
    struct wish wish = {.shard = shard->number};
    uint32_t place = place_for(cluster, shard, removal);
    for (unsigned i = 0; i < shard->replica_count; i++)
        wish.nodes[wish.count++] = shard->replicas[i] == removal->node ? place : shard->replicas[i];
    return wish;
}

/* Of the first shard that it still holds; *is_left: there was one. */
static int drain_one(struct order *order, const struct removal *removal, bool *is_left) {
    struct status cluster;
    int status = order_fetch(order, &cluster);
    *is_left = false;
    if (status)
        return status;
    for (size_t i = 0; i < cluster.shard_count && !*is_left; i++) {
        *is_left = status_shard_wants(&cluster.shards[i], removal->node);
        if (*is_left) {
            struct wish wish = wish_without(&cluster, &cluster.shards[i], removal);
            status = replicas_make(order, &wish);
        }
    }
    status_release(&cluster);
    return status;
}

/* One shard at a time: the next one's place is chosen by what is held then. */
static int drain(struct order *order, const struct removal *removal) {
    int status = EXIT_OK;
    for (bool is_left = true; is_left && !status;) {
        status = check_places(order, removal);
        if (!status)
            status = drain_one(order, removal, &is_left);
    }
    return status;
}

static bool is_gone(struct order *order, void *context) {
    struct status cluster;
    char ignored[CLIENT_PROBLEM_BYTES];
    order_show(order, "the node is out of the topology, and the others are being told");
    if (status_fetch(&cluster, &order->at, CLUSTER_ASK_MS, ignored))
        return false;
    bool is_out = status_node(&cluster, *(const uint32_t *)context) == NULL;
    status_release(&cluster);
    return is_out;
}

static int remove_node(struct order *order, const struct removal *removal) {
    uint32_t gone = removal->node;
    int status = drain(order, removal);
    if (!status)
        status = order_ask_text(order, "the node holds nothing any more, but was not removed:",
                                "TROTHDB REMOVENODE %u", gone);
    if (status)
        return status;
    if (!order_wait(order, is_gone, &gone)) {
        return order_fail(order, "the node was removed, but:",
                          "the node given with --at has not heard of it yet; it will by gossip");
    }
    return order_print(order);
}

/* The number of the node at this address; false with `problem`, to which `more` belongs. */
static bool find_node(const struct status *cluster, const char *text, uint32_t *number,
                      const char *more, char *problem) {
    struct net_address address;
    if (client_address(&address, text, problem))
        return false;
    *number = replicas_node_at(cluster, &address);
    if (*number == 0)
        snprintf(problem, CLIENT_PROBLEM_BYTES, "%s is no node of the cluster%s", text, more);
    return *number != 0;
}

/* What is wrong with it; NULL: nothing. */
static const char *contradiction(const struct status *cluster, const struct removal *removal) {
    if (cluster->self == removal->node)
        return "give another node of the cluster with --at than the one that is to go";
    if (removal->substitute == removal->node)
        return "a node cannot take its own place; name two nodes";
    return NULL;
}

/* Fills in the numbers of the node that is to go, and of a second one, if it is named. */
static int find_nodes(const struct order *order, struct removal *removal) {
    struct status cluster;
    char problem[CLIENT_PROBLEM_BYTES];
    int status = order_fetch(order, &cluster);
    if (status)
        return status;
    bool is_known = find_node(&cluster, order->operands[0], &removal->node, "", problem);
    if (is_known && order->operand_count > 1)
        is_known = find_node(&cluster, order->operands[1], &removal->substitute,
                             "; `trothdb cluster add` takes a spare in", problem);
    const char *wrong = is_known ? contradiction(&cluster, removal) : problem;
    status_release(&cluster);
    return wrong ? order_fail(order, "nothing was changed:", wrong) : EXIT_OK;
}

/* `replace` names a second node, `remove` does not. */
int cluster_remove(struct order *order) {
    struct removal removal = {0};
    int status = order_read(order, NULL);
    if (!status)
        status = find_nodes(order, &removal);
    return status ? status : remove_node(order, &removal);
}
