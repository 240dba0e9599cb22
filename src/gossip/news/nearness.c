#include "gossip/news/nearness.h"
#include "gossip/instance/roster.h"
#include "gossip/members/chain.h"
#include "gossip/members/member.h"
#include "gossip/news/news_room.h"
#include "gossip/news/state.h"

enum {
    SAMPLES_LEAST = 4, /* measurements before the first saying */
    MOVED_LEAST_US = 5000,
    MOVED_SHARE = 4,        /* ...or a fourth of the way from the origin */
    SAY_SECONDS_LEAST = 30, /* between two sayings */
    SAY_SECONDS_PER_MEMBER = 1
};
#define ERROR_GOOD 0.25
#define ZONE_KEY   BYTES_LITERAL(GOSSIP_KEY_ZONE)

static uint64_t nearness_pause_us(struct gossip *gossip, uint64_t least_us) {
    uint64_t pause_us = member_live_count(gossip) * SAY_SECONDS_PER_MEMBER * GOSSIP_SECOND_US;
    pause_us = pause_us > least_us ? pause_us : least_us;
    return random_between(&gossip->random, pause_us / 2, pause_us);
}

void nearness_init(struct gossip *gossip) {
    coordinate_init(&gossip->news->coordinate);
    gossip->news->coordinate_us = gossip->now_us;
}

void nearness_measured(struct gossip *gossip, const struct coordinate *theirs,
                       uint64_t round_trip_us) {
    coordinate_update(&gossip->news->coordinate, theirs, round_trip_us, &gossip->random);
    gossip->news->coordinate_samples++;
    if (gossip->news->coordinate_samples == SAMPLES_LEAST)
        gossip->news->coordinate_us = gossip->now_us + nearness_pause_us(gossip, GOSSIP_SECOND_US);
}

static bool nearness_has_moved(const struct gossip *gossip) {
    if (!gossip->news->has_said_coordinate)
        return true;
    double said_error = gossip->news->said_coordinate.error;
    if (said_error > ERROR_GOOD && said_error > 2 * gossip->news->coordinate.error)
        return true; /* it is not elsewhere, but much surer of it */
    static const struct coordinate origin;
    double moved_us =
        coordinate_moved_us(&gossip->news->said_coordinate, &gossip->news->coordinate);
    double far_us = coordinate_moved_us(&origin, &gossip->news->said_coordinate) / MOVED_SHARE;
    return moved_us > (far_us > MOVED_LEAST_US ? far_us : MOVED_LEAST_US);
}

/* Looked at when something else happens: it is never urgent. */
void nearness_run(struct gossip *gossip) {
    if (!gossip->timing.says_coordinate || gossip->news->coordinate_samples < SAMPLES_LEAST ||
        gossip->now_us < gossip->news->coordinate_us || gossip->self->shown.state == GOSSIP_LEFT)
        return;
    gossip->news->coordinate_us =
        gossip->now_us + nearness_pause_us(gossip, SAY_SECONDS_LEAST * GOSSIP_SECOND_US);
    if (!nearness_has_moved(gossip))
        return;
    char text[COORDINATE_TEXT_MAXIMUM];
    struct bytes value = coordinate_print(&gossip->news->coordinate, text);
    if (state_set(gossip, COORDINATE_KEY, value, GOSSIP_REST))
        return; /* so many keys that there is no place for it */
    gossip->news->has_said_coordinate = true;
    gossip->news->said_coordinate = gossip->news->coordinate;
}

static bool nearness_coordinate(const struct gossip *gossip, const struct member *member,
                                struct coordinate *out) {
    if (member == gossip->self) {
        *out = gossip->news->coordinate;
        return gossip->news->coordinate_samples >= SAMPLES_LEAST;
    }
    const struct entry *entry = chain_find(member->chain, COORDINATE_KEY);
    return entry != NULL && coordinate_parse(out, entry_value(entry));
}

bool nearness_estimate(const struct gossip *gossip, const struct member *a, const struct member *b,
                       uint64_t *out_us, uint64_t *out_error_us) {
    struct coordinate from, to;
    if (!nearness_coordinate(gossip, a, &from) || !nearness_coordinate(gossip, b, &to))
        return false;
    double round_trip_us = coordinate_round_trip_us(&from, &to);
    double error = from.error > to.error ? from.error : to.error;
    *out_us = a == b ? 0 : (uint64_t)round_trip_us;
    *out_error_us = a == b ? 0 : (uint64_t)(round_trip_us * error);
    return true;
}

const struct coordinate *nearness_own(const struct gossip *gossip) {
    return &gossip->news->coordinate;
}

uint64_t nearness_us(const struct gossip *gossip, const struct member *member) {
    uint64_t round_trip_us = member->shown.contact->round_trip_us, error_us;
    if (round_trip_us > 0)
        return round_trip_us;
    bool is_known = nearness_estimate(gossip, gossip->self, member, &round_trip_us, &error_us);
    return is_known ? round_trip_us : 0;
}

struct bytes nearness_zone(const struct member *member) {
    const struct entry *entry = chain_find(member->chain, ZONE_KEY);
    return entry != NULL ? entry_value(entry) : BYTES_NONE;
}

bool nearness_is_same_zone(const struct gossip *gossip, const struct member *member) {
    return bytes_equal(nearness_zone(gossip->self), nearness_zone(member));
}
