#include "replica/shards/rendezvous.h"

enum {
    PATIENCE_SHARE = 2, /* one in so many: of the time until it is due, for who is missing */
    REGULAR_ROUNDS = 4, /* who came for one of the last so many... */
    LATE_INTERVALS = 2, /* ...and not longer ago than so many of its intervals, is expected */
    INTERVAL_SHARE = 8, /* one in so many: the weight of what is new */
    PAUSE_MAXIMUM = 63  /* rounds: they are some ten milliseconds */
};

static uint64_t lesser(uint64_t a, uint64_t b) { return a < b ? a : b; }

static enum bet outcome(const struct rendezvous *rendezvous) {
    if (rendezvous->until_us == 0)
        return BET_NONE;
    return rendezvous->is_complete ? BET_WON : BET_LOST;
}

enum bet rendezvous_turn_to(struct rendezvous *rendezvous, uint64_t round) {
    if (rendezvous->round == round)
        return BET_NONE;
    enum bet bet = outcome(rendezvous);
    bet_round_over(&rendezvous->pause, bet, PAUSE_MAXIMUM);
    rendezvous->round = round;
    rendezvous->until_us = 0;
    return bet;
}

/* Its place, or else that of whoever stayed away longest. */
static struct rendezvous_party *party_of(struct rendezvous *rendezvous, uint32_t node) {
    struct rendezvous_party *oldest = &rendezvous->parties[0];
    for (unsigned i = 0; i < RENDEZVOUS_PARTY_MAXIMUM; i++) {
        struct rendezvous_party *party = &rendezvous->parties[i];
        if (party->node == node)
            return party;
        if (party->came_us < oldest->came_us)
            oldest = party;
    }
    *oldest = (struct rendezvous_party){.node = node};
    return oldest;
}

/* The rest of what it brings for this round says nothing new of it. */
static void come(struct rendezvous *rendezvous, const struct rendezvous_arrival *arrival) {
    struct rendezvous_party *party = party_of(rendezvous, arrival->node);
    if (party->came_us > 0 && party->round == rendezvous->round)
        return;
    uint64_t passed_us = party->came_us > 0 ? arrival->now_us - party->came_us : 0;
    uint64_t before_us = party->interval_us > 0 ? party->interval_us : passed_us;
    party->interval_us = (before_us * (INTERVAL_SHARE - 1) + passed_us) / INTERVAL_SHARE;
    party->came_us = arrival->now_us;
    party->round = rendezvous->round;
}

static bool is_missing(const struct rendezvous *rendezvous, const struct rendezvous_party *party,
                       uint64_t now_us) {
    return party->round != rendezvous->round &&
           rendezvous->round - party->round <= REGULAR_ROUNDS &&
           now_us - party->came_us <= LATE_INTERVALS * party->interval_us;
}

/* Once a bet is on, it is on all who were expected when it was made. Of those who are missing the
 * longest interval; 0: nobody is. */
static uint64_t missing_interval_us(const struct rendezvous *rendezvous, uint64_t now_us) {
    uint64_t interval_us = 0;
    for (unsigned i = 0; i < RENDEZVOUS_PARTY_MAXIMUM; i++) {
        const struct rendezvous_party *party = &rendezvous->parties[i];
        if (is_missing(rendezvous, party, now_us) && party->interval_us > interval_us)
            interval_us = party->interval_us;
    }
    return interval_us;
}

uint64_t rendezvous_waits_until_us(struct rendezvous *rendezvous,
                                   const struct rendezvous_arrival *arrival) {
    uint64_t now_us = arrival->now_us;
    come(rendezvous, arrival);
    if (rendezvous->until_us == 0)
        rendezvous->seen_us = now_us;
    uint64_t interval_us = missing_interval_us(rendezvous, rendezvous->seen_us);
    rendezvous->is_complete = interval_us == 0;
    if (rendezvous->is_complete)
        return 0;
    if (rendezvous->until_us == 0 && bet_may_be_made(&rendezvous->pause) && arrival->most_us > 0)
        rendezvous->until_us = now_us + lesser(interval_us / PATIENCE_SHARE, arrival->most_us);
    return rendezvous->until_us > now_us ? rendezvous->until_us : 0;
}
