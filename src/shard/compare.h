/* Replicas of a shard compare what they hold, some slots at a time, so that what differs is found
 * before somebody reads it. A comparison is a command of the leader's that rides along in an entry
 * with others; what it came to is said with the next (command/comparison.h). So it costs no message
 * and no entry of its own, a shard in which nothing is written stays quiet, and one that is written
 * to is gone through again and again (docs/decisions/0060-replicas-compare). */
#pragma once
#include "base/text/number.h"
#include "shard/state.h"

enum { COMPARE_ARGUMENTS_MAXIMUM = 5 };

struct compare_words {
    struct bytes arguments[COMPARE_ARGUMENTS_MAXIMUM]; /* borrowed from `text` */
    size_t count;
    char text[COMPARE_ARGUMENTS_MAXIMUM - 1][NUMBER_I64_TEXT_BYTES];
};

/* Is it time, now, for this leader to have its shard compared? */
bool compare_is_due(const struct shard *shard, uint64_t now_us);
/* The command. False: no slot can be compared, each being too long to be gone through at once.
 * Counts as made in either case: the next one is due after compare-interval-ms. */
bool compare_begin(struct shard *shard, struct compare_words *words);
/* Entries were applied: tells of what differs. */
void compare_look(struct shard *shard);
