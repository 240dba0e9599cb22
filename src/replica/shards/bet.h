/* A bet that others come in time is on at most once a round. After a lost one none is made for some
 * rounds, each time for twice as many; a won one forgets what was lost. So where bets do not pay
 * they cost next to nothing, and where they come to pay that is found out
 * (docs/decisions/0059, 0065). */
#pragma once
#include "replica/state/turn.h"

enum bet { BET_NONE, BET_WON, BET_LOST };

static inline bool bet_may_be_made(const struct bet_pause *pause) { return pause->rounds == 0; }
/* A round is over, and what became of its bet. */
void bet_round_over(struct bet_pause *pause, enum bet bet, uint32_t most_rounds);
