#include "gossip/member.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/planted.h"
#include "gossip/broadcast.h"
#include "gossip/compare.h"
#include "gossip/healing.h"
#include "gossip/observer.h"
#include "gossip/probe.h"
#include "gossip/propagation.h"
#include "gossip/roster.h"
#include "gossip/state.h"
#include "gossip/suspicion.h"
#include <stdio.h>

enum { GRAVE_CHECK_SECONDS = 10 };

/* The table. */

struct member *member_find(const struct gossip *gossip, const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    return index_find(&gossip->index, gossip->members, uuid);
}

static bool grave_is_old(const struct gossip *gossip, const struct member *grave) {
    uint64_t kept_us = PLANTED(GOSSIP_GRAVE_FORGOTTEN) ? 0 : GOSSIP_GRAVE_US;
    return gossip->now_us - grave->shown.state_since_us >= kept_us;
}

/* A tenth stays free, so that newcomers find a place before the graves' time is over. */
static bool grave_is_in_the_way(const struct gossip *gossip, const struct member *grave) {
    (void)grave;
    return gossip->member_count > GOSSIP_MEMBER_MAXIMUM - GOSSIP_MEMBER_MAXIMUM / 10;
}

void member_forget_graves(struct gossip *gossip) {
    if (gossip->now_us < gossip->grave_check_us)
        return;
    gossip->grave_check_us = gossip->now_us + GRAVE_CHECK_SECONDS * GOSSIP_SECOND_US;
    if (gossip->member_count == gossip_live_count(gossip) + 1)
        return;
    roster_forget(gossip, grave_is_old);
    if (grave_is_in_the_way(gossip, NULL))
        roster_forget(gossip, grave_is_in_the_way);
}

size_t member_choose(struct gossip *gossip, const struct member *but, size_t wanted,
                     struct member **out) {
    size_t found = 0, live = gossip_live_count(gossip);
    if (live == 0)
        return 0;
    for (size_t tries = 0; found < wanted && tries < wanted * 8 + 8; tries++) {
        struct member *member = gossip_live(gossip, random_below(&gossip->random, live));
        bool is_wanted = member != but;
        for (size_t i = 0; i < found; i++)
            is_wanted &= out[i] != member;
        if (is_wanted)
            out[found++] = member;
    }
    return found;
}

/* What all must agree on: who lives, in which generation and incarnation, and what is known of what
 * it says. A suspicion is not in it: it passes, and comparing everything over it would cost more
 * than it tells. Neither are graves: each node forgets them in its own time. */
void member_rehash(struct gossip *gossip, struct member *member) {
    uint64_t before = member->digest_hash;
    member->digest_hash = 0;
    if (member_is_live(member)) {
        uint64_t parts[6] = {0,
                             0,
                             member->shown.who->generation,
                             member->shown.who->incarnation,
                             member->chain->version,
                             member->chain->floor};
        memcpy(parts, member->shown.who->uuid, GOSSIP_UUID_BYTES);
        uint8_t bytes[sizeof parts]; /* little-endian, so that it is the same on every machine */
        memcpy(bytes, parts, GOSSIP_UUID_BYTES);
        for (size_t i = 16; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)(parts[i / 8] >> (8 * (i % 8)));
        member->digest_hash = bytes_hash(bytes_of(bytes, sizeof bytes), 0);
    }
    compare_changed(gossip, member->shown.who->uuid, before, member->digest_hash);
}

/* The records. */

void member_record(const struct member *member, struct codec_record *record) {
    const struct gossip_member *shown = &member->shown;
    *record = (struct codec_record){.generation = shown->who->generation,
                                    .incarnation = shown->who->incarnation,
                                    .state = shown->state,
                                    .address = shown->who->address,
                                    .created_us = shown->who->created_us};
    memcpy(record->uuid, shown->who->uuid, GOSSIP_UUID_BYTES);
    memcpy(record->name, shown->who->name, sizeof record->name);
    /* The newest accuser: the others were told of when they accused. */
    if (shown->state == GOSSIP_SUSPECT || shown->state == GOSSIP_DEAD)
        memcpy(record->accuser, shown->who->said_by, GOSSIP_UUID_BYTES);
}

static int compare_numbers(uint64_t a, uint64_t b) { return a < b ? -1 : a > b; }

/* Joining and alive are the same news: the difference is the member's alone to tell, by raising its
 * incarnation. */
static uint64_t member_rank(enum gossip_member_state state) {
    return state == GOSSIP_JOINING ? GOSSIP_ALIVE : state;
}

int member_compare_lives(const struct member_life *a, const struct member_life *b) {
    int order =
        PLANTED(GOSSIP_GENERATION_IGNORED) ? 0 : compare_numbers(a->generation, b->generation);
    if (order == 0)
        order = compare_numbers(a->state == GOSSIP_LEFT, b->state == GOSSIP_LEFT);
    if (order == 0)
        order = compare_numbers(a->incarnation, b->incarnation);
    return order ? order : compare_numbers(member_rank(a->state), member_rank(b->state));
}

