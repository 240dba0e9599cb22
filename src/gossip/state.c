#include "gossip/state.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/planted.h"
#include "gossip/broadcast.h"
#include "gossip/member.h"
#include "gossip/propagation.h"

enum { REMOVED_CHECK_SECONDS = 10, ENTRY_OVERHEAD_BYTES = 160 };

/* The chain: sorted by version. */

size_t state_position(const struct member *member, uint64_t version) {
    size_t position = member->entry_count;
    while (position > 0 && member->entries[position - 1]->version > version)
        position--;
    return position;
}

struct entry *state_find(const struct member *member, struct bytes key) {
    for (size_t i = 0; i < member->entry_count; i++) {
        struct entry *entry = member->entries[i];
        if (bytes_equal(bytes_of(entry->data, entry->key_length), key))
            return entry;
    }
    return NULL;
}

uint64_t state_previous(const struct entry *entry) {
    const struct member *member = entry->member;
    if (member->version < entry->version)
        return entry
            ->previous; /* what lies between is not known here, but was where it came from */
    size_t position = state_position(member, entry->version) - 1;
    CHECK(member->entries[position] == entry);
    return position > 0 ? member->entries[position - 1]->version : 0;
}

static uint64_t entry_bytes(const struct entry *entry) {
    return ENTRY_OVERHEAD_BYTES + entry->key_length + entry->value_length;
}

static void state_drop(struct gossip *gossip, struct member *member, size_t position) {
    struct entry *entry = member->entries[position];
    broadcast_remove(gossip, &entry->news);
    gossip->state_bytes -= entry_bytes(entry);
    member->entry_count--;
    memmove(member->entries + position, member->entries + position + 1,
            (member->entry_count - position) * sizeof(struct entry *));
    memory_free(entry);
}

void state_clear(struct gossip *gossip, struct member *member) {
    while (member->entry_count > 0)
        state_drop(gossip, member, member->entry_count - 1);
    member->version = member->floor = 0;
}

static struct entry *entry_new(struct member *member, const struct codec_entry *said) {
    struct entry *entry =
        memory_allocate_zeroed(1, sizeof *entry + said->key.length + said->value.length);
    entry->member = member;
    entry->version = said->version;
    entry->previous = said->previous;
    entry->is_removed = said->is_removed;
    entry->created_us = said->created_us;
    entry->key_length = said->key.length;
    entry->value_length = said->value.length;
    memcpy(entry->data, said->key.data, said->key.length);
    if (said->value.length)
        memcpy(entry->data + said->key.length, said->value.data, said->value.length);
    broadcast_init(&entry->news, NEWS_ENTRY);
    return entry;
}

/* Puts what was said into the chain, in the place of the key's older entry. */
static struct entry *state_put(struct gossip *gossip, struct member *member,
                               const struct codec_entry *said) {
    struct entry *entry = entry_new(member, said);
    struct entry *older = state_find(member, said->key);
    if (older != NULL)
        state_drop(gossip, member, state_position(member, older->version) - 1);
    if (member->entry_count == member->entry_capacity) {
        member->entry_capacity = member->entry_capacity ? member->entry_capacity * 2 : 8;
        member->entries =
            memory_resize(member->entries, member->entry_capacity * sizeof *member->entries);
    }
    size_t position = state_position(member, said->version);
    memmove(member->entries + position + 1, member->entries + position,
            (member->entry_count - position) * sizeof *member->entries);
    member->entries[position] = entry;
    member->entry_count++;
    gossip->state_bytes += entry_bytes(entry);
    return entry;
}

/* What this node says. */

static size_t state_count_removed(const struct member *member) {
    size_t count = 0;
    for (size_t i = 0; i < member->entry_count; i++)
        count += member->entries[i]->is_removed;
    return count;
}

/* Forgets own removals: those older than the time, and the oldest of too many. */
static void state_forget(struct gossip *gossip, uint64_t before_us) {
    struct member *self = gossip->self;
    size_t removed = state_count_removed(self);
    for (size_t i = 0; i < self->entry_count;) {
        const struct entry *entry = self->entries[i];
        bool is_over = entry->is_removed &&
                       (entry->removed_us < before_us || removed > GOSSIP_REMOVED_MAXIMUM);
        if (!is_over) {
            i++;
            continue;
        }
        CHECK(entry->version > self->floor);
        if (!PLANTED(GOSSIP_REMOVAL_UNMARKED))
            self->floor = entry->version;
        state_drop(gossip, self, i);
        removed--;
    }
    member_rehash(gossip, self);
}

void state_forget_removed(struct gossip *gossip) {
    if (gossip->now_us < gossip->removed_check_us)
        return;
    gossip->removed_check_us = gossip->now_us + REMOVED_CHECK_SECONDS * GOSSIP_SECOND_US;
    if (gossip->now_us > GOSSIP_REMOVED_US)
        state_forget(gossip, gossip->now_us - GOSSIP_REMOVED_US);
}

static uint64_t state_last_version(const struct member *member, const struct entry *but) {
    for (size_t i = member->entry_count; i > 0; i--)
        if (member->entries[i - 1] != but)
            return member->entries[i - 1]->version;
    return 0;
}

