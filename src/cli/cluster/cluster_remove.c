/* `trothdb cluster remove` and `trothdb cluster replace`: another node takes what the node holds,
 * shard by shard, and then it is taken off the topology. */
#include <stdio.h>

#include "cli/cluster/cluster_change.h"

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

static bool is_searched(struct change *change, void *context) {
    struct search *search = context;
    struct status cluster;
    if (status_fetch(&cluster, &change->at, CLUSTER_ASK_MS, search->why))
        return false;
    find_places(&cluster, search);
    bool is_final = !search->why[0] || !may_be_alive_soon(&cluster, search->removal);
    status_release(&cluster);
    if (!is_final)
        change_show(change, "waiting for a node of which it is not known whether it is alive");
    return is_final;
}

/* Before anything is changed: is there a place for everything? */
static int check_places(struct change *change, const struct removal *removal) {
    struct search search = {.removal = removal};
    bool is_known = change_wait_heard(change, is_searched, &search);
    return is_known && !search.why[0]
               ? EXIT_OK
               : change_fail(change, "the node stays, and nothing was changed:", search.why);
}

static struct wish wish_without(const struct status *cluster, const struct status_shard *shard,
                                const struct removal *removal) {
    struct wish wish = {.shard = shard->number};
    uint32_t place = place_for(cluster, shard, removal);
    for (unsigned i = 0; i < shard->replica_count; i++)
        wish.nodes[wish.count++] = shard->replicas[i] == removal->node ? place : shard->replicas[i];
    return wish;
}

/* One shard at a time: the next one's place is chosen by what is held then. */
static int drain(struct change *change, const struct removal *removal) {
    for (bool is_left = true; is_left;) {
        struct status cluster;
        char problem[CLIENT_PROBLEM_BYTES];
        int status = check_places(change, removal);
        if (status)
            return status;
        if (status_fetch(&cluster, &change->at, CLUSTER_ASK_MS, problem))
            return change_fail(change, "the cluster cannot be asked:", problem);
        is_left = false;
        for (size_t i = 0; i < cluster.shard_count && !is_left && !status; i++) {
            is_left = status_shard_wants(&cluster.shards[i], removal->node);
            if (is_left) {
                struct wish wish = wish_without(&cluster, &cluster.shards[i], removal);
                status = change_replicas(change, &wish);
            }
        }
        status_release(&cluster);
        if (status)
            return status;
    }
    return EXIT_OK;
}

static bool is_gone(struct change *change, void *context) {
    struct status cluster;
    char ignored[CLIENT_PROBLEM_BYTES];
    change_show(change, "the node is out of the topology, and the others are being told");
    if (status_fetch(&cluster, &change->at, CLUSTER_ASK_MS, ignored))
        return false;
    bool is_out = status_node(&cluster, *(const uint32_t *)context) == NULL;
    status_release(&cluster);
    return is_out;
}

static int remove_node(struct change *change, const struct removal *removal) {
    char number[12], problem[CLIENT_PROBLEM_BYTES];
    int status = drain(change, removal);
    if (status)
        return status;
    snprintf(number, sizeof number, "%u", removal->node);
    const struct bytes arguments[] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("REMOVENODE"),
                                      bytes_of_text(number)};
    int error = cluster_ask_control(&change->at, arguments, 3, problem);
    if (error) {
        return change_fail(
            change,
            cluster_asked_heading(error, "the node holds nothing any more, but was not removed:"),
            problem);
    }
    uint32_t gone = removal->node;
    if (!change_wait(change, is_gone, &gone)) {
        return change_fail(change, "the node was removed, but:",
                           "the node given with --at has not heard of it yet; it will by gossip");
    }
    return cluster_print(&change->at, change->is_json);
}

/* Fills in the numbers of the nodes at these addresses; with_substitute: two of them. */
static int find_nodes(const struct change *change, char **texts, bool has_substitute,
                      struct removal *removal) {
    struct status cluster;
    char problem[CLIENT_PROBLEM_BYTES];
    if (status_fetch(&cluster, &change->at, CLUSTER_ASK_MS, problem))
        return change_fail(change, "the cluster cannot be asked:", problem);
    uint32_t *numbers[] = {&removal->node, &removal->substitute};
    bool is_known = true;
    for (int i = 0; i <= has_substitute && is_known; i++) {
        struct net_address address;
        is_known = client_address(&address, texts[i], problem) == 0;
        if (is_known && (*numbers[i] = change_node_at(&cluster, &address)) == 0) {
            snprintf(problem, sizeof problem,
                     i == 0
                         ? "%s is no node of the cluster"
                         : "%s is no node of the cluster; `trothdb cluster add` takes a spare in",
                     texts[i]);
            is_known = false;
        }
    }
    if (is_known && cluster.self == removal->node) {
        snprintf(problem, sizeof problem,
                 "give another node of the cluster with --at than the one that is to go");
        is_known = false;
    }
    if (is_known && removal->substitute == removal->node) {
        snprintf(problem, sizeof problem, "a node cannot take its own place; name two nodes");
        is_known = false;
    }
    status_release(&cluster);
    return is_known ? EXIT_OK : change_fail(change, "nothing was changed:", problem);
}

static int run(struct change *change, char **texts, bool has_substitute) {
    struct removal removal = {0};
    int status = find_nodes(change, texts, has_substitute, &removal);
    return status ? status : remove_node(change, &removal);
}

int cluster_remove(int argc, char **argv) {
    struct change change;
    if (change_read(&change, "cluster remove", CLUSTER_REMOVE_LINE, argc, argv, 1))
        return EXIT_USAGE;
    return run(&change, argv, false);
}

int cluster_replace(int argc, char **argv) {
    struct change change;
    if (change_read(&change, "cluster replace", CLUSTER_REPLACE_LINE, argc, argv, 2))
        return EXIT_USAGE;
    return run(&change, argv, true);
}
