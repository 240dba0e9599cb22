/* A GOSSIP command as it is run, and the answers that have a file of their own. */
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

/* gossip_key_commands.c: KEYS, the ring of cluster keys. The key file is rewritten meanwhile. */
void gossip_ring_run(const struct gossip_call *call);
/* gossip_faults.c: FAULT. */
void gossip_fault_run(const struct gossip_call *call);

/* gossip_member_replies.c */
/* "node", also of a spare, "agent" or "program": nodes do not say what they are, and programs with
 * the library serve no clients. Borrows from the member. */
struct bytes gossip_call_kind(const struct gossip *gossip, const struct gossip_member *member);
/* MEMBERS, MEMBER, GET and GETALL. */
void gossip_reply_members(const struct gossip_call *call);
void gossip_reply_member(const struct gossip_call *call);
void gossip_reply_key(const struct gossip_call *call);
void gossip_reply_keys(const struct gossip_call *call);
/* The member of that name or id (32 hex digits, or the first 8 and more); of several the one that
 * lives. NULL: the error is written. */
const struct gossip_member *gossip_call_member(const struct gossip_call *call, struct bytes who);
