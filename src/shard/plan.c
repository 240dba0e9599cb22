#include "shard/plan.h"

#include "base/memory.h"

struct planning {
    struct plan *plan;
    const struct snapshot_manifest *base;
    const struct slot_set *changed;
    uint64_t wanted_bytes;  /* of a chunk */
    uint64_t *bytes_before; /* by slot: sum of all slots before it */
};

bool plan_is_changed(const struct snapshot_chunk *chunk, const struct slot_set *changed) {
    for (unsigned slot = chunk->first_slot; slot <= chunk->last_slot; slot++)
        if (slot_set_has(changed, (slot_number)slot))
            return true;
    return false;
}

static bool is_range(const struct snapshot_chunk *chunk, unsigned first, unsigned last) {
    return chunk->first_slot == first && chunk->last_slot == last;
}

/* The base's first chunk that reaches to this slot or lies behind it; NULL: none does. */
static const struct snapshot_chunk *base_chunk(const struct planning *planning, unsigned slot) {
    const struct snapshot_manifest *base = planning->base;
    uint32_t found = base ? snapshot_manifest_find(base, slot) : 0;
    return base && found < base->chunk_count ? &base->chunks[found] : NULL;
}

static void add_chunk(struct plan *plan, const struct snapshot_chunk *chunk, bool is_old) {
    plan->is_old[plan->chunk_count] = is_old;
    plan->chunks[plan->chunk_count++] = *chunk;
}

/* `before`: the base's first chunk there. */
static void add_range(struct planning *planning, unsigned first, unsigned last,
                      const struct snapshot_chunk *before) {
    const struct snapshot_chunk range = {.first_slot = (uint16_t)first,
                                         .last_slot = (uint16_t)last};
    bool is_old =
        before && is_range(before, first, last) && !plan_is_changed(before, planning->changed);
    if (!is_old) {
        planning->plan->new_bytes +=
            planning->bytes_before[last + 1] - planning->bytes_before[first];
        add_chunk(planning->plan, &range, false);
        return;
    }
    const struct snapshot_chunk *end = planning->base->chunks + planning->base->chunk_count;
    for (; before < end && is_range(before, first, last); before++)
        add_chunk(planning->plan, before, true);
}

/* The depth of this is the binary logarithm of the slots: 14. */
static void plan_range(struct planning *planning, unsigned first, unsigned count) {
    uint64_t bytes = planning->bytes_before[first + count] - planning->bytes_before[first];
    if (bytes == 0)
        return;
    unsigned last = first + count - 1;
    uint64_t limit_bytes = planning->wanted_bytes;
    const struct snapshot_chunk *before = base_chunk(planning, first);
    if (before && is_range(before, first, last))
        limit_bytes *= 2;
    else if (before && before->first_slot >= first && before->last_slot <= last)
        limit_bytes /= 2; /* it was halved before */
    if (count == 1 || bytes <= limit_bytes) {
        add_range(planning, first, last, before);
        return;
    }
    plan_range(planning, first, count / 2);
    plan_range(planning, first + count / 2, count / 2);
}

/* ---- the whole ---- */

static void fit(struct plan *plan, uint32_t chunk_count) {
    plan->capacity = chunk_count;
    plan->chunks = memory_resize(plan->chunks, chunk_count * sizeof *plan->chunks);
    plan->is_old = memory_resize(plan->is_old, chunk_count * sizeof *plan->is_old);
}

static void plan_slots(struct planning *planning, const struct snapshot_manifest *base) {
    planning->base = base;
    planning->plan->chunk_count = 0;
    planning->plan->new_bytes = 0;
    fit(planning->plan, SLOT_COUNT + (base ? base->chunk_count : 0));
    plan_range(planning, 0, SLOT_COUNT);
}

static void sum_slots(struct planning *planning, struct machine *machine) {
    planning->bytes_before = memory_allocate((SLOT_COUNT + 1) * sizeof(uint64_t));
    planning->bytes_before[0] = 0;
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        planning->bytes_before[slot + 1] =
            planning->bytes_before[slot] + machine->ops->slot_bytes(machine, (slot_number)slot);
    }
}

static uint64_t wanted_bytes(uint64_t chunk_bytes, uint64_t all_bytes) {
    uint64_t bytes = chunk_bytes >> PLAN_CHUNK_HALVINGS;
    while (bytes < chunk_bytes && bytes * PLAN_CHUNKS_WANTED < all_bytes)
        bytes *= 2;
    return bytes;
}

/* Parts that many earlier snapshots have cut may be more than one manifest can name. Then none of
 * them is kept. */
void plan_init(struct plan *plan, struct machine *machine, const struct snapshot_manifest *base,
               const struct slot_set *changed, uint64_t chunk_bytes) {
    *plan = (struct plan){.chunk_count = 0};
    struct planning planning = {.plan = plan, .changed = changed};
    sum_slots(&planning, machine);
    uint64_t all_bytes = planning.bytes_before[SLOT_COUNT];
    planning.wanted_bytes = wanted_bytes(chunk_bytes, all_bytes);
    plan_slots(&planning, base);
    if (plan->chunk_count > SNAPSHOT_CHUNK_COUNT_MAXIMUM)
        plan_slots(&planning, NULL);
    uint64_t least_bytes = all_bytes / PLAN_PARTS_MAXIMUM;
    plan->part_bytes =
        (size_t)(planning.wanted_bytes > least_bytes ? planning.wanted_bytes : least_bytes);
    memory_free(planning.bytes_before);
    fit(plan, plan->chunk_count + 1);
}

/* ---- parts ---- */

size_t plan_part_bytes(const struct plan *plan, uint32_t chunk) {
    const struct snapshot_chunk *range = &plan->chunks[chunk];
    bool may_have_parts =
        range->first_slot == range->last_slot && plan->chunk_count < SNAPSHOT_CHUNK_COUNT_MAXIMUM;
    return may_have_parts ? plan->part_bytes : SIZE_MAX;
}

void plan_add_part(struct plan *plan, uint32_t chunk) {
    uint32_t moved = plan->chunk_count++ - chunk;
    if (plan->chunk_count > plan->capacity)
        fit(plan, 2 * plan->chunk_count);
    memmove(&plan->chunks[chunk + 1], &plan->chunks[chunk], moved * sizeof *plan->chunks);
    memmove(&plan->is_old[chunk + 1], &plan->is_old[chunk], moved * sizeof *plan->is_old);
    plan->chunks[chunk + 1].state_hash = 0;
}

void plan_end_parts(struct plan *plan, uint32_t chunk) {
    plan->chunks[chunk - 1].state_hash += plan->chunks[chunk].state_hash;
    uint32_t moved = --plan->chunk_count - chunk;
    memmove(&plan->chunks[chunk], &plan->chunks[chunk + 1], moved * sizeof *plan->chunks);
    memmove(&plan->is_old[chunk], &plan->is_old[chunk + 1], moved * sizeof *plan->is_old);
}

void plan_release(struct plan *plan) {
    memory_free(plan->chunks);
    memory_free(plan->is_old);
    *plan = (struct plan){0};
}
