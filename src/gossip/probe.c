#include "gossip/probe.h"
#include "base/check.h"
#include "gossip/broadcast.h"
#include "gossip/digest.h"
#include "gossip/joining.h"
#include "gossip/member.h"
#include "gossip/skew.h"
#include "gossip/suspicion.h"

enum { GRAVE_PAUSE_INTERVALS = 4, SEED_RECHECK_INTERVALS = 2 };

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

static uint64_t stretched_us(const struct gossip *gossip, uint64_t time_us) {
    return time_us * (gossip->counters.local_health + 1);
}

static bool address_equal(const struct gossip_address *a, const struct gossip_address *b) {
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

/* Pings. */

static void ping_write(struct gossip *gossip, const struct member *to, uint64_t sequence,
                       const uint8_t *target, const struct member *const *first,
                       size_t first_count) {
    gossip_begin(gossip, CODEC_PING, to);
    codec_write_sequence(&gossip->writer, sequence);
    if (target != NULL)
        codec_write_target(&gossip->writer, target);
    codec_write_hash(&gossip->writer, gossip->hash);
    broadcast_write(gossip, first, first_count);
}

/* A suspect hears of it from whoever pings it (Lifeguard's buddy system), the dead of their death;
 * a stranger or one of the dead may not know who we are. */
static void probe_ping(struct gossip *gossip, const struct probe *probe) {
    const struct member *first[2];
    size_t count = 0;
    if (probe->member != NULL && probe->member->shown.state != GOSSIP_ALIVE)
        first[count++] = probe->member;
    if (probe->kind != PROBE_MEMBER)
        first[count++] = gossip->self;
    ping_write(gossip, probe->member, probe->sequence,
               probe->member ? probe->member->shown.uuid : NULL, first, count);
    gossip_send(gossip, probe->member ? &probe->member->shown.address
                                      : &gossip->seeds[probe->seed].address);
}

static struct probe *probe_begin(struct gossip *gossip, enum probe_kind kind, struct member *member,
                                 size_t seed) {
    CHECK(gossip->probe_count < GOSSIP_PROBE_MAXIMUM);
    struct probe *probe = &gossip->probes[gossip->probe_count++];
    uint64_t timeout_us = stretched_us(gossip, gossip->timing.probe_timeout_us);
    uint64_t whole_us = stretched_us(gossip, gossip->timing.probe_interval_us);
    if (whole_us < 2 * timeout_us)
        whole_us = 2 * timeout_us; /* those who are asked need their time as well */
    *probe =
        (struct probe){.kind = kind,
                       .sequence = ++gossip->sequence,
                       .member = member,
                       .seed = seed,
                       .sent_us = gossip->now_us,
                       .ask_us = kind == PROBE_MEMBER ? gossip->now_us + timeout_us : GOSSIP_NEVER,
                       .end_us = gossip->now_us + whole_us};
    gossip->counters.probes_sent++;
    probe_ping(gossip, probe);
    return probe;
}

static void probe_end(struct gossip *gossip, struct probe *probe) {
    *probe = gossip->probes[--gossip->probe_count];
}

static struct probe *probe_find(struct gossip *gossip, uint64_t sequence) {
    for (size_t i = 0; i < gossip->probe_count; i++)
        if (gossip->probes[i].sequence == sequence)
            return &gossip->probes[i];
    return NULL;
}

static bool probe_is_out(const struct gossip *gossip, const struct member *member) {
    for (size_t i = 0; i < gossip->probe_count; i++)
        if (gossip->probes[i].member == member)
            return true;
    return false;
}

void probe_forget(struct gossip *gossip, const struct member *member) {
    for (size_t i = gossip->probe_count; i > 0; i--)
        if (gossip->probes[i - 1].member == member)
            probe_end(gossip, &gossip->probes[i - 1]);
}

void probe_cancel_all(struct gossip *gossip) { gossip->probe_count = gossip->relay_count = 0; }

/* The rotation: everybody once a round, in an order by lot, so that a death is found within two
 * rounds (SWIM 4.3). */

static struct member *rotation_turn(struct gossip *gossip) {
    struct rotation *rotation = &gossip->rotation;
    if (rotation->next >= rotation->count) {
        rotation->next = 0;
        for (size_t i = rotation->count; i > 1; i--) {
            size_t other = random_below(&gossip->random, i);
            struct member *swapped = rotation->members[i - 1];
            rotation->members[i - 1] = rotation->members[other];
            rotation->members[other] = swapped;
        }
    }
    return rotation->count > 0 ? rotation->members[rotation->next++] : NULL;
}

static void rotation_run(struct gossip *gossip) {
    if (gossip->now_us < gossip->probe_us)
        return;
    gossip->probe_us = gossip->now_us + stretched_us(gossip, gossip->timing.probe_interval_us);
    if (gossip->probe_count == GOSSIP_PROBE_MAXIMUM)
        return;
    struct member *member = rotation_turn(gossip);
    if (member != NULL && !probe_is_out(gossip, member))
        probe_begin(gossip, PROBE_MEMBER, member, 0);
}

/* Probes in flight. */

/* Whoever is joining knows nobody's address for sure, and is not bothered. */
static size_t helpers_choose(struct gossip *gossip, const struct member *target,
                             struct member *helpers[GOSSIP_HELPERS]) {
    struct member *candidates[2 * GOSSIP_HELPERS];
    size_t count = 0, found = member_choose(gossip, target, 2 * GOSSIP_HELPERS, candidates);
    for (size_t i = 0; i < found && count < GOSSIP_HELPERS; i++)
        if (candidates[i]->shown.state != GOSSIP_JOINING)
            helpers[count++] = candidates[i];
    return count;
}

static void probe_ask_others(struct gossip *gossip, struct probe *probe) {
    probe->ask_us = GOSSIP_NEVER;
    struct member *helpers[GOSSIP_HELPERS];
    probe->helper_count = (unsigned)helpers_choose(gossip, probe->member, helpers);
    for (unsigned i = 0; i < probe->helper_count; i++) {
        gossip_begin(gossip, CODEC_ASK, helpers[i]);
        codec_write_sequence(&gossip->writer, probe->sequence);
        codec_write_target(&gossip->writer, probe->member->shown.uuid);
        codec_write_address(&gossip->writer, &probe->member->shown.address);
        broadcast_write(gossip, NULL, 0);
        gossip_send(gossip, &helpers[i]->shown.address);
        gossip->counters.indirect_probes++;
    }
}

/* Helpers that did not even say that they are there speak for something wrong on this side
 * (Lifeguard 4.1). */
static void probe_fail(struct gossip *gossip, const struct probe *failed) {
    struct member *member = failed->member;
    gossip->counters.probes_failed++;
    unsigned answers = failed->nack_count;
    int blame = failed->helper_count == 0 ? 1 : (int)(failed->helper_count - answers);
    if (member_is_live(member) && gossip->self->shown.state != GOSSIP_JOINING)
        suspicion_accuse(gossip, member);
    local_health_change(gossip, blame);
    if (member->shown.state != GOSSIP_SUSPECT)
        return;
    const struct member *first = member;
    ping_write(gossip, member, ++gossip->sequence, member->shown.uuid, &first, 1);
    gossip_send(gossip, &member->shown.address);
}

static void probes_run(struct gossip *gossip) {
    for (size_t i = gossip->probe_count; i > 0; i--) {
        struct probe *probe = &gossip->probes[i - 1];
        if (gossip->now_us >= probe->end_us) {
            struct probe ended = *probe;
            probe_end(gossip, probe);
            if (ended.kind == PROBE_MEMBER)
                probe_fail(gossip, &ended);
        } else if (gossip->now_us >= probe->ask_us) {
            probe_ask_others(gossip, probe);
        }
    }
}

/* Seeds. */

void probe_seed(struct gossip *gossip, const struct gossip_address *address) {
    for (size_t i = 0; i < gossip->seed_count; i++)
        if (address_equal(&gossip->seeds[i].address, address))
            return;
    if (gossip->seed_count == GOSSIP_SEED_MAXIMUM) {
        log_line(gossip->log, LOG_WARN, "too many seeds; one is left out",
                 LOG_T("seed", address->host), LOG_F("maximum", GOSSIP_SEED_MAXIMUM));
        return;
    }
    gossip->seeds[gossip->seed_count++] =
        (struct seed){.address = *address,
                      .next_us = gossip->now_us,
                      .interval_us = gossip->timing.probe_interval_us};
}

static bool seed_is_known(const struct gossip *gossip, const struct seed *seed) {
    const struct member *answered = member_find(gossip, seed->uuid);
    if (answered != NULL && answered != gossip->self && member_is_live(answered))
        return true;
    for (size_t i = 0; i < gossip->rotation.count; i++)
        if (address_equal(&gossip->rotation.members[i]->shown.address, &seed->address))
            return true;
    return false;
}

static void seed_run(struct gossip *gossip, size_t position) {
    struct seed *seed = &gossip->seeds[position];
    if (seed->is_self || address_equal(&seed->address, &gossip->self->shown.address)) {
        seed->next_us = GOSSIP_NEVER;
        return;
    }
    if (seed_is_known(gossip, seed)) {
        seed->interval_us = gossip->timing.probe_interval_us;
        seed->next_us = gossip->now_us + SEED_RECHECK_INTERVALS * gossip->timing.probe_interval_us;
        return;
    }
    seed->next_us = gossip->now_us +
                    random_between(&gossip->random, seed->interval_us / 2 + 1, seed->interval_us);
    if (gossip->probe_count >= GOSSIP_PROBE_MAXIMUM / 2)
        return; /* the other half is the members' */
    seed->interval_us = earlier(2 * seed->interval_us, GOSSIP_BACK_OFF_US);
    probe_begin(gossip, PROBE_SEED, NULL, position);
}

static void seeds_run(struct gossip *gossip) {
    for (size_t i = 0; i < gossip->seed_count; i++)
        if (gossip->now_us >= gossip->seeds[i].next_us)
            seed_run(gossip, i);
}

/* The dead. */

void probe_population_changed(struct gossip *gossip) {
    gossip->grave_interval_us = GRAVE_PAUSE_INTERVALS * gossip->timing.probe_interval_us;
    gossip->grave_us = earlier(gossip->grave_us, gossip->now_us + gossip->grave_interval_us);
}

/* One of the dead by lot: the next one behind a place by lot. */
static struct member *grave_choose(struct gossip *gossip) {
    size_t start = random_below(&gossip->random, gossip->member_count);
    for (size_t i = 0; i < gossip->member_count; i++) {
        struct member *member = gossip->members[(start + i) % gossip->member_count];
        if (member->shown.state == GOSSIP_DEAD)
            return member;
    }
    return NULL;
}

static void graves_run(struct gossip *gossip) {
    if (gossip->now_us < gossip->grave_us)
        return;
    gossip->grave_us = GOSSIP_NEVER;
    struct member *member = grave_choose(gossip);
    if (member == NULL)
        return;
    gossip->grave_us =
        gossip->now_us + random_between(&gossip->random, gossip->grave_interval_us / 2 + 1,
                                        gossip->grave_interval_us);
    gossip->grave_interval_us = earlier(2 * gossip->grave_interval_us, GOSSIP_BACK_OFF_US);
    if (gossip->probe_count < GOSSIP_PROBE_MAXIMUM / 2 && !probe_is_out(gossip, member))
        probe_begin(gossip, PROBE_GRAVE, member, 0);
}

/* Probes for others. */

static void relays_run(struct gossip *gossip) {
    for (size_t i = gossip->relay_count; i > 0; i--) {
        struct relay *relay = &gossip->relays[i - 1];
        if (gossip->now_us >= relay->nack_us) {
            relay->nack_us = GOSSIP_NEVER;
            gossip_begin(gossip, CODEC_NACK, NULL);
            codec_write_sequence(&gossip->writer, relay->origin_sequence);
            codec_write_target(&gossip->writer, relay->target);
            gossip_send(gossip, &relay->origin);
        }
        if (gossip->now_us >= relay->end_us)
            *relay = gossip->relays[--gossip->relay_count];
    }
}

void probe_asked(struct gossip *gossip, const struct gossip_address *from,
                 const struct codec_message *message) {
    if (gossip->relay_count == GOSSIP_RELAY_MAXIMUM)
        return;
    uint64_t timeout_us = gossip->timing.probe_timeout_us;
    struct relay *relay = &gossip->relays[gossip->relay_count++];
    *relay = (struct relay){.sequence = ++gossip->sequence,
                            .origin_sequence = message->sequence,
                            .origin = *from,
                            .nack_us = gossip->now_us + timeout_us * 4 / 5,
                            .end_us = gossip->now_us + 4 * timeout_us};
    memcpy(relay->origin_uuid, message->sender, GOSSIP_UUID_BYTES);
    memcpy(relay->target, message->target, GOSSIP_UUID_BYTES);
    const struct member *target = member_find(gossip, message->target);
    bool is_to_be_told = target != NULL && target->shown.state != GOSSIP_ALIVE;
    ping_write(gossip, target, relay->sequence, message->target, &target, is_to_be_told);
    gossip_send(gossip, &message->address);
}

static void relay_acknowledged(struct gossip *gossip, const struct codec_message *message) {
    for (size_t i = 0; i < gossip->relay_count; i++) {
        struct relay *relay = &gossip->relays[i];
        if (relay->sequence != message->sequence ||
            memcmp(relay->target, message->sender, GOSSIP_UUID_BYTES) != 0)
            continue;
        gossip_begin(gossip, CODEC_ACK, member_find(gossip, relay->origin_uuid));
        codec_write_sequence(&gossip->writer, relay->origin_sequence);
        codec_write_target(&gossip->writer, relay->target);
        codec_write_hash(&gossip->writer, gossip->hash);
        broadcast_write(gossip, NULL, 0);
        gossip_send(gossip, &relay->origin);
        *relay = gossip->relays[--gossip->relay_count];
        return;
    }
}

/* Answers. */

void probe_pinged(struct gossip *gossip, const struct gossip_address *from,
                  const struct codec_message *message) {
    if (message->has_target &&
        memcmp(message->target, gossip->self->shown.uuid, GOSSIP_UUID_BYTES) != 0)
        return; /* meant for who was at this address before */
    const struct member *sender = member_find(gossip, message->sender);
    const struct member *first[2];
    size_t count = 0;
    bool is_known = sender != NULL && sender->shown.generation == message->generation;
    if (sender != NULL && (!is_known || sender->shown.state != GOSSIP_ALIVE))
        first[count++] = sender; /* so that it refutes, or learns that it has a successor */
    if (!is_known || gossip->self->shown.state == GOSSIP_LEFT)
        first[count++] = gossip->self;
    gossip_begin(gossip, CODEC_ACK, is_known ? sender : NULL);
    codec_write_sequence(&gossip->writer, message->sequence);
    if (gossip->writer.wire.version > 0)
        codec_write_held(&gossip->writer, 0); /* answered in the step that brought it */
    codec_write_hash(&gossip->writer, gossip->hash);
    broadcast_write(gossip, first, count);
    gossip_send(gossip, from);
}

static void probe_succeed(struct gossip *gossip, struct probe *probe,
                          const struct codec_message *message) {
    struct member *member = probe->member;
    if (probe->kind == PROBE_SEED) {
        struct seed *seed = &gossip->seeds[probe->seed];
        memcpy(seed->uuid, message->sender, GOSSIP_UUID_BYTES);
        seed->interval_us = gossip->timing.probe_interval_us;
    } else if (!message->has_target && member->shown.generation == message->generation) {
        gossip->round_trip_us = gossip->now_us - probe->sent_us;
        member->shown.round_trip_us = gossip->round_trip_us;
        skew_measure(gossip, member, probe->sent_us, message);
    }
    if (probe->kind == PROBE_MEMBER)
        local_health_change(gossip, -1);
    probe_end(gossip, probe);
}

void probe_acknowledged(struct gossip *gossip, const struct gossip_address *from,
                        const struct codec_message *message) {
    struct probe *probe = probe_find(gossip, message->sequence);
    if (probe == NULL) {
        if (!message->has_target)
            relay_acknowledged(gossip, message);
        return;
    }
    const uint8_t *answered = message->has_target ? message->target : message->sender;
    if (probe->member != NULL &&
        memcmp(probe->member->shown.uuid, answered, GOSSIP_UUID_BYTES) != 0)
        return;
    probe_succeed(gossip, probe, message);
    if (message->has_target)
        return;
    if (message->hash != gossip->hash)
        digest_send(gossip, from);
    else
        joining_end(gossip);
}

/* Raft's stream is both ways, so whoever answers on it hears us as well as we hear it. */
void probe_contact(struct gossip *gossip, const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    struct member *member = member_find(gossip, uuid);
    if (member == NULL || member == gossip->self || !member_is_live(member))
        return;
    member->shown.heard_us = gossip->now_us;
    for (size_t i = gossip->probe_count; i > 0; i--) {
        struct probe *probe = &gossip->probes[i - 1];
        if (probe->kind != PROBE_MEMBER || probe->member != member)
            continue;
        local_health_change(gossip, -1);
        probe_end(gossip, probe);
    }
    if (member->shown.state == GOSSIP_SUSPECT)
        suspicion_restart(gossip, member);
}

void probe_nacked(struct gossip *gossip, const struct codec_message *message) {
    struct probe *probe = probe_find(gossip, message->sequence);
    if (probe == NULL || probe->nack_count == probe->helper_count)
        return;
    if (memcmp(probe->member->shown.uuid, message->target, GOSSIP_UUID_BYTES) == 0)
        probe->nack_count++;
}

void probe_met_self(struct gossip *gossip, const struct codec_message *message) {
    struct probe *probe =
        message->kind == CODEC_PING ? probe_find(gossip, message->sequence) : NULL;
    if (probe == NULL || probe->kind != PROBE_SEED)
        return;
    gossip->seeds[probe->seed].is_self = true;
    probe_end(gossip, probe);
}

/* Time. */

void probe_run(struct gossip *gossip) {
    relays_run(gossip);
    if (gossip->self->shown.state == GOSSIP_LEFT)
        return;
    probes_run(gossip);
    seeds_run(gossip);
    graves_run(gossip);
    rotation_run(gossip);
}

uint64_t probe_deadline_us(const struct gossip *gossip) {
    uint64_t deadline_us = GOSSIP_NEVER;
    for (size_t i = 0; i < gossip->relay_count; i++)
        deadline_us =
            earlier(deadline_us, earlier(gossip->relays[i].nack_us, gossip->relays[i].end_us));
    if (gossip->self->shown.state == GOSSIP_LEFT)
        return deadline_us;
    for (size_t i = 0; i < gossip->probe_count; i++)
        deadline_us =
            earlier(deadline_us, earlier(gossip->probes[i].ask_us, gossip->probes[i].end_us));
    for (size_t i = 0; i < gossip->seed_count; i++)
        deadline_us = earlier(deadline_us, gossip->seeds[i].next_us);
    return earlier(deadline_us, earlier(gossip->grave_us, gossip->probe_us));
}
