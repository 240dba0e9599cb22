/* Scenarios about who is in: deaths, restarts, joins, partitions. */
#include "base/memory.h"
#include "sim/gossip/scenario.h"

enum {
    DEATH_SECONDS_MAXIMUM = 120, /* far past what is wanted; then it counts as this */
    JOIN_SECONDS_MAXIMUM = 1200,
    HEAL_SECONDS_MAXIMUM = 600,
    SPLIT_SECONDS = 600,
    DOWN_US = 200000, /* of a restart */
    FINE_US = 1000
};

static double seconds_of(uint64_t us) { return (double)us / (double)CROWD_SECOND_US; }

/* Not all begin at the same moment of everybody's rounds. */
static void pause_by_lot(struct crowd *crowd) {
    crowd_run(crowd, random_between(&crowd->random, CROWD_SECOND_US, 2 * CROWD_SECOND_US));
}

/* Kills somebody; the seconds until nobody believes it to live. */
static double death_seconds(struct crowd *crowd, struct report_curve *curve) {
    unsigned victim = crowd_any_running(crowd);
    crowd_kill(crowd, victim);
    uint64_t begun_us = crowd->now_us;
    unsigned seen_by = crowd->running_count;
    while (sight_seen_by(&crowd->sight, victim) > 0 &&
           crowd->now_us - begun_us < DEATH_SECONDS_MAXIMUM * CROWD_SECOND_US) {
        crowd_run(crowd, FINE_US);
        unsigned seen_by_now = sight_seen_by(&crowd->sight, victim);
        if (curve != NULL && seen_by_now != seen_by)
            report_point(curve, seconds_of(crowd->now_us - begun_us),
                         1 - (double)seen_by_now / crowd->running_count);
        seen_by = seen_by_now;
    }
    return seconds_of(crowd->now_us - begun_us);
}

/* As many as are wanted, while there is anybody left to notice. Returns how many. */
static unsigned death_samples(struct crowd *crowd, const struct scenario_run *run,
                              double *samples) {
    unsigned count = 0;
    for (; count < run->samples && crowd->running_count > 1; count++) {
        pause_by_lot(crowd);
        struct report_curve *curve = count < 5 ? report_curve(run->report, "death") : NULL;
        samples[count] = death_seconds(crowd, curve);
    }
    return count;
}

void scenario_death(const struct scenario_run *run) {
    struct crowd *crowd = scenario_crowd(run);
    double *samples = memory_allocate(run->samples * sizeof *samples);
    unsigned count = death_samples(crowd, run, samples);
    report_figure(run->report, FIGURE_death_p50, report_quantile(samples, count, 0.5));
    report_figure(run->report, FIGURE_death_p99, report_quantile(samples, count, 0.99));
    report_figure(run->report, FIGURE_death_detected_p99,
                  seconds_of(histogram_quantile(&crowd->detections_us, 0.99)));
    report_figure(run->report, FIGURE_death_false_deaths, (double)crowd->false_deaths);
    memory_free(samples);
    scenario_end(run, crowd);
}

void scenario_loss(const struct scenario_run *run) {
    struct crowd *crowd = scenario_crowd(run);
    double *samples = memory_allocate(run->samples * sizeof *samples);
    crowd->network.loss = 0.2;
    uint64_t begun_us = crowd->now_us;
    unsigned count = death_samples(crowd, run, samples);
    uint64_t took_us = crowd->now_us - begun_us, whole_us = SPLIT_SECONDS * CROWD_SECOND_US;
    if (took_us < whole_us)
        crowd_run(crowd, whole_us - took_us);
    report_figure(run->report, FIGURE_loss_death_p99, report_quantile(samples, count, 0.99));
    report_figure(run->report, FIGURE_loss_false_deaths, (double)crowd->false_deaths);
    memory_free(samples);
    scenario_end(run, crowd);
}

