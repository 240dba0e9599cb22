/* What goes wrong in a drill, in order. */
#include "base/error.h"
#include "cli/drill/drill.h"

enum {
    DRILL_CALM_MS = 1000,
    DRILL_PAUSE_SHORT_MS = 1000,
    DRILL_PAUSE_MS = 5000,
    DRILL_SLOW_SHORT_MS = 2000,
    DRILL_SLOW_MS = 8000,
    DRILL_KILLS = 5
};
#define DRILL_SLOW_US "20000"

static int calm(struct drill *drill) {
    drill_begin_step(drill, "nothing goes wrong", 0);
    int error = drill_rest(drill, DRILL_CALM_MS);
    return error ? error : drill_end_step(drill);
}

/* The step ends when the others have taken over; then the node comes back. */
static int kill_leader(struct drill *drill) {
    unsigned victim = drill_busiest(drill);
    drill_begin_step(drill, "SIGKILL to node %u, which leads most", victim + 1);
    demo_node_kill(&drill->nodes, victim);
    int error = drill_end_step(drill);
    if (error)
        return error;
    drill_begin_step(drill, "node %u starts again", victim + 1);
    error = demo_node_start(&drill->nodes, victim);
    if (!error)
        error = drill_await_whole(drill);
    return error ? error : drill_end_step(drill);
}

/* Long enough for others to be elected; then it goes on, and believes that it leads. */
static int pause_leader(struct drill *drill) {
    unsigned victim = drill_busiest(drill);
    drill_begin_step(drill, "SIGSTOP to node %u, which leads most", victim + 1);
    demo_node_pause(&drill->nodes, victim);
    int error = drill_rest(drill, drill->is_short ? DRILL_PAUSE_SHORT_MS : DRILL_PAUSE_MS);
    if (!error)
        error = drill_end_step(drill);
    if (error)
        return error; /* the node may have ended, which the watch has said */
    drill_begin_step(drill, "SIGCONT to node %u", victim + 1);
    demo_node_resume(&drill->nodes, victim);
    error = drill_await_whole(drill);
    return error ? error : drill_end_step(drill);
}

static int kill_all(struct drill *drill) {
    drill_begin_step(drill, "SIGKILL to all %u nodes at once; all start again", drill->nodes.count);
    for (unsigned i = 0; i < drill->nodes.count; i++)
        demo_node_kill(&drill->nodes, i);
    int error = 0;
    for (unsigned i = 0; i < drill->nodes.count && !error; i++)
        error = demo_node_start(&drill->nodes, i);
    if (!error)
        error = drill_await_whole(drill);
    return error ? error : drill_end_step(drill);
}

static int slow_disk(struct drill *drill) {
    unsigned victim = drill_busiest(drill);
    drill_begin_step(drill, "the disk of node %u, which leads most, 20 ms slower", victim + 1);
    int error = drill_set(drill, victim, "debug-sync-delay-us", DRILL_SLOW_US);
    if (!error)
        error = drill_rest(drill, drill->is_short ? DRILL_SLOW_SHORT_MS : DRILL_SLOW_MS);
    if (!error)
        error = drill_end_step(drill);
    drill_begin_step(drill, "the disk of node %u as before", victim + 1);
    if (!error)
        error = drill_set(drill, victim, "debug-sync-delay-us", "0");
    return error ? error : drill_end_step(drill);
}

static bool is_full(struct drill *drill) {
    return drill_says(drill, DRILL_SMALL_DISK, "disk_full:1");
}

static bool has_space(struct drill *drill) {
    return drill_says(drill, DRILL_SMALL_DISK, "disk_full:0");
}

/* It takes no more writes, and the others go on; it heals by itself when there is space. */
static int full_disk(struct drill *drill) {
    if (!drill->disk.directory[0])
        return 0;
    drill_begin_step(drill, "the disk of node %u is full", DRILL_SMALL_DISK + 1);
    int error = drill_disk_fill(&drill->disk) ? drill_fail(drill, drill->disk.problem) : 0;
    if (!error) {
        error = drill_wait(drill, is_full, DRILL_GO_ON_MS,
                           "a node whose disk is full did not say so within 30 s");
    }
    if (!error)
        error = drill_end_step(drill);
    drill_begin_step(drill, "the disk of node %u has space again", DRILL_SMALL_DISK + 1);
    if (!error && drill_disk_empty(&drill->disk))
        error = drill_fail(drill, drill->disk.problem);
    if (!error) {
        error = drill_wait(drill, has_space, DRILL_GO_ON_MS,
                           "a node whose disk has space again did not go on within 30 s");
    }
    return error ? error : drill_end_step(drill);
}

static int rolling_restart(struct drill *drill) {
    int error = 0;
    for (unsigned i = 0; i < drill->nodes.count && !error; i++) {
        drill_begin_step(drill, "SIGTERM to node %u, and a new start", i + 1);
        demo_node_stop(&drill->nodes, i);
        error = demo_node_start(&drill->nodes, i);
        if (!error)
            error = drill_await_whole(drill);
        if (!error)
            error = drill_end_step(drill);
    }
    return error;
}

int drill_script(struct drill *drill) {
    int error = calm(drill);
    for (unsigned i = 0; i < (drill->is_short ? 1 : DRILL_KILLS) && !error; i++)
        error = kill_leader(drill);
    if (!error)
        error = pause_leader(drill);
    if (!error)
        error = slow_disk(drill);
    if (!error)
        error = kill_all(drill);
    if (!error)
        error = full_disk(drill);
    if (!error)
        error = rolling_restart(drill);
    return error ? error : calm(drill);
}
