/* A scenario: a crowd, what is done to it, and the figures that come out, beside those wanted
 * (scenario.def). */
#pragma once
#include "sim/gossip/crowd.h"
#include "sim/gossip/report.h"

struct scenario_run {
    struct crowd_options crowd;
    unsigned samples; /* deaths, changes, restarts that are measured */
    double hours;     /* of the scenarios that last a day */
    /* Asked every second of such a day: true ends it, and what was reached by then is measured.
     * NULL: it lasts. */
    bool (*is_enough)(void);
    struct report *report; /* borrows */
    struct crowd **kept; /* one crowd for all scenarios, in turn: to begin a large one takes longer
                            than to ask it something. NULL: each has its own */
};

/* Every node of it knows every other that runs. To be given back by scenario_end(). */
struct crowd *scenario_crowd(const struct scenario_run *run);
void scenario_end(const struct scenario_run *run, struct crowd *crowd);
/* Lets them pass, unless it is enough before; returns how many did. */
double scenario_pass(const struct scenario_run *run, struct crowd *crowd);

/* Each is in the scenario_*.c of what it is about. */
#define SCENARIO(name, text) void scenario_##name(const struct scenario_run *run);
#define FIGURE(scenario, name, unit, wanted, text)
#include "sim/gossip/scenario.def"
#undef SCENARIO
#undef FIGURE
