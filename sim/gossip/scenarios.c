#include "sim/gossip/scenarios.h"
#include <string.h>

static const struct {
    const char *name, *text;
    void (*run)(const struct scenario_run *run);
} scenarios[] = {
#define SCENARIO(name, text) {#name, text, scenario_##name},
#define FIGURE(scenario, name, unit, wanted, text)
#include "sim/gossip/scenario.def"
#undef SCENARIO
#undef FIGURE
};

enum scenario scenario_find(const char *name) {
    for (unsigned i = 0; i < SCENARIO_COUNT; i++)
        if (strcmp(scenarios[i].name, name) == 0)
            return (enum scenario)i;
    return SCENARIO_COUNT;
}

const char *scenario_name(enum scenario scenario) { return scenarios[scenario].name; }

const char *scenario_text(enum scenario scenario) { return scenarios[scenario].text; }

void scenario_run(enum scenario scenario, const struct scenario_run *run) {
    scenarios[scenario].run(run);
}

bool scenario_is_day(enum scenario scenario) {
    return scenario == SCENARIO_day || scenario == SCENARIO_split_day;
}
