#include "sim/gossip/scenario.h"
#include "base/check.h"
#include "sim/gossip/settle.h"

enum { CALM_SECONDS = 120, CALM_QUIET_SECONDS = 10 };

double scenario_pass(const struct scenario_run *run, struct crowd *crowd) {
    uint64_t passed_us = 0, whole_us = (uint64_t)(run->hours * 3600) * CROWD_SECOND_US;
    while (passed_us < whole_us && (run->is_enough == NULL || !run->is_enough())) {
        crowd_run(crowd, CROWD_SECOND_US);
        passed_us += CROWD_SECOND_US;
    }
    return (double)passed_us / (3600.0 * CROWD_SECOND_US);
}

/* What the scenario before did to the network is over, and what it counted. */
static void crowd_calm(struct crowd *crowd) {
    uint64_t took_us;
    crowd->network.loss = 0;
    CHECK(crowd_run_until(crowd, CALM_SECONDS * CROWD_SECOND_US, crowd_is_settled, &took_us));
    crowd_run(crowd, CALM_QUIET_SECONDS * CROWD_SECOND_US);
    crowd->false_deaths = 0;
    crowd->detections_us = (struct histogram){0};
    crowd_count_traffic(crowd);
}

static bool is_kept(const struct scenario_run *run) {
    return run->kept != NULL && *run->kept != NULL &&
           (*run->kept)->node_count == run->crowd.node_count;
}

struct crowd *scenario_crowd(const struct scenario_run *run) {
    if (is_kept(run)) {
        crowd_calm(*run->kept);
        return *run->kept;
    }
    struct crowd *crowd = crowd_new(&run->crowd);
    settle_all(crowd);
    return crowd;
}

void scenario_end(const struct scenario_run *run, struct crowd *crowd) {
    if (run->kept != NULL && *run->kept == NULL)
        *run->kept = crowd;
    if (!is_kept(run) || *run->kept != crowd)
        crowd_free(crowd);
}
