/* The demo: the pledge kept before your eyes, on real input. Three acts on one cluster:
 *
 *     nodes start -> find each other -> cluster     show_nodes, show_founding
 *     rows load -> a leader dies -> rows load on    show_load, show_kill
 *     every row is read back; the dead returns      show_read_back, show_return               */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/exit_code.h"
#include "base/memory.h"
#include "cli/client/cluster_found.h"
#include "cli/client/cluster_view.h"
#include "cli/demo/demo.h"
#include "cli/demo/loader.h"
#include "cli/nodes/demo_nodes.h"
#include "cli/terminal/figure.h"
#include "cli/terminal/flags.h"
#include "cli/terminal/grid.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/window.h"

enum {
    DEMO_NODES_DEFAULT = 3,
    DEMO_PORT_DEFAULT = 7001,
    DEMO_PORT_MAXIMUM = 55000,
    DEMO_START_MS = 15000,
    DEMO_CATCH_UP_MS = 60000,
    DEMO_POLL_TIME_MS = 20,
    DEMO_TURN_MS = 20,
    DEMO_OUTPUT_BYTES_MAXIMUM = 1 << 20,
    DEMO_NODES_TO_SURVIVE = 3 /* fewer have no majority without one of them */
};

struct demo {
    struct demo_nodes nodes;
    struct packages packages;
    struct loader *loader;
    bool is_terminal, redraws;
    unsigned victim; /* index of the node that was killed */
    uint64_t killed_us;
    uint64_t started_us;
    size_t row_maximum; /* 0: all there are */
    char loader_problem[CLIENT_PROBLEM_BYTES];
};

/* ---- saying ---- */

static void heading(const struct demo *demo, const char *text) {
    printf(demo->redraws && !getenv("NO_COLOR") ? "\n\033[1m%s\033[0m\n" : "\n%s\n", text);
    fflush(stdout);
}

static int fail(struct demo *demo, const char *why) {
    if (why != demo->nodes.problem)
        snprintf(demo->nodes.problem, sizeof demo->nodes.problem, "%s", why);
    return ERR_REFUSED;
}

/* What a narrow window can do without comes first. */
static const char *const least_columns[] = {"process", "peers at", "metrics at", NULL};

static void print_grid(struct grid *grid) {
    struct buffer out;
    buffer_init(&out, DEMO_OUTPUT_BYTES_MAXIMUM);
    grid_print_in_window(grid, &out, "   ", least_columns);
    fwrite(buffer_data(&out), 1, out.length, stdout);
    fflush(stdout);
    buffer_release(&out);
}

/* Polls until `is_met`; watches the nodes meanwhile. */
static int wait_until(struct demo *demo, bool (*is_met)(struct demo *demo), int timeout_ms,
                      const char *what) {
    uint64_t deadline_us = figure_now_us() + (uint64_t)timeout_ms * 1000;
    while (!is_met(demo)) {
        int error = demo_nodes_watch(&demo->nodes, DEMO_POLL_TIME_MS);
        if (error)
            return error;
        if (figure_now_us() >= deadline_us)
            return fail(demo, what);
    }
    return 0;
}

/* ---- the nodes find each other ---- */

static unsigned count_seen_alive(const struct net_address *client) {
    struct status status;
    char ignored[CLIENT_PROBLEM_BYTES];
    unsigned alive = 0;
    if (status_fetch(&status, client, CLUSTER_ASK_MS, ignored))
        return 0;
    for (size_t i = 0; i < status.member_count; i++)
        alive += strcmp(status.members[i].state, "alive") == 0 && status.members[i].client[0];
    status_release(&status);
    return alive;
}

static bool all_see_all(struct demo *demo) {
    for (unsigned i = 0; i < demo->nodes.count; i++)
        if (count_seen_alive(&demo->nodes.nodes[i].client) < demo->nodes.count)
            return false;
    return true;
}

