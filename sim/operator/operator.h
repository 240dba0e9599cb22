/* The operator of a run: sends commands to nodes, as `trothdb cluster` does, whatever else goes
 * wrong. Nobody waits for an answer: what became of a wish is seen in the topology. */
#pragma once
#include "sim/cluster/simulation.h"

struct sim_operator;

/* *accepted_count, if there is one, is raised by each answer that is no error; it must live as long
 * as the operator. */
struct sim_operator *sim_operator_new(struct simulation *simulation, uint64_t *accepted_count);
void sim_operator_free(struct sim_operator *operator_);
void sim_operator_ask(struct sim_operator *operator_, unsigned node, const struct bytes *arguments,
                      size_t count);
/* TROTHDB REPLICAS: which nodes (from 0) shall hold the shard. Asked of the control shard's leader,
 * if there is one to ask. */
void sim_operator_place(struct sim_operator *operator_, uint32_t shard, const unsigned *nodes,
                        unsigned count);
