/* All scenarios, by name. */
#pragma once
#include "sim/gossip/scenario.h"

enum scenario {
#define SCENARIO(name, text) SCENARIO_##name,
#define FIGURE(scenario, name, unit, wanted, text)
#include "sim/gossip/scenario.def"
#undef SCENARIO
#undef FIGURE
    SCENARIO_COUNT
};

/* SCENARIO_COUNT if there is none of that name. */
enum scenario scenario_find(const char *name);
const char *scenario_name(enum scenario scenario);
const char *scenario_text(enum scenario scenario);
/* Does it last `hours`? */
bool scenario_is_day(enum scenario scenario);
void scenario_run(enum scenario scenario, const struct scenario_run *run);
