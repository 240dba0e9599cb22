/* Nodes that are lost for good, so many at once that shards lose their majority, and the operator
 * who has those shards go on from what is left, as `trothdb cluster recover` does:
 *
 *   nodes die for ever -> the most advanced replica of each shard is looked for among the others
 *     -> TROTHDB RECOVER, where the control shard lost its majority -> TROTHDB LOST -> they serve
 *
 * What may be lost by it is the account's matter (loss_account.h). One of the lost nodes comes back
 * later, with its disks, and must end when it hears what was decided. */
#pragma once
#include "sim/cluster/simulation.h"

struct loss;

struct loss *loss_new(struct simulation *simulation);
void loss_free(struct loss *loss); /* NULL is allowed */
/* Loses nodes by lot, if then every shard has a replica left and some shard has no majority. False:
 * none were lost. */
bool loss_begin(struct loss *loss);
/* The same, if that shard's voters are being changed at this moment. */
bool loss_begin_in_change(struct loss *loss);
