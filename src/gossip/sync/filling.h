/* Writing what somebody lacks: into one datagram until it is full, then the next. Towards who
 * understands it, a datagram is full when it is full compressed (packing.h). For a stream into one
 * piece, until that is full; then where it stopped is noted, to go on from there with the next. */
#pragma once
#include "gossip/instance/instance.h"

struct filling {
    struct gossip *gossip;
    const struct gossip_address *to;
    const struct member *member; /* who that is; NULL: not known */
    unsigned datagrams_left;
    bool is_open;
    enum codec_section section; /* the open list; 0: none */
    bool is_piece;              /* of a stream */
    bool is_full;               /* there is more, which does not go into it */
    uint64_t version;           /* entries of the last member are written up to here */
};

/* An answer to `message`, at most as long as one answer may be. Borrows `from`. */
struct filling filling_for(struct gossip *gossip, const struct gossip_address *from,
                           const struct codec_message *message);
/* The member's record, if it is newer than the known one; what the other lacks of its entries. */
void filling_add_record(struct filling *filling, const struct member *member,
                        const struct codec_digest *known);
void filling_add_entries(struct filling *filling, const struct member *member,
                         const struct codec_digest *known);
/* Sends what is left; of a piece, only ends it. */
void filling_flush(struct filling *filling);

/* A piece of a stream for that member. Whether anything was written into it says is_open. */
struct filling filling_piece_for(struct gossip *gossip, const struct member *member);
/* Goes on with a member's entries above `version`. */
void filling_add_above(struct filling *filling, const struct member *member, uint64_t version);

/* How many bytes that would be for one member, compared with what is known of it. */
size_t filling_bytes(const struct gossip *gossip, const struct member *member,
                     const struct codec_digest *known);