void member_log(const struct gossip *gossip, enum log_level level, const char *what,
                const struct member *member) {
    if (gossip->log == NULL || level < gossip->log->level)
        return;
    char uuid[2 * GOSSIP_UUID_BYTES + 1], address[GOSSIP_HOST_MAXIMUM + 10];
    for (size_t i = 0; i < GOSSIP_UUID_BYTES; i++)
        snprintf(uuid + 2 * i, 3, "%02x", member->shown.who->uuid[i]);
    snprintf(address, sizeof address, "%s:%u", member->shown.who->address.host,
             (unsigned)member->shown.who->address.port);
    log_line(gossip->log, level, what, LOG_T("member", uuid),
             LOG_T("name", member->shown.who->name), LOG_T("address", address),
             LOG_F("generation", member->shown.who->generation),
             LOG_F("incarnation", member->shown.who->incarnation));
}

void member_set_state(struct gossip *gossip, struct member *member,
                      enum gossip_member_state state) {
    bool was_live = member_is_live(member);
    enum gossip_member_state before = member->shown.state;
    if (before == GOSSIP_DEAD && state != GOSSIP_DEAD)
        healing_grave_closed(gossip, member);
    if (state != GOSSIP_SUSPECT)
        suspicion_end(gossip, member);
    if (member->shown.state != state || member->shown.state_since_us == 0)
        member->shown.state_since_us = gossip->now_us;
    member->shown.state = state;
    if (member != gossip->self && was_live != member_is_live(member)) {
        if (was_live) {
            rotation_remove(gossip, member);
            observer_member_went(gossip, member);
        } else {
            rotation_add(gossip, member);
            observer_member_came(gossip, member);
        }
        healing_population_changed(gossip);
    }
    if (before != GOSSIP_DEAD && state == GOSSIP_DEAD)
        healing_grave_dug(gossip, member);
    member_rehash(gossip, member);
}

static void member_take_identity(struct gossip *gossip, struct member *member,
                                 const struct codec_record *record) {
    const struct gossip_identity *before = member->shown.who;
    member->shown.who = pool_identity(gossip->pool, record);
    identity_release(gossip->pool, before);
}

void member_stamp(struct gossip *gossip, struct member *member, uint64_t created_us) {
    struct codec_record record;
    member_record(member, &record);
    record.created_us = created_us;
    member_take_identity(gossip, member, &record);
}

void member_raise(struct gossip *gossip, uint64_t incarnation) {
    struct codec_record record;
    member_record(gossip->self, &record);
    record.incarnation = incarnation;
    record.created_us = gossip->wall_us;
    member_take_identity(gossip, gossip->self, &record);
    member_rehash(gossip, gossip->self);
}

void member_accused(struct gossip *gossip, struct member *member,
                    const uint8_t accuser[GOSSIP_UUID_BYTES], uint64_t created_us) {
    struct codec_record record;
    member_record(member, &record);
    memcpy(record.accuser, accuser, GOSSIP_UUID_BYTES);
    record.created_us = created_us;
    member_take_identity(gossip, member, &record);
}

/* Within one life a name stays what it was first. */
static void member_adopt_identity(struct gossip *gossip, struct member *member,
                                  const struct codec_record *record) {
    const struct gossip_identity *before = member->shown.who;
    struct codec_record adopted = *record;
    if (record->generation == before->generation)
        memcpy(adopted.name, before->name, sizeof adopted.name);
    const struct gossip_identity *after = pool_identity(gossip->pool, &adopted);
    member->shown.who = after;
    if (after->address.port != before->address.port ||
        strcmp(after->address.host, before->address.host) != 0)
        gossip_changed(gossip, GOSSIP_CHANGE_ADDRESS, member, BYTES_NONE);
    identity_release(gossip->pool, before);
}

static void member_log_transition(const struct gossip *gossip, const struct member *member,
                                  enum gossip_member_state before) {
    bool was_live = gossip_state_is_live(before);
    switch (member->shown.state) {
    case GOSSIP_ALIVE:
    case GOSSIP_JOINING:
        if (before == GOSSIP_JOINING)
            member_log(gossip, LOG_DEBUG, "member has its copy of the state", member);
        else
            member_log(gossip, was_live ? LOG_DEBUG : LOG_INFO,
                       was_live ? "member refuted a suspicion" : "member is back", member);
        return;
    case GOSSIP_SUSPECT:
        member_log(gossip, LOG_DEBUG, "member suspected", member);
        return;
    case GOSSIP_DEAD:
        member_log(gossip, LOG_WARN, "member dead", member);
        return;
    case GOSSIP_LEFT:
        member_log(gossip, LOG_INFO, "member left", member);
        return;
    }
}

/* Names are for people: two that are equal confuse nobody but them. Each node looks after its own.
 */