static int show_nodes(struct demo *demo) {
    char title[64], time[FIGURE_BYTES];
    snprintf(title, sizeof title,
             demo->nodes.count == 1 ? "1. %u node starts" : "1. %u nodes start and find each other",
             demo->nodes.count);
    heading(demo, title);
    uint64_t started_us = figure_now_us();
    for (unsigned i = 0; i < demo->nodes.count; i++) {
        int error = demo_node_start(&demo->nodes, i);
        if (error)
            return error;
    }
    printf("   in %s\n\n", demo->nodes.directory);
    struct grid grid;
    grid_init(&grid, "lrllll");
    grid_row(&grid, "node", "process", "clients at", "peers at", "metrics at", "log");
    for (unsigned i = 0; i < demo->nodes.count; i++) {
        const struct demo_node *node = &demo->nodes.nodes[i];
        grid_cell(&grid, "%u", i + 1);
        grid_cell(&grid, "%d", (int)node->pid);
        grid_cell(&grid, "127.0.0.1:%d", node->client.port);
        grid_cell(&grid, "127.0.0.1:%d", node->client.port + DEMO_PEER_OFFSET);
        grid_cell(&grid, "http://127.0.0.1:%d/metrics", node->client.port + DEMO_ADMIN_OFFSET);
        grid_cell(&grid, "node-%u.log", i + 1);
    }
    print_grid(&grid);
    int error = wait_until(demo, all_see_all, DEMO_START_MS,
                           "the nodes did not find each other within 15 s");
    if (!error) {
        printf("\n   By gossip every node knows all %u of them, %s after the start.\n",
               demo->nodes.count, figure_duration(figure_now_us() - started_us, time));
    }
    return error;
}

/* ---- one cluster out of them ---- */

static bool is_ready(struct demo *demo) {
    return cluster_count_ready(&demo->nodes.nodes[0].client) == demo->nodes.count;
}

static int show_founding(struct demo *demo) {
    heading(demo, "2. One cluster out of them");
    struct net_address clients[DEMO_NODE_MAXIMUM];
    unsigned count = demo->nodes.count;
    for (unsigned i = 0; i < count; i++)
        clients[i] = demo->nodes.nodes[i].client;
    unsigned replicas = count < CLUSTER_REPLICAS_DEFAULT ? count : CLUSTER_REPLICAS_DEFAULT;
    struct founding founding = {.clients = clients,
                                .node_count = count,
                                .shard_count = CLUSTER_SHARDS_DEFAULT,
                                .replica_count = replicas,
                                .wait_ms = CLUSTER_STARTING_MS};
    char cluster[STATUS_CLUSTER_BYTES], time[FIGURE_BYTES];
    struct buffer problem;
    buffer_init(&problem, CLUSTER_PROBLEM_BYTES * DEMO_NODE_MAXIMUM);
    uint64_t founded_us = figure_now_us();
    int error = cluster_found(&founding, cluster, &problem);
    if (error) {
        buffer_append_u8(&problem, '\0');
        error = fail(demo, (const char *)buffer_data(&problem));
    } else {
        error = wait_until(demo, is_ready, CLUSTER_READY_MS,
                           "not every shard had a leader within 30 s");
    }
    buffer_release(&problem);
    if (!error) {
        printf("   cluster %s: %d shards, replicas of each: %u;\n"
               "   each shard has elected its leader, %s after the founding.\n",
               cluster, CLUSTER_SHARDS_DEFAULT, replicas,
               figure_duration(figure_now_us() - founded_us, time));
    }
    return error;
}

/* ---- the kill ---- */

static unsigned find_busiest(struct demo *demo) {
    unsigned led[DEMO_NODE_MAXIMUM] = {0}, busiest = 0;
    for (size_t i = 0; i < loader_range_count(demo->loader); i++) {
        unsigned leader = loader_range(demo->loader, i)->leader;
        for (unsigned node = 0; node < demo->nodes.count; node++) {
            led[node] += net_address_equal(loader_node(demo->loader, leader),
                                           &demo->nodes.nodes[node].client);
        }
    }
    for (unsigned node = 1; node < demo->nodes.count; node++)
        busiest = led[node] > led[busiest] ? node : busiest;
    return busiest;
}

