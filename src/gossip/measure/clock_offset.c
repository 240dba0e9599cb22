#include "gossip/measure/clock_offset.h"

enum {
    DRIFT_PER_MILLION = 100, /* both clocks' together: such that no quartz is worse */
    PRECISION_US = 2         /* of one reading, rounded down, on each side */
};
#define STAMP_MAXIMUM_US ((uint64_t)1 << 62)

static uint64_t drift_us(uint64_t time_us) { return time_us / (1000000 / DRIFT_PER_MILLION); }

uint64_t clock_offset_error_us(const struct clock_offset *offset, uint64_t now_us) {
    uint64_t age_us = now_us > offset->measured_us ? now_us - offset->measured_us : 0;
    return offset->error_us + drift_us(age_us);
}

static bool clock_offset_contradict(const struct clock_offset *kept,
                                    const struct clock_offset *sample) {
    int64_t between_us = sample->apart_us - kept->apart_us;
    uint64_t distance_us = (uint64_t)(between_us < 0 ? -between_us : between_us);
    return distance_us > sample->error_us + clock_offset_error_us(kept, sample->measured_us);
}

bool clock_offset_measure(struct clock_offset *offset, const struct clock_stamps *stamps) {
    if (stamps->answered_us == 0 || stamps->answered_us > STAMP_MAXIMUM_US ||
        stamps->heard_us < stamps->sent_us || stamps->heard_us - stamps->sent_us < stamps->held_us)
        return false;
    uint64_t trip_us = stamps->heard_us - stamps->sent_us - stamps->held_us;
    /* The ping arrived half a trip after T1, if both ways took as long. */
    uint64_t answered_us = stamps->heard_us - trip_us / 2;
    struct clock_offset sample = {.apart_us = (int64_t)stamps->answered_us - (int64_t)answered_us,
                                  .error_us = trip_us / 2 + PRECISION_US,
                                  .measured_us = stamps->heard_us};
    bool is_better = !clock_offset_is_known(offset) ||
                     sample.error_us <= clock_offset_error_us(offset, sample.measured_us) ||
                     clock_offset_contradict(offset, &sample);
    if (is_better)
        *offset = sample;
    return true;
}
