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

/* A vector that grows by a quarter: ten thousand of them stand in one simulator. */
static struct member **members_grow(struct member **members, size_t count, size_t *capacity) {
    if (count < *capacity)
        return members;
    *capacity += *capacity / 4 + 8;
    return memory_resize(members, *capacity * sizeof *members);
}

/* The live. */

/* A newcomer takes a place by lot in what is left of this round, so that a node that keeps coming
 * back is not always probed first (SWIM 4.3). */
void rotation_add(struct gossip *gossip, struct member *member) {
    struct rotation *rotation = &gossip->rotation;
    rotation->members = members_grow(rotation->members, rotation->count, &rotation->capacity);
    size_t at = random_between(&gossip->random, rotation->next, rotation->count);
    rotation->members[rotation->count++] = member;
    struct member *displaced = rotation->members[at];
    rotation->members[rotation->count - 1] = displaced;
    displaced->shown.place = (uint32_t)(rotation->count - 1);
    rotation->members[at] = member;
    member->shown.place = (uint32_t)at;
}

static void rotation_move(struct rotation *rotation, size_t from, size_t to) {
    rotation->members[to] = rotation->members[from];
    rotation->members[to]->shown.place = (uint32_t)to;
}

/* The gap among the probed is filled by the last of the probed, so that nobody is left out of this
 * round. */
void rotation_remove(struct gossip *gossip, const struct member *member) {
    struct rotation *rotation = &gossip->rotation;
    size_t gap = member->shown.place;
    CHECK(gap < rotation->count && rotation->members[gap] == member);
    if (gap < rotation->next) {
        rotation_move(rotation, rotation->next - 1, gap);
        gap = --rotation->next;
    }
    if (gap < --rotation->count)
        rotation_move(rotation, rotation->count, gap);
}

struct member *rotation_turn(struct gossip *gossip) {
    struct rotation *rotation = &gossip->rotation;
    if (rotation->next >= rotation->count) {
        rotation->next = 0;
        for (size_t i = rotation->count; i > 1; i--) {
            size_t other = random_below(&gossip->random, i);
            struct member *swapped = rotation->members[other];
            rotation_move(rotation, i - 1, other);
            rotation->members[i - 1] = swapped;
            swapped->shown.place = (uint32_t)(i - 1);
        }
    }
    return rotation->count > 0 ? rotation->members[rotation->next++] : NULL;
}

/* All. */

struct member *roster_add(struct gossip *gossip, const struct codec_record *record) {
    if (gossip->member_count == GOSSIP_MEMBER_MAXIMUM)
        return NULL;
    struct member *member = memory_allocate_zeroed(1, sizeof *member);
    struct gossip_member *shown = &member->shown;
    shown->who = pool_identity(gossip->pool, record);
    shown->contact = &no_contact.shown;
    shown->state = GOSSIP_LEFT;
    member->chain = pool_empty_chain(gossip->pool);
    gossip->members = members_grow(gossip->members, gossip->member_count, &gossip->member_capacity);
    gossip->members[gossip->member_count++] = member;
    index_add(&gossip->index, shown->who->uuid, gossip->member_count - 1);
    order_add(&gossip->order, member);
    return member;
}

struct contact *roster_contact(struct gossip *gossip, struct member *member) {
    if (contact_of(member) == &no_contact) {
        struct contact *contact = memory_allocate_zeroed(1, sizeof *contact);
        contact->member = member;
        list_append(&gossip->contacts, &contact->link);
        member->shown.contact = &contact->shown;
    }
    return (struct contact *)(uintptr_t)contact_of(member); /* ours, and shown as const */
}

void roster_forget_contact(struct member *member) {
    if (contact_of(member) != &no_contact) {
        struct contact *contact = (struct contact *)(uintptr_t)contact_of(member);
        list_remove(&contact->link);
        memory_free(contact);
    }
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

void roster_forget(struct gossip *gossip,
                   bool (*is_over)(const struct gossip *gossip, const struct member *member)) {
    size_t kept = 0, count = gossip->member_count;
    for (size_t i = 0; i < count; i++) {
        struct member *member = gossip->members[i];
        if (member == gossip->self || member_is_live(member) || !is_over(gossip, member)) {
            gossip->members[kept++] = member;
            continue;
        }
        gossip->member_count--;
        gossip->counters.members_forgotten++;
        order_remove(&gossip->order, member);
        if (member->shown.state == GOSSIP_DEAD) {
            healing_grave_closed(gossip, member);
            healing_remember(gossip, &member->shown.who->address);
        }
        probe_forget(gossip, member);
        member_free(gossip, member);
    }
    if (kept == count)
        return;
    index_clear(&gossip->index);
    for (size_t i = 0; i < kept; i++)
        index_add(&gossip->index, gossip->members[i]->shown.who->uuid, i);
}

void roster_release(struct gossip *gossip) {
    for (size_t i = 0; i < gossip->member_count; i++)
        member_free(gossip, gossip->members[i]);
    memory_free(gossip->members);
    memory_free(gossip->rotation.members);
    index_release(&gossip->index);
    order_release(&gossip->order);
    suspicion_release(gossip);
}
