/* A worker's bet that those who were just answered ask again at once.
 *
 * Clients that wait for their answers make two crowds that take turns: while one's commands are
 * committed, the other is answered and asks again. Each crowd has entries, messages and syncs of
 * its own, so N clients take two commits where one, and the return of them all, would do:
 *
 *     two crowds   | A commits | B commits | A commits | B commits |
 *                    B returns   A returns   B returns   A returns
 *     one          | A and B commit | return | A and B commit | return |
 *
 * To wait for all of them pays if they are back within about the time of a commit, which nobody
 * knows beforehand. So it is a bet, won when all are back in time (bet.h, docs/decisions/0059). */
#pragma once
#include "replica/shards/bet.h"

void crowd_answered(struct crowd *crowd, uint32_t count);
/* At the end of a turn: until when the next round had better wait. 0: it need not. */
uint64_t crowd_waits_until_us(struct crowd *crowd, uint64_t now_us,
                              const struct crowd_demand *demand);
/* What was gathered, or some of it, becomes entries. Returns what became of the bet. */
enum bet crowd_round_begins(struct crowd *crowd, uint64_t now_us, uint32_t gathered_count);
