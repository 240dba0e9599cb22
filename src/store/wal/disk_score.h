/* How a disk does, told by how long the log's rounds take on it: a smoothed time, and whether that
 * is slow, measured against the disk's own healthy days.
 *
 *      a round took us --> [ smoothed ] --> above 4 x healthy, and above the floor ---> slow
 *                              |            below half of that -----------------------> healthy
 *                              +--> [ healthy ]  falls fast, rises slowly, not while slow
 *
 * One hiccup of a healthy disk does not make it slow, however long it was: the smoothed time takes
 * an eighth of each round, and what is judged takes no more of one than half of what would be slow.
 * And where nothing was written for a while, what was measured before that says nothing any more:
 * few rounds, long ago, would make a disk slow when it is written to again. Pure: no clock, no
 * disk. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct disk_score {
    uint64_t smoothed_us, healthy_us; /* 0: nothing was measured yet */
    uint64_t judged_us;               /* the smoothed time, of hiccups but a part */
    bool is_slow;
};

void disk_score_init(struct disk_score *score);
struct disk_round {
    uint64_t took_us;
    uint64_t idle_us; /* between the round before it and this one */
};
/* A disk whose time is below `floor_us` is never slow. */
void disk_score_note(struct disk_score *score, const struct disk_round *round, uint64_t floor_us);
/* What of `round_us` a round of so many bytes cannot be excused for: a disk that is given much
 * takes longer, and is not slow for that. */
uint64_t disk_score_excess_us(uint64_t round_us, uint64_t bytes);
/* The smoothed time, or how long the round under way has taken already if that is more (0: none is
 * under way). */
uint64_t disk_score_us(const struct disk_score *score, uint64_t waiting_us);
/* As of now: a round that does not come back at all makes the disk slow as well. */
bool disk_score_is_slow(const struct disk_score *score, uint64_t waiting_us, uint64_t floor_us);
