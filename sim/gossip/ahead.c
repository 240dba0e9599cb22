#include "sim/gossip/ahead.h"
#include "base/memory.h"
#include "sim/gossip/crowd.h"

void ahead_init(struct ahead *ahead) { *ahead = (struct ahead){.span_us = 1}; }

void ahead_forget(struct ahead *ahead) {
    for (unsigned i = 0; i < GOSSIP_EXPECT_TURNS; i++)
        ahead->spans[i].count = 0;
}

/* The steps of a span, as far as they are known. */

static void add_step(struct ahead_span *span, const struct crowd_node *node,
                     const struct crowd_node *sender) {
    memory_fetch_all(node, sizeof *node);
    memory_fetch_all(sender, sender != NULL ? sizeof *sender : 0);
    if (node->gossip != NULL)
        span->steps[span->count++] = (struct gossip_coming){
            .gossip = node->gossip, .sender = sender != NULL ? sender->uuid : NULL};
}

static void add_landings(const struct crowd *crowd, uint64_t after_us, struct ahead_span *span) {
    void *parcels[AHEAD_STEPS_MAXIMUM];
    size_t count = heap_look(&crowd->flying, after_us, span->until_us, parcels,
                             AHEAD_STEPS_MAXIMUM - span->count);
    for (size_t i = 0; i < count; i++) {
        const struct parcel *parcel = parcels[i];
        add_step(span, &crowd->nodes[parcel->to], &crowd->nodes[parcel->from]);
    }
}

static void add_ticks(const struct crowd *crowd, uint64_t after_us, struct ahead_span *span) {
    struct due *ticks[AHEAD_STEPS_MAXIMUM];
    size_t count = due_look(&crowd->waiting, after_us, span->until_us, ticks,
                            AHEAD_STEPS_MAXIMUM - span->count);
    for (size_t i = 0; i < count; i++)
        add_step(span, &crowd->nodes[crowd_number(crowd, ticks[i])], NULL);
}

/* Of the first span looked at some is still to come when the next look begins. */
static void span_adapt(struct ahead *ahead, const struct crowd *crowd, size_t step_count) {
    uint64_t longer_us = ahead->span_us + ahead->span_us / 8 + 1;
    if (step_count > AHEAD_STEPS)
        ahead->span_us -= ahead->span_us / 4;
    else if ((GOSSIP_EXPECT_TURNS + 1) * longer_us <= crowd->network.shortest_us)
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

void ahead_look(struct ahead *ahead, const struct crowd *crowd) {
    enum { TURNS = GOSSIP_EXPECT_TURNS };
    uint64_t before_us = ahead->spans[ahead->newest].until_us;
    ahead->newest = (ahead->newest + 1) % TURNS;
    struct ahead_span *newest = &ahead->spans[ahead->newest];
    ahead->again_us = newest->until_us; /* of the one that had all its turns */
    span_fill(ahead, crowd, before_us, newest);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        struct ahead_span *span = &ahead->spans[(ahead->newest + TURNS - turn) % TURNS];
        gossip_expect(span->steps, span->count, turn);
    }
}