static void kill_busiest(struct demo *demo, struct progress *progress) {
    char row[FIGURE_BYTES];
    demo->victim = find_busiest(demo);
    struct demo_node *node = &demo->nodes.nodes[demo->victim];
    pid_t pid = node->pid;
    unsigned led = loader_watch(demo->loader, &node->client);
    size_t in_flight = loader_in_flight(demo->loader);
    demo->killed_us = figure_now_us();
    demo_node_kill(&demo->nodes, demo->victim);
    progress_clear(progress);
    printf("\n   SIGKILL to node %u (process %d), which leads %u shards: after %s rows, with %zu "
           "in flight\n",
           demo->victim + 1, (int)pid, led, figure_thousands(loader_done_count(demo->loader), row),
           in_flight);
    fflush(stdout);
}

static unsigned number_of(const struct demo *demo, unsigned loader_index) {
    for (unsigned i = 0; i < demo->nodes.count; i++)
        if (net_address_equal(&demo->nodes.nodes[i].client,
                              loader_node(demo->loader, loader_index)))
            return i + 1;
    return 0;
}

static void show_take_over(struct demo *demo, struct progress *progress) {
    struct grid grid;
    grid_init(&grid, "llr");
    grid_row(&grid, "slots", "taken over by", "first write acknowledged after");
    for (size_t i = 0; i < loader_range_count(demo->loader); i++) {
        const struct loader_range *range = loader_range(demo->loader, i);
        if (!range->is_watched)
            continue;
        grid_cell(&grid, "%u-%u", range->first, range->last);
        if (range->taken_over_us) {
            grid_cell(&grid, "node %u", number_of(demo, range->taken_over_by));
            grid_cell(&grid, "%llu ms",
                      (unsigned long long)((range->taken_over_us - demo->killed_us) / 1000));
        } else {
            grid_row(&grid, "-", "no row came for it");
        }
    }
    progress_clear(progress);
    putchar('\n');
    print_grid(&grid);
    putchar('\n');
}

/* ---- the load ---- */

struct load_state {
    struct progress progress;
    bool is_killed, is_told;
};

static void direct_load(struct demo *demo, struct load_state *state) {
    size_t half = demo->packages.count / 2;
    bool may_kill = demo->nodes.count >= DEMO_NODES_TO_SURVIVE;
    if (may_kill && !state->is_killed && loader_done_count(demo->loader) >= half) {
        kill_busiest(demo, &state->progress);
        state->is_killed = true;
    }
    if (state->is_killed && !state->is_told &&
        (loader_is_taken_over(demo->loader) || loader_is_done(demo->loader))) {
        show_take_over(demo, &state->progress);
        state->is_told = true;
    }
}

static int run_loader(struct demo *demo, struct load_state *state, bool is_directed) {
    int error = 0;
    progress_begin(&state->progress, "rows", demo->packages.count, demo->redraws, figure_now_us());
    while (!error && !loader_is_done(demo->loader)) {
        if (loader_turn(demo->loader, DEMO_TURN_MS))
            error = fail(demo, loader_problem(demo->loader));
        else
            error = demo_nodes_watch(&demo->nodes, 0);
        if (!error && is_directed)
            direct_load(demo, state);
        progress_update(&state->progress, loader_done_count(demo->loader), figure_now_us());
    }
    progress_clear(&state->progress);
    if (!error)
        progress_end(&state->progress, loader_done_count(demo->loader), figure_now_us());
    return error;
}

static void show_input(const struct packages *packages) {
    char rows[FIGURE_BYTES];
    size_t bytes = 0;
    for (size_t i = 0; i < packages->count; i++)
        bytes += packages->rows[i].stanza.length;
    printf("   %s packages, %.1f MB, a hash each: %s\n\n", figure_thousands(packages->count, rows),
           (double)bytes / 1e6, packages->source);
    fflush(stdout);
}

