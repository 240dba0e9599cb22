/* Looking ahead: what steps to come will touch is asked for before they are made, in turns
 * (gossip/expecting.h). The steps of a short span of time take their turns together, and between
 * two turns those of an earlier span are made:
 *
 *     now --> | being made | last turn |  ...  | second turn | first turn | not looked at yet
 *
 * How long a span is depends on how much goes on: some steps are in each, and all spans together
 * are shorter than any datagram takes, so that what comes is known. Nothing else comes of it. */
#pragma once
#include "gossip/expecting.h"

enum {
    AHEAD_STEPS = 8,         /* that a span is to have */
    AHEAD_STEPS_MAXIMUM = 32 /* of more, the rest is not looked at */
};

struct ahead_span {
    uint64_t until_us;
    struct gossip_coming steps[AHEAD_STEPS_MAXIMUM];
    size_t count;
};
/* Who knows what is to come. */
struct ahead_source {
    /* Adds the steps after `after_us` up to span->until_us that are known, as many as there is room
     * for. */
    void (*fill)(const void *context, uint64_t after_us, struct ahead_span *span);
    const void *context;
    uint64_t now_us;
    uint64_t shortest_us; /* no datagram takes less */
};
struct ahead {
    struct ahead_span spans[GOSSIP_EXPECT_TURNS]; /* a ring */
    unsigned newest;
    uint64_t span_us;
    uint64_t again_us; /* until then all was looked at that is made before the next look */
};

void ahead_init(struct ahead *ahead);
/* Before a step, once it is later than `again_us`. */
void ahead_look(struct ahead *ahead, const struct ahead_source *source);
/* An instance is about to be freed: what was looked at is let be. */
void ahead_forget(struct ahead *ahead);