/* Runs until all know all, with a curve of how much of that is true. */
static double settle_seconds(struct crowd *crowd, struct report_curve *curve,
                             uint64_t longest_seconds) {
    uint64_t begun_us = crowd->now_us, step_us = CROWD_SECOND_US / 500;
    while (!crowd_is_settled(crowd) &&
           crowd->now_us - begun_us < longest_seconds * CROWD_SECOND_US) {
        crowd_run(crowd, step_us);
        double pairs = (double)crowd->running_count * crowd->running_count;
        report_point(curve, seconds_of(crowd->now_us - begun_us),
                     1 - (double)crowd->sight.wrong_count / pairs);
        if (curve->count % 25 == 0)
            step_us *= 2; /* so that a curve of any length has room */
    }
    return seconds_of(crowd->now_us - begun_us);
}

/* Those that are killed at once, and how long each of these deaths takes to be known to all. */
struct killing {
    struct crowd *crowd;
    uint64_t begun_us;
    double *seconds; /* by the node's number */
};

static void killing_notice(void *context, unsigned observer, const struct gossip_change *change) {
    struct killing *killing = context;
    struct crowd *crowd = killing->crowd;
    (void)observer;
    unsigned subject = crowd_node_of(crowd, change->member->who->uuid);
    if (subject != CROWD_NODE_MAXIMUM && !crowd_is_running(crowd, subject) &&
        sight_seen_by(&crowd->sight, subject) == 0)
        killing->seconds[subject] = seconds_of(crowd->now_us - killing->begun_us);
}

/* Returns how many it killed; `killed` are their numbers. */
static unsigned kill_a_quarter(struct crowd *crowd, unsigned *killed) {
    unsigned count = crowd->running_count / 4;
    for (unsigned i = 0; i < count; i++) {
        killed[i] = crowd_any_running(crowd);
        crowd_kill(crowd, killed[i]);
    }
    return count;
}

static void report_killing(struct report *report, const struct killing *killing,
                           const unsigned *killed, unsigned count) {
    double *samples = memory_allocate(count * sizeof *samples);
    for (unsigned i = 0; i < count; i++) {
        bool is_known = sight_seen_by(&killing->crowd->sight, killed[i]) == 0;
        samples[i] = is_known ? killing->seconds[killed[i]] : HEAL_SECONDS_MAXIMUM;
    }
    report_figure(report, FIGURE_quarter_p50, report_quantile(samples, count, 0.5));
    report_figure(report, FIGURE_quarter_p99, report_quantile(samples, count, 0.99));
    report_figure(report, FIGURE_quarter_all, report_quantile(samples, count, 1));
    memory_free(samples);
}

void scenario_quarter(const struct scenario_run *run) {
    struct crowd *crowd = scenario_crowd(run);
    unsigned *killed = memory_allocate(crowd->node_count * sizeof *killed);
    unsigned count = kill_a_quarter(crowd, killed);
    struct killing killing = {.crowd = crowd,
                              .begun_us = crowd->now_us,
                              .seconds = memory_allocate_zeroed(crowd->node_count, sizeof(double))};
    crowd->on_change = killing_notice;
    crowd->context = &killing;
    crowd_count_traffic(crowd);
    settle_seconds(crowd, report_curve(run->report, "quarter"), HEAL_SECONDS_MAXIMUM);
    crowd->on_change = NULL;
    report_killing(run->report, &killing, killed, count);
    report_figure(run->report, FIGURE_quarter_bytes,
                  (double)crowd->traffic.bytes / crowd->running_count);
    report_figure(run->report, FIGURE_quarter_false_deaths, (double)crowd->false_deaths);
    memory_free(killing.seconds);
    memory_free(killed);
    scenario_end(run, crowd);
}

/* Nobody is joining, and nobody has anything left to tell. */
static bool is_all_told(const struct crowd *crowd) {
    for (unsigned i = 0; i < crowd->node_count; i++) {
        const struct gossip *gossip = crowd->nodes[i].gossip;
        struct gossip_counters counters;
        if (gossip == NULL)
            continue;
        gossip_counters(gossip, &counters);
        for (unsigned priority = 0; priority < GOSSIP_PRIORITY_COUNT; priority++)
            if (counters.news_waiting[priority] > 0)
                return false;
        if (gossip_member_at(gossip, 0)->state != GOSSIP_ALIVE)
            return false;
    }
    return crowd_is_settled(crowd);
}

