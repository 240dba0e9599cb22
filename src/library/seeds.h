/* Where a member looks for others: "host:port,host:port", with names that are looked up. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include "io/net.h"

enum { UDP_SEEDS_MAXIMUM = 64 };

struct udp_seeds {
    struct net_address addresses[UDP_SEEDS_MAXIMUM];
    unsigned count;
};

/* Fills `seeds`, waiting for names; of what a name stands for it takes as many as leave room for
 * the other names. ERR_INVALID: not understood, and `seeds` is empty. ERR_IO: a name cannot be
 * looked up, ERR_LIMIT: there are too many; `seeds` has the others. With a sentence in `problem`.
 */
int udp_seeds_find(struct udp_seeds *seeds, const char *join, struct buffer *problem) MUST_CHECK;
