/* `trothdb cluster replicas`: asked of the control shard's leader, whichever node that is; then
 * looked at until it is so. `trothdb cluster leader`: asked of the leader that is to go. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cluster/cluster_change.h"
#include "cli/terminal/flags.h"
#include "cli/terminal/refusal.h"
#include "cli/terminal/window.h"

enum {
    CHANGE_POLL_MS = 200,
    CHANGE_WAIT_S_DEFAULT = 600,
    /* Gossip spreads within a second, a node that joins warms up for a few, and a suspect is alive
     * or dead a few seconds later. */
    CHANGE_HEARD_S = 15
};

/* ---- showing how far it is ---- */

void change_show(struct change *change, const char *text) {
    if (change->is_json || strcmp(text, change->shown) == 0)
        return;
    snprintf(change->shown, sizeof change->shown, "%s", text);
    fprintf(stderr, change->redraws ? "\r\033[K%s" : "%s\n", text);
    fflush(stderr);
}

static void show_no_more(const struct change *change) {
    if (change->redraws && !change->is_json && change->shown[0])
        fputs("\r\033[K", stderr);
}

int change_fail(const struct change *change, const char *what, const char *why) {
    show_no_more(change);
    return cluster_fail(change->is_json, what, bytes_of_text(why));
}

static bool wait_for(struct change *change, int64_t wait_s,
                     bool (*is_done)(struct change *change, void *context), void *context) {
    uint64_t deadline_ms = cluster_now_ms() + (uint64_t)wait_s * 1000;
    while (!is_done(change, context)) {
        if (cluster_now_ms() >= deadline_ms)
            return false;
        usleep(CHANGE_POLL_MS * 1000);
    }
    show_no_more(change);
    return true;
}

bool change_wait(struct change *change, bool (*is_done)(struct change *change, void *context),
                 void *context) {
    return wait_for(change, change->wait_s, is_done, context);
}

bool change_wait_heard(struct change *change, bool (*is_done)(struct change *change, void *context),
                       void *context) {
    int64_t heard_s = change->wait_s < CHANGE_HEARD_S ? change->wait_s : CHANGE_HEARD_S;
    return wait_for(change, heard_s, is_done, context);
}

/* ---- replicas ---- */

static bool is_wanted(const struct status_shard *shard, const struct wish *wish) {
    bool is_same = shard->replica_count == wish->count;
    for (unsigned i = 0; is_same && i < wish->count; i++)
        is_same = shard->replicas[i] == wish->nodes[i];
    return is_same;
}

static void show_stage(struct change *change, const struct status_replica *leader) {
    char text[CHANGE_SHOWN_BYTES] = "waiting for the leader of the shard";
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
    change_show(change, text);
}

static bool is_settled(struct change *change, void *context) {
    const struct wish *wish = context;
    struct cluster_view view;
    char ignored[CLIENT_PROBLEM_BYTES];
    if (cluster_view_fetch(&view, &change->at, ignored))
        return false;
    bool is_done = false;
    for (size_t i = 0; i < view.asked.shard_count; i++) {
        const struct status_shard *shard = &view.asked.shards[i];
        is_done |= shard->number == wish->shard && is_wanted(shard, wish) && shard->is_settled;
    }
    if (!is_done)
        show_stage(change, cluster_view_leader(&view, wish->shard));
    cluster_view_release(&view);
    return is_done;
}

uint32_t change_node_at(const struct status *cluster, const struct net_address *client) {
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
        uint32_t number = change_node_at(cluster, &address);
        const char *wrong = what_is_wrong(wish, number);
        if (wrong) {
            snprintf(problem, CLIENT_PROBLEM_BYTES, "%s %s", word, wrong);
            return false;
        }
        wish->nodes[wish->count++] = number;
    }
    return true;
}

int change_ask_replicas(struct change *change, const struct wish *wish, char *problem) {
    char numbers[1 + TOPOLOGY_REPLICA_MAXIMUM][12];
    struct bytes arguments[3 + TOPOLOGY_REPLICA_MAXIMUM] = {BYTES_LITERAL("TROTHDB"),
                                                            BYTES_LITERAL("REPLICAS")};
    for (unsigned i = 0; i <= wish->count; i++) {
        snprintf(numbers[i], sizeof numbers[i], "%u", i ? wish->nodes[i - 1] : wish->shard);
        arguments[2 + i] = bytes_of_text(numbers[i]);
    }
    return cluster_ask_control(&change->at, arguments, 3 + wish->count, problem);
}

int change_replicas(struct change *change, const struct wish *wish) {
    char problem[CLIENT_PROBLEM_BYTES];
    int error = change_ask_replicas(change, wish, problem);
    if (error)
        return change_fail(change, cluster_asked_heading(error, "the control shard refused:"),
                           problem);
    struct wish wanted = *wish;
    if (!change_wait(change, is_settled, &wanted)) {
        return change_fail(change, "the replicas were asked for, but:",
                           "it is not done yet; the cluster goes on with it by itself, and "
                           "`trothdb cluster status` shows how far it is");
    }
    return EXIT_OK;
}

static bool has_shard(const struct status *cluster, uint32_t shard, char *problem) {
    for (size_t i = 0; i < cluster->shard_count; i++)
        if (cluster->shards[i].number == shard)
            return true;
    snprintf(problem, CLIENT_PROBLEM_BYTES,
             "there is no shard %u; `trothdb cluster status` lists them", shard);
    return false;
}

