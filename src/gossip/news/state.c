#include "gossip/news/state.h"
#include "base/check.h"
#include "base/planted.h"
#include "gossip/instance/hash.h"
#include "gossip/instance/roster.h"
#include "gossip/instance/sending.h"
#include "gossip/members/chain.h"
#include "gossip/members/member.h"
#include "gossip/news/news.h"
#include "gossip/news/news_room.h"
#include "gossip/news/propagation.h"

enum {
    REMOVED_CHECK_SECONDS = 10,
    ENTRY_OVERHEAD_BYTES = 160,
    ENTRY_BYTES_MAXIMUM = ENTRY_OVERHEAD_BYTES + GOSSIP_KEY_MAXIMUM + GOSSIP_VALUE_MAXIMUM
};

bool state_is_full(const struct gossip *gossip) {
    return gossip->news->state_bytes + ENTRY_BYTES_MAXIMUM > GOSSIP_STATE_BYTES_MAXIMUM;
}

/* Changing it: a chain is shared, so it is changed as a draft and then put in its place. */

struct editing {
    struct gossip *gossip;
    struct member *member;
    struct draft *draft;
};

static struct editing state_open(struct gossip *gossip, struct member *member) {
    return (struct editing){
        .gossip = gossip, .member = member, .draft = pool_draft(gossip->pool, member->chain)};
}

static void state_close(struct editing *editing) {
    struct member *member = editing->member;
    struct chain *before = member->chain;
    member->chain = pool_chain(editing->gossip->pool, editing->draft);
    chain_release(editing->gossip->pool, before);
    hash_member(editing->gossip, member);
}

static uint64_t entry_bytes(const struct entry *entry) {
    return ENTRY_OVERHEAD_BYTES + entry->key_length + entry->value_length;
}

static void draft_drop(const struct editing *editing, size_t position) {
    struct draft *draft = editing->draft;
    struct entry *entry = draft->links[position].entry;
    news_remove(editing->gossip, editing->member, entry);
    editing->gossip->news->state_bytes -= entry_bytes(entry);
    draft->count--;
    memmove(draft->links + position, draft->links + position + 1,
            (draft->count - position) * sizeof *draft->links);
    entry_release(editing->gossip->pool, entry);
}

void state_clear(struct gossip *gossip, struct member *member) {
    if (member->chain == pool_empty_chain(gossip->pool))
        return;
    struct editing editing = state_open(gossip, member);
    while (editing.draft->count > 0)
        draft_drop(&editing, editing.draft->count - 1);
    editing.draft->version = editing.draft->floor = 0;
    state_close(&editing);
}

/* The key's place; the count if it has none. */
static size_t draft_find(const struct draft *draft, struct bytes key) {
    size_t position = 0;
    while (position < draft->count && !bytes_equal(entry_key(draft->links[position].entry), key))
        position++;
    return position;
}

/* Puts what was said into the chain, in the place of the key's older entry. */
static struct entry *draft_put(const struct editing *editing, const struct codec_entry *said) {
    struct draft *draft = editing->draft;
    struct entry *entry = pool_entry(editing->gossip->pool, said);
    size_t older = draft_find(draft, said->key);
    if (older < draft->count)
        draft_drop(editing, older);
    size_t position = draft->count;
    while (position > 0 && draft->links[position - 1].entry->version > said->version)
        position--;
    pool_draft_insert(draft, position, (struct chain_link){.entry = entry});
    editing->gossip->news->state_bytes += entry_bytes(entry);
    return entry;
}

/* What this node says. */

/* Forgets own removals: those older than the time, and the oldest of too many. */
static void state_forget(struct gossip *gossip, uint64_t before_us) {
    size_t over = 0;
    while (over < gossip->news->removal_count &&
           (gossip->news->removals[over].removed_us < before_us ||
            gossip->news->removal_count - over > GOSSIP_REMOVED_MAXIMUM))
        over++;
    if (over == 0)
        return;
    struct editing editing = state_open(gossip, gossip->self);
    struct draft *draft = editing.draft;
    uint64_t floor = gossip->news->removals[over - 1].version;
    CHECK(floor > draft->floor);
    if (!PLANTED(GOSSIP_REMOVAL_UNMARKED))
        draft->floor = floor;
    for (size_t i = draft->count; i > 0; i--)
        if (draft->links[i - 1].entry->is_removed && draft->links[i - 1].entry->version <= floor)
            draft_drop(&editing, i - 1);
    state_close(&editing);
    gossip->news->removal_count -= over;
    memmove(gossip->news->removals, gossip->news->removals + over,
            gossip->news->removal_count * sizeof *gossip->news->removals);
}

