#include "gossip/probe.h"
#include "base/check.h"
#include "base/memory.h"
#include "gossip/broadcast.h"
#include "gossip/compare.h"
#include "gossip/doubt.h"
#include "gossip/healing.h"
#include "gossip/joining.h"
#include "gossip/member.h"
#include "gossip/nearness.h"
#include "gossip/observer.h"
#include "gossip/roster.h"
#include "gossip/skew.h"
#include "gossip/suspicion.h"

enum {
    HELPER_STEPS = 64,  /* among so many one of another zone is looked for */
    DOUBTS = 2,         /* suspects that a ping asks about */
    CONTRADICTIONS = 4, /* in its answer, as far as there is room */
    FIRST_MAXIMUM = 2   /* records that a ping or its answer carries beside these */
};

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

static uint64_t stretched_us(const struct gossip *gossip, uint64_t time_us) {
    return time_us * (gossip->counters.local_health + 1);
}

/* Pings. */

struct ping {
    const struct member *to; /* NULL: who is there may not be known */
    uint64_t sequence;
    const uint8_t *target; /* NULL: whoever is there */
    bool is_observation;
    const struct member *const *first; /* records that it carries in any case */
    size_t first_count;
};

static void ping_send(struct gossip *gossip, const struct ping *ping,
                      const struct gossip_address *to) {
    gossip_begin(gossip, CODEC_PING, ping->to);
    codec_write_sequence(&gossip->writer, ping->sequence);
    if (ping->target != NULL)
        codec_write_target(&gossip->writer, ping->target);
    codec_write_hash(&gossip->writer, gossip->hash);
    if (compare_is_due(gossip))
        codec_write_compare(&gossip->writer);
    if (ping->is_observation)
        codec_write_phase(&gossip->writer, 0);
    broadcast_write(gossip, ping->first, ping->first_count);
    gossip_send(gossip, to);
}

/* A suspect hears of it from whoever pings it (Lifeguard's buddy system), the dead of their death;
 * a stranger or one of the dead may not know who we are. Each ping has a sequence of its own, so
 * that an answer says which one it is for. */
static void probe_ping(struct gossip *gossip, struct probe *probe) {
    const struct member *member = probe->member, *first[FIRST_MAXIMUM + DOUBTS];
    struct ping ping = {.to = member,
                        .sequence = probe->sequence + probe->ping_count,
                        .is_observation = probe->is_observation,
                        .first = first};
    if (member != NULL)
        ping.target = member->shown.who->uuid;
    if (member != NULL && member->shown.state != GOSSIP_ALIVE)
        first[ping.first_count++] = member;
    if (probe->kind != PROBE_MEMBER)
        first[ping.first_count++] = gossip->self;
    else
        ping.first_count += doubt_choose(gossip, member, DOUBTS, first + ping.first_count);
    probe->pinged_us[probe->ping_count++] = gossip->now_us;
    ping_send(gossip, &ping, &probe->to);
    bool is_last = probe->kind != PROBE_MEMBER || probe->ping_count == GOSSIP_PINGS_MAXIMUM;
    probe->again_us = is_last ? GOSSIP_NEVER : gossip->now_us + probe->patience_us;
}

static bool probe_is_out(const struct gossip *gossip, const struct member *member) {
    for (size_t i = 0; i < gossip->probe_count; i++)
        if (gossip->probes[i].member == member)
            return true;
    return false;
}

static void probe_begin(struct gossip *gossip, const struct probe *begun) {
    CHECK(gossip->probe_count < GOSSIP_PROBE_MAXIMUM);
    struct probe *probe = &gossip->probes[gossip->probe_count++];
    *probe = *begun;
    probe->sequence = gossip->sequence + 1;
    gossip->sequence += GOSSIP_PINGS_MAXIMUM;
    uint64_t timeout_us = gossip->timing.probe_timeout_us;
    probe->ask_us = probe->try_us = GOSSIP_NEVER;
    probe->end_us = gossip->now_us + stretched_us(gossip, 2 * timeout_us);
    if (probe->kind == PROBE_MEMBER) {
        uint64_t patience_us = observer_patience_us(gossip, probe->member);
        probe->patience_us = stretched_us(gossip, patience_us);
        probe->ask_us = gossip->now_us + stretched_us(gossip, earlier(2 * patience_us, timeout_us));
        probe->try_us = gossip->now_us + stretched_us(gossip, timeout_us + timeout_us / 4);
    }
    gossip->counters.probes_sent++;
    probe_ping(gossip, probe);
}

void probe_member(struct gossip *gossip, struct member *member, bool is_observation) {
    if (gossip->probe_count == GOSSIP_PROBE_MAXIMUM || probe_is_out(gossip, member))
        return;
    probe_begin(gossip, &(struct probe){.kind = PROBE_MEMBER,
                                        .member = member,
                                        .to = member->shown.who->address,
                                        .is_observation = is_observation});
}

