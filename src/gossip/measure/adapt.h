/* How fast news is told on, from the size of the cluster and from how long news takes:
 *
 *     size     fan_out rises so that five hops reach everybody: (fan_out + 1)^5 >= members
 *     pace     -2  -1   0   1   2   3   4      in each period of 5 s: more than 5 % of the news
 *     pauses   x2 x1.5 x1  3/4 1/2 1/3 1/4     heard took longer than the goal -> late;
 *     fan_out  -1  -1   .  +1  +2  +3  +4      fewer than that longer than a quarter of it -> early
 *
 * After three late periods in a row the pace rises by one, after twelve early ones it falls by one,
 * and after each change three periods go by in which nothing is concluded: what is measured then is
 * of both paces. A period in which little news was heard says nothing. So a cluster whose delays
 * swing does not swing with them, and one that cannot reach its goal stays at the fastest pace.
 *
 * However fast, news is gathered for a while before it is told on: relaying each piece at once
 * costs more than it brings. Nothing here touches the probes. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ADAPT_SLOWEST = -2, ADAPT_FASTEST = 4, ADAPT_PERIOD_SECONDS = 5 };

enum adapt_change { ADAPT_NONE, ADAPT_FASTER, ADAPT_SLOWER, ADAPT_LARGER, ADAPT_SMALLER };

struct adapt {
    uint64_t period_end_us;
    unsigned heard, late, not_early; /* pieces of news in this period */
    unsigned late_periods, early_periods, rest_periods;
    int pace;
    unsigned size_fan_out; /* what the size of the cluster asks for */
};

/* A piece of news was this long on its way. */
void adapt_heard(struct adapt *adapt, uint64_t delay_us, uint64_t goal_us);
/* Whenever something happens: at the end of a period, what it has shown. At most one change. */
enum adapt_change adapt_run(struct adapt *adapt, uint64_t now_us, size_t member_count);
/* Back to the pace that is set; for who does not adapt. */
void adapt_reset(struct adapt *adapt);

/* What is made of the settings. */
unsigned adapt_fan_out(const struct adapt *adapt, unsigned set, unsigned maximum);
uint64_t adapt_pause_us(const struct adapt *adapt, uint64_t set_us);
