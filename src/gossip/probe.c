#include "gossip/probe.h"
#include "base/check.h"
#include "gossip/broadcast.h"
#include "gossip/compare.h"
#include "gossip/doubt.h"
#include "gossip/healing.h"
#include "gossip/joining.h"
#include "gossip/member.h"
#include "gossip/nearness.h"
#include "gossip/observer.h"
#include "gossip/ping.h"
#include "gossip/relay.h"
#include "gossip/roster.h"
#include "gossip/skew.h"
#include "gossip/suspicion.h"

enum {
    DOUBTS = 2,       /* suspects that a ping asks about */
    FIRST_MAXIMUM = 2 /* records that it carries beside these */
};

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

static uint64_t stretched_us(const struct gossip *gossip, uint64_t time_us) {
    return time_us * (gossip->counters.local_health + 1);
}

/* Pings. */

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

void probe_cancel_all(struct gossip *gossip) {
    gossip->probe_count = 0;
    relay_cancel_all(gossip);
}

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

static void probe_ask_others(struct gossip *gossip, struct probe *probe) {
    probe->ask_us = GOSSIP_NEVER;
    struct member *helpers[GOSSIP_HELPERS];
    probe->helper_count = (unsigned)relay_choose(gossip, probe->member, helpers);
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

/* Answers. */

static void probe_measure(struct gossip *gossip, const struct probe *probe,
                          const struct codec_message *message) {
    struct member *member = probe->member;
    if (message->has_target || member->shown.who->generation != message->generation)
        return;
    uint64_t pinged_us = probe->pinged_us[message->sequence - probe->sequence];
    gossip->round_trip_us = gossip->now_us - pinged_us;
    roster_contact(member)->shown.round_trip_us = gossip->round_trip_us;
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
    roster_contact(member)->shown.heard_us = gossip->now_us;
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
    relay_run(gossip);
    if (gossip->self->shown.state != GOSSIP_LEFT)
        probes_run(gossip);
}

static uint64_t probe_next_us(const struct probe *probe) {
    return earlier(earlier(probe->again_us, probe->ask_us), earlier(probe->try_us, probe->end_us));
}

uint64_t probe_deadline_us(const struct gossip *gossip) {
    uint64_t deadline_us = relay_deadline_us(gossip);
    if (gossip->self->shown.state == GOSSIP_LEFT)
        return deadline_us;
    for (size_t i = 0; i < gossip->probe_count; i++)
        deadline_us = earlier(deadline_us, probe_next_us(&gossip->probes[i]));
    return deadline_us;
}
