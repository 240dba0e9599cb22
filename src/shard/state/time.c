#include "shard/state/time.h"

enum {
    TIME_CATCH_UP_SHARE = 8,   /* what drifts by less than an eighth does not carry it away */
    TIME_AHEAD_LEAST_MS = 1000 /* less is how far clocks are apart that are well */
};

/* The shard's time without any wall clock. */
static uint64_t gone_on_ms(const struct shard *shard, uint64_t now_us) {
    uint64_t passed_us = now_us > shard->time_from_us ? now_us - shard->time_from_us : 0;
    return shard->time_from_ms + (passed_us - passed_us / TIME_CATCH_UP_SHARE) / 1000;
}

uint64_t shard_clock_ms(const struct shard *shard, uint64_t now_us) {
    uint64_t wall_ms = shard->io->clock->wall_ms(shard->io->clock);
    uint64_t shard_ms = gone_on_ms(shard, now_us);
    return wall_ms > shard_ms ? wall_ms : shard_ms;
}

static void tell_ahead(struct shard *shard, uint64_t ahead_ms) {
    metric_add(shard->io->cells.stamps_ahead, 1);
    if (!shard->is_time_ahead) {
        log_line(shard->io->log, LOG_WARN,
                 "the time of this shard is ahead of this node's clock: keys whose expiry is given "
                 "as a date go too soon",
                 LOG_F("shard", shard->number), LOG_F("ahead_ms", ahead_ms));
    }
}

uint64_t shard_stamp_ms(struct shard *shard, uint64_t now_us) {
    uint64_t wall_ms = shard->io->clock->wall_ms(shard->io->clock);
    uint64_t stamp_ms = gone_on_ms(shard, now_us);
    bool is_ahead = stamp_ms >= wall_ms + TIME_AHEAD_LEAST_MS;
    if (is_ahead)
        tell_ahead(shard, stamp_ms - wall_ms);
    shard->is_time_ahead = is_ahead;
    return wall_ms > stamp_ms ? wall_ms : stamp_ms;
}

/* Where it goes on by itself its leader's stamps come back as they were told: only a stamp that is
 * further is news. So what is lost on the way does not slow it down. */
void shard_time_reached(struct shard *shard, uint64_t stamp_ms, uint64_t now_us) {
    if (stamp_ms <= shard->time_ms)
        return;
    shard->time_ms = stamp_ms;
    if (stamp_ms > gone_on_ms(shard, now_us)) {
        shard->time_from_ms = stamp_ms;
        shard->time_from_us = now_us;
    }
}

void shard_time_set(struct shard *shard, uint64_t stamp_ms, uint64_t now_us) {
    shard->time_ms = shard->time_from_ms = stamp_ms;
    shard->time_from_us = now_us;
}