static void show_loaded(const struct demo *demo) {
    char rows[FIGURE_BYTES];
    size_t repeated = loader_repeated_count(demo->loader);
    puts("   Every row is acknowledged: it is on disk at a majority of its shard's replicas.");
    if (repeated > 0) {
        printf("   %s rows were sent again, because their answer died with the node.\n",
               figure_thousands(repeated, rows));
    }
    fflush(stdout);
}

/* On a busy machine a shard may have lost its leader since, and elects another. */
static bool knows_all_leaders(struct demo *demo) {
    demo->loader = loader_new(&demo->packages, &demo->nodes.nodes[0].client, demo->loader_problem);
    return demo->loader != NULL;
}

static int show_load(struct demo *demo) {
    struct load_state state = {.is_killed = false};
    bool may_kill = demo->nodes.count >= DEMO_NODES_TO_SURVIVE;
    heading(demo, may_kill ? "3. Real rows go in, and in the middle a leader is killed"
                           : "3. Real rows go in (nobody is killed: that takes 3 nodes)");
    if (packages_load(&demo->packages, demo->row_maximum)) {
        return fail(demo, "there is nothing to load: neither apt-cache nor /var/lib/dpkg/status "
                          "knows a package here");
    }
    show_input(&demo->packages);
    int error = wait_until(demo, knows_all_leaders, CLUSTER_READY_MS, demo->loader_problem);
    if (error)
        return error;
    loader_begin(demo->loader, LOADER_WRITE);
    error = run_loader(demo, &state, true);
    if (!error)
        show_loaded(demo);
    return error;
}

/* ---- the proof ---- */

static int show_read_back(struct demo *demo) {
    char rows[FIGURE_BYTES];
    struct load_state state = {.is_killed = false};
    heading(demo, "4. Every acknowledged row is read back and compared");
    loader_begin(demo->loader, LOADER_READ);
    int error = run_loader(demo, &state, false);
    if (error)
        return error;
    size_t lost = loader_lost_count(demo->loader), differ = loader_differ_count(demo->loader);
    printf("   %s rows acknowledged: %zu lost, %zu differ\n",
           figure_thousands(loader_done_count(demo->loader), rows), lost, differ);
    return lost + differ ? fail(demo, "acknowledged rows are missing: TrothDB broke its word") : 0;
}

/* ---- the dead returns ---- */

/* How many entries its replicas have yet to apply; UINT64_MAX while it cannot be told. */
static uint64_t count_behind(struct demo *demo) {
    struct cluster_view view;
    char ignored[CLIENT_PROBLEM_BYTES];
    unsigned other = demo->victim == 0 ? 1 : 0;
    uint64_t behind = UINT64_MAX;
    if (cluster_view_fetch(&view, &demo->nodes.nodes[other].client, ignored))
        return behind;
    const struct status *returned = cluster_view_of(&view, demo->victim + 1);
    if (returned && returned->replica_count > 0) {
        behind = 0;
        for (size_t i = 0; i < returned->replica_count && behind != UINT64_MAX; i++) {
            const struct status_replica *replica = &returned->replicas[i];
            const struct status_replica *leader = cluster_view_leader(&view, replica->shard);
            if (!leader)
                behind = UINT64_MAX;
            else if (leader->commit_index > replica->applied_index)
                behind += leader->commit_index - replica->applied_index;
        }
    }
    cluster_view_release(&view);
    return behind;
}

static int show_return(struct demo *demo) {
    char time[FIGURE_BYTES], number[FIGURE_BYTES], title[64];
    snprintf(title, sizeof title, "5. Node %u comes back and catches up", demo->victim + 1);
    heading(demo, title);
    uint64_t started_us = figure_now_us(), told = UINT64_MAX;
    int error = demo_node_start(&demo->nodes, demo->victim);
    while (!error && told != 0) {
        uint64_t behind = count_behind(demo);
        if (behind != UINT64_MAX && behind != told) {
            printf("   after %s: %s entries behind\n",
                   figure_duration(figure_now_us() - started_us, time),
                   figure_thousands(behind, number));
            fflush(stdout);
            told = behind;
        } else if (figure_now_us() > started_us + (uint64_t)DEMO_CATCH_UP_MS * 1000) {
            return fail(demo, "the node did not catch up within 60 s");
        }
        error = demo_nodes_watch(&demo->nodes, told == 0 ? 0 : DEMO_POLL_TIME_MS);
    }
    if (!error)
        printf("   Node %u has all that was written while it was away.\n", demo->victim + 1);
    return error;
}