void probe_grave(struct gossip *gossip, struct member *member) {
    if (gossip->probe_count < GOSSIP_PROBE_MAXIMUM && !probe_is_out(gossip, member))
        probe_begin(gossip, &(struct probe){.kind = PROBE_GRAVE,
                                            .member = member,
                                            .to = member->shown.who->address});
}

void probe_address(struct gossip *gossip, enum probe_kind kind,
                   const struct gossip_address *address, size_t seed) {
    CHECK(kind == PROBE_SEED || kind == PROBE_LOST);
    if (gossip->probe_count < GOSSIP_PROBE_MAXIMUM)
        probe_begin(gossip, &(struct probe){.kind = kind, .to = *address, .seed = seed});
}

static void probe_end(struct gossip *gossip, struct probe *probe) {
    *probe = gossip->probes[--gossip->probe_count];
}

static struct probe *probe_find(struct gossip *gossip, uint64_t sequence) {
    for (size_t i = 0; i < gossip->probe_count; i++)
        if (sequence - gossip->probes[i].sequence < gossip->probes[i].ping_count)
            return &gossip->probes[i];
    return NULL;
}

void probe_forget(struct gossip *gossip, const struct member *member) {
    for (size_t i = gossip->probe_count; i > 0; i--)
        if (gossip->probes[i - 1].member == member)
            probe_end(gossip, &gossip->probes[i - 1]);
}

void probe_cancel_all(struct gossip *gossip) { gossip->probe_count = gossip->relay_count = 0; }

static void postpone(uint64_t *time_us, uint64_t lag_us) {
    if (*time_us != GOSSIP_NEVER)
        *time_us += lag_us;
}

void probe_postpone(struct gossip *gossip, uint64_t lag_us) {
    for (size_t i = 0; i < gossip->probe_count; i++) {
        struct probe *probe = &gossip->probes[i];
        postpone(&probe->ask_us, lag_us);
        postpone(&probe->try_us, lag_us);
        postpone(&probe->end_us, lag_us);
    }
}

/* Probes in flight. */

/* Whoever is joining knows nobody's address for sure, and is not bothered. */
static bool helper_is_fit(const struct member *member, const struct member *target) {
    return member != target && member->shown.state != GOSSIP_JOINING;
}

/* Of another zone than this node's; NULL: none is near a place by lot in the rotation, which is
 * itself in an order by lot. */
