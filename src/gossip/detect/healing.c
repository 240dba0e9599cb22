#include "gossip/detect/healing.h"
#include "base/memory.h"
#include "base/planted.h"
#include "gossip/detect/detect_room.h"
#include "gossip/detect/probe.h"
#include "gossip/instance/roster.h"
#include "gossip/members/member.h"

enum {
    FIRST_PAUSE_INTERVALS = 4,
    SEED_RECHECK_INTERVALS = 2,
    SEED_SEVERAL_TIMES = 64,
    GRAVES_PER_ROUND = 8, /* of one node; of more graves, others are tried in the next round */
    LOST_PER_ROUND = 2,
    MOVED_GRAVES_MAXIMUM = 256 /* looked at when one has moved; of more, none */
};

struct seed {
    struct gossip_address address;
    uint8_t uuid[GOSSIP_UUID_BYTES]; /* who answered there last; zeros: nobody yet */
    uint64_t next_us, interval_us;
    uint64_t fresh_us;                     /* when it was named last, or somebody was known there */
    uint64_t several_us, several_pause_us; /* asked again then, if who answered is elsewhere */
};

/* Half of the probes in flight are for the members. */
static bool has_room(const struct gossip *gossip) {
    return gossip->detect->probe_count < GOSSIP_PROBE_MAXIMUM / 2;
}

/* Any moment in the second half of the pause, so that nodes that were cut off together do not all
 * call at once. */
static uint64_t pause_by_lot_us(struct gossip *gossip, uint64_t pause_us) {
    return random_between(&gossip->random, pause_us / 2 + 1, pause_us);
}

static bool is_known_at(const struct gossip *gossip, const struct gossip_address *address) {
    for (size_t i = 0; i < gossip_live_count(gossip); i++)
        if (gossip_address_equal(&gossip_live(gossip, i)->shown.who->address, address))
            return true;
    return gossip_address_equal(&gossip->self->shown.who->address, address);
}

/* Seeds. */

static bool seed_is_known(const struct gossip *gossip, const struct seed *seed) {
    const struct member *answered = member_find(gossip, seed->uuid);
    if (answered != NULL && answered != gossip->self && member_is_live(answered))
        return true;
    return is_known_at(gossip, &seed->address);
}

/* Of those at which nobody is known the one that has been so for longest: a name whose addresses
 * come and go would else fill all places with what it stood for once. NULL: somebody is everywhere.
 */
static struct seed *seed_longest_silent(struct gossip *gossip) {
    struct seed *found = NULL;
    for (size_t i = 0; i < gossip->detect->seed_count; i++) {
        struct seed *seed = &gossip->detect->seeds[i];
        if (!seed_is_known(gossip, seed) && (found == NULL || seed->fresh_us < found->fresh_us))
            found = seed;
    }
    return found;
}

static struct seed *seed_place(struct gossip *gossip) {
    if (gossip->detect->seeds == NULL)
        gossip->detect->seeds =
            memory_allocate_zeroed(GOSSIP_SEED_MAXIMUM, sizeof *gossip->detect->seeds);
    return gossip->detect->seed_count < GOSSIP_SEED_MAXIMUM
               ? &gossip->detect->seeds[gossip->detect->seed_count++]
               : seed_longest_silent(gossip);
}

/* All places are those of seeds at which somebody is. One more at which somebody is as well would
 * bring nothing; of others one line is enough, for a name may stand for many addresses, and is
 * looked up again and again. */
static void seed_without_place(struct gossip *gossip, const struct gossip_address *address) {
    if (gossip->detect->has_warned_of_seeds || is_known_at(gossip, address))
        return;
    gossip->detect->has_warned_of_seeds = true;
    log_line(gossip->log, LOG_WARN, "too many seeds; one is left out", LOG_T("seed", address->host),
             LOG_F("maximum", GOSSIP_SEED_MAXIMUM));
}

void healing_seed(struct gossip *gossip, const struct gossip_address *address) {
    for (size_t i = 0; i < gossip->detect->seed_count; i++)
        if (gossip_address_equal(&gossip->detect->seeds[i].address, address)) {
            gossip->detect->seeds[i].fresh_us = gossip->now_us;
            return;
        }
    struct seed *seed = seed_place(gossip);
    if (seed == NULL) {
        seed_without_place(gossip, address);
        return;
    }
    *seed = (struct seed){.address = *address,
                          .next_us = gossip->now_us,
                          .interval_us = gossip->timing.probe_interval_us,
                          .several_pause_us = gossip->timing.back_off_us,
                          .fresh_us = gossip->now_us};
}

