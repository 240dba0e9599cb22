#include "replica/shards/crowd.h"

#include "shard/shard.h"

enum {
    RETURN_ROUNDS = 2,        /* so many times what the round took, they have to be back */
    RETURN_LONGEST_US = 2000, /* who is not back by then has something else to do */
    PAUSE_MAXIMUM = 1023      /* rounds: half a second or so of those that come in a crowd */
};

void crowd_answered(struct crowd *crowd, uint32_t count) { crowd->answered_count += count; }

/* All of the last round were answered just now, so who is gathered already was not among them. */
static void make_bet(struct crowd *crowd, uint64_t now_us, uint32_t gathered_count) {
    uint64_t patience_us = RETURN_ROUNDS * (now_us - crowd->begun_us);
    if (patience_us > RETURN_LONGEST_US)
        patience_us = RETURN_LONGEST_US;
    crowd->awaited_count = crowd->answered_count + gathered_count;
    crowd->until_us = now_us + patience_us;
}

uint64_t crowd_waits_until_us(struct crowd *crowd, uint64_t now_us,
                              const struct crowd_demand *demand) {
    if (demand->under_way_count == 0 && crowd->awaited_count == 0 &&
        bet_may_be_made(&crowd->pause) && crowd->answered_count >= SHARD_CROWD_COMMANDS)
        make_bet(crowd, now_us, demand->gathered_count);
    bool is_waiting = demand->gathered_count < crowd->awaited_count && now_us < crowd->until_us &&
                      demand->gathered_bytes < SHARD_CROWD_BYTES_MAXIMUM;
    return is_waiting ? crowd->until_us : 0;
}

/* A round that began for another reason, such as its bytes, says nothing of who is back. */
static enum bet outcome(const struct crowd *crowd, uint64_t now_us, uint32_t gathered_count) {
    if (crowd->awaited_count == 0)
        return BET_NONE;
    if (gathered_count >= crowd->awaited_count)
        return BET_WON;
    return now_us >= crowd->until_us ? BET_LOST : BET_NONE;
}

enum bet crowd_round_begins(struct crowd *crowd, uint64_t now_us, uint32_t gathered_count) {
    enum bet bet = outcome(crowd, now_us, gathered_count);
    bet_round_over(&crowd->pause, bet, PAUSE_MAXIMUM);
    crowd->answered_count = crowd->awaited_count = 0;
    crowd->begun_us = now_us;
    return bet;
}
