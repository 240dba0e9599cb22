#include "gossip/detect/record.h"
#include "gossip/detect/healing.h"
#include "gossip/detect/observer.h"
#include "gossip/detect/probe.h"
#include "gossip/detect/suspicion.h"
#include "gossip/detect/watch.h"
#include "gossip/instance/hash.h"
#include "gossip/instance/identity.h"
#include "gossip/instance/roster.h"
#include "gossip/instance/sending.h"
#include "gossip/members/member.h"
#include "gossip/news/news.h"
#include "gossip/news/propagation.h"
#include "gossip/news/state.h"

/* Another one lives from now on, or no longer. */
static void come_or_go(struct gossip *gossip, struct member *member) {
    if (member_is_live(member)) {
        rotation_add(gossip, member);
        watch_member_came(gossip, member);
        news_listener_came(gossip);
    } else {
        rotation_remove(gossip, member);
        watch_member_went(gossip, member);
    }
    healing_population_changed(gossip);
}

void record_set_state(struct gossip *gossip, struct member *member,
                      enum gossip_member_state state) {
    bool was_live = member_is_live(member);
    enum gossip_member_state before = member->shown.state;
    if (before == GOSSIP_DEAD && state != GOSSIP_DEAD)
        graves_remove(gossip, member);
    if (state != GOSSIP_SUSPECT)
        suspicion_end(gossip, member);
    if (member->shown.state != state || member->shown.state_since_us == 0)
        member->shown.state_since_us = gossip->now_us;
    member->shown.state = state;
    if (member != gossip->self && was_live != member_is_live(member))
        come_or_go(gossip, member);
    if (before != GOSSIP_DEAD && state == GOSSIP_DEAD) {
        graves_add(gossip, member);
        healing_died(gossip, member);
    }
    hash_member(gossip, member);
}

static void log_transition(const struct gossip *gossip, const struct member *member,
                           enum gossip_member_state before) {
    bool was_live = gossip_state_is_live(before);
    switch (member->shown.state) {
    case GOSSIP_ALIVE:
    case GOSSIP_JOINING:
        if (before == GOSSIP_JOINING)
            member_log(gossip->log, LOG_DEBUG, "member has its copy of the state", member);
        else
            member_log(gossip->log, was_live ? LOG_DEBUG : LOG_INFO,
                       was_live ? "member refuted a suspicion" : "member is back", member);
        return;
    case GOSSIP_SUSPECT:
        member_log(gossip->log, LOG_DEBUG, "member suspected", member);
        return;
    case GOSSIP_DEAD:
        member_log(gossip->log, LOG_WARN, "member dead", member);
        return;
    case GOSSIP_LEFT:
        member_log(gossip->log, LOG_INFO, "member left", member);
        return;
    }
}

/* Names are for people: two that are equal confuse nobody but them. Each node looks after its own.
 */
static void check_name(struct gossip *gossip, const struct member *member) {
    const char *name = gossip->self->shown.who->name;
    if (name[0] == 0 || strcmp(name, member->shown.who->name) != 0)
        return;
    gossip->counters.name_conflicts++;
    gossip_changed(gossip, GOSSIP_CHANGE_NAME_CONFLICT, member, BYTES_NONE);
    if (!gossip->detect->has_warned_of_name)
        member_log(gossip->log, LOG_WARN,
                   "another member has this node's name; give one of them another", member);
    gossip->detect->has_warned_of_name = true;
}

static void count_end(struct gossip *gossip, enum gossip_member_state after) {
    struct gossip_counters *counters = &gossip->counters;
    counters->suspicions_refuted += after == GOSSIP_ALIVE || after == GOSSIP_JOINING;
    counters->suspicions_died += after == GOSSIP_DEAD;
    counters->suspicions_left += after == GOSSIP_LEFT;
}

