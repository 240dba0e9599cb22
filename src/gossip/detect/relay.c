#include "gossip/detect/relay.h"
#include "base/memory.h"
#include "gossip/detect/detect_room.h"
#include "gossip/detect/ping.h"
#include "gossip/instance/roster.h"
#include "gossip/instance/sending.h"
#include "gossip/members/member.h"
#include "gossip/news/broadcast.h"
#include "gossip/news/nearness.h"

enum {
    HELPER_STEPS = 64, /* among so many one of another zone is looked for */
    RELAYS_FEWEST = 8  /* places; doubled as needed */
};

/* A probe for somebody else. */
struct relay {
    uint64_t sequence, origin_sequence;
    struct gossip_address origin;
    uint8_t origin_uuid[GOSSIP_UUID_BYTES];
    uint8_t target[GOSSIP_UUID_BYTES];
    uint64_t nack_us, end_us; /* nack_us: GOSSIP_NEVER once it is sent */
};

/* Helpers. */

/* Whoever is joining knows nobody's address for sure, and is not bothered. */
static bool helper_is_fit(const struct member *member, const struct member *target) {
    return member != target && member->shown.state != GOSSIP_JOINING;
}

/* Of another zone than this node's; NULL: none is near a place by lot in the rotation, which is
 * itself in an order by lot. */
static struct member *helper_of_another_zone(struct gossip *gossip, const struct member *target) {
    size_t live = gossip_live_count(gossip), steps = live < HELPER_STEPS ? live : HELPER_STEPS;
    size_t at = steps > 0 ? random_below(&gossip->random, live) : 0;
    for (; steps > 0; steps--, at++) {
        struct member *member = gossip_live(gossip, at % live);
        if (helper_is_fit(member, target) && !nearness_is_same_zone(gossip, member))
            return member;
    }
    return NULL;
}

static bool is_any_of_another_zone(const struct gossip *gossip, struct member *const *helpers,
                                   size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!nearness_is_same_zone(gossip, helpers[i]))
            return true;
    return false;
}

size_t relay_choose(struct gossip *gossip, const struct member *target,
                    struct member *helpers[GOSSIP_HELPERS_MAXIMUM]) {
    struct member *candidates[2 * GOSSIP_HELPERS_MAXIMUM];
    size_t wanted = gossip->timing.helpers, count = 0;
    size_t found = member_choose(gossip, target, 2 * wanted, candidates);
    for (size_t i = 0; i < found && count < wanted; i++)
        if (helper_is_fit(candidates[i], target))
            helpers[count++] = candidates[i];
    if (nearness_zone(gossip->self).length == 0 || is_any_of_another_zone(gossip, helpers, count))
        return count;
    struct member *outside = helper_of_another_zone(gossip, target);
    if (outside == NULL)
        return count;
    count -= count == wanted;
    helpers[count++] = outside;
    return count;
}

/* Probes for others. */

void relay_run(struct gossip *gossip) {
    for (size_t i = gossip->detect->relay_count; i > 0; i--) {
        struct relay *relay = &gossip->detect->relays[i - 1];
        if (gossip->now_us >= relay->nack_us) {
            relay->nack_us = GOSSIP_NEVER;
            gossip_begin(gossip, CODEC_NACK, member_find(gossip, relay->origin_uuid));
            codec_write_sequence(gossip->writer, relay->origin_sequence);
            codec_write_target(gossip->writer, relay->target);
            gossip_send(gossip, &relay->origin);
        }
        if (gossip->now_us >= relay->end_us)
            *relay = gossip->detect->relays[--gossip->detect->relay_count];
    }
}

/* Few nodes are ever asked for all that are allowed. */
static void relays_grow(struct gossip *gossip) {
    if (gossip->detect->relay_count < gossip->detect->relay_capacity)
        return;
    gossip->detect->relay_capacity =
        gossip->detect->relay_capacity ? 2 * gossip->detect->relay_capacity : RELAYS_FEWEST;
    gossip->detect->relays = memory_resize(
        gossip->detect->relays, gossip->detect->relay_capacity * sizeof *gossip->detect->relays);
}

void relay_asked(struct gossip *gossip, const struct gossip_address *from,
                 const struct codec_message *message) {
    if (gossip->detect->relay_count == GOSSIP_RELAY_MAXIMUM) {
        gossip->counters.dropped_for_relays++;
        return;
    }
    relays_grow(gossip);
    uint64_t timeout_us = gossip->timing.probe_timeout_us;
    struct relay *relay = &gossip->detect->relays[gossip->detect->relay_count++];
    *relay = (struct relay){.sequence = ++gossip->detect->sequence,
                            .origin_sequence = message->sequence,
                            .origin = *from,
                            .nack_us = gossip->now_us + timeout_us * 4 / 5,
                            .end_us = gossip->now_us + 4 * timeout_us};
    memcpy(relay->origin_uuid, message->sender, GOSSIP_UUID_BYTES);
    memcpy(relay->target, message->target, GOSSIP_UUID_BYTES);
    const struct member *target = member_find(gossip, message->target);
    struct ping ping = {.to = target,
                        .sequence = relay->sequence,
                        .target = message->target,
                        .first = &target,
                        .first_count = target != NULL && target->shown.state != GOSSIP_ALIVE};
    ping_send(gossip, &ping, &message->address);
}

void relay_acknowledged(struct gossip *gossip, const struct codec_message *message) {
    for (size_t i = 0; i < gossip->detect->relay_count; i++) {
        struct relay *relay = &gossip->detect->relays[i];
        if (relay->sequence != message->sequence ||
            memcmp(relay->target, message->sender, GOSSIP_UUID_BYTES) != 0)
            continue;
        gossip_begin(gossip, CODEC_ACK, member_find(gossip, relay->origin_uuid));
        codec_write_sequence(gossip->writer, relay->origin_sequence);
        codec_write_target(gossip->writer, relay->target);
        codec_write_hash(gossip->writer, gossip->hash);
        broadcast_write(gossip, NULL, 0);
        gossip_send(gossip, &relay->origin);
        *relay = gossip->detect->relays[--gossip->detect->relay_count];
        return;
    }
}

uint64_t relay_deadline_us(const struct gossip *gossip) {
    uint64_t deadline_us = GOSSIP_NEVER;
    for (size_t i = 0; i < gossip->detect->relay_count; i++) {
        const struct relay *relay = &gossip->detect->relays[i];
        deadline_us = earlier(deadline_us, earlier(relay->nack_us, relay->end_us));
    }
    return deadline_us;
}

void relay_cancel_all(struct gossip *gossip) { gossip->detect->relay_count = 0; }
