/* What lines of a scenario mean that are more than a name and a value. Private to chaos/. */
#pragma once
#include "chaos/scenario_words.h"

/* Behind "expect". ERR_INVALID with the problem. */
int scenario_expectation_parse(struct scenario *scenario, struct scenario_words *words) MUST_CHECK;
/* What happens, and when. ERR_INVALID with the problem. */
int scenario_step_parse(struct scenario *scenario, struct scenario_words *words) MUST_CHECK;
