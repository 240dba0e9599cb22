#include "gossip/measure/adapt.h"
#include "base/planted.h"

enum {
    HEARD_LEAST = 8,  /* pieces of news; a period of less says nothing */
    LATE_SHARE = 20,  /* one in so many may be late */
    LATE_PERIODS = 3, /* before a change */
    EARLY_PERIODS = 12,
    REST_PERIODS = 3, /* after one */
    EARLY_PART = 4,   /* of the goal */
    HOPS = 5,
    GATHER_LEAST_US = 2000 /* a pause that is set longer becomes no shorter than this */
};

static const unsigned pause_percent[ADAPT_FASTEST - ADAPT_SLOWEST + 1] = {200, 150, 100, 75,
                                                                          50,  33,  25};

void adapt_heard(struct adapt *adapt, uint64_t delay_us, uint64_t goal_us) {
    adapt->heard++;
    adapt->late += delay_us > goal_us;
    adapt->not_early += delay_us > goal_us / EARLY_PART;
}

void adapt_reset(struct adapt *adapt) { *adapt = (struct adapt){0}; }

static enum adapt_change adapt_pace(struct adapt *adapt, int change) {
    int pace = adapt->pace + change;
    adapt->late_periods = adapt->early_periods = 0;
    if (pace < ADAPT_SLOWEST || pace > ADAPT_FASTEST || PLANTED(GOSSIP_ADAPT_STUCK))
        return ADAPT_NONE;
    adapt->pace = pace;
    adapt->rest_periods = REST_PERIODS;
    return change > 0 ? ADAPT_FASTER : ADAPT_SLOWER;
}

static enum adapt_change adapt_conclude(struct adapt *adapt) {
    if (adapt->heard < HEARD_LEAST)
        return ADAPT_NONE;
    bool is_late = adapt->late * LATE_SHARE > adapt->heard;
    bool is_early = adapt->not_early * LATE_SHARE < adapt->heard;
    adapt->late_periods = is_late ? adapt->late_periods + 1 : 0;
    adapt->early_periods = is_early ? adapt->early_periods + 1 : 0;
    if (adapt->late_periods >= (PLANTED(GOSSIP_ADAPT_NERVOUS) ? 1 : LATE_PERIODS))
        return adapt_pace(adapt, 1);
    if (adapt->early_periods >= EARLY_PERIODS)
        return adapt_pace(adapt, -1);
    return ADAPT_NONE;
}

static bool reaches_all(unsigned fan_out, size_t member_count) {
    size_t reached = 1;
    for (unsigned hop = 0; hop < HOPS; hop++)
        reached *= fan_out + 1;
    return reached >= member_count;
}

/* One more or less at a time. It shrinks at three quarters of where it grew: a cluster whose size
 * swings does not change its mind with it. */
static enum adapt_change adapt_size(struct adapt *adapt, size_t member_count) {
    if (!reaches_all(adapt->size_fan_out, member_count)) {
        adapt->size_fan_out++;
        return ADAPT_LARGER;
    }
    if (adapt->size_fan_out > 0 &&
        reaches_all(adapt->size_fan_out - 1, member_count + member_count / 3)) {
        adapt->size_fan_out--;
        return ADAPT_SMALLER;
    }
    return ADAPT_NONE;
}

enum adapt_change adapt_run(struct adapt *adapt, uint64_t now_us, size_t member_count) {
    if (now_us < adapt->period_end_us)
        return ADAPT_NONE;
    bool is_first = adapt->period_end_us == 0;
    adapt->period_end_us = now_us + ADAPT_PERIOD_SECONDS * UINT64_C(1000000);
    enum adapt_change change = ADAPT_NONE;
    if (adapt->rest_periods > 0)
        adapt->rest_periods--;
    else if (!is_first)
        change = adapt_conclude(adapt);
    adapt->heard = adapt->late = adapt->not_early = 0;
    return change != ADAPT_NONE ? change : adapt_size(adapt, member_count);
}

unsigned adapt_fan_out(const struct adapt *adapt, unsigned set, unsigned maximum) {
    unsigned fan_out = set > adapt->size_fan_out ? set : adapt->size_fan_out;
    if (adapt->pace > 0)
        fan_out += (unsigned)adapt->pace;
    if (adapt->pace < 0 && fan_out > 2)
        fan_out--;
    return fan_out < maximum ? fan_out : maximum;
}

uint64_t adapt_pause_us(const struct adapt *adapt, uint64_t set_us) {
    uint64_t pause_us = set_us * pause_percent[adapt->pace - ADAPT_SLOWEST] / 100;
    uint64_t least_us = set_us < GATHER_LEAST_US ? set_us : GATHER_LEAST_US;
    return pause_us > least_us ? pause_us : least_us;
}
