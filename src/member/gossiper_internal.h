/* The inside of a gossiper: gossiper.c carries what its core does, gossiper_mail.c what the other
 * threads ask of it. */
#pragma once
#include "member/gossip_meter.h"
#include "member/gossiper.h"
#include "member/member_changes.h"

struct gossiper {
    struct gossip *gossip;
    struct config config; /* own copy: the gossip settings of it are kept up to date */
    struct clock *clock;
    struct net *net;
    struct faulty_net *faults; /* borrowed; may be NULL */
    const struct log *log;
    unsigned worker_count;
    void (*post)(void *context, unsigned receiver, struct mail *mail);
    void *context;
    struct seal *seal; /* NULL: no key is set */
    struct gossiper_plane plane;
    uint64_t started_us;
    struct metric_cell *uptime, *stream_answers;
    uint64_t loss_told_us; /* that datagrams are lost; 0: never */

    uint64_t gossip_deadline_us;
    bool has_changed; /* since the workers were told */
    struct member_changes changes;
    uint64_t view_due_us; /* not before this */
    struct gossip_meter meter;
    bool *is_watching; /* by worker (an agent counts as one): who wants MAIL_GOSSIP_NEWS */
};

/* Takes the event to the core, now, and does what it says. */
void gossiper_step(struct gossiper *gossiper, struct gossip_event event);
/* How many may hear MAIL_GOSSIP_NEWS: the workers, or the agent. */
unsigned gossiper_receiver_count(const struct gossiper *gossiper);
void gossiper_say_zone(struct gossiper *gossiper);
/* The member of that UUID was heard, by whatever way. */
void gossiper_contact(struct gossiper *gossiper, struct bytes uuid);
