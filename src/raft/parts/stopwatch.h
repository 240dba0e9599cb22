/* How long something takes, smoothed, with its mean deviation (RFC 6298, section 2). One entry is
 * timed at a time, as a retransmission timer does, so that it costs the same however many are under
 * way. */
#pragma once
#include "raft/events/entry.h"

struct raft_stopwatch {
    raft_index index; /* of the entry that is timed; 0: none is */
    uint64_t since_us;
    uint64_t mean_us, deviation_us; /* 0: nothing was timed yet */
};

/* Does nothing while it runs. */
void raft_stopwatch_start(struct raft_stopwatch *watch, raft_index index, uint64_t now_us);
/* Everything up to `index` is done. */
void raft_stopwatch_land(struct raft_stopwatch *watch, raft_index index, uint64_t now_us);
