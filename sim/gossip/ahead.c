#include "sim/gossip/ahead.h"
#include "base/memory.h"
#include "sim/gossip/crowd.h"

void ahead_init(struct ahead *ahead) { *ahead = (struct ahead){.span_us = 1}; }

/* The steps of a span, as far as they are known. */

static void add_landings(const struct crowd *crowd, uint64_t after_us, struct ahead_span *span) {
    void *parcels[AHEAD_STEPS_MAXIMUM];
    size_t count = heap_look(&crowd->flying, after_us, span->until_us, parcels,
                             AHEAD_STEPS_MAXIMUM - span->count);
    for (size_t i = 0; i < count; i++) {
        const struct parcel *parcel = parcels[i];
        span->steps[span->count++] =
            (struct ahead_step){.node = parcel->to, .sender = parcel->from};
    }
}

static void add_ticks(const struct crowd *crowd, uint64_t after_us, struct ahead_span *span) {
    struct due *ticks[AHEAD_STEPS_MAXIMUM];
    size_t count = due_look(&crowd->waiting, after_us, span->until_us, ticks,
                            AHEAD_STEPS_MAXIMUM - span->count);
    for (size_t i = 0; i < count; i++)
        span->steps[span->count++] = (struct ahead_step){.node = crowd_number(crowd, ticks[i]),
                                                         .sender = CROWD_NODE_MAXIMUM};
}

/* Of the first span looked at some is still to come when the next look begins. */
static void span_adapt(struct ahead *ahead, const struct crowd *crowd, size_t step_count) {
    uint64_t longer_us = ahead->span_us + ahead->span_us / 8 + 1;
    if (step_count > AHEAD_STEPS)
        ahead->span_us -= ahead->span_us / 4;
    else if ((AHEAD_TURNS + 1) * longer_us <= crowd->network.shortest_us)
        ahead->span_us = longer_us;
}

static void span_fill(struct ahead *ahead, const struct crowd *crowd, uint64_t before_us,
                      struct ahead_span *span) {
    uint64_t after_us = before_us > crowd->now_us ? before_us : crowd->now_us;
    span->until_us = after_us + ahead->span_us;
    span->count = 0;
    add_landings(crowd, after_us, span);
    add_ticks(crowd, after_us, span);
    span_adapt(ahead, crowd, span->count);
}

/* Turns. */

static void fetch_nodes(const struct crowd *crowd, const struct ahead_span *span) {
    for (size_t i = 0; i < span->count; i++) {
        const struct ahead_step *step = &span->steps[i];
        memory_fetch_all(&crowd->nodes[step->node], sizeof *crowd->nodes);
        if (step->sender != CROWD_NODE_MAXIMUM)
            memory_fetch_all(&crowd->nodes[step->sender], sizeof *crowd->nodes);
    }
}

/* A node that was looked at may have ended since. */
static void expect_steps(const struct crowd *crowd, struct ahead_span *span, unsigned turn) {
    struct gossip_coming coming[AHEAD_STEPS_MAXIMUM];
    struct ahead_step *steps[AHEAD_STEPS_MAXIMUM];
    size_t count = 0;
    for (size_t i = 0; i < span->count; i++) {
        struct ahead_step *step = &span->steps[i];
        const struct gossip *gossip = crowd->nodes[step->node].gossip;
        if (gossip == NULL)
            continue;
        bool is_tick = step->sender == CROWD_NODE_MAXIMUM;
        coming[count] =
            (struct gossip_coming){.gossip = gossip,
                                   .sender = is_tick ? NULL : crowd->nodes[step->sender].uuid,
                                   .position = step->position};
        steps[count++] = step;
    }
    gossip_expect(coming, count, turn);
    for (size_t i = 0; i < count; i++)
        steps[i]->position = coming[i].position;
}

void ahead_look(struct ahead *ahead, const struct crowd *crowd) {
    uint64_t before_us = ahead->spans[ahead->newest].until_us;
    ahead->newest = (ahead->newest + 1) % AHEAD_TURNS;
    struct ahead_span *newest = &ahead->spans[ahead->newest];
    ahead->again_us = newest->until_us; /* of the one that had all its turns */
    span_fill(ahead, crowd, before_us, newest);
    fetch_nodes(crowd, newest);
    for (unsigned turn = 0; turn < GOSSIP_EXPECT_TURNS; turn++)
        expect_steps(crowd, &ahead->spans[(ahead->newest + AHEAD_TURNS - 1 - turn) % AHEAD_TURNS],
                     turn);
}
