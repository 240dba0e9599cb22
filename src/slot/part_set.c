#include "slot/part_set.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/planted.h"

void part_set_clear(struct part_set *set) {
    for (unsigned slot = 0; set->parts && slot < SLOT_COUNT; slot++)
        memory_free(set->parts[slot]);
    memory_free(set->parts);
    *set = (struct part_set){.parts = NULL};
}

struct part_set part_set_take(struct part_set *set) {
    struct part_set taken = *set;
    *set = (struct part_set){.parts = NULL};
    return taken;
}

static struct part_bits *parts_of(const struct part_set *set, slot_number slot) {
    return slot_set_has(&set->divided, slot) ? set->parts[slot] : NULL;
}

void part_set_divide(struct part_set *set, slot_number slot) {
    if (slot_set_has(&set->divided, slot))
        return;
    CHECK(!slot_set_has(&set->slots, slot));
    if (set->parts == NULL)
        set->parts = memory_allocate_zeroed(SLOT_COUNT, sizeof *set->parts);
    set->parts[slot] = memory_allocate_zeroed(1, sizeof *set->parts[slot]);
    slot_set_add(&set->divided, slot);
}

/* ---- adding ---- */

/* A part's first share of the finest division. */
static unsigned first_share(struct slot_part part) {
    return (unsigned)part.number << (SLOT_PART_BITS_MAXIMUM - part.bits);
}

static unsigned end_share(struct slot_part part) {
    return (part.number + 1u) << (SLOT_PART_BITS_MAXIMUM - part.bits);
}

static void add_share(struct part_bits *parts, uint64_t share) {
    parts->words[share / 64] |= (uint64_t)1 << (share % 64);
}

void part_set_add(struct part_set *set, struct slot_part part) {
    struct part_bits *parts = parts_of(set, part.slot);
    slot_set_add(&set->slots, part.slot);
    for (unsigned share = first_share(part); parts && share < end_share(part); share++)
        add_share(parts, share);
}

void part_set_add_key(struct part_set *set, slot_number slot, struct bytes key) {
    struct part_bits *parts = parts_of(set, slot);
    slot_set_add(&set->slots, slot);
    uint64_t share = slot_part_number(slot_part_hash(key), SLOT_PART_BITS_MAXIMUM);
    if (parts)
        add_share(parts, PLANTED(SNAPSHOT_MISSES_PART) ? share ^ (SLOT_PARTS_MAXIMUM / 2) : share);
}

void part_set_add_all(struct part_set *set) {
    part_set_clear(set);
    memset(&set->slots, 0xff, sizeof set->slots);
}

void part_set_add_set(struct part_set *set, const struct part_set *other) {
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        if (!slot_set_has(&other->slots, (slot_number)slot))
            continue;
        struct part_bits *parts = parts_of(set, (slot_number)slot);
        const struct part_bits *added = parts_of(other, (slot_number)slot);
        if (parts == NULL || added == NULL)
            part_set_add(set, slot_whole((slot_number)slot));
        for (unsigned i = 0; parts && added && i < SLOT_PARTS_MAXIMUM / 64; i++)
            parts->words[i] |= added->words[i];
        slot_set_add(&set->slots, (slot_number)slot);
    }
}

/* ---- asking ---- */

static bool has_share(const struct part_bits *parts, uint64_t share) {
    return parts->words[share / 64] >> (share % 64) & 1;
}

static bool has_any(const struct part_bits *parts, unsigned share, unsigned end) {
    while (share < end && !has_share(parts, share))
        share++;
    return share < end;
}

bool part_set_has(const struct part_set *set, struct slot_part part) {
    const struct part_bits *parts = parts_of(set, part.slot);
    return slot_set_has(&set->slots, part.slot) &&
           (parts == NULL || has_any(parts, first_share(part), end_share(part)));
}

bool part_set_has_key(const struct part_set *set, slot_number slot, struct bytes key) {
    const struct part_bits *parts = parts_of(set, slot);
    return slot_set_has(&set->slots, slot) &&
           (parts == NULL ||
            has_share(parts, slot_part_number(slot_part_hash(key), SLOT_PART_BITS_MAXIMUM)));
}

bool part_set_has_behind(const struct part_set *set, struct slot_part part) {
    const struct part_bits *parts = parts_of(set, part.slot);
    return slot_set_has(&set->slots, part.slot) && parts != NULL &&
           has_any(parts, end_share(part), SLOT_PARTS_MAXIMUM);
}
