#include "gossip/detect/suspicion.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/planted.h"
#include "gossip/detect/detect_room.h"
#include "gossip/instance/identity.h"
#include "gossip/instance/roster.h"
#include "gossip/members/member.h"
#include "gossip/news/news.h"
#include <math.h>
#include <stdio.h>

/* However many agree, the suspect must have time to hear of it and to be heard: two intervals in a
 * small cluster, two and a half from some 300 nodes on, for to ten thousand news takes hardly
 * longer than to these. So a process that stood still for a second is not called dead at the usual
 * interval. */
enum { SHORTEST_INTERVALS = 5, SHORTEST_SHARE = 3 };
#define SHORTEST_MOST_INTERVALS 2.5

static double cluster_scale(const struct gossip *gossip) {
    size_t live = member_live_count(gossip);
    return log10(live > 10 ? (double)live : 10.0);
}

static double longest_us(const struct gossip *gossip) {
    double interval = (double)gossip->timing.probe_interval_us;
    return gossip->timing.suspicion_factor * cluster_scale(gossip) * interval;
}

uint64_t suspicion_longest_us(const struct gossip *gossip) { return (uint64_t)longest_us(gossip); }

static double shortest_us(const struct gossip *gossip) {
    double interval = (double)gossip->timing.probe_interval_us;
    double shortest = (SHORTEST_INTERVALS + cluster_scale(gossip)) / SHORTEST_SHARE * interval;
    if (shortest > SHORTEST_MOST_INTERVALS * interval)
        shortest = SHORTEST_MOST_INTERVALS * interval;
    double percent = gossip->timing.suspicion_least_percent;
    shortest *= percent / GOSSIP_SUSPICION_LEAST_PERCENT;
    return PLANTED(GOSSIP_SUSPICION_HASTY) ? interval / 5 : shortest;
}

/* Lifeguard's formula: the time falls with the logarithm of the confirmations, so that the first
 * counts most. In a cluster too small for two further accusers, as many as there can be bring it
 * all the way down. */
static uint64_t suspicion_duration_us(const struct gossip *gossip,
                                      const struct suspicion *suspicion) {
    size_t live = member_live_count(gossip);
    double longest = longest_us(gossip), shortest = shortest_us(gossip);
    if (shortest > longest / 2)
        shortest = longest / 2;
    size_t others = live > 2 ? live - 2 : 0;
    double expected = others < GOSSIP_CONFIRMATIONS ? (double)others : GOSSIP_CONFIRMATIONS;
    double share = 0;
    if (expected > 0)
        share = log((double)suspicion->accuser_count) / log(expected + 1);
    double duration = longest - (longest - shortest) * (share < 1 ? share : 1);
    return (uint64_t)(duration * suspicion->stretch);
}

static struct due_heap *suspicion_heap(struct gossip *gossip, const struct suspicion *suspicion) {
    return suspicion->is_called ? &gossip->detect->called : &gossip->detect->open;
}

static void suspicion_end_at(struct gossip *gossip, struct suspicion *suspicion, uint64_t end_us) {
    due_set(suspicion_heap(gossip, suspicion), &suspicion->end, end_us);
    if (end_us < gossip->detect->suspicion_us)
        gossip->detect->suspicion_us = end_us;
}

/* Of one that was called, answers are waited for; they are on their way. */
static void suspicion_schedule(struct gossip *gossip, struct suspicion *suspicion) {
    if (suspicion->is_called)
        return;
    uint64_t end_us = suspicion->since_us + suspicion_duration_us(gossip, suspicion);
    suspicion_end_at(gossip, suspicion, later(end_us, gossip->detect->judge_us));
}

/* From now on, or from when it was before a lag; there will be another last call. */
static void suspicion_begin_anew(struct gossip *gossip, struct suspicion *suspicion,
                                 uint64_t since_us) {
    due_remove(suspicion_heap(gossip, suspicion), &suspicion->end);
    suspicion->is_called = false;
    suspicion->since_us = since_us;
    suspicion_schedule(gossip, suspicion);
}