static int replicas(struct change *change, uint32_t shard, char *nodes) {
    struct wish wish = {.shard = shard};
    struct status cluster;
    char problem[CLIENT_PROBLEM_BYTES];
    if (status_fetch(&cluster, &change->at, CLUSTER_ASK_MS, problem))
        return change_fail(change, "the cluster cannot be asked:", problem);
    bool is_known =
        has_shard(&cluster, shard, problem) && read_nodes(&cluster, nodes, &wish, problem);
    status_release(&cluster);
    if (!is_known)
        return change_fail(change, "nothing was changed:", problem);
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
    if (cluster_view_fetch(&view, &change->at, succession->problem))
        return false;
    const struct status_replica *leader = cluster_view_leader(&view, succession->shard);
    const struct status_node *node = leader ? status_node(&view.asked, leader->leader) : NULL;
    bool is_done = node && node->number == succession->wanted;
    if (node && !is_done) {
        struct net_address address;
        status_node_client(node, &address);
        snprintf(text, sizeof text, "node %u leads and is asked to give it to node %u",
                 node->number, succession->wanted);
        change_show(change, text);
        snprintf(number[0], sizeof number[0], "%u", succession->shard);
        snprintf(number[1], sizeof number[1], "%u", succession->wanted);
        const struct bytes arguments[] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("TRANSFER"),
                                          bytes_of_text(number[0]), bytes_of_text(number[1])};
        if (cluster_tell(&address, arguments, 4, succession->problem))
            change_show(change, succession->problem);
        else
            snprintf(succession->problem, CLIENT_PROBLEM_BYTES,
                     "node %u was told to give it away and still leads; node %u did not take it: "
                     "does it answer, and has it caught up?",
                     node->number, succession->wanted);
    } else if (!node) {
        snprintf(succession->problem, CLIENT_PROBLEM_BYTES, "nobody leads the shard");
    }
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

static int leader(struct change *change, uint32_t shard, const struct net_address *wanted) {
    struct status cluster;
    char problem[CLIENT_PROBLEM_BYTES] = "";
    if (status_fetch(&cluster, &change->at, CLUSTER_ASK_MS, problem))
        return change_fail(change, "the cluster cannot be asked:", problem);
    struct succession succession = {
        .shard = shard, .wanted = change_node_at(&cluster, wanted), .problem = problem};
    struct wish wish = {.shard = shard};
    bool is_known = has_shard(&cluster, shard, problem);
    bool is_possible = is_known && prefer(&cluster, succession.wanted, &wish);
    status_release(&cluster);
    if (!is_possible) {
        return change_fail(
            change, "the lead stays where it is:",
            is_known ? "the node named holds no replica of that shard; `trothdb cluster status` "
                       "lists who does"
                     : problem);
    }
    if (!change_wait(change, has_succeeded, &succession))
        return change_fail(change, "the lead stays where it is:", problem);
    int status = change_replicas(change, &wish);
    return status ? status : cluster_print(&change->at, change->is_json);
}

/* ---- the command line ---- */

#define CLUSTER_NO_SHARD "'%s' is no shard: write its number, such as 3"

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
        (struct change){.wait_s = CHANGE_WAIT_S_DEFAULT, .redraws = window_redraws(STDERR_FILENO)};
    const struct flag flags[] = {{.name = "at", .text = &at},
                                 {.name = "wait", .number = &change->wait_s, .maximum = 86400},
                                 {.name = "json", .is_set = &change->is_json},
                                 {0}};
    char problem[CLIENT_PROBLEM_BYTES];
    if (flags_read(flags, name, argc, argv, &count))
        return ERR_INVALID;
    if (count != operands) {
        cluster_usage_operands(change->is_json, line, argv, count, operands);
        return ERR_INVALID;
    }
    if (!at[0]) {
        cluster_usage(change->is_json, line, CLUSTER_AT_MISSING);
        return ERR_INVALID;
    }
    if (client_address(&change->at, at, problem)) {
        refusal_tell("cluster", change->is_json, "%s", problem);
        return ERR_INVALID;
    }
    return 0;
}

int cluster_replicas(int argc, char **argv) {
    struct change change;
    uint32_t shard;
    if (change_read(&change, "cluster replicas", CLUSTER_REPLICAS_LINE, argc, argv, 2))
        return EXIT_USAGE;
    if (!read_shard(argv[0], &shard))
        return cluster_usage(change.is_json, CLUSTER_REPLICAS_LINE, CLUSTER_NO_SHARD, argv[0]);
    return replicas(&change, shard, argv[1]);
}

int cluster_leader(int argc, char **argv) {
    struct change change;
    struct net_address wanted;
    uint32_t shard;
    char problem[CLIENT_PROBLEM_BYTES];
    if (change_read(&change, "cluster leader", CLUSTER_LEADER_LINE, argc, argv, 2))
        return EXIT_USAGE;
    if (!read_shard(argv[0], &shard))
        return cluster_usage(change.is_json, CLUSTER_LEADER_LINE, CLUSTER_NO_SHARD, argv[0]);
    if (client_address(&wanted, argv[1], problem)) {
        refusal_tell("cluster", change.is_json, "%s", problem);
        return EXIT_USAGE;
    }
    return leader(&change, shard, &wanted);
}
