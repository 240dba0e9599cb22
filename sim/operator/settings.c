#include "sim/operator/settings.h"
#include "base/check.h"
#include "base/memory.h"
#include "cluster/topology.h"
#include "sim/check/checks.h"
#include "sim/cluster/node.h"
#include "sim/life/thread.h"
#include "sim/operator/operator.h"
#include <stdio.h>

enum {
    SETTINGS_NUMBER_BYTES = 24,
    SETTINGS_PAIRS_MOST = 3,
    SETTINGS_TUNED_MOST_US = 8000000,
    SETTINGS_LOOK_AGAIN_US = 500000
};

struct settings_operator {
    struct simulation *simulation;
    struct sim_operator *operator_;
    unsigned untune_count[SIM_NODE_MAXIMUM]; /* that are scheduled */
    bool is_untune_asked[SIM_NODE_MAXIMUM];
};

/* None that would let a run wait longer than its checks do. */
static const struct {
    const char *name;
    unsigned low, high;
    const char *words[2]; /* instead of a number */
    bool is_async_only;   /* for runs in which answers may leave before the disk at all */
} KNOBS[] = {
    {"append-window-messages", 1, 64},
    {"append-lazy-ms", 0, 40},
    {"batch-bytes", 4096, 65536},
    {"entry-commands", 1, 100},
    {"uncommitted-bytes", 16384, 65536},
    {"snapshot-log-entries", 16, 400},
    {"snapshot-chunk-bytes", 1024, 16384},
    {"log-memory-bytes", 4096, 65536},
    {"wal-segment-bytes", 65536, 262144},
    {"wal-spare-segments", 0, 8},
    {"wal-round-bytes", 4096, 65536},
    {"clock-drift-percent", 20, 60},
    {"heartbeat-ms", 20, 120},
    {"election-timeout-ms", 200, 1200},
    {"lease-ms", 20, 400},
    {"quiet-after-ms", 0, 300},
    {"durability-async-ms", 2, 400},
    {"durability", .words = {"sync", "async"}, .is_async_only = true},
    {"read-mode", .words = {"lease", "quorum"}},
    {"slowlog-max-len", 0, 100},
};
enum { KNOB_COUNT = sizeof KNOBS / sizeof *KNOBS };

struct settings_operator *settings_operator_new(struct simulation *simulation) {
    struct settings_operator *settings = memory_allocate_zeroed(1, sizeof *settings);
    settings->simulation = simulation;
    settings->operator_ = sim_operator_new(simulation, NULL);
    return settings;
}

void settings_operator_free(struct settings_operator *settings) {
    sim_operator_free(settings->operator_);
    memory_free(settings);
}

static unsigned knob_by_lot(struct simulation *simulation) {
    unsigned knob;
    do
        knob = (unsigned)random_below(&simulation->random, KNOB_COUNT);
    while (KNOBS[knob].is_async_only && simulation->async_share == 0);
    return knob;
}

static size_t add_pair(struct simulation *simulation, struct bytes *arguments,
                       char number[SETTINGS_NUMBER_BYTES]) {
    unsigned knob = knob_by_lot(simulation);
    uint64_t value = random_between(&simulation->random, KNOBS[knob].low, KNOBS[knob].high);
    snprintf(number, SETTINGS_NUMBER_BYTES, "%llu", (unsigned long long)value);
    arguments[0] = bytes_of_text(KNOBS[knob].name);
    arguments[1] = bytes_of_text(
        KNOBS[knob].words[0] ? KNOBS[knob].words[random_chance(&simulation->random, 0.5)] : number);
    return 2;
}

static size_t add_unset(struct simulation *simulation, struct bytes *arguments) {
    unsigned knob = knob_by_lot(simulation);
    arguments[0] = bytes_of_text(KNOBS[knob].name);
    return 1;
}

void settings_operator_change(struct settings_operator *settings) {
    struct simulation *simulation = settings->simulation;
    unsigned leader = checks_leader(simulation, 0);
    if (leader >= simulation->node_count)
        return;
    char numbers[2][SETTINGS_NUMBER_BYTES];
    struct bytes arguments[6] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("CLUSTERSET")};
    size_t count = 2;
    if (random_chance(&simulation->random, 0.2)) {
        arguments[1] = BYTES_LITERAL("CLUSTERUNSET");
        count += add_unset(simulation, arguments + count);
    } else {
        count += add_pair(simulation, arguments + count, numbers[0]);
        if (random_chance(&simulation->random, 0.3))
            count += add_pair(simulation, arguments + count, numbers[1]);
    }
    if (count == 2)
        return;
    trace_line(&simulation->trace, "operator: node %u is asked to %.*s %.*s", leader + 1,
               BYTES_PRINT(arguments[1]), BYTES_PRINT(arguments[2]));
    sim_operator_ask(settings->operator_, leader, arguments, count);
}

/* ---- the check ---- */

struct comparison {
    unsigned node, thread;
    struct buffer *problem;
};

static void compare_value(void *context, const char *name, const char *before, const char *after) {
    struct comparison *comparison = context;
    buffer_append_format(comparison->problem, "node %u, thread %u: %s is %s, not %s",
                         comparison->node + 1, comparison->thread, name, after, before);
}

