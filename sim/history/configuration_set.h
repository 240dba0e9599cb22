/* A set of configurations (see linearizable.h) that keeps, of equal states and equal known
 * operations, only those with the least of unknown ones. Walked by position while it grows. */
#pragma once
#include "sim/history/linearizable.h"

enum { SLOT_WORDS = LINEARIZABLE_UNDER_WAY_MAXIMUM / 64 };

struct slot_mask {
    uint64_t words[SLOT_WORDS];
};
static inline bool slot_mask_has(const struct slot_mask *mask, unsigned slot) {
    return mask->words[slot / 64] >> (slot % 64) & 1;
}
static inline void slot_mask_add(struct slot_mask *mask, unsigned slot) {
    mask->words[slot / 64] |= (uint64_t)1 << (slot % 64);
}
static inline void slot_mask_remove(struct slot_mask *mask, unsigned slot) {
    mask->words[slot / 64] &= ~((uint64_t)1 << (slot % 64));
}

struct configuration {
    struct model_state state;
    struct slot_mask known, unknown; /* operations under way that have taken effect */
    bool is_dropped;
    uint32_t next; /* in its chain, + 1 */
};

struct configuration_set {
    struct configuration *items;
    size_t count, capacity;
    uint32_t *chains; /* heads, + 1 */
    size_t chain_count;
};

void configuration_set_init(struct configuration_set *set);
void configuration_set_release(struct configuration_set *set);
void configuration_set_clear(struct configuration_set *set);
void configuration_set_add(struct configuration_set *set,
                           const struct configuration *configuration);
