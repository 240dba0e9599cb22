/* One seed, run and reported in one line; in a process of its own where an abort must not end the
 * series. */
#pragma once
#include "sim/cluster/simulation.h"

struct seed_outcome {
    double simulated_seconds; /* how long the cluster lived */
    uint64_t situations_met;  /* a bit for each (sim/check/situations.h) */
};

/* Runs and prints the line that says how it went (and, of a failed run, what failed). True: all
 * checks held. */
bool seed_run(const struct simulation_options *options, struct seed_outcome *outcome);
/* The same in a child process; an abort or a hang counts as a failure. `is_quiet`: nothing is
 * printed. The outcome is all zeros if it ended before it could say. */
bool seed_run_apart(const struct simulation_options *options, bool is_quiet,
                    struct seed_outcome *outcome);
