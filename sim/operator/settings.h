/* The operator of a run who turns its knobs: sets settings of all nodes or of one, and takes them
 * back, whatever else goes wrong. In the end every thread of every node must have what the control
 * shard says. */
#pragma once
#include "base/bytes.h"
#include "sim/cluster/simulation.h"

struct settings_operator;
struct settings_operator *settings_operator_new(struct simulation *simulation);
void settings_operator_free(struct settings_operator *settings);
/* Asks the control shard's leader, if there is one to ask. */
void settings_operator_change(struct settings_operator *settings);
/* CONFIG SET on this node: names and values by turns, borrowed. What any call has set on the node
 * is taken back after so long, and then again until it is. */
void settings_operator_tune(struct settings_operator *settings, unsigned node,
                            const struct bytes *pairs, size_t count, uint64_t lasts_us);
/* The same by lot, of a node by lot. */
void settings_operator_tune_by_lot(struct settings_operator *settings);
/* A node by lot reads its file again, which is as it was. */
void settings_operator_reload(struct settings_operator *settings);
/* Does every thread that is up follow the newest topology that a node knows? For the end of a run.
 */
bool settings_are_followed(const struct simulation *simulation, struct buffer *problem);
