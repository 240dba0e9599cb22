#include "gossip/detect/outcome.h"
#include "gossip/detect/detect_room.h"
#include "gossip/detect/healing.h"
#include "gossip/detect/judging.h"
#include "gossip/detect/ping.h"
#include "gossip/detect/probe.h"
#include "gossip/detect/relay.h"
#include "gossip/detect/skew.h"
#include "gossip/detect/suspicion.h"
#include "gossip/detect/watch.h"
#include "gossip/instance/roster.h"
#include "gossip/members/member.h"
#include "gossip/news/nearness.h"

/* No answer. */

/* Helpers that did not even say that they are there speak for something wrong on this side
 * (Lifeguard 4.1). */
static void outcome_failed(struct gossip *gossip, const struct probe *failed) {
    struct member *member = failed->member;
    gossip->counters.probes_failed++;
    int blame = failed->helper_count == 0 ? 1 : (int)failed->silent_count;
    if (member_is_live(member) && gossip->self->shown.state != GOSSIP_JOINING)
        judging_accuse(gossip, member);
    local_health_change(gossip, blame);
    const struct member *suspect = member;
    if (member->shown.state == GOSSIP_SUSPECT)
        ping_about(gossip, member, &suspect, 1);
}

void outcome_run(struct gossip *gossip) {
    if (gossip->self->shown.state == GOSSIP_LEFT)
        return;
    for (size_t i = gossip->detect->probe_count; i > 0; i--) {
        struct probe *probe = &gossip->detect->probes[i - 1];
        if (gossip->now_us < probe->end_us) {
            probe_go_on(gossip, probe);
            continue;
        }
        struct probe ended = *probe;
        probe_end(gossip, probe);
        if (ended.kind == PROBE_MEMBER)
            outcome_failed(gossip, &ended);
    }
}

/* Answers. */

static void outcome_measure(struct gossip *gossip, const struct probe *probe,
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
    watch_measured(gossip, member, gossip->round_trip_us);
    if (message->has_phase && probe->is_observation)
        watch_shift(gossip, member, message->phase_ms);
}

static void outcome_succeeded(struct gossip *gossip, struct probe *probe,
                              const struct codec_message *message) {
    switch (probe->kind) {
    case PROBE_MEMBER:
        gossip->counters.probes_answered += !message->has_target;
        gossip->counters.probes_relayed += message->has_target;
        outcome_measure(gossip, probe, message);
        local_health_change(gossip, -1);
        break;
    case PROBE_GRAVE:
        outcome_measure(gossip, probe, message);
        break;
    case PROBE_SEED:
        healing_seed_answered(gossip, probe, message->sender);
        break;
    case PROBE_LOST:
        healing_found(gossip, &probe->to);
        break;
    }
    probe_end(gossip, probe);
}

bool outcome_answered(struct gossip *gossip, const struct codec_message *message) {
    struct probe *probe = probe_find(gossip, message->sequence);
    if (probe == NULL) {
        if (!message->has_target)
            relay_acknowledged(gossip, message);
        return false;
    }
    const uint8_t *answered = message->has_target ? message->target : message->sender;
    if (probe->member != NULL &&
        memcmp(probe->member->shown.who->uuid, answered, GOSSIP_UUID_BYTES) != 0)
        return false;
    outcome_succeeded(gossip, probe, message);
    return !message->has_target;
}

/* Raft's stream is both ways, so whoever answers on it hears us as well as we hear it. */
void outcome_contact(struct gossip *gossip, const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    struct member *member = member_find(gossip, uuid);
    if (member == NULL || member == gossip->self || !member_is_live(member))
        return;
    roster_contact(member)->shown.heard_us = gossip->now_us;
    for (size_t i = gossip->detect->probe_count; i > 0; i--) {
        struct probe *probe = &gossip->detect->probes[i - 1];
        if (probe->kind != PROBE_MEMBER || probe->member != member)
            continue;
        gossip->counters.probes_contacted++;
        local_health_change(gossip, -1);
        probe_end(gossip, probe);
    }
    if (member->shown.state == GOSSIP_SUSPECT)
        suspicion_restart(gossip, member);
}

void outcome_nacked(struct gossip *gossip, const struct codec_message *message) {
    struct probe *probe = probe_find(gossip, message->sequence);
    if (probe == NULL || probe->kind != PROBE_MEMBER ||
        memcmp(probe->member->shown.who->uuid, message->target, GOSSIP_UUID_BYTES) != 0)
        return;
    for (unsigned i = 0; i < probe->silent_count; i++)
        if (probe->silent[i] == member_mark(message->sender)) {
            probe->silent[i] = probe->silent[--probe->silent_count];
            return;
        }
}

void outcome_met_self(struct gossip *gossip, const struct codec_message *message) {
    struct probe *probe =
        message->kind == CODEC_PING ? probe_find(gossip, message->sequence) : NULL;
    if (probe == NULL || probe->member != NULL)
        return;
    if (probe->kind == PROBE_LOST)
        healing_found(gossip, &probe->to);
    probe_end(gossip, probe);
}
