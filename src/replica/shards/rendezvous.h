/* A round of the log waits for all who write along.
 *
 * Where several nodes lead shards of each other's, the log of each writes for all of them. What
 * they propose comes at different moments, so each log has a round for every one of them:
 *
 *     apart       | A's | B's | C's | A's | B's | C's |
 *     together    ..... | A's, B's, C's | ..... | A's, B's, C's |
 *
 * What one round makes durable is answered at one moment, so those who waited for each other once
 * come together the next time. Whether all come in time nobody knows beforehand: it is a bet
 * (bet.h, docs/decisions/0065). */
#pragma once
#include "replica/shards/bet.h"

/* Entries of a shard that `node` leads are about to be gathered for the next round. */
struct rendezvous_arrival {
    uint32_t node;
    uint64_t now_us;
    uint64_t most_us; /* to wait; 0: not at all */
};

/* `round` was begun last. Returns what became of the bet of the one before, if that was another. */
enum bet rendezvous_turn_to(struct rendezvous *rendezvous, uint64_t round);
/* Until when the entries may wait for those of others. 0: they may not. */
uint64_t rendezvous_waits_until_us(struct rendezvous *rendezvous,
                                   const struct rendezvous_arrival *arrival);
