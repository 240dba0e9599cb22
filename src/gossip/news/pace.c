#include "gossip/news/pace.h"
#include "gossip/instance/roster.h"
#include "gossip/news/news_room.h"

enum { NEWS_ROUNDS_PER_PROBE = 10 }; /* the last ones of the same news */

static void pace_take(struct gossip *gossip) {
    const struct gossip_timing *timing = &gossip->timing;
    const struct adapt *adapt = &gossip->news->adapt;
    uint64_t slow_us = timing->probe_interval_us / NEWS_ROUNDS_PER_PROBE;
    gossip->news->pace =
        (struct pace){.fan_out = adapt_fan_out(adapt, timing->fan_out, GOSSIP_FAN_OUT_MAXIMUM),
                      .flush_us = adapt_pause_us(adapt, timing->flush_us),
                      .slow_us = adapt_pause_us(adapt, slow_us)};
    gossip->counters.fan_out = gossip->news->pace.fan_out;
    gossip->counters.flush_us = gossip->news->pace.flush_us;
    gossip->counters.goal_us = timing->goal_us;
    gossip->counters.pace = adapt->pace;
}

void pace_set(struct gossip *gossip) {
    if (!gossip->timing.is_adapting)
        adapt_reset(&gossip->news->adapt);
    pace_take(gossip);
}

void pace_heard(struct gossip *gossip, uint64_t delay_us) {
    adapt_heard(&gossip->news->adapt, delay_us, gossip->timing.goal_us);
}

static bool pace_is(const struct pace *a, const struct pace *b) {
    return a->fan_out == b->fan_out && a->flush_us == b->flush_us && a->slow_us == b->slow_us;
}

/* Why, in words. */
static const char *pace_count(struct gossip *gossip, enum adapt_change change) {
    switch (change) {
    case ADAPT_FASTER:
        gossip->counters.adapted_faster++;
        return "news takes longer than the goal";
    case ADAPT_SLOWER:
        gossip->counters.adapted_slower++;
        return "news takes less than a quarter of the goal";
    case ADAPT_LARGER:
        gossip->counters.adapted_larger++;
        return "the cluster has grown";
    case ADAPT_SMALLER:
        gossip->counters.adapted_smaller++;
        return "the cluster has shrunk";
    case ADAPT_NONE:
        break;
    }
    return "none";
}

void pace_run(struct gossip *gossip) {
    if (!gossip->timing.is_adapting)
        return;
    enum adapt_change change =
        adapt_run(&gossip->news->adapt, gossip->now_us, member_live_count(gossip));
    if (change == ADAPT_NONE)
        return;
    struct pace before = gossip->news->pace;
    pace_take(gossip);
    if (pace_is(&before, &gossip->news->pace))
        return; /* more is set than the size asks for */
    const char *cause = pace_count(gossip, change);
    log_line(gossip->log, LOG_INFO, "pace of gossip changed", LOG_T("cause", cause),
             LOG_S("pace", gossip->news->adapt.pace), LOG_F("fan_out", gossip->news->pace.fan_out),
             LOG_F("flush_us", gossip->news->pace.flush_us),
             LOG_F("slow_us", gossip->news->pace.slow_us),
             LOG_F("goal_us", gossip->timing.goal_us));
}
