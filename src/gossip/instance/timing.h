/* What is set of an instance (terms/settings.h), within what it can do: what is left out is the
 * default, and what is too much the most. People are refused by the ranges of config.def instead,
 * which are narrower; tests/unit/tuning holds the two together. */
#pragma once
#include "gossip/terms/settings.h"

void timing_bound(struct gossip_timing *timing);
