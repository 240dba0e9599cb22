/* `trothdb cluster recover`: the operator names the nodes that are left, the others are lost for
 * good. Says what is kept and what may be lost, asks, and then
 *
 *   1. the control shard goes on from its most advanced replica, if it lost its majority too
 *   2. the control shard takes the lost nodes out, and names for each shard without a majority the
 *      most advanced replica that is left, which makes it go on
 *
 * Nothing here can be undone, so it begins by making sure that the lost nodes do not answer. */
#include <stdio.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/client/cluster_ask.h"
#include "cli/client/cluster_view.h"
#include "cli/cluster/recovery.h"
#include "cli/cluster/replicas.h"
#include "cli/cluster/subcommands.h"
#include "cluster/topology.h"

enum { RECOVER_TEXT_BYTES = 64 << 10 };

static bool confirms(const struct recovery *recovery) {
    char answer[16] = "";
    if (recovery->is_confirmed)
        return true;
    if (recovery->order->is_json || !isatty(STDIN_FILENO))
        return false;
    printf("\nGive these nodes up? Type \"yes\": ");
    fflush(stdout);
    return fgets(answer, sizeof answer, stdin) && strcmp(answer, "yes\n") == 0;
}

/* ---- doing it ---- */

struct control_recovery {
    struct net_address address; /* of the replica that is to go on */
    char *problem;              /* the last refusal */
};

/* Asked until it is so: a node goes on hoping for the others for a while, a leader too. */
static bool leads_control(struct order *order, void *context) {
    const struct control_recovery *control = context;
    const struct bytes arguments[] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("RECOVER")};
    struct status status;
    order_show(order, "the control shard goes on from one replica");
    if (cluster_tell(&control->address, arguments, 2, control->problem) ||
        status_fetch(&status, &control->address, CLUSTER_ASK_MS, control->problem))
        return false;
    const struct status_replica *replica = status_replica(&status, 0);
    bool leads = replica && strcmp(replica->role, "leader") == 0;
    status_release(&status);
    return leads;
}

static int recover_control(struct recovery *recovery) {
    char problem[CLIENT_PROBLEM_BYTES] = "";
    struct control_recovery control = {.problem = problem};
    uint32_t best;
    recovery_fate(recovery, &recovery->newest->shards[0], &best);
    status_node_client(status_node(recovery->newest, best), &control.address);
    recovery->order->at = control.address;
    return order_wait(recovery->order, leads_control, &control)
               ? EXIT_OK
               : order_fail(recovery->order, "the control shard was not recovered:", problem);
}

static int fetch_topology(const struct status *of, struct buffer *encoded, char *problem) {
    const struct bytes arguments[] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("TOPOLOGY")};
    struct net_address address;
    struct client client;
    struct response reply;
    status_node_client(status_node(of, of->self), &address);
    int error = client_open(&client, &address, CLUSTER_ASK_MS);
    if (!error)
        error = client_call(&client, arguments, 2, &reply);
    if (error) {
        memcpy(problem, client.problem, CLIENT_PROBLEM_BYTES);
    } else {
        buffer_append_bytes(encoded, reply.text);
        response_release(&reply);
    }
    client_close(&client);
    return error;
}

static unsigned level_of(struct bytes encoded) {
    struct topology *topology;
    if (topology_decode(encoded, &topology))
        return 0;
    unsigned level = topology->level;
    topology_free(topology);
    return level;
}

/* A release without levels knows no such question: it has level 0. */
static int fetch_newest(struct recovery *recovery) {
    char problem[CLIENT_PROBLEM_BYTES];
    int error = fetch_topology(recovery->newest, &recovery->topology, problem);
    if (error && error != ERR_REFUSED)
        return order_fail(recovery->order, "nothing was changed:", problem);
    recovery->level = error ? 0 : level_of(buffer_bytes(&recovery->topology));
    return EXIT_OK;
}

/* The replica of the control shard that goes on may not have heard what the lost ones decided last.
 * Nodes that are left may: their newest topology is what counts. At level 0 the control shard does
 * not know how to take it, and goes on from what the replica has. */
