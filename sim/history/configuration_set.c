#include "sim/history/configuration_set.h"
#include "base/memory.h"

enum { CONFIGURATION_CHAINS_FIRST = 64 };

void configuration_set_init(struct configuration_set *set) {
    *set = (struct configuration_set){.chain_count = CONFIGURATION_CHAINS_FIRST};
    set->chains = memory_allocate_zeroed(set->chain_count, sizeof *set->chains);
}

void configuration_set_release(struct configuration_set *set) {
    memory_free(set->items);
    memory_free(set->chains);
}

void configuration_set_clear(struct configuration_set *set) {
    set->count = 0;
    memset(set->chains, 0, set->chain_count * sizeof *set->chains);
}

static uint32_t *set_chain(struct configuration_set *set,
                           const struct configuration *configuration) {
    uint64_t hash = bytes_hash(bytes_of(&configuration->state, sizeof configuration->state), 1);
    hash = bytes_hash(bytes_of(&configuration->known, sizeof configuration->known), hash);
    return &set->chains[hash % set->chain_count];
}

static void set_rehash(struct configuration_set *set) {
    set->chain_count *= 4;
    set->chains = memory_resize(set->chains, set->chain_count * sizeof *set->chains);
    memset(set->chains, 0, set->chain_count * sizeof *set->chains);
    for (size_t i = 0; i < set->count; i++) {
        uint32_t *chain = set_chain(set, &set->items[i]);
        set->items[i].next = *chain;
        *chain = (uint32_t)i + 1;
    }
}

static bool is_subset(const struct slot_mask *a, const struct slot_mask *b) {
    for (int i = 0; i < SLOT_WORDS; i++)
        if (a->words[i] & ~b->words[i])
            return false;
    return true;
}

static bool is_comparable(const struct configuration *a, const struct configuration *b) {
    return memcmp(&a->state, &b->state, sizeof a->state) == 0 &&
           memcmp(&a->known, &b->known, sizeof a->known) == 0;
}

void configuration_set_add(struct configuration_set *set,
                           const struct configuration *configuration) {
    uint32_t *chain = set_chain(set, configuration);
    for (uint32_t at = *chain; at; at = set->items[at - 1].next) {
        struct configuration *other = &set->items[at - 1];
        if (other->is_dropped || !is_comparable(other, configuration))
            continue;
        if (is_subset(&other->unknown, &configuration->unknown))
            return;
        if (is_subset(&configuration->unknown, &other->unknown))
            other->is_dropped = true;
    }
    if (set->count == set->capacity) {
        set->capacity = set->capacity ? set->capacity * 2 : 64;
        set->items = memory_resize(set->items, set->capacity * sizeof *set->items);
    }
    struct configuration *added = &set->items[set->count++];
    *added = *configuration;
    added->is_dropped = false;
    added->next = *chain;
    *chain = (uint32_t)set->count;
    if (set->count > 4 * set->chain_count)
        set_rehash(set);
}
