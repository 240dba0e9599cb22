/* Our members of a range beside what a DIGEST says of them, in the order of their UUIDs. */
#pragma once
#include "gossip/instance/instance.h"

struct walk {
    const struct gossip *gossip;
    const struct codec_message *message;
    struct cursor in;
    struct order_cursor place;
    bool has_digest;
    struct codec_digest digest;
};

/* What is known of a member that one has never heard of. */
extern const struct codec_digest walk_nothing;

/* Borrows the message, which has a range. Nothing changes the members meanwhile. */
struct walk walk_of(const struct gossip *gossip, const struct codec_message *message);
/* The same from a UUID within the range on. */
struct walk walk_from(const struct gossip *gossip, const struct codec_message *message,
                      const uint8_t uuid[GOSSIP_UUID_BYTES]);
/* The next of either side; NULL for the side that does not have it. False: none is left. */
bool walk_next(struct walk *walk, const struct codec_digest **theirs, struct member **ours);
/* Is this one that they may lack? Of graves that they know nothing of they need not hear. */
bool walk_is_for_them(const struct codec_digest *theirs, const struct member *ours);