void suspicion_called(struct gossip *gossip, struct suspicion *suspicion, uint64_t answered_us) {
    due_remove(suspicion_heap(gossip, suspicion), &suspicion->end);
    suspicion->is_called = true;
    suspicion_end_at(gossip, suspicion, answered_us);
}

struct suspicion *suspicion_first(const struct due_heap *heap, uint64_t until_us) {
    struct due *first = due_first(heap);
    if (first == NULL || first->time_us > until_us)
        return NULL;
    return DUE_ELEMENT(first, struct suspicion, end);
}

void suspicion_end(struct gossip *gossip, struct member *member) {
    struct suspicion *suspicion = member->suspicion;
    if (suspicion == NULL)
        return;
    due_remove(suspicion_heap(gossip, suspicion), &suspicion->end);
    memory_free(suspicion);
    member->suspicion = NULL;
}

static bool has_accused(const struct suspicion *suspicion, const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    for (unsigned i = 0; i < suspicion->accuser_count; i++)
        if (suspicion->accusers[i] == member_mark(uuid))
            return true;
    return false;
}

void suspicion_begin(struct gossip *gossip, struct member *member,
                     const uint8_t accuser[GOSSIP_UUID_BYTES]) {
    suspicion_end(gossip, member); /* of an earlier incarnation */
    struct suspicion *suspicion = memory_allocate(sizeof *suspicion);
    *suspicion = (struct suspicion){.member = member,
                                    .since_us = gossip->now_us,
                                    .stretch = (uint8_t)(gossip->counters.local_health + 1)};
    member->suspicion = suspicion;
    suspicion->accusers[suspicion->accuser_count++] = member_mark(accuser);
    suspicion_schedule(gossip, suspicion);
}

void suspicion_confirm(struct gossip *gossip, struct member *member,
                       const uint8_t accuser[GOSSIP_UUID_BYTES], uint64_t created_us) {
    struct suspicion *suspicion = member->suspicion;
    CHECK(member->shown.state == GOSSIP_SUSPECT);
    if (has_accused(suspicion, accuser) || suspicion->accuser_count > GOSSIP_CONFIRMATIONS)
        return;
    const struct member *witness = member_find(gossip, accuser);
    if (witness != NULL && witness->shown.state == GOSSIP_JOINING)
        return; /* a newcomer's word counts for nothing yet */
    suspicion->accusers[suspicion->accuser_count++] = member_mark(accuser);
    identity_accuse(gossip, member, accuser, created_us);
    suspicion_schedule(gossip, suspicion);
    news_add(gossip, member, NULL, GOSSIP_CLUSTER);
}

void suspicion_restart(struct gossip *gossip, struct member *member) {
    CHECK(member->shown.state == GOSSIP_SUSPECT);
    suspicion_begin_anew(gossip, member->suspicion, gossip->now_us);
}

/* Only by who was in touch with it until it fell silent: others, who looked when they heard of the
 * suspicion, know nothing of when that was. */
void suspicion_measure(struct gossip *gossip, const struct member *member) {
    const struct suspicion *suspicion = member->suspicion;
    uint64_t heard_us = member->shown.contact->heard_us;
    if (heard_us + 2 * gossip->timing.probe_interval_us < suspicion->since_us)
        return;
    if (has_accused(suspicion, gossip->self->shown.who->uuid))
        gossip->detection_us = gossip->now_us - heard_us;
}

static void suspicion_refute(struct gossip *gossip, uint64_t incarnation) {
    if (incarnation >= CODEC_NUMBER_MAXIMUM)
        return; /* nobody could hear it; only a new generation helps */
    identity_raise(gossip, incarnation + 1);
    news_add(gossip, gossip->self, NULL, GOSSIP_URGENT);
    news_hurry(gossip);
}

/* A digest says no address. */
static bool is_elsewhere(const struct gossip_identity *self, const struct codec_record *record) {
    return record->address.port != 0 && !gossip_address_equal(&record->address, &self->address);
}

