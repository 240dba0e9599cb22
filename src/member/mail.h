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
    MAIL_REPLY,    /* back: the reply's bytes for (target, ticket), and where the command stands in
                      the log (term, index) */
    MAIL_PEER,     /* worker -> worker: a peer batch that has messages for your shards */
    MAIL_TOPOLOGY, /* worker -> worker: a newer topology (bytes); worker 0 decides which is newer */
    MAIL_LEADER,   /* worker -> workers: shard, leader, term as its replica here knows it */
    MAIL_MEMBERS,  /* gossiper -> workers: who changed (bytes: member_view.h) */
    MAIL_GOSSIP_SET,     /* worker -> gossiper: say key = value */
    MAIL_GOSSIP_SEED,    /* -> gossiper: address */
    MAIL_GOSSIP_LEAVE,   /* -> gossiper */
    MAIL_GOSSIP_CALL,    /* worker -> gossiper: run a GOSSIP command (bytes: encoded arguments);
                          answered by MAIL_REPLY */
    MAIL_GOSSIP_WATCH,   /* worker -> gossiper: flags 1: tell me all news from now on; 0: no more */
    MAIL_GOSSIP_NEWS,    /* gossiper -> a worker that watches: changes (bytes: gossip_news.h) */
    MAIL_GOSSIP_CONTACT, /* worker -> gossiper: a peer was just heard (bytes: its UUID) */
    MAIL_GOSSIP_STREAM,  /* of a stream that another member asked this node for, by `ticket`. Worker
                            ->  gossiper: flags: GOSSIP_STREAM_ASKED (bytes: the request), _ROOM,
                            _GONE.  Back: flags: GOSSIP_STREAM_GIVE (bytes: a piece), _END (status:
                            how) */
    MAIL_SETTINGS, /* worker 0 -> all: settings were changed live (bytes: pairs); checked already */
    MAIL_SETTINGS_CALL, /* worker -> worker 0: a command about settings (flags: which; bytes:
                           encoded arguments); answered by MAIL_REPLY */
    MAIL_SETTINGS_FILE, /* -> worker 0: what the file and the flags say now (bytes: pairs) */
    MAIL_ASK,   /* worker -> workers: a question to all (bytes: the asker's session and encoded
                   arguments); answered by MAIL_REPLY */
    MAIL_TRACE, /* worker -> worker: what stands in a shard of yours (shard, term, index) was slow;
                   key: its trace id */
    MAIL_STATUS /* gossip thread -> worker 0 -> worker 1 ... -> gossip thread: what each knows of
                   the cluster (bytes: console/console_cluster.h), for the admin port */
};

struct mail {
    struct mail *next; /* the mailbox's */
    enum mail_kind kind;
    unsigned from; /* worker */
    uint32_t shard;
    uint32_t leader;
    uint64_t term, index;
    void *target; /* the sender's object that a MAIL_REPLY finds again; the receiver only hands it
                     back */
    const void *question; /* of a MAIL_ASK: a constant that every thread knows */
    uint64_t ticket;
    size_t command_bytes; /* of a MAIL_REPLY: of the MAIL_COMMAND that it answers */
    uint32_t flags;
    int origin;                  /* of a MAIL_REPLY, with shard, term, index: whence the answer */
    uint64_t asked_us, ended_us; /* comes, as the shard says it */
    uint8_t protocol;
    int status;
    struct net_address address;
    char *key;           /* owned; may be NULL */
    struct buffer bytes; /* owned */
};

struct mail *mail_new(enum mail_kind kind, unsigned from);
void mail_free(struct mail *mail);
/* A copy that can be sent to another receiver. */
struct mail *mail_copy(const struct mail *mail);

/* Arguments of a command, put into and taken out of a mail's bytes. What is returned is owned, and
 * borrows from the mail. */
void mail_put_arguments(struct mail *mail, const struct bytes *arguments, size_t count);
struct bytes *mail_arguments(const struct mail *mail, size_t *count);

/* Name and value of a setting, in a MAIL_SETTINGS or MAIL_SETTINGS_FILE: one pair behind the other.
 * mail_next_setting() takes the first of what is left; false at the end. */
void mail_add_setting(struct mail *mail, const char *name, const char *value);
bool mail_next_setting(struct bytes *pairs, struct bytes *name, struct bytes *value);
