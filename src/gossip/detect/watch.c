#include "gossip/detect/watch.h"
#include "gossip/detect/detect_room.h"

enum {
    OBSERVE_INTERVALS = 2,
    SHIFT_SHARE = 2,   /* half of the way to the right moment at once: it settles in a few turns */
    SHIFT_LONGEST = 4, /* but never by more than this part of a turn */
    PATIENCE_LEAST = 4 /* part of the probe timeout */
};

uint64_t watch_turn_us(const struct gossip *gossip) {
    return OBSERVE_INTERVALS * gossip->timing.probe_interval_us;
}

/* The rings. */

static uint64_t ring_place(unsigned ring, const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    return bytes_hash(bytes_of(uuid, GOSSIP_UUID_BYTES), ring + 1);
}

/* How far the member stands before this node. */
static uint64_t ring_distance(const struct gossip *gossip, unsigned ring,
                              const struct member *member) {
    return gossip->detect->watches[ring].self_place - ring_place(ring, member->shown.who->uuid);
}

static void watch_begin(struct gossip *gossip, struct watch *watch, struct member *member,
                        uint64_t distance) {
    watch->member = member;
    watch->beyond = NULL;
    watch->distance = distance;
    watch->trip = (struct round_trip){0};
    watch->next_us = GOSSIP_NEVER;
    if (member != NULL)
        watch->next_us = gossip->now_us + random_below(&gossip->random, watch_turn_us(gossip));
}

void watch_init(struct gossip *gossip) {
    for (unsigned ring = 0; ring < GOSSIP_OBSERVERS_MAXIMUM; ring++)
        gossip->detect->watches[ring] = (struct watch){
            .self_place = ring_place(ring, gossip->self->shown.who->uuid), .next_us = GOSSIP_NEVER};
    gossip->detect->ring_count = gossip->timing.observers;
}

void watch_member_came(struct gossip *gossip, struct member *member) {
    for (unsigned ring = 0; ring < gossip->detect->ring_count; ring++) {
        struct watch *watch = &gossip->detect->watches[ring];
        uint64_t distance = ring_distance(gossip, ring, member);
        if (watch->member == NULL || distance < watch->distance)
            watch_begin(gossip, watch, member, distance);
    }
}

struct member *watch_nearest_before(const struct gossip *gossip, unsigned ring,
                                    bool with_suspects) {
    struct member *nearest = NULL;
    uint64_t nearest_distance = UINT64_MAX;
    for (size_t i = 0; i < gossip_live_count(gossip); i++) {
        struct member *member = gossip_live(gossip, i);
        uint64_t distance = ring_distance(gossip, ring, member);
        bool is_fit = with_suspects || member->shown.state != GOSSIP_SUSPECT;
        if (is_fit && distance <= nearest_distance) {
            nearest = member;
            nearest_distance = distance;
        }
    }
    return nearest;
}

static void watch_next_before(struct gossip *gossip, unsigned ring) {
    struct member *nearest = watch_nearest_before(gossip, ring, true);
    watch_begin(gossip, &gossip->detect->watches[ring], nearest,
                nearest != NULL ? ring_distance(gossip, ring, nearest) : 0);
}

void watch_set_rings(struct gossip *gossip) {
    unsigned before = gossip->detect->ring_count;
    gossip->detect->ring_count = gossip->timing.observers;
    for (unsigned ring = before; ring < gossip->timing.observers; ring++)
        watch_next_before(gossip, ring);
    for (unsigned ring = gossip->timing.observers; ring < before; ring++)
        watch_begin(gossip, &gossip->detect->watches[ring], NULL, 0);
}

void watch_member_went(struct gossip *gossip, const struct member *member) {
    for (unsigned ring = 0; ring < gossip->detect->ring_count; ring++) {
        struct watch *watch = &gossip->detect->watches[ring];
        if (watch->beyond == member)
            watch->beyond = NULL;
        if (watch->member == member)
            watch_next_before(gossip, ring);
    }
}

