/* The operator of a run who turns its knobs: sets settings of all nodes, and takes them back,
 * whatever else goes wrong. In the end every thread of every node must have what the control shard
 * says. */
#pragma once
#include "sim/cluster/simulation.h"

struct settings_operator;
struct settings_operator *settings_operator_new(struct simulation *simulation);
void settings_operator_free(struct settings_operator *settings);
/* Asks the control shard's leader, if there is one to ask. */
void settings_operator_change(struct settings_operator *settings);
/* Does every thread that is up follow the newest topology that a node knows? For the end of a run.
 */
bool settings_are_followed(const struct simulation *simulation, struct buffer *problem);