/* A node's own, below what is set for all. */
static void node_compare(const struct sim_node *node, const struct topology *topology,
                         struct buffer *problem) {
    struct config wanted;
    config_copy(&wanted, &node->config);
    for (unsigned i = 0; topology && i < topology->setting_count; i++)
        if (config_set(&wanted, bytes_of_text(topology->settings[i].name),
                       bytes_of_text(topology->settings[i].value), CONFIG_SOURCE_CLUSTER, problem))
            break;
    for (unsigned i = 0; i < node->simulation->worker_count && problem->length == 0; i++) {
        const struct worker *worker = node->threads[i].worker;
        struct comparison comparison = {.node = node->index, .thread = i, .problem = problem};
        if (worker)
            config_difference(&wanted, worker_config(worker), compare_value, &comparison);
    }
    config_release(&wanted);
}

bool settings_are_followed(const struct simulation *simulation, struct buffer *problem) {
    const struct topology *topology = sim_topology(simulation);
    for (unsigned i = 0; i < simulation->node_count && problem->length == 0; i++)
        if (!simulation->nodes[i]->is_spare)
            node_compare(simulation->nodes[i], topology, problem);
    return problem->length == 0;
}

/* ---- of one node ---- */

static event_run untune_event;

static void untune_later(struct settings_operator *settings, unsigned node, uint64_t after_us) {
    struct event_queue *queue = &settings->simulation->queue;
    settings->untune_count[node]++;
    event_schedule(queue, queue->now_us + after_us, untune_event, settings)->number = node;
}

void settings_operator_tune(struct settings_operator *settings, unsigned node,
                            const struct bytes *pairs, size_t count, uint64_t lasts_us) {
    struct bytes arguments[2 + 2 * SETTINGS_PAIRS_MOST] = {BYTES_LITERAL("CONFIG"),
                                                           BYTES_LITERAL("SET")};
    CHECK(count <= 2 * SETTINGS_PAIRS_MOST);
    memcpy(arguments + 2, pairs, count * sizeof *pairs);
    trace_line(&settings->simulation->trace, "operator: node %u is tuned: %.*s is %.*s", node + 1,
               BYTES_PRINT(pairs[0]), BYTES_PRINT(pairs[1]));
    settings->simulation->statistics.nodes_tuned++;
    sim_operator_ask(settings->operator_, node, arguments, 2 + count);
    settings->is_untune_asked[node] = false;
    untune_later(settings, node, lasts_us);
}

void settings_operator_tune_by_lot(struct settings_operator *settings) {
    struct simulation *simulation = settings->simulation;
    char numbers[2][SETTINGS_NUMBER_BYTES];
    struct bytes pairs[4];
    size_t count = add_pair(simulation, pairs, numbers[0]);
    if (random_chance(&simulation->random, 0.3))
        count += add_pair(simulation, pairs + count, numbers[1]);
    unsigned node = (unsigned)random_below(&simulation->random, simulation->node_count);
    settings_operator_tune(settings, node, pairs, count,
                           random_between(&simulation->random, 1, SETTINGS_TUNED_MOST_US));
}

static void ask_to_untune(struct settings_operator *settings, unsigned node) {
    struct bytes arguments[2 + KNOB_COUNT] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("UNSET")};
    for (size_t i = 0; i < KNOB_COUNT; i++)
        arguments[2 + i] = bytes_of_text(KNOBS[i].name);
    sim_operator_ask(settings->operator_, node, arguments, 2 + KNOB_COUNT);
}

static bool is_followed_by(const struct simulation *simulation, unsigned node) {
    struct buffer problem;
    buffer_init(&problem, CONFIG_VALUE_MAXIMUM);
    bool is_spare = simulation->nodes[node]->is_spare; /* it knows its own settings only */
    node_compare(simulation->nodes[node], is_spare ? NULL : sim_topology(simulation), &problem);
    bool is_followed = problem.length == 0;
    buffer_release(&problem);
    return is_followed;
}

/* Once in any case: what was asked before may have to be taken in yet, and then this is behind it.
 */
static void untune_event(struct event *event) {
    struct settings_operator *settings = event->context;
    unsigned node = (unsigned)event->number;
    if (--settings->untune_count[node] > 0)
        return;
    if (settings->is_untune_asked[node] && is_followed_by(settings->simulation, node))
        return;
    ask_to_untune(settings, node);
    settings->is_untune_asked[node] = true;
    untune_later(settings, node, SETTINGS_LOOK_AGAIN_US);
}

/* ---- the file ---- */

static void add_setting(void *context, const char *name, const char *before, const char *after) {
    (void)before;
    mail_add_setting(context, name, after);
}

void settings_operator_reload(struct settings_operator *settings) {
    struct simulation *simulation = settings->simulation;
    unsigned node = (unsigned)random_below(&simulation->random, simulation->node_count);
    struct config built_in;
    if (!sim_node_is_alive(simulation->nodes[node]))
        return;
    trace_line(&simulation->trace, "operator: node %u reads its file again", node + 1);
    struct mail *mail = mail_new(MAIL_SETTINGS_FILE, MAIL_TO_GOSSIPER);
    config_init(&built_in);
    config_difference(&built_in, &simulation->nodes[node]->config, add_setting, mail);
    config_release(&built_in);
    sim_thread_post(&simulation->nodes[node]->threads[SIM_WORKER_MAXIMUM], 0, mail);
}
