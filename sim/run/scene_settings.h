/* With which settings the nodes of a run begin: by lot, and small, so that what comes seldom in a
 * cluster of hours comes often in a minute. */
#pragma once
#include "sim/cluster/simulation.h"

/* Makes simulation->config. Its lots are drawn in one order, whatever they are: a seed is a run. */
void scene_settings_choose(struct simulation *simulation);
/* Those of backups, in a run that makes some. */
void scene_settings_choose_backups(struct simulation *simulation);
