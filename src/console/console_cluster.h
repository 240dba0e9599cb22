/* What the workers of a node know of its cluster, as part of a JSON object: durability, nodes and
 * shards as the topology has them, and the replicas here. Each worker alone knows its replicas, so
 * one mail goes through all of them and home:
 *
 *   gossip thread --MAIL_STATUS--> worker 0 --> worker 1 --> ... --> gossip thread
 *                                  cluster,     its replicas
 *                                  its replicas
 *
 * docs/guide/console.md has the fields. Bounded by what a topology may be: TOPOLOGY_NODE_MAXIMUM,
 * TOPOLOGY_SHARD_MAXIMUM, RAFT_VOTER_MAXIMUM. */
#pragma once
#include "member/mail.h"

struct worker;

/* Takes the mail: adds what this worker knows, and sends it on. */
void console_status_mail(struct worker *worker, struct mail *mail);
