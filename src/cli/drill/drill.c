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
#include "cli/cluster/cluster.h"
#include "cli/terminal/figure.h"
#include "cli/terminal/flags.h"

enum {
    DRILL_NODES_DEFAULT = 3,
    DRILL_PORT_DEFAULT = 7301,
    DRILL_PORT_MAXIMUM = 55000,
    DRILL_SHARDS = 4,
    DRILL_WRITERS = 8,
    DRILL_READERS = 4,
    DRILL_FOUND_TRIES = 100,
    DRILL_NEWS_MS = 150, /* nodes publish who leads every 100 ms */
    DRILL_POLL_MS = 20
};

/* ---- watching ---- */

int drill_fail(struct drill *drill, const char *why) {
    if (why != drill->nodes.problem) {
        snprintf(drill->nodes.problem, sizeof(drill->nodes.problem), "%s", why);
    }
    return ERR_REFUSED;
}

int drill_wait(struct drill *drill, bool (*is_met)(struct drill *drill), int limit_ms,
               const char *what) {
    uint64_t deadline_us = figure_now_us() + (uint64_t)limit_ms * 1000;
    while (!is_met(drill)) {
        int error = demo_nodes_watch(&drill->nodes, DRILL_POLL_MS);
        if (error) {
            return error;
        }
        if (figure_now_us() > deadline_us) {
            return drill_fail(drill, what);
        }
    }
    return 0;
}

int drill_rest(struct drill *drill, int ms) {
    uint64_t deadline_us = figure_now_us() + (uint64_t)ms * 1000;
    int error = 0;
    while (!error && figure_now_us() < deadline_us) {
        error = demo_nodes_watch(&drill->nodes, DRILL_POLL_MS);
    }
    return error;
}

/* ---- who leads ---- */

static unsigned first_running(const struct drill *drill) {
    unsigned i = 0;
    while (i + 1 < drill->nodes.count &&
           (!drill->nodes.nodes[i].pid || drill->nodes.nodes[i].is_paused)) {
        i++;
    }
    return i;
}

/* How many data shards each node leads, by index. */
static void count_led(const struct drill *drill, unsigned led[DEMO_NODE_MAXIMUM]) {
    struct status status;
    char ignored[CLIENT_PROBLEM_BYTES];
    memset(led, 0, DEMO_NODE_MAXIMUM * sizeof(*led));
    if (status_fetch(&status, &drill->nodes.nodes[first_running(drill)].client, CLUSTER_ASK_MS,
                     ignored)) {
        return;
    }
    for (size_t i = 0; i < status.replica_count; i++) {
        const struct status_replica *replica = &status.replicas[i];
        const struct status_node *leader = status_node(&status, replica->leader);
        for (unsigned n = 0; leader && replica->shard != 0 && n < drill->nodes.count; n++) {
            led[n] += leader->address.client_port == drill->nodes.nodes[n].client.port;
        }
    }
    status_release(&status);
}

unsigned drill_busiest(const struct drill *drill) {
    unsigned led[DEMO_NODE_MAXIMUM], busiest = first_running(drill);
    count_led(drill, led);
    for (unsigned i = 0; i < drill->nodes.count; i++) {
        busiest = led[i] > led[busiest] ? i : busiest;
    }
    return busiest;
}

static void describe_leaders(const struct drill *drill, char text[DRILL_LEADERS_BYTES]) {
    unsigned led[DEMO_NODE_MAXIMUM];
    size_t used = 0;
    count_led(drill, led);
    text[0] = '\0';
    for (unsigned i = 0; i < drill->nodes.count; i++) {
        used += (size_t)snprintf(text + used, DRILL_LEADERS_BYTES - used, "%s%u:%u", i ? " " : "",
                                 i + 1, led[i]);
    }
}

/* ---- steps ---- */

void drill_begin_step(struct drill *drill, const char *format, unsigned number) {
    struct drill_step *step = &drill->steps[drill->step_count];
    struct drill_counts counts;
    *step = (struct drill_step){.begun_us = figure_now_us()};
    snprintf(step->what, sizeof(step->what), format, number);
    drill_load_counts(drill->load, &counts);
    step->acknowledged = counts.acknowledged;
    drill_load_mark(drill->load);
}

