/* `trothdb cluster add` and `trothdb cluster replicas`: asked of the control shard's leader,
 * whichever node that is; then looked at until it is so. `trothdb cluster leader`: asked of the
 * leader that is to go. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/cluster_change.h"
#include "cli/flags.h"

enum { CHANGE_POLL_MS = 200, CHANGE_WAIT_S_DEFAULT = 600 };

/* ---- showing how far it is ---- */

void change_show(struct change *change, const char *text) {
    if (change->is_json || strcmp(text, change->shown) == 0) {
        return;
    }
    snprintf(change->shown, sizeof(change->shown), "%s", text);
    fprintf(stderr, change->is_terminal ? "\r\033[K%s" : "%s\n", text);
    fflush(stderr);
}

static void show_no_more(const struct change *change) {
    if (change->is_terminal && !change->is_json && change->shown[0]) {
        fputs("\r\033[K", stderr);
    }
}

int change_fail(const struct change *change, const char *what, const char *why) {
    show_no_more(change);
    return cluster_fail(change->is_json, what, bytes_of_text(why));
}

/* Looks again and again. `is_done` shows its progress itself. */
bool change_wait(struct change *change, bool (*is_done)(struct change *change, void *context),
                 void *context) {
    uint64_t deadline_ms = cluster_now_ms() + (uint64_t)change->wait_s * 1000;
    while (!is_done(change, context)) {
        if (cluster_now_ms() >= deadline_ms) {
            return false;
        }
        usleep(CHANGE_POLL_MS * 1000);
    }
    show_no_more(change);
    return true;
}

/* ---- add ---- */

struct joining {
    struct net_address client;
    char cluster[STATUS_CLUSTER_BYTES];
};

static bool has_joined(struct change *change, void *context) {
    const struct joining *joining = context;
    struct status status;
    char ignored[CLIENT_PROBLEM_BYTES];
    change_show(change, "the node is in the topology, and is being told");
    if (status_fetch(&status, &joining->client, CLUSTER_ASK_MS, ignored)) {
        return false;
    }
    bool is_in = strcmp(status.cluster, joining->cluster) == 0;
    status_release(&status);
    return is_in;
}

/* Gossip is how a spare hears that it was taken. */
static bool is_member(const struct status *cluster, const char *uuid) {
    for (size_t i = 0; i < cluster->member_count; i++) {
        if (strcmp(cluster->members[i].uuid, uuid) == 0 &&
            strcmp(cluster->members[i].state, "alive") == 0) {
            return true;
        }
    }
    return false;
}

static const char *spare_problem(const struct status *spare, const struct status *cluster,
                                 const char *uuid, struct topology_address *address) {
    if (spare->cluster[0] && strcmp(spare->cluster, cluster->cluster) == 0) {
        return "the node belongs to this cluster already";
    }
    if (spare->cluster[0]) {
        return "the node belongs to another cluster; only a spare can be taken";
    }
    if (!cluster->cluster[0]) {
        return "the node given with --at belongs to no cluster";
    }
    if (!status_own_address(spare, address)) {
        return "the node does not say yet where it listens; try again in a moment";
    }
    if (!is_member(cluster, uuid)) {
        return "the cluster does not hear of the node by gossip; start the node with --join and "
               "the "
               "peer address of a node of the cluster, and with the same cluster key";
    }
    return NULL;
}

static int ask_to_add(struct change *change, const char *uuid,
                      const struct topology_address *address, char *problem) {
    char ports[3][8];
    snprintf(ports[0], sizeof(ports[0]), "%u", address->client_port);
    snprintf(ports[1], sizeof(ports[1]), "%u", address->peer_port);
    snprintf(ports[2], sizeof(ports[2]), "%u", address->admin_port);
    const struct bytes arguments[] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("ADDNODE"),
                                      bytes_of_text(uuid),      bytes_of_text(address->host),
                                      bytes_of_text(ports[0]),  bytes_of_text(ports[1]),
                                      bytes_of_text(ports[2])};
    return cluster_ask_control(&change->at, arguments, 7, problem);
}