void state_forget_removed(struct gossip *gossip) {
    if (gossip->now_us < gossip->news->removed_check_us)
        return;
    gossip->news->removed_check_us = gossip->now_us + REMOVED_CHECK_SECONDS * GOSSIP_SECOND_US;
    if (gossip->now_us > gossip->timing.removal_us)
        state_forget(gossip, gossip->now_us - gossip->timing.removal_us);
}

/* A removal that is said again, or undone, is no longer one of its time. */
static void removals_take_out(struct gossip *gossip, uint64_t version) {
    size_t kept = 0;
    for (size_t i = 0; i < gossip->news->removal_count; i++)
        if (gossip->news->removals[i].version != version)
            gossip->news->removals[kept++] = gossip->news->removals[i];
    gossip->news->removal_count = kept;
}

static uint64_t state_last_version(const struct member *member, const struct entry *but) {
    const struct chain *chain = member->chain;
    for (size_t i = chain->count; i > 0; i--)
        if (chain->links[i - 1].entry != but)
            return chain->links[i - 1].entry->version;
    return 0;
}

static void state_say(struct gossip *gossip, const struct entry *known, struct bytes key,
                      struct bytes value, enum gossip_priority priority) {
    struct member *self = gossip->self;
    struct codec_entry said = {.version = self->chain->version + 1,
                               .previous = state_last_version(self, known),
                               .is_removed = value.length == 0,
                               .key = key,
                               .value = value,
                               .created_us = gossip->wall_us};
    if (known != NULL && known->is_removed)
        removals_take_out(gossip, known->version);
    struct editing editing = state_open(gossip, self);
    editing.draft->version = said.version;
    struct entry *entry = draft_put(&editing, &said);
    state_close(&editing);
    if (said.is_removed)
        gossip->news->removals[gossip->news->removal_count++] =
            (struct removal){.version = said.version, .removed_us = gossip->now_us};
    news_add(gossip, self, entry, priority);
    news_hurry(gossip);
    propagation_said(gossip, self, entry);
    gossip_changed(gossip, GOSSIP_CHANGE_KEY, self, key);
    state_forget(gossip, 0);
}

/* Those that the owner has it say; what the core says by itself is beside them. */
static size_t state_said_count(const struct gossip *gossip) {
    const struct chain *chain = gossip->self->chain;
    size_t count = 0;
    for (size_t i = 0; i < chain->count; i++) {
        const struct entry *entry = chain->links[i].entry;
        count += !entry->is_removed && !coordinate_is_key(entry_key(entry));
    }
    return count;
}

int state_set(struct gossip *gossip, struct bytes key, struct bytes value,
              enum gossip_priority priority) {
    if (key.length == 0 || key.length > GOSSIP_KEY_MAXIMUM || value.length > GOSSIP_VALUE_MAXIMUM)
        return ERR_INVALID;
    const struct entry *known = chain_find(gossip->self->chain, key);
    bool is_known = known != NULL && !known->is_removed;
    struct bytes before = is_known ? entry_value(known) : BYTES_NONE;
    if (bytes_equal(before, value))
        return 0;
    if (!is_known && !coordinate_is_key(key) &&
        state_said_count(gossip) >= GOSSIP_KEYS_PER_MEMBER_MAXIMUM)
        return ERR_LIMIT;
    state_say(gossip, known, key, value, priority);
    return 0;
}

/* What others say. */

/* All up to `version` is known by what is said here; so may be what comes behind it, kept since
 * before. */
static void draft_advance(struct draft *draft, uint64_t previous, uint64_t version) {
    if (previous <= draft->version && version > draft->version)
        draft->version = version;
    for (size_t i = 0; i < draft->count; i++) {
        const struct entry *entry = draft->links[i].entry;
        if (!draft->links[i].is_unconfirmed && entry->previous <= draft->version &&
            entry->version > draft->version)
            draft->version = entry->version;
    }
}

