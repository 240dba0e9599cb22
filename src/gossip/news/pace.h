/* How fast news is told on: the settings, and what adapt.h makes of them. Each change is counted
 * and logged. */
#pragma once
#include "gossip/instance/instance.h"

/* After the settings have changed. */
void pace_set(struct gossip *gossip);
/* A piece of news was this long on its way here. */
void pace_heard(struct gossip *gossip, uint64_t delay_us);
void pace_run(struct gossip *gossip);
