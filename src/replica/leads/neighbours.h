/* What gossip says of the nodes of this cluster, as far as it matters to Raft: how long a round
 * trip takes, how gladly they lead, and when one of them does not answer any more. */
#pragma once
#include "raft/raft.h"
#include "replica/state/leads.h"

/* The worker's members are new: shards whose leader is suspected now are told, and those whose
 * standing changed. */
void neighbours_hear(struct worker *worker);
/* The node was just heard by Raft: gossip is told so, a few times a second. */
void neighbours_contact(struct worker *worker, raft_node_number number);
/* Now and then the shards learn how long an election takes, and the metrics how far followers are
 * behind. */
void neighbours_tick(struct worker *worker);
void neighbours_release(struct neighbours *neighbours);
