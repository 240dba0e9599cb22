/* Of whom the workers are to be told in the next MAIL_MEMBERS: those that changed since the last
 * one, and, at most once a second, those that this node has heard itself, whose round trip may be
 * another. What does not fit into one mail waits for the next. Once in a while members are
 * forgotten; then all that are left are told, as at the start. */
#pragma once
#include "base/buffer.h"
#include "gossip/gossip.h"

enum {
    MEMBER_VIEW_BYTES_MAXIMUM = 64 << 20, /* of one mail */
    MEMBER_HEARD_PAUSE_US = 1000000
};

struct member_changes {
    struct table *waiting; /* UUIDs, in the order in which they changed */
    uint64_t heard_us;     /* those heard before are told */
    uint64_t forgotten;    /* members by then */
    bool is_begun;
};

void member_changes_init(struct member_changes *changes);
void member_changes_release(struct member_changes *changes);
/* After each step of gossip. */
void member_changes_note(struct member_changes *changes, const struct gossip_actions *actions);
/* Appends what member_view_hear() takes; true: and more is waiting. */
bool member_changes_take(struct member_changes *changes, const struct gossip *gossip,
                         uint64_t now_us, struct buffer *out);
