#include "replica/shards/crowd.h"

#include "shard/shard.h"

enum {
    RETURN_ROUNDS = 2,        /* so many times what the round took, they have to be back */
    RETURN_LONGEST_US = 2000, /* who is not back by then has something else to do */
    PAUSE_MAXIMUM = 1023      /* rounds: half a second or so of those that come in a crowd */
};

static uint32_t lesser(uint32_t a, uint32_t b) { return a < b ? a : b; }

void crowd_answered(struct crowd *crowd, uint32_t count) { crowd->answered_count += count; }

/* All of the last round were answered just now, so who is gathered already was not among them. */
static void bet(struct crowd *crowd, uint64_t now_us, uint32_t gathered_count) {
    uint64_t patience_us = RETURN_ROUNDS * (now_us - crowd->begun_us);
    if (patience_us > RETURN_LONGEST_US)
        patience_us = RETURN_LONGEST_US;
    crowd->awaited_count = crowd->answered_count + gathered_count;
    crowd->until_us = now_us + patience_us;
}

uint64_t crowd_waits_until_us(struct crowd *crowd, uint64_t now_us,
                              const struct crowd_demand *demand) {
    if (demand->under_way_count == 0 && crowd->awaited_count == 0 && crowd->pause == 0 &&
        crowd->answered_count >= SHARD_CROWD_COMMANDS)
        bet(crowd, now_us, demand->gathered_count);
    bool is_waiting = demand->gathered_count < crowd->awaited_count && now_us < crowd->until_us &&
                      demand->gathered_bytes < SHARD_CROWD_BYTES_MAXIMUM;
    return is_waiting ? crowd->until_us : 0;
}

/* A round that began for another reason, such as its bytes, says nothing of who is back. */
static enum crowd_return outcome(const struct crowd *crowd, uint64_t now_us,
                                 uint32_t gathered_count) {
    if (crowd->awaited_count == 0)
        return CROWD_NOT_AWAITED;
    if (gathered_count >= crowd->awaited_count)
        return CROWD_COMPLETE;
    return now_us >= crowd->until_us ? CROWD_LATE : CROWD_NOT_AWAITED;
}

enum crowd_return crowd_round_begins(struct crowd *crowd, uint64_t now_us,
                                     uint32_t gathered_count) {
    enum crowd_return came = outcome(crowd, now_us, gathered_count);
    if (crowd->pause > 0)
        crowd->pause--;
    if (came == CROWD_COMPLETE)
        crowd->last_pause = 0;
    else if (came == CROWD_LATE)
        crowd->pause = crowd->last_pause = lesser(2 * crowd->last_pause + 1, PAUSE_MAXIMUM);
    crowd->answered_count = crowd->awaited_count = 0;
    crowd->begun_us = now_us;
    return came;
}