/* The seed that was probed there; NULL: another one has its place. */
static struct seed *seed_probed(struct gossip *gossip, const struct probe *probe) {
    struct seed *seed = &gossip->detect->seeds[probe->seed];
    return gossip_address_equal(&seed->address, &probe->to) ? seed : NULL;
}

/* Who was found there is looked for soon, should it be lost. */
static void seed_found(const struct gossip *gossip, struct seed *seed) {
    seed->interval_us = gossip->timing.probe_interval_us;
    seed->fresh_us = gossip->now_us;
}

/* Who has left answers as well, and is nobody to be found. */
void healing_seed_answered(struct gossip *gossip, const struct probe *probe,
                           const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    struct seed *seed = seed_probed(gossip, probe);
    if (seed == NULL)
        return;
    memcpy(seed->uuid, uuid, GOSSIP_UUID_BYTES);
    if (seed_is_known(gossip, seed))
        seed_found(gossip, seed);
}

/* Who answered is reached elsewhere, or nobody has answered yet: the address may be that of a
 * service, which leads to another one each time. Those that have met there, each somebody else, are
 * one cluster only if they go on asking. The pause doubles up to so many times the longest for who
 * is silent: what hands datagrams on may lead each asker to the same one until it was quiet for
 * some minutes (Linux's connection tracking). */
static void seed_ask_of_several(struct gossip *gossip, size_t position) {
    struct seed *seed = &gossip->detect->seeds[position];
    const struct member *answered = member_find(gossip, seed->uuid);
    bool is_there =
        answered != NULL && gossip_address_equal(&answered->shown.who->address, &seed->address);
    if (is_there || gossip->now_us < seed->several_us || !has_room(gossip))
        return;
    seed->several_us = gossip->now_us + pause_by_lot_us(gossip, seed->several_pause_us);
    seed->several_pause_us =
        earlier(2 * seed->several_pause_us, SEED_SEVERAL_TIMES * gossip->timing.back_off_us);
    probe_address(gossip, PROBE_SEED, &seed->address, position);
}

static void seed_run(struct gossip *gossip, size_t position) {
    struct seed *seed = &gossip->detect->seeds[position];
    if (gossip_address_equal(&seed->address, &gossip->self->shown.who->address)) {
        seed->next_us = GOSSIP_NEVER;
        return;
    }
    if (seed_is_known(gossip, seed)) {
        seed_found(gossip, seed);
        seed->next_us = gossip->now_us + SEED_RECHECK_INTERVALS * gossip->timing.probe_interval_us;
        seed_ask_of_several(gossip, position);
        return;
    }
    seed->several_pause_us = gossip->timing.back_off_us;
    seed->several_us = gossip->now_us + seed->several_pause_us;
    seed->next_us = gossip->now_us + pause_by_lot_us(gossip, seed->interval_us);
    if (!has_room(gossip))
        return;
    seed->interval_us = earlier(2 * seed->interval_us, gossip->timing.back_off_us);
    probe_address(gossip, PROBE_SEED, &seed->address, position);
}

/* Graves. */

static void graves_run(struct gossip *gossip) {
    size_t count = gossip->graves.count, wanted = 1 + 2 * count / member_live_count(gossip);
    if (wanted > GRAVES_PER_ROUND)
        wanted = GRAVES_PER_ROUND;
    if (wanted > count)
        wanted = count;
    size_t start = count > 0 ? random_below(&gossip->random, count) : 0;
    for (size_t i = 0; i < wanted && has_room(gossip); i++)
        probe_grave(gossip, graves_at(gossip, (start + i) % count));
}

/* The lost. */

static void lost_forget(struct gossip *gossip, size_t position) {
    gossip->detect->lost[position] = gossip->detect->lost[--gossip->detect->lost_count];
}

void healing_found(struct gossip *gossip, const struct gossip_address *address) {
    for (size_t i = gossip->detect->lost_count; i > 0; i--)
        if (gossip_address_equal(&gossip->detect->lost[i - 1], address))
            lost_forget(gossip, i - 1);
}

/* When all places are taken, one by lot makes room: of many that were lost together any will do. */
void healing_remember(struct gossip *gossip, const struct gossip_address *address) {
    if (PLANTED(GOSSIP_LOST_FORGOTTEN))
        return;
    healing_found(gossip, address);
    size_t place = gossip->detect->lost_count;
    if (place < GOSSIP_LOST_MAXIMUM)
        gossip->detect->lost_count++;
    else
        place = random_below(&gossip->random, GOSSIP_LOST_MAXIMUM);
    gossip->detect->lost[place] = *address;
    healing_population_changed(gossip);
}