/* What may have been removed is nothing to tell: with the new floor beside it, it would be believed
 * by those who had heard of the removal. */
static void draft_doubt(const struct editing *editing, struct chain_link *link) {
    link->is_unconfirmed = true;
    if (!PLANTED(GOSSIP_DOUBT_TOLD))
        news_remove(editing->gossip, editing->member, link->entry);
}

/* Removals up to the floor are forgotten by the member itself. Who knows them all forgets them too;
 * who may have missed one starts over. */
static void draft_raise_floor(const struct editing *editing, uint64_t floor) {
    struct draft *draft = editing->draft;
    bool is_reset = draft->version < floor && !PLANTED(GOSSIP_RESET_SKIPPED);
    draft->floor = floor;
    for (size_t i = draft->count; i > 0; i--) {
        struct chain_link *link = &draft->links[i - 1];
        if (link->entry->version <= floor && link->entry->is_removed)
            draft_drop(editing, i - 1);
        else if (link->entry->version <= floor && is_reset)
            draft_doubt(editing, link);
    }
    if (is_reset)
        draft->version = 0;
}

/* At the end of a reset: what the chain no longer has. */
static void draft_sweep(const struct editing *editing) {
    for (size_t i = editing->draft->count; i > 0; i--) {
        if (!editing->draft->links[i - 1].is_unconfirmed)
            continue;
        gossip_changed(editing->gossip, GOSSIP_CHANGE_KEY, editing->member,
                       entry_key(editing->draft->links[i - 1].entry));
        draft_drop(editing, i - 1);
    }
}

/* One of what the chain may no longer have. False: there is none. */
static bool draft_sweep_one(const struct editing *editing) {
    struct draft *draft = editing->draft;
    for (size_t i = 0; i < draft->count; i++) {
        if (!draft->links[i].is_unconfirmed)
            continue;
        gossip_changed(editing->gossip, GOSSIP_CHANGE_KEY, editing->member,
                       entry_key(draft->links[i].entry));
        draft_drop(editing, i);
        return true;
    }
    return false;
}

/* For one more entry; a key that is known takes the place of its older one. */
static bool draft_has_place(const struct draft *draft, const struct codec_entry *said) {
    return draft->count < GOSSIP_ENTRY_MAXIMUM || draft_find(draft, said->key) < draft->count;
}

/* A longer value takes room as well. */
static bool draft_has_bytes(const struct editing *editing, const struct codec_entry *said) {
    const struct draft *draft = editing->draft;
    uint64_t bytes = ENTRY_OVERHEAD_BYTES + said->key.length + said->value.length;
    if (editing->gossip->news->state_bytes + bytes <= GOSSIP_STATE_BYTES_MAXIMUM)
        return true;
    size_t older = draft_find(draft, said->key);
    uint64_t older_bytes = older < draft->count ? entry_bytes(draft->links[older].entry) : 0;
    return bytes <= older_bytes ||
           editing->gossip->news->state_bytes - older_bytes + bytes <= GOSSIP_STATE_BYTES_MAXIMUM;
}

/* What the chain may no longer have goes first, even before the reset ends: of what is surely said
 * some would else be missing. */
static bool draft_make_room(const struct editing *editing, const struct codec_entry *said) {
    while (!draft_has_place(editing->draft, said) || !draft_has_bytes(editing, said))
        if (!draft_sweep_one(editing))
            return false;
    return true;
}

/* What a member cannot have said counts as known. What does not fit beside all that others say does
 * not, nor what follows it: it comes with a comparison once there is room. */
static bool draft_leave_out(const struct editing *editing, const struct codec_entry *said) {
    struct gossip *gossip = editing->gossip;
    gossip->counters.dropped_for_memory++;
    if (draft_has_bytes(editing, said))
        return true;
    if (!gossip->news->has_warned_of_room)
        log_line(gossip->log, LOG_WARN, "what all members say together is more than is kept",
                 LOG_F("maximum_bytes", GOSSIP_STATE_BYTES_MAXIMUM));
    gossip->news->has_warned_of_room = true;
    return false;
}

