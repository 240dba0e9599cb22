/* The gossiper: the node's gossip instance with its mail. The owner gives it datagrams (opened
 * already where a key is set) and ticks; it sends datagrams through `net`, and tells the workers
 * what it learned by MAIL_MEMBERS. */
#pragma once
#include "config/config.h"
#include "gossip/gossip.h"
#include "io/clock.h"
#include "io/net.h"
#include "member/identity.h"
#include "member/mail.h"
#include "metric/metric.h"

struct faulty_net;
struct gossiper;
struct seal;

/* What the owner does for it with sockets and names. Each may be NULL. */
struct gossiper_plane {
    /* Datagrams to this member are not answered: try a stream, and if it answers call
     * gossiper_stream_answered(). May be NULL. */
    void (*try_stream)(void *context, const uint8_t uuid[GOSSIP_UUID_BYTES],
                       const struct net_address *address);
    /* Looks up host:port, again and again, and hands in what it stands for as MAIL_GOSSIP_SEED.
     * ERR_INVALID or ERR_LIMIT with a sentence; NULL: only addresses can be seeds. */
    int (*seed_name)(void *context, struct bytes text, struct buffer *problem);
    /* Can datagrams go to that address at all? From a socket of IPv4 none goes to IPv6. NULL: to
     * all. */
    bool (*has_way_to)(void *context, const struct net_address *address);
    /* Does what an action says of a stream that this node asks for: GOSSIP_STREAM_OPEN and _DROP,
     * and calls the functions below with what comes. NULL: this node takes and gives none. Those
     * that others ask for are dealt with by MAIL_GOSSIP_STREAM. */
    void (*ask_stream)(void *context, const struct gossip_stream_action *action);
    void *context;
};

struct gossiper_options {
    struct identity identity;
    const struct config *config;     /* copied what is needed */
    struct net_address peer_address; /* as announced */
    char name[64];
    uint64_t seed;
    struct seal *seal;     /* of what `net` sends and what comes back; NULL: unsealed. Borrowed */
    unsigned worker_count; /* 0: an agent, which sees what changes by MAIL_GOSSIP_NEWS */
    struct clock *clock;
    struct net *net;           /* only datagram_send is used */
    struct faulty_net *faults; /* of that net, for GOSSIP FAULT; NULL: none can be set */
    const struct log *log;
    struct metrics *metrics;
    void (*post)(void *context, unsigned receiver, struct mail *mail);
    void *context;
    struct gossiper_plane plane;
};

/* What a node is called: the setting `name`, or else its client address. */
enum { GOSSIPER_NAME_BYTES = sizeof((struct gossip_options){0}.name) };
void gossiper_name(const char *setting, const struct net_address *client,
                   char out[GOSSIPER_NAME_BYTES]);
/* ERR_INVALID with a sentence in `problem`: too long, or no word. */
int gossiper_check_name(const char *setting, struct buffer *problem) MUST_CHECK;

struct gossiper *gossiper_new(const struct gossiper_options *options);
void gossiper_free(struct gossiper *gossiper);
void gossiper_datagram(struct gossiper *gossiper, const struct net_address *from,
                       struct bytes datagram);
/* An IP with a port, or a name as plane.seed_name takes it. */
int gossiper_seed_text(struct gossiper *gossiper, struct bytes text,
                       struct buffer *problem) MUST_CHECK;
/* The member answered a stream that plane.try_stream began. */
void gossiper_stream_answered(struct gossiper *gossiper, const uint8_t uuid[GOSSIP_UUID_BYTES],
                              const struct net_address *address);
/* Of a stream that plane.ask_stream opened. Not from within that. */
void gossiper_stream_piece(struct gossiper *gossiper, uint64_t stream, struct bytes piece);
void gossiper_stream_ended(struct gossiper *gossiper, uint64_t stream,
                           enum gossip_stream_outcome outcome);
void gossiper_mail(struct gossiper *gossiper, struct mail *mail); /* takes the mail */
void gossiper_tick(struct gossiper *gossiper);
uint64_t gossiper_deadline_us(const struct gossiper *gossiper);

/* For the GOSSIP commands, on the gossiper's own thread. */
struct seal *gossiper_seal(const struct gossiper *gossiper);           /* NULL: no key is set */
const struct gossip *gossiper_gossip(const struct gossiper *gossiper); /* borrows */
const struct config *gossiper_config(const struct gossiper *gossiper); /* borrows */
/* Of this node, as others know it: for identity_start_above(). 0: they do not. */
uint64_t gossiper_later_generation(const struct gossiper *gossiper);
uint64_t gossiper_now_us(const struct gossiper *gossiper);           /* of the gossip's clock */
struct faulty_net *gossiper_faults(const struct gossiper *gossiper); /* borrows; may be NULL */
/* This node says key = value, which gossip_key_check() allows; an empty value removes the key. */
void gossiper_say(struct gossiper *gossiper, struct bytes key, struct bytes value);
void gossiper_seed(struct gossiper *gossiper, const struct net_address *address);