static bool goes_on(struct drill *drill) {
    return drill_load_goes_on(drill->load, drill->awaited_us);
}

int drill_await_writers(struct drill *drill) {
    drill->awaited_us = figure_now_us();
    return drill_wait(drill, goes_on, DRILL_GO_ON_MS,
                      "not every writer had a write acknowledged within 30 s");
}

static void print_step(const struct drill *drill, const struct drill_step *step) {
    char gap[FIGURE_BYTES], rate[FIGURE_BYTES];
    uint64_t second_rate = step->acknowledged * 1000000 / (step->lasted_us + 1);
    printf("%8.1f s  %-52s %10s %10s   %s\n", (double)(step->begun_us - drill->started_us) / 1e6,
           step->what, figure_duration(step->gap_us, gap), figure_thousands(second_rate, rate),
           step->leaders);
    fflush(stdout);
}

int drill_end_step(struct drill *drill) {
    struct drill_step *step = &drill->steps[drill->step_count];
    struct drill_counts counts;
    int error = drill_await_writers(drill);
    step->gap_us = drill_load_gap_us(drill->load);
    step->lasted_us = figure_now_us() - step->begun_us;
    drill_load_counts(drill->load, &counts);
    step->acknowledged = counts.acknowledged - step->acknowledged;
    if (!error) {
        error = drill_rest(drill, DRILL_NEWS_MS);
    }
    describe_leaders(drill, step->leaders);
    drill->step_count++;
    if (!drill->is_json) {
        print_step(drill, step);
    }
    return error;
}

static bool is_whole(struct drill *drill) {
    return cluster_count_ready(&drill->nodes.nodes[0].client) == drill->nodes.count;
}

int drill_await_whole(struct drill *drill) {
    return drill_wait(drill, is_whole, DRILL_GO_ON_MS,
                      "not every node saw a leader for every shard within 30 s");
}

static int ask(const struct drill *drill, unsigned node, const struct bytes *words, size_t count,
               struct response *reply, char problem[CLIENT_PROBLEM_BYTES]) {
    struct client client;
    int error = client_open(&client, &drill->nodes.nodes[node].client, CLUSTER_ASK_MS);
    if (!error) {
        error = client_call(&client, words, count, reply);
    }
    memcpy(problem, client.problem, CLIENT_PROBLEM_BYTES);
    client_close(&client);
    return error;
}

int drill_set(struct drill *drill, unsigned node, const char *name, const char *value) {
    struct response reply;
    char problem[CLIENT_PROBLEM_BYTES];
    const struct bytes words[] = {BYTES_LITERAL("CONFIG"), BYTES_LITERAL("SET"),
                                  bytes_of_text(name), bytes_of_text(value)};
    int error = ask(drill, node, words, 4, &reply, problem);
    if (error) {
        drill_fail(drill, problem);
    } else {
        response_release(&reply);
    }
    return error;
}

bool drill_says(const struct drill *drill, unsigned node, const char *line) {
    struct response reply;
    char problem[CLIENT_PROBLEM_BYTES];
    const struct bytes words[] = {BYTES_LITERAL("INFO")};
    if (ask(drill, node, words, 1, &reply, problem)) {
        return false;
    }
    bool is_said = reply.kind == RESPONSE_BULK &&
                   memmem(reply.text.data, reply.text.length, line, strlen(line)) != NULL;
    response_release(&reply);
    return is_said;
}

/* ---- the cluster ---- */

/* Spares refuse until each has told all the others, which takes them a moment. */
static int found(struct drill *drill) {
    struct net_address clients[DEMO_NODE_MAXIMUM];
    for (unsigned i = 0; i < drill->nodes.count; i++) {
        clients[i] = drill->nodes.nodes[i].client;
    }
    unsigned replicas = drill->nodes.count < CLUSTER_REPLICAS_DEFAULT ? drill->nodes.count
                                                                      : CLUSTER_REPLICAS_DEFAULT;
    struct founding founding = {.clients = clients,
                                .node_count = drill->nodes.count,
                                .shard_count = DRILL_SHARDS,
                                .replica_count = replicas};
    char cluster[STATUS_CLUSTER_BYTES];
    struct buffer problem;
    buffer_init(&problem, CLUSTER_PROBLEM_BYTES * DEMO_NODE_MAXIMUM);
    int error = ERR_REFUSED;
    for (unsigned i = 0; error && i < DRILL_FOUND_TRIES; i++) {
        buffer_clear(&problem);
        error = demo_nodes_watch(&drill->nodes, DRILL_POLL_MS);
        if (error) {
            break;
        }
        error = cluster_found(&founding, cluster, &problem);
        buffer_append_u8(&problem, '\0');
        if (error) {
            drill_fail(drill, (const char *)buffer_data(&problem));
        }
    }
    buffer_release(&problem);
    return error;
}

