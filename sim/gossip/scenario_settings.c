/* Settings that are changed live, and differ: is anybody called dead for it? Every few seconds half
 * of the nodes are set to something else each, at a fifth of loss, while one after the other stands
 * still for a moment, so that there is somebody to suspect; and at times one is killed. */
#include "sim/gossip/scenario.h"

enum {
    SETTINGS_ROUNDS = 24,
    SETTINGS_STOPS_A_ROUND = 10,
    SETTINGS_STOP_US = 500000,
    SETTINGS_ROUNDS_A_DEATH = 4,
    SETTINGS_DEATHS = SETTINGS_ROUNDS / SETTINGS_ROUNDS_A_DEATH,
    DEATH_SECONDS_MAXIMUM = 120, /* then it counts as this */
    FINE_US = 1000,
    MS_US = 1000
};
#define SETTINGS_LOSS 0.2

static unsigned draw(struct crowd *crowd, unsigned least, unsigned most) {
    return (unsigned)random_between(&crowd->random, least, most);
}

/* Anything that people may set; of what trades certainty for speed, not the very fastest. */
static struct gossip_timing any_timing(struct crowd *crowd) {
    struct gossip_timing timing = crowd->timing;
    timing.probe_interval_us = draw(crowd, 400, 1000) * MS_US;
    timing.probe_timeout_us = draw(crowd, 150, 400) * MS_US;
    timing.flush_us = draw(crowd, 0, 20) * MS_US;
    timing.suspicion_factor = draw(crowd, 4, 8);
    timing.suspicion_least_percent = draw(crowd, 250, 1000);
    timing.observers = draw(crowd, 1, GOSSIP_OBSERVERS_MAXIMUM);
    timing.helpers = draw(crowd, 1, GOSSIP_HELPERS_MAXIMUM);
    timing.local_health_maximum = draw(crowd, 1, GOSSIP_LOCAL_HEALTH_MAXIMUM);
    timing.fan_out = draw(crowd, 1, GOSSIP_FAN_OUT_MAXIMUM);
    timing.tellings_percent = draw(crowd, 50, GOSSIP_TELLINGS_PERCENT_MAXIMUM);
    timing.far_one_in = draw(crowd, 1, GOSSIP_FAR_ONE_IN_MAXIMUM);
    timing.urgent_bytes = draw(crowd, GOSSIP_URGENT_BYTES, GOSSIP_URGENT_BYTES_MAXIMUM);
    for (enum gossip_priority priority = GOSSIP_CLUSTER; priority <= GOSSIP_REST; priority++)
        timing.share_percent[priority] = draw(crowd, 1, GOSSIP_SHARE_MAXIMUM);
    timing.grave_us = draw(crowd, 60, 3600) * CROWD_SECOND_US;
    timing.removal_us = draw(crowd, 10, 3600) * CROWD_SECOND_US;
    timing.back_off_us = draw(crowd, 100, 60000) * MS_US;
    return timing;
}

static void set_half(struct crowd *crowd) {
    for (unsigned i = 0; i < crowd->node_count; i++)
        if (crowd_is_running(crowd, i) && random_chance(&crowd->random, 0.5)) {
            const struct gossip_timing timing = any_timing(crowd);
            crowd_set_timing(crowd, i, &timing);
        }
}

static void set_back(struct crowd *crowd) {
    for (unsigned i = 0; i < crowd->node_count; i++)
        if (crowd_is_running(crowd, i))
            crowd_set_timing(crowd, i, &crowd->timing);
}

static void stop_some(struct crowd *crowd) {
    for (unsigned i = 0; i < SETTINGS_STOPS_A_ROUND; i++) {
        unsigned node = crowd_any_running(crowd);
        crowd_stop(crowd, node);
        crowd_run(crowd, SETTINGS_STOP_US);
        crowd_resume(crowd, node);
    }
}

/* Kills somebody; the seconds until nobody believes it to live. */
static double death_seconds(struct crowd *crowd) {
    unsigned victim = crowd_any_running(crowd);
    uint64_t begun_us = crowd->now_us;
    crowd_kill(crowd, victim);
    while (sight_seen_by(&crowd->sight, victim) > 0 &&
           crowd->now_us - begun_us < DEATH_SECONDS_MAXIMUM * CROWD_SECOND_US)
        crowd_run(crowd, FINE_US);
    return (double)(crowd->now_us - begun_us) / (double)CROWD_SECOND_US;
}

void scenario_settings(const struct scenario_run *run) {
    struct crowd *crowd = scenario_crowd(run);
    double samples[SETTINGS_DEATHS];
    unsigned count = 0;
    crowd->network.loss = SETTINGS_LOSS;
    for (unsigned round = 0; round < SETTINGS_ROUNDS; round++) {
        set_half(crowd);
        stop_some(crowd);
        if (round % SETTINGS_ROUNDS_A_DEATH == 0 && crowd->running_count > 2)
            samples[count++] = death_seconds(crowd);
    }
    report_figure(run->report, FIGURE_settings_death_p99, report_quantile(samples, count, 0.99));
    report_figure(run->report, FIGURE_settings_false_deaths, (double)crowd->false_deaths);
    set_back(crowd);
    scenario_end(run, crowd);
}