struct watch *watch_of(struct gossip *gossip, const struct member *member) {
    for (unsigned ring = 0; ring < gossip->detect->ring_count; ring++)
        if (gossip->detect->watches[ring].member == member)
            return &gossip->detect->watches[ring];
    return NULL;
}

/* Patience. */

static void trip_measure(struct round_trip *trip, uint64_t measured_us) {
    if (trip->mean_us == 0) { /* RFC 6298, 2.2 */
        *trip = (struct round_trip){.mean_us = measured_us + 1, .deviation_us = measured_us / 2};
        return;
    }
    uint64_t mean_us = trip->mean_us;
    uint64_t off_us = mean_us > measured_us ? mean_us - measured_us : measured_us - mean_us;
    trip->deviation_us = trip->deviation_us - trip->deviation_us / 4 + off_us / 4;
    trip->mean_us = mean_us - mean_us / 8 + measured_us / 8;
}

void watch_measured(struct gossip *gossip, const struct member *member, uint64_t round_trip_us) {
    trip_measure(&gossip->detect->trip, round_trip_us);
    struct watch *watch = watch_of(gossip, member);
    if (watch != NULL)
        trip_measure(&watch->trip, round_trip_us);
}

/* Of a member that is not watched, what is usual here must do. */
uint64_t watch_patience_us(const struct gossip *gossip, const struct member *member) {
    const struct round_trip *trip = &gossip->detect->trip;
    for (unsigned ring = 0; ring < gossip->detect->ring_count; ring++)
        if (gossip->detect->watches[ring].member == member &&
            gossip->detect->watches[ring].trip.mean_us > 0)
            trip = &gossip->detect->watches[ring].trip;
    uint64_t most_us = gossip->timing.probe_timeout_us, least_us = most_us / PATIENCE_LEAST + 1;
    uint64_t patience_us = trip->mean_us + 4 * trip->deviation_us;
    if (trip->mean_us == 0 || patience_us > most_us)
        return most_us;
    return later(patience_us, least_us);
}

/* Phases. */

void watch_shift(struct gossip *gossip, const struct member *member, unsigned phase_ms) {
    struct watch *watch = watch_of(gossip, member);
    if (watch == NULL || phase_ms == 0)
        return;
    int64_t longest_us = (int64_t)watch_turn_us(gossip) / SHIFT_LONGEST;
    int64_t share_us = (int64_t)watch_turn_us(gossip) / gossip->detect->ring_count;
    int64_t shift_us = (share_us - (int64_t)phase_ms * 1000) / SHIFT_SHARE;
    if (shift_us < -longest_us)
        shift_us = -longest_us;
    if (shift_us > longest_us)
        shift_us = longest_us;
    if ((int64_t)watch->next_us + shift_us > (int64_t)gossip->now_us)
        watch->next_us = (uint64_t)((int64_t)watch->next_us + shift_us);
}

/* A ping that is repeated is still the same turn. */
uint16_t watch_pinged_ms(struct gossip *gossip, const uint8_t observer[GOSSIP_UUID_BYTES]) {
    uint64_t who = bytes_hash(bytes_of(observer, GOSSIP_UUID_BYTES), 0);
    bool is_repeated = who == gossip->detect->observer &&
                       gossip->now_us - gossip->detect->observed_us < watch_turn_us(gossip) / 2;
    if (!is_repeated) {
        uint64_t phase_ms = (gossip->now_us - gossip->detect->observed_us) / 1000;
        bool is_first = gossip->detect->observed_us == 0;
        gossip->detect->observed_ms = is_first ? 0 : (uint16_t)earlier(phase_ms + 1, UINT16_MAX);
        gossip->detect->observer = who;
        gossip->detect->observed_us = gossip->now_us;
    }
    return gossip->detect->observed_ms;
}