int state_set(struct gossip *gossip, struct bytes key, struct bytes value,
              enum gossip_priority priority) {
    struct member *self = gossip->self;
    if (key.length == 0 || key.length > GOSSIP_KEY_MAXIMUM || value.length > GOSSIP_VALUE_MAXIMUM)
        return ERR_INVALID;
    const struct entry *known = state_find(self, key);
    bool is_known = known != NULL && !known->is_removed;
    struct bytes before =
        is_known ? bytes_of(known->data + known->key_length, known->value_length) : BYTES_NONE;
    if (bytes_equal(before, value))
        return 0;
    if (!is_known &&
        self->entry_count - state_count_removed(self) >= GOSSIP_KEYS_PER_MEMBER_MAXIMUM)
        return ERR_LIMIT;
    struct codec_entry said = {.version = ++self->version,
                               .previous = state_last_version(self, known),
                               .is_removed = value.length == 0,
                               .key = key,
                               .value = value,
                               .created_us = gossip->wall_us};
    struct entry *entry = state_put(gossip, self, &said);
    entry->removed_us = gossip->now_us;
    broadcast_add(gossip, &entry->news, priority);
    broadcast_hurry(gossip);
    propagation_said(gossip, entry);
    gossip_changed(gossip, GOSSIP_CHANGE_KEY, self, key);
    state_forget(gossip, 0);
    member_rehash(gossip, self);
    return 0;
}

/* What others say. */

/* All up to `version` is known by what is said here; so may be what comes behind it, kept since
 * before. */
static void state_advance(struct member *member, uint64_t previous, uint64_t version) {
    if (previous <= member->version && version > member->version)
        member->version = version;
    for (size_t i = 0; i < member->entry_count; i++) {
        const struct entry *entry = member->entries[i];
        if (!entry->is_unconfirmed && entry->previous <= member->version &&
            entry->version > member->version)
            member->version = entry->version;
    }
}

/* What may have been removed is nothing to tell: with the new floor beside it, it would be believed
 * by those who had heard of the removal. */
static void state_doubt(struct gossip *gossip, struct entry *entry) {
    entry->is_unconfirmed = true;
    if (!PLANTED(GOSSIP_DOUBT_TOLD))
        broadcast_remove(gossip, &entry->news);
}

/* Removals up to the floor are forgotten by the member itself. Who knows them all forgets them too;
 * who may have missed one starts over. */
static void state_raise_floor(struct gossip *gossip, struct member *member, uint64_t floor) {
    bool is_reset = member->version < floor && !PLANTED(GOSSIP_RESET_SKIPPED);
    member->floor = floor;
    for (size_t i = member->entry_count; i > 0; i--) {
        struct entry *entry = member->entries[i - 1];
        if (entry->version <= floor && entry->is_removed)
            state_drop(gossip, member, i - 1);
        else if (entry->version <= floor && is_reset)
            state_doubt(gossip, entry);
    }
    if (is_reset)
        member->version = 0;
}

/* At the end of a reset: what the chain no longer has. */
static void state_sweep(struct gossip *gossip, struct member *member) {
    for (size_t i = member->entry_count; i > 0; i--) {
        struct entry *entry = member->entries[i - 1];
        if (!entry->is_unconfirmed)
            continue;
        gossip_changed(gossip, GOSSIP_CHANGE_KEY, member, bytes_of(entry->data, entry->key_length));
        state_drop(gossip, member, i - 1);
    }
}

/* True if it is news. `priority`: to be told on with; NULL: not at all. */
static bool state_keep(struct gossip *gossip, struct member *member, const struct codec_entry *said,
                       const enum gossip_priority *priority) {
    struct entry *known = state_find(member, said->key);
    if (known != NULL && known->version >= said->version && !PLANTED(GOSSIP_VERSION_IGNORED)) {
        known->is_unconfirmed &= known->version != said->version;
        return false;
    }
    if (PLANTED(GOSSIP_WALL_CLOCK_TRUSTED) && known != NULL && known->created_us > said->created_us)
        return false;
    bool is_full = member->entry_count >= GOSSIP_ENTRY_MAXIMUM ||
                   gossip->state_bytes >= GOSSIP_STATE_BYTES_MAXIMUM;
    if (known == NULL && is_full)
        return false;
    bool is_shown = !said->is_removed || (known != NULL && !known->is_removed);
    struct entry *entry = state_put(gossip, member, said);
    if (priority != NULL)
        broadcast_add(gossip, &entry->news, *priority);
    propagation_heard_entry(gossip, entry, priority);
    if (is_shown)
        gossip_changed(gossip, GOSSIP_CHANGE_KEY, member, said->key);
    return true;
}

static void state_hear_entry(struct gossip *gossip, struct member *member,
                             const struct codec_group *group, const struct codec_entry *said,
                             const enum gossip_priority *priority) {
    if (group->floor < member->floor && said->version <= member->floor &&
        !PLANTED(GOSSIP_FLOOR_IGNORED))
        return; /* from somebody who may not have heard of a removal that is forgotten by now */
    if (said->key.length > 0 && !(said->is_removed && said->version <= member->floor))
        state_keep(gossip, member, said, priority);
    state_advance(member, said->previous, said->version);
}

void state_hear(struct gossip *gossip, const struct codec_wire *wire,
                const struct codec_group *group, const enum gossip_priority *priority) {
    struct member *member = member_find(gossip, group->uuid);
    if (member == NULL || member == gossip->self)
        return;
    if (member->shown.generation != group->generation && !PLANTED(GOSSIP_EARLIER_LIFE_BELIEVED))
        return;
    if (group->floor > member->floor)
        state_raise_floor(gossip, member, group->floor);
    struct cursor in = cursor_of(group->entries);
    struct codec_entry said;
    while (cursor_left(&in) > 0) {
        codec_read_entry(&in, wire, &said);
        state_hear_entry(gossip, member, group, &said, priority);
    }
    if (state_is_whole(member))
        state_sweep(gossip, member);
    member_rehash(gossip, member);
}
