/* GOSSIP: what the gossiper knows, and what this node says of itself, as commands of the Redis
 * protocol. They run where the gossiper is: a node's workers send them to the gossip thread by
 * mail (MAIL_GOSSIP_CALL), an agent calls. GOSSIP WATCH is of the connection: subscriptions.h. */
#pragma once
#include "member/gossip_call.h"

/* Writes the reply. What is wrong is one error, and nothing is changed then. */
void gossip_command_run(const struct gossip_call *call);

/* What GOSSIP INFO says. */
void gossip_info(const struct gossiper *gossiper, struct buffer *out);
