/* Who wants to know which slots change: told by whoever changes them, before each change.
 *
 *      slot_watch_touch(slot) --> changed: all that was touched since the watcher cleared it
 *                             --> awaited: before_change(slot) comes first, which takes it out
 *
 * That is what incremental snapshots, taken while the data changes, are made of. */
#pragma once
#include "base/planted.h"
#include "slot/slot.h"

struct slot_watch {
    struct slot_set changed, awaited;
    void (*before_change)(void *context, slot_number slot);
    void *context;
};

/* NULL: nobody watches. */
static inline void slot_watch_touch(struct slot_watch *watch, slot_number slot) {
    if (watch == NULL)
        return;
    uint64_t bit = (uint64_t)1 << (slot % 64);
    if (!PLANTED(SNAPSHOT_MISSES_CHANGE) || slot % 4)
        watch->changed.words[slot / 64] |= bit;
    if (watch->awaited.words[slot / 64] & bit)
        watch->before_change(watch->context, slot);
}
