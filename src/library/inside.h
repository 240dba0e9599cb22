/* The inside of the library: what its files share. */
#pragma once
#include "base/buffer.h"
#include "base/log.h"
#include "config/config.h"
#include "gossip/gossip.h"
#include "library/troth-gossip.h"

struct troth_gossip {
    struct gossip *gossip;
    struct config config; /* only what is called gossip-... counts */
    struct log log;
    troth_gossip_log *tell; /* NULL: nobody listens */
    void *context;
    uint64_t deadline_us;
    struct troth_gossip_datagram *datagrams; /* as handed out */
    size_t datagram_capacity;
    struct troth_gossip_try *tries;
    size_t try_capacity;
    struct troth_gossip_change *changes;
    size_t change_capacity;
};

/* Copies the sentence into `problem`, cut at `problem_bytes`, and releases it. The library's code
 * for one of the house's. */
int library_complain(int code, struct buffer *sentence, char *problem, size_t problem_bytes);
void library_show_member(const struct troth_gossip *gossip, const struct gossip_member *member,
                         struct troth_gossip_member *out);
/* An IP address and a port. */
bool library_is_address(const struct troth_gossip_address *address);
