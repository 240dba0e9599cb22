#include "gossip/index.h"
#include "base/checksum.h"
#include "base/memory.h"
#include "gossip/instance.h"

enum { INDEX_FEWEST_SLOTS = 16 };

static uint32_t uuid_mark(const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    return (uint32_t)checksum_xxh64(bytes_of(uuid, GOSSIP_UUID_BYTES), 0);
}

static void index_put(struct index *index, struct index_slot slot) {
    size_t mask = index->slot_count - 1, at = slot.mark & mask;
    while (index->slots[at].place != 0)
        at = (at + 1) & mask;
    index->slots[at] = slot;
}

static void index_grow(struct index *index) {
    struct index before = *index;
    index->slot_count = before.slot_count ? before.slot_count * 2 : INDEX_FEWEST_SLOTS;
    index->slots = memory_allocate_zeroed(index->slot_count, sizeof *index->slots);
    for (size_t i = 0; i < before.slot_count; i++)
        if (before.slots[i].place != 0)
            index_put(index, before.slots[i]);
    memory_free(before.slots);
}

void index_add(struct index *index, const uint8_t uuid[GOSSIP_UUID_BYTES], size_t position) {
    if (index->count >= index->slot_count / 4 * 3)
        index_grow(index);
    index->count++;
    index_put(index, (struct index_slot){.mark = uuid_mark(uuid), .place = (uint32_t)position + 1});
}

struct member *index_find(const struct index *index, struct member *const *members,
                          const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    if (index->count == 0)
        return NULL;
    uint32_t mark = uuid_mark(uuid);
    size_t mask = index->slot_count - 1;
    for (size_t at = mark & mask; index->slots[at].place != 0; at = (at + 1) & mask) {
        if (index->slots[at].mark != mark)
            continue;
        struct member *member = members[index->slots[at].place - 1];
        if (memcmp(member->shown.who->uuid, uuid, GOSSIP_UUID_BYTES) == 0)
            return member;
    }
    return NULL;
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
