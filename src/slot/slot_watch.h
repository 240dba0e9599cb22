/* Who wants to know what changes: told by whoever changes it, before each change. That is what
 * incremental snapshots are made of: `changed` is all that was touched since the watcher cleared
 * it, by slot, and by part of those slots that it divides. */
#pragma once
#include "base/planted.h"
#include "slot/part_set.h"

struct slot_watch {
    struct part_set changed;
};

/* NULL: nobody watches. A slot that is not divided costs two looks at a bit. */
static inline void slot_watch_touch(struct slot_watch *watch, slot_number slot, struct bytes key) {
    if (watch == NULL || (PLANTED(SNAPSHOT_MISSES_CHANGE) && slot % 4 == 0))
        return;
    uint64_t bit = (uint64_t)1 << (slot % 64);
    watch->changed.slots.words[slot / 64] |= bit;
    if (watch->changed.divided.words[slot / 64] & bit)
        part_set_add_key(&watch->changed, slot, key);
}
/* All of the slot. */
static inline void slot_watch_touch_slot(struct slot_watch *watch, slot_number slot) {
    if (watch && (!PLANTED(SNAPSHOT_MISSES_CHANGE) || slot % 4))
        part_set_add(&watch->changed, slot_whole(slot));
}
