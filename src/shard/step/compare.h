/* Replicas of a shard compare what they hold, some slots at a time, so that what differs is found
 * before somebody reads it; of a long slot some keys at a time. A comparison is a command of the
 * leader's that rides along in an entry with others; what it came to is said with the next
 * (command/comparison.h). So it costs no message and no entry of its own, a shard in which nothing
 * is written stays quiet, and one that is written to is gone through again and again
 * (docs/decisions/0060-replicas-compare). */
#pragma once
#include "base/text/number.h"
#include "shard/state/state.h"

enum { COMPARE_NUMBERS_MAXIMUM = 5 };

struct compare_words {
    /* Borrowed, from `text` and from the machine. */
    struct bytes arguments[1 + COMPARE_NUMBERS_MAXIMUM + COMPARISON_KEYS_MAXIMUM];
    size_t count;
    char text[COMPARE_NUMBERS_MAXIMUM][NUMBER_I64_TEXT_BYTES];
};

/* Is it time, now, for this leader to have its shard compared? */
bool compare_is_due(const struct shard *shard, uint64_t now_us);
/* The command; the next one is due after compare-interval-ms. It borrows from the machine, until
 * that changes. */
void compare_begin(struct shard *shard, struct compare_words *words);
/* Entries were applied: tells of what differs. */
void compare_look(struct shard *shard);
