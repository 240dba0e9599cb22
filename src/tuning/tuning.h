/* The gossip settings as gossip wants them. A room of its own, because gossip knows no settings,
 * and nodes, agents and libtroth-gossip all read them in the same way. */
#pragma once
#include "config/config.h"
#include "gossip/gossip.h"

struct gossip_timing tuning_timing(const struct config *config);
