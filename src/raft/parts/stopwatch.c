#include "raft/parts/stopwatch.h"

enum { MEAN_SHARE = 8, DEVIATION_SHARE = 4 }; /* one in so many: the weight of what is new */

void raft_stopwatch_start(struct raft_stopwatch *watch, raft_index index, uint64_t now_us) {
    if (watch->index != 0)
        return;
    watch->index = index;
    watch->since_us = now_us;
}

static void time_take(struct raft_stopwatch *watch, uint64_t taken_us) {
    if (watch->mean_us == 0) {
        watch->mean_us = taken_us;
        watch->deviation_us = taken_us / 2;
        return;
    }
    uint64_t off_us =
        taken_us > watch->mean_us ? taken_us - watch->mean_us : watch->mean_us - taken_us;
    watch->deviation_us = (watch->deviation_us * (DEVIATION_SHARE - 1) + off_us) / DEVIATION_SHARE;
    watch->mean_us = (watch->mean_us * (MEAN_SHARE - 1) + taken_us) / MEAN_SHARE;
}

void raft_stopwatch_land(struct raft_stopwatch *watch, raft_index index, uint64_t now_us) {
    if (watch->index == 0 || index < watch->index)
        return;
    watch->index = 0;
    uint64_t taken_us = now_us - watch->since_us;
    time_take(watch, taken_us > 0 ? taken_us : 1);
}