static int restore_topology(struct recovery *recovery) {
    const struct bytes words[] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("TOPOLOGY"),
                                  buffer_bytes(&recovery->topology)};
    return recovery->level == 0
               ? EXIT_OK
               : order_ask(recovery->order, "the newest topology was not kept:", words, 3);
}

/* A node that is left and has not heard yet would still vote with one that was given up. */
static bool is_recovered(struct order *order, void *context) {
    (void)context;
    struct cluster_view view;
    char ignored[CLIENT_PROBLEM_BYTES], text[ORDER_SHOWN_BYTES];
    if (cluster_view_fetch(&view, &order->at, ignored))
        return false;
    size_t done = 0;
    for (size_t i = 0; i < view.asked.shard_count; i++) {
        const struct status_shard *shard = &view.asked.shards[i];
        done += shard->is_settled && cluster_view_leader(&view, shard->number) != NULL;
    }
    size_t unaware = cluster_view_count_unaware(&view);
    snprintf(text, sizeof text, "%zu of %zu shards serve again, %zu nodes have to hear of it", done,
             view.asked.shard_count, unaware);
    order_show(order, text);
    bool is_done = done == view.asked.shard_count && unaware == 0;
    cluster_view_release(&view);
    return is_done;
}

/* Nodes that are wanted and lost, where the old ones that vote still can go on by themselves. */
static bool is_wanted_in_vain(const struct recovery *recovery, const struct status_shard *shard) {
    uint32_t best;
    unsigned left = 0;
    for (unsigned i = 0; i < shard->replica_count; i++)
        left += recovery_is_left(recovery, shard->replicas[i]);
    return recovery_fate(recovery, shard, &best) == RECOVERY_GOES_ON &&
           left * 2 <= shard->replica_count;
}

/* A change that was under way is asked back to those that vote and are left: as the others go, it
 * could not be followed any more. */
static int take_wishes_back(struct recovery *recovery) {
    int status = EXIT_OK;
    for (size_t i = 0; i < recovery->newest->shard_count && !status; i++) {
        const struct status_shard *shard = &recovery->newest->shards[i];
        struct wish wish = {.shard = shard->number};
        uint32_t best;
        if (!is_wanted_in_vain(recovery, shard))
            continue;
        const struct raft_configuration *members = &recovery_best(recovery, shard, &best)->members;
        for (unsigned j = 0; j < members->voter_count; j++)
            if (recovery_is_left(recovery, members->voters[j]))
                wish.nodes[wish.count++] = members->voters[j];
        status = replicas_make(recovery->order, &wish);
    }
    return status;
}

static int ask_back(struct recovery *recovery, const struct status_shard *shard, uint32_t best) {
    struct wish wish = {.shard = shard->number, .nodes = {best}, .count = 1};
    for (unsigned i = 0; i < shard->replica_count && wish.count < TOPOLOGY_REPLICA_MAXIMUM; i++)
        if (recovery_is_left(recovery, shard->replicas[i]))
            wish.nodes[wish.count++] = shard->replicas[i];
    return replicas_ask(recovery->order, "the old replica was not asked back:", &wish);
}

/* A cluster at feature level 0 makes none go on but a replica that is wanted (cluster/feature.def),
 * and in the middle of a change that is not who has the data. It is asked back; nobody can follow
 * that wish yet, but the replica is one of those that are wanted then. */
static int ask_survivors_back(struct recovery *recovery) {
    int status = EXIT_OK;
    for (size_t i = 0; i < recovery->newest->shard_count && !status && recovery->level == 0; i++) {
        const struct status_shard *shard = &recovery->newest->shards[i];
        uint32_t best;
        if (recovery_fate(recovery, shard, &best) == RECOVERY_BEGINS &&
            !status_shard_wants(shard, best))
            status = ask_back(recovery, shard, best);
    }
    return status;
}

static int give_up_the_lost(struct recovery *recovery) {
    const struct bytes words[] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("LOST"),
                                  buffer_bytes(&recovery->lost), buffer_bytes(&recovery->choices)};
    return order_ask(recovery->order, "the nodes were not given up:", words, 4);
}

