/* Scenarios about what is said: how fast one key is known by all, and what silence costs. */
#include "base/memory.h"
#include "sim/gossip/scenario.h"
#include <stdio.h>

enum {
    KEY_SECONDS_MAXIMUM = 60,
    TRAFFIC_SECONDS = 60,
    TRAFFIC_BASE = 300,
    TRAFFIC_SAID_NODES = 200, /* of more nobody says it before the minute is over */
    TRAFFIC_SAID_SECONDS = 240
};

static double seconds_of(uint64_t us) { return (double)us / (double)CROWD_SECOND_US; }

/* One change under way: who said it, and how many others have shown it. */
struct spread {
    struct crowd *crowd;
    unsigned speaker;
    char value[24];
    unsigned known_by;
    uint64_t begun_us, last_us;
    struct report_curve *curve; /* may be NULL */
};

static void spread_notice(void *context, unsigned observer, const struct gossip_change *change) {
    struct spread *spread = context;
    struct crowd *crowd = spread->crowd;
    if (change->kind != GOSSIP_CHANGE_KEY || observer == spread->speaker ||
        crowd_node_of(crowd, change->member->who->uuid) != spread->speaker)
        return;
    struct bytes value = gossip_get(crowd->nodes[observer].gossip, change->member, change->key);
    if (!bytes_equal(value, bytes_of_text(spread->value)))
        return;
    spread->known_by++;
    spread->last_us = crowd->now_us;
    unsigned others = crowd->running_count - 1, every = others / 100 + 1;
    if (spread->curve != NULL && (spread->known_by % every == 0 || spread->known_by == others))
        report_point(spread->curve, seconds_of(crowd->now_us - spread->begun_us),
                     (double)spread->known_by / others);
}

/* Somebody says something new; the seconds until all know it. */
static double spread_seconds(struct crowd *crowd, unsigned sample, struct report_curve *curve) {
    struct spread spread = {.crowd = crowd,
                            .speaker = crowd_any_running(crowd),
                            .begun_us = crowd->now_us,
                            .last_us = crowd->now_us, /* where nobody else is left */
                            .curve = curve};
    snprintf(spread.value, sizeof spread.value, "%u", sample);
    crowd->on_change = spread_notice;
    crowd->context = &spread;
    crowd_set(crowd, spread.speaker, BYTES_LITERAL("key"), bytes_of_text(spread.value));
    while (spread.known_by + 1 < crowd->running_count &&
           crowd->now_us - spread.begun_us < KEY_SECONDS_MAXIMUM * CROWD_SECOND_US)
        crowd_run(crowd, CROWD_SECOND_US / 100);
    crowd->on_change = NULL;
    bool is_known = spread.known_by + 1 == crowd->running_count;
    return is_known ? seconds_of(spread.last_us - spread.begun_us) : KEY_SECONDS_MAXIMUM;
}

static void spread_samples(const struct scenario_run *run, double loss, const char *name,
                           enum figure p50, enum figure p99) {
    struct crowd *crowd = scenario_crowd(run);
    crowd->network.loss = loss;
    double *samples = memory_allocate(run->samples * sizeof *samples);
    for (unsigned i = 0; i < run->samples; i++) {
        crowd_run(crowd, random_between(&crowd->random, CROWD_SECOND_US, 2 * CROWD_SECOND_US));
        samples[i] = spread_seconds(crowd, i, i < 5 ? report_curve(run->report, name) : NULL);
    }
    report_figure(run->report, p50, report_quantile(samples, run->samples, 0.5));
    report_figure(run->report, p99, report_quantile(samples, run->samples, 0.99));
    memory_free(samples);
    scenario_end(run, crowd);
}

void scenario_key(const struct scenario_run *run) {
    spread_samples(run, 0, "key", FIGURE_key_p50, FIGURE_key_p99);
}

void scenario_key_loss(const struct scenario_run *run) {
    spread_samples(run, 0.2, "key_loss", FIGURE_key_loss_p50, FIGURE_key_loss_p99);
}

/* In its first seconds, half as many as there are nodes to as many, each node says where it lies. A
 * crowd in which that would be within the minute is heard when all have. */
static void let_them_say_where_they_lie(struct crowd *crowd) {
    if (crowd->node_count >= TRAFFIC_SAID_NODES)
        return;
    crowd_run(crowd, TRAFFIC_SAID_SECONDS * CROWD_SECOND_US);
    crowd_count_traffic(crowd);
}

/* A minute of silence. */
static struct crowd_traffic traffic_of(const struct scenario_run *run, unsigned node_count) {
    struct scenario_run other = *run;
    other.crowd.node_count = node_count;
    struct crowd *crowd = scenario_crowd(&other);
    let_them_say_where_they_lie(crowd);
    crowd_run(crowd, TRAFFIC_SECONDS * CROWD_SECOND_US);
    struct crowd_traffic traffic = crowd->traffic;
    if (node_count == run->crowd.node_count)
        scenario_end(run, crowd);
    else
        crowd_free(crowd);
    return traffic;
}

void scenario_traffic(const struct scenario_run *run) {
    struct crowd_traffic base = traffic_of(run, TRAFFIC_BASE);
    struct crowd_traffic here = traffic_of(run, run->crowd.node_count);
    double node_seconds = (double)run->crowd.node_count * TRAFFIC_SECONDS;
    double base_bytes = (double)base.bytes / TRAFFIC_BASE / TRAFFIC_SECONDS;
    double bytes = (double)here.bytes / node_seconds;
    report_figure(run->report, FIGURE_traffic_messages, (double)here.datagrams / node_seconds);
    report_figure(run->report, FIGURE_traffic_bytes, bytes);
    report_figure(run->report, FIGURE_traffic_mean, (double)here.bytes / (double)here.datagrams);
    report_figure(run->report, FIGURE_traffic_ratio, bytes / base_bytes);
}

void scenario_day(const struct scenario_run *run) {
    struct crowd *crowd = scenario_crowd(run);
    crowd->network.loss = 0.05;
    report_figure(run->report, FIGURE_day_hours, scenario_pass(run, crowd));
    report_figure(run->report, FIGURE_day_false_deaths, (double)crowd->false_deaths);
    scenario_end(run, crowd);
}
