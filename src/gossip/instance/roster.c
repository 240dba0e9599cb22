#include "gossip/instance/roster.h"
#include "base/check.h"
#include "base/memory.h"

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

/* Finding and choosing. */

struct member *member_find(const struct gossip *gossip, const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    return index_find(&gossip->index, gossip->members, uuid);
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

/* The dead. */

void graves_add(struct gossip *gossip, struct member *member) {
    seats_add(&gossip->graves, member);
}

struct member *graves_at(const struct gossip *gossip, size_t place) {
    return seats_at(&gossip->graves, gossip->members, place);
}

void graves_remove(struct gossip *gossip, const struct member *member) {
    size_t gap = member->shown.place, last = gossip->graves.count - 1;
    CHECK(gap <= last && graves_at(gossip, gap) == member);
    seats_put(&gossip->graves, gap, graves_at(gossip, last));
    gossip->graves.count--;
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

void roster_close_ranks(struct gossip *gossip, size_t seat_count) {
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

void roster_release(struct gossip *gossip) {
    memory_free(gossip->members);
    seats_release(&gossip->rotation.live);
    seats_release(&gossip->graves);
    index_release(&gossip->index);
    order_release(&gossip->order);
}
