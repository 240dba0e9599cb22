#include "gossip/detect/skew.h"
#include "gossip/detect/detect_room.h"
#include "gossip/instance/roster.h"

/* Between two looks at all clocks. A look can only find that some clock is right again, or gone:
 * what is measured counts at once. And each is measured every half second times their number. */
enum { SKEW_CHECK_SECONDS = 10, SKEW_CHECK_US_A_CONTACT = 100000 };

/* As it is now: this node's own wall clock may have been set meanwhile. */
static int64_t skew_of(const struct gossip *gossip, const struct member *member) {
    int64_t ours_us = (int64_t)gossip->wall_us - (int64_t)gossip->now_us;
    return contact_of(member)->clock.apart_us - ours_us;
}

/* So much the two clocks surely are apart, whatever the error. */
static uint64_t skew_surely_us(const struct gossip *gossip, const struct member *member) {
    int64_t offset_us = skew_of(gossip, member);
    uint64_t distance_us = (uint64_t)(offset_us < 0 ? -offset_us : offset_us);
    uint64_t error_us = clock_offset_error_us(&contact_of(member)->clock, gossip->now_us);
    return distance_us > error_us ? distance_us - error_us : 0;
}

void skew_measure(struct gossip *gossip, struct member *member, uint64_t sent_us,
                  const struct codec_message *answer) {
    struct clock_stamps stamps = {.sent_us = sent_us,
                                  .answered_us = answer->wire.wall_us,
                                  .heard_us = gossip->now_us,
                                  .held_us = answer->held_us};
    struct contact *contact = roster_contact(member);
    if (!answer->has_held || gossip->wall_us == 0 ||
        !clock_offset_measure(&contact->clock, &stamps))
        return;
    contact->shown.clock_offset_us = skew_of(gossip, member);
    contact->shown.clock_error_us = clock_offset_error_us(&contact->clock, gossip->now_us);
    gossip->is_clock_measured = true;
    gossip->clock_skew_us = skew_surely_us(gossip, member);
    if (gossip->clock_skew_us > gossip->counters.clock_skew_us)
        gossip->counters.clock_skew_us = gossip->clock_skew_us;
}

void skew_run(struct gossip *gossip) {
    if (gossip->now_us < gossip->detect->skew_check_us || gossip->wall_us == 0)
        return;
    uint64_t largest_us = 0, count = 0;
    for (size_t i = 0; i < gossip_live_count(gossip); i++) {
        const struct member *member = gossip_live(gossip, i);
        if (!clock_offset_is_known(&contact_of(member)->clock))
            continue;
        uint64_t surely_us = skew_surely_us(gossip, member);
        largest_us = surely_us > largest_us ? surely_us : largest_us;
        count++;
    }
    gossip->counters.clock_skew_us = largest_us;
    gossip->detect->skew_check_us =
        gossip->now_us + SKEW_CHECK_SECONDS * GOSSIP_SECOND_US + count * SKEW_CHECK_US_A_CONTACT;
}
