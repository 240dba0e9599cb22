/* Everything at once, by lot, and then quiet: do the rules hold (claims.h), and does it end? */
#include "sim/gossip/claims.h"
#include "sim/gossip/scenario.h"
#include "sim/gossip/settle.h"

enum {
    STORM_SECONDS = 120,
    SETTLE_SECONDS = 120,
    QUIET_SECONDS = 5,
    MOVE_MS_MAXIMUM = 200,
    SEEDS = 3,
    ZONES = 3
};

struct storm {
    struct crowd *crowd;
    struct claims *claims;
};

static unsigned any(struct storm *storm) {
    return (unsigned)random_below(&storm->crowd->random, storm->crowd->node_count);
}

static void storm_say(struct storm *storm) {
    unsigned node = any(storm);
    if (!crowd_is_running(storm->crowd, node) || storm->crowd->nodes[node].is_stopped)
        return;
    unsigned key = (unsigned)random_below(&storm->crowd->random, CLAIMS_KEYS);
    if (random_chance(&storm->crowd->random, 0.3))
        claims_remove(storm->claims, node, key);
    else
        claims_set(storm->claims, node, key);
}

/* Most stand in one of a few zones; some do not say, and so stand apart from all of them. */
static void storm_zone(struct storm *storm, unsigned node) {
    static const char *const zones[ZONES + 1] = {"east", "west", "south", NULL};
    const char *zone = zones[node % (ZONES + 1)];
    if (zone != NULL)
        crowd_set(storm->crowd, node, bytes_of_text(GOSSIP_KEY_ZONE), bytes_of_text(zone));
}

static void storm_start(struct storm *storm, unsigned node) {
    struct crowd *crowd = storm->crowd;
    claims_life_begins(storm->claims, node);
    crowd_start(crowd, node);
    storm_zone(storm, node);
    for (unsigned seed = 0; seed < SEEDS; seed++)
        if (seed != node)
            crowd_seed(crowd, node, seed);
}

static void storm_churn(struct storm *storm) {
    struct crowd *crowd = storm->crowd;
    unsigned node = any(storm);
    if (!crowd_is_running(crowd, node))
        storm_start(storm, node);
    else if (crowd->running_count < crowd->node_count / 2)
        return;
    else if (crowd->nodes[node].is_stopped)
        crowd_resume(crowd, node);
    else if (random_chance(&crowd->random, 0.3))
        crowd_stop(crowd, node);
    else if (random_chance(&crowd->random, 0.3))
        crowd_leave(crowd, node);
    else
        crowd_kill(crowd, node);
}

static void storm_part(struct storm *storm) {
    struct crowd *crowd = storm->crowd;
    bool is_healing = random_chance(&crowd->random, 0.6);
    for (unsigned i = 0; i < crowd->node_count; i++)
        crowd->nodes[i].group = is_healing ? 0 : (unsigned)random_below(&crowd->random, 2);
}

static void storm_weather(struct storm *storm) {
    struct crowd_network *network = &storm->crowd->network;
    struct random *random = &storm->crowd->random;
    network->loss = random_chance(random, 0.5) ? 0 : 0.3 * random_unit(random);
    network->repeats = random_chance(random, 0.5) ? 0 : 0.1;
    network->late = random_chance(random, 0.5) ? 0 : 0.1;
    network->late_us = 2 * CROWD_SECOND_US;
}

/* Clocks of people's machines: some are set, and jump. */
static void storm_clock(struct storm *storm) {
    static const int64_t hour_us = 3600 * (int64_t)CROWD_SECOND_US;
    int64_t hours = (int64_t)random_below(&storm->crowd->random, 49) - 24;
    storm->crowd->nodes[any(storm)].clock_ahead_us = hours * hour_us;
}

static void storm_move(struct storm *storm) {
    uint64_t lot = random_below(&storm->crowd->random, 100);
    if (lot < 70)
        storm_say(storm);
    else if (lot < 94)
        storm_churn(storm);
    else if (lot < 96)
        storm_part(storm);
    else if (lot < 98)
        storm_weather(storm);
    else
        storm_clock(storm);
}

/* Seeds are what people keep up: a newcomer that met nobody before all of them were gone could not
 * be found by anybody. */
static void storm_end(struct storm *storm) {
    struct crowd *crowd = storm->crowd;
    crowd->network.loss = crowd->network.repeats = crowd->network.late = 0;
    for (unsigned i = 0; i < crowd->node_count; i++) {
        crowd->nodes[i].group = 0;
        if (crowd->nodes[i].is_stopped)
            crowd_resume(crowd, i);
        if (i < SEEDS && !crowd_is_running(crowd, i))
            storm_start(storm, i);
    }
}

/* Whoever finds another hash than its own begins to compare: where nobody does, all are equal. */
static bool storm_falls_silent(struct crowd *crowd) {
    for (unsigned waited = 0; waited < SETTLE_SECONDS; waited += QUIET_SECONDS) {
        crowd_count_traffic(crowd);
        crowd_run(crowd, QUIET_SECONDS * CROWD_SECOND_US);
        if (crowd->traffic.digests == 0)
            return true;
    }
    return false;
}

static void storm_judge(struct storm *storm, struct report *report) {
    struct crowd *crowd = storm->crowd;
    uint64_t took_us, broken = 0;
    bool is_settled =
        crowd_run_until(crowd, SETTLE_SECONDS * CROWD_SECOND_US, crowd_is_settled, &took_us);
    report_figure(report, FIGURE_storm_settle, (double)took_us / (double)CROWD_SECOND_US);
    for (unsigned i = 0; i < SETTLE_SECONDS && !claims_all_equal(storm->claims); i++)
        crowd_run(crowd, CROWD_SECOND_US);
    bool is_quiet = storm_falls_silent(crowd);
    if (!is_settled && ++broken)
        report_note(report, "not all know who runs");
    if (!claims_all_equal(storm->claims) && ++broken)
        report_note(report, "not all know what the others say");
    if (!is_quiet && ++broken)
        report_note(report, "all is told, and still not all hashes are equal");
    report_figure(report, FIGURE_storm_broken, (double)(broken + claims_broken(storm->claims)));
}

void scenario_storm(const struct scenario_run *run) {
    struct storm storm = {.crowd = crowd_new(&run->crowd)};
    for (unsigned i = 0; i < SEEDS && i < run->crowd.node_count; i++)
        storm.crowd->nodes[i].keeps_port = true;
    settle_all(storm.crowd);
    storm.claims = claims_new(storm.crowd, run->report);
    for (unsigned i = 0; i < run->crowd.node_count; i++)
        storm_zone(&storm, i);
    uint64_t end_us = storm.crowd->now_us + STORM_SECONDS * CROWD_SECOND_US;
    while (storm.crowd->now_us < end_us) {
        storm_move(&storm);
        crowd_run(storm.crowd, random_between(&storm.crowd->random, 1, MOVE_MS_MAXIMUM) * 1000);
    }
    storm_end(&storm);
    storm_judge(&storm, run->report);
    claims_free(storm.claims);
    crowd_free(storm.crowd);
}
