/* `trothdb cluster create`: all spares are asked, then told. */
#include <stdio.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/client/cluster_found.h"
#include "cli/cluster/subcommands.h"
#include "cli/terminal/refusal.h"

enum { READY_POLL_MS = 50, WAIT_TOLD_AFTER_MS = 1000 };

/* ---- showing what is waited for ---- */

/* What is waited for before there is a cluster. */
struct waiting {
    uint64_t begun_ms;
    bool is_redrawn, is_silent, is_told;
};

/* Redrawn where that can be done; elsewhere one line, and only if it takes its time. */
static void show_waiting(void *context, unsigned count, const struct net_address *client) {
    struct waiting *waiting = context;
    char text[STATUS_ADDRESS_BYTES], others[32] = "";
    bool is_due = client_now_ms() >= waiting->begun_ms + WAIT_TOLD_AFTER_MS;
    if (waiting->is_silent || (!waiting->is_redrawn && (waiting->is_told || !is_due)))
        return;
    net_address_format(client, text);
    if (count > 1)
        snprintf(others, sizeof others, " and %u more", count - 1);
    fprintf(stderr, "%swaiting for %s%s to answer%s", waiting->is_redrawn ? "\r\033[K" : "", text,
            others, waiting->is_redrawn ? "" : "\n");
    fflush(stderr);
    waiting->is_told = true;
}

static int found(const struct order *order, struct founding *founding, struct buffer *problem) {
    char cluster[STATUS_CLUSTER_BYTES];
    struct waiting waiting = {
        .begun_ms = client_now_ms(), .is_redrawn = order->redraws, .is_silent = order->is_json};
    founding->waits = show_waiting;
    founding->context = &waiting;
    int error = cluster_found(founding, cluster, problem);
    if (waiting.is_told && waiting.is_redrawn)
        fputs("\r\033[K", stderr);
    return error;
}

/* Where a line can be drawn again, and nowhere else. */
static bool wait_until_ready(const struct order *order, const struct founding *founding) {
    bool is_shown = order->redraws && !order->is_json;
    uint64_t deadline_ms = client_now_ms() + CLUSTER_READY_MS;
    unsigned ready = 0;
    while (ready < founding->node_count && client_now_ms() < deadline_ms) {
        ready = cluster_count_ready(&founding->clients[0]);
        if (is_shown)
            fprintf(stderr, "\r%u of %u nodes see a leader for every shard", ready,
                    founding->node_count);
        if (ready < founding->node_count)
            usleep(READY_POLL_MS * 1000);
    }
    if (is_shown)
        fputs("\r\033[K", stderr);
    return ready == founding->node_count;
}

/* ---- doing it ---- */

static int await(const struct order *order, const struct founding *founding,
                 struct bytes not_taken) {
    if (not_taken.length) {
        fprintf(stderr,
                "trothdb cluster: some nodes have not taken it yet; the others will tell them:\n"
                "%.*s\n",
                BYTES_PRINT(not_taken));
    }
    if (wait_until_ready(order, founding))
        return order_print(order);
    return order_fail(order, "the cluster was founded, but:",
                      "not every node saw a leader for every shard within 30 s; "
                      "`trothdb cluster status` shows who is missing");
}

static int create(const struct order *order, struct founding *founding) {
    struct buffer problem;
    buffer_init(&problem, CLUSTER_PROBLEM_BYTES * founding->node_count);
    int error = found(order, founding, &problem);
    int status =
        error == 0 ? await(order, founding, buffer_bytes(&problem))
        : error == ERR_REFUSED
            ? order_fail_long(
                  order, "no cluster was made, and nothing was changed:", buffer_bytes(&problem))
            : order_fail_long(order,
                              "no node has confirmed the topology; see with `trothdb cluster "
                              "status` whether one took it, before you try again:",
                              buffer_bytes(&problem));
    buffer_release(&problem);
    return status;
}

static int create_of(struct order *order, struct founding *founding) {
    struct net_address *clients =
        memory_allocate_zeroed(founding->node_count, sizeof(struct net_address));
    int status = EXIT_OK;
    for (unsigned i = 0; i < founding->node_count && !status; i++)
        status = order_read_address(order, order->operands[i], &clients[i]);
    order->at = clients[0];
    founding->clients = clients;
    if (!status)
        status = create(order, founding);
    memory_free(clients);
    return status;
}

int cluster_create(struct order *order) {
    int64_t shards = CLUSTER_SHARDS_DEFAULT, replicas = CLUSTER_REPLICAS_DEFAULT;
    const struct flag flags[] = {
        {.name = "shards", .number = &shards, .minimum = 1, .maximum = TOPOLOGY_SHARD_MAXIMUM},
        {.name = "replicas",
         .number = &replicas,
         .minimum = 1,
         .maximum = TOPOLOGY_REPLICA_MAXIMUM},
        {0},
    };
    int status = order_read(order, flags), count = order->operand_count;
    if (status)
        return status;
    if (count == 0 || count > TOPOLOGY_NODE_MAXIMUM)
        return order_usage(order, "name 1 to %d nodes by their client ports",
                           TOPOLOGY_NODE_MAXIMUM);
    if (replicas > count) {
        refusal_tell("cluster", order->is_json,
                     "%lld replicas need %lld nodes, and %d %s named; name more or give "
                     "--replicas %d",
                     (long long)replicas, (long long)replicas, count, count == 1 ? "is" : "are",
                     count);
        return EXIT_USAGE;
    }
    struct founding founding = {.node_count = (unsigned)count,
                                .shard_count = (unsigned)shards,
                                .replica_count = (unsigned)replicas,
                                .wait_ms = (unsigned)order->wait_s * 1000};
    return create_of(order, &founding);
}
