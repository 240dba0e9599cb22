/* Scenarios: a crowd, what is done to it, and the figures that come out, beside those wanted
 * (scenario.def). */
#pragma once
#include "sim/gossip/crowd.h"
#include "sim/gossip/report.h"

enum scenario {
#define SCENARIO(name, text) SCENARIO_##name,
#define FIGURE(scenario, name, unit, wanted, text)
#include "sim/gossip/scenario.def"
#undef SCENARIO
#undef FIGURE
    SCENARIO_COUNT
};

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

/* SCENARIO_COUNT if there is none of that name. */
enum scenario scenario_find(const char *name);
const char *scenario_name(enum scenario scenario);
const char *scenario_text(enum scenario scenario);
/* Every node of it knows every other that runs. To be given back by scenario_end(). */
struct crowd *scenario_crowd(const struct scenario_run *run);
void scenario_end(const struct scenario_run *run, struct crowd *crowd);
void scenario_run(enum scenario scenario, const struct scenario_run *run);
/* Does it last `hours`? */
bool scenario_is_day(enum scenario scenario);
/* Lets them pass, unless it is enough before; returns how many did. */
double scenario_pass(const struct scenario_run *run, struct crowd *crowd);

/* scenario_news.c, scenario_life.c, scenario_settings.c, scenario_stops.c,
 * scenario_storm.c */
#define SCENARIO(name, text) void scenario_##name(const struct scenario_run *run);
#define FIGURE(scenario, name, unit, wanted, text)
#include "sim/gossip/scenario.def"
#undef SCENARIO
#undef FIGURE
