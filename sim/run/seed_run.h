/* One seed, run and reported in one line; in a process of its own where an abort must not end the
 * series. */
#pragma once
#include "sim/cluster/simulation.h"

/* Runs and prints the line that says how it went (and, of a failed run, what failed). True: all
 * checks held. *simulated_seconds is how long the cluster lived. */
bool seed_run(const struct simulation_options *options, double *simulated_seconds);
/* The same in a child process; an abort or a hang counts as a failure. `is_quiet`: nothing is
 * printed. *simulated_seconds is 0 if it ended before it could say. */
bool seed_run_apart(const struct simulation_options *options, bool is_quiet,
                    double *simulated_seconds);