static int add_spare(struct change *change, const struct net_address *client,
                     const struct status *spare, const struct status *cluster) {
    char uuid[STATUS_CLUSTER_BYTES], problem[CLIENT_PROBLEM_BYTES];
    struct topology_address address;
    snprintf(uuid, sizeof(uuid), "%.32s", spare->id);
    const char *wrong = spare_problem(spare, cluster, uuid, &address);
    if (wrong) {
        return change_fail(change, "the node cannot be added:", wrong);
    }
    if (ask_to_add(change, uuid, &address, problem)) {
        return change_fail(change, "the node was not added:", problem);
    }
    struct joining joining = {.client = *client};
    snprintf(joining.cluster, sizeof(joining.cluster), "%s", cluster->cluster);
    if (!change_wait(change, has_joined, &joining)) {
        return change_fail(
            change, "the node was added, but:",
            "it has not taken the topology yet; it will when it hears of it by gossip");
    }
    return cluster_print(&change->at, change->is_json);
}

static int add(struct change *change, const struct net_address *client) {
    struct status spare, cluster;
    char problem[CLIENT_PROBLEM_BYTES];
    if (status_fetch(&spare, client, CLUSTER_ASK_MS, problem)) {
        return change_fail(change, "the node cannot be asked:", problem);
    }
    if (status_fetch(&cluster, &change->at, CLUSTER_ASK_MS, problem)) {
        status_release(&spare);
        return change_fail(change, "the cluster cannot be asked:", problem);
    }
    int status = add_spare(change, client, &spare, &cluster);
    status_release(&spare);
    status_release(&cluster);
    return status;
}

/* ---- replicas ---- */

static bool is_wanted(const struct status_shard *shard, const struct wish *wish) {
    bool is_same = shard->replica_count == wish->count;
    for (unsigned i = 0; is_same && i < wish->count; i++) {
        is_same = shard->replicas[i] == wish->nodes[i];
    }
    return is_same;
}

static void show_stage(struct change *change, const struct status_replica *leader) {
    char text[CHANGE_SHOWN_BYTES] = "waiting for the leader of the shard";
    if (leader && leader->learner_round) {
        snprintf(text, sizeof(text), "the new replica catches up: %llu of %llu entries, round %llu",
                 (unsigned long long)leader->learner_index, (unsigned long long)leader->last_index,
                 (unsigned long long)leader->learner_round);
    } else if (leader && leader->is_joint) {
        snprintf(text, sizeof(text), "the old and the new replicas vote together");
    } else if (leader) {
        snprintf(text, sizeof(text), "the leader is node %u", leader->leader);
    }
    change_show(change, text);
}

static bool is_settled(struct change *change, void *context) {
    const struct wish *wish = context;
    struct cluster_view view;
    char ignored[CLIENT_PROBLEM_BYTES];
    if (cluster_view_fetch(&view, &change->at, ignored)) {
        return false;
    }
    bool is_done = false;
    for (size_t i = 0; i < view.asked.shard_count; i++) {
        const struct status_shard *shard = &view.asked.shards[i];
        is_done |= shard->number == wish->shard && is_wanted(shard, wish) && shard->is_settled;
    }
    if (!is_done) {
        show_stage(change, cluster_view_leader(&view, wish->shard));
    }
    cluster_view_release(&view);
    return is_done;
}

uint32_t change_node_at(const struct status *cluster, const struct net_address *client) {
    for (size_t i = 0; i < cluster->node_count; i++) {
        struct net_address known;
        status_node_client(&cluster->nodes[i], &known);
        if (net_address_equal(&known, client)) {
            return cluster->nodes[i].number;
        }
    }
    return 0;
}

