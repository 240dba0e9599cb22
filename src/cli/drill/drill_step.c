/* A step of the drill, a line of its timeline: waiting, who leads, what nodes say and are told. */
#include "cli/drill/drill.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/client/cluster_found.h"
#include "cli/client/cluster_view.h"
#include "cli/terminal/figure.h"

enum {
    DRILL_NEWS_MS = 150, /* nodes publish who leads every 100 ms */
    DRILL_POLL_MS = 20
};

int drill_fail(struct drill *drill, const char *why) {
    if (why != drill->nodes.problem)
        snprintf(drill->nodes.problem, sizeof drill->nodes.problem, "%s", why);
    return ERR_REFUSED;
}

int drill_wait(struct drill *drill, bool (*is_met)(struct drill *drill), int limit_ms,
               const char *what) {
    uint64_t deadline_us = figure_now_us() + (uint64_t)limit_ms * 1000;
    while (!is_met(drill)) {
        int error = demo_nodes_watch(&drill->nodes, DRILL_POLL_MS);
        if (error)
            return error;
        if (figure_now_us() > deadline_us)
            return drill_fail(drill, what);
    }
    return 0;
}

int drill_rest(struct drill *drill, int ms) {
    uint64_t deadline_us = figure_now_us() + (uint64_t)ms * 1000;
    int error = 0;
    while (!error && figure_now_us() < deadline_us)
        error = demo_nodes_watch(&drill->nodes, DRILL_POLL_MS);
    return error;
}

/* ---- who leads ---- */

static unsigned first_running(const struct drill *drill) {
    unsigned i = 0;
    while (i + 1 < drill->nodes.count &&
           (!drill->nodes.nodes[i].pid || drill->nodes.nodes[i].is_paused))
        i++;
    return i;
}

/* How many data shards each node leads, by index. */
static void count_led(const struct drill *drill, unsigned led[DEMO_NODE_MAXIMUM]) {
    struct status status;
    char ignored[CLIENT_PROBLEM_BYTES];
    memset(led, 0, DEMO_NODE_MAXIMUM * sizeof *led);
    if (status_fetch(&status, &drill->nodes.nodes[first_running(drill)].client, CLUSTER_ASK_MS,
                     ignored))
        return;
    for (size_t i = 0; i < status.replica_count; i++) {
        const struct status_replica *replica = &status.replicas[i];
        const struct status_node *leader = status_node(&status, replica->leader);
        for (unsigned n = 0; leader && replica->shard != 0 && n < drill->nodes.count; n++)
            led[n] += leader->address.client_port == drill->nodes.nodes[n].client.port;
    }
    status_release(&status);
}

unsigned drill_busiest(const struct drill *drill) {
    unsigned led[DEMO_NODE_MAXIMUM], busiest = first_running(drill);
    count_led(drill, led);
    for (unsigned i = 0; i < drill->nodes.count; i++)
        busiest = led[i] > led[busiest] ? i : busiest;
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
    snprintf(step->what, sizeof step->what, format, number);
    drill_load_counts(drill->load, &counts);
    step->acknowledged = counts.acknowledged;
    drill_load_mark(drill->load);
}

static bool goes_on(struct drill *drill) {
    return drill_load_goes_on(drill->load, drill->awaited_us);
}

static int await_writers(struct drill *drill) {
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
    int error = await_writers(drill);
    step->gap_us = drill_load_gap_us(drill->load);
    step->lasted_us = figure_now_us() - step->begun_us;
    drill_load_counts(drill->load, &counts);
    step->acknowledged = counts.acknowledged - step->acknowledged;
    if (!error)
        error = drill_rest(drill, DRILL_NEWS_MS);
    describe_leaders(drill, step->leaders);
    drill->step_count++;
    if (!drill->is_json)
        print_step(drill, step);
    return error;
}

static bool is_whole(struct drill *drill) {
    return cluster_count_ready(&drill->nodes.nodes[0].client) == drill->nodes.count;
}

int drill_await_whole(struct drill *drill) {
    return drill_wait(drill, is_whole, DRILL_GO_ON_MS,
                      "not every node saw a leader for every shard within 30 s");
}

/* The reply borrows from the client, which is to be closed behind it, and in any case. */
static int ask(const struct drill *drill, unsigned node, const struct bytes *words, size_t count,
               struct client *client, struct response *reply) {
    int error = client_open(client, &drill->nodes.nodes[node].client, CLUSTER_ASK_MS);
    return error ? error : client_call(client, words, count, reply);
}

int drill_set(struct drill *drill, unsigned node, const char *name, const char *value) {
    struct client client;
    struct response reply;
    const struct bytes words[] = {BYTES_LITERAL("CONFIG"), BYTES_LITERAL("SET"),
                                  bytes_of_text(name), bytes_of_text(value)};
    int error = ask(drill, node, words, 4, &client, &reply);
    if (error)
        drill_fail(drill, client.problem);
    else
        response_release(&reply);
    client_close(&client);
    return error;
}

bool drill_says(const struct drill *drill, unsigned node, const char *line) {
    struct client client;
    struct response reply;
    const struct bytes words[] = {BYTES_LITERAL("INFO")};
    bool is_said = false;
    if (ask(drill, node, words, 1, &client, &reply) == 0) {
        is_said = reply.kind == RESPONSE_BULK &&
                  memmem(reply.text.data, reply.text.length, line, strlen(line)) != NULL;
        response_release(&reply);
    }
    client_close(&client);
    return is_said;
}