void scenario_join(const struct scenario_run *run) {
    struct crowd *crowd = crowd_new(&run->crowd);
    for (unsigned i = 0; i < run->crowd.node_count; i++) {
        crowd_start(crowd, i);
        crowd_seed(crowd, i, 0);
    }
    double all = settle_seconds(crowd, report_curve(run->report, "join"), JOIN_SECONDS_MAXIMUM);
    report_figure(run->report, FIGURE_join_all, all);
    uint64_t told_us;
    crowd_run_until(crowd, JOIN_SECONDS_MAXIMUM * CROWD_SECOND_US, is_all_told, &told_us);
    report_figure(run->report, FIGURE_join_quiet, all + seconds_of(told_us));
    report_figure(run->report, FIGURE_join_bytes,
                  (double)crowd->traffic.bytes / run->crowd.node_count);
    crowd_free(crowd);
}

/* Restarts one; the seconds until all others know its new life. */
static double restart_seconds(struct crowd *crowd, unsigned node) {
    crowd_kill(crowd, node);
    crowd_run(crowd, DOWN_US);
    unsigned seed = crowd_any_running(crowd);
    crowd_start(crowd, node);
    crowd_seed(crowd, node, seed);
    uint64_t begun_us = crowd->now_us;
    while (sight_seen_by(&crowd->sight, node) < crowd->running_count - 1 &&
           crowd->now_us - begun_us < DEATH_SECONDS_MAXIMUM * CROWD_SECOND_US)
        crowd_run(crowd, FINE_US);
    return seconds_of(crowd->now_us - begun_us);
}

/* Of a crowd that was used before, some are dead. */
void scenario_restart(const struct scenario_run *run) {
    struct crowd *crowd = scenario_crowd(run);
    unsigned count = 0;
    double *samples = memory_allocate(run->samples * sizeof *samples);
    for (unsigned i = 0; i < crowd->node_count && count < run->samples && crowd->running_count > 1;
         i++) {
        if (!crowd_is_running(crowd, i))
            continue;
        samples[count++] = restart_seconds(crowd, i);
        pause_by_lot(crowd);
    }
    report_figure(run->report, FIGURE_restart_p50, report_quantile(samples, count, 0.5));
    report_figure(run->report, FIGURE_restart_p99, report_quantile(samples, count, 0.99));
    memory_free(samples);
    scenario_end(run, crowd);
}

/* Partitions. */

static bool is_apart(const struct crowd *crowd) {
    uint64_t half = 0;
    for (unsigned i = 0; i < crowd->node_count; i++)
        half += crowd_is_running(crowd, i) && crowd->nodes[i].group == 1;
    return crowd->sight.wrong_count == 2 * half * (crowd->running_count - half);
}

static double heal_seconds(struct crowd *crowd, struct report *report) {
    for (unsigned i = 0; i < crowd->node_count; i++)
        crowd->nodes[i].group = 0;
    crowd_count_traffic(crowd);
    return settle_seconds(crowd, report_curve(report, "heal"), HEAL_SECONDS_MAXIMUM);
}

static void part(struct crowd *crowd) {
    for (unsigned i = 0; i < crowd->node_count / 2; i++)
        crowd->nodes[i].group = 1;
}

void scenario_split(const struct scenario_run *run) {
    struct crowd *crowd = scenario_crowd(run);
    uint64_t apart_us;
    part(crowd);
    crowd_run_until(crowd, SPLIT_SECONDS * CROWD_SECOND_US, is_apart, &apart_us);
    crowd_run(crowd, SPLIT_SECONDS * CROWD_SECOND_US - apart_us);
    report_figure(run->report, FIGURE_split_apart, seconds_of(apart_us));
    report_figure(run->report, FIGURE_split_heal, heal_seconds(crowd, run->report));
    report_figure(run->report, FIGURE_split_bytes,
                  (double)crowd->traffic.bytes / run->crowd.node_count);
    scenario_end(run, crowd);
}

void scenario_split_day(const struct scenario_run *run) {
    struct crowd *crowd = scenario_crowd(run);
    part(crowd);
    report_figure(run->report, FIGURE_split_day_hours, scenario_pass(run, crowd));
    report_figure(run->report, FIGURE_split_day_false_deaths, (double)crowd->false_deaths);
    report_figure(run->report, FIGURE_split_day_heal, heal_seconds(crowd, run->report));
    scenario_end(run, crowd);
}
