#include "shard/state/moments.h"

#include "base/memory.h"

static struct moments_entry *slot_of(const struct moments *moments, raft_index index) {
    return &moments->ring[index % MOMENTS_ENTRY_MAXIMUM];
}

static uint32_t since(const struct moments_entry *entry, uint64_t now_us) {
    uint64_t past_us = now_us > entry->begun_us ? now_us - entry->begun_us : 0;
    return past_us < UINT32_MAX ? (uint32_t)past_us + 1 : UINT32_MAX;
}

void moments_release(struct moments *moments) { memory_free(moments->ring); }

void moments_append(struct moments *moments, const struct raft_entry *entry, uint64_t begun_us,
                    uint64_t now_us) {
    if (!moments->ring)
        moments->ring = memory_allocate_zeroed(MOMENTS_ENTRY_MAXIMUM, sizeof *moments->ring);
    struct moments_entry *slot = slot_of(moments, entry->index);
    *slot =
        (struct moments_entry){.index = entry->index, .term = entry->term, .begun_us = begun_us};
    slot->reached_us[MOMENT_APPENDED] = since(slot, now_us);
}

/* The first that is still in the ring and not noted yet. */
static raft_index first_to_note(raft_index noted_to, raft_index index) {
    return index - noted_to > MOMENTS_ENTRY_MAXIMUM ? index - MOMENTS_ENTRY_MAXIMUM + 1
                                                    : noted_to + 1;
}

void moments_reach(struct moments *moments, enum moment stage, raft_index index, uint64_t now_us) {
    raft_index *noted_to = &moments->noted_to[stage];
    if (!moments->ring || index <= *noted_to)
        return;
    for (raft_index i = first_to_note(*noted_to, index); i <= index; i++) {
        struct moments_entry *slot = slot_of(moments, i);
        if (slot->index == i)
            slot->reached_us[stage] = since(slot, now_us);
    }
    *noted_to = index;
}

static unsigned furthest_back(const struct moments *moments) {
    unsigned furthest = 0;
    for (unsigned place = 1; place < MOMENTS_PEER_MAXIMUM; place++)
        if (moments->peers[place].noted_to < moments->peers[furthest].noted_to)
            furthest = place;
    return furthest;
}

/* Of an entry that stayed in the ring while nothing was noted something may be left. */
static void give_place(struct moments *moments, unsigned place, raft_node_number peer) {
    moments->peers[place].node = peer;
    moments->peers[place].noted_to = 0;
    for (unsigned i = 0; i < MOMENTS_ENTRY_MAXIMUM; i++)
        moments->ring[i].acknowledged_us[place] = 0;
}

/* Of who acknowledges an entry. MOMENTS_PEER_MAXIMUM: there is none. */
static unsigned place_of(struct moments *moments, raft_node_number peer, raft_index index) {
    for (unsigned place = 0; place < MOMENTS_PEER_MAXIMUM; place++)
        if (moments->peers[place].node == peer)
            return place;
    unsigned place = furthest_back(moments);
    raft_index noted_to = moments->peers[place].noted_to;
    if (noted_to != 0 && noted_to + MOMENTS_ENTRY_MAXIMUM > index)
        return MOMENTS_PEER_MAXIMUM;
    give_place(moments, place, peer);
    return place;
}

void moments_acknowledge(struct moments *moments, raft_node_number peer, raft_index index,
                         uint64_t now_us) {
    bool is_noted = moments->ring && index != 0;
    unsigned place = is_noted ? place_of(moments, peer, index) : MOMENTS_PEER_MAXIMUM;
    if (place == MOMENTS_PEER_MAXIMUM || index <= moments->peers[place].noted_to)
        return;
    for (raft_index i = first_to_note(moments->peers[place].noted_to, index); i <= index; i++) {
        struct moments_entry *slot = slot_of(moments, i);
        if (slot->index == i)
            slot->acknowledged_us[place] = since(slot, now_us);
    }
    moments->peers[place].noted_to = index;
}

static void fall_back(raft_index *noted_to, raft_index from) {
    if (*noted_to >= from)
        *noted_to = from - 1;
}

void moments_truncate(struct moments *moments, raft_index from) {
    for (unsigned i = 0; moments->ring && i < MOMENTS_ENTRY_MAXIMUM; i++)
        if (moments->ring[i].index >= from)
            moments->ring[i].index = 0;
    for (unsigned stage = 0; stage < MOMENT_COUNT; stage++)
        fall_back(&moments->noted_to[stage], from);
    for (unsigned place = 0; place < MOMENTS_PEER_MAXIMUM; place++)
        fall_back(&moments->peers[place].noted_to, from);
}

const struct moments_entry *moments_find(const struct moments *moments, raft_index index,
                                         raft_term term) {
    const struct moments_entry *slot = moments->ring ? slot_of(moments, index) : NULL;
    return slot && index != 0 && slot->index == index && slot->term == term ? slot : NULL;
}
