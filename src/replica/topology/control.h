/* The topology on this node: decided by the control shard, kept in two files, told to who lags
 * behind. */
#pragma once
#include "worker/worker.h"

int control_start(struct worker *worker,
                  struct buffer *problem) MUST_CHECK; /* reads the files; founds a cluster of one */
/* Do other nodes hold replicas of the shard, for certain? Asked before the topology is in place: by
 * the file. */
bool control_has_peers(struct worker *worker, uint32_t shard);
void control_applied(struct worker *worker, struct shard *shard);
int control_found(struct worker *worker, struct bytes encoded, struct buffer *problem) MUST_CHECK;
/* From a peer. `founding` may be empty: a spare takes nothing but a founding itself then. */
void control_topology_heard(struct worker *worker, struct bytes encoded, struct bytes founding);
void control_topology_mail(struct worker *worker, struct bytes mail); /* a MAIL_TOPOLOGY */
/* What gossip says of another node of the topology. */
void control_hear_address(struct worker *worker, const struct topology_node *node,
                          const struct member_view_entry *member);
void control_tick(struct worker *worker);
void control_say_leads(struct worker *worker);
