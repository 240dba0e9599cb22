/* Answers that a crash may take back: those of operations that were asked to be asynchronous. Until
 * what such an answer rests on is committed, and so on the disks of a majority, the death of any
 * node makes its outcome unknown, and so it does where somebody died while an entry that it rests
 * on was in memory only. All others count like every answer. */
#pragma once
#include "sim/cluster/simulation.h"

struct risk;
struct risk *risk_new(unsigned shard_count); /* with the control shard */
void risk_free(struct risk *risk);
/* For an operation that is invoked just now: are there entries that may be lost since a node died?
 */
bool risk_is_shaken(const struct simulation *simulation, const struct operation *operation);
/* Operation `number` of the history, asynchronous, was answered by this node just now. */
void risk_answered(struct simulation *simulation, unsigned node, const struct operation *operation,
                   uint64_t number);
void risk_node_died(struct simulation *simulation);
