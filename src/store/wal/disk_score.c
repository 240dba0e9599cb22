#include "store/wal/disk_score.h"

/* Shares of a new time, as divisors. At 1000 rounds a second the healthy time doubles in seconds,
 * not in one burst. */
enum { SMOOTHED_SHARE = 8, HEALTHY_RISE_SHARE = 4096, HEALTHY_FALL_SHARE = 16 };
enum { SLOW_FACTOR = 4 };
enum { HEALTHY_BYTES_A_US = 128 }; /* 128 MB a second */
/* A round under way says something only once it takes so much longer than a smoothed time may. */
enum { WAITING_FACTOR = 4 };
#define FORGOTTEN_AFTER_US ((uint64_t)5 * 1000 * 1000)

void disk_score_init(struct disk_score *score) { *score = (struct disk_score){.is_slow = false}; }

/* Moves by at least 1 us, so that whole numbers do get there. */
static uint64_t moved(uint64_t value, uint64_t towards, uint64_t share) {
    if (value == towards)
        return value;
    if (towards > value)
        return value + (towards - value + share - 1) / share;
    return value - (value - towards + share - 1) / share;
}

static uint64_t slow_from_us(const struct disk_score *score, uint64_t floor_us) {
    uint64_t threshold_us = score->healthy_us * SLOW_FACTOR;
    return threshold_us > floor_us ? threshold_us : floor_us;
}

static void learn_healthy(struct disk_score *score) {
    if (score->is_slow)
        return;
    bool is_fall = score->smoothed_us < score->healthy_us;
    score->healthy_us = moved(score->healthy_us, score->smoothed_us,
                              is_fall ? HEALTHY_FALL_SHARE : HEALTHY_RISE_SHARE);
}

static void begin_anew(struct disk_score *score) {
    score->smoothed_us = score->judged_us = score->healthy_us;
    score->is_slow = false;
}

static void judge(struct disk_score *score, uint64_t took_us, uint64_t threshold_us) {
    uint64_t most_us = threshold_us * WAITING_FACTOR;
    score->judged_us =
        moved(score->judged_us, took_us < most_us ? took_us : most_us, SMOOTHED_SHARE);
    if (score->judged_us > threshold_us)
        score->is_slow = true;
    else if (score->judged_us < threshold_us / 2)
        score->is_slow = false;
}

void disk_score_note(struct disk_score *score, const struct disk_round *round, uint64_t floor_us) {
    if (score->healthy_us == 0) {
        score->healthy_us = round->took_us ? round->took_us : 1;
        begin_anew(score);
        return;
    }
    if (round->idle_us >= FORGOTTEN_AFTER_US)
        begin_anew(score);
    score->smoothed_us = moved(score->smoothed_us, round->took_us, SMOOTHED_SHARE);
    judge(score, round->took_us, slow_from_us(score, floor_us));
    learn_healthy(score);
}

uint64_t disk_score_excess_us(uint64_t round_us, uint64_t bytes) {
    uint64_t bytes_us = bytes / HEALTHY_BYTES_A_US;
    return round_us > bytes_us ? round_us - bytes_us : 0;
}

uint64_t disk_score_us(const struct disk_score *score, uint64_t waiting_us) {
    return waiting_us > score->smoothed_us ? waiting_us : score->smoothed_us;
}

bool disk_score_is_slow(const struct disk_score *score, uint64_t waiting_us, uint64_t floor_us) {
    return score->is_slow || waiting_us > slow_from_us(score, floor_us) * WAITING_FACTOR;
}