/* "H:P,H:P". The text is cut up. False with `problem`. */
static bool read_nodes(const struct status *cluster, char *text, struct wish *wish, char *problem) {
    char *rest = NULL;
    for (char *word = strtok_r(text, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        struct net_address address;
        if (client_address(&address, word, problem)) {
            return false;
        }
        uint32_t number = change_node_at(cluster, &address);
        if (number == 0 || wish->count == TOPOLOGY_REPLICA_MAXIMUM) {
            snprintf(problem, CLIENT_PROBLEM_BYTES,
                     number
                         ? "%s is one too many: a shard has at most 7 replicas"
                         : "%s is no node of the cluster; `trothdb cluster add` takes a spare in",
                     word);
            return false;
        }
        wish->nodes[wish->count++] = number;
    }
    return wish->count > 0;
}

static int ask_for_replicas(struct change *change, const struct wish *wish, char *problem) {
    char numbers[1 + TOPOLOGY_REPLICA_MAXIMUM][12];
    struct bytes arguments[3 + TOPOLOGY_REPLICA_MAXIMUM] = {BYTES_LITERAL("TROTHDB"),
                                                            BYTES_LITERAL("REPLICAS")};
    for (unsigned i = 0; i <= wish->count; i++) {
        snprintf(numbers[i], sizeof(numbers[i]), "%u", i ? wish->nodes[i - 1] : wish->shard);
        arguments[2 + i] = bytes_of_text(numbers[i]);
    }
    return cluster_ask_control(&change->at, arguments, 3 + wish->count, problem);
}

int change_replicas(struct change *change, const struct wish *wish) {
    char problem[CLIENT_PROBLEM_BYTES];
    if (ask_for_replicas(change, wish, problem)) {
        return change_fail(change, "the control shard refused:", problem);
    }
    struct wish wanted = *wish;
    if (!change_wait(change, is_settled, &wanted)) {
        return change_fail(change, "the replicas were asked for, but:",
                           "it is not done yet; the cluster goes on with it by itself, and "
                           "`trothdb cluster status` shows how far it is");
    }
    return CLUSTER_EXIT_OK;
}

static bool has_shard(const struct status *cluster, uint32_t shard, char *problem) {
    for (size_t i = 0; i < cluster->shard_count; i++) {
        if (cluster->shards[i].number == shard) {
            return true;
        }
    }
    snprintf(problem, CLIENT_PROBLEM_BYTES,
             "there is no shard %u; `trothdb cluster status` lists them", shard);
    return false;
}

static int replicas(struct change *change, uint32_t shard, char *nodes) {
    struct wish wish = {.shard = shard};
    struct status cluster;
    char problem[CLIENT_PROBLEM_BYTES] = "no node is named";
    if (status_fetch(&cluster, &change->at, CLUSTER_ASK_MS, problem)) {
        return change_fail(change, "the cluster cannot be asked:", problem);
    }
    bool is_known =
        has_shard(&cluster, shard, problem) && read_nodes(&cluster, nodes, &wish, problem);
    status_release(&cluster);
    if (!is_known) {
        return change_fail(change, "nothing was changed:", problem);
    }
    int status = change_replicas(change, &wish);
    return status ? status : cluster_print(&change->at, change->is_json);
}

/* ---- leader ---- */

struct succession {
    uint32_t shard, wanted;
    char *problem; /* the last refusal */
};

/* Asked again as long as it is not so: a leader that was elected meanwhile knows nothing of it. */
static bool has_succeeded(struct change *change, void *context) {
    const struct succession *succession = context;
    char number[2][12], text[CHANGE_SHOWN_BYTES];
    struct cluster_view view;
    if (cluster_view_fetch(&view, &change->at, succession->problem)) {
        return false;
    }
    const struct status_replica *leader = cluster_view_leader(&view, succession->shard);
    const struct status_node *node = leader ? status_node(&view.asked, leader->leader) : NULL;
    bool is_done = node && node->number == succession->wanted;
    if (node && !is_done) {
        struct net_address address;
        status_node_client(node, &address);
        snprintf(text, sizeof(text), "node %u leads and is asked to give it to node %u",
                 node->number, succession->wanted);
        change_show(change, text);
        snprintf(number[0], sizeof(number[0]), "%u", succession->shard);
        snprintf(number[1], sizeof(number[1]), "%u", succession->wanted);
        const struct bytes arguments[] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("TRANSFER"),
                                          bytes_of_text(number[0]), bytes_of_text(number[1])};
        if (cluster_tell(&address, arguments, 4, succession->problem)) {
            change_show(change, succession->problem);
        }
    }
    cluster_view_release(&view);
    return is_done;
}