/* Two that have exchanged their addresses, and know no seed: the first is found where all look for
 * the second, and nobody would look where the first one was. */
void healing_moves(struct gossip *gossip, const struct member *member,
                   const struct gossip_address *to) {
    struct detect_room *room = gossip->detect;
    struct move move = {
        .who = member_mark(member->shown.who->uuid), .from = member->shown.who->address, .to = *to};
    if (gossip_address_equal(&move.from, to))
        return;
    room->moves[room->move_count++ % GOSSIP_MOVES_MAXIMUM] = move;
    if (gossip->graves.count > MOVED_GRAVES_MAXIMUM)
        return;
    for (size_t i = 0; i < gossip->graves.count; i++)
        if (gossip_address_equal(&graves_at(gossip, i)->shown.who->address, to)) {
            healing_remember(gossip, &move.from);
            return;
        }
}

/* The first one came before the second was known to be dead. */
void healing_died(struct gossip *gossip, const struct member *member) {
    const struct detect_room *room = gossip->detect;
    for (size_t i = 0; i < room->move_count && i < GOSSIP_MOVES_MAXIMUM; i++)
        if (room->moves[i].who != member_mark(member->shown.who->uuid) &&
            gossip_address_equal(&room->moves[i].to, &member->shown.who->address))
            healing_remember(gossip, &room->moves[i].from);
}

/* Whether somebody is known there again is not looked for among all members: whoever answers says
 * so. */
static void lost_run(struct gossip *gossip) {
    for (unsigned i = 0; i < LOST_PER_ROUND && gossip->detect->lost_count > 0 && has_room(gossip);
         i++) {
        size_t place = random_below(&gossip->random, gossip->detect->lost_count);
        probe_address(gossip, PROBE_LOST, &gossip->detect->lost[place], 0);
    }
}

/* Time. */

void healing_population_changed(struct gossip *gossip) {
    gossip->detect->round_interval_us = earlier(
        FIRST_PAUSE_INTERVALS * gossip->timing.probe_interval_us, gossip->timing.back_off_us);
    gossip->detect->round_us =
        earlier(gossip->detect->round_us, gossip->now_us + gossip->detect->round_interval_us);
}

/* What was put off for longer than is set now is not waited for. */
static void bring_forward(struct gossip *gossip, uint64_t *next_us, uint64_t *interval_us) {
    uint64_t longest_us = gossip->timing.back_off_us;
    *interval_us = earlier(*interval_us, longest_us);
    if (*next_us != GOSSIP_NEVER && *next_us > gossip->now_us + longest_us)
        *next_us = gossip->now_us + pause_by_lot_us(gossip, longest_us);
}

void healing_reschedule(struct gossip *gossip) {
    struct detect_room *room = gossip->detect;
    for (size_t i = 0; i < room->seed_count; i++)
        bring_forward(gossip, &room->seeds[i].next_us, &room->seeds[i].interval_us);
    bring_forward(gossip, &room->round_us, &room->round_interval_us);
}

static void round_run(struct gossip *gossip) {
    if (gossip->now_us < gossip->detect->round_us)
        return;
    gossip->detect->round_us = GOSSIP_NEVER;
    if (gossip->graves.count + gossip->detect->lost_count == 0 || PLANTED(GOSSIP_DEAD_NOT_SOUGHT))
        return;
    gossip->detect->round_us =
        gossip->now_us + pause_by_lot_us(gossip, gossip->detect->round_interval_us);
    gossip->detect->round_interval_us =
        earlier(2 * gossip->detect->round_interval_us, gossip->timing.back_off_us);
    graves_run(gossip);
    lost_run(gossip);
}

void healing_run(struct gossip *gossip) {
    for (size_t i = 0; i < gossip->detect->seed_count; i++)
        if (gossip->now_us >= gossip->detect->seeds[i].next_us)
            seed_run(gossip, i);
    round_run(gossip);
}

uint64_t healing_deadline_us(const struct gossip *gossip) {
    uint64_t deadline_us = gossip->detect->round_us;
    for (size_t i = 0; i < gossip->detect->seed_count; i++)
        deadline_us = earlier(deadline_us, gossip->detect->seeds[i].next_us);
    return deadline_us;
}