/* ---- the end ---- */

static int show_connect(struct demo *demo) {
    char time[FIGURE_BYTES];
    int port = demo->nodes.nodes[0].client.port, error = 0;
    printf("\n   All of it took %s. %s:\n\n"
           "      redis-cli -c -p %d hget %.*s Description\n"
           "      trothdb cluster status 127.0.0.1:%d\n"
           "      http://127.0.0.1:%d/ in a browser\n",
           figure_duration(figure_now_us() - demo->started_us, time),
           demo->is_terminal ? "Look around" : "On a terminal the cluster stays, to look around",
           port, BYTES_PRINT(demo->packages.rows[0].key), port, port + DEMO_ADMIN_OFFSET);
    if (!demo->is_terminal)
        return 0;
    puts("\n   The cluster stays until you press Ctrl-C.");
    fflush(stdout);
    while (!error)
        error = demo_nodes_watch(&demo->nodes, 200);
    puts("\n   The nodes stop.");
    fflush(stdout);
    return strncmp(demo->nodes.problem, "stopped by", 10) == 0 ? 0 : error;
}

static int run(struct demo *demo) {
    int error = show_nodes(demo);
    if (!error)
        error = show_founding(demo);
    if (!error)
        error = show_load(demo);
    if (!error)
        error = show_read_back(demo);
    if (!error && demo->nodes.count >= DEMO_NODES_TO_SURVIVE)
        error = show_return(demo);
    return error ? error : show_connect(demo);
}

static void release(struct demo *demo, bool is_kept) {
    if (demo->loader)
        loader_free(demo->loader);
    packages_release(&demo->packages);
    demo_nodes_release(&demo->nodes, is_kept);
}

int demo_run(int argc, char **argv) {
    int64_t count = DEMO_NODES_DEFAULT, port = DEMO_PORT_DEFAULT, rows = 0;
    const char *directory = NULL;
    bool is_kept = false;
    int operands;
    const struct flag flags[] = {
        {.name = "nodes", .number = &count, .minimum = 1, .maximum = DEMO_NODE_MAXIMUM},
        {.name = "port", .number = &port, .minimum = 1024, .maximum = DEMO_PORT_MAXIMUM},
        {.name = "rows", .number = &rows, .minimum = 1, .maximum = UINT32_MAX},
        {.name = "dir", .text = &directory},
        {.name = "keep", .is_set = &is_kept},
        {0},
    };
    if (flags_read(flags, "demo", argc, argv, &operands) || operands) {
        fputs("usage: trothdb demo [--nodes 3] [--port 7001] [--dir D] [--keep] [--rows N]\n",
              stderr);
        return EXIT_USAGE;
    }
    struct demo *demo = memory_allocate_zeroed(1, sizeof *demo);
    demo->is_terminal = isatty(STDOUT_FILENO);
    demo->redraws = window_redraws(STDOUT_FILENO);
    demo->started_us = figure_now_us();
    demo->row_maximum = (size_t)rows;
    puts("TrothDB: an acknowledged write is never lost.");
    int error = demo_nodes_init(&demo->nodes, (unsigned)count, (int)port, directory);
    if (!error)
        error = run(demo);
    if (error) {
        fflush(stdout);
        fprintf(stderr, "\ntrothdb demo: %s\n", demo->nodes.problem);
    }
    if (is_kept && demo->nodes.directory[0])
        printf("   kept: %s\n", demo->nodes.directory);
    release(demo, is_kept);
    memory_free(demo);
    return error ? EXIT_FAILED : EXIT_OK;
}
