#include "gossip/detect/probe.h"
#include "base/check.h"
#include "gossip/detect/detect_room.h"
#include "gossip/detect/doubt.h"
#include "gossip/detect/ping.h"
#include "gossip/detect/relay.h"
#include "gossip/detect/watch.h"
#include "gossip/instance/sending.h"
#include "gossip/news/broadcast.h"

enum {
    DOUBTS = 2,       /* suspects that a ping asks about */
    FIRST_MAXIMUM = 2 /* records that it carries beside these */
};

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
    for (size_t i = 0; i < gossip->detect->probe_count; i++)
        if (gossip->detect->probes[i].member == member)
            return true;
    return false;
}

static void probe_begin(struct gossip *gossip, const struct probe *begun) {
    CHECK(gossip->detect->probe_count < GOSSIP_PROBE_MAXIMUM);
    struct probe *probe = &gossip->detect->probes[gossip->detect->probe_count++];
    *probe = *begun;
    probe->sequence = gossip->detect->sequence + 1;
    gossip->detect->sequence += GOSSIP_PINGS_MAXIMUM;
    uint64_t timeout_us = gossip->timing.probe_timeout_us;
    probe->ask_us = probe->try_us = GOSSIP_NEVER;
    probe->end_us = gossip->now_us + stretched_us(gossip, 2 * timeout_us);
    if (probe->kind == PROBE_MEMBER) {
        uint64_t patience_us = watch_patience_us(gossip, probe->member);
        probe->patience_us = stretched_us(gossip, patience_us);
        probe->ask_us = gossip->now_us + stretched_us(gossip, earlier(2 * patience_us, timeout_us));
        probe->try_us = gossip->now_us + stretched_us(gossip, timeout_us + timeout_us / 4);
    }
    gossip->counters.probes_sent++;
    probe_ping(gossip, probe);
}

void probe_member(struct gossip *gossip, struct member *member, bool is_observation) {
    if (gossip->detect->probe_count == GOSSIP_PROBE_MAXIMUM || probe_is_out(gossip, member))
        return;
    probe_begin(gossip, &(struct probe){.kind = PROBE_MEMBER,
                                        .member = member,
                                        .to = member->shown.who->address,
                                        .is_observation = is_observation});
}

void probe_grave(struct gossip *gossip, struct member *member) {
    if (gossip->detect->probe_count < GOSSIP_PROBE_MAXIMUM && !probe_is_out(gossip, member))
        probe_begin(gossip, &(struct probe){.kind = PROBE_GRAVE,
                                            .member = member,
                                            .to = member->shown.who->address});
}

void probe_address(struct gossip *gossip, enum probe_kind kind,
                   const struct gossip_address *address, size_t seed) {
    CHECK(kind == PROBE_SEED || kind == PROBE_LOST);
    if (gossip->detect->probe_count < GOSSIP_PROBE_MAXIMUM)
        probe_begin(gossip, &(struct probe){.kind = kind, .to = *address, .seed = seed});
}

void probe_end(struct gossip *gossip, struct probe *probe) {
    *probe = gossip->detect->probes[--gossip->detect->probe_count];
}

struct probe *probe_find(struct gossip *gossip, uint64_t sequence) {
    for (size_t i = 0; i < gossip->detect->probe_count; i++)
        if (sequence - gossip->detect->probes[i].sequence < gossip->detect->probes[i].ping_count)
            return &gossip->detect->probes[i];
    return NULL;
}

void probe_forget(struct gossip *gossip, const struct member *member) {
    for (size_t i = gossip->detect->probe_count; i > 0; i--)
        if (gossip->detect->probes[i - 1].member == member)
            probe_end(gossip, &gossip->detect->probes[i - 1]);
}

void probe_cancel_all(struct gossip *gossip) {
    gossip->detect->probe_count = 0;
    relay_cancel_all(gossip);
}

static void postpone(uint64_t *time_us, uint64_t lag_us) {
    if (*time_us != GOSSIP_NEVER)
        *time_us += lag_us;
}

void probe_postpone(struct gossip *gossip, uint64_t lag_us) {
    for (size_t i = 0; i < gossip->detect->probe_count; i++) {
        struct probe *probe = &gossip->detect->probes[i];
        postpone(&probe->ask_us, lag_us);
        postpone(&probe->try_us, lag_us);
        postpone(&probe->end_us, lag_us);
    }
}

/* Probes in flight. */

static void probe_ask_others(struct gossip *gossip, struct probe *probe) {
    probe->ask_us = GOSSIP_NEVER;
    struct member *helpers[GOSSIP_HELPERS_MAXIMUM];
    probe->helper_count = (unsigned)relay_choose(gossip, probe->member, helpers);
    probe->silent_count = probe->helper_count;
    for (unsigned i = 0; i < probe->helper_count; i++) {
        probe->silent[i] = member_mark(helpers[i]->shown.who->uuid);
        gossip_begin(gossip, CODEC_ASK, helpers[i]);
        codec_write_sequence(gossip->writer, probe->sequence);
        codec_write_target(gossip->writer, probe->member->shown.who->uuid);
        codec_write_address(gossip->writer, &probe->member->shown.who->address);
        broadcast_write(gossip, NULL, 0);
        gossip_send(gossip, &helpers[i]->shown.who->address);
        gossip->counters.indirect_probes++;
    }
}

void probe_go_on(struct gossip *gossip, struct probe *probe) {
    if (gossip->now_us >= probe->again_us)
        probe_ping(gossip, probe);
    if (gossip->now_us >= probe->ask_us)
        probe_ask_others(gossip, probe);
    if (gossip->now_us >= probe->try_us) {
        probe->try_us = GOSSIP_NEVER;
        gossip_try_stream(gossip, &probe->member->shown);
    }
}

/* Time. */

static uint64_t probe_next_us(const struct probe *probe) {
    return earlier(earlier(probe->again_us, probe->ask_us), earlier(probe->try_us, probe->end_us));
}

uint64_t probe_deadline_us(const struct gossip *gossip) {
    uint64_t deadline_us = relay_deadline_us(gossip);
    if (gossip->self->shown.state == GOSSIP_LEFT)
        return deadline_us;
    for (size_t i = 0; i < gossip->detect->probe_count; i++)
        deadline_us = earlier(deadline_us, probe_next_us(&gossip->detect->probes[i]));
    return deadline_us;
}