static int start(struct drill *drill) {
    int error = 0;
    for (unsigned i = 0; i < drill->nodes.count && !error; i++) {
        error = demo_node_start(&drill->nodes, i);
    }
    if (!error) {
        error = found(drill);
    }
    return error ? error : drill_await_whole(drill);
}

static void start_load(struct drill *drill) {
    struct net_address clients[DEMO_NODE_MAXIMUM];
    for (unsigned i = 0; i < drill->nodes.count; i++) {
        clients[i] = drill->nodes.nodes[i].client;
    }
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
    if (error) {
        return error;
    }
    if (!drill->is_json) {
        printf("%u nodes in %s, %d shards; %d writers and %d readers check every answer\n\n"
               "      time  %-52s %10s %10s   shards led\n",
               drill->nodes.count, drill->nodes.directory, DRILL_SHARDS, DRILL_WRITERS,
               DRILL_READERS, "what happens", "worst gap", "writes/s");
    }
    start_load(drill);
    error = drill_script(drill);
    bool is_read = drill_load_finish(drill->load, problem) == 0;
    if (!error && !is_read) {
        error = drill_fail(drill, problem);
    }
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
    static_assert(sizeof(flags) <= sizeof(drill->nodes.flags), "room for the flags");
    memcpy(drill->nodes.flags, flags, sizeof(flags));
}

/* What is in memory cannot be kept. */
static void make_disk(struct drill *drill, bool is_kept) {
    if (is_kept) {
        snprintf(drill->disk.problem, sizeof(drill->disk.problem),
                 "--keep, and a disk in memory cannot be kept");
    } else if (drill_disk_mount(&drill->disk, drill->nodes.nodes[DRILL_SMALL_DISK].directory) ==
               0) {
        return;
    }
    if (!drill->is_json) {
        printf("a full disk is left out: %s\n", drill->disk.problem);
    }
}

int drill_run(int argc, char **argv) {
    int64_t count = DRILL_NODES_DEFAULT, port = DRILL_PORT_DEFAULT;
    const char *directory = NULL;
    bool is_kept = false;
    int operands;
    struct drill *drill = memory_allocate_zeroed(1, sizeof(*drill));
    const struct flag flags[] = {
        {.name = "nodes", .number = &count, .minimum = 3, .maximum = DEMO_NODE_MAXIMUM},
        {.name = "port", .number = &port, .minimum = 1024, .maximum = DRILL_PORT_MAXIMUM},
        {.name = "dir", .text = &directory},
        {.name = "keep", .is_set = &is_kept},
        {.name = "short", .is_set = &drill->is_short},
        {.name = "json", .is_set = &drill->is_json},
        {0},
    };
    if (flags_read(flags, "drill", argc, argv, &operands) || operands) {
        fputs("usage: trothdb drill [--nodes 3] [--port 7301] [--dir D] [--keep] [--short] "
              "[--json]\n",
              stderr);
        memory_free(drill);
        return DRILL_EXIT_USAGE;
    }
    drill->started_us = figure_now_us();
    int error = demo_nodes_init(&drill->nodes, (unsigned)count, (int)port, directory);
    read_flags_into(drill);
    if (!error) {
        make_disk(drill, is_kept);
        error = run(drill);
    }
    int exit_code = drill_report(drill, error);
    if (is_kept && !drill->is_json) {
        printf("kept: %s\n", drill->nodes.directory);
    }
    drill_disk_release(&drill->disk);
    demo_nodes_release(&drill->nodes, is_kept);
    drill_load_free(drill->load);
    memory_free(drill);
    return exit_code;
}
