/* Sending what somebody lacks: into one datagram until it is full, then the next. Towards who
 * understands it, a datagram is full when it is full compressed (packing.h). */
#pragma once
#include "gossip/instance.h"

struct filling {
    struct gossip *gossip;
    const struct gossip_address *to;
    const struct member *member; /* who that is; NULL: not known */
    unsigned datagrams_left;
    bool is_open;
    enum codec_section section; /* the open list; 0: none */
};

/* An answer to `message`, at most as long as one answer may be. Borrows `from`. */
struct filling filling_for(struct gossip *gossip, const struct gossip_address *from,
                           const struct codec_message *message);
/* The member's record, if it is newer than the known one; what the other lacks of its entries. */
void filling_add_record(struct filling *filling, const struct member *member,
                        const struct codec_digest *known);
void filling_add_entries(struct filling *filling, const struct member *member,
                         const struct codec_digest *known);
/* Sends what is left. */
void filling_flush(struct filling *filling);