/* Takes over a record newer than what was believed. */
static void record_adopt(struct gossip *gossip, struct member *member,
                         const struct codec_record *record) {
    enum gossip_member_state before = member->shown.state;
    bool is_new_life = record->generation > member->shown.who->generation;
    if (is_new_life) {
        healing_moves(gossip, member, &record->address);
        probe_forget(gossip, member); /* what is in flight is for the earlier one */
        state_clear(gossip, member);
        roster_forget_contact(member);
    }
    if (record->state == GOSSIP_LEFT)
        probe_forget(gossip, member); /* it owes no answer, and nobody is to blame for that */
    identity_adopt(gossip, member, record);
    if (record->state == GOSSIP_SUSPECT)
        suspicion_begin(gossip, member, record->accuser);
    else if (record->state == GOSSIP_DEAD && before == GOSSIP_SUSPECT)
        suspicion_measure(gossip, member);
    record_set_state(gossip, member, record->state);
    if (record->state == GOSSIP_SUSPECT)
        observer_look_at(gossip, member);
    if (is_new_life && member_is_live(member)) {
        gossip_changed(gossip, GOSSIP_CHANGE_JOINED, member, BYTES_NONE);
        check_name(gossip, member);
    }
    if (before == GOSSIP_SUSPECT)
        count_end(gossip, record->state);
    /* Of a life known by its end only, that is the news. */
    if (before != record->state || (is_new_life && !member_is_live(member)))
        gossip_changed(gossip, GOSSIP_CHANGE_STATE, member, BYTES_NONE);
    if (before != record->state) {
        gossip->counters.deaths += record->state == GOSSIP_DEAD;
        log_transition(gossip, member, before);
    }
}

static enum gossip_priority record_priority(enum gossip_member_state before,
                                            enum gossip_member_state after) {
    bool is_refutation = before == GOSSIP_SUSPECT || before == GOSSIP_DEAD;
    return !gossip_state_is_live(after) || (is_refutation && after == GOSSIP_ALIVE)
               ? GOSSIP_URGENT
               : GOSSIP_CLUSTER;
}

static void record_meet(struct gossip *gossip, const struct codec_record *record, bool is_told_on) {
    if (record->state == GOSSIP_DEAD || record->state == GOSSIP_LEFT)
        return;
    struct member *member = roster_add(gossip, record);
    if (member == NULL) {
        gossip->counters.dropped_for_members++;
        return;
    }
    if (record->state == GOSSIP_SUSPECT)
        suspicion_begin(gossip, member, record->accuser);
    record_set_state(gossip, member, record->state);
    gossip_changed(gossip, GOSSIP_CHANGE_JOINED, member, BYTES_NONE);
    member_log(gossip->log, LOG_INFO, "member joined", member);
    check_name(gossip, member);
    /* Of a stranger that is joining all hear when it is alive: the news is told once, not twice. */
    propagation_heard_record(gossip, member, record, GOSSIP_LEFT);
    if (is_told_on && record->state != GOSSIP_JOINING)
        news_add(gossip, member, NULL, GOSSIP_CLUSTER);
}

/* Only of two processes that are one member (test_twin.c): all believe the same of them, whichever
 * they hear first. */
static int compare_addresses(const struct gossip_address *a, const struct gossip_address *b) {
    int order = strcmp(a->host, b->host);
    return order != 0 ? order : (int)a->port - (int)b->port;
}

void record_hear(struct gossip *gossip, struct member *member, const struct codec_record *record,
                 bool is_told_on) {
    if (member == NULL) {
        record_meet(gossip, record, is_told_on);
        return;
    }
    if (member == gossip->self) {
        suspicion_hear_of_self(gossip, record);
        return;
    }
    const struct member_life known = member_life_of(member), said = member_life_of_record(record);
    int order = member_compare_lives(&said, &known);
    if (order == 0 && record->state == GOSSIP_ALIVE)
        order = compare_addresses(&record->address, &member->shown.who->address);
    if (order == 0 && record->state == GOSSIP_SUSPECT) {
        suspicion_confirm(gossip, member, record->accuser, record->created_us);
        observer_accused(gossip, member);
    }
    if (order == 0)
        news_heard_again(gossip, member, NULL);
    if (order <= 0)
        return;
    enum gossip_member_state before = member->shown.state;
    record_adopt(gossip, member, record);
    propagation_heard_record(gossip, member, record, before);
    news_add(gossip, member, NULL, record_priority(before, record->state));
}

void record_declare(struct gossip *gossip, struct member *member, enum gossip_member_state state) {
    struct codec_record record;
    member_record(member, &record);
    record.state = state;
    record.created_us = gossip->wall_us;
    memcpy(record.accuser, gossip->self->shown.who->uuid, GOSSIP_UUID_BYTES);
    record_hear(gossip, member, &record, true);
}
