/* What gossip knows, as the workers see it: the bytes of a MAIL_MEMBERS, decoded. A copy, complete
 * each time, so that a worker holds nothing of the gossip thread's. The dead and the left are in it
 * too, for as long as gossip keeps them. */
#pragma once
#include "base/buffer.h"
#include "gossip/gossip.h"
#include "io/net.h"

enum { MEMBER_VIEW_BYTES_MAXIMUM = 64 << 20 }; /* past it the members at the end are left out */

struct member_view_entry {
    uint8_t uuid[GOSSIP_UUID_BYTES];
    uint64_t generation;
    struct net_address peer;
    char name[64];
    enum gossip_member_state state;
    uint64_t round_trip_us; /* last measured; 0: never */
    uint64_t heard_us;      /* last direct contact, by this node's monotonic clock; 0: never */
#define MEMBER_SAYS(field, key) char *field; /* owned text; "" when the member does not say it */
#include "member/member_says.def"
#undef MEMBER_SAYS
};

struct member_view {
    struct member_view_entry *members; /* this node first, then in the order they were met */
    size_t count;
};

void member_view_encode(const struct gossip *gossip, struct buffer *out);
/* `view` need not be initialised; on 0 it is the caller's to release. ERR_MALFORMED leaves nothing
 * to release. */
int member_view_decode(struct member_view *view, struct bytes bytes) MUST_CHECK;
void member_view_release(struct member_view *view);
/* NULL if absent. Borrows. */
const struct member_view_entry *member_view_find(const struct member_view *view,
                                                 const uint8_t uuid[GOSSIP_UUID_BYTES]);
