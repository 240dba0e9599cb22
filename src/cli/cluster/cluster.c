#include "cli/cluster/cluster.h"

#include <unistd.h>

#include "base/memory.h"
#include "cli/terminal/flags.h"
#include "cli/terminal/refusal.h"
#include "cli/terminal/window.h"

/* ---- create ---- */

static void show_ready(unsigned ready, unsigned count, bool is_shown) {
    if (is_shown) {
        fprintf(stderr, "\r%u of %u nodes see a leader for every shard", ready, count);
        fflush(stderr);
    }
}

enum { WAIT_TOLD_AFTER_MS = 1000, WAIT_MAXIMUM_S = 86400 };

/* What is waited for before there is a cluster. */
struct waiting {
    uint64_t begun_ms;
    bool is_redrawn, is_silent, is_told;
};

/* Redrawn where that can be done; elsewhere one line, and only if it takes its time. */
static void show_waiting(void *context, unsigned count, const struct net_address *client) {
    struct waiting *waiting = context;
    char text[STATUS_ADDRESS_BYTES], others[32] = "";
    bool is_due = cluster_now_ms() >= waiting->begun_ms + WAIT_TOLD_AFTER_MS;
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

static int found(struct founding *founding, bool is_json, char cluster[STATUS_CLUSTER_BYTES],
                 struct buffer *problem) {
    struct waiting waiting = {.begun_ms = cluster_now_ms(),
                              .is_redrawn = window_redraws(STDERR_FILENO),
                              .is_silent = is_json};
    founding->waits = show_waiting;
    founding->context = &waiting;
    int error = cluster_found(founding, cluster, problem);
    if (waiting.is_told && waiting.is_redrawn)
        fputs("\r\033[K", stderr);
    return error;
}

static bool wait_until_ready(const struct founding *founding, bool is_shown) {
    uint64_t deadline_ms = cluster_now_ms() + CLUSTER_READY_MS;
    unsigned ready = 0;
    while (ready < founding->node_count && cluster_now_ms() < deadline_ms) {
        ready = cluster_count_ready(&founding->clients[0]);
        show_ready(ready, founding->node_count, is_shown);
        if (ready < founding->node_count)
            usleep(CLUSTER_POLL_MS * 1000);
    }
    if (is_shown)
        fputs("\r\033[K", stderr);
    return ready == founding->node_count;
}

static int create_with(struct founding *founding, bool is_json) {
    char cluster[STATUS_CLUSTER_BYTES];
    struct buffer problem;
    buffer_init(&problem, CLUSTER_PROBLEM_BYTES * founding->node_count);
    int status;
    int error = found(founding, is_json, cluster, &problem);
    if (error) {
        status = cluster_fail(
            is_json,
            error == ERR_REFUSED
                ? "no cluster was made, and nothing was changed:"
                : "no node has confirmed the topology; see with `trothdb cluster status` "
                  "whether one took it, before you try again:",
            buffer_bytes(&problem));
        buffer_release(&problem);
        return status;
    }
    if (problem.length) {
        fprintf(stderr,
                "trothdb cluster: some nodes have not taken it yet; the others will tell them:\n"
                "%.*s\n",
                BYTES_PRINT(buffer_bytes(&problem)));
    }
    if (wait_until_ready(founding, !is_json && window_redraws(STDERR_FILENO))) {
        status = cluster_print(&founding->clients[0], is_json);
    } else {
        status =
            cluster_fail(is_json, "the cluster was founded, but:",
                         BYTES_LITERAL("not every node saw a leader for every shard within 30 s; "
                                       "`trothdb cluster status` shows who is missing"));
    }
    buffer_release(&problem);
    return status;
}

static struct net_address *parse_addresses(char **texts, int count, bool is_json) {
    struct net_address *addresses = memory_allocate_zeroed((size_t)count, sizeof *addresses);
    for (int i = 0; i < count; i++) {
        char problem[CLIENT_PROBLEM_BYTES];
        if (client_address(&addresses[i], texts[i], problem)) {
            refusal_tell("cluster", is_json, "%s", problem);
            memory_free(addresses);
            return NULL;
        }
    }
    return addresses;
}

static int create(int argc, char **argv) {
    int64_t shards = CLUSTER_SHARDS_DEFAULT, replicas = CLUSTER_REPLICAS_DEFAULT;
    int64_t wait_s = CLUSTER_STARTING_MS / 1000;
    bool is_json = false;
    int count;
    const struct flag flags[] = {
        {.name = "shards", .number = &shards, .minimum = 1, .maximum = TOPOLOGY_SHARD_MAXIMUM},
        {.name = "replicas",
         .number = &replicas,
         .minimum = 1,
         .maximum = TOPOLOGY_REPLICA_MAXIMUM},
        {.name = "wait", .number = &wait_s, .maximum = WAIT_MAXIMUM_S},
        {.name = "json", .is_set = &is_json},
        {0},
    };
    if (flags_read(flags, "cluster create", argc, argv, &count))
        return EXIT_USAGE;
    if (count == 0 || count > TOPOLOGY_NODE_MAXIMUM)
        return cluster_usage(is_json, CLUSTER_CREATE_LINE,
                             "name 1 to %d nodes by their client ports", TOPOLOGY_NODE_MAXIMUM);
    if (replicas > count) {
        refusal_tell("cluster", is_json,
                     "%lld replicas need %lld nodes, and %d %s named; name more or give "
                     "--replicas %d",
                     (long long)replicas, (long long)replicas, count, count == 1 ? "is" : "are",
                     count);
        return EXIT_USAGE;
    }
    struct net_address *clients = parse_addresses(argv, count, is_json);
    if (!clients)
        return EXIT_USAGE;
    struct founding founding = {.clients = clients,
                                .node_count = (unsigned)count,
                                .shard_count = (unsigned)shards,
                                .replica_count = (unsigned)replicas,
                                .wait_ms = (unsigned)wait_s * 1000};
    int status = create_with(&founding, is_json);
    memory_free(clients);
    return status;
}

/* ---- status ---- */

/* Which node is asked is an operand or, as for all other subcommands, --at. */
static int status(int argc, char **argv) {
    const char *at = NULL;
    bool is_json = false;
    int count;
    const struct flag flags[] = {
        {.name = "at", .text = &at}, {.name = "json", .is_set = &is_json}, {0}};
    if (flags_read(flags, "cluster status", argc, argv, &count))
        return EXIT_USAGE;
    if (count > !at)
        return cluster_usage_operands(is_json, CLUSTER_STATUS_LINE, argv, count, !at);
    char *asked = (char *)(at ? at : count ? argv[0] : CLIENT_ADDRESS_DEFAULT);
    struct net_address *client = parse_addresses(&asked, 1, is_json);
    if (!client)
        return EXIT_USAGE;
    int exit_code = cluster_print(client, is_json);
    memory_free(client);
    return exit_code;
}

static const struct {
    const char *name, *line;
    int (*run)(int argc, char **argv);
} SUBCOMMANDS[] = {
    {"create", CLUSTER_CREATE_LINE, create},
    {"status", CLUSTER_STATUS_LINE, status},
    {"add", CLUSTER_ADD_LINE, cluster_add},
    {"replicas", CLUSTER_REPLICAS_LINE, cluster_replicas},
    {"leader", CLUSTER_LEADER_LINE, cluster_leader},
    {"remove", CLUSTER_REMOVE_LINE, cluster_remove},
    {"replace", CLUSTER_REPLACE_LINE, cluster_replace},
    {"recover", CLUSTER_RECOVER_LINE, cluster_recover},
    {"set", CLUSTER_SET_LINE, cluster_set},
    {"unset", CLUSTER_UNSET_LINE, cluster_unset},
    {"settings", CLUSTER_SETTINGS_LINE, cluster_settings},
};

int cluster_run(int argc, char **argv) {
    size_t count = sizeof(SUBCOMMANDS) / sizeof(SUBCOMMANDS[0]);
    for (size_t i = 0; argc > 0 && i < count; i++)
        if (strcmp(argv[0], SUBCOMMANDS[i].name) == 0)
            return SUBCOMMANDS[i].run(argc - 1, argv + 1);
    if (argc > 0)
        refusal_tell("cluster", refusal_is_json(argc, argv), "there is no '%s'", argv[0]);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "%s trothdb cluster %s\n", i ? "      " : "usage:", SUBCOMMANDS[i].line);
    fputs("`trothdb help cluster` tells more\n", stderr);
    return EXIT_USAGE;
}
