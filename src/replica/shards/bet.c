#include "replica/shards/bet.h"

void bet_round_over(struct bet_pause *pause, enum bet bet, uint32_t most_rounds) {
    if (pause->rounds > 0)
        pause->rounds--;
    if (bet == BET_WON) {
        pause->last_rounds = 0;
    } else if (bet == BET_LOST) {
        uint32_t rounds = 2 * pause->last_rounds + 1;
        pause->rounds = pause->last_rounds = rounds < most_rounds ? rounds : most_rounds;
    }
}
