/* Processes that stand still, as a machine without memory or a debugger makes them: is anybody
 * called dead who goes on? */
#include "base/memory.h"
#include "sim/gossip/scenario.h"

enum {
    STOPS_SECONDS = 60,
    STOPS_ROUNDS_A_SECOND = 10,
    STOPS_APART_SECONDS = 10 /* of one process: it stands still about so often */
};
#define STOPS_LOSS 0.2

/* Nobody dies here: any death that is told is a false one, also of who has stopped again since. */
static void count_death(void *context, unsigned observer, const struct gossip_change *change) {
    (void)observer;
    *(unsigned *)context +=
        change->kind == GOSSIP_CHANGE_STATE && change->member->state == GOSSIP_DEAD;
}

static void stop_and_resume(struct crowd *crowd, uint64_t *resume_us) {
    for (unsigned i = 0; i < crowd->node_count; i++) {
        if (!crowd_is_running(crowd, i))
            continue;
        bool is_stopped = crowd->nodes[i].is_stopped;
        if (is_stopped && crowd->now_us >= resume_us[i])
            crowd_resume(crowd, i);
        if (is_stopped ||
            !random_chance(&crowd->random, 1.0 / STOPS_APART_SECONDS / STOPS_ROUNDS_A_SECOND))
            continue;
        crowd_stop(crowd, i);
        resume_us[i] = crowd->now_us + CROWD_SECOND_US;
    }
}

static void resume_all(struct crowd *crowd) {
    for (unsigned i = 0; i < crowd->node_count; i++)
        if (crowd->nodes[i].is_stopped)
            crowd_resume(crowd, i);
}

static uint64_t count_suspicions(const struct crowd *crowd) {
    uint64_t count = 0;
    for (unsigned i = 0; i < crowd->node_count; i++) {
        struct gossip_counters counters;
        if (!crowd_is_running(crowd, i))
            continue;
        gossip_counters(crowd->nodes[i].gossip, &counters);
        count += counters.suspicions;
    }
    return count;
}

void scenario_stops(const struct scenario_run *run) {
    struct crowd *crowd = scenario_crowd(run);
    uint64_t *resume_us = memory_allocate_zeroed(crowd->node_count, sizeof *resume_us);
    uint64_t suspected_before = count_suspicions(crowd);
    unsigned deaths = 0;
    crowd->network.loss = STOPS_LOSS;
    crowd->on_change = count_death;
    crowd->context = &deaths;
    for (unsigned round = 0; round < STOPS_SECONDS * STOPS_ROUNDS_A_SECOND; round++) {
        crowd_run(crowd, CROWD_SECOND_US / STOPS_ROUNDS_A_SECOND);
        stop_and_resume(crowd, resume_us);
    }
    crowd->on_change = NULL;
    resume_all(crowd);
    report_figure(run->report, FIGURE_stops_false_deaths, (double)deaths);
    report_figure(run->report, FIGURE_stops_suspicions,
                  (double)(count_suspicions(crowd) - suspected_before) / crowd->running_count);
    report_figure(run->report, FIGURE_stops_bytes,
                  (double)crowd->traffic.bytes / STOPS_SECONDS / crowd->running_count);
    memory_free(resume_us);
    scenario_end(run, crowd);
}