static int carry_out(struct recovery *recovery) {
    int status = fetch_newest(recovery);
    if (!status && recovery->is_control_lost)
        status = recover_control(recovery);
    if (!status && recovery->is_control_lost)
        status = restore_topology(recovery);
    if (!status)
        status = take_wishes_back(recovery);
    if (!status)
        status = ask_survivors_back(recovery);
    if (!status)
        status = give_up_the_lost(recovery);
    if (status)
        return status;
    if (!order_wait(recovery->order, is_recovered, NULL)) {
        return order_fail(recovery->order, "the nodes were given up, but:",
                          "not every shard serves yet, or a node has not heard of it; `trothdb "
                          "cluster status` shows which");
    }
    return order_print(recovery->order);
}

static int say_and_ask(struct recovery *recovery) {
    struct buffer out;
    buffer_init(&out, RECOVER_TEXT_BYTES << 6);
    bool is_shown = !recovery->order->is_json || recovery->is_dry;
    if (recovery->order->is_json)
        recovery_plan_json(recovery, &out);
    else
        recovery_plan_print(recovery, &out);
    if (is_shown)
        fwrite(buffer_data(&out), 1, out.length, stdout);
    buffer_release(&out);
    if (recovery->is_dry)
        return EXIT_OK;
    return confirms(recovery)
               ? carry_out(recovery)
               : order_fail(recovery->order, "nothing was changed:",
                            "the recovery was not confirmed; --yes does it without a question");
}

/* ---- who is left ---- */

struct look {
    struct recovery *recovery;
    int status;
    uint32_t shard, node; /* what is waited for */
};

static bool has_all_come(struct order *order, void *context) {
    struct look *look = context;
    char text[ORDER_SHOWN_BYTES];
    look->status = recovery_ask_survivors(look->recovery);
    if (look->status || !recovery_is_coming(look->recovery, &look->shard, &look->node))
        return true;
    snprintf(text, sizeof text,
             "node %u takes in a snapshot of shard %u that is newer than what the others have",
             look->node, look->shard);
    order_show(order, text);
    return false;
}

/* The replicas are judged by what they have. One that is on its way to be the most advanced would
 * be passed over, and what it alone has be lost. */
static int survey(struct recovery *recovery) {
    struct look look = {.recovery = recovery};
    char why[CLIENT_PROBLEM_BYTES];
    if (order_wait(recovery->order, has_all_come, &look))
        return look.status;
    snprintf(why, sizeof why,
             "node %u still takes in a snapshot of shard %u that is newer than what the others "
             "have; ask again, or give it longer by --wait",
             look.node, look.shard);
    return order_fail(recovery->order, "nothing was changed:", why);
}

static int recover(struct recovery *recovery) {
    buffer_init(&recovery->lost, RECOVER_TEXT_BYTES);
    buffer_init(&recovery->choices, RECOVER_TEXT_BYTES);
    buffer_init(&recovery->topology, TOPOLOGY_BYTES_MAXIMUM);
    int status = recovery_name_survivors(recovery, recovery->order->operands[0]);
    if (!status)
        status = survey(recovery);
    if (!status)
        status = recovery_list_lost(recovery);
    if (!status)
        status = recovery_judge(recovery);
    if (!status)
        status = say_and_ask(recovery);
    recovery_release_survivors(recovery);
    buffer_release(&recovery->lost);
    buffer_release(&recovery->choices);
    buffer_release(&recovery->topology);
    return status;
}

int cluster_recover(struct order *order) {
    struct recovery *recovery = memory_allocate_zeroed(1, sizeof *recovery);
    const struct flag flags[] = {{.name = "yes", .is_set = &recovery->is_confirmed},
                                 {.name = "dry-run", .is_set = &recovery->is_dry},
                                 {0}};
    recovery->order = order;
    int status = order_read(order, flags);
    if (!status)
        status = recover(recovery);
    memory_free(recovery);
    return status;
}
