/* The drill: real nodes on this machine, writers and readers that check every answer, and what goes
 * wrong in earnest, one thing after the other. Each step of the script waits until every writer
 * goes on, and is a line of the timeline. */
#include "cli/drill/drill.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/client/cluster_found.h"
#include "cli/client/cluster_view.h"
#include "cli/terminal/figure.h"
#include "cli/terminal/flags.h"
#include "cli/terminal/refusal.h"

enum {
    DRILL_NODES_DEFAULT = 3,
    DRILL_PORT_DEFAULT = 7301,
    DRILL_PORT_MAXIMUM = 55000,
    DRILL_SHARDS = 4,
    DRILL_WRITERS = 8,
    DRILL_READERS = 4,
    DRILL_FOUND_TRIES = 100,
    DRILL_POLL_MS = 20
};

/* ---- the cluster ---- */

/* Spares refuse until each has told all the others, which takes them a moment. */
static int found(struct drill *drill) {
    struct net_address clients[DEMO_NODE_MAXIMUM];
    for (unsigned i = 0; i < drill->nodes.count; i++)
        clients[i] = drill->nodes.nodes[i].client;
    unsigned replicas = drill->nodes.count < CLUSTER_REPLICAS_DEFAULT ? drill->nodes.count
                                                                      : CLUSTER_REPLICAS_DEFAULT;
    struct founding founding = {.clients = clients,
                                .node_count = drill->nodes.count,
                                .shard_count = DRILL_SHARDS,
                                .replica_count = replicas,
                                .wait_ms = CLUSTER_STARTING_MS};
    char cluster[STATUS_CLUSTER_BYTES];
    struct buffer problem;
    buffer_init(&problem, CLUSTER_PROBLEM_BYTES * DEMO_NODE_MAXIMUM);
    int error = ERR_REFUSED;
    for (unsigned i = 0; error && i < DRILL_FOUND_TRIES; i++) {
        buffer_clear(&problem);
        error = demo_nodes_watch(&drill->nodes, DRILL_POLL_MS);
        if (error)
            break;
        error = cluster_found(&founding, cluster, &problem);
        buffer_append_u8(&problem, '\0');
        if (error)
            drill_fail(drill, (const char *)buffer_data(&problem));
    }
    buffer_release(&problem);
    return error;
}

static int start(struct drill *drill) {
    int error = 0;
    for (unsigned i = 0; i < drill->nodes.count && !error; i++)
        error = demo_node_start(&drill->nodes, i);
    if (!error)
        error = found(drill);
    return error ? error : drill_await_whole(drill);
}

static void start_load(struct drill *drill) {
    struct net_address clients[DEMO_NODE_MAXIMUM];
    for (unsigned i = 0; i < drill->nodes.count; i++)
        clients[i] = drill->nodes.nodes[i].client;
    drill->load = drill_load_new(&(struct drill_load_options){.nodes = clients,
                                                              .node_count = drill->nodes.count,
                                                              .writer_count = DRILL_WRITERS,
                                                              .reader_count = DRILL_READERS});
    drill_load_start(drill->load);
}

/* ---- the command ---- */

static int run(struct drill *drill) {
    char problem[DRILL_PROBLEM_BYTES] = "";
    int error = start(drill);
    if (error)
        return error;
    if (!drill->is_json) {
        printf("%u nodes in %s, %d shards; %d writers and %d readers check every answer\n\n"
               "      time  %-52s %10s %10s   shards led\n",
               drill->nodes.count, drill->nodes.directory, DRILL_SHARDS, DRILL_WRITERS,
               DRILL_READERS, "what happens", "worst gap", "writes/s");
    }
    start_load(drill);
    error = drill_script(drill);
    bool is_read = drill_load_finish(drill->load, problem) == 0;
    if (!error && !is_read)
        error = drill_fail(drill, problem);
    return error;
}

/* Small logs, so that a small disk holds one, and a full disk is felt soon. */
static void read_flags_into(struct drill *drill) {
    static const char *const flags[] = {"--enable-debug-command",
                                        "local",
                                        "--wal-segment-bytes",
                                        "1mb",
                                        "--wal-spare-segments",
                                        "1",
                                        "--wal-reserve-bytes",
                                        "256kb",
                                        "--snapshot-log-bytes",
                                        "4mb",
                                        NULL};
    static_assert(sizeof flags <= sizeof drill->nodes.flags, "room for the flags");
    memcpy(drill->nodes.flags, flags, sizeof flags);
}

/* What is in memory cannot be kept. */
static void make_disk(struct drill *drill, bool is_kept) {
    if (is_kept) {
        snprintf(drill->disk.problem, sizeof drill->disk.problem,
                 "--keep, and a disk in memory cannot be kept");
    } else if (drill_disk_mount(&drill->disk, drill->nodes.nodes[DRILL_SMALL_DISK].directory) ==
               0) {
        return;
    }
    if (!drill->is_json)
        printf("a full disk is left out: %s\n", drill->disk.problem);
}

struct drill_wish {
    int64_t node_count, port;
    const char *directory;
    bool is_kept;
};

static int read_wish(int argc, char **argv, struct drill *drill, struct drill_wish *wish) {
    *wish = (struct drill_wish){.node_count = DRILL_NODES_DEFAULT, .port = DRILL_PORT_DEFAULT};
    const struct flag flags[] = {
        {.name = "nodes", .number = &wish->node_count, .minimum = 3, .maximum = DEMO_NODE_MAXIMUM},
        {.name = "port", .number = &wish->port, .minimum = 1024, .maximum = DRILL_PORT_MAXIMUM},
        {.name = "dir", .text = &wish->directory},
        {.name = "keep", .is_set = &wish->is_kept},
        {.name = "short", .is_set = &drill->is_short},
        {.name = "json", .is_set = &drill->is_json},
        {0},
    };
    int operands;
    int error = flags_read(flags, "drill", argc, argv, &operands);
    if (!error && operands)
        refusal_tell("drill", drill->is_json,
                     "it takes flags only; `trothdb help drill` tells all");
    return error || operands ? EXIT_USAGE : 0;
}

int drill_run(int argc, char **argv) {
    struct drill *drill = memory_allocate_zeroed(1, sizeof *drill);
    struct drill_wish wish;
    int usage = read_wish(argc, argv, drill, &wish);
    if (usage) {
        memory_free(drill);
        return usage;
    }
    drill->started_us = figure_now_us();
    int error =
        demo_nodes_init(&drill->nodes, (unsigned)wish.node_count, (int)wish.port, wish.directory);
    read_flags_into(drill);
    if (!error) {
        make_disk(drill, wish.is_kept);
        error = run(drill);
    }
    int exit_code = drill_report(drill, error);
    if (wish.is_kept && !drill->is_json)
        printf("kept: %s\n", drill->nodes.directory);
    drill_disk_release(&drill->disk);
    demo_nodes_release(&drill->nodes, wish.is_kept);
    drill_load_free(drill->load);
    memory_free(drill);
    return exit_code;
}
