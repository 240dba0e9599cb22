#include "gossip/roster.h"
#include "base/check.h"
#include "base/memory.h"
#include "gossip/broadcast.h"
#include "gossip/healing.h"
#include "gossip/member.h"
#include "gossip/probe.h"
#include "gossip/state.h"
#include "gossip/suspicion.h"

static const struct contact no_contact;

/* The live. */

/* A newcomer takes a place by lot in what is left of this round, so that a node that keeps coming
 * back is not always probed first (SWIM 4.3). */
void rotation_add(struct gossip *gossip, struct member *member) {
    struct rotation *rotation = &gossip->rotation;
    size_t at = random_between(&gossip->random, rotation->next, rotation->live.count);
    seats_add(&rotation->live, member);
    struct member *displaced = gossip_live(gossip, at);
    seats_put(&rotation->live, rotation->live.count - 1, displaced);
    seats_put(&rotation->live, at, member);
}

/* The gap among the probed is filled by the last of the probed, so that nobody is left out of this
 * round. */
void rotation_remove(struct gossip *gossip, const struct member *member) {
    struct rotation *rotation = &gossip->rotation;
    struct seats *live = &rotation->live;
    size_t gap = member->shown.place;
    CHECK(gap < live->count && gossip_live(gossip, gap) == member);
    if (gap < rotation->next) {
        seats_put(live, gap, gossip_live(gossip, rotation->next - 1));
        gap = --rotation->next;
    }
    if (gap < --live->count)
        seats_put(live, gap, gossip_live(gossip, live->count));
}

static void rotation_shuffle(struct gossip *gossip) {
    struct seats *live = &gossip->rotation.live;
    for (size_t i = live->count; i > 1; i--) {
        size_t other = random_below(&gossip->random, i);
        struct member *swapped = gossip_live(gossip, other);
        seats_put(live, other, gossip_live(gossip, i - 1));
        seats_put(live, i - 1, swapped);
    }
}

struct member *rotation_turn(struct gossip *gossip) {
    struct rotation *rotation = &gossip->rotation;
    if (rotation->next >= rotation->live.count) {
        rotation->next = 0;
        rotation_shuffle(gossip);
    }
    return rotation->live.count > 0 ? gossip_live(gossip, rotation->next++) : NULL;
}

/* All. */

/* By a quarter: ten thousand of these stand in one simulator. */
static void members_grow(struct gossip *gossip) {
    if (gossip->member_count < gossip->member_capacity)
        return;
    gossip->member_capacity += gossip->member_capacity / 4 + 8;
    gossip->members =
        memory_resize(gossip->members, gossip->member_capacity * sizeof *gossip->members);
}

struct member *roster_add(struct gossip *gossip, const struct codec_record *record) {
    if (gossip->member_count == GOSSIP_MEMBER_MAXIMUM)
        return NULL;
    struct member *member = memory_allocate_zeroed(1, sizeof *member);
    struct gossip_member *shown = &member->shown;
    shown->who = pool_identity(gossip->pool, record);
    shown->contact = &no_contact.shown;
    shown->state = GOSSIP_LEFT;
    member->chain = pool_empty_chain(gossip->pool);
    members_grow(gossip);
    shown->seat = (uint16_t)gossip->member_count;
    gossip->members[gossip->member_count++] = member;
    index_add(&gossip->index, shown->who->uuid, shown->seat);
    order_add(&gossip->order, gossip->members, member);
    return member;
}

struct contact *roster_contact(struct member *member) {
    if (contact_of(member) == &no_contact) {
        struct contact *contact = memory_allocate_zeroed(1, sizeof *contact);
        member->shown.contact = &contact->shown;
    }
    return (struct contact *)(uintptr_t)contact_of(member); /* ours, and shown as const */
}

void roster_forget_contact(struct member *member) {
    if (contact_of(member) != &no_contact)
        memory_free((void *)(uintptr_t)contact_of(member));
    member->shown.contact = &no_contact.shown;
}

static void member_free(struct gossip *gossip, struct member *member) {
    state_clear(gossip, member);
    broadcast_remove_all(gossip, member);
    suspicion_end(gossip, member);
    roster_forget_contact(member);
    identity_release(gossip->pool, member->shown.who);
    memory_free(member);
}

/* Its seat is empty then. */
static void member_forget(struct gossip *gossip, struct member *member) {
    gossip->counters.members_forgotten++;
    order_remove(&gossip->order, gossip->members, member);
    if (member->shown.state == GOSSIP_DEAD) {
        healing_grave_closed(gossip, member);
        healing_remember(gossip, &member->shown.who->address);
    }
    probe_forget(gossip, member);
    gossip->members[member->shown.seat] = NULL;
    gossip->member_count--;
    member_free(gossip, member);
}

/* All move up to the front, in their order; there were `seat_count` seats. */
static void roster_close_ranks(struct gossip *gossip, size_t seat_count) {
    uint16_t *numbers = memory_allocate(seat_count * sizeof *numbers), taken = 0;
    index_clear(&gossip->index);
    for (size_t seat = 0; seat < seat_count; seat++) {
        struct member *member = gossip->members[seat];
        if (member == NULL)
            continue;
        index_add(&gossip->index, member->shown.who->uuid, taken);
        gossip->members[taken] = member;
        member->shown.seat = taken;
        numbers[seat] = taken++;
    }
    order_renumber(&gossip->order, numbers);
    seats_renumber(&gossip->rotation.live, numbers);
    seats_renumber(&gossip->graves, numbers);
    memory_free(numbers);
}

void roster_forget(struct gossip *gossip,
                   bool (*is_over)(const struct gossip *gossip, const struct member *member)) {
    size_t seat_count = gossip->member_count;
    for (size_t seat = 0; seat < seat_count; seat++) {
        struct member *member = gossip->members[seat];
        if (member != gossip->self && !member_is_live(member) && is_over(gossip, member))
            member_forget(gossip, member);
    }
    if (gossip->member_count < seat_count)
        roster_close_ranks(gossip, seat_count);
}

void roster_release(struct gossip *gossip) {
    for (size_t i = 0; i < gossip->member_count; i++)
        member_free(gossip, gossip->members[i]);
    memory_free(gossip->members);
    seats_release(&gossip->rotation.live);
    index_release(&gossip->index);
    order_release(&gossip->order);
    suspicion_release(gossip);
}
