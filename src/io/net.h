/* The door to other nodes. Peer streams are ordered and reliable while they last, and say when they
 * end; datagrams are neither. Sending never blocks and never fails loudly: what cannot be sent is
 * dropped and counted, because Raft and gossip both repeat themselves. Incoming messages are calls
 * into the owner (peers_receive, gossiper_datagram). */
#pragma once
#include "base/bytes.h"
#include "base/error.h"

enum {
    NET_HOST_MAXIMUM = 64,
    NET_NAME_MAXIMUM = 256,
    NET_DATAGRAM_MAXIMUM = 1200,
    NET_PEER_MESSAGE_MAXIMUM = 64 << 20
};

struct net_address {
    char host[NET_HOST_MAXIMUM]; /* an IPv4 or IPv6 address as text */
    uint16_t port;
};

/* Of a host that is to be looked up. */
struct net_name {
    char host[NET_NAME_MAXIMUM];
    uint16_t port;
};

/* A stream to a peer, as it stands now. */
struct net_link {
    uint64_t age_us;                    /* since it was opened */
    uint64_t queued_bytes, queue_bytes; /* waiting to be sent; room that is allocated for that */
};

struct net {
    /* Where the node's peer port is; opens or re-targets the stream to it, which reconnects by
     * itself with back-off. */
    void (*peer_set)(struct net *net, uint32_t node_number, const struct net_address *address);
    /* Queues one message (a packed PeerBatch) to a peer. False if there is no stream or its queue
     * is full: dropped. */
    bool (*peer_send)(struct net *net, uint32_t node_number, struct bytes message);
    /* False if no stream to the peer is open. */
    bool (*peer_link)(struct net *net, uint32_t node_number, struct net_link *link);
    void (*datagram_send)(struct net *net, const struct net_address *to, struct bytes datagram);
};
bool net_address_equal(const struct net_address *a, const struct net_address *b);
/* "host:port" or "[v6]:port". ERR_INVALID. */
int net_address_parse(struct net_address *address, struct bytes text) MUST_CHECK;
/* "name:port"; an address is a name as well. ERR_INVALID. */
int net_name_parse(struct net_name *name, struct bytes text) MUST_CHECK;
void net_address_format(const struct net_address *address, char out[NET_HOST_MAXIMUM + 10]);