/* Nobody believes that this node lives before it is in a life after that one. */
static void note_later(struct gossip *gossip, uint64_t generation) {
    uint64_t own = gossip->self->shown.who->generation;
    if (generation > own && generation - own <= GOSSIP_LATER_MAXIMUM)
        gossip->counters.later_generation = later(gossip->counters.later_generation, generation);
}

/* A later life of this node is up, or its directory was copied and started twice: only people can
 * tell. */
void suspicion_meet_twin(struct gossip *gossip, const struct codec_record *record) {
    char address[GOSSIP_HOST_MAXIMUM + 10] = "";
    gossip->counters.identity_conflicts++;
    note_later(gossip, record->generation);
    if (gossip->detect->has_warned_of_twin)
        return;
    gossip->detect->has_warned_of_twin = true;
    if (record->address.port != 0)
        snprintf(address, sizeof address, "%s:%u", record->address.host,
                 (unsigned)record->address.port);
    log_line(gossip->log, LOG_WARN,
             "another process has this node's UUID; was its directory copied?",
             LOG_F("generation", gossip->self->shown.who->generation),
             LOG_F("other_generation", record->generation), LOG_T("other_address", address));
}

/* A goodbye of this life that this node has not said: whoever did has this life as well, or had it
 * before (an identity that was restored from a copy). Nobody believes that this node lives until
 * it is started again. */
static bool is_unsaid_goodbye(const struct gossip_member *self, const struct codec_record *record) {
    return record->state == GOSSIP_LEFT && self->state != GOSSIP_LEFT;
}

void suspicion_hear_of_self(struct gossip *gossip, const struct codec_record *record) {
    const struct gossip_member *self = &gossip->self->shown;
    bool is_about_this_life = record->generation == self->who->generation;
    bool is_twin = record->generation > self->who->generation ||
                   (is_about_this_life &&
                    (is_elsewhere(self->who, record) || is_unsaid_goodbye(self, record)));
    if (is_twin)
        suspicion_meet_twin(gossip, record);
    if (record->generation > self->who->generation || self->state == GOSSIP_LEFT ||
        (is_about_this_life && record->incarnation < self->who->incarnation))
        return;
    bool is_accusation = record->state == GOSSIP_SUSPECT || record->state == GOSSIP_DEAD;
    if (is_about_this_life && is_accusation) {
        gossip->counters.refutations++;
        local_health_change(gossip, 1);
        suspicion_refute(gossip, record->incarnation);
    } else if (is_about_this_life && record->incarnation > self->who->incarnation) {
        if (!is_twin) /* two would outbid one another for ever */
            suspicion_refute(gossip, record->incarnation); /* said by nobody here: outbid it */
    } else if (!is_about_this_life && !news_is_waiting(gossip->self, NULL)) {
        news_add(gossip, gossip->self, NULL, GOSSIP_CLUSTER);
    }
}

/* A suspicion that would have ended meanwhile does not end now: what came meanwhile is not heard
 * yet, and may refute it. */
void suspicion_postpone(struct gossip *gossip, uint64_t lag_us) {
    uint64_t interval_us = gossip->timing.probe_interval_us;
    if (!PLANTED(GOSSIP_JUDGED_ASLEEP))
        gossip->detect->judge_us = gossip->now_us + earlier(lag_us, interval_us);
    for (size_t i = 0; i < gossip_live_count(gossip); i++) {
        struct suspicion *suspicion = gossip_live(gossip, i)->suspicion;
        if (suspicion != NULL)
            suspicion_begin_anew(gossip, suspicion, suspicion->since_us + lag_us);
    }
}

void local_health_change(struct gossip *gossip, int change) {
    int health = (int)gossip->counters.local_health + change;
    if (health < 0)
        health = 0;
    if (health > (int)gossip->timing.local_health_maximum)
        health = (int)gossip->timing.local_health_maximum;
    gossip->counters.local_health = (unsigned)health;
}
