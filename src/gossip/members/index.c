#include "gossip/members/index.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/memory.h"
#include "gossip/members/member.h"

enum { INDEX_FEWEST_SLOTS = 16, PLACE_BITS = 15 };
static_assert(GOSSIP_MEMBER_MAXIMUM < 1 << PLACE_BITS, "a place must fit beside the mark");
#define PLACE_MASK ((uint32_t)(1 << PLACE_BITS) - 1)

/* 17 bits of the hash: a table of 32,768 slots is addressed by 15 of them. */
static uint32_t uuid_mark(const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    return (uint32_t)checksum_xxh64(bytes_of(uuid, GOSSIP_UUID_BYTES), 0) >> PLACE_BITS;
}

static uint32_t slot_mark(uint32_t slot) { return slot >> PLACE_BITS; }

static uint32_t slot_place(uint32_t slot) { return slot & PLACE_MASK; }

static void index_put(struct index *index, uint32_t slot) {
    size_t mask = index->slot_count - 1, at = slot_mark(slot) & mask;
    while (index->slots[at] != 0)
        at = (at + 1) & mask;
    index->slots[at] = slot;
}

static void index_grow(struct index *index) {
    struct index before = *index;
    index->slot_count = before.slot_count ? before.slot_count * 2 : INDEX_FEWEST_SLOTS;
    index->slots = memory_allocate_zeroed(index->slot_count, sizeof *index->slots);
    for (size_t i = 0; i < before.slot_count; i++)
        if (before.slots[i] != 0)
            index_put(index, before.slots[i]);
    memory_free(before.slots);
}

void index_add(struct index *index, const uint8_t uuid[GOSSIP_UUID_BYTES], size_t position) {
    CHECK(position < GOSSIP_MEMBER_MAXIMUM);
    if (index->count >= index->slot_count / 4 * 3)
        index_grow(index);
    index->count++;
    index_put(index, uuid_mark(uuid) << PLACE_BITS | ((uint32_t)position + 1));
}

/* The place in the next slot of that mark, from `at` on; 0: there is none. `at` is behind it then.
 */
static uint32_t index_next(const struct index *index, uint32_t mark, size_t *at) {
    size_t mask = index->slot_count - 1;
    for (;;) {
        uint32_t slot = index->slots[*at & mask];
        (*at)++;
        if (slot == 0 || slot_mark(slot) == mark)
            return slot_place(slot);
    }
}

static bool is_of(const struct member *member, const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    return memcmp(member->shown.who->uuid, uuid, GOSSIP_UUID_BYTES) == 0;
}

/* From the place found for that mark, whose next slot is `at`, on. */
static struct member *index_find_from(const struct index *index, struct member *const *members,
                                      const uint8_t uuid[GOSSIP_UUID_BYTES], uint32_t place,
                                      size_t at) {
    while (place != 0 && !is_of(members[place - 1], uuid))
        place = index_next(index, uuid_mark(uuid), &at);
    return place != 0 ? members[place - 1] : NULL;
}

struct member *index_find(const struct index *index, struct member *const *members,
                          const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    if (index->count == 0)
        return NULL;
    uint32_t mark = uuid_mark(uuid);
    size_t at = mark;
    uint32_t place = index_next(index, mark, &at);
    return index_find_from(index, members, uuid, place, at);
}

void index_find_all(const struct index *index, struct member *const *members,
                    const uint8_t *const *uuids, size_t count, struct member **found) {
    uint32_t marks[INDEX_FIND_MAXIMUM], places[INDEX_FIND_MAXIMUM];
    size_t ats[INDEX_FIND_MAXIMUM];
    CHECK(count <= INDEX_FIND_MAXIMUM && index->count > 0);
    for (size_t i = 0; i < count; i++) {
        marks[i] = uuid_mark(uuids[i]);
        memory_fetch(&index->slots[marks[i] & (index->slot_count - 1)]);
    }
    for (size_t i = 0; i < count; i++) {
        ats[i] = marks[i];
        places[i] = index_next(index, marks[i], &ats[i]);
        if (places[i] != 0)
            memory_fetch(&members[places[i] - 1]);
    }
    for (size_t i = 0; i < count; i++)
        if (places[i] != 0)
            memory_fetch(members[places[i] - 1]);
    for (size_t i = 0; i < count; i++)
        if (places[i] != 0) {
            memory_fetch(members[places[i] - 1]->shown.who);
            memory_fetch(members[places[i] - 1]->suspicion);
        }
    for (size_t i = 0; i < count; i++)
        found[i] = index_find_from(index, members, uuids[i], places[i], ats[i]);
}

void index_fetch(const struct index *index, const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    if (index->count > 0)
        memory_fetch(&index->slots[uuid_mark(uuid) & (index->slot_count - 1)]);
}

size_t index_guess(const struct index *index, const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    if (index->count == 0)
        return 0;
    uint32_t mark = uuid_mark(uuid);
    size_t at = mark;
    return index_next(index, mark, &at);
}

void index_clear(struct index *index) {
    if (index->slot_count > 0)
        memset(index->slots, 0, index->slot_count * sizeof *index->slots);
    index->count = 0;
}

void index_release(struct index *index) {
    memory_free(index->slots);
    *index = (struct index){0};
}
