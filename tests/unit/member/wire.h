/* Some gossipers on one fake wire, whose clock is moved by hand; what they tell their workers is
 * heard. */
#pragma once
#include "../unit.h"
#include "member/gossiper.h"
#include "member/member_view.h"

enum { DATAGRAM_QUEUE_MAXIMUM = 256, WORKERS = 2 };

struct queued {
    struct net_address from, to;
    size_t length;
    uint8_t data[NET_DATAGRAM_MAXIMUM];
};

/* All nodes' world. */
struct wire {
    struct clock clock;
    uint64_t now_us;
    struct queued queue[DATAGRAM_QUEUE_MAXIMUM];
    size_t count;
};

struct node {
    struct net net;
    struct wire *wire;
    struct net_address address;
    struct config config;
    struct metrics *metrics;
    struct gossiper *gossiper;
    struct member_view view[WORKERS];
    unsigned mails[WORKERS];
    size_t told; /* members, in all mails to one worker */
};

struct wire *wire_new(void); /* returns owned: memory_free */
/* A millisecond at a time; what is sent in one arrives in the next. */
void wire_run(struct wire *wire, struct node *nodes, size_t node_count, unsigned duration_ms);
/* Its peer port is 17000 + number, and its name is "a name". */
void node_start(struct node *node, struct wire *wire, uint8_t number, const char *join);
void node_start_called(struct node *node, struct wire *wire, uint8_t number, const char *name,
                       const char *join);
void node_end(struct node *node);
void node_say(struct node *node, const char *key, const char *value);
