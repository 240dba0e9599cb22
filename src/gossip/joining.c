#include "gossip/joining.h"
#include "gossip/broadcast.h"
#include "gossip/member.h"

/* In probe intervals: without seeds nobody may ever come; seeds may be down. */
enum { ALONE_INTERVALS = 1, SEEDED_INTERVALS = 4, COPY_PAUSE_US = 10000 };

void joining_begin(struct gossip *gossip) {
    gossip->joining_us = gossip->joining_end_us =
        gossip->now_us + ALONE_INTERVALS * gossip->timing.probe_interval_us;
}

void joining_has_seed(struct gossip *gossip) {
    if (gossip->self->shown.state != GOSSIP_JOINING || gossip->joining_us < gossip->joining_end_us)
        return;
    gossip->joining_us = gossip->joining_end_us =
        gossip->self->shown.state_since_us + SEEDED_INTERVALS * gossip->timing.probe_interval_us;
}

void joining_copied(struct gossip *gossip) {
    if (gossip->self->shown.state != GOSSIP_JOINING)
        return;
    gossip->joining_us = gossip->now_us + COPY_PAUSE_US;
    if (gossip->joining_us > gossip->joining_end_us)
        gossip->joining_us = gossip->joining_end_us;
}

void joining_end(struct gossip *gossip) {
    gossip->joining_us = GOSSIP_NEVER;
    struct member *self = gossip->self;
    if (self->shown.state != GOSSIP_JOINING)
        return;
    self->shown.incarnation++;
    member_stamp(gossip, self, gossip->wall_us);
    member_set_state(gossip, self, GOSSIP_ALIVE);
    gossip_changed(gossip, GOSSIP_CHANGE_STATE, self, BYTES_NONE);
    broadcast_add(gossip, self, NULL, GOSSIP_CLUSTER);
}

void joining_run(struct gossip *gossip) {
    if (gossip->now_us >= gossip->joining_us)
        joining_end(gossip);
}
