/* Was what the scenario expects met? */
#pragma once
#include "chaos/scenario.h"
#include "chaos/tally.h"

enum { VERDICT_TEXT_BYTES = 160 };

struct verdict {
    bool is_met;
    bool is_known; /* false: nothing happened, or not for long enough, that could show it;
                      is_met is false too */
    char said[VERDICT_TEXT_BYTES]; /* what was measured instead of, or as, expected */
};

/* By all that was tallied until the end. */
void verdict_of(const struct scenario_expectation *expectation, const struct scenario *scenario,
                const struct tally *tally, struct verdict *verdict);
/* The run ended before its time: what could still have come otherwise is not known. */
void verdict_cut_short(const struct scenario_expectation *expectation, struct verdict *verdict);
