/* What gossip knows, as one worker sees it: its own copy, so that it holds nothing of the gossip
 * thread's, kept up to date by MAIL_MEMBERS. The first of these tells of all members, the others of
 * those that changed (member_changes.h). The dead and the left are in it too, for as long as gossip
 * keeps them. */
#pragma once
#include "base/buffer.h"
#include "gossip/gossip.h"
#include "io/net.h"

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

/* All zeros: nothing is known yet. */
struct member_view {
    struct member_view_entry *members; /* this node first, then in the order they were met */
    size_t count, capacity;
    struct table *places; /* by UUID: position in `members` + 1 */
};

/* Takes what a MAIL_MEMBERS says. ERR_MALFORMED changes nothing. */
int member_view_hear(struct member_view *view, struct bytes bytes) MUST_CHECK;
void member_view_release(struct member_view *view); /* back to all zeros */
/* NULL if absent. Borrows; valid until the next member_view_hear(). */
const struct member_view_entry *member_view_find(const struct member_view *view,
                                                 const uint8_t uuid[GOSSIP_UUID_BYTES]);

/* ---- what a MAIL_MEMBERS says, written ---- */

struct member_view_writer {
    struct buffer members;
    uint64_t count;
    bool is_whole;
};

/* `is_whole`: whoever hears it forgets everybody else. */
void member_view_write_begin(struct member_view_writer *writer, bool is_whole,
                             size_t bytes_maximum);
/* False: there is no more room, and nothing was written. */
bool member_view_write(struct member_view_writer *writer, const struct gossip *gossip,
                       const struct gossip_member *member) MUST_CHECK;
void member_view_write_end(struct member_view_writer *writer, struct buffer *out);
