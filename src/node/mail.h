/* Mail: what the threads of one node say to each other. A mail is allocated by its sender and freed
 * by its receiver (mail_free); nothing else is shared between workers but what node_shared.h names.
 * Order between two threads is kept. */
#pragma once
#include "base/buffer.h"
#include "config/config.h"
#include "io/net.h"

/* The gossip thread's place among the receivers of mail; workers are 0 .. worker_count - 1. */
enum { MAIL_TO_GOSSIPER = 0xffff };

enum mail_kind {
    MAIL_COMMAND,  /* worker -> worker: run a command on a shard of yours (bytes: encoded arguments)
                    */
    MAIL_REPLY,    /* back: the reply's bytes for (target, ticket) */
    MAIL_PEER,     /* worker -> worker: a peer batch that has messages for your shards */
    MAIL_TOPOLOGY, /* worker -> worker: a newer topology (bytes); worker 0 decides which is newer */
    MAIL_LEADER,   /* worker -> workers: shard, leader, term as its replica here knows it */
    MAIL_MEMBERS,  /* gossiper -> workers: everything gossip knows (bytes: member_view encoded) */
    MAIL_GOSSIP_SET,   /* worker -> gossiper: say key = value */
    MAIL_GOSSIP_SEED,  /* -> gossiper: address */
    MAIL_GOSSIP_LEAVE, /* -> gossiper */
    MAIL_SETTING, /* worker -> all: a setting was changed live (key, bytes); validated already */
    MAIL_CLIENT   /* worker -> workers: kill or list of clients (session commands) */
};

struct mail {
    struct mail *next; /* the mailbox's */
    enum mail_kind kind;
    unsigned from; /* worker */
    uint32_t shard;
    uint32_t leader;
    uint64_t term;
    void *target; /* the sender's object that a MAIL_REPLY finds again; the receiver only hands it
                     back */
    uint64_t ticket;
    size_t command_bytes; /* of a MAIL_REPLY: of the MAIL_COMMAND that it answers */
    uint32_t flags;
    uint8_t protocol;
    int status;
    struct net_address address;
    char *key;           /* owned; may be NULL */
    struct buffer bytes; /* owned */
};

struct mail *mail_new(enum mail_kind kind, unsigned from);
void mail_free(struct mail *mail);