static struct member *helper_of_another_zone(struct gossip *gossip, const struct member *target) {
    const struct rotation *rotation = &gossip->rotation;
    size_t steps = rotation->count < HELPER_STEPS ? rotation->count : HELPER_STEPS;
    size_t at = steps > 0 ? random_below(&gossip->random, rotation->count) : 0;
    for (; steps > 0; steps--, at++) {
        struct member *member = rotation->members[at % rotation->count];
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

/* By lot. What hinders this node may hinder its whole zone, so one helper stands outside of it. */
static size_t helpers_choose(struct gossip *gossip, const struct member *target,
                             struct member *helpers[GOSSIP_HELPERS]) {
    struct member *candidates[2 * GOSSIP_HELPERS];
    size_t count = 0, found = member_choose(gossip, target, 2 * GOSSIP_HELPERS, candidates);
    for (size_t i = 0; i < found && count < GOSSIP_HELPERS; i++)
        if (helper_is_fit(candidates[i], target))
            helpers[count++] = candidates[i];
    if (gossip_zone(gossip, &gossip->self->shown).length == 0 ||
        is_any_of_another_zone(gossip, helpers, count))
        return count;
    struct member *outside = helper_of_another_zone(gossip, target);
    if (outside == NULL)
        return count;
    count -= count == GOSSIP_HELPERS;
    helpers[count++] = outside;
    return count;
}

static void probe_ask_others(struct gossip *gossip, struct probe *probe) {
    probe->ask_us = GOSSIP_NEVER;
    struct member *helpers[GOSSIP_HELPERS];
    probe->helper_count = (unsigned)helpers_choose(gossip, probe->member, helpers);
    for (unsigned i = 0; i < probe->helper_count; i++) {
        gossip_begin(gossip, CODEC_ASK, helpers[i]);
        codec_write_sequence(&gossip->writer, probe->sequence);
        codec_write_target(&gossip->writer, probe->member->shown.who->uuid);
        codec_write_address(&gossip->writer, &probe->member->shown.who->address);
        broadcast_write(gossip, NULL, 0);
        gossip_send(gossip, &helpers[i]->shown.who->address);
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
    const struct member *suspect = member;
    if (member->shown.state == GOSSIP_SUSPECT)
        probe_ask_about(gossip, member, &suspect, 1);
}

void probe_ask_about(struct gossip *gossip, const struct member *asked,
                     const struct member *const *suspects, size_t count) {
    struct ping ping = {.to = asked,
                        .sequence = ++gossip->sequence,
                        .target = asked->shown.who->uuid,
                        .first = suspects,
                        .first_count = count};
    ping_send(gossip, &ping, &asked->shown.who->address);
}

static void probe_run_one(struct gossip *gossip, struct probe *probe) {
    if (gossip->now_us >= probe->again_us)
        probe_ping(gossip, probe);
    if (gossip->now_us >= probe->ask_us)
        probe_ask_others(gossip, probe);
    if (gossip->now_us >= probe->try_us) {
        probe->try_us = GOSSIP_NEVER;
        gossip_try_stream(gossip, &probe->member->shown);
    }
}

static void probes_run(struct gossip *gossip) {
    for (size_t i = gossip->probe_count; i > 0; i--) {
        struct probe *probe = &gossip->probes[i - 1];
        if (gossip->now_us < probe->end_us) {
            probe_run_one(gossip, probe);
            continue;
        }
        struct probe ended = *probe;
        probe_end(gossip, probe);
        if (ended.kind == PROBE_MEMBER)
            probe_fail(gossip, &ended);
    }
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
    if (gossip->relay_count == GOSSIP_RELAY_MAXIMUM) {
        gossip->counters.dropped_for_relays++;
        return;
    }
    if (gossip->relays == NULL)
        gossip->relays = memory_allocate_zeroed(GOSSIP_RELAY_MAXIMUM, sizeof *gossip->relays);
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
    struct ping ping = {.to = target,
                        .sequence = relay->sequence,
                        .target = message->target,
                        .first = &target,
                        .first_count = target != NULL && target->shown.state != GOSSIP_ALIVE};
    ping_send(gossip, &ping, &message->address);
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

static bool is_meant_for_another(const struct gossip *gossip, const struct codec_message *ping) {
    return ping->has_target &&
           memcmp(ping->target, gossip->self->shown.who->uuid, GOSSIP_UUID_BYTES) != 0;
}

void probe_pinged(struct gossip *gossip, const struct gossip_address *from,
                  const struct codec_message *message) {
    if (is_meant_for_another(gossip, message))
        return; /* meant for who was at this address before */
    const struct member *sender = member_find(gossip, message->sender);
    const struct member *first[FIRST_MAXIMUM + CONTRADICTIONS];
    size_t count = 0;
    bool is_known = sender != NULL && sender->shown.who->generation == message->generation;
    if (sender != NULL && (!is_known || sender->shown.state != GOSSIP_ALIVE))
        first[count++] = sender; /* so that it refutes, or learns that it has a successor */
    if (!is_known || gossip->self->shown.state == GOSSIP_LEFT)
        first[count++] = gossip->self;
    count += doubt_contradicted(gossip, message, CONTRADICTIONS, first + count);
    gossip_begin(gossip, CODEC_ACK, is_known ? sender : NULL);
    codec_write_sequence(&gossip->writer, message->sequence);
    if (gossip->writer.wire.version > 0)
        codec_write_held(&gossip->writer, 0); /* answered in the step that brought it */
    codec_write_hash(&gossip->writer, gossip->hash);
    compare_write(gossip, message);
    if (message->has_phase)
        codec_write_phase(&gossip->writer, observer_pinged_ms(gossip, message->sender));
    if (is_known)
        codec_write_coordinate(&gossip->writer, &gossip->coordinate);
    broadcast_write(gossip, first, count);
    gossip_send(gossip, from);
}

/* Where the sender says that it is, if that is elsewhere than where the ping came from, as through
 * somebody who only hands on. */
static bool is_said_elsewhere(const struct codec_message *message,
                              const struct gossip_address *from, struct gossip_address *said) {
    struct cursor in = cursor_of(message->records);
    struct codec_record record;
    while (cursor_left(&in) > 0) {
        codec_read_record(&in, &message->wire, &record);
        if (memcmp(record.uuid, message->sender, GOSSIP_UUID_BYTES) != 0)
            continue;
        *said = record.address;
        return said->port != from->port || strcmp(said->host, from->host) != 0;
    }
    return false;
}

/* No news, no coordinate, no buckets: the answer is hardly longer than the ping, and nothing is
 * told less often to others for it. */
void probe_pinged_unproven(struct gossip *gossip, const struct gossip_address *from,
                           const struct codec_message *message) {
    if (is_meant_for_another(gossip, message))
        return;
    const struct member *sender = member_find(gossip, message->sender);
    bool is_known = sender != NULL && sender->shown.who->generation == message->generation;
    struct codec_record record;
    gossip_begin(gossip, CODEC_ACK, is_known ? sender : NULL);
    codec_write_sequence(&gossip->writer, message->sequence);
    if (gossip->writer.wire.version > 0)
        codec_write_held(&gossip->writer, 0);
    codec_write_hash(&gossip->writer, gossip->hash);
    CHECK(codec_list_begin(&gossip->writer, CODEC_SECTION_RECORDS));
    member_record(gossip->self, &record);
    CHECK(codec_write_record(&gossip->writer, &record));
    if (sender != NULL && (!is_known || sender->shown.state != GOSSIP_ALIVE)) {
        member_record(sender, &record);
        CHECK(codec_write_record(&gossip->writer, &record));
    }
    codec_list_end(&gossip->writer);
    gossip_send(gossip, from);
    struct gossip_address said;
    if (is_said_elsewhere(message, from, &said))
        gossip_send(gossip, &said);
}

static void probe_measure(struct gossip *gossip, const struct probe *probe,
                          const struct codec_message *message) {
    struct member *member = probe->member;
    if (message->has_target || member->shown.who->generation != message->generation)
        return;
    uint64_t pinged_us = probe->pinged_us[message->sequence - probe->sequence];
    gossip->round_trip_us = gossip->now_us - pinged_us;
    roster_contact(gossip, member)->shown.round_trip_us = gossip->round_trip_us;
    skew_measure(gossip, member, pinged_us, message);
    if (message->has_coordinate)
        nearness_measured(gossip, &message->coordinate, gossip->round_trip_us);
    observer_measured(gossip, member, gossip->round_trip_us);
    if (message->has_phase && probe->is_observation)
        observer_shift(gossip, member, message->phase_ms);
}

static void probe_succeed(struct gossip *gossip, struct probe *probe,
                          const struct codec_message *message) {
    switch (probe->kind) {
    case PROBE_MEMBER:
        gossip->counters.probes_answered += !message->has_target;
        gossip->counters.probes_relayed += message->has_target;
        probe_measure(gossip, probe, message);
        local_health_change(gossip, -1);
        break;
    case PROBE_GRAVE:
        probe_measure(gossip, probe, message);
        break;
    case PROBE_SEED:
        memcpy(gossip->seeds[probe->seed].uuid, message->sender, GOSSIP_UUID_BYTES);
        gossip->seeds[probe->seed].interval_us = gossip->timing.probe_interval_us;
        break;
    case PROBE_LOST:
        healing_found(gossip, &probe->to);
        break;
    }
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
        memcmp(probe->member->shown.who->uuid, answered, GOSSIP_UUID_BYTES) != 0)
        return;
    probe_succeed(gossip, probe, message);
    if (message->has_target)
        return;
    if (message->hash != gossip->hash)
        compare_hear(gossip, from, message);
    else
        joining_agree(gossip, message);
}

/* Raft's stream is both ways, so whoever answers on it hears us as well as we hear it. */
void probe_contact(struct gossip *gossip, const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    struct member *member = member_find(gossip, uuid);
    if (member == NULL || member == gossip->self || !member_is_live(member))
        return;
    roster_contact(gossip, member)->shown.heard_us = gossip->now_us;
    for (size_t i = gossip->probe_count; i > 0; i--) {
        struct probe *probe = &gossip->probes[i - 1];
        if (probe->kind != PROBE_MEMBER || probe->member != member)
            continue;
        gossip->counters.probes_contacted++;
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
    if (memcmp(probe->member->shown.who->uuid, message->target, GOSSIP_UUID_BYTES) == 0)
        probe->nack_count++;
}

void probe_met_self(struct gossip *gossip, const struct codec_message *message) {
    struct probe *probe =
        message->kind == CODEC_PING ? probe_find(gossip, message->sequence) : NULL;
    if (probe == NULL || probe->member != NULL)
        return;
    if (probe->kind == PROBE_SEED)
        gossip->seeds[probe->seed].is_self = true;
    else
        healing_found(gossip, &probe->to);
    probe_end(gossip, probe);
}

/* Time. */

void probe_run(struct gossip *gossip) {
    relays_run(gossip);
    if (gossip->self->shown.state != GOSSIP_LEFT)
        probes_run(gossip);
}

static uint64_t probe_next_us(const struct probe *probe) {
    return earlier(earlier(probe->again_us, probe->ask_us), earlier(probe->try_us, probe->end_us));
}

uint64_t probe_deadline_us(const struct gossip *gossip) {
    uint64_t deadline_us = GOSSIP_NEVER;
    for (size_t i = 0; i < gossip->relay_count; i++)
        deadline_us =
            earlier(deadline_us, earlier(gossip->relays[i].nack_us, gossip->relays[i].end_us));
    if (gossip->self->shown.state == GOSSIP_LEFT)
        return deadline_us;
    for (size_t i = 0; i < gossip->probe_count; i++)
        deadline_us = earlier(deadline_us, probe_next_us(&gossip->probes[i]));
    return deadline_us;
}