/* `priority`: to be told on with; NULL: not at all. False: it is not known here, for want of room.
 */
static bool draft_keep(const struct editing *editing, const struct codec_entry *said,
                       const enum gossip_priority *priority) {
    struct gossip *gossip = editing->gossip;
    struct draft *draft = editing->draft;
    size_t position = draft_find(draft, said->key);
    struct chain_link *known = position < draft->count ? &draft->links[position] : NULL;
    if (known != NULL && known->entry->version >= said->version &&
        !PLANTED(GOSSIP_VERSION_IGNORED)) {
        known->is_unconfirmed &= known->entry->version != said->version;
        return true;
    }
    if (PLANTED(GOSSIP_WALL_CLOCK_TRUSTED) && known != NULL &&
        known->entry->created_us > said->created_us)
        return true;
    bool is_shown = !said->is_removed || (known != NULL && !known->entry->is_removed);
    if (!draft_make_room(editing, said))
        return draft_leave_out(editing, said);
    struct entry *entry = draft_put(editing, said);
    if (priority != NULL)
        news_add(gossip, editing->member, entry, *priority);
    propagation_heard_entry(gossip, editing->member, entry, priority);
    if (is_shown)
        gossip_changed(gossip, GOSSIP_CHANGE_KEY, editing->member, said->key);
    return true;
}

static void draft_hear(const struct editing *editing, const struct codec_group *group,
                       const struct codec_entry *said, const enum gossip_priority *priority) {
    uint64_t floor = editing->draft->floor;
    if (group->floor < floor && said->version <= floor && !PLANTED(GOSSIP_FLOOR_IGNORED))
        return; /* from somebody who may not have heard of a removal that is forgotten by now */
    bool is_key = said->key.length > 0 && !(said->is_removed && said->version <= floor);
    if (is_key && !draft_keep(editing, said, priority))
        return;
    draft_advance(editing->draft, said->previous, said->version);
}

/* Who is told by several hears most of it again: that is looked at, and not put together anew. Not
 * within a reset, in which what is heard again counts. */
static bool state_knows(const struct member *member, const struct codec_wire *wire,
                        const struct codec_group *group) {
    const struct chain *chain = member->chain;
    struct cursor in = cursor_of(group->entries);
    struct codec_entry said;
    if (group->floor > chain->floor || !chain_is_whole(chain) || PLANTED(GOSSIP_VERSION_IGNORED))
        return false;
    while (cursor_left(&in) > 0) {
        codec_read_entry(&in, wire, &said);
        const struct entry *known = chain_find(chain, said.key);
        if (said.version > chain->version || known == NULL || known->version < said.version)
            return false;
    }
    return true;
}

/* All of it is known; what of it waits to be told here, the teller need not be told. */
static void state_heard_again(struct gossip *gossip, struct member *member,
                              const struct codec_wire *wire, const struct codec_group *group) {
    struct cursor in = cursor_of(group->entries);
    struct codec_entry said;
    while (member->news != NULL && cursor_left(&in) > 0) {
        codec_read_entry(&in, wire, &said);
        const struct entry *known = chain_find(member->chain, said.key);
        if (known->version == said.version)
            news_heard_again(gossip, member, known);
    }
}

void state_hear(struct gossip *gossip, const struct codec_wire *wire,
                const struct codec_group *group, const enum gossip_priority *priority) {
    struct member *member = member_find(gossip, group->uuid);
    if (member == NULL || member == gossip->self)
        return;
    if (member->shown.who->generation != group->generation &&
        !PLANTED(GOSSIP_EARLIER_LIFE_BELIEVED))
        return;
    if (state_knows(member, wire, group)) {
        state_heard_again(gossip, member, wire, group);
        return;
    }
    struct editing editing = state_open(gossip, member);
    if (group->floor > editing.draft->floor)
        draft_raise_floor(&editing, group->floor);
    struct cursor in = cursor_of(group->entries);
    struct codec_entry said;
    while (cursor_left(&in) > 0) {
        codec_read_entry(&in, wire, &said);
        draft_hear(&editing, group, &said, priority);
    }
    if (editing.draft->version >= editing.draft->floor)
        draft_sweep(&editing);
    state_close(&editing);
}
