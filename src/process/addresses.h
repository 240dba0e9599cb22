/* Where this node listens and what it tells others, from the settings bind, announce and the three
 * ports. */
#pragma once
#include "config/config.h"
#include "io/net.h"

enum { ADDRESS_PEER_OFFSET = 10000, ADDRESS_ADMIN_OFFSET = 2000 };

struct addresses {
    struct net_address client, peer, admin;
};

/* ERR_INVALID with a sentence in `problem`: no IP address, a port past 65535, or an address other
 * than loopback without a cluster key, or a cluster's name without one. */
int addresses_of(const struct config *config, struct addresses *bound, struct addresses *announced,
                 struct buffer *problem) MUST_CHECK;