static void member_check_name(struct gossip *gossip, const struct member *member) {
    const char *name = gossip->self->shown.who->name;
    if (name[0] == 0 || strcmp(name, member->shown.who->name) != 0)
        return;
    gossip->counters.name_conflicts++;
    gossip_changed(gossip, GOSSIP_CHANGE_NAME_CONFLICT, member, BYTES_NONE);
    if (!gossip->has_warned_of_name)
        member_log(gossip, LOG_WARN,
                   "another member has this node's name; give one of them another", member);
    gossip->has_warned_of_name = true;
}

static void member_count_end(struct gossip *gossip, enum gossip_member_state after) {
    struct gossip_counters *counters = &gossip->counters;
    counters->suspicions_refuted += after == GOSSIP_ALIVE || after == GOSSIP_JOINING;
    counters->suspicions_died += after == GOSSIP_DEAD;
    counters->suspicions_left += after == GOSSIP_LEFT;
}

/* Takes over a record newer than what was believed. */
static void member_adopt(struct gossip *gossip, struct member *member,
                         const struct codec_record *record) {
    enum gossip_member_state before = member->shown.state;
    bool is_new_life = record->generation > member->shown.who->generation;
    if (is_new_life) {
        probe_forget(gossip, member); /* what is in flight is for the earlier one */
        state_clear(gossip, member);
        roster_forget_contact(member);
    }
    member_adopt_identity(gossip, member, record);
    if (record->state == GOSSIP_SUSPECT)
        suspicion_begin(gossip, member, record->accuser);
    else if (record->state == GOSSIP_DEAD && before == GOSSIP_SUSPECT)
        suspicion_measure(gossip, member);
    member_set_state(gossip, member, record->state);
    if (record->state == GOSSIP_SUSPECT)
        observer_look_at(gossip, member);
    if (is_new_life && member_is_live(member))
        gossip_changed(gossip, GOSSIP_CHANGE_JOINED, member, BYTES_NONE);
    if (is_new_life && member_is_live(member))
        member_check_name(gossip, member);
    if (before == GOSSIP_SUSPECT)
        member_count_end(gossip, record->state);
    /* Of a life known by its end only, that is the news. */
    if (before != record->state || (is_new_life && !member_is_live(member)))
        gossip_changed(gossip, GOSSIP_CHANGE_STATE, member, BYTES_NONE);
    if (before != record->state) {
        gossip->counters.deaths += record->state == GOSSIP_DEAD;
        member_log_transition(gossip, member, before);
    }
}

static enum gossip_priority member_news_priority(enum gossip_member_state before,
                                                 enum gossip_member_state after) {
    bool is_refutation = before == GOSSIP_SUSPECT || before == GOSSIP_DEAD;
    return !gossip_state_is_live(after) || (is_refutation && after == GOSSIP_ALIVE)
               ? GOSSIP_URGENT
               : GOSSIP_CLUSTER;
}

static void member_meet(struct gossip *gossip, const struct codec_record *record, bool is_told_on) {
    if (record->state == GOSSIP_DEAD || record->state == GOSSIP_LEFT)
        return;
    struct member *member = roster_add(gossip, record);
    if (member == NULL) {
        gossip->counters.dropped_for_members++;
        return;
    }
    if (record->state == GOSSIP_SUSPECT)
        suspicion_begin(gossip, member, record->accuser);
    member_set_state(gossip, member, record->state);
    gossip_changed(gossip, GOSSIP_CHANGE_JOINED, member, BYTES_NONE);
    member_log(gossip, LOG_INFO, "member joined", member);
    member_check_name(gossip, member);
    /* Of a stranger that is joining all hear when it is alive: the news is told once, not twice. */
    propagation_heard_record(gossip, member, record, GOSSIP_LEFT);
    if (is_told_on && record->state != GOSSIP_JOINING)
        broadcast_add(gossip, member, NULL, GOSSIP_CLUSTER);
}

void member_hear(struct gossip *gossip, struct member *member, const struct codec_record *record,
                 bool is_told_on) {
    if (member == NULL) {
        member_meet(gossip, record, is_told_on);
        return;
    }
    if (member == gossip->self) {
        suspicion_hear_of_self(gossip, record);
        return;
    }
    const struct member_life known = member_life_of(member),
                             said = {.generation = record->generation,
                                     .incarnation = record->incarnation,
                                     .state = record->state};
    int order = member_compare_lives(&said, &known);
    if (order == 0 && record->state == GOSSIP_SUSPECT) {
        suspicion_confirm(gossip, member, record->accuser, record->created_us);
        observer_accused(gossip, member);
    }
    if (order <= 0)
        return;
    enum gossip_member_state before = member->shown.state;
    member_adopt(gossip, member, record);
    propagation_heard_record(gossip, member, record, before);
    broadcast_add(gossip, member, NULL, member_news_priority(before, record->state));
}
