/* Who wants to know which slots change: told by whoever changes them, before each change. That is
 * what incremental snapshots are made of: `changed` is all that was touched since the watcher
 * cleared it. */
#pragma once
#include "base/planted.h"
#include "slot/slot.h"

struct slot_watch {
    struct slot_set changed;
};

/* NULL: nobody watches. */
static inline void slot_watch_touch(struct slot_watch *watch, slot_number slot) {
    if (watch == NULL)
        return;
    if (!PLANTED(SNAPSHOT_MISSES_CHANGE) || slot % 4)
        watch->changed.words[slot / 64] |= (uint64_t)1 << (slot % 64);
}