static bool is_replica(const struct status *cluster, uint32_t shard, uint32_t node) {
    for (size_t i = 0; i < cluster->shard_count; i++) {
        const struct status_shard *known = &cluster->shards[i];
        for (unsigned at = 0; known->number == shard && at < known->replica_count; at++) {
            if (known->replicas[at] == node) {
                return true;
            }
        }
    }
    return false;
}

static int leader(struct change *change, uint32_t shard, const struct net_address *wanted) {
    struct status cluster;
    char problem[CLIENT_PROBLEM_BYTES] = "nobody leads the shard";
    if (status_fetch(&cluster, &change->at, CLUSTER_ASK_MS, problem)) {
        return change_fail(change, "the cluster cannot be asked:", problem);
    }
    struct succession succession = {
        .shard = shard, .wanted = change_node_at(&cluster, wanted), .problem = problem};
    bool is_possible = is_replica(&cluster, shard, succession.wanted);
    status_release(&cluster);
    if (!is_possible) {
        return change_fail(
            change, "the lead stays where it is:",
            "the node named holds no replica of that shard; `trothdb cluster status` lists "
            "who does");
    }
    if (!change_wait(change, has_succeeded, &succession)) {
        return change_fail(change, "the lead stays where it is:", problem);
    }
    return cluster_print(&change->at, change->is_json);
}

/* ---- the command line ---- */

static bool read_shard(const char *text, uint32_t *shard) {
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    *shard = (uint32_t)number;
    return *end == '\0' && end != text && number <= TOPOLOGY_SHARD_MAXIMUM;
}

int change_read(struct change *change, const char *name, const char *line, int argc, char **argv,
                int operands) {
    const char *at = "";
    int count;
    *change =
        (struct change){.wait_s = CHANGE_WAIT_S_DEFAULT, .is_terminal = isatty(STDERR_FILENO) != 0};
    const struct flag flags[] = {{.name = "at", .text = &at},
                                 {.name = "wait", .number = &change->wait_s, .maximum = 86400},
                                 {.name = "json", .is_set = &change->is_json},
                                 {0}};
    char problem[CLIENT_PROBLEM_BYTES];
    if (flags_read(flags, name, argc, argv, &count)) {
        return ERR_INVALID;
    }
    if (count != operands || !at[0]) {
        cluster_usage(line);
        return ERR_INVALID;
    }
    if (client_address(&change->at, at, problem)) {
        fprintf(stderr, "trothdb cluster: %s\n", problem);
        return ERR_INVALID;
    }
    return 0;
}

int cluster_add(int argc, char **argv) {
    struct change change;
    struct net_address client;
    char problem[CLIENT_PROBLEM_BYTES];
    if (change_read(&change, "cluster add", CLUSTER_ADD_LINE, argc, argv, 1)) {
        return CLUSTER_EXIT_USAGE;
    }
    if (client_address(&client, argv[0], problem)) {
        fprintf(stderr, "trothdb cluster: %s\n", problem);
        return CLUSTER_EXIT_USAGE;
    }
    return add(&change, &client);
}

int cluster_replicas(int argc, char **argv) {
    struct change change;
    uint32_t shard;
    if (change_read(&change, "cluster replicas", CLUSTER_REPLICAS_LINE, argc, argv, 2)) {
        return CLUSTER_EXIT_USAGE;
    }
    if (!read_shard(argv[0], &shard)) {
        return cluster_usage(CLUSTER_REPLICAS_LINE);
    }
    return replicas(&change, shard, argv[1]);
}

int cluster_leader(int argc, char **argv) {
    struct change change;
    struct net_address wanted;
    uint32_t shard;
    char problem[CLIENT_PROBLEM_BYTES];
    if (change_read(&change, "cluster leader", CLUSTER_LEADER_LINE, argc, argv, 2)) {
        return CLUSTER_EXIT_USAGE;
    }
    if (!read_shard(argv[0], &shard)) {
        return cluster_usage(CLUSTER_LEADER_LINE);
    }
    if (client_address(&wanted, argv[1], problem)) {
        fprintf(stderr, "trothdb cluster: %s\n", problem);
        return CLUSTER_EXIT_USAGE;
    }
    return leader(&change, shard, &wanted);
}
