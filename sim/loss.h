/* Nodes that are lost for good, so many at once that shards lose their majority, and the operator
 * who has those shards go on from what is left, as `trothdb cluster recover` does:
 *
 *   nodes die for ever -> the most advanced replica of each shard is looked for among the others
 *     -> TROTHDB RECOVER, where the control shard lost its majority -> TROTHDB LOST -> they serve
 *
 * What may be lost by it is what the replica that goes on did not have when it did: answers that
 * rest on that are of unknown outcome from then on. Nothing else may be lost: an entry that it had
 * when it was chosen stays committed, and every other answer counts as ever. One of the lost nodes
 * comes back later, with its disks, and must end when it hears what was decided. */
#pragma once
#include "sim/simulation.h"

struct loss;
struct raft;
struct sim_thread;

struct loss *loss_new(struct simulation *simulation);
void loss_free(struct loss *loss); /* NULL is allowed */
/* Loses nodes by lot, if then every shard has a replica left and some shard has no majority. */
void loss_begin(struct loss *loss);

/* All of these do nothing in a run without losses (loss is NULL). */
void loss_answered(struct loss *loss, unsigned node, const struct operation *operation,
                   uint64_t number);
/* The node said that it was not executed. */
void loss_refused(struct loss *loss, const struct operation *operation, uint64_t number);
/* Before the checks of that turn: has a replica gone on alone in it? */
void loss_after_turn(struct loss *loss, struct sim_thread *thread);
void loss_node_died(struct loss *loss, unsigned node);
