#include "sim/gossip/ahead.h"

void ahead_init(struct ahead *ahead) { *ahead = (struct ahead){.span_us = 1}; }

void ahead_forget(struct ahead *ahead) {
    for (unsigned i = 0; i < GOSSIP_EXPECT_TURNS; i++)
        ahead->spans[i].count = 0;
}

/* Of the first span looked at some is still to come when the next look begins. */
static void span_adapt(struct ahead *ahead, uint64_t shortest_us, size_t step_count) {
    uint64_t longer_us = ahead->span_us + ahead->span_us / 8 + 1;
    if (step_count > AHEAD_STEPS)
        ahead->span_us -= ahead->span_us / 4;
    else if ((GOSSIP_EXPECT_TURNS + 1) * longer_us <= shortest_us)
        ahead->span_us = longer_us;
}

static void span_fill(struct ahead *ahead, const struct ahead_source *source, uint64_t before_us,
                      struct ahead_span *span) {
    uint64_t after_us = before_us > source->now_us ? before_us : source->now_us;
    span->until_us = after_us + ahead->span_us;
    span->count = 0;
    source->fill(source->context, after_us, span);
    span_adapt(ahead, source->shortest_us, span->count);
}

void ahead_look(struct ahead *ahead, const struct ahead_source *source) {
    enum { TURNS = GOSSIP_EXPECT_TURNS };
    uint64_t before_us = ahead->spans[ahead->newest].until_us;
    ahead->newest = (ahead->newest + 1) % TURNS;
    struct ahead_span *newest = &ahead->spans[ahead->newest];
    ahead->again_us = newest->until_us; /* of the one that had all its turns */
    span_fill(ahead, source, before_us, newest);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        struct ahead_span *span = &ahead->spans[(ahead->newest + TURNS - turn) % TURNS];
        gossip_expect(span->steps, span->count, turn);
    }
}
