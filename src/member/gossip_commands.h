/* GOSSIP: what the gossiper knows, and what this node says of itself, as commands of the Redis
 * protocol. They run where the gossiper is: a node's workers send them to the gossip thread by
 * mail (MAIL_GOSSIP_CALL), an agent calls. GOSSIP WATCH is of the connection: subscriptions.h. */
#pragma once
#include "command/command.h"
#include "member/gossiper.h"

struct gossip_call {
    struct gossiper *gossiper;
    const struct command *command; /* one of gossip|... */
    const struct bytes *arguments;
    size_t argument_count;
    struct reply *reply;
};

/* Writes the reply. What is wrong is one error, and nothing is changed then. */
void gossip_command_run(const struct gossip_call *call);

/* What GOSSIP INFO says. */
void gossip_info(const struct gossiper *gossiper, struct buffer *out);

/* gossip_key_commands.c: KEYS, the ring of cluster keys. The key file is rewritten meanwhile. */
void gossip_keys(const struct gossip_call *call);
/* gossip_faults.c: FAULT. */
void gossip_fault_run(const struct gossip_call *call);

/* gossip_member_replies.c */
/* MEMBERS, MEMBER, GET and GETALL. */
void gossip_reply_members(const struct gossip_call *call);
void gossip_reply_member(const struct gossip_call *call);
void gossip_reply_key(const struct gossip_call *call);
void gossip_reply_keys(const struct gossip_call *call);
/* The member of that name or id (32 hex digits, or the first 8 and more); of several the one that
 * lives. NULL: the error is written. */
const struct gossip_member *gossip_call_member(const struct gossip_call *call, struct bytes who);
