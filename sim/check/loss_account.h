/* What may be lost where nodes are lost for good (loss.h): what the replica that goes on did not
 * have when it did. Answers that rest on that are of unknown outcome from then on. Nothing else may
 * be lost: an entry that it had when it was chosen stays committed, and every other answer counts
 * as ever.
 *
 * All of these do nothing in a run without losses. */
#pragma once
#include "sim/cluster/simulation.h"

struct loss_account;
struct raft;
struct sim_thread;

struct loss_account *loss_account_new(unsigned shard_count); /* with the control shard */
void loss_account_free(struct loss_account *account);        /* NULL is allowed */
/* This node's replica, which holds that log now, is to go on alone. */
void loss_account_expect(struct simulation *simulation, uint32_t shard, unsigned survivor,
                         const struct raft *raft);
void loss_account_answered(struct simulation *simulation, unsigned node,
                           const struct operation *operation, uint64_t number);
/* The node said that it was not executed. */
void loss_account_refused(struct simulation *simulation, const struct operation *operation,
                          uint64_t number);
/* Before the checks of that turn: has a replica gone on alone in it? */
void loss_account_after_turn(struct simulation *simulation, struct sim_thread *thread);
void loss_account_node_died(struct simulation *simulation, unsigned node);
