#include "gossip/member.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/planted.h"
#include "gossip/broadcast.h"
#include "gossip/healing.h"
#include "gossip/observer.h"
#include "gossip/probe.h"
#include "gossip/propagation.h"
#include "gossip/state.h"
#include "gossip/suspicion.h"
#include <stdio.h>

enum { GRAVE_CHECK_SECONDS = 10 };

/* The tables. */

size_t member_place(const struct gossip *gossip, const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    size_t low = 0, high = gossip->member_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (memcmp(gossip->sorted[middle]->shown.uuid, uuid, GOSSIP_UUID_BYTES) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct member *member_find(const struct gossip *gossip, const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    size_t place = member_place(gossip, uuid);
    if (place == gossip->member_count ||
        memcmp(gossip->sorted[place]->shown.uuid, uuid, GOSSIP_UUID_BYTES) != 0)
        return NULL;
    return gossip->sorted[place];
}

static void member_forget(struct gossip *gossip, size_t position) {
    struct member *member = gossip->members[position];
    CHECK(member != gossip->self && !member_is_live(member));
    size_t place = member_place(gossip, member->shown.uuid);
    if (member->shown.state == GOSSIP_DEAD) {
        healing_grave_closed(gossip, member);
        healing_remember(gossip, &member->shown.address);
    }
    size_t behind = --gossip->member_count;
    memmove(gossip->members + position, gossip->members + position + 1,
            (behind - position) * sizeof *gossip->members);
    memmove(gossip->sorted + place, gossip->sorted + place + 1,
            (behind - place) * sizeof *gossip->sorted);
    broadcast_remove(gossip, &member->news);
    probe_forget(gossip, member);
    state_clear(gossip, member);
    memory_free(member->entries);
    memory_free(member);
}

void member_forget_graves(struct gossip *gossip) {
    if (gossip->now_us < gossip->grave_check_us)
        return;
    gossip->grave_check_us = gossip->now_us + GRAVE_CHECK_SECONDS * GOSSIP_SECOND_US;
    uint64_t kept_us = PLANTED(GOSSIP_GRAVE_FORGOTTEN) ? 0 : GOSSIP_GRAVE_US;
    for (size_t i = gossip->member_count; i-- > 1;) {
        const struct member *member = gossip->members[i];
        if (!member_is_live(member) && gossip->now_us - member->shown.state_since_us >= kept_us)
            member_forget(gossip, i);
    }
    /* A tenth stays free, so that newcomers find a place before the graves' time is over. */
    size_t wanted = GOSSIP_MEMBER_MAXIMUM - GOSSIP_MEMBER_MAXIMUM / 10;
    for (size_t i = 1; i < gossip->member_count && gossip->member_count > wanted;)
        if (member_is_live(gossip->members[i]))
            i++;
        else
            member_forget(gossip, i);
}

static void member_make_room(struct gossip *gossip) {
    if (gossip->member_count < gossip->member_capacity)
        return;
    gossip->member_capacity = gossip->member_capacity ? gossip->member_capacity * 2 : 16;
    size_t bytes = gossip->member_capacity * sizeof(struct member *);
    gossip->members = memory_resize(gossip->members, bytes);
    gossip->sorted = memory_resize(gossip->sorted, bytes);
}

struct member *member_add(struct gossip *gossip, const struct codec_record *record) {
    if (gossip->member_count == GOSSIP_MEMBER_MAXIMUM)
        return NULL;
    struct member *member = memory_allocate_zeroed(1, sizeof *member);
    struct gossip_member *shown = &member->shown;
    memcpy(shown->uuid, record->uuid, GOSSIP_UUID_BYTES);
    memcpy(shown->name, record->name, sizeof shown->name);
    shown->generation = record->generation;
    shown->incarnation = record->incarnation;
    shown->address = record->address;
    member->created_us = record->created_us;
    shown->state = GOSSIP_LEFT; /* nobody yet: member_set_state() brings it in */
    broadcast_init(&member->news, NEWS_RECORD);
    member_make_room(gossip);
    size_t place = member_place(gossip, record->uuid);
    memmove(gossip->sorted + place + 1, gossip->sorted + place,
            (gossip->member_count - place) * sizeof *gossip->sorted);
    gossip->sorted[place] = member;
    gossip->members[gossip->member_count++] = member;
    return member;
}

void member_free_all(struct gossip *gossip) {
    for (size_t i = 0; i < gossip->member_count; i++) {
        state_clear(gossip, gossip->members[i]);
        memory_free(gossip->members[i]->entries);
        memory_free(gossip->members[i]);
    }
    memory_free(gossip->members);
    memory_free(gossip->sorted);
    memory_free(gossip->rotation.members);
}

/* A newcomer takes a place by lot in what is left of this round, so that a node that keeps coming
 * back is not always probed first (SWIM 4.3). */
static void rotation_add(struct gossip *gossip, struct member *member) {
    struct rotation *rotation = &gossip->rotation;
    if (rotation->count == rotation->capacity) {
        rotation->capacity = rotation->capacity ? rotation->capacity * 2 : 16;
        rotation->members =
            memory_resize(rotation->members, rotation->capacity * sizeof *rotation->members);
    }
    size_t at = random_between(&gossip->random, rotation->next, rotation->count);
    memmove(rotation->members + at + 1, rotation->members + at,
            (rotation->count - at) * sizeof *rotation->members);
    rotation->members[at] = member;
    rotation->count++;
}

static void rotation_remove(struct gossip *gossip, const struct member *member) {
    struct rotation *rotation = &gossip->rotation;
    size_t at = 0;
    while (at < rotation->count && rotation->members[at] != member)
        at++;
    CHECK(at < rotation->count);
    rotation->count--;
    memmove(rotation->members + at, rotation->members + at + 1,
            (rotation->count - at) * sizeof *rotation->members);
    if (at < rotation->next)
        rotation->next--;
}

size_t member_choose(struct gossip *gossip, const struct member *but, size_t wanted,
                     struct member **out) {
    const struct rotation *rotation = &gossip->rotation;
    size_t found = 0;
    if (rotation->count == 0)
        return 0;
    for (size_t tries = 0; found < wanted && tries < wanted * 8 + 8; tries++) {
        struct member *member = rotation->members[random_below(&gossip->random, rotation->count)];
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
    gossip->hash -= member->digest_hash;
    member->digest_hash = 0;
    if (member_is_live(member)) {
        uint64_t parts[6] = {0,
                             0,
                             member->shown.generation,
                             member->shown.incarnation,
                             member->version,
                             member->floor};
        memcpy(parts, member->shown.uuid, GOSSIP_UUID_BYTES);
        uint8_t bytes[sizeof parts]; /* little-endian, so that it is the same on every machine */
        memcpy(bytes, parts, GOSSIP_UUID_BYTES);
        for (size_t i = 16; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)(parts[i / 8] >> (8 * (i % 8)));
        member->digest_hash = bytes_hash(bytes_of(bytes, sizeof bytes), 0);
    }
    gossip->hash += member->digest_hash;
}

/* The records. */

void member_record(const struct member *member, struct codec_record *record) {
    const struct gossip_member *shown = &member->shown;
    *record = (struct codec_record){.generation = shown->generation,
                                    .incarnation = shown->incarnation,
                                    .state = shown->state,
                                    .address = shown->address,
                                    .created_us = member->created_us};
    memcpy(record->uuid, shown->uuid, GOSSIP_UUID_BYTES);
    memcpy(record->name, shown->name, sizeof record->name);
    /* The newest accuser: the others were told of when they accused. */
    if (shown->state == GOSSIP_SUSPECT)
        memcpy(record->accuser, member->suspicion.accusers[member->suspicion.accuser_count - 1],
               GOSSIP_UUID_BYTES);
    else if (shown->state == GOSSIP_DEAD)
        memcpy(record->accuser, member->said_by, GOSSIP_UUID_BYTES);
}

static int compare_numbers(uint64_t a, uint64_t b) { return a < b ? -1 : a > b; }

/* Joining and alive are the same news: the difference is the member's alone to tell, by raising its
 * incarnation. */
static uint64_t member_rank(enum gossip_member_state state) {
    return state == GOSSIP_JOINING ? GOSSIP_ALIVE : state;
}

int member_compare_records(const struct codec_record *a, const struct codec_record *b) {
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
        snprintf(uuid + 2 * i, 3, "%02x", member->shown.uuid[i]);
    snprintf(address, sizeof address, "%s:%u", member->shown.address.host,
             (unsigned)member->shown.address.port);
    log_line(gossip->log, level, what, LOG_T("member", uuid), LOG_T("name", member->shown.name),
             LOG_T("address", address), LOG_F("generation", member->shown.generation),
             LOG_F("incarnation", member->shown.incarnation));
}

void member_set_state(struct gossip *gossip, struct member *member,
                      enum gossip_member_state state) {
    bool was_live = member_is_live(member);
    enum gossip_member_state before = member->shown.state;
    gossip->suspect_count -= before == GOSSIP_SUSPECT;
    gossip->suspect_count += state == GOSSIP_SUSPECT;
    if (before == GOSSIP_DEAD && state != GOSSIP_DEAD)
        healing_grave_closed(gossip, member);
    if (before != GOSSIP_DEAD && state == GOSSIP_DEAD)
        healing_grave_dug(gossip, member);
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
    member_rehash(gossip, member);
}

static void member_adopt_address(struct gossip *gossip, struct member *member,
                                 const struct codec_record *record) {
    struct gossip_address *address = &member->shown.address;
    if (address->port == record->address.port && strcmp(address->host, record->address.host) == 0)
        return;
    *address = record->address;
    gossip_changed(gossip, GOSSIP_CHANGE_ADDRESS, member, BYTES_NONE);
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

/* Takes over a record newer than what was believed. */
static void member_adopt(struct gossip *gossip, struct member *member,
                         const struct codec_record *record) {
    enum gossip_member_state before = member->shown.state;
    bool is_new_life = record->generation > member->shown.generation;
    if (is_new_life) {
        probe_forget(gossip, member); /* what is in flight is for the earlier one */
        state_clear(gossip, member);
        member->shown.round_trip_us = 0;
        member->wire_version = 0;
        member->clock = (struct clock_offset){0};
        member->shown.clock_error_us = 0;
        memcpy(member->shown.name, record->name, sizeof record->name);
    }
    member->shown.generation = record->generation;
    member->shown.incarnation = record->incarnation;
    member->created_us = record->created_us;
    memcpy(member->said_by, record->accuser, GOSSIP_UUID_BYTES);
    member_adopt_address(gossip, member, record);
    if (record->state == GOSSIP_SUSPECT)
        suspicion_begin(gossip, member, record->accuser);
    member_set_state(gossip, member, record->state);
    if (record->state == GOSSIP_SUSPECT)
        observer_look_at(gossip, member);
    if (is_new_life && member_is_live(member))
        gossip_changed(gossip, GOSSIP_CHANGE_JOINED, member, BYTES_NONE);
    if (before != record->state) {
        gossip_changed(gossip, GOSSIP_CHANGE_STATE, member, BYTES_NONE);
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
    struct member *member = member_add(gossip, record);
    if (member == NULL)
        return;
    if (record->state == GOSSIP_SUSPECT)
        suspicion_begin(gossip, member, record->accuser);
    member_set_state(gossip, member, record->state);
    gossip_changed(gossip, GOSSIP_CHANGE_JOINED, member, BYTES_NONE);
    member_log(gossip, LOG_INFO, "member joined", member);
    /* Of a stranger that is joining all hear when it is alive: the news is told once, not twice. */
    propagation_heard_record(gossip, member, record, GOSSIP_LEFT);
    if (is_told_on && record->state != GOSSIP_JOINING)
        broadcast_add(gossip, &member->news, GOSSIP_CLUSTER);
}

void member_hear(struct gossip *gossip, const struct codec_record *record, bool is_told_on) {
    struct member *member = member_find(gossip, record->uuid);
    if (member == NULL) {
        member_meet(gossip, record, is_told_on);
        return;
    }
    if (member == gossip->self) {
        suspicion_hear_of_self(gossip, record);
        return;
    }
    struct codec_record known;
    member_record(member, &known);
    int order = member_compare_records(record, &known);
    if (order == 0 && record->state == GOSSIP_SUSPECT)
        suspicion_confirm(gossip, member, record->accuser, record->created_us);
    if (order <= 0)
        return;
    enum gossip_member_state before = member->shown.state;
    member_adopt(gossip, member, record);
    propagation_heard_record(gossip, member, record, before);
    broadcast_add(gossip, &member->news, member_news_priority(before, record->state));
}
